/* `answer_within`: whatever is under way, its source is told that the event is kept. */
#include <unistd.h>

#include "route/early.h"
#include "tests/unit/main.h"
#include "tests/unit/route/disk.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step fine = {.rc = OW_OK};
static const struct step refused = {.rc = OW_REJECT, .why = "no"};

#define WITHIN_MS 10

static struct rig_setup answering(void)
{
	struct rig_setup setup = rig_usual();
	setup.disk = true;
	setup.policy.answer_within_ms = WITHIN_MS;
	setup.policy.dead_letter = DEAD_LETTER_TRUE;
	return setup;
}

static void start(void)
{
	rig_start(answering());
}

static void restart(struct rig_setup setup)
{
	rig_stop();
	rig_start(setup);
}

/* An event whose call of that kind stays open until its source was told. */
static struct sent *told_during(enum call_kind kind)
{
	rig_script(kind, later);
	struct sent *s = rig_emit("a");
	rig_until(s->settled);
	ck_assert_int_eq(s->outcome, OW_ACCEPTED);
	ck_assert_int_eq(s->status, 202);
	return s;
}

START_TEST(known_in_time)
{
	rig_emit("a");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200");
	rig_until(clock_mono(&rig.clock) > 0 && disk.open == 0);
}
END_TEST

START_TEST(during_delivery)
{
	int64_t before = clock_mono(&rig.clock);
	told_during(CALL_DELIVER);
	ck_assert_int_ge(clock_mono(&rig.clock) - before, WITHIN_MS);
	rig_expect("claim a, deliver a, keep a, settle a accepted 202");
	ck_assert(disk.put.claimed);
	rig_emit("a");
	rig_expect("settle a duplicate 200");
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("commit a, remove 1");
}
END_TEST

START_TEST(copies_are_told_with_it)
{
	rig_script(CALL_DELIVER, later);
	struct sent *s = rig_emit("a");
	rig_spin();
	rig_emit("a");
	rig_until(s->settled);
	/* Whose time is over too, but who is a duplicate by then. */
	rig_expect("claim a, deliver a, keep a, settle a accepted 202, settle a duplicate 200");
	call_answer(rig_call(CALL_DELIVER, 0), refused);
	rig_expect("release a, bury 1: the sink did not accept it: no");
}
END_TEST

START_TEST(during_a_claim)
{
	told_during(CALL_CLAIM);
	call_answer(rig_call(CALL_CLAIM, 0), fine);
	rig_expect("claim a, keep a, settle a accepted 202, deliver a, commit a, remove 1");
}
END_TEST

START_TEST(during_a_claim_that_finds_it_delivered)
{
	told_during(CALL_CLAIM);
	call_answer(rig_call(CALL_CLAIM, 0), (struct step){.state = OW_CLAIM_DONE});
	rig_expect("claim a, keep a, settle a accepted 202, remove 1");
	ck_assert_int_eq(rig_outcomes(OW_DUPLICATE), 1);
}
END_TEST

START_TEST(during_a_claim_that_fails)
{
	told_during(CALL_CLAIM);
	call_answer(rig_call(CALL_CLAIM, 0), (struct step){.rc = OW_FAIL, .why = "down"});
	rig_expect("claim a, keep a, settle a accepted 202, defer 1 by 5000");
}
END_TEST

START_TEST(while_another_process_has_it)
{
	model_take("k:a");
	struct sent *s = rig_emit("a");
	rig_until(s->settled);
	ck_assert_int_eq(s->status, 202);
	model_finish(
	    "k:a", &(struct ow_result){.size = sizeof(struct ow_result), .status = 200});
	rig_until(engine_unsettled(rig.engine) == 0);
	ck_assert_int_eq(rig_outcomes(OW_DUPLICATE), 1);
	buf_clear(&rig.story);
}
END_TEST

/* Its own claim may be what is in the way: then it must not be taken for done. */
START_TEST(what_was_told_waits_where_others_are_acknowledged)
{
	struct rig_setup setup = answering();
	setup.policy.in_progress = IN_PROGRESS_ACK;
	setup.policy.deadline_ms = 200;
	restart(setup);
	rig_script(CALL_CLAIM, later);
	struct sent *s = rig_emit("a");
	rig_until(s->settled);
	model_take("k:a");
	call_answer(rig_call(CALL_CLAIM, 0), fine);
	rig_until(engine_unsettled(rig.engine) == 0);
	ck_assert_uint_eq(disk.put_off, 1);
	ck_assert_uint_gt(rig.made[CALL_CLAIM], 1);
	buf_clear(&rig.story);
}
END_TEST

START_TEST(while_backing_off)
{
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .retry_after_ms = 60});
	struct sent *s = rig_emit("a");
	rig_until(s->settled);
	rig_expect("claim a, deliver a, keep a, settle a accepted 202");
	rig_until(engine_unsettled(rig.engine) == 0);
	rig_expect("deliver a #2, commit a, remove 1");
}
END_TEST

START_TEST(during_a_commit)
{
	told_during(CALL_COMMIT);
	call_answer(rig_call(CALL_COMMIT, 0), fine);
	rig_expect("claim a, deliver a, commit a, keep a, settle a accepted 202, remove 1");
}
END_TEST

START_TEST(during_a_release)
{
	struct rig_setup setup = answering();
	setup.policy.dead_letter = DEAD_LETTER_FALSE;
	restart(setup);
	rig_script(CALL_DELIVER, refused);
	told_during(CALL_RELEASE);
	call_answer(rig_call(CALL_RELEASE, 0), fine);
	rig_expect("claim a, deliver a, release a, keep a, settle a accepted 202, remove 1");
}
END_TEST

/* One is enough. */
START_TEST(not_what_is_a_dead_letter_already)
{
	rig_freeze();
	rig_script(CALL_DELIVER, refused);
	rig_script(CALL_RELEASE, later);
	struct sent *s = rig_emit("a");
	rig_spin();
	rig_expect("claim a, deliver a, dead a: the sink did not accept it: no, release a");
	clock_advance(&rig.clock, 2 * WITHIN_MS);
	usleep(3000 * WITHIN_MS);
	rig_spin();
	call_answer(rig_call(CALL_RELEASE, 0), fine);
	rig_expect("settle a failed 202");
	ck_assert(s->acknowledge);
}
END_TEST

/* ---- the disk is late ---- */

/* A put under way when the outcome is known. */
static struct sent *known_during_the_put(struct step outcome)
{
	disk.holds = true;
	rig_script(CALL_DELIVER, later);
	struct sent *s = rig_emit("a");
	rig_until(disk.open > 0);
	rig_expect("claim a, deliver a, keep a");
	call_answer(rig_call(CALL_DELIVER, 0), outcome);
	return s;
}

START_TEST(the_outcome_is_told_if_it_is_known_first)
{
	known_during_the_put(fine);
	rig_expect("commit a, settle a delivered 200");
	disk_go();
	rig_expect("remove 1");
}
END_TEST

START_TEST(what_is_on_its_way_to_the_disk_becomes_a_dead_letter_from_there)
{
	known_during_the_put(refused);
	rig_expect("");
	disk_go();
	rig_expect("settle a accepted 202, release a, bury 1: the sink did not accept it: no");
}
END_TEST

START_TEST(and_if_the_disk_does_not_take_it_fails_as_ever)
{
	disk.why = "the disk is full";
	struct sent *s = known_during_the_put(refused);
	disk_go();
	rig_expect("release a, settle a failed 502");
	ck_assert(!s->acknowledge);
}
END_TEST

START_TEST(a_disk_that_takes_nothing_changes_nothing)
{
	disk.why = "the disk is full";
	rig_script(CALL_DELIVER, later);
	struct sent *s = rig_emit("a");
	rig_until(disk.put.body.len > 0);
	rig_expect("claim a, deliver a, keep a");
	ck_assert_uint_eq(s->settled, 0);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("commit a, settle a delivered 200");
}
END_TEST

START_TEST(told_while_draining_it_is_not_waited_for)
{
	disk.holds = true;
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .retry_after_ms = 50000});
	rig_emit("a");
	rig_until(disk.open > 0);
	engine_drain(rig.engine, (void (*)(void *))free, NULL);
	rig_spin();
	disk_go();
	rig_expect(
	    "claim a, deliver a, keep a, settle a accepted 202, release a, defer 1 by 0");
}
END_TEST

/* ---- the line ---- */

START_TEST(each_in_its_time)
{
	rig_freeze();
	rig_script(CALL_DELIVER, later);
	rig_script(CALL_DELIVER, later);
	struct sent *a = rig_emit("a");
	rig_spin();
	clock_advance(&rig.clock, WITHIN_MS / 2);
	struct sent *b = rig_emit("b");
	rig_spin();
	clock_advance(&rig.clock, WITHIN_MS / 2);
	rig_until(a->settled);
	ck_assert_uint_eq(b->settled, 0);
	clock_advance(&rig.clock, WITHIN_MS / 2);
	rig_until(b->settled);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("claim a, deliver a, claim b, deliver b, keep a, settle a accepted 202, "
		   "keep b, settle b accepted 202, commit a, commit b, remove 1, remove 2");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/flow_early");
	TCase *t = tcase_create("early");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, rig_stop);
	tcase_add_test(t, known_in_time);
	tcase_add_test(t, during_delivery);
	tcase_add_test(t, copies_are_told_with_it);
	tcase_add_test(t, during_a_claim);
	tcase_add_test(t, during_a_claim_that_finds_it_delivered);
	tcase_add_test(t, during_a_claim_that_fails);
	tcase_add_test(t, while_another_process_has_it);
	tcase_add_test(t, what_was_told_waits_where_others_are_acknowledged);
	tcase_add_test(t, while_backing_off);
	tcase_add_test(t, during_a_commit);
	tcase_add_test(t, during_a_release);
	tcase_add_test(t, not_what_is_a_dead_letter_already);
	tcase_add_test(t, the_outcome_is_told_if_it_is_known_first);
	tcase_add_test(t, what_is_on_its_way_to_the_disk_becomes_a_dead_letter_from_there);
	tcase_add_test(t, and_if_the_disk_does_not_take_it_fails_as_ever);
	tcase_add_test(t, a_disk_that_takes_nothing_changes_nothing);
	tcase_add_test(t, told_while_draining_it_is_not_waited_for);
	tcase_add_test(t, each_in_its_time);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
