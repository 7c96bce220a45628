#include "base/clock.h"

#include <time.h>

#include "tests/unit/main.h"

START_TEST(a_manual_clock_stands_still)
{
	struct clock c;
	clock_init_manual(&c, 1234567);
	int64_t mono = clock_mono(&c);
	ck_assert_int_eq(clock_wall(&c), 1234567);
	ck_assert_int_eq(clock_wall(&c), 1234567);
	ck_assert_int_eq(clock_mono(&c), mono);
	ck_assert_int_eq(clock_mono_us(&c), mono * 1000);
	clock_advance(&c, 5);
	ck_assert_int_eq(clock_wall(&c), 1234572);
	ck_assert_int_eq(clock_mono(&c), mono + 5);
	ck_assert_int_eq(clock_mono_us(&c), (mono + 5) * 1000);
}
END_TEST

START_TEST(the_system_clock_goes_on)
{
	struct clock c;
	clock_init_system(&c);
	/* The C library's clock may be a tick behind the finer one. */
	int64_t before = (int64_t)time(NULL) * 1000 - 1000;
	int64_t wall = clock_wall(&c);
	ck_assert_int_ge(wall, before);
	ck_assert_int_le(wall, (int64_t)time(NULL) * 1000 + 2000);
	int64_t last = clock_mono_us(&c);
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_mono_us(&c);
		ck_assert_int_ge(now, last);
		last = now;
	}
	ck_assert_int_ge(clock_mono(&c), last / 1000);
}
END_TEST

static void formats(int64_t wall_ms, const char *expected)
{
	char out[32];
	clock_format(wall_ms, out);
	ck_assert_str_eq(out, expected);
}

START_TEST(writes_times)
{
	formats(0, "1970-01-01T00:00:00.000Z");
	formats(1, "1970-01-01T00:00:00.001Z");
	formats(951782399999, "2000-02-28T23:59:59.999Z");
	formats(951782400000, "2000-02-29T00:00:00.000Z");
	formats(1767225600123, "2026-01-01T00:00:00.123Z");
	formats(4102444800000, "2100-01-01T00:00:00.000Z");
	formats(253402300799999, "9999-12-31T23:59:59.999Z");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("clock");
	TCase *t = tcase_create("clock");
	tcase_add_test(t, a_manual_clock_stands_still);
	tcase_add_test(t, the_system_clock_goes_on);
	tcase_add_test(t, writes_times);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
