#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_memory/test_rig.h"
#include "tests/unit/main.h"

START_TEST(options_are_sound)
{
	const struct ow_component *memory = mock_component(OW_MODULE_SYMBOL(), "memory");
	m = mock_new();
	ck_assert_str_eq(mock_conf_complaints(m, memory, memory->example), "");
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, memory, "max_keys: 0\n"), "test.yaml:1:11: error:"));
	done();
}
END_TEST

START_TEST(claims_once)
{
	with(NULL);
	ck_assert_int_eq(claim("k", 1)->state, OW_CLAIM_NEW);
	mock_advance(m, 1500);
	const struct ow_claim_answer *second = claim("k", 2);
	ck_assert_int_eq(second->state, OW_CLAIM_IN_PROGRESS);
	ck_assert_int_eq(second->remaining_ms, LOCK_MS - 1500);
	ck_assert_ptr_null(second->result);
	ck_assert_int_eq(claim("other", 3)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(keys(), 2);
	done();
}
END_TEST

START_TEST(remembers_the_result)
{
	static const char body[] = "{\"ok\":true,\"nul\":\"\0\"}";
	with(NULL);
	claim("k", 1);
	ck_assert_int_eq(commit_with("k", 1,
			     (struct ow_result){.status = 202,
				 .content_type = text_of("application/json"),
				 .body = {body, sizeof(body) - 1}}),
	    OW_OK);
	mock_advance(m, 777);
	const struct ow_claim_answer *again = claim("k", 2);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_int_eq(again->age_ms, 777);
	ck_assert_ptr_nonnull(again->result);
	ck_assert_int_eq(again->result->status, 202);
	ck_assert_str_eq(again->result->content_type.data, "application/json");
	ck_assert_uint_eq(again->result->body.len, sizeof(body) - 1);
	ck_assert_mem_eq(again->result->body.data, body, sizeof(body) - 1);
	ck_assert(!again->result->failed);
	ck_assert_mem_eq(again->digest, "digest of the payload, 32 bytes", OW_DIGEST_SIZE);
	done();
}
END_TEST

START_TEST(remembers_a_failure_and_no_digest)
{
	with(NULL);
	struct ow_claim c = claim_of(text_of("k"), 1);
	c.digest = NULL;
	mock_claim(store, &c);
	ck_assert_int_eq(
	    mock_rc(mock_commit(store, &c, &(struct ow_result){.status = 404, .failed = true})),
	    OW_OK);
	const struct ow_claim_answer *again = claim("k", 2);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_int_eq(again->result->status, 404);
	ck_assert_uint_eq(again->result->body.len, 0);
	ck_assert_uint_eq(again->result->content_type.len, 0);
	ck_assert(again->result->failed);
	ck_assert_ptr_null(again->digest);
	done();
}
END_TEST

START_TEST(claims_expire_to_the_millisecond)
{
	with(NULL);
	claim("k", 1);
	mock_advance(m, LOCK_MS - 1);
	ck_assert_int_eq(claim("k", 2)->remaining_ms, 1);
	mock_advance(m, 1);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(claim("k", 3)->remaining_ms, LOCK_MS);
	ck_assert_int_eq(keys(), 1);
	done();
}
END_TEST

START_TEST(windows_expire_to_the_millisecond)
{
	with(NULL);
	claim("k", 1);
	mock_advance(m, 5000);
	commit("k", 1);
	mock_advance(m, WINDOW_MS - 1);
	ck_assert_int_eq(claim("k", 2)->age_ms, WINDOW_MS - 1);
	mock_advance(m, 1);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_NEW);
	/* A commit starts the window anew. */
	mock_advance(m, 100);
	ck_assert_int_eq(commit("k", 2), OW_OK);
	mock_advance(m, WINDOW_MS - 1);
	ck_assert_int_eq(claim("k", 3)->state, OW_CLAIM_DONE);
	done();
}
END_TEST

START_TEST(duplicates_do_not_prolong_the_window)
{
	with(NULL);
	claim("k", 1);
	commit("k", 1);
	for (int i = 0; i < 3; i++) {
		mock_advance(m, WINDOW_MS / 4);
		ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	}
	mock_advance(m, WINDOW_MS / 4);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_NEW);
	done();
}
END_TEST

START_TEST(renewing_counts_from_now)
{
	with(NULL);
	claim("k", 1);
	for (int i = 0; i < 5; i++) {
		mock_advance(m, LOCK_MS - 1);
		ck_assert_int_eq(renew("k", 1), OW_OK);
	}
	mock_advance(m, LOCK_MS - 1);
	ck_assert_int_eq(claim("k", 2)->remaining_ms, 1);
	ck_assert_int_eq(commit("k", 1), OW_OK);
	ck_assert_int_eq(renew("k", 1), OW_REJECT);
	done();
}
END_TEST

START_TEST(release_makes_it_new)
{
	with(NULL);
	claim("k", 1);
	ck_assert_int_eq(release("k", 1), OW_OK);
	ck_assert_int_eq(keys(), 0);
	ck_assert_int_eq(release("k", 1), OW_REJECT);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(commit("k", 2), OW_OK);
	ck_assert_int_eq(release("k", 2), OW_REJECT);
	ck_assert_int_eq(claim("k", 3)->state, OW_CLAIM_DONE);
	done();
}
END_TEST

START_TEST(an_owner_that_lost_can_do_nothing)
{
	with(NULL);
	claim("k", 1);
	mock_advance(m, LOCK_MS);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(renew("k", 1), OW_REJECT);
	ck_assert_int_eq(commit_with("k", 1, (struct ow_result){.status = 201}), OW_REJECT);
	ck_assert_int_eq(release("k", 1), OW_REJECT);
	ck_assert_int_eq(claim("k", 3)->remaining_ms, LOCK_MS);
	ck_assert_int_eq(commit_with("k", 2, (struct ow_result){.status = 202}), OW_OK);
	ck_assert_int_eq(commit_with("k", 1, (struct ow_result){.status = 201}), OW_REJECT);
	ck_assert_int_eq(claim("k", 3)->result->status, 202);
	done();
}
END_TEST

START_TEST(a_late_commit_counts_if_nobody_took_over)
{
	with(NULL);
	claim("k", 1);
	/* The timer sweeps all the time; the claim stays for one more lock. */
	mock_advance(m, 2 * LOCK_MS - 1);
	ck_assert_int_eq(commit("k", 1), OW_OK);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);

	claim("gone", 1);
	mock_advance(m, 2 * LOCK_MS + 2000);
	ck_assert_int_eq(commit("gone", 1), OW_REJECT);
	ck_assert_int_eq(renew("gone", 1), OW_REJECT);
	ck_assert_int_eq(release("gone", 1), OW_REJECT);
	ck_assert_int_eq(claim("gone", 2)->state, OW_CLAIM_NEW);
	done();
}
END_TEST

/* ---- sliding windows ---- */

START_TEST(a_sliding_window_is_renewed_by_duplicates)
{
	with(NULL);
	claim("k", 1);
	commit("k", 1);
	struct ow_claim c = claim_of(text_of("k"), 2);
	c.sliding = true;
	for (int i = 1; i <= 5; i++) {
		mock_advance(m, WINDOW_MS - 1);
		const struct ow_claim_answer *again = mock_claimed(mock_claim(store, &c));
		ck_assert_int_eq(again->state, OW_CLAIM_DONE);
		/* The age goes on. */
		ck_assert_int_eq(again->age_ms, i * (WINDOW_MS - 1));
	}
	/* A fixed one does not prolong it, and a shorter one does not cut it. */
	c.sliding = false;
	mock_advance(m, 1000);
	mock_claim(store, &c);
	c.sliding = true;
	c.window_ms = 10;
	mock_claim(store, &c);
	mock_advance(m, WINDOW_MS - 1001);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	mock_advance(m, 1);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_NEW);
	done();
}
END_TEST

START_TEST(an_unfinished_claim_does_not_slide)
{
	with(NULL);
	claim("k", 1);
	struct ow_claim c = claim_of(text_of("k"), 2);
	c.sliding = true;
	mock_advance(m, LOCK_MS - 1);
	ck_assert_int_eq(mock_claimed(mock_claim(store, &c))->state, OW_CLAIM_IN_PROGRESS);
	mock_advance(m, 1);
	ck_assert_int_eq(mock_claimed(mock_claim(store, &c))->state, OW_CLAIM_NEW);
	done();
}
END_TEST

START_TEST(large_results_lose_their_texts_only)
{
	static char body[2000];
	struct ow_result result = {.status = 201, .content_type = text_of("text/plain")};
	memset(body, 'x', sizeof(body));
	with("max_result: 1KiB\n");
	claim("fits", 1);
	result.body = (struct ow_text){body, 1024 - 10};
	commit_with("fits", 1, result);
	ck_assert_uint_eq(claim("fits", 2)->result->body.len, 1024 - 10);
	ck_assert_uint_eq(mock_counter(m, "memory_results_too_large_total", NULL), 0);
	claim("too large", 1);
	result.body.len++;
	commit_with("too large", 1, result);
	const struct ow_claim_answer *again = claim("too large", 2);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_int_eq(again->result->status, 201);
	ck_assert_uint_eq(again->result->body.len, 0);
	ck_assert_uint_eq(again->result->content_type.len, 0);
	ck_assert_uint_eq(mock_counter(m, "memory_results_too_large_total", NULL), 1);
	ck_assert(mock_logged(m, "a result of 1025 bytes is over max_result"));
	done();
}
END_TEST

START_TEST(keeping_no_results_is_no_complaint)
{
	with("max_result: 0\n");
	claim("k", 1);
	commit_with("k", 1, (struct ow_result){.status = 201, .body = text_of("x")});
	ck_assert_uint_eq(claim("k", 2)->result->body.len, 0);
	ck_assert_uint_eq(mock_counter(m, "memory_results_too_large_total", NULL), 0);
	ck_assert_uint_eq(mock_log_lines(m), 0);
	done();
}
END_TEST

START_TEST(keys_are_bytes)
{
	static char long_key[1 << 20];
	struct ow_text all[] = {{"", 0}, {NULL, 0}, {"a", 1}, {"a\0", 2}, {"a\0b", 3},
	    {"\0", 1}, {"\xff\xfe", 2}, {long_key, sizeof(long_key)},
	    {long_key, sizeof(long_key) - 1}};
	with(NULL);
	memset(long_key, 'k', sizeof(long_key));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct ow_claim c = claim_of(all[i], 1);
		/* The empty key is one key, however it is written. */
		ck_assert_int_eq(mock_claimed(mock_claim(store, &c))->state,
		    i == 1 ? OW_CLAIM_IN_PROGRESS : OW_CLAIM_NEW);
		ck_assert_int_eq(
		    mock_claimed(mock_claim(store, &c))->state, OW_CLAIM_IN_PROGRESS);
	}
	ck_assert_int_eq(keys(), sizeof(all) / sizeof(all[0]) - 1);
	done();
}
END_TEST

START_TEST(many_keys_come_and_go)
{
	/* Under valgrind a fiftieth shows the same. */
	unsigned count = getenv("TEST_WRAPPER") ? 20000 : 300000;
	with("max_keys: 1000000\n");
	for (unsigned i = 0; i < count; i++) {
		char key[32];
		snprintf(key, sizeof(key), "key %u", i);
		ck_assert_int_eq(claim(key, 1)->state, OW_CLAIM_NEW);
		ck_assert_int_eq(commit(key, 1), OW_OK);
		if (i % 1000 == 0)
			mock_forget(m);
	}
	ck_assert_int_eq(keys(), count);
	for (unsigned i = 0; i < count; i++) {
		char key[32];
		snprintf(key, sizeof(key), "key %u", i);
		ck_assert_int_eq(claim(key, 2)->state, OW_CLAIM_DONE);
		if (i % 1000 == 0)
			mock_forget(m);
	}
	/* The timer alone clears them all, a slice at a time, soon after their end. */
	mock_advance(m, WINDOW_MS);
	mock_advance(m, 300000);
	ck_assert_int_eq(keys(), 0);
	done();
}
END_TEST

START_TEST(workers_share_one_store)
{
	with(NULL);
	struct mock *second_worker = mock_new_worker(m);
	struct ow_instance *first = store, *second = store_new(second_worker, "main", NULL);
	struct ow_instance *separate = store_new(m, "separate", NULL);
	ck_assert_int_eq(claim("k", 1)->state, OW_CLAIM_NEW);
	store = second;
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_IN_PROGRESS);
	ck_assert_int_eq(commit("k", 1), OW_OK);
	ck_assert_int_eq(keys(), 1);
	store = separate;
	ck_assert_int_eq(keys(), 0);
	ck_assert_int_eq(claim("k", 3)->state, OW_CLAIM_NEW);
	store = first;
	ck_assert_int_eq(claim("k", 4)->state, OW_CLAIM_DONE);
	/* What was remembered outlives the worker that did it. */
	mock_free(m);
	m = second_worker;
	store = second;
	ck_assert_int_eq(claim("k", 5)->state, OW_CLAIM_DONE);
	done();
}
END_TEST

START_TEST(drains_at_once)
{
	with(NULL);
	claim("k", 1);
	ck_assert_int_eq(mock_rc(mock_drain(store)), OW_OK);
	/* Deliveries that are under way are still committed. */
	ck_assert_int_eq(commit("k", 1), OW_OK);
	done();
}
END_TEST

/* ---- two workers at once ---- */

enum {
	FOUGHT_OVER = 16
};

struct fighter {
	struct mock *worker;
	struct ow_instance *store;
	unsigned char name;
	unsigned rounds, won;
};

static _Atomic unsigned char owners[FOUGHT_OVER];

static void fight_once(struct fighter *f, unsigned round, unsigned n)
{
	unsigned char token[OW_TOKEN_SIZE] = {0};
	char key[32];
	snprintf(key, sizeof(key), "key %u", n);
	memcpy(token, &round, sizeof(round));
	token[OW_TOKEN_SIZE - 1] = f->name;
	struct ow_claim c = {.size = sizeof(c),
	    .key = text_of(key),
	    .token = token,
	    .lock_ms = LOCK_MS,
	    .window_ms = WINDOW_MS};
	if (mock_claimed(mock_claim(f->store, &c))->state != OW_CLAIM_NEW)
		return;
	f->won++;
	/* Nobody else may own it now. */
	ck_assert_uint_eq(atomic_exchange(&owners[n], f->name), 0);
	ck_assert_int_eq(mock_rc(mock_renew(f->store, &c)), OW_OK);
	ck_assert_uint_eq(atomic_exchange(&owners[n], 0), f->name);
	if (round % 3 == 0) {
		c.window_ms = 0;
		ck_assert_int_eq(
		    mock_rc(mock_commit(f->store, &c, &(struct ow_result){.status = 200})),
		    OW_OK);
	} else {
		ck_assert_int_eq(mock_rc(mock_release(f->store, &c)), OW_OK);
	}
}

static void *fight(void *arg)
{
	struct fighter *f = arg;
	for (unsigned round = 0; round < f->rounds; round++) {
		fight_once(f, round, (round * 7 + f->name) % FOUGHT_OVER);
		if (round % 100 == 0) {
			mock_forget(f->worker);
			mock_run(f->worker);
		}
	}
	return NULL;
}

START_TEST(two_workers_never_both_own_a_key)
{
	with(NULL);
	struct mock *second_worker = mock_new_worker(m);
	unsigned rounds = getenv("TEST_WRAPPER") ? 2000 : 30000;
	struct fighter fighters[2] = {
	    {.worker = m, .store = store, .name = 1, .rounds = rounds},
	    {.worker = second_worker,
		.store = store_new(second_worker, "main", NULL),
		.name = 2,
		.rounds = rounds}};
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, fight, &fighters[i]), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_uint_gt(fighters[i].won, rounds / 4);
	mock_free(second_worker);
	done();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("store_memory");
	TCase *t = tcase_create("store_memory");
	tcase_set_timeout(t, 300);
	tcase_add_test(t, options_are_sound);
	tcase_add_test(t, claims_once);
	tcase_add_test(t, remembers_the_result);
	tcase_add_test(t, remembers_a_failure_and_no_digest);
	tcase_add_test(t, claims_expire_to_the_millisecond);
	tcase_add_test(t, windows_expire_to_the_millisecond);
	tcase_add_test(t, duplicates_do_not_prolong_the_window);
	tcase_add_test(t, renewing_counts_from_now);
	tcase_add_test(t, release_makes_it_new);
	tcase_add_test(t, an_owner_that_lost_can_do_nothing);
	tcase_add_test(t, a_late_commit_counts_if_nobody_took_over);
	tcase_add_test(t, a_sliding_window_is_renewed_by_duplicates);
	tcase_add_test(t, an_unfinished_claim_does_not_slide);
	tcase_add_test(t, large_results_lose_their_texts_only);
	tcase_add_test(t, keeping_no_results_is_no_complaint);
	tcase_add_test(t, keys_are_bytes);
	tcase_add_test(t, many_keys_come_and_go);
	tcase_add_test(t, workers_share_one_store);
	tcase_add_test(t, drains_at_once);
	tcase_add_test(t, two_workers_never_both_own_a_key);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
