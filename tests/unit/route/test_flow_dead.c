/* Dead letters of events whose source waits; answers of the sink that were lost. */
#include <string.h>

#include "tests/unit/main.h"
#include "tests/unit/route/disk.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step refused = {.rc = OW_REJECT, .why = "no", .code = "400"};
static const struct step lost = {.rc = OW_UNKNOWN, .why = "closed", .code = "broken"};

#define NO "the sink did not accept it: no"

static struct rig_setup keeping(void)
{
	struct rig_setup setup = rig_usual();
	setup.disk = true;
	setup.policy.dead_letter = DEAD_LETTER_TRUE;
	return setup;
}

static void start(void)
{
	rig_start(keeping());
}

static void restart(struct rig_setup setup)
{
	rig_stop();
	rig_start(setup);
}

static void restart_unknown(int policy)
{
	struct rig_setup setup = keeping();
	setup.policy.dead_letter = DEAD_LETTER_FALSE;
	setup.policy.on_unknown = policy;
	restart(setup);
}

/* ---- failures ---- */

START_TEST(kept_before_the_key_is_free_and_acknowledged)
{
	rig_script(CALL_DELIVER, refused);
	struct sent *s = rig_emit("a");
	rig_expect("claim a, deliver a, dead a: " NO ", release a, settle a failed 202");
	ck_assert(s->acknowledge);
	ck_assert_int_eq(s->result_status, -1);
	ck_assert_str_eq(
	    s->body, "{\"status\":\"failed\",\"error\":\"the sink did not accept it\"}");
	ck_assert_ptr_nonnull(strstr(disk.history, "\"why\":\"no\""));
	ck_assert_int_eq(rig_outcomes(OW_FAILED), 1);
}
END_TEST

/* A source that passes the sink's own 4xx on would refuse what it is to forget. */
START_TEST(the_sinks_answer_is_not_its_sources)
{
	static const struct ow_result bad = {.size = sizeof(bad), .status = 422};
	const struct step with_answer = {.rc = OW_REJECT, .result = &bad};
	rig_script(CALL_DELIVER, with_answer);
	struct sent *s = rig_emit("a");
	rig_expect("claim a, deliver a, dead a: the sink answered 422, release a, "
		   "settle a failed 202");
	ck_assert_int_eq(s->result_status, -1);
	disk.why = "the disk is full";
	rig_script(CALL_DELIVER, with_answer);
	s = rig_emit("a");
	rig_spin();
	ck_assert_int_eq(s->result_status, 422);
	buf_clear(&rig.story);
}
END_TEST

START_TEST(when_the_disk_takes_nothing_it_fails_as_ever)
{
	disk.why = "the disk is full";
	rig_script(CALL_DELIVER, refused);
	struct sent *s = rig_emit("a");
	rig_expect("claim a, deliver a, dead a: " NO ", release a, settle a failed 502");
	ck_assert(!s->acknowledge);
}
END_TEST

START_TEST(nothing_is_kept_where_it_is_not_wanted)
{
	struct rig_setup setup = keeping();
	setup.policy.dead_letter = DEAD_LETTER_FALSE;
	restart(setup);
	rig_script(CALL_DELIVER, refused);
	rig_emit("a");
	rig_expect("claim a, deliver a, release a, settle a failed 502");
}
END_TEST

START_TEST(what_is_only_put_off_comes_again)
{
	struct rig_setup setup = keeping();
	setup.retry.attempts = 1;
	restart(setup);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .busy = true});
	rig_emit("a");
	rig_expect("claim a, deliver a, release a, settle a failed 503");
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL});
	rig_emit("a");
	rig_expect("claim a, settle a rejected 503");
}
END_TEST

START_TEST(its_key_may_be_kept_too)
{
	struct rig_setup setup = keeping();
	setup.policy.on_failure = ON_FAILURE_KEEP;
	restart(setup);
	rig_script(CALL_DELIVER, refused);
	rig_emit("a");
	rig_expect("claim a, deliver a, dead a: " NO ", commit a failed, settle a failed 202");
}
END_TEST

START_TEST(without_a_claim)
{
	struct rig_setup setup = keeping();
	setup.policy.on_store_error = ON_STORE_ERROR_PASS;
	restart(setup);
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL});
	rig_script(CALL_DELIVER, refused);
	rig_emit("a");
	rig_expect("claim a, deliver a, dead a: " NO ", settle a failed 202");
}
END_TEST

START_TEST(one_letter_does_for_all_copies)
{
	struct rig_setup setup = keeping();
	setup.retry.attempts = 1;
	restart(setup);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	struct sent *copy = rig_emit("a");
	rig_spin();
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_RETRY, .why = "no"});
	rig_expect("claim a, deliver a, dead a: " NO ", release a, settle a failed 202, "
		   "settle a failed 202");
	ck_assert(copy->acknowledge);
}
END_TEST

START_TEST(a_disk_that_hangs_is_not_waited_for_when_aborting)
{
	disk.holds = true;
	rig_script(CALL_DELIVER, refused);
	struct sent *s = rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_until(s->settled);
	rig_expect("claim a, deliver a, dead a: " NO ", release a, settle a failed 502");
	disk_go();
	/* Written after all: rather twice than never. */
	rig_expect("");
}
END_TEST

/* ---- queues ---- */

START_TEST(a_queue_takes_back_what_may_work_later)
{
	struct rig_setup setup = keeping();
	setup.queue = true;
	setup.retry.attempts = 1;
	restart(setup);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY});
	rig_emit("a");
	rig_expect("claim a, deliver a, release a, settle a failed 502");
	rig_script(CALL_DELIVER, refused);
	rig_emit("a");
	rig_expect("claim a, deliver a, dead a: " NO ", release a, settle a failed 202");
}
END_TEST

/* ---- no key ---- */

START_TEST(what_lacks_its_key)
{
	struct rig_setup setup = keeping();
	setup.policy.on_missing = ON_MISSING_DEAD_LETTER;
	restart(setup);
	struct sent *s = rig_emit_body("{}");
	rig_expect("dead -: id is missing, settle {} missing_key 202");
	ck_assert(s->acknowledge);
	/* What is merely wrong is not kept. */
	rig_emit_body("{\"id\":1}");
	rig_expect("settle {\"id\":1} invalid 422");
	disk.why = "the disk is full";
	rig_emit_body("{}");
	rig_expect("dead -: id is missing, settle {} missing_key 422");
}
END_TEST

/* ---- the sink's answer was lost ---- */

START_TEST(release_lets_the_vendor_try_again)
{
	restart_unknown(ON_UNKNOWN_RELEASE);
	rig_script(CALL_DELIVER, lost);
	struct sent *s = rig_emit("a");
	rig_expect("claim a, deliver a, release a, settle a unknown 502");
	ck_assert(!s->acknowledge);
	ck_assert_str_eq(s->why, "the sink's answer was lost");
	rig_emit("a");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200");
	rig_script(CALL_DELIVER, (struct step){.rc = OW_UNKNOWN, .timed_out = true});
	rig_emit("b");
	rig_expect("claim b, deliver b, release b, settle b unknown 504");
	ck_assert_int_eq(rig_outcomes(OW_UNSURE), 2);
}
END_TEST

START_TEST(hold_keeps_the_key_and_the_event)
{
	restart_unknown(ON_UNKNOWN_HOLD);
	rig_script(CALL_DELIVER, lost);
	struct sent *s = rig_emit("a");
	rig_expect("claim a, deliver a, dead a: the sink's answer was lost: closed, "
		   "commit a failed, settle a unknown 202");
	ck_assert(s->acknowledge);
	rig_emit("a");
	rig_expect("claim a, settle a duplicate 502");
}
END_TEST

START_TEST(hold_without_a_disk_still_holds)
{
	restart_unknown(ON_UNKNOWN_HOLD);
	disk.why = "the disk is full";
	rig_script(CALL_DELIVER, lost);
	rig_emit("a");
	rig_expect("claim a, deliver a, dead a: the sink's answer was lost: closed, "
		   "commit a failed, settle a unknown 502");
	ck_assert(model_is_done("k:a"));
}
END_TEST

START_TEST(hold_holds_at_the_end_of_the_process_too)
{
	restart_unknown(ON_UNKNOWN_HOLD);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_expect("claim a, deliver a, cancel deliver, dead a: the sink's answer was lost: "
		   "cancelled, commit a failed, settle a unknown 202");
}
END_TEST

START_TEST(release_gives_back_as_ever_at_the_end_of_the_process)
{
	restart_unknown(ON_UNKNOWN_RELEASE);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
	rig_expect("claim a, deliver a, cancel deliver, release a, settle a rejected 503");
}
END_TEST

START_TEST(copies_of_what_is_held_are_told_the_same)
{
	restart_unknown(ON_UNKNOWN_HOLD);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	rig_emit("a");
	rig_spin();
	call_answer(rig_call(CALL_DELIVER, 0), lost);
	rig_expect("claim a, deliver a, dead a: the sink's answer was lost: closed, "
		   "commit a failed, settle a unknown 202, settle a unknown 202");
}
END_TEST

START_TEST(a_copy_of_what_was_released_takes_over)
{
	restart_unknown(ON_UNKNOWN_RELEASE);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	rig_emit("a");
	rig_spin();
	call_answer(rig_call(CALL_DELIVER, 0), lost);
	rig_expect("claim a, deliver a, release a, settle a unknown 502, claim a, deliver a, "
		   "commit a, settle a delivered 200");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/flow_dead");
	TCase *t = tcase_create("dead");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, rig_stop);
	tcase_add_test(t, kept_before_the_key_is_free_and_acknowledged);
	tcase_add_test(t, the_sinks_answer_is_not_its_sources);
	tcase_add_test(t, when_the_disk_takes_nothing_it_fails_as_ever);
	tcase_add_test(t, nothing_is_kept_where_it_is_not_wanted);
	tcase_add_test(t, what_is_only_put_off_comes_again);
	tcase_add_test(t, its_key_may_be_kept_too);
	tcase_add_test(t, without_a_claim);
	tcase_add_test(t, one_letter_does_for_all_copies);
	tcase_add_test(t, a_disk_that_hangs_is_not_waited_for_when_aborting);
	tcase_add_test(t, a_queue_takes_back_what_may_work_later);
	tcase_add_test(t, what_lacks_its_key);
	tcase_add_test(t, release_lets_the_vendor_try_again);
	tcase_add_test(t, hold_keeps_the_key_and_the_event);
	tcase_add_test(t, hold_without_a_disk_still_holds);
	tcase_add_test(t, hold_holds_at_the_end_of_the_process_too);
	tcase_add_test(t, release_gives_back_as_ever_at_the_end_of_the_process);
	tcase_add_test(t, copies_of_what_is_held_are_told_the_same);
	tcase_add_test(t, a_copy_of_what_was_released_takes_over);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
