#include "base/random.h"

#include <string.h>

#include "tests/unit/main.h"

START_TEST(a_seed_repeats)
{
	struct random a, b, c;
	unsigned char x[1000], y[1000], z[1000];
	random_init_seeded(&a, 5);
	random_init_seeded(&b, 5);
	random_init_seeded(&c, 6);
	random_fill(&a, x, sizeof(x));
	random_fill(&b, y, sizeof(y));
	random_fill(&c, z, sizeof(z));
	ck_assert_mem_eq(x, y, sizeof(x));
	ck_assert_mem_ne(x, z, sizeof(x));
}
END_TEST

/* The pieces in which bytes are asked for make no difference. */
START_TEST(pieces_make_the_same_stream)
{
	struct random a, b;
	unsigned char whole[2000], pieces[2000];
	random_init_seeded(&a, 9);
	random_init_seeded(&b, 9);
	random_fill(&a, whole, sizeof(whole));
	for (size_t at = 0, n = 0; at < sizeof(pieces); at += n) {
		n = at % 37 + 1;
		if (n > sizeof(pieces) - at)
			n = sizeof(pieces) - at;
		random_fill(&b, pieces + at, n);
	}
	ck_assert_mem_eq(whole, pieces, sizeof(whole));
	random_fill(&a, whole, 0);
}
END_TEST

START_TEST(what_was_given_is_not_kept)
{
	struct random r;
	unsigned char token[16], zero[16] = {0};
	random_init_seeded(&r, 1);
	random_fill(&r, token, sizeof(token));
	ck_assert_mem_ne(token, zero, sizeof(token));
	ck_assert_ptr_null(memmem(&r.pool, sizeof(r.pool), token, sizeof(token)));
}
END_TEST

/* Two copies of one memory: what was got ahead is in both. */
START_TEST(a_copy_that_refreshes_goes_its_own_way)
{
	struct random a, b;
	unsigned char x[16], y[16];
	random_init(&a);
	random_fill(&a, x, sizeof(x));
	b = a;
	random_fill(&a, x, sizeof(x));
	random_fill(&b, y, sizeof(y));
	ck_assert_mem_eq(x, y, sizeof(x));
	random_refresh(&a);
	random_refresh(&b);
	random_fill(&a, x, sizeof(x));
	random_fill(&b, y, sizeof(y));
	ck_assert_mem_ne(x, y, sizeof(x));
}
END_TEST

START_TEST(the_kernel_does_not_repeat)
{
	struct random a, b;
	unsigned char x[32], y[32], z[600];
	random_init(&a);
	random_init(&b);
	random_fill(&a, x, sizeof(x));
	random_fill(&b, y, sizeof(y));
	ck_assert_mem_ne(x, y, sizeof(x));
	random_fill(&a, y, sizeof(y));
	ck_assert_mem_ne(x, y, sizeof(x));
	memset(z, 0, sizeof(z));
	random_system(z, sizeof(z));
	/* A run of 32 zero bytes at the end would mean that it was not filled. */
	memset(x, 0, sizeof(x));
	ck_assert_mem_ne(z + sizeof(z) - sizeof(x), x, sizeof(x));
}
END_TEST

START_TEST(below_stays_below)
{
	struct random r;
	random_init_seeded(&r, 3);
	ck_assert_uint_eq(random_below(&r, 0), 0);
	ck_assert_uint_eq(random_below(&r, 1), 0);
	for (int i = 0; i < 10000; i++) {
		ck_assert_uint_lt(random_below(&r, 2), 2);
		ck_assert_uint_lt(random_below(&r, 1000003), 1000003);
		ck_assert_uint_lt(random_below(&r, UINT64_MAX), UINT64_MAX);
		ck_assert_uint_lt(random_below(&r, UINT64_MAX / 2 + 2), UINT64_MAX / 2 + 2);
	}
}
END_TEST

/*
 * Seeded, so the same every time: each of 10 values about 10000 times of
 * 100000; 4 standard deviations are 380.
 */
START_TEST(below_is_even)
{
	struct random r;
	unsigned counts[10] = {0};
	random_init_seeded(&r, 4);
	for (int i = 0; i < 100000; i++)
		counts[random_below(&r, 10)]++;
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_gt(counts[i], 10000 - 380);
		ck_assert_uint_lt(counts[i], 10000 + 380);
	}
}
END_TEST

/* With three quarters of 2^64 as bound, taking the remainder alone would favour the low third.
 */
START_TEST(below_is_even_for_large_bounds)
{
	struct random r;
	uint64_t bound = UINT64_MAX / 4 * 3;
	unsigned low = 0;
	random_init_seeded(&r, 8);
	for (int i = 0; i < 30000; i++)
		low += random_below(&r, bound) < bound / 3;
	ck_assert_uint_gt(low, 10000 - 400);
	ck_assert_uint_lt(low, 10000 + 400);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("random");
	TCase *t = tcase_create("random");
	tcase_add_test(t, a_seed_repeats);
	tcase_add_test(t, pieces_make_the_same_stream);
	tcase_add_test(t, what_was_given_is_not_kept);
	tcase_add_test(t, a_copy_that_refreshes_goes_its_own_way);
	tcase_add_test(t, the_kernel_does_not_repeat);
	tcase_add_test(t, below_stays_below);
	tcase_add_test(t, below_is_even);
	tcase_add_test(t, below_is_even_for_large_bounds);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
