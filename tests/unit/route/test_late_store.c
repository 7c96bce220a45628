/* Stores that answer too late or not at all: nothing is left behind, nothing is held up. */
#include "plugin/op.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step fine = {.rc = OW_OK};

static void start(void)
{
	rig_start(rig_usual());
}

static int64_t lost(void)
{
	return rig_metric("onceway_lease_lost_total", NULL, NULL);
}

static void note_drained(void *arg)
{
	*(bool *)arg = true;
}

/* The limit is over: as if STORE_LIMIT_MS had passed. */
static void run_out(struct call *call)
{
	op_cancel(call->op);
	rig_spin();
}

/* The store had taken the claim and only its answer came too late. */
START_TEST(a_claim_answered_too_late_is_released)
{
	struct ow_result result;
	const unsigned char *digest;
	rig_script(CALL_CLAIM, later);
	struct sent *s = rig_emit("a");
	rig_spin();
	struct call *call = rig_call(CALL_CLAIM, 0);
	ck_assert_int_eq(model_claim(call->claim, &result, &digest), OW_CLAIM_NEW);
	run_out(call);
	rig_expect("claim a, cancel claim, release a, settle a rejected 503");
	ck_assert(!s->acknowledge);
	ck_assert_int_gt(s->retry_after_ms, 0);
	ck_assert_str_eq(s->why, "the store did not answer in time");
	/* So its next copy is delivered, and not told for `lock` that it is in progress. */
	ck_assert(!model_is_claimed("k:a"));
	rig_emit("a");
	rig_spin();
	rig_expect("claim a, deliver a, commit a, settle a delivered 200");
	ck_assert_int_eq(lost(), 0);
}
END_TEST

START_TEST(a_claim_that_was_never_taken_is_not_lost)
{
	rig_script(CALL_CLAIM, later);
	rig_emit("a");
	rig_spin();
	run_out(rig_call(CALL_CLAIM, 0)); /* the store never saw it: its release is refused */
	rig_expect("claim a, cancel claim, release a, settle a rejected 503");
	ck_assert_int_eq(lost(), 0);
	/* One that was confirmed, delivered and then taken over is. */
	rig_script(CALL_DELIVER, later);
	rig_emit("b");
	rig_spin();
	model_take("k:b");
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_REJECT});
	rig_spin();
	ck_assert_int_eq(lost(), 1);
}
END_TEST

/* A store that is down says so at once: there is nothing to release. */
START_TEST(a_claim_that_failed_in_time_is_not_released)
{
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL, .why = "down"});
	rig_emit("a");
	rig_spin();
	rig_expect("claim a, settle a rejected 503");
	ck_assert_uint_eq(rig.made[CALL_RELEASE], 0);
}
END_TEST

START_TEST(a_renewal_that_hangs_does_not_hold_up_a_drain)
{
	bool drained = false;
	struct rig_setup setup = rig_usual();
	rig_stop();
	/* Its own limit is a third of this: it must not be what ends it. */
	setup.policy.lock_ms = 3000;
	setup.policy.deadline_ms = 3600000;
	rig_start(setup);
	rig_script(CALL_RENEW, later);
	rig_script(CALL_DELIVER, later);
	struct sent *s = rig_emit("a");
	rig_until(rig_open(CALL_RENEW) == 1);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	/* Not a turn of the loop that waits for a timer. */
	rig_spin();
	ck_assert(s->settled);
	ck_assert_uint_eq(rig_open(CALL_RENEW), 0);
	ck_assert_uint_eq(rig.cancels, 1);
	engine_drain(rig.engine, note_drained, &drained);
	rig_spin();
	ck_assert(drained);
}
END_TEST

START_TEST(a_release_that_hangs_does_not_hold_up_a_drain)
{
	bool drained = false;
	rig_script(CALL_DELIVER, later);
	rig_script(CALL_RELEASE, later);
	struct sent *s = rig_emit("a");
	rig_spin();
	engine_drain(rig.engine, note_drained, &drained);
	engine_abort(rig.engine);
	rig_spin(); /* the delivery is cancelled, its key to be released */
	ck_assert_uint_eq(rig_open(CALL_RELEASE), 1);
	ck_assert(!drained);
	/* Nobody answers: it is cancelled by its own limit. */
	rig_until(drained);
	ck_assert(s->settled && !s->acknowledge);
	ck_assert_uint_eq(rig.cancels, 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/late_store");
	TCase *t = tcase_create("late_store");
	tcase_add_checked_fixture(t, start, rig_stop);
	tcase_add_test(t, a_claim_answered_too_late_is_released);
	tcase_add_test(t, a_claim_that_was_never_taken_is_not_lost);
	tcase_add_test(t, a_claim_that_failed_in_time_is_not_released);
	tcase_add_test(t, a_renewal_that_hangs_does_not_hold_up_a_drain);
	tcase_add_test(t, a_release_that_hangs_does_not_hold_up_a_drain);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
