#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store_memory/test_checkpoint_rig.h"
#include "tests/unit/main.h"

/* ---- what survives ---- */

START_TEST(a_restart_forgets_nothing)
{
	make_directory();
	begin_at(0, "");
	ck_assert(mock_logged(m, "there is no checkpoint"));
	finish("k", 1);
	mock_advance(m, 1000);
	claim("unfinished", 1);
	end();
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert(!exists(".tmp"));

	/* down from 1000 to 21000 */
	begin_at(21000, "");
	ck_assert(mock_logged(m, "info: 1 keys restored from "));
	ck_assert(mock_logged(m, "written 20 s ago; 0 have expired"));
	const struct ow_claim_answer *again = claim("k", 2);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_int_eq(again->age_ms, 21000);
	ck_assert_int_eq(again->result->status, 202);
	ck_assert_str_eq(again->result->content_type.data, "text/plain");
	ck_assert_str_eq(again->result->body.data, "the sink's answer");
	ck_assert_mem_eq(again->digest, digest, OW_DIGEST_SIZE);
	/* Its owner is gone: nobody may wait for it. */
	ck_assert_int_eq(claim("unfinished", 2)->state, OW_CLAIM_NEW);
	/* The rest of the window, to the millisecond. */
	mock_advance(m, WINDOW_MS - 21000 - 1);
	ck_assert_int_eq(claim("k", 3)->state, OW_CLAIM_DONE);
	mock_advance(m, 1);
	ck_assert_int_eq(claim("k", 4)->state, OW_CLAIM_NEW);
	end();
	remove_directory();
}
END_TEST

START_TEST(the_timer_saves_too)
{
	make_directory();
	begin_at(0, "checkpoint_interval: 10s\n");
	finish("before", 1);
	advance_to_save(10000);
	ck_assert_int_eq(mock_gauge(m, "store_checkpoint_timestamp_seconds"), 1767225600 + 10);
	ck_assert_int_gt(mock_gauge(m, "store_checkpoint_size_bytes"), 100);
	finish("between", 1);
	advance_to_save(10000);
	finish("after", 1);
	kill_it();
	begin_at(25000, "");
	ck_assert_int_eq(claim("before", 2)->state, OW_CLAIM_DONE);
	ck_assert_int_eq(claim("between", 2)->age_ms, 15000);
	/* Came after the last checkpoint: forgotten, so delivered once more and not lost. */
	ck_assert_int_eq(claim("after", 2)->state, OW_CLAIM_NEW);
	end();
	remove_directory();
}
END_TEST

START_TEST(without_interval_only_the_end_saves)
{
	make_directory();
	begin_at(0, "checkpoint_interval: 0\n");
	finish("k", 1);
	mock_advance(m, 86400000);
	ck_assert(!exists(""));
	finish("l", 1);
	end();
	begin_at(86400000, "");
	ck_assert(mock_logged(m, "1 keys restored"));
	end();
	remove_directory();
}
END_TEST

START_TEST(what_expired_meanwhile_is_dropped)
{
	make_directory();
	begin_at(0, "");
	finish("k", 1);
	mock_advance(m, 1);
	finish("l", 1);
	end();
	begin_at(WINDOW_MS, "");
	ck_assert(mock_logged(m, "1 keys restored"));
	ck_assert(mock_logged(m, "; 1 have expired"));
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(claim("l", 2)->age_ms, WINDOW_MS - 1);
	end();
	remove_directory();
}
END_TEST

START_TEST(a_clock_set_back_lengthens_no_life)
{
	make_directory();
	begin_at(100000, "");
	finish("k", 1);
	mock_advance(m, 50000);
	end();
	begin_at(0, "");
	ck_assert(mock_logged(m, "warning: checkpoint "));
	ck_assert(mock_logged(m, "the clock was set back"));
	ck_assert_int_eq(claim("k", 2)->age_ms, 50000);
	mock_advance(m, WINDOW_MS - 50000);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_NEW);
	end();
	remove_directory();
}
END_TEST

START_TEST(a_slid_window_survives)
{
	make_directory();
	begin_at(0, "");
	finish("k", 1);
	mock_advance(m, 200000);
	struct ow_claim c = claim_of(text_of("k"), 2);
	c.sliding = true;
	ck_assert_int_eq(mock_claimed(mock_claim(store, &c))->state, OW_CLAIM_DONE);
	end();
	begin_at(200000 + WINDOW_MS - 1, "");
	ck_assert_int_eq(claim("k", 2)->age_ms, 200000 + WINDOW_MS - 1);
	mock_advance(m, 1);
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_NEW);
	end();
	remove_directory();
}
END_TEST

START_TEST(what_has_no_room_is_said)
{
	char key[32];
	make_directory();
	begin_at(0, "");
	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		finish(key, 1);
	}
	end();
	begin_at(0, "max_keys: 4\n");
	ck_assert(mock_logged(m, "info: 4 keys restored"));
	ck_assert(mock_logged(m, "warning: 6 keys of checkpoint"));
	ck_assert_uint_eq(mock_counter(m, "store_evicted_total", NULL), 6);
	end();
	remove_directory();
}
END_TEST

START_TEST(many_keys_with_large_results)
{
	static char body[60000];
	char key[32];
	unsigned count = getenv("TEST_WRAPPER") ? 100 : 1000;
	make_directory();
	begin_at(0, "");
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		struct ow_claim c = claim_of(text_of(key), 1);
		memset(body, (int)i, sizeof(body));
		mock_claim(store, &c);
		mock_commit(store, &c,
		    &(struct ow_result){.status = 200, .body = {body, sizeof(body) - i}});
		mock_forget(m);
	}
	end();
	begin_at(1, "");
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		const struct ow_claim_answer *again = claim(key, 2);
		memset(body, (int)i, sizeof(body));
		ck_assert_int_eq(again->state, OW_CLAIM_DONE);
		ck_assert_uint_eq(again->result->body.len, sizeof(body) - i);
		ck_assert_mem_eq(again->result->body.data, body, sizeof(body) - i);
		mock_forget(m);
	}
	end();
	remove_directory();
}
END_TEST

/* ---- the tutorial's file ---- */

static void set_modified(int64_t wall_ms)
{
	struct timespec times[2] = {{.tv_sec = wall_ms / 1000}, {.tv_sec = wall_ms / 1000}};
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(reads_the_tutorials_checkpoint)
{
	static const char json[] =
	    "{\n  \"cxone:dedup:aaa\": 250,\n  \"bbb\": 20,\n  \"ccc\": -1\n}";
	make_directory();
	write_path(json, sizeof(json) - 1);
	m = mock_new();
	set_modified(mock_wall(m));
	mock_skip(m, 20000);
	start_with("");
	ck_assert(mock_logged(m, "1 keys restored from "));
	ck_assert(
	    mock_logged(m, "(JSON; the next checkpoint replaces it), written 20 s ago; 2 "));
	const struct ow_claim_answer *again = claim("cxone:dedup:aaa", 1);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_ptr_null(again->result);
	ck_assert_int_eq(again->age_ms, -1);
	ck_assert_int_eq(claim("ccc", 1)->state, OW_CLAIM_NEW);
	mock_advance(m, 229999);
	ck_assert_int_eq(claim("cxone:dedup:aaa", 1)->state, OW_CLAIM_DONE);
	end();
	/* By now it is a file of our own, and still nothing is known of the result. */
	begin_at(249999, "");
	again = claim("cxone:dedup:aaa", 1);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_ptr_null(again->result);
	ck_assert_int_eq(again->age_ms, -1);
	mock_advance(m, 1);
	ck_assert_int_eq(claim("cxone:dedup:aaa", 1)->state, OW_CLAIM_NEW);
	end();
	remove_directory();
}
END_TEST

/* ---- workers ---- */

START_TEST(workers_wait_for_one_load_and_the_last_one_saves)
{
	make_directory();
	struct bytes old = sound_file();
	m = mock_new();
	struct mock *second_worker = mock_new_worker(m);
	struct ow_instance *first = instance_of(m, "main", "");
	struct ow_instance *second = instance_of(second_worker, "main", "");
	struct ow_op *a = mock_start(first), *b = mock_start(second);
	wait_for(m, a);
	wait_for(second_worker, b);
	ck_assert_int_eq(mock_rc(a), OW_OK);
	ck_assert_int_eq(mock_rc(b), OW_OK);
	ck_assert(mock_logged(m, "2 keys restored"));
	ck_assert_uint_eq(mock_log_lines(second_worker), 0);
	store = second;
	ck_assert_int_eq(claim("first", 1)->state, OW_CLAIM_DONE);
	/* The first worker has drained, the second still delivers. */
	ck_assert_int_eq(mock_rc(mock_drain(first)), OW_OK);
	finish("late", 1);
	struct ow_op *op = mock_drain(second);
	ck_assert(!mock_finished(op));
	wait_for(second_worker, op);
	ck_assert_int_eq(mock_rc(op), OW_OK);
	mock_free(m);
	mock_free(second_worker);
	begin_at(0, "");
	ck_assert(mock_logged(m, "3 keys restored"));
	end();
	free(old.data);
	remove_directory();
}
END_TEST

START_TEST(all_workers_fail_together)
{
	make_directory();
	write_path("x", 1);
	m = mock_new();
	struct mock *second_worker = mock_new_worker(m);
	struct ow_instance *first = instance_of(m, "main", "");
	struct ow_instance *second = instance_of(second_worker, "main", "");
	struct ow_op *a = mock_start(first);
	wait_for(m, a);
	struct ow_op *b = mock_start(second);
	wait_for(second_worker, b);
	ck_assert_ptr_nonnull(strstr(mock_why(a), "it is not a checkpoint"));
	ck_assert_str_eq(mock_why(b), "its checkpoint cannot be used (see above)");
	ck_assert_int_eq(mock_rc(mock_drain(first)), OW_OK);
	ck_assert_int_eq(mock_rc(mock_drain(second)), OW_OK);
	mock_free(m);
	mock_free(second_worker);
	remove_directory();
}
END_TEST

struct claimer {
	struct mock *worker;
	struct ow_instance *store;
	unsigned first, count;
	_Atomic bool *stop;
};

/* Adds keys, over and over renewing some, until it has added all and is told to stop. */
static void *go_on_claiming(void *arg)
{
	struct claimer *c = arg;
	unsigned char token[OW_TOKEN_SIZE] = {1};
	for (unsigned i = 0; i < c->count || !atomic_load(c->stop); i++) {
		char key[32];
		snprintf(key, sizeof(key), "key %u", c->first + i % c->count);
		struct ow_claim claim = {.size = sizeof(claim),
		    .key = text_of(key),
		    .token = token,
		    .lock_ms = LOCK_MS,
		    .window_ms = WINDOW_MS};
		if (mock_claimed(mock_claim(c->store, &claim))->state == OW_CLAIM_NEW)
			mock_commit(c->store, &claim,
			    &(struct ow_result){.status = 200, .body = text_of(key)});
		mock_forget(c->worker);
		if (i % 100 == 0)
			mock_run(c->worker);
	}
	return NULL;
}

/* What was there all the time is in every checkpoint, however much comes and goes beside it. */
START_TEST(workers_go_on_while_it_saves)
{
	unsigned count = getenv("TEST_WRAPPER") ? 500 : 20000;
	int rounds = getenv("TEST_WRAPPER") ? 2 : 10;
	_Atomic bool stop = false;
	make_directory();
	begin_at(0, "checkpoint_interval: 10s\n");
	struct mock *workers[2] = {mock_new_worker(m), mock_new_worker(m)};
	struct claimer claimers[2];
	pthread_t threads[2];
	for (unsigned i = 0; i < 100; i++) {
		char key[32];
		snprintf(key, sizeof(key), "early %u", i);
		finish(key, 1);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct ow_instance *instance = instance_of(workers[i], "main", "");
		wait_for(workers[i], mock_start(instance));
		claimers[i] =
		    (struct claimer){workers[i], instance, (i + 1) * 1000000, count, &stop};
	}
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, go_on_claiming, &claimers[i]), 0);
	for (int i = 0; i < rounds; i++) {
		advance_to_save(10000);
		struct mock *other = mock_new();
		char copy[128], command[400];
		snprintf(copy, sizeof(copy), "%s.copy", path);
		snprintf(command, sizeof(command), "cp %s %s", path, copy);
		ck_assert_int_eq(system(command), 0);
		const struct ow_component *memory =
		    mock_component(OW_MODULE_SYMBOL(), "memory");
		char yaml[200];
		snprintf(yaml, sizeof(yaml), "checkpoint: %s\n", copy);
		struct ow_instance *reader =
		    mock_instance(other, memory, "copy", mock_conf(other, memory, yaml));
		struct ow_op *op = mock_start(reader);
		wait_for(other, op);
		ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
		struct ow_instance *was = store;
		store = reader;
		for (unsigned k = 0; k < 100; k++) {
			char key[32];
			snprintf(key, sizeof(key), "early %u", k);
			ck_assert_int_eq(claim(key, 2)->state, OW_CLAIM_DONE);
		}
		store = was;
		wait_for(other, mock_drain(reader));
		mock_free(other);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < 2; i++) {
		struct ow_op *op = mock_drain(claimers[i].store);
		wait_for(workers[i], op);
	}
	drain();
	ck_assert_uint_eq(mock_counter(m, "store_checkpoint_errors_total", NULL), 0);
	mock_free(workers[0]);
	mock_free(workers[1]);
	mock_free(m);
	begin_at((int64_t)rounds * 10000, "");
	char line[64];
	snprintf(line, sizeof(line), "info: %u keys restored", 2 * count + 100);
	ck_assert(mock_logged(m, line));
	end();
	remove_directory();
}
END_TEST

/* ---- options ---- */

START_TEST(options_must_make_sense)
{
	const struct ow_component *memory = mock_component(OW_MODULE_SYMBOL(), "memory");
	m = mock_new();
	ck_assert_str_eq(mock_conf_complaints(m, memory, "checkpoint: keys\n"), "");
	ck_assert_ptr_nonnull(strstr(mock_conf_complaints(m, memory, "checkpoint: /tmp/\n"),
	    "must name a file, such as /var/lib/onceway/keys"));
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, memory, "checkpoint_interval: 10s\n"),
		"is of no use without `checkpoint: FILE`"));
	mock_free(m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("checkpoint");
	TCase *t = tcase_create("checkpoint");
	tcase_set_timeout(t, 300);
	tcase_add_test(t, a_restart_forgets_nothing);
	tcase_add_test(t, the_timer_saves_too);
	tcase_add_test(t, without_interval_only_the_end_saves);
	tcase_add_test(t, what_expired_meanwhile_is_dropped);
	tcase_add_test(t, a_clock_set_back_lengthens_no_life);
	tcase_add_test(t, a_slid_window_survives);
	tcase_add_test(t, what_has_no_room_is_said);
	tcase_add_test(t, many_keys_with_large_results);
	tcase_add_test(t, reads_the_tutorials_checkpoint);
	tcase_add_test(t, workers_wait_for_one_load_and_the_last_one_saves);
	tcase_add_test(t, all_workers_fail_together);
	tcase_add_test(t, workers_go_on_while_it_saves);
	tcase_add_test(t, options_must_make_sense);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
