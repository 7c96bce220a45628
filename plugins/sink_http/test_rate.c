#include "sink_http/rate.h"

#include "tests/unit/main.h"

#define NEVER 1000000000

static int64_t take(struct rate *r, int64_t now)
{
	int64_t wait = -1;
	ck_assert(rate_take(r, now, NEVER, &wait));
	return wait;
}

START_TEST(goes_evenly)
{
	struct rate *r = rate_new(100, 1000, 1);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(take(r, 5000), 10 * i);
	/* Time that nobody used is over. */
	ck_assert_int_eq(take(r, 60000), 0);
	ck_assert_int_eq(take(r, 60004), 6);
	rate_free(r);
}
END_TEST

START_TEST(a_burst_after_a_pause)
{
	struct rate *r = rate_new(10, 1000, 4);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(take(r, 0), 0);
	ck_assert_int_eq(take(r, 0), 100);
	ck_assert_int_eq(take(r, 0), 200);
	ck_assert_int_eq(take(r, 600), 0);
	ck_assert_int_eq(take(r, 600), 0);
	ck_assert_int_eq(take(r, 600), 0);
	ck_assert_int_eq(take(r, 600), 0);
	ck_assert_int_eq(take(r, 600), 100);
	rate_free(r);
}
END_TEST

START_TEST(what_is_too_late_takes_nothing)
{
	struct rate *r = rate_new(1, 60000, 1);
	int64_t wait = 0;
	ck_assert_int_eq(take(r, 0), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert(!rate_take(r, 1000, 58999, &wait));
		ck_assert_int_eq(wait, 59000);
	}
	ck_assert(rate_take(r, 1000, 59000, &wait));
	ck_assert_int_eq(wait, 59000);
	ck_assert_int_eq(take(r, 1000), 119000);
	rate_free(r);
}
END_TEST

/* Three a second do not divide a second: over any stretch still no more than that. */
START_TEST(never_more_than_the_limit)
{
	static const int64_t limits[] = {3, 7, 999, 1001, 30000};
	for (int i = 0; i < 5; i++) {
		struct rate *r = rate_new(limits[i], 1000, 1);
		int64_t last = 0;
		for (int64_t n = 0; n < 3 * limits[i]; n++) {
			int64_t at = take(r, 0);
			ck_assert_int_ge(at, last);
			ck_assert_int_ge(at * limits[i], n * 1000);
			last = at;
		}
		rate_free(r);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sink_http/rate");
	TCase *t = tcase_create("rate");
	tcase_add_test(t, goes_evenly);
	tcase_add_test(t, a_burst_after_a_pause);
	tcase_add_test(t, what_is_too_late_takes_nothing);
	tcase_add_test(t, never_more_than_the_limit);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
