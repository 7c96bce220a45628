/* What is on disk is taken up again: after a start, when it is due, when it is replayed. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/disk.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step fine = {.rc = OW_OK};
static const struct ow_result done = {.size = sizeof(done), .status = 200};
static const struct ow_result broken = {.size = sizeof(broken), .status = 502, .failed = true};

static struct rig_setup resuming(void)
{
	struct rig_setup setup = rig_usual();
	setup.disk = true;
	setup.policy.ack = ACK_ACCEPTED;
	setup.policy.dead_letter = DEAD_LETTER_TRUE;
	return setup;
}

static void start(void)
{
	rig_start(resuming());
}

static void restart(struct rig_setup setup)
{
	rig_stop();
	rig_start(setup);
}

static void resume(struct spool_event event)
{
	disk_add(event);
	engine_resume(rig.engine);
	rig_spin();
}

static struct spool_event claimed(void)
{
	struct spool_event e = disk_event("a");
	e.claimed = true;
	memset(e.token, 7, sizeof(e.token));
	return e;
}

/* Its claim of an earlier life still holds. */
static void claim_of_its_own(void)
{
	struct spool_event e = claimed();
	model_claim(&(struct ow_claim){.key = e.key, .token = e.token}, NULL, NULL);
}

static struct spool_event replayed(enum spool_mode mode)
{
	struct spool_event e = claimed();
	e.mode = mode;
	return e;
}

/* ---- claims ---- */

START_TEST(under_its_old_claim)
{
	claim_of_its_own();
	resume(claimed());
	rig_expect("renew a, deliver a, commit a, remove 1");
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 1);
}
END_TEST

START_TEST(under_a_new_one_when_that_is_over)
{
	resume(claimed());
	rig_expect("renew a, claim a, deliver a, commit a, remove 1");
}
END_TEST

START_TEST(under_a_new_one_when_it_had_none)
{
	resume(disk_event("a"));
	rig_expect("claim a, deliver a, commit a, remove 1");
}
END_TEST

START_TEST(delivered_before_it_was_killed)
{
	model_finish("k:a", &done);
	resume(claimed());
	rig_expect("renew a, claim a, remove 1");
	ck_assert_int_eq(rig_outcomes(OW_DUPLICATE), 1);
}
END_TEST

/* A failure that is kept was told to nobody: the event is not lost with it. */
START_TEST(failed_before_it_was_killed)
{
	model_finish("k:a", &broken);
	resume(claimed());
	rig_expect("renew a, claim a, bury 1: this event failed before and its key is kept");
}
END_TEST

START_TEST(a_store_that_does_not_answer)
{
	rig_script(CALL_RENEW, (struct step){.rc = OW_FAIL, .why = "down"});
	resume(claimed());
	rig_expect("renew a, defer 1 by 5000");
}
END_TEST

START_TEST(a_store_that_does_not_answer_and_another_that_does)
{
	struct rig_setup setup = resuming();
	setup.fallback = true;
	restart(setup);
	rig_script(CALL_RENEW, (struct step){.rc = OW_FAIL, .why = "down"});
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL, .why = "down"});
	resume(claimed());
	rig_expect("renew a, claim a, claim2 a, deliver a, commit2 a, remove 1");
}
END_TEST

START_TEST(another_process_has_it_for_too_long)
{
	struct rig_setup setup = resuming();
	setup.policy.deadline_ms = 30;
	restart(setup);
	model_take("k:a");
	disk_add(claimed());
	engine_resume(rig.engine);
	rig_until(disk.put_off == 1);
	buf_clear(&rig.story);
	ck_assert_uint_eq(rig.made[CALL_DELIVER], 0);
}
END_TEST

START_TEST(a_short_claim_is_renewed_on)
{
	struct rig_setup setup = resuming();
	setup.policy.lock_ms = 30;
	restart(setup);
	claim_of_its_own();
	rig_script(CALL_DELIVER, later);
	disk_add(claimed());
	engine_resume(rig.engine);
	rig_until(rig.made[CALL_RENEW] >= 3);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_spin();
	ck_assert(model_is_done("k:a"));
	buf_clear(&rig.story);
}
END_TEST

/* ---- what it is ---- */

static char seen[300];

static void look_at(const struct call *call, struct step *step)
{
	(void)step;
	if (call->kind == CALL_DELIVER)
		snprintf(seen, sizeof(seen), "%.*s", (int)call->attempt->traceparent.len,
		    call->attempt->traceparent.data);
}

START_TEST(it_is_as_it_was)
{
	static const char trace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	struct spool_event e = disk_event("a");
	e.trace = text_of(trace);
	rig.improvise = look_at;
	resume(e);
	ck_assert_str_eq(seen, trace);
	buf_clear(&rig.story);
}
END_TEST

START_TEST(without_dedup_as_before)
{
	struct spool_event e = disk_event("a");
	e.passing = true;
	resume(e);
	rig_expect("deliver a, remove 1");
	e = disk_event("a");
	e.passing = true;
	e.key = TEXT_NONE;
	disk_add(e);
	rig_until(disk.taken == 2);
	rig_expect("deliver -, remove 2");
	ck_assert_int_eq(rig_outcomes(OW_PASSED), 2);
}
END_TEST

START_TEST(its_history_goes_on)
{
	struct spool_event e = disk_event("a");
	e.history = text_of("[{\"at\":1}]");
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT, .why = "no"});
	resume(e);
	rig_expect("claim a, deliver a, release a, bury 1: the sink did not accept it: no");
	ck_assert_ptr_nonnull(strstr(disk.history, "[{\"at\":1},{\"at\":"));
}
END_TEST

START_TEST(a_copy_meanwhile_is_a_duplicate)
{
	rig_script(CALL_DELIVER, later);
	resume(disk_event("a"));
	rig_emit("a");
	rig_expect("claim a, deliver a, settle a duplicate 200");
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("commit a, remove 1");
}
END_TEST

START_TEST(it_waits_for_a_copy_that_is_not_kept_yet)
{
	disk.holds = true;
	rig_emit("a");
	rig_spin();
	disk_add(disk_event("a"));
	engine_resume(rig.engine);
	rig_until(disk.taken == 1);
	rig_expect("claim a, keep a");
	disk_go();
	/* The copy is row 1, and goes on; that from the disk is not needed any more. */
	rig_expect("settle a accepted 202, remove 2, deliver a, commit a, remove 1");
}
END_TEST

/* What a copy waits for may be the claim of the event on disk, made in an earlier life. */
START_TEST(a_copy_that_waits_for_its_claim_makes_way)
{
	claim_of_its_own();
	rig_emit("a");
	rig_emit("a");
	rig_spin();
	resume(claimed());
	rig_until(rig_outcomes(OW_DELIVERED) == 1);
	/* After one question or more. */
	const char *end = strstr(rig.story.data, "renew a");
	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end,
	    "renew a, settle a duplicate 200, settle a duplicate 200, deliver a, commit a, "
	    "remove 1");
	buf_clear(&rig.story);
	ck_assert_int_eq(rig_outcomes(OW_DUPLICATE), 2);
}
END_TEST

START_TEST(so_does_one_that_asks_for_the_key)
{
	claim_of_its_own();
	rig_script(CALL_CLAIM, later);
	rig_emit("a");
	rig_spin();
	resume(claimed());
	rig_emit("a");
	rig_expect("claim a");
	call_answer(rig_call(CALL_CLAIM, 0), fine);
	rig_expect(
	    "renew a, settle a duplicate 200, settle a duplicate 200, deliver a, commit a, "
	    "remove 1");
}
END_TEST

/* ---- replays ---- */

START_TEST(replayed_past_a_finished_key)
{
	model_finish("k:a", &done);
	resume(replayed(SPOOL_REPLAY_PAST));
	rig_expect("claim a, deliver a, remove 1");
	ck_assert_int_eq(rig_outcomes(OW_PASSED), 1);
}
END_TEST

START_TEST(replayed_under_a_free_key)
{
	resume(replayed(SPOOL_REPLAY_PAST));
	rig_expect("claim a, deliver a, commit a, remove 1");
	rig_emit("a");
	rig_expect("claim a, settle a duplicate 200");
}
END_TEST

START_TEST(replayed_honouring_a_finished_key)
{
	model_finish("k:a", &done);
	resume(replayed(SPOOL_REPLAY_HONOUR));
	rig_expect("claim a, remove 1");
	ck_assert_int_eq(rig_outcomes(OW_DUPLICATE), 1);
}
END_TEST

START_TEST(what_was_passed_is_replayed_under_its_key)
{
	struct spool_event e = replayed(SPOOL_REPLAY_PAST);
	e.passing = true;
	resume(e);
	rig_expect("claim a, deliver a, commit a, remove 1");
}
END_TEST

START_TEST(replayed_without_a_key_one_is_looked_for)
{
	struct spool_event e = replayed(SPOOL_REPLAY_PAST);
	e.key = TEXT_NONE;
	resume(e);
	rig_expect("claim a, deliver a, commit a, remove 1");
	e = replayed(SPOOL_REPLAY_HONOUR);
	e.key = TEXT_NONE;
	e.body = text_of("{}");
	disk_add(e);
	rig_until(disk.taken == 2);
	rig_expect("deliver -, remove 2");
	e.body = text_of("{");
	disk_add(e);
	rig_until(disk.taken == 3);
	rig_expect("deliver -, remove 3");
}
END_TEST

START_TEST(a_replay_that_fails_is_a_dead_letter_again)
{
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT, .why = "no"});
	resume(replayed(SPOOL_REPLAY_PAST));
	rig_expect("claim a, deliver a, release a, bury 1: the sink did not accept it: no");
}
END_TEST

/* ---- which, and when ---- */

START_TEST(another_routes_stay)
{
	struct spool_event e = disk_event("a");
	e.route = text_of("gone");
	resume(e);
	rig_expect("defer 1 by 60000");
	disk.taken = disk.put_off = 0;
}
END_TEST

START_TEST(but_not_for_ever)
{
	struct spool_event e = disk_event("a");
	e.route = text_of("gone");
	e.since_ms -= DISK_AGE_MS + 1;
	resume(e);
	rig_expect("bury 1: its route is not configured any more");
	disk.taken = 0;
}
END_TEST

START_TEST(too_old_to_be_put_off_again)
{
	struct spool_event e = claimed();
	e.since_ms -= DISK_AGE_MS + 1;
	rig_script(CALL_RENEW, (struct step){.rc = OW_FAIL});
	resume(e);
	rig_expect("renew a, bury 1: the store cannot say whose its key is");
	ck_assert_int_eq(rig_outcomes(OW_REJECTED), 1);
}
END_TEST

/* All that waits would be put off, and written again, as fast as it can be read. */
START_TEST(a_moment_of_rest_after_what_is_put_off)
{
	struct rig_setup setup = resuming();
	setup.policy.max_inflight = 1;
	restart(setup);
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL, .why = "down"});
	disk_add(disk_event("a"));
	disk_add(disk_event("b"));
	int64_t before = clock_mono(&rig.clock);
	engine_resume(rig.engine);
	rig_until(rig.made[CALL_CLAIM] == 2);
	ck_assert_int_ge(clock_mono(&rig.clock) - before, 90);
	rig_expect("claim a, defer 1 by 5000, claim b, deliver b, commit b, remove 2");
}
END_TEST

START_TEST(only_as_many_as_there_is_room_for)
{
	struct rig_setup setup = resuming();
	setup.policy.max_inflight = 2;
	restart(setup);
	rig_script(CALL_DELIVER, later);
	rig_script(CALL_DELIVER, later);
	disk_add(disk_event("a"));
	disk_add(disk_event("b"));
	disk_add(disk_event("c"));
	engine_resume(rig.engine);
	rig_expect("claim a, claim b, deliver a, deliver b");
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("commit a, remove 1, claim c, deliver c, commit c, remove 3");
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("commit b, remove 2");
}
END_TEST

/* However much waits. */
START_TEST(new_events_find_room_beside_them)
{
	struct rig_setup setup = resuming();
	setup.policy.max_inflight = 4;
	restart(setup);
	for (int i = 0; i < 4; i++)
		rig_script(CALL_DELIVER, later);
	disk_add(disk_event("a"));
	disk_add(disk_event("b"));
	disk_add(disk_event("c"));
	disk_add(disk_event("d"));
	engine_resume(rig.engine);
	rig_expect("claim a, claim b, claim c, deliver a, deliver b, deliver c");
	rig_emit("x");
	rig_expect("claim x, keep x, settle x accepted 202, deliver x");
	for (int i = 0; i < 4; i++)
		call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_until(engine_unsettled(rig.engine) == 0);
	buf_clear(&rig.story);
}
END_TEST

START_TEST(nothing_while_draining)
{
	disk_add(disk_event("a"));
	engine_resume(rig.engine);
	engine_abort(rig.engine);
	rig_expect("defer 1 by 0");
	disk_add(disk_event("b"));
	/* It would look again within a second. */
	int64_t until = clock_mono(&rig.clock) + 1500;
	rig_until(clock_mono(&rig.clock) >= until);
	ck_assert_uint_eq(disk.taken, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/resume");
	TCase *t = tcase_create("resume");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, rig_stop);
	tcase_add_test(t, under_its_old_claim);
	tcase_add_test(t, under_a_new_one_when_that_is_over);
	tcase_add_test(t, under_a_new_one_when_it_had_none);
	tcase_add_test(t, delivered_before_it_was_killed);
	tcase_add_test(t, failed_before_it_was_killed);
	tcase_add_test(t, a_store_that_does_not_answer);
	tcase_add_test(t, a_store_that_does_not_answer_and_another_that_does);
	tcase_add_test(t, another_process_has_it_for_too_long);
	tcase_add_test(t, a_short_claim_is_renewed_on);
	tcase_add_test(t, it_is_as_it_was);
	tcase_add_test(t, without_dedup_as_before);
	tcase_add_test(t, its_history_goes_on);
	tcase_add_test(t, a_copy_meanwhile_is_a_duplicate);
	tcase_add_test(t, it_waits_for_a_copy_that_is_not_kept_yet);
	tcase_add_test(t, a_copy_that_waits_for_its_claim_makes_way);
	tcase_add_test(t, so_does_one_that_asks_for_the_key);
	tcase_add_test(t, replayed_past_a_finished_key);
	tcase_add_test(t, replayed_under_a_free_key);
	tcase_add_test(t, replayed_honouring_a_finished_key);
	tcase_add_test(t, what_was_passed_is_replayed_under_its_key);
	tcase_add_test(t, replayed_without_a_key_one_is_looked_for);
	tcase_add_test(t, a_replay_that_fails_is_a_dead_letter_again);
	tcase_add_test(t, another_routes_stay);
	tcase_add_test(t, but_not_for_ever);
	tcase_add_test(t, too_old_to_be_put_off_again);
	tcase_add_test(t, a_moment_of_rest_after_what_is_put_off);
	tcase_add_test(t, only_as_many_as_there_is_room_for);
	tcase_add_test(t, new_events_find_room_beside_them);
	tcase_add_test(t, nothing_while_draining);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
