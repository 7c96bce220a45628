/* What every sink must do. Those that speak HTTP to ${PEER} are tried with a peer that
 * misbehaves.
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

#define LIMIT_MS  300000 /* longer than any test */
#define CODE_MAX  23	 /* what the core keeps of a code */
#define CODES_MAX 16	 /* different ones in one test: each is a metric series for ever */
#define POLL_MS	  5

static const char event_text[] =
    "{\"triggerId\":\"trg-1\",\"entityId\":\"ent-1\",\"timestamp\":\"2024-05-01T12:00:00Z\"}";

static struct attempt an_attempt(void)
{
	return (struct attempt){.body = text_of(event_text),
	    .key = text_of("test:0123456789abcdef"),
	    .limit_ms = LIMIT_MS};
}

static void check_delivery(const struct call *c)
{
	contract(RULE_DELIVER);
	EXPECT((unsigned)c->op.rc <= OW_UNKNOWN, "OK, RETRY, REJECT, FAIL or UNKNOWN", "%d",
	    (int)c->op.rc);
	contract(RULE_CODE);
	EXPECT(c->op.code[0], "a code that is not empty", "an empty one with %s",
	    rc_name(c->op.rc));
	EXPECT(
	    strlen(c->op.code) < CODE_MAX, "a code of less than 23 bytes", "`%s`", c->op.code);
	contract(RULE_WHY);
	EXPECT(c->op.rc == OW_OK || c->op.why[0], "a phrase unless OK", "none with %s",
	    rc_name(c->op.rc));
}

static struct rig *sink_rig(const struct subject *subject, bool peer)
{
	return rig_new(subject, &(struct rig_options){.workers = 2, .peer = peer});
}

static void needs_peer(const struct subject *subject)
{
	if (!subject_names_peer(subject))
		skip("the options do not name ${PEER}");
}

static struct call *deliver(struct rig *rig, const struct attempt *attempt)
{
	struct call *c = call_deliver(rig, 0, attempt);
	call_make(c);
	check_delivery(c);
	return c;
}

static void expect_delivered(struct rig *rig)
{
	struct attempt a = an_attempt();
	struct call *c = deliver(rig, &a);
	contract(RULE_DELIVER);
	EXPECT(c->op.rc == OW_OK,
	    "OK; if the options are not to blame, give better ones with -o", "%s (%s): %s",
	    rc_name(c->op.rc), c->op.code, c->op.why);
}

static void test_delivers(const struct subject *subject)
{
	struct rig *rig = sink_rig(subject, true);
	expect_delivered(rig);
	rig_free(rig);
}

#define MANY 400

static void test_many(const struct subject *subject)
{
	struct rig *rig = sink_rig(subject, true);
	static struct call *calls[MANY];
	char key[32];
	size_t good = 0;
	for (size_t i = 0; i < MANY; i++) {
		struct attempt a = an_attempt();
		snprintf(key, sizeof(key), "test:many:%zu", i);
		a.key = text_of(key);
		calls[i] = call_deliver(rig, i % WORKERS_MAX, &a);
	}
	calls_begin(rig, calls, MANY);
	for (size_t i = 0; i < MANY; i++) {
		call_await(calls[i]);
		check_delivery(calls[i]);
		good += calls[i]->op.rc == OW_OK;
	}
	contract(RULE_DELIVER);
	EXPECT(good > 0, "some of many deliveries at once are OK", "none of %d", MANY);
	rig_free(rig);
}

/* ---- odd events ---- */

static void test_odd_events(const struct subject *subject)
{
	struct rig *rig = sink_rig(subject, true);
	char bytes[256], *large = mem_alloc(1 << 20);
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	memset(large, 'x', 1 << 20);
	const struct ow_text bodies[] = {text_of(""), text_span(bytes, 256),
	    text_span(large, 1 << 20), text_of("null"), text_of("\r\n\r\nGET / HTTP/1.1\r\n")};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct attempt a = an_attempt();
		a.body = bodies[i];
		deliver(rig, &a);
	}
	free(large);
	expect_delivered(rig);
	rig_free(rig);
}

/* A key comes from a vendor: it may hold whatever would end a line or a name. */
static void test_odd_keys(const struct subject *subject)
{
	struct rig *rig = sink_rig(subject, true);
	char large[1024];
	memset(large, 'k', sizeof(large));
	const struct ow_text keys[] = {text_of(""), text_span("a\0b", 3),
	    text_of("a\r\n" PEER_FORBIDDEN_LINE " 1\r\n\r\n"), text_of("../../../etc/passwd"),
	    text_of("\xc3\xa9\xff"), text_span(large, sizeof(large))};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct attempt a = an_attempt();
		a.key = keys[i];
		deliver(rig, &a);
		EXPECT(!peer_saw_line(rig_peer(rig)),
		    "a key is not taken for a part of the protocol",
		    "the peer saw a header that was in the key");
	}
	expect_delivered(rig);
	rig_free(rig);
}

/* ---- cancel ---- */

static void test_cancel_at_once(const struct subject *subject)
{
	struct rig *rig = sink_rig(subject, true);
	for (int i = 0; i < 50; i++) {
		struct attempt a = an_attempt();
		struct call *c = call_deliver(rig, (unsigned)i, &a);
		c->worker = (unsigned)i % WORKERS_MAX;
		c->cancel_at_once = true;
		call_make(c);
		check_delivery(c);
	}
	expect_delivered(rig);
	rig_free(rig);
}

static void wait_for_requests(struct rig *rig, unsigned count)
{
	int64_t give_up = rig_now(rig) + EVENTUALLY_MS;
	while (peer_requests(rig_peer(rig)) < count) {
		EXPECT(rig_now(rig) < give_up, "the peer is sent a request",
		    "%u of %u after %d s", peer_requests(rig_peer(rig)), count,
		    EVENTUALLY_MS / 1000);
		rig_sleep(POLL_MS);
	}
}

/* The request has arrived: nobody may say that it was not done. */
static void expect_maybe_done(const struct call *c)
{
	EXPECT(c->op.rc == OW_UNKNOWN || c->op.rc == OW_FAIL,
	    "UNKNOWN (or FAIL, where trying again would not be safe): it may have been done",
	    "%s (%s): %s", rc_name(c->op.rc), c->op.code, c->op.why);
}

static void test_cancel_later(const struct subject *subject)
{
	needs_peer(subject);
	struct rig *rig = sink_rig(subject, true);
	struct attempt a = an_attempt();
	struct call *c = call_deliver(rig, 0, &a);
	peer_set(rig_peer(rig), PEER_HANGS, 0);
	call_begin(c);
	wait_for_requests(rig, 1);
	call_cancel(c);
	call_await(c);
	check_delivery(c);
	contract(RULE_SINK_CANCEL);
	expect_maybe_done(c);
	peer_set(rig_peer(rig), PEER_ANSWERS, 200);
	expect_delivered(rig);
	rig_free(rig);
}

static void test_limit(const struct subject *subject)
{
	needs_peer(subject);
	struct rig *rig = sink_rig(subject, true);
	struct attempt a = an_attempt();
	a.limit_ms = 300;
	struct call *c = call_deliver(rig, 0, &a);
	peer_set(rig_peer(rig), PEER_HANGS, 0);
	call_begin(c);
	wait_for_requests(rig, 1);
	rig_sleep(a.limit_ms);
	call_cancel(c); /* as the core does; a sink may have been first */
	call_await(c);
	check_delivery(c);
	contract(RULE_SINK_CANCEL);
	expect_maybe_done(c);
	rig_free(rig);
}

/* ---- a peer that misbehaves ---- */

static void test_peer_closes(const struct subject *subject)
{
	needs_peer(subject);
	struct rig *rig = sink_rig(subject, true);
	static const enum peer_mode modes[] = {PEER_CLOSES, PEER_BABBLES};
	for (size_t i = 0; i < 2; i++) {
		struct attempt a = an_attempt();
		peer_set(rig_peer(rig), modes[i], 0);
		struct call *c = deliver(rig, &a);
		contract(RULE_DELIVER);
		expect_maybe_done(c);
	}
	peer_set(rig_peer(rig), PEER_ANSWERS, 200);
	expect_delivered(rig);
	rig_free(rig);
}

static void test_nobody_there(const struct subject *subject)
{
	needs_peer(subject);
	struct rig *rig = sink_rig(subject, false);
	struct attempt a = an_attempt();
	struct call *c = deliver(rig, &a);
	contract(RULE_DELIVER);
	EXPECT(c->op.rc == OW_RETRY || c->op.rc == OW_FAIL, "RETRY or FAIL: nothing was sent",
	    "%s (%s): %s", rc_name(c->op.rc), c->op.code, c->op.why);
	rig_free(rig);
}

static void test_statuses(const struct subject *subject)
{
	needs_peer(subject);
	struct rig *rig = sink_rig(subject, true);
	static const int statuses[] = {500, 503, 400, 404, 422, 429, 302};
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct attempt a = an_attempt();
		peer_set(rig_peer(rig), PEER_ANSWERS, statuses[i]);
		struct call *c = deliver(rig, &a);
		contract(RULE_DELIVER);
		EXPECT(c->op.rc != OW_OK, "an answer that is no success is not OK", "OK for %d",
		    statuses[i]);
	}
	peer_set(rig_peer(rig), PEER_ANSWERS, 200);
	expect_delivered(rig);
	rig_free(rig);
}

#define HANGING 5

static void test_drain_with_work(const struct subject *subject)
{
	struct rig *rig = sink_rig(subject, true);
	struct call *calls[HANGING], *drain[WORKERS_MAX];
	peer_set(rig_peer(rig), PEER_HANGS, 0);
	for (unsigned i = 0; i < HANGING; i++) {
		struct attempt a = an_attempt();
		calls[i] = call_deliver(rig, i % WORKERS_MAX, &a);
		call_begin(calls[i]);
	}
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		drain[i] = call_drain(rig, i);
		call_begin(drain[i]);
	}
	for (unsigned i = 0; i < HANGING; i++) {
		call_cancel(calls[i]);
		call_await(calls[i]);
		check_delivery(calls[i]);
	}
	contract(RULE_DRAIN);
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		call_await(drain[i]);
		EXPECT(drain[i]->op.rc == OW_OK, "drain() finishes with OK once it is idle",
		    "%s: %s", rc_name(drain[i]->op.rc), drain[i]->op.why);
	}
	rig_free_drained(rig);
}

/* ---- the rest ---- */

static void test_codes(const struct subject *subject)
{
	struct rig *rig = sink_rig(subject, true);
	char codes[CODES_MAX][32];
	size_t count = 0;
	for (int n = 0; n < 60; n++) {
		struct attempt a = an_attempt();
		char key[32];
		snprintf(key, sizeof(key), "test:codes:%d", n);
		a.key = text_of(key);
		struct call *c = deliver(rig, &a);
		size_t i = 0;
		while (i < count && strcmp(codes[i], c->op.code) != 0)
			i++;
		contract(RULE_CODE);
		EXPECT(i < CODES_MAX, "few different codes: each is a series of a metric",
		    "`%s` after %d others", c->op.code, CODES_MAX);
		if (i == count)
			snprintf(codes[count++], sizeof(codes[0]), "%s", c->op.code);
	}
	rig_free(rig);
}

static void test_policy(const struct subject *subject)
{
	struct rig *rig =
	    rig_new(subject, &(struct rig_options){.workers = 1, .idle = true, .peer = true});
	struct ow_sink_policy p = {.size = sizeof(p), .attempts = 1}, again = p;
	if (!rig_ops(rig)->sink.policy)
		skip("the sink has no policy()");
	rig_ops(rig)->sink.policy(rig_conf(rig), &p);
	rig_ops(rig)->sink.policy(rig_conf(rig), &again);
	EXPECT(p.size == sizeof(p), "the size as it was", "%u", p.size);
	EXPECT(p.attempts >= 1, "at least one attempt", "%lld", (long long)p.attempts);
	EXPECT(p.base_ms >= 0 && p.max_ms >= 0, "waits that are not negative", "%lld and %lld",
	    (long long)p.base_ms, (long long)p.max_ms);
	EXPECT(p.attempt_ms >= 0, "a time for one attempt that is not negative", "%lld",
	    (long long)p.attempt_ms);
	EXPECT(p.jitter == OW_JITTER_FULL || p.jitter == OW_JITTER_NONE,
	    "one of the two ways to spread waits", "%d", (int)p.jitter);
	EXPECT(memcmp(&p, &again, sizeof(p)) == 0, "the same for the same configuration",
	    "another");
	rig_free(rig);
}

const struct test sink_tests[] = {
    LIFE_TESTS,
    {"policy", "its retry policy makes sense", RULE_POLICY, test_policy},
    {"ready", "ready() comes true, or says why not", RULE_READY, test_ready},
    {"delivers", "an event is delivered", RULE_DELIVER, test_delivers},
    {"many", "many deliveries at once all finish", RULE_ONCE, test_many},
    {"codes", "codes are few", RULE_CODE, test_codes},
    {"odd-events", "any body can be delivered, or is refused", RULE_DELIVER, test_odd_events},
    {"odd-keys", "so can any key", RULE_DELIVER, test_odd_keys},
    {"cancel-at-once", "a delivery cancelled at once finishes", RULE_SINK_CANCEL,
	test_cancel_at_once},
    {"cancel-later", "a delivery cancelled after it was sent is unknown", RULE_SINK_CANCEL,
	test_cancel_later},
    {"limit", "so is one that ran out of time", RULE_SINK_CANCEL, test_limit},
    {"peer-closes", "so is one that was sent and has no answer", RULE_DELIVER,
	test_peer_closes},
    {"nobody-there", "one that could not be sent is not", RULE_DELIVER, test_nobody_there},
    {"statuses", "what is no success is not OK", RULE_DELIVER, test_statuses},
    {"drain-with-work", "it drains when its work has ended", RULE_DRAIN, test_drain_with_work},
    {NULL, NULL, NULL, NULL},
};
