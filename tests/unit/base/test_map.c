#include "base/map.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "tests/unit/main.h"

static int values[8];

START_TEST(starts_empty)
{
	struct map m = MAP_INIT;
	size_t at = 0;
	ck_assert_ptr_null(map_get(&m, text_of("a")));
	ck_assert_ptr_null(map_remove(&m, text_of("a")));
	ck_assert_ptr_null(map_next(&m, &at));
	map_free(&m);
}
END_TEST

START_TEST(replaces_and_returns_the_old_value)
{
	struct map m = MAP_INIT;
	ck_assert_ptr_null(map_put(&m, text_of("a"), &values[0]));
	ck_assert_ptr_eq(map_put(&m, text_of("a"), &values[1]), &values[0]);
	ck_assert_uint_eq(m.count, 1);
	ck_assert_ptr_eq(map_get(&m, text_of("a")), &values[1]);
	ck_assert_ptr_eq(map_remove(&m, text_of("a")), &values[1]);
	ck_assert_ptr_null(map_remove(&m, text_of("a")));
	ck_assert_ptr_null(map_get(&m, text_of("a")));
	ck_assert_uint_eq(m.count, 0);
	map_free(&m);
}
END_TEST

START_TEST(keys_are_bytes)
{
	struct map m = MAP_INIT;
	const struct ow_text keys[] = {{"", 0}, {"a", 1}, {"a\0", 2}, {"a\0b", 3}, {"\0", 1},
	    {"\0\0", 2}, {"\xff", 1}, {"A", 1}};
	for (size_t i = 0; i < 8; i++)
		ck_assert_ptr_null(map_put(&m, keys[i], &values[i]));
	for (size_t i = 0; i < 8; i++)
		ck_assert_ptr_eq(map_get(&m, keys[i]), &values[i]);
	ck_assert_ptr_eq(map_get(&m, TEXT_NONE), &values[0]);
	map_free(&m);
}
END_TEST

/* The entry under a replaced key borrows the new key: the old one may go. */
START_TEST(replacing_borrows_the_new_key)
{
	struct map m = MAP_INIT;
	char first[] = "key", second[] = "key";
	map_put(&m, text_of(first), &values[0]);
	map_put(&m, text_of(second), &values[1]);
	memset(first, 'x', 3);
	ck_assert_ptr_eq(map_get(&m, text_of("key")), &values[1]);
	map_free(&m);
}
END_TEST

/* Random steps against an array that knows what must be there. */
START_TEST(agrees_with_a_naive_model)
{
	enum {
		KEYS = 3000
	};
	static char names[KEYS][16];
	static bool present[KEYS];
	struct random random;
	struct map m = MAP_INIT;
	size_t count = 0;
	random_init_seeded(&random, 11);
	for (size_t i = 0; i < KEYS; i++)
		snprintf(names[i], sizeof(names[i]), "key %zu", i * i);
	memset(present, 0, sizeof(present));
	for (size_t step = 0; step < 200000; step++) {
		/* A window that wanders, so that the map fills and empties. */
		size_t i = (step / 50 + random_below(&random, KEYS / 3)) % KEYS;
		struct ow_text key = text_of(names[i]);
		void *old = present[i] ? names[i] : NULL;
		ck_assert_ptr_eq(map_get(&m, key), old);
		if (random_below(&random, 2)) {
			ck_assert_ptr_eq(map_put(&m, key, names[i]), old);
			count += !present[i];
			present[i] = true;
		} else {
			ck_assert_ptr_eq(map_remove(&m, key), old);
			count -= present[i];
			present[i] = false;
		}
		ck_assert_uint_eq(m.count, count);
		ck_assert_uint_ge(m.size, m.count);
	}
	for (size_t i = 0; i < KEYS; i++)
		ck_assert_ptr_eq(
		    map_get(&m, text_of(names[i])), present[i] ? (void *)names[i] : NULL);
	map_free(&m);
}
END_TEST

START_TEST(walks_all_once)
{
	enum {
		COUNT = 100
	};
	struct map m = MAP_INIT;
	char names[COUNT][16];
	int seen[COUNT] = {0};
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "%zu", i);
		map_put(&m, text_of(names[i]), &seen[i]);
	}
	int *value;
	for (size_t at = 0; (value = map_next(&m, &at));)
		++*value;
	for (size_t i = 0; i < COUNT; i++)
		ck_assert_int_eq(seen[i], 1);
	map_free(&m);
	ck_assert_uint_eq(m.count, 0);
}
END_TEST

/* Keys that come and go leave nothing behind: the table does not grow with time. */
START_TEST(does_not_grow_without_need)
{
	struct map m = MAP_INIT;
	char name[32];
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		map_put(&m, text_of(name), &values[0]);
		ck_assert_ptr_eq(map_remove(&m, text_of(name)), &values[0]);
	}
	ck_assert_uint_le(m.size, 16);
	map_free(&m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("map");
	TCase *t = tcase_create("map");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, starts_empty);
	tcase_add_test(t, replaces_and_returns_the_old_value);
	tcase_add_test(t, keys_are_bytes);
	tcase_add_test(t, replacing_borrows_the_new_key);
	tcase_add_test(t, agrees_with_a_naive_model);
	tcase_add_test(t, walks_all_once);
	tcase_add_test(t, does_not_grow_without_need);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
