/* `ack: accepted`: on disk first, then its source is told, then it is delivered. */
#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/disk.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step again = {.rc = OW_RETRY, .why = "try again", .code = "503"};

static struct rig_setup accepting(void)
{
	struct rig_setup setup = rig_usual();
	setup.disk = true;
	setup.policy.ack = ACK_ACCEPTED;
	setup.policy.dead_letter = DEAD_LETTER_TRUE;
	return setup;
}

static void start(void)
{
	rig_start(accepting());
}

static void restart(struct rig_setup setup)
{
	rig_stop();
	rig_start(setup);
}

static void settle_all(void)
{
	rig_until(engine_unsettled(rig.engine) == 0);
}

/* ---- as it should be ---- */

START_TEST(kept_told_delivered_removed)
{
	struct sent *s = rig_emit("a");
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, commit a, remove 1");
	ck_assert(s->acknowledge);
	ck_assert_str_eq(s->body, "delivered key=a why=it is on disk");
	ck_assert_int_eq(s->result_status, -1);
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 1);
	ck_assert_int_eq(rig_metric("onceway_event_seconds", NULL, NULL), 1);
	ck_assert(disk.put.claimed);
	ck_assert(!disk.put.passing);
	ck_assert_int_eq(disk.put.mode, SPOOL_RESUME);
}
END_TEST

START_TEST(nothing_is_told_before_it_is_on_disk)
{
	disk.holds = true;
	struct sent *s = rig_emit("a");
	rig_expect("claim a, keep a");
	ck_assert_uint_eq(s->settled, 0);
	disk_go();
	rig_expect("settle a accepted 202, deliver a, commit a, remove 1");
}
END_TEST

START_TEST(a_duplicate_is_never_kept)
{
	rig_emit("a");
	rig_spin();
	rig_emit("a");
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, commit a, remove 1, "
		   "claim a, settle a duplicate 200");
}
END_TEST

START_TEST(what_is_passed_is_kept_too)
{
	struct rig_setup setup = accepting();
	setup.policy.on_store_error = ON_STORE_ERROR_PASS;
	restart(setup);
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL, .why = "down"});
	rig_emit("a");
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, remove 1");
	ck_assert(disk.put.passing);
	ck_assert(!disk.put.claimed);
	ck_assert_int_eq(rig_outcomes(OW_PASSED), 1);
}
END_TEST

/* ---- the disk ---- */

START_TEST(a_disk_that_takes_nothing_is_a_503_and_the_key_is_free)
{
	disk.why = "the disk is full";
	struct sent *s = rig_emit("a");
	rig_expect("claim a, keep a, release a, settle a rejected 503");
	ck_assert(!s->acknowledge);
	ck_assert_int_gt(s->retry_after_ms, 0);
	ck_assert(!model_is_claimed("k:a"));
	disk.why = NULL;
	rig_emit("a");
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, commit a, remove 1");
}
END_TEST

START_TEST(without_a_claim_there_is_none_to_release)
{
	struct rig_setup setup = accepting();
	setup.policy.on_missing = ON_MISSING_PASS;
	restart(setup);
	disk.why = "the disk is full";
	rig_emit_body("{}");
	rig_expect("keep -, settle {} rejected 503");
}
END_TEST

START_TEST(a_disk_that_hangs_is_waited_for_until_the_deadline)
{
	struct rig_setup setup = accepting();
	setup.policy.deadline_ms = 20;
	restart(setup);
	rig_freeze();
	disk.holds = true;
	struct sent *s = rig_emit("a");
	rig_until(s->settled);
	rig_expect("claim a, keep a, release a, settle a rejected 503");
	/* Its source sends it again: what came to the disk too late goes. */
	disk_go();
	rig_expect("remove 1");
}
END_TEST

/* ---- copies on the same worker ---- */

START_TEST(copies_wait_for_the_disk_and_not_for_the_sink)
{
	disk.holds = true;
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	rig_emit("a");
	rig_expect("claim a, keep a");
	disk_go();
	rig_expect("settle a accepted 202, settle a duplicate 200, deliver a");
	rig_emit("a");
	rig_expect("settle a duplicate 200");
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_REJECT});
	rig_expect("release a, bury 1: the sink did not accept it");
	ck_assert_int_eq(rig_outcomes(OW_DUPLICATE), 2);
}
END_TEST

START_TEST(copies_are_not_turned_away_while_it_is_kept)
{
	struct rig_setup setup = accepting();
	setup.policy.in_progress = IN_PROGRESS_REJECT;
	restart(setup);
	disk.holds = true;
	rig_emit("a");
	rig_spin();
	rig_emit("a");
	disk_go();
	rig_expect("claim a, keep a, settle a accepted 202, settle a duplicate 200, deliver a, "
		   "commit a, remove 1");
}
END_TEST

START_TEST(when_it_cannot_be_kept_its_copies_are_told_the_same)
{
	disk.why = "the disk is full";
	rig_emit("a");
	rig_emit("a");
	rig_expect("claim a, keep a, release a, settle a rejected 503, settle a rejected 503");
}
END_TEST

START_TEST(a_copy_with_another_payload_is_not_it)
{
	struct rig_setup setup = accepting();
	setup.policy.on_mismatch = ON_MISMATCH_REJECT;
	restart(setup);
	rig_script(CALL_DELIVER, later);
	rig_emit_with("a", "1");
	rig_spin();
	rig_emit_with("a", "2");
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, settle a mismatch 422");
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_OK});
	rig_expect("commit a, remove 1");
}
END_TEST

/* ---- ends ---- */

START_TEST(refused_for_good_is_a_dead_letter)
{
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT, .why = "no", .code = "400"});
	rig_emit("a");
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, release a, "
		   "bury 1: the sink did not accept it: no");
	ck_assert_ptr_nonnull(strstr(disk.history, "\"code\":\"400\",\"why\":\"no\"}]"));
	ck_assert_int_eq(rig_outcomes(OW_FAILED), 1);
}
END_TEST

START_TEST(so_is_what_was_tried_often_enough)
{
	for (int i = 0; i < 5; i++)
		rig_script(CALL_DELIVER, again);
	rig_emit("a");
	settle_all();
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, deliver a #2, deliver a "
		   "#3, deliver a #4, deliver a #5, release a, "
		   "bury 1: the sink did not accept it: try again");
}
END_TEST

START_TEST(what_the_sink_had_no_room_for_is_tried_later)
{
	struct rig_setup setup = accepting();
	setup.retry.attempts = 1;
	restart(setup);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .busy = true});
	rig_emit("a");
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, release a, "
		   "defer 1 by 5000");
	ck_assert_int_eq(rig_outcomes(OW_FAILED), 0);
}
END_TEST

START_TEST(without_dead_letters_it_is_dropped)
{
	struct rig_setup setup = accepting();
	setup.policy.dead_letter = DEAD_LETTER_FALSE;
	restart(setup);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT});
	rig_emit("a");
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, release a, remove 1");
	ck_assert_int_eq(rig_outcomes(OW_FAILED), 1);
}
END_TEST

START_TEST(a_commit_that_fails_does_not_bring_it_back)
{
	struct rig_setup setup = accepting();
	setup.policy.deadline_ms = 50;
	restart(setup);
	rig_freeze();
	for (int i = 0; i < 2; i++)
		rig_script(CALL_COMMIT, (struct step){.rc = OW_FAIL, .advance_ms = 100});
	rig_emit("a");
	settle_all();
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, commit a, commit a, "
		   "remove 1");
}
END_TEST

/* ---- the end of the process ---- */

START_TEST(an_abort_puts_off_what_was_told)
{
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_expect(
	    "claim a, keep a, settle a accepted 202, deliver a, cancel deliver, release a, "
	    "defer 1 by 0");
	ck_assert_int_eq(rig_outcomes(OW_REJECTED), 0);
}
END_TEST

START_TEST(an_abort_waits_a_moment_for_the_disk)
{
	disk.holds = true;
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	disk_go();
	rig_expect("claim a, keep a, settle a accepted 202, release a, defer 1 by 0");
}
END_TEST

START_TEST(but_only_a_moment)
{
	disk.holds = true;
	struct sent *s = rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_until(s->settled);
	rig_expect("claim a, keep a, release a, settle a rejected 503");
	disk_go();
	rig_expect("remove 1");
}
END_TEST

static void drained(void *arg)
{
	*(bool *)arg = true;
}

START_TEST(a_drain_does_not_wait_for_what_backs_off)
{
	bool done = false;
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .retry_after_ms = 50000});
	rig_emit("a");
	rig_spin();
	engine_drain(rig.engine, drained, &done);
	rig_expect(
	    "claim a, keep a, settle a accepted 202, deliver a, release a, defer 1 by 0");
	ck_assert(done);
}
END_TEST

START_TEST(a_drain_waits_for_an_attempt_and_then_no_longer)
{
	bool done = false;
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	engine_drain(rig.engine, drained, &done);
	rig_expect("claim a, keep a, settle a accepted 202, deliver a");
	ck_assert(!done);
	call_answer(rig_call(CALL_DELIVER, 0), again);
	rig_expect("release a, defer 1 by 0");
	ck_assert(done);
}
END_TEST

START_TEST(what_is_refused_while_draining_is_a_dead_letter_all_the_same)
{
	bool done = false;
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	engine_drain(rig.engine, drained, &done);
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_REJECT});
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, release a, "
		   "bury 1: the sink did not accept it");
	ck_assert(done);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/flow_kept");
	TCase *t = tcase_create("kept");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, rig_stop);
	tcase_add_test(t, kept_told_delivered_removed);
	tcase_add_test(t, nothing_is_told_before_it_is_on_disk);
	tcase_add_test(t, a_duplicate_is_never_kept);
	tcase_add_test(t, what_is_passed_is_kept_too);
	tcase_add_test(t, a_disk_that_takes_nothing_is_a_503_and_the_key_is_free);
	tcase_add_test(t, without_a_claim_there_is_none_to_release);
	tcase_add_test(t, a_disk_that_hangs_is_waited_for_until_the_deadline);
	tcase_add_test(t, copies_wait_for_the_disk_and_not_for_the_sink);
	tcase_add_test(t, copies_are_not_turned_away_while_it_is_kept);
	tcase_add_test(t, when_it_cannot_be_kept_its_copies_are_told_the_same);
	tcase_add_test(t, a_copy_with_another_payload_is_not_it);
	tcase_add_test(t, refused_for_good_is_a_dead_letter);
	tcase_add_test(t, so_is_what_was_tried_often_enough);
	tcase_add_test(t, what_the_sink_had_no_room_for_is_tried_later);
	tcase_add_test(t, without_dead_letters_it_is_dropped);
	tcase_add_test(t, a_commit_that_fails_does_not_bring_it_back);
	tcase_add_test(t, an_abort_puts_off_what_was_told);
	tcase_add_test(t, an_abort_waits_a_moment_for_the_disk);
	tcase_add_test(t, but_only_a_moment);
	tcase_add_test(t, a_drain_does_not_wait_for_what_backs_off);
	tcase_add_test(t, a_drain_waits_for_an_attempt_and_then_no_longer);
	tcase_add_test(t, what_is_refused_while_draining_is_a_dead_letter_all_the_same);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
