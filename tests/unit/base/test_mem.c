#include "base/mem.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/main.h"

/*
 * Sanitizers end the process themselves when too much is asked for, which is
 * not what is tested here. These names are theirs.
 */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

__attribute__((visibility("default"))) const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

START_TEST(nothing_is_never_null)
{
	void *all[] = {mem_alloc(0), mem_zero(0), mem_array(0, 8), mem_array(8, 0),
	    mem_grow(NULL, 0, 0), mem_copy(NULL, 0), mem_string_of(NULL, 0)};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ck_assert_ptr_nonnull(all[i]);
		free(all[i]);
	}
}
END_TEST

static void check_zeroes(size_t size)
{
	/* It is likely to be given again. */
	char *dirty = mem_alloc(size);
	memset(dirty, 0xff, size);
	ck_assert_int_eq(dirty[0], (char)0xff);
	free(dirty);
	char *zero = mem_zero(size), *array = mem_array(size / 4, 4);
	for (size_t i = 0; i < size / 4 * 4; i++)
		ck_assert(zero[i] == 0 && array[i] == 0);
	free(zero);
	free(array);
}

START_TEST(zeroes)
{
	check_zeroes(100);
	check_zeroes(40000);
}
END_TEST

START_TEST(grows)
{
	char *p = mem_grow(NULL, 4, 1);
	memcpy(p, "abcd", 4);
	p = mem_grow(p, 1000, 1000);
	ck_assert_mem_eq(p, "abcd", 4);
	p = mem_grow(p, 2, 1);
	ck_assert_mem_eq(p, "ab", 2);
	free(p);
}
END_TEST

START_TEST(copies)
{
	char *copy = mem_copy("a\0b", 3), *string = mem_string("text"),
	     *part = mem_string_of("textual", 4);
	ck_assert_mem_eq(copy, "a\0b", 3);
	ck_assert_str_eq(string, "text");
	ck_assert_str_eq(part, "text");
	free(copy);
	free(string);
	free(part);
}
END_TEST

/* These end the process, which check sees only when it forks. */
START_TEST(an_array_too_large_ends_the_process)
{
	volatile size_t half = SIZE_MAX / 2 + 2;
	free(mem_array(half, 2));
}
END_TEST

START_TEST(growing_too_large_ends_the_process)
{
	volatile size_t half = SIZE_MAX / 2 + 2;
	free(mem_grow(NULL, half, 2));
}
END_TEST

START_TEST(more_than_there_is_ends_the_process)
{
	volatile size_t all = SIZE_MAX / 2 - 100;
	free(mem_alloc(all));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("mem");
	TCase *t = tcase_create("mem");
	const char *fork_mode = getenv("CK_FORK");
	tcase_add_test(t, nothing_is_never_null);
	tcase_add_test(t, zeroes);
	tcase_add_test(t, grows);
	tcase_add_test(t, copies);
	if (!fork_mode || strcmp(fork_mode, "no") != 0) {
		tcase_add_test_raise_signal(t, an_array_too_large_ends_the_process, SIGABRT);
		tcase_add_test_raise_signal(t, growing_too_large_ends_the_process, SIGABRT);
		tcase_add_test_raise_signal(t, more_than_there_is_ends_the_process, SIGABRT);
	}
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
