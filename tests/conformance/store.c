/*
 * What every store must do. Real time is used, with short lives, and only ever
 * as a lower bound: nothing here asks a store to be fast.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "conformance/call.h"
#include "conformance/contract.h"
#include "conformance/harness.h"
#include "conformance/suites.h"

#define LONG_MS	 600000 /* longer than any test */
#define SHORT_MS 400	/* a life that a test waits for */
#define SLACK_MS 10	/* a store counts with a clock of its own, maybe whole milliseconds */
#define POLL_MS	 15

/* A key nobody has used, with an owner of its own. */
struct owned {
	char bytes[128];
	unsigned char token[OW_TOKEN_SIZE], other[OW_TOKEN_SIZE];
	struct claim claim; /* under token */
};

static void new_key(struct rig *rig, struct owned *o, int64_t lock_ms, int64_t window_ms)
{
	unsigned char unique[12];
	random_system(unique, sizeof(unique));
	size_t at = (size_t)sprintf(o->bytes, "conformance:");
	for (size_t i = 0; i < sizeof(unique); i++)
		at += (size_t)sprintf(o->bytes + at, "%02x", unique[i]);
	random_fill(rig_random(rig), o->token, sizeof(o->token));
	random_fill(rig_random(rig), o->other, sizeof(o->other));
	o->claim = (struct claim){.key = text_span(o->bytes, at),
	    .token = o->token,
	    .lock_ms = lock_ms,
	    .window_ms = window_ms};
}

/* The same key, by somebody else. */
static struct claim by_other(const struct owned *o)
{
	struct claim other = o->claim;
	other.token = o->other;
	return other;
}

static const struct ow_result *result_of(const char *body)
{
	static struct ow_result result;
	result = (struct ow_result){.size = sizeof(result),
	    .status = 200,
	    .content_type = text_of("application/json"),
	    .body = text_of(body)};
	return &result;
}

/* ---- one call each, with what it must answer ---- */

static struct call *asked(struct rig *rig, unsigned worker, const struct claim *claim)
{
	struct call *c = call_claim(rig, worker, claim);
	call_make(c);
	EXPECT(c->op.rc == OW_OK, "a claim can be asked for (OK)", "%s: %s", rc_name(c->op.rc),
	    c->op.why);
	return c;
}

static struct call *expect_state(struct rig *rig, unsigned worker, const struct claim *claim,
    enum ow_claim_state state, const char *when)
{
	char expected[160];
	struct call *c = asked(rig, worker, claim);
	snprintf(expected, sizeof(expected), "claim() answers %s %s", state_name(state), when);
	EXPECT(c->op.answer.state == state, expected, "%s", state_name(c->op.answer.state));
	return c;
}

static void expect_rc(struct call *c, enum ow_rc rc, const char *when)
{
	char expected[160];
	call_make(c);
	snprintf(expected, sizeof(expected), "%s: %s", when, rc_name(rc));
	EXPECT(c->op.rc == rc, expected, "%s%s%s", rc_name(c->op.rc), c->op.why[0] ? ": " : "",
	    c->op.why);
}

static void expect_done(struct rig *rig, unsigned worker, const struct claim *claim,
    const struct ow_result *result, const char *when)
{
	struct call *c = expect_state(rig, worker, claim, OW_CLAIM_DONE, when);
	const struct ow_result *kept = c->op.answer.result;
	EXPECT(kept, "the result is there (give options with which results are kept)",
	    "no result");
	EXPECT(kept->status == result->status, "the result's own status", "%d instead of %d",
	    kept->status, result->status);
	EXPECT(kept->failed == result->failed, "the result's `failed` as it was committed",
	    "%s", kept->failed ? "true" : "false");
	EXPECT(text_equal(kept->content_type, result->content_type),
	    "the result's own content type", "`%.*s` instead of `%.*s`",
	    (int)kept->content_type.len, kept->content_type.data, (int)result->content_type.len,
	    result->content_type.data);
	EXPECT(text_equal(kept->body, result->body), "the result's own body",
	    "%zu bytes `%.*s` instead of %zu bytes `%.*s`", kept->body.len,
	    (int)(kept->body.len < 60 ? kept->body.len : 60), kept->body.data, result->body.len,
	    (int)(result->body.len < 60 ? result->body.len : 60), result->body.data);
}

static struct rig *two_workers(const struct subject *subject)
{
	return rig_new(subject, &(struct rig_options){.workers = 2});
}

/*
 * Asks for the key until it is new; returns when that was answered. A claim
 * that finds it so holds it under `other`.
 */
static int64_t wait_until_new(struct rig *rig, const struct owned *o, const char *what)
{
	struct claim other = by_other(o);
	int64_t give_up = rig_now(rig) + EVENTUALLY_MS;
	other.lock_ms = LONG_MS;
	for (unsigned n = 0;; n++) {
		struct call *c = asked(rig, n, &other);
		if (c->op.answer.state == OW_CLAIM_NEW)
			return c->finished_ms;
		EXPECT(c->finished_ms < give_up, what, "%s still, after %d s",
		    state_name(c->op.answer.state), EVENTUALLY_MS / 1000);
		rig_sleep(POLL_MS);
	}
}

static void expect_not_before(int64_t came, int64_t least, const char *expected)
{
	EXPECT(
	    came + SLACK_MS >= least, expected, "%lld ms too early", (long long)(least - came));
}

/* ---- states ---- */

static void test_states(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	new_key(rig, &o, LONG_MS, LONG_MS);
	struct claim other = by_other(&o);
	contract(RULE_NEW);
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	contract(RULE_IN_PROGRESS);
	struct call *c = expect_state(rig, 0, &other, OW_CLAIM_IN_PROGRESS, "while it is held");
	EXPECT(c->op.answer.remaining_ms >= -1 && c->op.answer.remaining_ms <= LONG_MS,
	    "remaining_ms between 0 and lock_ms, or -1", "%lld",
	    (long long)c->op.answer.remaining_ms);
	contract(RULE_COMMIT);
	int64_t before = rig_now(rig);
	expect_rc(call_commit(rig, 0, &o.claim, result_of("{}")), OW_OK, "the owner commits");
	contract(RULE_DONE);
	c = expect_state(rig, 0, &other, OW_CLAIM_DONE, "once it is committed");
	EXPECT(c->op.answer.age_ms >= -1 &&
		   c->op.answer.age_ms <= c->finished_ms - before + SLACK_MS,
	    "age_ms between 0 and the time since the commit, or -1", "%lld",
	    (long long)c->op.answer.age_ms);
	rig_free(rig);
}

static void test_shared(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	new_key(rig, &o, LONG_MS, LONG_MS);
	struct claim other = by_other(&o);
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	expect_state(rig, 1, &other, OW_CLAIM_IN_PROGRESS, "to the instance of another worker");
	expect_rc(
	    call_commit(rig, 0, &o.claim, result_of("{\"n\":1}")), OW_OK, "the owner commits");
	expect_done(
	    rig, 1, &other, result_of("{\"n\":1}"), "to the instance of another worker");
	rig_free(rig);
}

/* ---- exactly one ---- */

#define RACE_MS	    2000 /* at least; luck is needed to see what is wrong */
#define RACE_KEYS   64
#define RACE_COPIES 8 /* on each worker */
#define RACE_CLAIMS (RACE_KEYS * RACE_COPIES * WORKERS_MAX)

struct race {
	struct owned keys[RACE_KEYS];
	unsigned char tokens[RACE_CLAIMS][OW_TOKEN_SIZE];
	struct call *calls[RACE_CLAIMS];
	struct call *winners[RACE_KEYS];
};

#define RACE_OF_KEY (RACE_COPIES * WORKERS_MAX)

/* Every key is claimed by all at the same time; notes who has won. */
static void race_once(struct rig *rig, struct race *race, int64_t lock_ms)
{
	for (size_t i = 0; i < RACE_CLAIMS; i++) {
		struct claim claim = race->keys[i / RACE_OF_KEY].claim;
		random_fill(rig_random(rig), race->tokens[i], OW_TOKEN_SIZE);
		claim.token = race->tokens[i];
		claim.lock_ms = lock_ms;
		race->calls[i] = call_claim(rig, (unsigned)(i % WORKERS_MAX), &claim);
	}
	for (size_t i = 0; i < RACE_CLAIMS; i += RACE_OF_KEY)
		calls_begin(rig, race->calls + i, RACE_OF_KEY);
	memset(race->winners, 0, sizeof(race->winners));
	for (size_t i = 0; i < RACE_CLAIMS; i++) {
		struct call *c = race->calls[i], **winner;
		winner = &race->winners[i / RACE_OF_KEY];
		call_await(c);
		EXPECT(c->op.rc == OW_OK, "a claim can be asked for (OK)", "%s: %s",
		    rc_name(c->op.rc), c->op.why);
		EXPECT(c->op.answer.state == OW_CLAIM_NEW ||
			   c->op.answer.state == OW_CLAIM_IN_PROGRESS,
		    "NEW or IN PROGRESS for a key that nobody has finished", "%s",
		    state_name(c->op.answer.state));
		if (c->op.answer.state != OW_CLAIM_NEW)
			continue;
		EXPECT(!*winner, "one claim of many for one key gets NEW",
		    "a second NEW for %s: on worker %u, after one on worker %u", c->what,
		    c->worker, (*winner)->worker);
		*winner = c;
	}
}

static size_t winners(const struct race *race)
{
	size_t count = 0;
	for (size_t i = 0; i < RACE_KEYS; i++)
		count += race->winners[i] != NULL;
	return count;
}

static struct race *race_new(struct rig *rig)
{
	struct race *race = mem_zero(sizeof(*race));
	for (size_t i = 0; i < RACE_KEYS; i++)
		new_key(rig, &race->keys[i], LONG_MS, LONG_MS);
	return race;
}

/* What the winner of a race claimed with: its call has forgotten it. */
static struct claim winning_claim(const struct race *race, size_t key)
{
	struct claim claim = race->keys[key].claim;
	for (size_t i = 0; i < RACE_CLAIMS; i++)
		if (race->calls[i] == race->winners[key])
			claim.token = race->tokens[i];
	return claim;
}

static void test_race(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct race *race = race_new(rig);
	for (int64_t until = rig_now(rig) + RACE_MS; rig_now(rig) < until;) {
		race_once(rig, race, LONG_MS);
		EXPECT(winners(race) == RACE_KEYS, "each key is NEW for one of its claims",
		    "%zu of %d keys", winners(race), RACE_KEYS);
		for (size_t i = 0; i < RACE_KEYS; i++) {
			struct claim claim = winning_claim(race, i);
			expect_rc(call_release(rig, race->winners[i]->worker, &claim), OW_OK,
			    "the owner releases");
		}
		rig_forget(rig);
	}
	free(race);
	rig_free(rig);
}

static void test_race_expired(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct race *race = race_new(rig);
	for (size_t i = 0; i < RACE_KEYS; i++) {
		struct claim claim = race->keys[i].claim;
		claim.lock_ms = SHORT_MS;
		expect_state(rig, 0, &claim, OW_CLAIM_NEW, "for a key never seen");
	}
	rig_sleep(SHORT_MS);
	size_t taken = 0;
	int64_t give_up = rig_now(rig) + EVENTUALLY_MS;
	/* A key taken in one round stays taken, so rounds together give one NEW each. */
	while (taken < RACE_KEYS) {
		race_once(rig, race, LONG_MS);
		taken += winners(race);
		EXPECT(taken <= RACE_KEYS, "one new owner for each expired claim",
		    "%zu for %d keys", taken, RACE_KEYS);
		EXPECT(rig_now(rig) < give_up || taken == RACE_KEYS,
		    "expired claims can be taken over", "%zu of %d, after %d s", taken,
		    RACE_KEYS, EVENTUALLY_MS / 1000);
		rig_sleep(POLL_MS);
	}
	free(race);
	rig_free(rig);
}

/* ---- lives ---- */

static void test_lock(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	new_key(rig, &o, SHORT_MS, LONG_MS);
	struct call *c = expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	int64_t taken = wait_until_new(rig, &o, "an expired claim is taken over");
	expect_not_before(
	    taken, c->begun_ms + SHORT_MS, "no takeover before lock_ms have passed");
	struct claim other = by_other(&o);
	contract(RULE_TOKEN);
	expect_rc(call_renew(rig, 0, &o.claim), OW_REJECT, "the late owner renews");
	expect_rc(call_commit(rig, 0, &o.claim, result_of("{\"late\":true}")), OW_REJECT,
	    "the late owner commits");
	expect_rc(call_release(rig, 0, &o.claim), OW_REJECT, "the late owner releases");
	expect_state(rig, 1, &o.claim, OW_CLAIM_IN_PROGRESS, "for its new owner holds it");
	expect_rc(call_commit(rig, 1, &other, result_of("{\"n\":2}")), OW_OK,
	    "the new owner commits");
	expect_done(rig, 0, &o.claim, result_of("{\"n\":2}"), "with the new owner's result");
	rig_free(rig);
}

static void test_renew(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	int64_t lock_ms = 3 * SHORT_MS;
	struct call *renewed = NULL;
	/* A machine that stops for as long as the claim lives proves nothing: again, longer. */
	for (int attempt = 0; attempt < 4; attempt++, lock_ms *= 3) {
		new_key(rig, &o, lock_ms, LONG_MS);
		expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
		int64_t claimed = rig_now(rig);
		rig_sleep(lock_ms / 2);
		renewed = call_renew(rig, 0, &o.claim);
		call_make(renewed);
		if (renewed->op.rc == OW_OK)
			break;
		EXPECT(renewed->finished_ms >= claimed + lock_ms / 2 + lock_ms / 4,
		    "the owner renews an unfinished claim: OK", "%s: %s",
		    rc_name(renewed->op.rc), renewed->op.why);
	}
	int64_t taken = wait_until_new(rig, &o, "a renewed claim ends too");
	expect_not_before(taken, renewed->begun_ms + lock_ms,
	    "a renewed claim lives for lock_ms from then on");
	rig_free(rig);
}

static void test_window(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	new_key(rig, &o, LONG_MS, SHORT_MS);
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	struct call *c = call_commit(rig, 0, &o.claim, result_of("{}"));
	expect_rc(c, OW_OK, "the owner commits");
	/* Being asked for again and again must not keep it, as its window is fixed. */
	int64_t came = wait_until_new(rig, &o, "a key is new again after its window");
	expect_not_before(came, c->begun_ms + SHORT_MS, "a key is remembered for window_ms");
	rig_free(rig);
}

/* A window may be shorter than what is left of the lock, which must not show through. */
static void test_sliding(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	int64_t window_ms = 3 * SHORT_MS;
	struct call *slid = NULL;
	for (int attempt = 0; attempt < 4; attempt++, window_ms *= 3) {
		new_key(rig, &o, LONG_MS, window_ms);
		struct claim sliding = by_other(&o);
		sliding.sliding = true;
		expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
		expect_rc(
		    call_commit(rig, 0, &o.claim, result_of("{}")), OW_OK, "the owner commits");
		rig_sleep(window_ms / 2);
		slid = asked(rig, 1, &sliding);
		if (slid->op.answer.state == OW_CLAIM_DONE)
			break;
	}
	EXPECT(slid->op.answer.state == OW_CLAIM_DONE, "DONE inside the window", "%s",
	    state_name(slid->op.answer.state));
	int64_t came = wait_until_new(rig, &o, "a key is new again after its window");
	expect_not_before(came, slid->begun_ms + window_ms,
	    "a sliding claim that finds the key finished gives it window_ms from then on");
	rig_free(rig);
}

static void test_release(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	new_key(rig, &o, LONG_MS, LONG_MS);
	struct claim other = by_other(&o);
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	expect_rc(call_release(rig, 0, &o.claim), OW_OK, "the owner releases");
	expect_state(rig, 1, &other, OW_CLAIM_NEW, "for a key that was released");
	rig_free(rig);
}

/* ---- tokens ---- */

static void test_wrong_token(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	unsigned char third[OW_TOKEN_SIZE];
	new_key(rig, &o, LONG_MS, LONG_MS);
	struct claim wrong = by_other(&o), asking = o.claim;
	random_fill(rig_random(rig), third, sizeof(third));
	asking.token = third;
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	/* The most similar token there is. */
	memcpy(o.other, o.token, OW_TOKEN_SIZE);
	o.other[OW_TOKEN_SIZE - 1] ^= 1;
	expect_rc(call_renew(rig, 0, &wrong), OW_REJECT, "another token renews");
	expect_rc(call_release(rig, 0, &wrong), OW_REJECT, "another token releases");
	expect_state(rig, 1, &asking, OW_CLAIM_IN_PROGRESS, "after another token's release");
	expect_rc(call_commit(rig, 0, &wrong, result_of("{\"wrong\":1}")), OW_REJECT,
	    "another token commits");
	expect_state(rig, 1, &asking, OW_CLAIM_IN_PROGRESS, "after another token's commit");
	expect_rc(call_commit(rig, 0, &o.claim, result_of("{\"right\":1}")), OW_OK,
	    "the owner commits");
	expect_rc(call_commit(rig, 0, &wrong, result_of("{\"wrong\":2}")), OW_REJECT,
	    "another token commits what is finished");
	expect_rc(
	    call_release(rig, 0, &wrong), OW_REJECT, "another token releases what is finished");
	expect_done(rig, 1, &asking, result_of("{\"right\":1}"), "with the owner's result");
	rig_free(rig);
}

/* A renewal by a stranger must not keep the claim alive. */
static void test_wrong_renew(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	new_key(rig, &o, SHORT_MS, LONG_MS);
	struct claim wrong = by_other(&o);
	wrong.lock_ms = LONG_MS;
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	expect_rc(call_renew(rig, 1, &wrong), OW_REJECT, "another token renews");
	wait_until_new(rig, &o, "the claim ends when its own lock_ms have passed");
	rig_free(rig);
}

static void test_never_claimed(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	new_key(rig, &o, LONG_MS, LONG_MS);
	expect_rc(call_renew(rig, 0, &o.claim), OW_REJECT, "renewing what nobody holds");
	expect_rc(call_commit(rig, 0, &o.claim, result_of("{}")), OW_REJECT,
	    "committing what nobody holds");
	expect_rc(call_release(rig, 0, &o.claim), OW_REJECT, "releasing what nobody holds");
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key that nobody held");
	rig_free(rig);
}

static void test_after_commit(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned o;
	new_key(rig, &o, LONG_MS, LONG_MS);
	struct claim other = by_other(&o);
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	expect_rc(
	    call_commit(rig, 0, &o.claim, result_of("{\"n\":1}")), OW_OK, "the owner commits");
	expect_rc(call_release(rig, 0, &o.claim), OW_REJECT, "releasing after the commit");
	expect_rc(call_renew(rig, 0, &o.claim), OW_REJECT, "renewing after the commit");
	struct call *twice = call_commit(rig, 0, &o.claim, result_of("{\"n\":1}"));
	call_make(twice);
	EXPECT(twice->op.rc == OW_OK || twice->op.rc == OW_REJECT,
	    "committing twice: REJECT, or OK if it is taken for the same", "%s: %s",
	    rc_name(twice->op.rc), twice->op.why);
	expect_done(rig, 1, &other, result_of("{\"n\":1}"), "with the result of the commit");
	rig_free(rig);
}

/* ---- what is kept ---- */

static void test_results(const struct subject *subject)
{
	static const char nul[] = "a\0b\0";
	const struct ow_result results[] = {
	    {.status = 200, .content_type = text_of(""), .body = text_of("")},
	    {.status = 204, .content_type = text_of("application/json"), .body = text_of("")},
	    {.status = 200, .content_type = text_of(""), .body = text_of("plain")},
	    {.status = 422,
		.content_type = text_of("text/plain; charset=utf-8"),
		.body = text_of("gr\xc3\xbc\xc3\x9f dich"),
		.failed = true},
	    {.status = 599, .content_type = text_of("x/y"), .body = text_span(nul, 4)},
	    {.status = 502,
		.content_type = text_of("application/octet-stream"),
		.body = text_of("\xff\xfe\x80\x01\r\n"),
		.failed = true},
	};
	struct rig *rig = two_workers(subject);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		struct owned o;
		new_key(rig, &o, LONG_MS, LONG_MS);
		struct claim other = by_other(&o);
		expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
		expect_rc(
		    call_commit(rig, 0, &o.claim, &results[i]), OW_OK, "the owner commits");
		expect_done(rig, 1, &other, &results[i], "with the result as committed");
	}
	rig_free(rig);
}

/* What is too large for it, a store may leave out, but not cut. */
static void test_large_results(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	for (size_t size = 1000; size <= 10000000; size *= 100) {
		struct owned o;
		new_key(rig, &o, LONG_MS, LONG_MS);
		struct claim other = by_other(&o);
		char *body = mem_alloc(size);
		random_fill(rig_random(rig), body, size);
		const struct ow_result result = {.size = sizeof(result),
		    .status = 201,
		    .content_type = text_of("application/json"),
		    .body = text_span(body, size)};
		expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
		expect_rc(call_commit(rig, 0, &o.claim, &result), OW_OK, "the owner commits");
		struct call *c = expect_state(rig, 1, &other, OW_CLAIM_DONE, "afterwards");
		const struct ow_result *kept = c->op.answer.result;
		EXPECT(!kept || kept->status == 201, "the status, if there is a result", "%d",
		    kept->status);
		EXPECT(!kept || kept->body.len == 0 || text_equal(kept->body, result.body),
		    "the whole body, or none", "%zu of %zu bytes, or others", kept->body.len,
		    size);
		free(body);
	}
	rig_free(rig);
}

static void test_digest(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	unsigned char first[OW_DIGEST_SIZE], second[OW_DIGEST_SIZE];
	struct owned o;
	random_fill(rig_random(rig), first, sizeof(first));
	random_fill(rig_random(rig), second, sizeof(second));
	new_key(rig, &o, LONG_MS, LONG_MS);
	struct claim other = by_other(&o);
	o.claim.digest = first;
	other.digest = second;
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	expect_state(rig, 1, &other, OW_CLAIM_IN_PROGRESS, "while it is held");
	expect_rc(call_commit(rig, 0, &o.claim, result_of("{}")), OW_OK, "the owner commits");
	struct call *c = expect_state(rig, 1, &other, OW_CLAIM_DONE, "once it is committed");
	EXPECT(c->op.answer.digest && memcmp(c->op.answer.digest, first, sizeof(first)) == 0,
	    "the digest of the payload that was committed", "%s",
	    !c->op.answer.digest				       ? "none"
	    : memcmp(c->op.answer.digest, second, sizeof(second)) == 0 ? "that of the duplicate"
								       : "another one");
	new_key(rig, &o, LONG_MS, LONG_MS);
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	expect_rc(call_commit(rig, 0, &o.claim, result_of("{}")), OW_OK, "the owner commits");
	other = by_other(&o);
	c = expect_state(rig, 1, &other, OW_CLAIM_DONE, "once it is committed");
	EXPECT(!c->op.answer.digest, "no digest where none was given", "one");
	rig_free(rig);
}

/* ---- keys ---- */

#define KEYS 8

static void test_keys_of_any_bytes(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct owned base, keys[KEYS];
	char large[1024], one;
	new_key(rig, &base, LONG_MS, LONG_MS);
	memset(large, 'k', sizeof(large));
	memcpy(large + sizeof(large) - base.claim.key.len, base.bytes, base.claim.key.len);
	random_system(&one, 1);
	/* Each begins as the one before it does, and all hold what C and text files end with.
	 */
	static const char *const tails[KEYS - 2] = {
	    "", "\0", "\0\0", "\r\n", "\xc3\xa9\xf0\x9f\x98\x80", "\xff\xfe{}*?[a]\\ '\""};
	static const size_t tail_lens[KEYS - 2] = {0, 1, 2, 2, 6, 13};
	for (size_t i = 0; i < KEYS; i++) {
		new_key(rig, &keys[i], LONG_MS, LONG_MS);
		size_t len = base.claim.key.len;
		memcpy(keys[i].bytes, base.bytes, len);
		if (i < KEYS - 2)
			memcpy(keys[i].bytes + len, tails[i], tail_lens[i]);
		keys[i].claim.key = i == KEYS - 2 ? text_span(large, sizeof(large))
				    : i == KEYS - 1
					? text_span(&one, 1)
					: text_span(keys[i].bytes, len + tail_lens[i]);
		expect_state(rig, 0, &keys[i].claim, OW_CLAIM_NEW,
		    "for a key that differs from all others in its last bytes");
	}
	for (size_t i = 0; i < KEYS; i++) {
		struct claim other = by_other(&keys[i]);
		char body[16];
		snprintf(body, sizeof(body), "{\"n\":%zu}", i);
		expect_state(rig, 1, &other, OW_CLAIM_IN_PROGRESS, "while it is held");
		if (i == KEYS - 1) { /* a key of one byte may be somebody else's tomorrow */
			expect_rc(call_release(rig, 0, &keys[i].claim), OW_OK, "released");
			continue;
		}
		expect_rc(call_commit(rig, 0, &keys[i].claim, result_of(body)), OW_OK,
		    "the owner commits");
		expect_done(rig, 1, &other, result_of(body), "with its own result");
	}
	rig_free(rig);
}

/* ---- operations ---- */

#define MANY 4000

static void test_many(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct call **calls = mem_array(MANY, sizeof(*calls));
	struct owned *keys = mem_array(MANY, sizeof(*keys));
	for (size_t i = 0; i < MANY; i++) {
		new_key(rig, &keys[i], LONG_MS, LONG_MS);
		calls[i] = call_claim(rig, i % WORKERS_MAX, &keys[i].claim);
	}
	calls_begin(rig, calls, MANY);
	for (size_t i = 0; i < MANY; i++) {
		call_await(calls[i]);
		EXPECT(calls[i]->op.rc == OW_OK && calls[i]->op.answer.state == OW_CLAIM_NEW,
		    "each of many claims under way at once gets NEW for its own key",
		    "%s %s: %s", rc_name(calls[i]->op.rc),
		    state_name(calls[i]->op.answer.state), calls[i]->op.why);
		calls[i] = call_release(rig, i % WORKERS_MAX, &keys[i].claim);
	}
	calls_begin(rig, calls, MANY);
	for (size_t i = 0; i < MANY; i++) {
		call_await(calls[i]);
		EXPECT(calls[i]->op.rc == OW_OK, "each of many releases is done", "%s: %s",
		    rc_name(calls[i]->op.rc), calls[i]->op.why);
	}
	free(keys);
	free(calls);
	rig_free(rig);
}

/* Cancelled in the same breath: the call may have been done or not, but it ends, once. */
static void test_cancel(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	for (int i = 0; i < 40; i++) {
		struct owned o;
		new_key(rig, &o, LONG_MS, LONG_MS);
		struct call *claim = call_claim(rig, 0, &o.claim);
		claim->cancel_at_once = true;
		call_make(claim);
		EXPECT(claim->op.rc == OW_OK || claim->op.rc == OW_FAIL,
		    "a cancelled claim ends with OK or FAIL", "%s", rc_name(claim->op.rc));
		if (claim->op.rc != OW_OK)
			continue;
		struct call *next = i % 3 == 0 ? call_renew(rig, 0, &o.claim)
				    : i % 3 == 1
					? call_release(rig, 0, &o.claim)
					: call_commit(rig, 0, &o.claim, result_of("{}"));
		next->cancel_at_once = true;
		call_make(next);
		EXPECT(next->op.rc == OW_OK || next->op.rc == OW_FAIL,
		    "a cancelled call of the owner ends with OK or FAIL", "%s of %s",
		    rc_name(next->op.rc), next->what);
	}
	rig_free(rig);
}

/* ---- the rest ---- */

struct asking {
	struct rig *rig;
	unsigned worker;
	int64_t keys;
};

static void ask_keys(void *arg)
{
	struct asking *a = arg;
	int pending = pending_begin("keys()");
	a->keys = rig_ops(a->rig)->store.keys(rig_state(a->rig, a->worker));
	pending_end(pending);
}

static void test_keys(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	for (unsigned i = 0; i < 20; i++) {
		struct asking a = {.rig = rig, .worker = i % WORKERS_MAX};
		struct owned o;
		new_key(rig, &o, LONG_MS, LONG_MS);
		expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
		rig_run(rig, a.worker, ask_keys, &a);
		EXPECT(a.keys >= -1, "a number, or -1", "%lld", (long long)a.keys);
	}
	rig_free(rig);
}

static void count_duplicates(void *arg)
{
	struct asking *a = arg;
	static char large[20000];
	const struct ow_text labels[] = {text_of(""), text_of("trg-1"), text_span("a\0b", 3),
	    text_of("\xff\xfe\r\n\"{}"), text_span(large, sizeof(large)),
	    text_of("gr\xc3\xbc\xc3\x9f")};
	const struct ow_store_ops *ops = &rig_ops(a->rig)->store;
	memset(large, 'x', sizeof(large));
	for (size_t i = 0; i < 3000; i++) {
		char fresh[32];
		snprintf(fresh, sizeof(fresh), "label-%zu", i);
		struct ow_text label = text_copied(i < 6 ? labels[i] : text_of(fresh));
		int pending = pending_begin("count_duplicate()");
		ops->count_duplicate(rig_state(a->rig, a->worker), label);
		pending_end(pending);
		text_spoiled(label);
	}
}

static void test_count_duplicate(const struct subject *subject)
{
	struct rig *rig = two_workers(subject);
	struct asking a = {.rig = rig};
	if (!rig_ops(rig)->store.count_duplicate)
		skip("the store has no count_duplicate()");
	rig_run(rig, 0, count_duplicates, &a);
	struct owned o;
	new_key(rig, &o, LONG_MS, LONG_MS);
	expect_state(rig, 0, &o.claim, OW_CLAIM_NEW, "for a key never seen");
	rig_free(rig);
}

const struct test store_tests[] = {
    LIFE_TESTS,
    {"states", "a key is NEW, then IN PROGRESS, then DONE", RULE_ATOMIC, test_states},
    {"shared", "the instances of two workers share the keys", RULE_ATOMIC, test_shared},
    {"race", "of many claims at once exactly one gets NEW", RULE_ATOMIC, test_race},
    {"race-expired", "of many claims for an expired key exactly one gets NEW", RULE_ATOMIC,
	test_race_expired},
    {"lock", "a claim is taken over when its life ends, not before, and its owner is fenced",
	RULE_ATOMIC, test_lock},
    {"renew", "a renewed claim lives on", RULE_RENEW, test_renew},
    {"window", "a finished key is remembered for its window", RULE_COMMIT, test_window},
    {"sliding", "a sliding window begins anew with each duplicate", RULE_SLIDING, test_sliding},
    {"release", "a released key is new", RULE_RELEASE, test_release},
    {"wrong-token", "a token that does not own the key changes nothing", RULE_TOKEN,
	test_wrong_token},
    {"wrong-renew", "a token that does not own the key cannot keep it alive", RULE_TOKEN,
	test_wrong_renew},
    {"never-claimed", "what nobody holds cannot be renewed, committed or released", RULE_TOKEN,
	test_never_claimed},
    {"after-commit", "a finished key cannot be released or renewed", RULE_TOKEN,
	test_after_commit},
    {"results", "results come back as they were committed", RULE_DONE, test_results},
    {"large-results", "a large result comes back whole or not at all", RULE_DONE,
	test_large_results},
    {"digest", "the payload's digest comes back", RULE_DIGEST, test_digest},
    {"any-bytes", "keys are any bytes, and no two are mixed up", RULE_ATOMIC,
	test_keys_of_any_bytes},
    {"many", "many operations at once all finish", RULE_STORE_FINISHES, test_many},
    {"cancel", "cancelled operations finish", RULE_STORE_CANCEL, test_cancel},
    {"keys", "keys() counts", RULE_KEYS, test_keys},
    {"count-duplicate", "any label can be counted", RULE_COUNT, test_count_duplicate},
    {"ready", "ready() comes true, or says why not", RULE_READY, test_ready},
    {NULL, NULL, NULL, NULL},
};
