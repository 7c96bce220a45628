/* Draining, aborting, and several routes in one engine. */
#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step stubborn = {.later = true, .stubborn = true};
static const struct step fine = {.rc = OW_OK};

static void start_usual(void)
{
	rig_start(rig_usual());
}

static struct sent *sent(unsigned n)
{
	struct list *at = rig.sent.next;
	while (n-- > 0)
		at = at->next;
	return list_entry(at, struct sent, link);
}

/* ---- draining ---- */

static void note_drained(void *arg)
{
	*(bool *)arg = true;
}

START_TEST(an_idle_engine_drains_at_once_but_not_inside_the_call)
{
	bool drained = false;
	engine_drain(rig.engine, note_drained, &drained);
	ck_assert(!drained);
	rig_spin();
	ck_assert(drained);
}
END_TEST

START_TEST(draining_waits_for_every_event)
{
	bool drained = false;
	rig_script(CALL_DELIVER, later);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_emit("b");
	engine_drain(rig.engine, note_drained, &drained);
	rig_spin();
	ck_assert_uint_eq(engine_unsettled(rig.engine), 2);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_spin();
	ck_assert(!drained);
	rig_emit("c"); /* what still comes in is still served */
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_spin();
	ck_assert(drained);
	ck_assert_int_eq(sent(2)->outcome, OW_DELIVERED);
}
END_TEST

static void emit_one_more(struct sent *s)
{
	(void)s;
	rig.on_settle = NULL;
	rig_emit("more");
}

/* The last event's source sends another one while it is told. */
START_TEST(a_drain_is_not_over_while_events_come)
{
	bool drained = false;
	rig_script(CALL_DELIVER, fine);
	rig_script(CALL_DELIVER, later);
	rig.on_settle = emit_one_more;
	rig_emit("a");
	engine_drain(rig.engine, note_drained, &drained);
	rig_spin();
	ck_assert_uint_eq(sent(0)->settled, 1);
	ck_assert(!drained);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_spin();
	ck_assert(drained);
}
END_TEST

/* ---- aborting ---- */

static void check_aborted(unsigned n)
{
	ck_assert_uint_eq(sent(n)->settled, 1);
	ck_assert_int_eq(sent(n)->outcome, OW_REJECTED);
	ck_assert_int_eq(sent(n)->status, 503);
	ck_assert_str_eq(sent(n)->why, "shutting down");
	ck_assert_int_eq(sent(n)->retry_after_ms, 1000);
	ck_assert(!sent(n)->acknowledge);
}

START_TEST(abort_while_received)
{
	rig_emit("a");
	engine_abort(rig.engine);
	rig_expect("settle a rejected 503");
	rig_emit("b"); /* and whatever comes afterwards */
	rig_expect("settle b rejected 503");
	check_aborted(0);
	check_aborted(1);
}
END_TEST

START_TEST(abort_while_claiming)
{
	rig_script(CALL_CLAIM, later);
	rig_emit("a");
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_spin();
	ck_assert_uint_eq(rig.cancels, 1);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(sent(i)->outcome, OW_REJECTED);
		ck_assert_int_eq(sent(i)->status, 503);
	}
}
END_TEST

/* The claim was made before it could be cancelled: it is given back. */
START_TEST(abort_while_claiming_comes_too_late)
{
	rig_script(CALL_CLAIM, stubborn);
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_spin();
	call_answer(rig_call(CALL_CLAIM, 0), fine);
	rig_expect("claim a, cancel claim, release a, settle a rejected 503");
	check_aborted(0);
	ck_assert(!model_is_claimed("k:a"));
}
END_TEST

START_TEST(abort_while_delivering_and_waiting)
{
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_expect("claim a, deliver a, cancel deliver, release a, settle a rejected 503, "
		   "settle a rejected 503");
	check_aborted(0);
	check_aborted(1);
	ck_assert(!model_is_claimed("k:a"));
}
END_TEST

/* What the sink accepted in the last moment is delivered, and said so. */
START_TEST(abort_keeps_what_is_accepted)
{
	rig_script(CALL_DELIVER, stubborn);
	rig_emit("a");
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("claim a, deliver a, cancel deliver, commit a, settle a delivered 200, "
		   "settle a duplicate 200");
}
END_TEST

START_TEST(abort_lets_nothing_be_tried_again)
{
	rig_script(CALL_DELIVER, stubborn);
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	call_answer(
	    rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_RETRY, .retry_after_ms = 50000});
	rig_expect("claim a, deliver a, cancel deliver, release a, settle a rejected 503");
	ck_assert_str_eq(sent(0)->why, "shutting down");
}
END_TEST

START_TEST(abort_while_backing_off)
{
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .retry_after_ms = 50000});
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_expect("claim a, deliver a, release a, settle a rejected 503");
	check_aborted(0);
}
END_TEST

START_TEST(abort_while_polling)
{
	model_take("k:a");
	rig_emit("a");
	rig_emit("a");
	rig_until(rig_metric("onceway_waiting", NULL, NULL) == 2);
	engine_abort(rig.engine);
	rig_until(sent(0)->settled && sent(1)->settled);
	check_aborted(0);
	check_aborted(1);
	ck_assert(model_is_claimed("k:a")); /* the other process's */
}
END_TEST

START_TEST(abort_while_committing_or_releasing)
{
	rig_script(CALL_DELIVER, fine);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .retry_after_ms = 90000});
	rig_script(CALL_COMMIT, later);
	rig_script(CALL_RELEASE, later);
	rig_emit("a");
	rig_emit("b");
	rig_emit("b"); /* would take over */
	rig_spin();
	engine_abort(rig.engine);
	rig_spin();
	ck_assert_uint_eq(rig.cancels, 0); /* these only take as long as the store does */
	call_answer(rig_call(CALL_COMMIT, 0), fine);
	call_answer(rig_call(CALL_RELEASE, 0), fine);
	rig_spin();
	ck_assert_int_eq(sent(0)->outcome, OW_DELIVERED);
	ck_assert_int_eq(sent(1)->outcome, OW_FAILED);
	check_aborted(2);
}
END_TEST

START_TEST(abort_keeps_no_failure)
{
	struct rig_setup setup = rig_usual();
	setup.policy.on_failure = ON_FAILURE_KEEP;
	rig_stop();
	rig_start(setup);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_expect("claim a, deliver a, cancel deliver, release a, settle a rejected 503");
}
END_TEST

START_TEST(abort_of_many_in_all_states)
{
	model_take("k:polling");
	rig_script(CALL_CLAIM, fine); /* the poller's */
	for (int i = 0; i < 10; i++)
		rig_script(CALL_CLAIM, later);
	rig_emit("polling");
	for (int i = 0; i < 10; i++) {
		char key[16];
		snprintf(key, sizeof(key), "c%d", i);
		rig_emit(key);
		rig_emit(key);
	}
	rig_spin();
	for (int i = 0; i < 5; i++) {
		rig_script(CALL_DELIVER, later);
		call_answer(rig_call(CALL_CLAIM, 0), fine);
		rig_spin();
	}
	engine_abort(rig.engine);
	rig_until(engine_unsettled(rig.engine) == 0);
	list_each(&rig.sent, link)
	{
		struct sent *s = list_entry(link, struct sent, link);
		ck_assert_int_eq(s->outcome, OW_REJECTED);
		ck_assert_int_eq(s->status, 503);
	}
}
END_TEST

/* ---- routes ---- */

START_TEST(one_store_is_one_memory_for_all_routes)
{
	rig_second_route(false);
	rig_script(CALL_DELIVER, later);
	rig_emit_second("a");
	rig_emit_second("a");
	rig_emit("a");
	rig_expect("claim a, deliver a");
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("commit a, settle a delivered 200, settle a duplicate 200, "
		   "settle a duplicate 200");
	ck_assert_int_eq(rig_outcomes(OW_DUPLICATE), 1); /* of the first route */
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 0);
}
END_TEST

/* The other route's way of answering early is not this one's: nothing is accepted yet. */
START_TEST(an_early_answer_is_only_the_route_s_own)
{
	rig.setup.policy.in_progress = IN_PROGRESS_ACK;
	rig_second_route(false);
	rig.second_policy.in_progress = IN_PROGRESS_WAIT;
	rig_script(CALL_CLAIM, later);
	rig_script(CALL_CLAIM, later);
	rig_emit("a");
	rig_emit_second("a");
	rig_expect("claim a");
	call_answer(rig_call(CALL_CLAIM, 0), (struct step){.state = OW_CLAIM_IN_PROGRESS});
	rig_expect("settle a duplicate 200, claim a");
	call_answer(rig_call(CALL_CLAIM, 0), (struct step){.state = OW_CLAIM_NEW});
	rig_expect("deliver a, commit a, settle a delivered 200");
}
END_TEST

START_TEST(a_refusal_is_only_the_route_s_own)
{
	rig_second_route(false);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_emit("a");
	rig_emit_second("a");
	rig_expect("claim a, deliver a");
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_REJECT, .why = "no"});
	rig_expect("release a, settle a failed 502, settle a failed 502, claim a, deliver a, "
		   "commit a, settle a delivered 200");
}
END_TEST

START_TEST(two_stores_are_two_memories)
{
	rig_second_route(true);
	rig_script(CALL_CLAIM, later);
	rig_script(CALL_CLAIM, later);
	rig_emit("a");
	rig_emit_second("a");
	rig_expect("claim a, claim2 a"); /* nobody waits for the other */
	call_answer(rig_call(CALL_CLAIM, 0), (struct step){.state = OW_CLAIM_DONE});
	rig_expect("settle a duplicate 200");
	call_answer(rig_call(CALL_CLAIM, 0), (struct step){.state = OW_CLAIM_DONE});
	rig_expect("settle a duplicate 200");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/engine");
	TCase *t = tcase_create("engine");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start_usual, rig_stop);
	tcase_add_test(t, an_idle_engine_drains_at_once_but_not_inside_the_call);
	tcase_add_test(t, draining_waits_for_every_event);
	tcase_add_test(t, a_drain_is_not_over_while_events_come);
	tcase_add_test(t, abort_while_received);
	tcase_add_test(t, abort_while_claiming);
	tcase_add_test(t, abort_while_claiming_comes_too_late);
	tcase_add_test(t, abort_while_delivering_and_waiting);
	tcase_add_test(t, abort_keeps_what_is_accepted);
	tcase_add_test(t, abort_lets_nothing_be_tried_again);
	tcase_add_test(t, abort_while_backing_off);
	tcase_add_test(t, abort_while_polling);
	tcase_add_test(t, abort_while_committing_or_releasing);
	tcase_add_test(t, abort_keeps_no_failure);
	tcase_add_test(t, abort_of_many_in_all_states);
	tcase_add_test(t, one_store_is_one_memory_for_all_routes);
	tcase_add_test(t, an_early_answer_is_only_the_route_s_own);
	tcase_add_test(t, a_refusal_is_only_the_route_s_own);
	tcase_add_test(t, two_stores_are_two_memories);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
