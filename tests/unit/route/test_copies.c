/* `also`: best-effort copies to further sinks. */
#include "route/copies.h"

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step fine = {.rc = OW_OK};

static struct rig_setup setup;

static void start(void)
{
	setup = rig_usual();
	setup.also = true;
	rig_start(setup);
}

static void restart(void)
{
	rig_stop();
	rig_start(setup);
}

static int64_t copies(const char *outcome)
{
	const struct metric_label labels[] = {{"route", text_of("r")}, {"sink", text_of("si2")},
	    {"outcome", text_of(outcome)}, {NULL, TEXT_NONE}};
	return metrics_total(rig.common.metrics, "onceway_copies_total", labels);
}

START_TEST(what_the_sink_accepted_is_copied)
{
	rig_emit("a");
	rig_spin();
	rig_emit("a"); /* a duplicate is not */
	rig_expect("claim a, deliver a, deliver2 a, commit a, settle a delivered 200, "
		   "claim a, settle a duplicate 200");
	ck_assert_int_eq(copies("sent"), 1);
	const struct metric_label labels[] = {
	    {"sink", text_of("si2")}, {"code", text_of("200")}, {NULL, TEXT_NONE}};
	ck_assert_int_eq(
	    metrics_total(rig.common.metrics, "onceway_sink_attempts_total", labels), 1);
}
END_TEST

START_TEST(what_the_sink_refused_is_not_copied)
{
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT});
	rig_emit("a");
	rig_expect("claim a, deliver a, release a, settle a failed 502");
}
END_TEST

START_TEST(what_is_passed_is_copied)
{
	setup.policy.on_store_error = ON_STORE_ERROR_PASS;
	setup.policy.on_missing = ON_MISSING_PASS;
	restart();
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL});
	rig_emit("a");
	rig_emit_body("{}");
	rig_expect("claim a, deliver -, deliver a, deliver2 -, settle {} passed 200, "
		   "deliver2 a, settle a passed 200");
	ck_assert_int_eq(copies("sent"), 2);
}
END_TEST

/* One attempt, and nobody waits for it or hears of it. */
START_TEST(a_copy_that_fails_is_only_counted)
{
	const enum ow_rc rcs[] = {OW_RETRY, OW_REJECT, OW_FAIL, OW_UNKNOWN};
	for (int i = 0; i < 4; i++) {
		char key[2] = {(char)('a' + i), '\0'};
		rig_script(CALL_DELIVER, fine);
		rig_script(CALL_DELIVER, (struct step){.rc = rcs[i], .why = "no"});
		struct sent *s = rig_emit(key);
		rig_spin();
		ck_assert_int_eq(s->outcome, OW_DELIVERED);
	}
	ck_assert_uint_eq(rig.made[CALL_DELIVER], 8);
	ck_assert_int_eq(copies("failed"), 4);
}
END_TEST

START_TEST(a_copy_that_hangs_delays_nothing_and_ends_at_its_limit)
{
	setup.also_limit_ms = 20;
	restart();
	rig_script(CALL_DELIVER, fine);
	rig_script(CALL_DELIVER, later);
	struct sent *s = rig_emit("a");
	rig_until(s->settled);
	rig_until(copies("failed") == 1);
	rig_expect("claim a, deliver a, deliver2 a, commit a, settle a delivered 200, "
		   "cancel deliver2");
}
END_TEST

START_TEST(copies_are_bounded)
{
	setup.policy.max_inflight = 2;
	restart();
	for (int i = 0; i < 2; i++) {
		rig_script(CALL_DELIVER, fine);
		rig_script(CALL_DELIVER, later);
	}
	for (int i = 0; i < 3; i++) {
		char key[2] = {(char)('a' + i), '\0'};
		rig_emit(key);
		rig_spin();
	}
	ck_assert_uint_eq(rig_open(CALL_DELIVER), 2);
	ck_assert_int_eq(copies("dropped"), 1);
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 3);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_spin();
	rig_emit("d"); /* there is room again */
	rig_spin();
	ck_assert_int_eq(copies("sent"), 2);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
}
END_TEST

static void note_drained(void *arg)
{
	*(bool *)arg = true;
}

START_TEST(draining_waits_for_copies)
{
	bool drained = false;
	rig_script(CALL_DELIVER, fine);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	engine_drain(rig.engine, note_drained, &drained);
	rig_spin();
	ck_assert_uint_eq(engine_unsettled(rig.engine), 0);
	ck_assert(!drained);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_until(drained);
}
END_TEST

START_TEST(an_abort_cancels_copies_and_makes_no_more)
{
	rig_script(CALL_DELIVER, fine);
	rig_script(CALL_DELIVER, later);
	rig_script(CALL_DELIVER, (struct step){.later = true, .stubborn = true});
	rig_emit("a");
	rig_spin();
	rig_emit("b");
	rig_spin();
	engine_abort(rig.engine);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_spin();
	ck_assert_int_eq(copies("failed"), 1);
	ck_assert_int_eq(copies("dropped"), 1);
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/copies");
	TCase *t = tcase_create("copies");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, rig_stop);
	tcase_add_test(t, what_the_sink_accepted_is_copied);
	tcase_add_test(t, what_the_sink_refused_is_not_copied);
	tcase_add_test(t, what_is_passed_is_copied);
	tcase_add_test(t, a_copy_that_fails_is_only_counted);
	tcase_add_test(t, a_copy_that_hangs_delays_nothing_and_ends_at_its_limit);
	tcase_add_test(t, copies_are_bounded);
	tcase_add_test(t, draining_waits_for_copies);
	tcase_add_test(t, an_abort_cancels_copies_and_makes_no_more);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
