/* Keys on disk as they are committed: what survives, what waits, what is taken away. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_memory/test_durable_rig.h"
#include "tests/unit/main.h"

#define ALWAYS "sync: always\n"

/* ---- what survives ---- */

START_TEST(always_survives_a_kill_with_its_result)
{
	make_directory();
	begin_at(0, ALWAYS);
	ck_assert(mock_logged(m, "is new: nothing to restore"));
	finish("k", 1);
	mock_advance(m, 1000);
	claim("unfinished", 1);
	kill_it();
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);

	begin_at(61000, ALWAYS);
	ck_assert(mock_logged(m, "1 keys restored from"));
	const struct ow_claim_answer *answer = claim("k", 2);
	ck_assert_int_eq(answer->state, OW_CLAIM_DONE);
	ck_assert_int_eq(answer->age_ms, 61000);
	ck_assert_mem_eq(answer->digest, digest, OW_DIGEST_SIZE);
	ck_assert_int_eq(answer->result->status, 202);
	ck_assert_int_eq((int)answer->result->content_type.len, 10);
	ck_assert_mem_eq(answer->result->body.data, "the sink's answer", 17);
	ck_assert_int_eq(claim("unfinished", 2)->state, OW_CLAIM_NEW);
	/* Of its window 239 s are left. */
	mock_advance(m, WINDOW_MS - 61000 - 1);
	ck_assert_int_eq(claim("k", 3)->state, OW_CLAIM_DONE);
	mock_advance(m, 1);
	ck_assert_int_eq(claim("k", 4)->state, OW_CLAIM_NEW);
	end();
	remove_directory();
}
END_TEST

START_TEST(always_finishes_only_what_is_on_disk)
{
	make_directory();
	begin_at(0, ALWAYS);
	struct ow_op *op = commit_begun("k", 1);
	/* Whatever the thread does: nobody hears of it before the worker does. */
	ck_assert(!mock_finished(op));
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_IN_PROGRESS);
	wait_for(op);
	ck_assert_int_eq(mock_rc(op), OW_OK);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	end();
	ck_assert_int_eq(ask_file("SELECT count(*) FROM keys"), 1);
	remove_directory();
}
END_TEST

START_TEST(many_commits_are_few_transactions)
{
	enum {
		COMMITS = 500
	};
	struct ow_op *ops[COMMITS];
	make_directory();
	begin_at(0, ALWAYS);
	uint64_t before = mock_counter(m, "store_durable_transactions_total", NULL);
	for (int i = 0; i < COMMITS; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		ops[i] = commit_begun(key, 1);
	}
	for (int i = 0; i < COMMITS; i++)
		wait_for(ops[i]);
	wait_for_keys(COMMITS);
	ck_assert_uint_lt(
	    mock_counter(m, "store_durable_transactions_total", NULL) - before, COMMITS);
	kill_it();
	begin_at(0, ALWAYS);
	ck_assert_int_eq(keys(), COMMITS);
	end();
	remove_directory();
}
END_TEST

START_TEST(a_duration_finishes_at_once_and_writes_later)
{
	make_directory();
	begin_at(0, "sync: 100ms\n");
	struct ow_op *op = commit_begun("k", 1);
	ck_assert(mock_finished(op));
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	mock_advance(m, 99);
	usleep(20000);
	mock_run(m);
	ck_assert_uint_eq(mock_counter(m, "store_durable_keys_total", NULL), 0);
	mock_advance(m, 1);
	wait_for_keys(1);
	kill_it();
	begin_at(0, "");
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	end();
	remove_directory();
}
END_TEST

START_TEST(a_drain_writes_what_waits)
{
	make_directory();
	begin_at(0, "sync: 60s\n");
	finish("k", 1);
	end();
	begin_at(0, "");
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	end();
	remove_directory();
}
END_TEST

START_TEST(a_clock_that_was_set_back_lengthens_no_life)
{
	make_directory();
	begin_at(3600000, ALWAYS);
	finish("k", 1);
	kill_it();
	begin_at(0, ALWAYS);
	ck_assert(mock_logged(m, "warning: durable"));
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	mock_advance(m, WINDOW_MS);
	ck_assert_int_eq(claim("k", 3)->state, OW_CLAIM_NEW);
	end();
	remove_directory();
}
END_TEST

START_TEST(the_newest_of_a_key_counts)
{
	make_directory();
	begin_at(0, ALWAYS);
	finish("k", 1);
	mock_advance(m, WINDOW_MS);
	finish("k", 2);
	kill_it();
	begin_at(WINDOW_MS + 1000, ALWAYS);
	ck_assert_int_eq(claim("k", 3)->age_ms, 1000);
	end();
	remove_directory();
}
END_TEST

START_TEST(what_slides_is_written)
{
	make_directory();
	begin_at(0, ALWAYS);
	finish("k", 1);
	for (int i = 0; i < 10; i++) {
		struct ow_claim c = claim_of(text_of("k"), 2);
		c.sliding = true;
		mock_advance(m, WINDOW_MS / 2);
		ck_assert_int_eq(mock_claimed(mock_claim(store, &c))->state, OW_CLAIM_DONE);
		/* At once again: not worth a row. */
		mock_claim(store, &c);
	}
	end();
	ck_assert_int_lt(ask_file("SELECT count(*) FROM keys"), 13);
	/* Five windows later its life is what it was, less one part of the window at most. */
	begin_at(WINDOW_MS * 5 + WINDOW_MS * 15 / 16 - 1000, ALWAYS);
	ck_assert_int_eq(claim("k", 3)->state, OW_CLAIM_DONE);
	end();
	remove_directory();
}
END_TEST

START_TEST(of_two_rows_the_longer_life_counts)
{
	make_directory();
	begin_at(0, ALWAYS);
	finish("k", 1);
	mock_advance(m, WINDOW_MS / 2);
	struct ow_claim c = claim_of(text_of("k"), 2);
	c.sliding = true;
	mock_claim(store, &c);
	end();
	ck_assert_int_eq(ask_file("SELECT count(*) FROM keys"), 2);
	/* Both rows live when it starts; the first ends before the claim. */
	begin_at(WINDOW_MS / 2, ALWAYS);
	ck_assert_int_eq(keys(), 1);
	mock_advance(m, WINDOW_MS * 3 / 4);
	ck_assert_int_eq(claim("k", 3)->state, OW_CLAIM_DONE);
	end();
	remove_directory();
}
END_TEST

START_TEST(all_kinds_of_results_come_back)
{
	make_directory();
	begin_at(0, ALWAYS);
	struct ow_result failure = {.status = 400, .failed = true};
	struct ow_claim c = claim_of(text_of("failed"), 1);
	claim("failed", 1);
	struct ow_op *op = mock_commit(store, &c, &failure);
	wait_for(op);
	c = claim_of((struct ow_text){"a\0b", 3}, 1);
	c.digest = NULL;
	mock_claim(store, &c);
	op = mock_commit(store, &c, &(struct ow_result){.status = 204});
	wait_for(op);
	kill_it();
	begin_at(0, ALWAYS);
	const struct ow_claim_answer *answer = claim("failed", 2);
	ck_assert(answer->result->failed);
	ck_assert_int_eq(answer->result->status, 400);
	c = claim_of((struct ow_text){"a\0b", 3}, 2);
	answer = mock_claimed(mock_claim(store, &c));
	ck_assert_int_eq(answer->state, OW_CLAIM_DONE);
	ck_assert_ptr_null(answer->digest);
	ck_assert_int_eq(answer->result->status, 204);
	ck_assert_uint_eq(answer->result->body.len, 0);
	end();
	remove_directory();
}
END_TEST

/* ---- what is taken away ---- */

START_TEST(expired_rows_go)
{
	make_directory();
	begin_at(0, ALWAYS);
	for (int i = 0; i < 300; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		finish(key, 1);
	}
	mock_advance(m, WINDOW_MS);
	uint64_t before = mock_counter(m, "store_durable_transactions_total", NULL);
	finish("last", 1);
	/* That one took some of them, the next second takes the others. */
	while (mock_counter(m, "store_durable_transactions_total", NULL) < before + 2) {
		mock_advance(m, 1000);
		usleep(10000);
	}
	end();
	ck_assert_int_eq(ask_file("SELECT count(*) FROM keys"), 1);
	remove_directory();
}
END_TEST

START_TEST(evicted_keys_go)
{
	make_directory();
	begin_at(0, ALWAYS "max_keys: 3\non_full: evict\n");
	for (int i = 0; i < 20; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		finish(key, 1);
		mock_advance(m, 10);
	}
	end();
	ck_assert_int_le(ask_file("SELECT count(*) FROM keys"), 3);
	remove_directory();
}
END_TEST

START_TEST(without_room_for_all_some_are_forgotten)
{
	make_directory();
	begin_at(0, ALWAYS);
	for (int i = 0; i < 20; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		finish(key, 1);
	}
	end();
	begin_at(0, ALWAYS "max_keys: 5\n");
	ck_assert_int_eq(keys(), 5);
	ck_assert(mock_logged(m, "15 keys of durable"));
	ck_assert_uint_eq(mock_counter(m, "store_evicted_total", NULL), 15);
	end();
	remove_directory();
}
END_TEST

/* ---- a disk that cannot ---- */

/* No file may grow beyond it: enough for what check itself writes about a test. */
#define LIMIT (1 << 20)

static void limit_files(rlim_t bytes)
{
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, RLIM_INFINITY}), 0);
}

/* Begins to commit a key with a result that is too large for the limit. */
static struct ow_op *commit_large(const char *key)
{
	static char body[2 * LIMIT];
	struct ow_claim c = claim_of(text_of(key), 1);
	return mock_commit(
	    store, &c, &(struct ow_result){.status = 200, .body = {body, sizeof(body)}});
}

START_TEST(always_fails_while_the_disk_is_full)
{
	make_directory();
	begin_at(0, ALWAYS "max_result: 4MiB\n");
	finish("before", 1);
	limit_files(LIMIT);
	claim("k", 1);
	struct ow_op *op = commit_large("k");
	wait_for(op);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_msg(strstr(mock_why(op), path) && strstr(mock_why(op), "File too large"),
	    "%s", mock_why(op));
	ck_assert(mock_logged(m, "error: durable: cannot write"));
	const char *why;
	const struct ow_component *memory = mock_component(OW_MODULE_SYMBOL(), "memory");
	const struct ow_store_ops *ops = memory->ops;
	ck_assert(!ops->ready(mock_state(store), &why));
	/* Nothing is forgotten, and its owner can try again. */
	ck_assert_int_eq(claim("before", 2)->state, OW_CLAIM_DONE);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_IN_PROGRESS);
	limit_files(RLIM_INFINITY);
	op = commit_large("k");
	mock_advance(m, 1000);
	wait_for(op);
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
	ck_assert(ops->ready(mock_state(store), &why));
	ck_assert(mock_logged(m, "can be written again"));
	kill_it();
	begin_at(0, ALWAYS);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	ck_assert_int_eq(claim("before", 2)->state, OW_CLAIM_DONE);
	end();
	remove_directory();
}
END_TEST

/* What failed is tried again with the next second. */
static struct ow_op *commit_again(const char *key)
{
	struct ow_claim c = claim_of(text_of(key), 1);
	struct ow_op *op = mock_commit(store, &c, &(struct ow_result){.status = 200});
	mock_advance(m, 1000);
	return op;
}

static void must_fail(struct ow_op *op, const char *problem)
{
	wait_for(op);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_msg(strstr(mock_why(op), problem), "%s", mock_why(op));
}

/* What is written to it would be gone with the process. */
START_TEST(a_file_that_is_not_in_its_place_takes_nothing)
{
	char away[512];
	make_directory();
	snprintf(away, sizeof(away), "%s.away", path);
	begin_at(0, ALWAYS);
	finish("before", 1);
	ck_assert_int_eq(rename(path, away), 0);
	must_fail(commit_begun("k", 1), "was removed while it is in use");
	close(open(path, O_WRONLY | O_CREAT, 0600));
	must_fail(commit_again("k"), "was replaced while it is in use");
	ck_assert_int_eq(rename(away, path), 0);
	struct ow_op *op = commit_again("k");
	wait_for(op);
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
	kill_it();
	begin_at(0, ALWAYS);
	ck_assert_int_eq(claim("before", 2)->state, OW_CLAIM_DONE);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	end();
	remove_directory();
}
END_TEST

/* More than the queue holds while nothing can be written: found in the memory afterwards. */
START_TEST(a_duration_goes_on_and_catches_up)
{
	enum {
		COMMITS = 1200
	};
	char *body = malloc(16384);
	memset(body, 'x', 16384);
	make_directory();
	begin_at(0, "sync: 10ms\n");
	finish("before", 1);
	limit_files(LIMIT);
	for (int i = 0; i < COMMITS; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		struct ow_claim c = claim_of(text_of(key), 1);
		claim(key, 1);
		struct ow_op *op = mock_commit(
		    store, &c, &(struct ow_result){.status = 200, .body = {body, 16384}});
		ck_assert(mock_finished(op));
		ck_assert_int_eq(mock_rc(op), OW_OK);
		if (i == 200) {
			mock_advance(m, 10);
			wait_for_errors(1);
		}
	}
	mock_advance(m, 1000);
	ck_assert_int_gt(mock_gauge(m, "store_durable_missing"), 100);
	uint64_t errors = mock_counter(m, "store_durable_errors_total", NULL);
	mock_advance(m, 1000);
	wait_for_errors(errors + 1);
	limit_files(RLIM_INFINITY);
	mock_advance(m, 1000);
	for (mock_run(m); mock_gauge(m, "store_durable_missing") > 0; mock_run(m))
		usleep(1000);
	end();
	begin_at(0, "");
	for (int i = 0; i < COMMITS; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		ck_assert_int_eq(claim(key, 2)->state, OW_CLAIM_DONE);
	}
	ck_assert_int_eq(claim("before", 2)->state, OW_CLAIM_DONE);
	end();
	free(body);
	remove_directory();
}
END_TEST

START_TEST(a_drain_says_what_it_could_not_write)
{
	make_directory();
	begin_at(0, "sync: 60s\nmax_result: 4MiB\n");
	claim("k", 1);
	ck_assert_int_eq(mock_rc(commit_large("k")), OW_OK);
	limit_files(LIMIT);
	struct ow_op *op = mock_drain(store);
	wait_for(op);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert(strstr(mock_why(op), "cannot write"));
	ck_assert(mock_logged(m, "not all keys are on disk"));
	mock_free(m);
	remove_directory();
}
END_TEST

/* ---- time limits and several workers ---- */

START_TEST(a_commit_that_is_cancelled_is_finished_and_may_be_on_disk)
{
	make_directory();
	begin_at(0, ALWAYS);
	struct ow_op *op = commit_begun("k", 1);
	mock_cancel(op);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	/* Its owner tries again. */
	struct ow_claim c = claim_of(text_of("k"), 1);
	op = mock_commit(store, &c, &(struct ow_result){.status = 200});
	wait_for(op);
	ck_assert_int_eq(mock_rc(op), OW_OK);
	op = commit_begun("cancelled at the end", 1);
	mock_cancel(op);
	kill_it();
	begin_at(0, ALWAYS);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	end();
	remove_directory();
}
END_TEST

/* The queue takes eight MiB at a time, however large the results. */
START_TEST(a_full_queue_makes_commits_wait_in_order)
{
	enum {
		COMMITS = 60,
		BODY = 1 << 20
	};
	struct ow_op *ops[COMMITS];
	char *body = malloc(BODY);
	memset(body, 'x', BODY);
	make_directory();
	begin_at(0, ALWAYS "max_result: 2MiB\n");
	for (int i = 0; i < COMMITS; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		struct ow_claim c = claim_of(text_of(key), 1);
		claim(key, 1);
		ops[i] = mock_commit(
		    store, &c, &(struct ow_result){.status = 200, .body = {body, BODY}});
	}
	mock_cancel(ops[COMMITS - 1]);
	ck_assert_int_eq(mock_rc(ops[COMMITS - 1]), OW_FAIL);
	for (int i = 0; i < COMMITS - 1; i++) {
		wait_for(ops[i]);
		ck_assert_int_eq(mock_rc(ops[i]), OW_OK);
	}
	end();
	ck_assert_int_eq(ask_file("SELECT count(*) FROM keys"), COMMITS - 1);
	ck_assert_int_eq(ask_file("SELECT count(*) FROM keys a JOIN keys b ON a.id < b.id AND "
				  "a.since > b.since"),
	    0);
	free(body);
	remove_directory();
}
END_TEST

START_TEST(workers_share_one_file)
{
	make_directory();
	m = mock_new();
	struct mock *other = mock_new_worker(m);
	store = instance_of(m, ALWAYS);
	struct ow_instance *second = instance_of(other, ALWAYS), *first = store;
	struct ow_op *one = mock_start(first), *two = mock_start(second);
	while (!mock_finished(one) || !mock_finished(two)) {
		mock_run(m);
		mock_run(other);
	}
	finish("by the first", 1);
	struct ow_claim c = claim_of(text_of("by the second"), 1);
	mock_claim(second, &c);
	struct ow_op *op = mock_commit(second, &c, &(struct ow_result){.status = 200});
	while (!mock_finished(op))
		mock_run(other);
	ck_assert_int_eq(claim("by the second", 2)->state, OW_CLAIM_DONE);
	one = mock_drain(first);
	two = mock_drain(second);
	while (!mock_finished(one) || !mock_finished(two)) {
		mock_run(m);
		mock_run(other);
	}
	ck_assert_int_eq(mock_rc(two), OW_OK);
	mock_free(other);
	mock_free(m);
	begin_at(0, ALWAYS);
	ck_assert_int_eq(keys(), 2);
	end();
	remove_directory();
}
END_TEST

/* ---- options ---- */

START_TEST(options_that_do_not_fit_together)
{
	const struct ow_component *memory = mock_component(OW_MODULE_SYMBOL(), "memory");
	m = mock_new();
	ck_assert_str_eq(mock_conf_complaints(m, memory, "durable: /x\nsync: always\n"), "");
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, memory, "durable: /x\ncheckpoint: /y\n"), "beside"));
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, memory, "sync: always\n"), "without `durable"));
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, memory, "durable: /x/\n"), "must name a file"));
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, memory, "durable: /x\nsync: never\n"), "sync"));
	mock_free(m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("durable");
	TCase *t = tcase_create("durable");
	tcase_set_timeout(t, 300);
	tcase_add_test(t, always_survives_a_kill_with_its_result);
	tcase_add_test(t, always_finishes_only_what_is_on_disk);
	tcase_add_test(t, many_commits_are_few_transactions);
	tcase_add_test(t, a_duration_finishes_at_once_and_writes_later);
	tcase_add_test(t, a_drain_writes_what_waits);
	tcase_add_test(t, a_clock_that_was_set_back_lengthens_no_life);
	tcase_add_test(t, the_newest_of_a_key_counts);
	tcase_add_test(t, what_slides_is_written);
	tcase_add_test(t, of_two_rows_the_longer_life_counts);
	tcase_add_test(t, all_kinds_of_results_come_back);
	tcase_add_test(t, expired_rows_go);
	tcase_add_test(t, evicted_keys_go);
	tcase_add_test(t, without_room_for_all_some_are_forgotten);
	tcase_add_test(t, always_fails_while_the_disk_is_full);
	tcase_add_test(t, a_file_that_is_not_in_its_place_takes_nothing);
	tcase_add_test(t, a_duration_goes_on_and_catches_up);
	tcase_add_test(t, a_drain_says_what_it_could_not_write);
	tcase_add_test(t, a_commit_that_is_cancelled_is_finished_and_may_be_on_disk);
	tcase_add_test(t, a_full_queue_makes_commits_wait_in_order);
	tcase_add_test(t, workers_share_one_file);
	tcase_add_test(t, options_that_do_not_fit_together);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
