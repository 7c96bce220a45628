#include "store_redis/local_cache.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/main.h"

static struct local_cache *cache;

static struct ow_text text_of(const char *string)
{
	return (struct ow_text){string, strlen(string)};
}

/* A hash that collides, so that keys are told apart by themselves. */
static uint64_t hash_of(const char *key)
{
	return strlen(key) % 3;
}

static void put(const char *key, int64_t expires_ms, const char *body)
{
	char copy[64];
	snprintf(copy, sizeof(copy), "%s", body);
	local_cache_put(cache, text_of(key), hash_of(key),
	    &(struct cached){.since_ms = 5,
		.expires_ms = expires_ms,
		.has_result = true,
		.has_digest = true,
		.digest = {9},
		.result = {.status = 201,
		    .content_type = text_of("text/plain"),
		    .body = text_of(copy)}});
	memset(copy, 0, sizeof(copy)); /* the cache has its own */
}

static const struct cached *get(const char *key, int64_t now_ms)
{
	return local_cache_get(cache, text_of(key), hash_of(key), now_ms);
}

static void setup(void)
{
	cache = local_cache_new(3);
}

static void teardown(void)
{
	local_cache_free(cache);
}

START_TEST(remembers_all_of_it)
{
	ck_assert_ptr_null(get("a", 0));
	put("a", 100, "body");
	const struct cached *c = get("a", 99);
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(c->since_ms, 5);
	ck_assert_int_eq(c->result.status, 201);
	ck_assert_uint_eq(c->result.content_type.len, 10);
	ck_assert_mem_eq(c->result.content_type.data, "text/plain", 10);
	ck_assert_uint_eq(c->result.body.len, 4);
	ck_assert_mem_eq(c->result.body.data, "body", 4);
	ck_assert_int_eq(c->digest[0], 9);
	ck_assert_ptr_null(get("b", 0));
	ck_assert_ptr_null(get("", 0));
}
END_TEST

START_TEST(forgets_to_the_millisecond)
{
	put("a", 100, "x");
	ck_assert_ptr_nonnull(get("a", 99));
	ck_assert_ptr_null(get("a", 100));
	ck_assert_uint_eq(local_cache_count(cache), 0);
	ck_assert_ptr_null(get("a", 99));
}
END_TEST

START_TEST(the_oldest_makes_room)
{
	put("a", 100, "1");
	put("b", 100, "2");
	put("c", 100, "3");
	put("a", 100, "4"); /* learned again: the newest now */
	ck_assert_uint_eq(local_cache_count(cache), 3);
	put("d", 100, "5");
	ck_assert_uint_eq(local_cache_count(cache), 3);
	ck_assert_ptr_null(get("b", 0));
	ck_assert_mem_eq(get("a", 0)->result.body.data, "4", 1);
	ck_assert_ptr_nonnull(get("c", 0));
	ck_assert_ptr_nonnull(get("d", 0));
}
END_TEST

START_TEST(many)
{
	char key[32];
	local_cache_free(cache);
	cache = local_cache_new(1000);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		local_cache_put(cache, text_of(key), (uint64_t)i * 0x9e3779b97f4a7c15u,
		    &(struct cached){.expires_ms = 100});
	}
	ck_assert_uint_eq(local_cache_count(cache), 1000);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		const struct cached *c =
		    local_cache_get(cache, text_of(key), (uint64_t)i * 0x9e3779b97f4a7c15u, 0);
		ck_assert_int_eq(c != NULL, i >= 4000);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("local_cache");
	TCase *t = tcase_create("local_cache");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, remembers_all_of_it);
	tcase_add_test(t, forgets_to_the_millisecond);
	tcase_add_test(t, the_oldest_makes_room);
	tcase_add_test(t, many);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
