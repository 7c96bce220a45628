#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/random.h"
#include "tests/unit/main.h"

/* What was freed before is given again, so the second round finds it dirty. */
START_TEST(memory_is_zeroed_and_aligned)
{
	static const unsigned char zero[3000];
	for (int round = 0; round < 2; round++) {
		struct arena a = ARENA_INIT;
		for (size_t size = 0; size < sizeof(zero); size += 7) {
			unsigned char *p = arena_alloc(&a, size);
			ck_assert_ptr_nonnull(p);
			ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
			ck_assert_int_eq(memcmp(p, zero, size), 0);
			/* So that the next one would show it if they overlapped. */
			memset(p, 0xff, size);
		}
		arena_free(&a);
	}
}
END_TEST

/* Every allocation keeps its own bytes, whatever is allocated around it. */
START_TEST(allocations_do_not_overlap)
{
	enum {
		COUNT = 2000
	};
	struct arena a = ARENA_INIT;
	struct random random;
	unsigned char *parts[COUNT];
	size_t sizes[COUNT];
	random_init_seeded(&random, 7);
	for (size_t i = 0; i < COUNT; i++) {
		sizes[i] = random_below(&random, random_below(&random, 20) ? 100 : 5000);
		parts[i] = arena_alloc(&a, sizes[i]);
		memset(parts[i], (int)(i % 251) + 1, sizes[i]);
	}
	size_t wrong = 0;
	for (size_t i = 0; i < COUNT; i++)
		for (size_t k = 0; k < sizes[i]; k++)
			wrong += parts[i][k] != i % 251 + 1;
	ck_assert_uint_eq(wrong, 0);
	arena_free(&a);
}
END_TEST

START_TEST(a_large_one_leaves_the_rest_of_a_chunk_to_small_ones)
{
	struct arena a = ARENA_INIT;
	char *before = arena_alloc(&a, 16);
	arena_alloc(&a, 100000);
	char *after = arena_alloc(&a, 16);
	ck_assert_ptr_eq(after, before + 16);
	arena_free(&a);
}
END_TEST

START_TEST(copies_and_strings)
{
	struct arena a = ARENA_INIT;
	const char bytes[] = {'a', '\0', 'b'};
	ck_assert_mem_eq(arena_copy(&a, bytes, sizeof(bytes)), bytes, sizeof(bytes));
	ck_assert_ptr_nonnull(arena_copy(&a, NULL, 0));
	ck_assert_str_eq(arena_string(&a, ""), "");
	ck_assert_str_eq(arena_string(&a, "text"), "text");
	ck_assert_str_eq(arena_string_of(&a, "textual", 4), "text");
	ck_assert_str_eq(arena_string_of(&a, NULL, 0), "");
	ck_assert_str_eq(arena_printf(&a, "%d %s", 42, "x"), "42 x");
	ck_assert_uint_eq(strlen(arena_printf(&a, "%5000d", 1)), 5000);
	arena_free(&a);
}
END_TEST

START_TEST(can_be_used_again)
{
	struct arena a = ARENA_INIT;
	arena_free(&a);
	arena_string(&a, "one");
	arena_free(&a);
	ck_assert_str_eq(arena_string(&a, "two"), "two");
	arena_free(&a);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("arena");
	TCase *t = tcase_create("arena");
	tcase_add_test(t, memory_is_zeroed_and_aligned);
	tcase_add_test(t, allocations_do_not_overlap);
	tcase_add_test(t, a_large_one_leaves_the_rest_of_a_chunk_to_small_ones);
	tcase_add_test(t, copies_and_strings);
	tcase_add_test(t, can_be_used_again);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
