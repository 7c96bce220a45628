/* Claims that are shorter than the delivery: renewed, lost, given up. */
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step fine = {.rc = OW_OK};

/* A lock of 30 ms is renewed each 10 ms; its deadline is far away. */
static void start_short(void)
{
	struct rig_setup setup = rig_usual();
	setup.policy.lock_ms = 30;
	rig_start(setup);
	rig_freeze();
	rig_script(CALL_DELIVER, later);
}

static struct sent *first(void)
{
	return list_entry(rig.sent.next, struct sent, link);
}

static int64_t lost(void)
{
	return rig_metric("onceway_lease_lost_total", NULL, NULL);
}

static void deliver_now(void)
{
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_until(first()->settled);
	ck_assert_int_eq(first()->outcome, OW_DELIVERED);
	ck_assert(first()->acknowledge);
}

START_TEST(a_long_delivery_renews_its_claim)
{
	rig_emit("a");
	rig_until(rig.made[CALL_RENEW] >= 3);
	ck_assert(model_is_claimed("k:a"));
	deliver_now();
	ck_assert(model_is_done("k:a"));
	ck_assert_int_eq(lost(), 0);
	ck_assert_int_ge(rig_metric("onceway_store_seconds", "op", "renew"), 3);
	/* A finished key is renewed no more. */
	unsigned renewed = rig.made[CALL_RENEW];
	for (int i = 0; i < 40; i++)
		rig_turn();
	ck_assert_uint_eq(rig.made[CALL_RENEW], renewed);
}
END_TEST

START_TEST(a_lock_beyond_the_deadline_is_never_renewed)
{
	struct rig_setup setup = rig_usual();
	rig_emit("a");
	rig_spin();
	deliver_now();
	rig_stop();
	setup.policy.lock_ms = 71251; /* deadline and margin: 71.25 s */
	rig_start(setup);
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	/* Its timer, if there was one, would keep the engine from being drained. */
	deliver_now();
	ck_assert_uint_eq(rig.made[CALL_RENEW], 0);
}
END_TEST

START_TEST(a_lost_lease_is_counted_once_and_renewed_no_more)
{
	rig_emit("a");
	rig_until(rig.made[CALL_RENEW] == 1);
	model_take("k:a");
	rig_until(rig.made[CALL_RENEW] == 2);
	for (int i = 0; i < 40; i++)
		rig_turn();
	ck_assert_uint_eq(rig.made[CALL_RENEW], 2);
	deliver_now(); /* the sink has it */
	ck_assert_int_eq(lost(), 1);
	ck_assert(model_is_claimed("k:a")); /* the successor's */
}
END_TEST

START_TEST(a_renewal_that_fails_is_tried_again_soon)
{
	rig_script(CALL_RENEW, (struct step){.rc = OW_FAIL, .why = "down"});
	rig_emit("a");
	rig_until(rig.made[CALL_RENEW] >= 3);
	ck_assert_int_eq(rig_metric("onceway_store_errors_total", NULL, NULL), 1);
	deliver_now();
	ck_assert_int_eq(lost(), 0);
}
END_TEST

START_TEST(a_renewal_that_hangs_is_cancelled)
{
	rig_script(CALL_RENEW, later);
	rig_emit("a");
	rig_until(rig.made[CALL_RENEW] >= 2);
	ck_assert_uint_eq(rig.cancels, 1);
	deliver_now();
}
END_TEST

static void note_drained(void *arg)
{
	*(bool *)arg = true;
}

/* The event is settled, but the store still uses what the renewal borrowed. */
START_TEST(draining_waits_for_a_renewal_under_way)
{
	bool drained = false;
	rig_script(CALL_RENEW, (struct step){.later = true, .stubborn = true});
	rig_emit("a");
	rig_until(rig_open(CALL_RENEW) == 1);
	deliver_now();
	ck_assert_uint_eq(engine_unsettled(rig.engine), 0);
	engine_drain(rig.engine, note_drained, &drained);
	rig_spin();
	ck_assert(!drained);
	call_answer(rig_call(CALL_RENEW, 0), (struct step){.rc = OW_REJECT});
	rig_until(drained);
	ck_assert_int_eq(lost(), 0);
}
END_TEST

START_TEST(a_failed_delivery_ends_its_lease)
{
	rig_emit("a");
	rig_until(rig.made[CALL_RENEW] >= 1);
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_REJECT});
	rig_until(first()->settled);
	ck_assert_int_eq(first()->status, 502);
	ck_assert(!model_is_claimed("k:a"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/lease");
	TCase *t = tcase_create("leases");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start_short, rig_stop);
	tcase_add_test(t, a_long_delivery_renews_its_claim);
	tcase_add_test(t, a_lock_beyond_the_deadline_is_never_renewed);
	tcase_add_test(t, a_lost_lease_is_counted_once_and_renewed_no_more);
	tcase_add_test(t, a_renewal_that_fails_is_tried_again_soon);
	tcase_add_test(t, a_renewal_that_hangs_is_cancelled);
	tcase_add_test(t, draining_waits_for_a_renewal_under_way);
	tcase_add_test(t, a_failed_delivery_ends_its_lease);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
