/* A store that is full: what it refuses, forgets and gives up, and what it takes up. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_memory/test_rig.h"
#include "tests/unit/main.h"

/* Numbered keys, all in one worker's store. */
static enum ow_rc claim_number(unsigned n, unsigned char owner)
{
	char key[32];
	snprintf(key, sizeof(key), "key %u", n);
	struct ow_claim c = claim_of(text_of(key), owner);
	return mock_rc(mock_claim(store, &c));
}

START_TEST(a_full_store_refuses_new_keys_only)
{
	with("max_keys: 10\n");
	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(claim_number(i, 1), OW_OK);
	commit("key 3", 1);
	struct ow_claim c = claim_of(text_of("one too many"), 1);
	struct ow_op *op = mock_claim(store, &c);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_str_eq(mock_why(op), "store is full: 10 keys (max_keys)");
	ck_assert_int_eq(keys(), 10);
	ck_assert_int_eq(claim("key 3", 2)->state, OW_CLAIM_DONE);
	ck_assert_int_eq(claim("key 4", 2)->state, OW_CLAIM_IN_PROGRESS);
	ck_assert_int_eq(release("key 4", 1), OW_OK);
	ck_assert_int_eq(claim_number(11, 1), OW_OK);
	ck_assert_int_eq(claim_number(12, 1), OW_FAIL);
	done();
}
END_TEST

START_TEST(a_full_store_frees_what_has_expired_first)
{
	with("max_keys: 100\n");
	for (unsigned i = 0; i < 100; i++) {
		char key[32];
		claim_number(i, 1);
		snprintf(key, sizeof(key), "key %u", i);
		commit(key, 1);
	}
	/* Without a turn of the timer, which would sweep too. */
	mock_skip(m, WINDOW_MS - 1);
	ck_assert_int_eq(claim_number(1000, 1), OW_FAIL);
	mock_skip(m, 1);
	for (unsigned i = 1000; i < 1100; i++)
		ck_assert_int_eq(claim_number(i, 1), OW_OK);
	ck_assert_int_eq(claim_number(1100, 1), OW_FAIL);
	ck_assert_int_eq(keys(), 100);
	done();
}
END_TEST

/* ---- eviction ---- */

/* Claimed and committed. */
static void finish_number(unsigned n)
{
	char key[32];
	snprintf(key, sizeof(key), "key %u", n);
	ck_assert_int_eq(claim_number(n, 1), OW_OK);
	ck_assert_int_eq(commit(key, 1), OW_OK);
}

START_TEST(evicts_the_finished_key_that_would_end_first)
{
	with("max_keys: 100\non_full: evict\n");
	for (unsigned i = 0; i < 90; i++) {
		finish_number(i);
		mock_skip(m, 10);
	}
	for (unsigned i = 90; i < 100; i++)
		ck_assert_int_eq(claim_number(i, 1), OW_OK);
	for (unsigned i = 100; i < 150; i++)
		finish_number(i);
	ck_assert_int_eq(keys(), 100);
	ck_assert_uint_eq(mock_counter(m, "store_evicted_total", NULL), 50);
	ck_assert_uint_eq(mock_counter(m, "store_full_total", NULL), 0);
	/* Never one that is being delivered. */
	for (unsigned i = 90; i < 100; i++) {
		char key[32];
		snprintf(key, sizeof(key), "key %u", i);
		ck_assert_int_eq(claim(key, 2)->state, OW_CLAIM_IN_PROGRESS);
		ck_assert_int_eq(commit(key, 1), OW_OK);
	}
	done();
}
END_TEST

START_TEST(the_oldest_are_evicted)
{
	enum {
		KEYS = 10000,
		MORE = 5000
	};
	unsigned gone = 0, first_left = KEYS, last_gone = 0;
	with("max_keys: 10000\non_full: evict\n");
	for (unsigned i = 0; i < KEYS + MORE; i++) {
		finish_number(i);
		mock_skip(m, 5);
		mock_forget(m);
	}
	ck_assert_uint_eq(mock_counter(m, "store_evicted_total", NULL), MORE);
	for (unsigned i = KEYS + MORE; i-- > 0;) {
		char key[32];
		snprintf(key, sizeof(key), "key %u", i);
		/* Whoever asks for one that is gone takes another one's place: so the newest
		 * first. */
		struct ow_claim c = claim_of(text_of(key), 2);
		if (mock_claimed(mock_claim(store, &c))->state == OW_CLAIM_DONE) {
			first_left = i;
			continue;
		}
		mock_release(store, &c);
		gone++;
		if (i > last_gone)
			last_gone = i;
	}
	/* Shards are not all as full, but none forgets what is much younger. */
	ck_assert_uint_ge(gone, MORE);
	ck_assert_uint_gt(first_left, MORE / 2);
	ck_assert_uint_lt(last_gone, MORE * 3 / 2);
	done();
}
END_TEST

START_TEST(with_claims_only_even_eviction_refuses)
{
	with("max_keys: 10\non_full: evict\n");
	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(claim_number(i, 1), OW_OK);
	struct ow_claim c = claim_of(text_of("one too many"), 1);
	struct ow_op *op = mock_claim(store, &c);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_str_eq(mock_why(op), "store is full: 10 keys (max_keys)");
	ck_assert_uint_eq(mock_counter(m, "store_evicted_total", NULL), 0);
	ck_assert_uint_eq(mock_counter(m, "store_full_total", NULL), 1);
	commit("key 7", 1);
	ck_assert_int_eq(claim_number(10, 1), OW_OK);
	ck_assert_uint_eq(mock_counter(m, "store_evicted_total", NULL), 1);
	ck_assert_int_eq(claim_number(11, 1), OW_FAIL);
	done();
}
END_TEST

START_TEST(expired_keys_go_first_and_are_not_counted_as_evicted)
{
	with("max_keys: 50\non_full: evict\n");
	for (unsigned i = 0; i < 50; i++)
		finish_number(i);
	mock_skip(m, WINDOW_MS);
	for (unsigned i = 50; i < 100; i++)
		finish_number(i);
	ck_assert_uint_eq(mock_counter(m, "store_evicted_total", NULL), 0);
	ck_assert_int_eq(keys(), 50);
	done();
}
END_TEST

/* ---- bytes ---- */

static int64_t bytes(void)
{
	mock_advance(m, 1000);
	return mock_gauge(m, "store_bytes");
}

START_TEST(bytes_are_bounded)
{
	char key[32];
	unsigned refused = 0, kept = 0;
	with("max_bytes: 2MiB\n");
	for (unsigned i = 0; i < 20000; i++) {
		struct ow_claim c;
		snprintf(key, sizeof(key), "key %u", i);
		c = claim_of(text_of(key), 1);
		struct ow_op *op = mock_claim(store, &c);
		if (mock_rc(op) != OW_OK) {
			ck_assert_ptr_nonnull(strstr(mock_why(op), "store is full: 20"));
			ck_assert_ptr_nonnull(strstr(mock_why(op), " bytes (max_bytes)"));
			refused++;
		} else {
			ck_assert_int_eq(
			    mock_rc(mock_commit(store, &c, &(struct ow_result){.status = 200})),
			    OW_OK);
			kept++;
		}
		if (i % 500 == 0) {
			ck_assert_int_le(bytes(), 2 << 20);
			mock_forget(m);
		}
	}
	ck_assert_int_le(bytes(), 2 << 20);
	/* Not much is left unused: less than it takes to split a segment or two. */
	ck_assert_int_ge(bytes(), (2 << 20) - 40000);
	ck_assert_uint_gt(kept, 5000);
	ck_assert_uint_eq(mock_counter(m, "store_full_total", NULL), refused);
	ck_assert_int_eq(keys(), kept);
	done();
}
END_TEST

START_TEST(results_give_way_before_keys_do)
{
	static char body[60000];
	char key[32];
	with("max_bytes: 1MiB\n");
	for (unsigned i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		claim(key, 1);
		ck_assert_int_eq(
		    commit_with(key, 1,
			(struct ow_result){.status = 207, .body = {body, sizeof(body)}}),
		    OW_OK);
		ck_assert_int_le(bytes(), 1 << 20);
	}
	ck_assert_uint_eq(claim("key 0", 2)->result->body.len, sizeof(body));
	ck_assert_uint_eq(claim("key 29", 2)->result->body.len, 0);
	ck_assert_int_eq(claim("key 29", 2)->result->status, 207);
	ck_assert_uint_gt(mock_counter(m, "store_results_dropped_total", NULL), 10);
	done();
}
END_TEST

START_TEST(eviction_makes_room_for_results)
{
	static char body[60000];
	char key[32];
	with("max_bytes: 1MiB\non_full: evict\n");
	for (unsigned i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		claim(key, 1);
		commit_with(
		    key, 1, (struct ow_result){.status = 207, .body = {body, sizeof(body)}});
		ck_assert_int_le(bytes(), 1 << 20);
		ck_assert_uint_eq(claim(key, 2)->result->body.len, sizeof(body));
	}
	ck_assert_uint_gt(mock_counter(m, "store_evicted_total", NULL), 10);
	ck_assert_uint_eq(mock_counter(m, "store_results_dropped_total", NULL), 0);
	done();
}
END_TEST

/* Beside malloc's own count, for keys and results of many sizes. */
START_TEST(bytes_are_what_malloc_says)
{
	unsigned count = 5000;
	char(*keys_of)[300] = malloc(count * sizeof(*keys_of));
	static char body[3000];
	with("max_bytes: 1GiB\n");
	mock_forget(m);
	int64_t before = bytes();
	struct mallinfo2 start = mallinfo2();
	for (unsigned i = 0; i < count; i++) {
		memset(keys_of[i], 'k', sizeof(keys_of[i]));
		snprintf(keys_of[i] + i % 250, 40, "%u", i);
		struct ow_claim c = claim_of(text_of(keys_of[i]), 1);
		if (i % 3 == 0)
			c.digest = NULL;
		mock_claim(store, &c);
		if (i % 5 != 0)
			mock_commit(store, &c,
			    &(struct ow_result){
				.status = 200, .body = {body, (size_t)i * 7 % sizeof(body)}});
		if (i % 11 == 0)
			mock_release(store, &c);
		mock_forget(m);
	}
	struct mallinfo2 end = mallinfo2();
	int64_t said = bytes() - before;
	int64_t is =
	    (int64_t)(end.uordblks + end.hblkhd) - (int64_t)(start.uordblks + start.hblkhd);
	/* Under a sanitizer or valgrind malloc does not count. */
	if (is != 0) {
		ck_assert_int_gt(said, is - is / 100);
		ck_assert_int_lt(said, is + is / 100);
	}
	free(keys_of);
	done();
}
END_TEST

START_TEST(a_key_of_76_bytes_takes_at_most_a_hundred_more)
{
	unsigned count = getenv("TEST_WRAPPER") ? 20000 : 200000;
	with("max_bytes: 1GiB\n");
	int64_t before = bytes();
	for (unsigned i = 0; i < count; i++) {
		char key[80];
		snprintf(key, sizeof(key), "cxone:dedup:%064u", i);
		struct ow_claim c = claim_of(text_of(key), 1);
		c.digest = NULL;
		mock_claim(store, &c);
		mock_commit(store, &c, &(struct ow_result){.status = 200});
		if (i % 1000 == 0)
			mock_forget(m);
	}
	ck_assert_int_le((bytes() - before) / count, 76 + 100);
	done();
}
END_TEST

/* What the sweep frees does not pile up on lists that somebody must clear all at once. */
START_TEST(freed_keys_leave_no_long_lists_behind)
{
	unsigned count = getenv("TEST_WRAPPER") ? 20000 : 200000;
	with(NULL);
	for (unsigned i = 0; i < count; i++) {
		char key[32];
		snprintf(key, sizeof(key), "key %u", i);
		struct ow_claim c = claim_of(text_of(key), 1);
		/* Few enough that no table shrinks, which would clear the lists too. */
		c.window_ms = i % 10 == 0 ? 1000 : 10 * WINDOW_MS;
		mock_claim(store, &c);
		mock_commit(store, &c, &(struct ow_result){.status = 200});
		if (i % 100 == 0)
			mock_forget(m);
	}
	mock_forget(m);
	mock_advance(m, 200000);
	ck_assert_int_eq(keys(), count - count / 10);
	ck_assert_uint_lt(mallinfo2().fsmblks, 500000);
	done();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("bounds");
	TCase *t = tcase_create("bounds");
	tcase_set_timeout(t, 300);
	tcase_add_test(t, a_full_store_refuses_new_keys_only);
	tcase_add_test(t, a_full_store_frees_what_has_expired_first);
	tcase_add_test(t, evicts_the_finished_key_that_would_end_first);
	tcase_add_test(t, the_oldest_are_evicted);
	tcase_add_test(t, with_claims_only_even_eviction_refuses);
	tcase_add_test(t, expired_keys_go_first_and_are_not_counted_as_evicted);
	tcase_add_test(t, bytes_are_bounded);
	tcase_add_test(t, results_give_way_before_keys_do);
	tcase_add_test(t, eviction_makes_room_for_results);
	tcase_add_test(t, bytes_are_what_malloc_says);
	tcase_add_test(t, a_key_of_76_bytes_takes_at_most_a_hundred_more);
	tcase_add_test(t, freed_keys_leave_no_long_lists_behind);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
