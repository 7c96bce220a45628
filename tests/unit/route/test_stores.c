/* on_store_error: reject, pass, and a store to fall back to. */
#include "route/stores.h"

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step fine = {.rc = OW_OK};
static const struct step down = {.rc = OW_FAIL, .why = "down"};

static struct rig_setup setup;

/* The clock stands still: the probe comes when the test says so. */
static void start_with(bool fallback)
{
	setup = rig_usual();
	setup.fallback = fallback;
	rig_start(setup);
	rig_freeze();
}

static void start_fallback(void)
{
	start_with(true);
}

static void start_pass(void)
{
	setup = rig_usual();
	setup.policy.on_store_error = ON_STORE_ERROR_PASS;
	rig_start(setup);
}

static void restart(void)
{
	rig_stop();
	rig_start(setup);
	rig_freeze();
}

static struct sent *sent(unsigned n)
{
	struct list *at = rig.sent.next;
	while (n-- > 0)
		at = at->next;
	return list_entry(at, struct sent, link);
}

static int64_t fallen(void)
{
	const struct metric_label labels[] = {{"route", text_of("r")}, {NULL, TEXT_NONE}};
	return metrics_total(rig.common.metrics, "onceway_store_fallback", labels);
}

/* ---- pass ---- */

START_TEST(without_its_store_an_event_is_passed)
{
	rig_script(CALL_CLAIM, down);
	struct sent *s = rig_emit("a");
	rig_expect("claim a, deliver a, settle a passed 200");
	ck_assert(s->acknowledge);
	ck_assert_str_eq(s->body, "delivered key=a why=the sink accepted it result={\"n\":1}");
	ck_assert_int_eq(rig_outcomes(OW_PASSED), 1);
	ck_assert_int_eq(rig_metric("onceway_store_errors_total", NULL, NULL), 1);
	rig_emit("a"); /* the store is back: it knows nothing of the first one */
	rig_expect("claim a, deliver a, commit a, settle a delivered 200");
}
END_TEST

START_TEST(copies_wait_for_one_that_passes)
{
	rig_script(CALL_CLAIM, down);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_emit("a");
	rig_spin();
	rig_emit("a");
	rig_expect("claim a, deliver a");
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("settle a passed 200, settle a duplicate 200, settle a duplicate 200");
	ck_assert(sent(1)->acknowledge);
	ck_assert_uint_eq(rig.made[CALL_DELIVER], 1);
}
END_TEST

/* Passing is delivering: what in_progress says of copies holds. */
START_TEST(copies_that_may_not_wait_are_turned_away)
{
	setup.policy.in_progress = IN_PROGRESS_REJECT;
	rig_stop();
	rig_start(setup);
	rig_script(CALL_CLAIM, down);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_emit("a");
	rig_expect("claim a, settle a rejected 409, deliver a");
	rig_emit("a");
	rig_expect("settle a rejected 409");
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("settle a passed 200");
}
END_TEST

START_TEST(after_one_that_passed_in_vain_the_next_takes_over)
{
	rig_script(CALL_CLAIM, down);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_emit("a");
	rig_spin();
	call_answer(
	    rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_RETRY, .retry_after_ms = 90000});
	rig_expect("claim a, deliver a, settle a failed 502, "
		   "claim a, deliver a, commit a, settle a delivered 200");
}
END_TEST

/* It may have been taken after all, and nobody would stand behind it. */
START_TEST(a_claim_that_was_too_slow_is_given_back_beside_the_delivery)
{
	rig_script(CALL_CLAIM, (struct step){.later = true, .stubborn = true});
	rig_script(CALL_DELIVER, later);
	rig_script(CALL_RELEASE, later);
	rig_emit("a");
	rig_spin();
	op_cancel(rig_call(CALL_CLAIM, 0)->op); /* as its limit would */
	model_take("k:a");
	call_answer(rig_call(CALL_CLAIM, 0), down);
	rig_expect("claim a, cancel claim, release a, deliver a");
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("settle a passed 200");
	ck_assert_uint_eq(engine_unsettled(rig.engine), 0);
	call_answer(rig_call(CALL_RELEASE, 0), (struct step){.rc = OW_REJECT});
	rig_spin();
	ck_assert_int_eq(rig_metric("onceway_lease_lost_total", NULL, NULL), 0);
	model_expire("k:a");
}
END_TEST

START_TEST(an_abort_passes_nothing)
{
	rig_script(CALL_CLAIM, later);
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_expect("claim a, cancel claim, release a, settle a rejected 503");
}
END_TEST

/* ---- fallback ---- */

START_TEST(after_a_failed_claim_the_fallback_is_asked)
{
	rig_script(CALL_CLAIM, down);
	rig_emit("a");
	rig_expect("claim a, claim2 a, deliver a, commit2 a, settle a delivered 200");
	ck_assert_int_eq(fallen(), 1);
	rig_emit("a");
	rig_emit("b");
	rig_expect("claim2 a, claim2 b, settle a duplicate 200, deliver b, commit2 b, "
		   "settle b delivered 200");
	ck_assert(model_is_done("2k:b"));
	ck_assert(!model_is_done("k:b"));
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 2);
}
END_TEST

START_TEST(one_claim_a_second_asks_the_first_store_again)
{
	rig_script(CALL_CLAIM, down);
	rig_emit("a");
	rig_expect("claim a, claim2 a, deliver a, commit2 a, settle a delivered 200");
	clock_advance(&rig.clock, 999);
	rig_emit("b");
	rig_expect("claim2 b, deliver b, commit2 b, settle b delivered 200");
	clock_advance(&rig.clock, 1);
	rig_script(CALL_CLAIM, later);
	rig_emit("c"); /* the probe */
	rig_emit("d");
	rig_expect("claim c, claim2 d, deliver d, commit2 d, settle d delivered 200");
	call_answer(rig_call(CALL_CLAIM, 0), down);
	rig_expect("claim2 c, deliver c, commit2 c, settle c delivered 200");
	rig_emit("e"); /* the next second begins with the answer */
	rig_expect("claim2 e, deliver e, commit2 e, settle e delivered 200");
	ck_assert_int_eq(fallen(), 1);
}
END_TEST

START_TEST(all_go_back_when_the_first_store_answers)
{
	rig_script(CALL_CLAIM, down);
	rig_emit("a");
	rig_spin();
	clock_advance(&rig.clock, 1000);
	rig_emit("b");
	rig_emit("c");
	rig_spin();
	rig_emit("d");
	rig_expect("claim a, claim2 a, deliver a, commit2 a, settle a delivered 200, "
		   "claim b, claim2 c, deliver b, deliver c, commit b, commit2 c, "
		   "settle b delivered 200, settle c delivered 200, "
		   "claim d, deliver d, commit d, settle d delivered 200");
	ck_assert_int_eq(fallen(), 0);
}
END_TEST

/* Renewals, commit and release go where the claim was made. */
START_TEST(a_flow_keeps_to_its_store)
{
	setup.policy.lock_ms = 30;
	restart();
	rig_script(CALL_CLAIM, down);
	rig_script(CALL_DELIVER, later);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	rig_emit("b");
	rig_until(rig.made[CALL_RENEW] >= 2);
	ck_assert(model_is_claimed("2k:a"));
	clock_advance(&rig.clock, 1000);
	rig_emit("c"); /* the first store is back */
	rig_until(sent(2)->settled);
	ck_assert_int_eq(fallen(), 0);
	unsigned renewed = rig.made[CALL_RENEW];
	rig_until(rig.made[CALL_RENEW] >= renewed + 2);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_REJECT});
	rig_until(sent(0)->settled && sent(1)->settled);
	ck_assert(model_is_done("2k:a"));
	ck_assert(!model_is_claimed("2k:b"));
	ck_assert_int_eq(rig_metric("onceway_lease_lost_total", NULL, NULL), 0);
}
END_TEST

START_TEST(copies_wait_across_stores)
{
	rig_script(CALL_DELIVER, later);
	rig_script(CALL_CLAIM, fine);
	rig_script(CALL_CLAIM, down);
	rig_emit("a");
	rig_emit("b"); /* from here on the fallback is used */
	rig_emit("a");
	rig_expect("claim a, claim b, deliver a, claim2 b, deliver b, commit2 b, "
		   "settle b delivered 200");
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("commit a, settle a delivered 200, settle a duplicate 200");
}
END_TEST

START_TEST(when_both_fail_the_event_is_rejected)
{
	rig_script(CALL_CLAIM, down);
	rig_script(CALL_CLAIM, down);
	struct sent *s = rig_emit("a");
	rig_expect("claim a, claim2 a, settle a rejected 503");
	ck_assert_int_eq(s->retry_after_ms, 1000);
	ck_assert(!s->acknowledge);
}
END_TEST

START_TEST(a_slow_first_store_gives_back_what_it_may_have_taken)
{
	rig_script(CALL_CLAIM, (struct step){.later = true, .stubborn = true});
	rig_script(CALL_RELEASE, down); /* still down: it ends with `lock` */
	rig_emit("a");
	rig_spin();
	op_cancel(rig_call(CALL_CLAIM, 0)->op);
	call_answer(rig_call(CALL_CLAIM, 0), down);
	rig_expect("claim a, cancel claim, release a, claim2 a, deliver a, commit2 a, "
		   "settle a delivered 200");
	ck_assert_int_eq(rig_metric("onceway_store_errors_total", NULL, NULL), 2);
}
END_TEST

static void note_drained(void *arg)
{
	*(bool *)arg = true;
}

START_TEST(draining_waits_for_what_is_given_back)
{
	bool drained = false;
	rig_script(CALL_CLAIM, (struct step){.later = true, .stubborn = true});
	rig_script(CALL_RELEASE, later);
	rig_emit("a");
	rig_spin();
	op_cancel(rig_call(CALL_CLAIM, 0)->op);
	call_answer(rig_call(CALL_CLAIM, 0), down);
	engine_drain(rig.engine, note_drained, &drained);
	rig_spin();
	ck_assert_uint_eq(engine_unsettled(rig.engine), 0);
	ck_assert(!drained);
	call_answer(rig_call(CALL_RELEASE, 0), fine);
	rig_until(drained);
}
END_TEST

/* Claims made before the failure say nothing about the store afterwards. */
START_TEST(a_late_answer_changes_nothing)
{
	rig_script(CALL_CLAIM, later);
	rig_script(CALL_CLAIM, later);
	rig_script(CALL_CLAIM, down);
	rig_emit("a");
	rig_emit("b");
	rig_emit("c");
	rig_expect("claim a, claim b, claim c, claim2 c, deliver c, commit2 c, "
		   "settle c delivered 200");
	call_answer(rig_call(CALL_CLAIM, 0), fine);
	rig_expect("deliver a, commit a, settle a delivered 200");
	ck_assert_int_eq(fallen(), 1);
	clock_advance(&rig.clock, 1000);
	rig_emit("d");
	rig_expect("claim d, deliver d, commit d, settle d delivered 200");
	ck_assert_int_eq(fallen(), 0);
	call_answer(rig_call(CALL_CLAIM, 0), down);
	rig_expect("claim2 b, deliver b, commit2 b, settle b delivered 200");
	ck_assert_int_eq(fallen(), 0);
}
END_TEST

START_TEST(an_abort_asks_no_fallback)
{
	rig_script(CALL_CLAIM, later);
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_expect("claim a, cancel claim, release a, settle a rejected 503");
}
END_TEST

START_TEST(a_dry_run_uses_the_fallback_and_then_delivers)
{
	setup.policy.observe = true;
	restart();
	rig_script(CALL_CLAIM, down);
	rig_script(CALL_CLAIM, fine);
	rig_script(CALL_CLAIM, down);
	rig_emit("a");
	rig_spin();
	rig_emit("b");
	rig_expect("claim a, claim2 a, deliver a, commit2 a, settle a delivered 200, "
		   "claim2 b, deliver b, settle b passed 200");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/stores");
	TCase *t = tcase_create("pass");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start_pass, rig_stop);
	tcase_add_test(t, without_its_store_an_event_is_passed);
	tcase_add_test(t, copies_wait_for_one_that_passes);
	tcase_add_test(t, copies_that_may_not_wait_are_turned_away);
	tcase_add_test(t, after_one_that_passed_in_vain_the_next_takes_over);
	tcase_add_test(t, a_claim_that_was_too_slow_is_given_back_beside_the_delivery);
	tcase_add_test(t, an_abort_passes_nothing);
	suite_add_tcase(s, t);
	t = tcase_create("fallback");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start_fallback, rig_stop);
	tcase_add_test(t, after_a_failed_claim_the_fallback_is_asked);
	tcase_add_test(t, one_claim_a_second_asks_the_first_store_again);
	tcase_add_test(t, all_go_back_when_the_first_store_answers);
	tcase_add_test(t, a_flow_keeps_to_its_store);
	tcase_add_test(t, copies_wait_across_stores);
	tcase_add_test(t, when_both_fail_the_event_is_rejected);
	tcase_add_test(t, a_slow_first_store_gives_back_what_it_may_have_taken);
	tcase_add_test(t, draining_waits_for_what_is_given_back);
	tcase_add_test(t, a_late_answer_changes_nothing);
	tcase_add_test(t, an_abort_asks_no_fallback);
	tcase_add_test(t, a_dry_run_uses_the_fallback_and_then_delivers);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
