/* When to try again: tables, and bounds over many draws. */
#include "route/retry.h"

#include "tests/unit/main.h"

#define DRAWS 2000

static struct random dice;

static void seed(void)
{
	random_init_seeded(&dice, 4711);
}

static struct ow_sink_policy policy(enum ow_jitter jitter)
{
	return (struct ow_sink_policy){.size = sizeof(struct ow_sink_policy),
	    .attempts = 6,
	    .base_ms = 100,
	    .max_ms = 1000,
	    .jitter = jitter};
}

START_TEST(without_jitter_waits_double_up_to_max)
{
	const struct ow_sink_policy p = policy(OW_JITTER_NONE);
	const int64_t waits[] = {100, 200, 400, 800, 1000};
	for (int64_t made = 1; made <= 5; made++)
		ck_assert_int_eq(retry_wait(&p, made, 0, 60000, &dice), waits[made - 1]);
}
END_TEST

START_TEST(the_last_attempt_has_no_successor)
{
	struct ow_sink_policy p = policy(OW_JITTER_NONE);
	ck_assert_int_eq(retry_wait(&p, 6, 0, 60000, &dice), -1);
	ck_assert_int_eq(retry_wait(&p, 7, 0, 60000, &dice), -1);
	p.attempts = 1;
	ck_assert_int_eq(retry_wait(&p, 1, 0, 60000, &dice), -1);
}
END_TEST

START_TEST(a_hundred_attempts_do_not_overflow)
{
	struct ow_sink_policy p = policy(OW_JITTER_NONE);
	p.attempts = 100;
	p.base_ms = 3600000;
	p.max_ms = 86400000;
	ck_assert_int_eq(retry_wait(&p, 99, 0, INT64_MAX, &dice), 86400000);
	p.max_ms = 1; /* less than base: max rules */
	ck_assert_int_eq(retry_wait(&p, 1, 0, 60000, &dice), 1);
}
END_TEST

START_TEST(full_jitter_takes_any_part_of_the_wait)
{
	const struct ow_sink_policy p = policy(OW_JITTER_FULL);
	const int64_t most[] = {100, 200, 400, 800, 1000};
	for (int64_t made = 1; made <= 5; made++) {
		int64_t least_seen = INT64_MAX, most_seen = -1, sum = 0;
		for (int i = 0; i < DRAWS; i++) {
			int64_t wait = retry_wait(&p, made, 0, 60000, &dice);
			least_seen = wait < least_seen ? wait : least_seen;
			most_seen = wait > most_seen ? wait : most_seen;
			sum += wait;
		}
		int64_t top = most[made - 1];
		ck_assert_int_ge(least_seen, 0);
		ck_assert_int_le(most_seen, top);
		ck_assert_int_le(least_seen, top / 20);
		ck_assert_int_ge(most_seen, top - top / 20);
		ck_assert_int_ge(sum / DRAWS, top * 45 / 100);
		ck_assert_int_le(sum / DRAWS, top * 55 / 100);
	}
}
END_TEST

START_TEST(retry_after_is_the_least_wait)
{
	const struct ow_sink_policy none = policy(OW_JITTER_NONE);
	const struct ow_sink_policy full = policy(OW_JITTER_FULL);
	ck_assert_int_eq(retry_wait(&none, 1, 5000, 60000, &dice), 5000);
	ck_assert_int_eq(retry_wait(&none, 4, 5, 60000, &dice), 800);
	for (int i = 0; i < DRAWS; i++) {
		int64_t wait = retry_wait(&full, 3, 150, 60000, &dice);
		ck_assert_int_ge(wait, 150);
		ck_assert_int_le(wait, 400);
	}
}
END_TEST

START_TEST(an_attempt_starts_before_the_deadline_or_not_at_all)
{
	const struct ow_sink_policy p = policy(OW_JITTER_NONE);
	ck_assert_int_eq(retry_wait(&p, 1, 0, 101, &dice), 100);
	ck_assert_int_eq(retry_wait(&p, 1, 0, 100, &dice), -1);
	ck_assert_int_eq(retry_wait(&p, 1, 0, 0, &dice), -1);
	ck_assert_int_eq(retry_wait(&p, 1, 5000, 4999, &dice), -1);
}
END_TEST

START_TEST(polls_grow_from_20_ms_to_1_s_spread_by_a_quarter)
{
	const int64_t waits[] = {20, 40, 80, 160, 320, 640, 1000, 1000, 1000};
	for (unsigned polls = 0; polls < 9; polls++) {
		int64_t least_seen = INT64_MAX, most_seen = -1, wait = waits[polls];
		for (int i = 0; i < DRAWS; i++) {
			int64_t w = retry_poll_wait(polls, -1, &dice);
			least_seen = w < least_seen ? w : least_seen;
			most_seen = w > most_seen ? w : most_seen;
		}
		ck_assert_int_eq(least_seen, wait);
		ck_assert_int_eq(most_seen, wait + wait / 4);
	}
	ck_assert_int_le(retry_poll_wait(1000000, -1, &dice), 1250);
}
END_TEST

START_TEST(a_poll_comes_soon_after_the_claim_s_end)
{
	for (int i = 0; i < DRAWS; i++) {
		int64_t wait = retry_poll_wait(9, 100, &dice);
		ck_assert_int_gt(wait, 100);
		ck_assert_int_le(wait, 127);
		ck_assert_int_eq(retry_poll_wait(9, 0, &dice), 1);
	}
	/* A claim that lives longer than the wait changes nothing. */
	ck_assert_int_le(retry_poll_wait(0, 60000, &dice), 25);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/retry");
	TCase *t = tcase_create("waits");
	tcase_add_checked_fixture(t, seed, NULL);
	tcase_add_test(t, without_jitter_waits_double_up_to_max);
	tcase_add_test(t, the_last_attempt_has_no_successor);
	tcase_add_test(t, a_hundred_attempts_do_not_overflow);
	tcase_add_test(t, full_jitter_takes_any_part_of_the_wait);
	tcase_add_test(t, retry_after_is_the_least_wait);
	tcase_add_test(t, an_attempt_starts_before_the_deadline_or_not_at_all);
	tcase_add_test(t, polls_grow_from_20_ms_to_1_s_spread_by_a_quarter);
	tcase_add_test(t, a_poll_comes_soon_after_the_claim_s_end);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
