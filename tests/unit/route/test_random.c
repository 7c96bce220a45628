/*
 * Thousands of events over few keys, every call answered at once or later, in
 * any order, well or badly, from a seed that is the number of the loop test.
 * Whatever happens, the promises hold:
 *   - each event is settled exactly once (the rig checks);
 *   - nothing is acknowledged before a delivery of its key was accepted;
 *   - what is told to be delivered is committed, even if that took several tries;
 *   - while no claim is lost, a key is accepted at most once in a window, and no
 *     claim is left behind.
 */
#include <stdio.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

#define KEYS   5
#define EVENTS 300
#define SEEDS  32

static struct random dice;
static unsigned accepted[KEYS]; /* deliveries */
static unsigned windows[KEYS];	/* that have ended */
static bool lossy;		/* the store fails, forgets, and gives claims to others */
static bool exact;		/* no delivery without a claim in the one store */
static bool compares;		/* on_mismatch: the payloads differ now and then */
static bool aborted;

static bool chance(unsigned percent)
{
	return random_below(&dice, 100) < percent;
}

static unsigned key_index(struct ow_text full)
{
	return (unsigned)(full.data[full.len - 1] - '0');
}

static const char *key_name(unsigned index)
{
	static char name[8];
	snprintf(name, sizeof(name), "k:%u", index);
	return name;
}

static const char *second_name(unsigned index)
{
	static char name[8];
	snprintf(name, sizeof(name), "2k:%u", index);
	return name;
}

/* ---- answers ---- */

static enum ow_rc any_delivery(void)
{
	static const enum ow_rc rcs[] = {
	    OW_OK, OW_OK, OW_OK, OW_RETRY, OW_RETRY, OW_UNKNOWN, OW_REJECT, OW_FAIL};
	return rcs[random_below(&dice, sizeof(rcs) / sizeof(rcs[0]))];
}

static struct step any_answer(const struct call *call)
{
	struct step step = {.busy = chance(10), .timed_out = chance(10)};
	if (call->kind == CALL_DELIVER)
		step.rc = any_delivery();
	else if (call->kind == CALL_CLAIM)
		step.rc = chance(5) ? OW_FAIL : OW_OK;
	else if (lossy || (call->kind == CALL_COMMIT && !rig.setup.fallback))
		step.rc = chance(10) ? OW_FAIL : OW_OK;
	if (call->kind == CALL_DELIVER && step.rc == OW_OK && !call->second)
		accepted[key_index(call->attempt->key)]++;
	return step;
}

static void improvise(const struct call *call, struct step *step)
{
	if (chance(60))
		step->later = true;
	else
		*step = any_answer(call);
}

static void answer_one(void)
{
	size_t count = 0;
	list_each(&rig.calls, link) count++;
	if (count == 0)
		return;
	struct list *chosen = rig.calls.next;
	for (uint64_t n = random_below(&dice, count); n > 0; n--)
		chosen = chosen->next;
	struct call *call = list_entry(chosen, struct call, link);
	call_answer(call, any_answer(call));
}

/* ---- what must hold ---- */

static void check_settled(struct sent *s)
{
	unsigned key = (unsigned)(s->name[0] - '0');
	if (s->acknowledge)
		ck_assert_uint_ge(accepted[key], 1);
	/* When it is told to end, a commit that failed is not tried again. */
	if (s->outcome == OW_DELIVERED && !lossy && !aborted)
		ck_assert(model_is_done(key_name(key)) || model_is_done(second_name(key)));
	if (s->outcome == OW_MISMATCH)
		ck_assert(compares);
	if (exact)
		ck_assert_uint_le(accepted[key], windows[key] + 1);
}

static void check_totals(void)
{
	unsigned delivered[KEYS] = {0};
	list_each(&rig.sent, link)
	{
		struct sent *s = list_entry(link, struct sent, link);
		delivered[s->name[0] - '0'] +=
		    s->outcome == OW_DELIVERED || s->outcome == OW_PASSED;
	}
	for (unsigned k = 0; k < KEYS; k++)
		ck_assert_uint_eq(delivered[k], accepted[k]);
}

/* ---- the run ---- */

static void emit_any(void)
{
	char name[2] = {(char)('0' + random_below(&dice, KEYS)), '\0'};
	rig_emit_with(name, compares && chance(30) ? "other" : "usual");
}

/* Lets the claim of a key end, whoever has it, or gives it to somebody else. */
static void lose_any(void)
{
	const char *key = key_name((unsigned)random_below(&dice, KEYS));
	if (!model_is_claimed(key))
		return;
	if (chance(80))
		model_expire(key);
	else
		model_take(key);
}

static bool is_idle(unsigned key)
{
	list_each(&rig.sent, link)
	{
		struct sent *s = list_entry(link, struct sent, link);
		if (s->name[0] == (char)('0' + key) && !s->settled)
			return false;
	}
	return true;
}

/* A finished key is forgotten: its next event is a new one. */
static void end_any_window(void)
{
	unsigned key = (unsigned)random_below(&dice, KEYS);
	if (!model_is_done(key_name(key)) || !is_idle(key))
		return;
	model_expire(key_name(key));
	windows[key]++;
}

static void act(void)
{
	if (chance(15))
		end_any_window();
	if (chance(40))
		answer_one();
	if (chance(30))
		rig_turn();
	if (lossy && chance(10))
		lose_any();
	if (rig.setup.fallback && chance(2))
		clock_advance(&rig.clock, 500); /* time for a probe */
}

static void run_all(void)
{
	for (unsigned i = 0; i < EVENTS; i++) {
		emit_any();
		while (chance(60))
			act();
	}
	aborted = chance(25);
	if (aborted)
		engine_abort(rig.engine);
	while (engine_unsettled(rig.engine) > 0) {
		answer_one();
		rig_turn();
		for (unsigned k = 0; lossy && k < KEYS; k++)
			if (chance(5) && model_is_claimed(key_name(k)))
				model_expire(key_name(k)); /* `lock` is over */
	}
	/* A renewal may still be open. */
	while (!list_empty(&rig.calls))
		answer_one();
}

static void start(int seed, bool with_losses)
{
	struct rig_setup setup = rig_usual();
	lossy = with_losses;
	random_init_seeded(&dice, (uint64_t)seed + 1);
	setup.seed = (uint64_t)seed + 1;
	setup.retry.attempts = 3;
	setup.policy.on_failure = chance(30) ? ON_FAILURE_KEEP : ON_FAILURE_RELEASE;
	setup.policy.in_progress = chance(30) ? IN_PROGRESS_REJECT : IN_PROGRESS_WAIT;
	setup.policy.max_inflight = chance(30) ? 8 : 1024;
	if (chance(50))
		setup.policy.lock_ms = 30; /* renewed while it lasts */
	setup.fallback = chance(25);
	if (!setup.fallback && chance(25))
		setup.policy.on_store_error = ON_STORE_ERROR_PASS;
	setup.also = chance(30);
	compares = chance(30);
	setup.policy.on_mismatch = compares ? ON_MISMATCH_REJECT : ON_MISMATCH_IGNORE;
	exact = !lossy && !setup.fallback && !setup.policy.on_store_error;
	aborted = false;
	for (unsigned k = 0; k < KEYS; k++)
		accepted[k] = windows[k] = 0;
	rig_start(setup);
	rig.improvise = improvise;
	rig.on_settle = check_settled;
}

START_TEST(no_claim_is_lost)
{
	start(_i, false);
	run_all();
	check_totals();
	for (unsigned k = 0; k < KEYS && !aborted; k++)
		ck_assert(!model_is_claimed(key_name(k)) && !model_is_claimed(second_name(k)));
	rig_stop();
}
END_TEST

START_TEST(claims_are_lost)
{
	start(_i, true);
	run_all();
	check_totals();
	rig_stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route, at random");
	TCase *t = tcase_create("seeds");
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, no_claim_is_lost, 0, SEEDS);
	tcase_add_loop_test(t, claims_are_lost, 0, SEEDS);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
