/* The checkpoint of a store in Redis, on a real redis-server; without one it is skipped. */
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_redis/test_rig.h"
#include "store_redis/test_server.h"
#include "tests/plugin/folder.h"

#define PREFIX "cxone:dedup:"

/* ---- set-up ---- */

static void make_all(void)
{
	make_directory();
	ask("FLUSHALL");
}

static void open_at(int64_t ms, const char *more)
{
	char yaml[400];
	snprintf(yaml, sizeof(yaml), "checkpoint: %s\n%s", path, more);
	rig_open_at(ms, server_url, yaml);
}

static void begin_at(int64_t ms, const char *more)
{
	open_at(ms, more);
	rig_until(mock_finished(rig.start));
	ck_assert_msg(mock_rc(rig.start) == OW_OK, "%s", mock_why(rig.start));
}

static void begin(const char *more)
{
	begin_at(0, more);
}

static void finish(const char *key)
{
	struct ow_result result = {.status = 202,
	    .content_type = rig_text("application/json"),
	    .body = rig_text("{\"the\":\"answer\"}")};
	ck_assert_int_eq(rig_claim(key, 1)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(rig_commit_with(key, 1, result), OW_OK);
}

static int64_t saved_at(void)
{
	return mock_gauge(rig.mock, "store_checkpoint_timestamp_seconds");
}

static uint64_t errors(void)
{
	return mock_counter(rig.mock, "store_checkpoint_errors_total", NULL);
}

static void advance_to_save(int64_t ms)
{
	int64_t before = saved_at();
	mock_advance(rig.mock, ms);
	rig_until(saved_at() != before);
}

static int64_t left_of(const char *key)
{
	return strtoll(ask("PTTL %s", key), NULL, 10);
}

static int64_t modified(void)
{
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	return (int64_t)st.st_ino;
}

static void write_path(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

/* ---- what survives ---- */

START_TEST(a_redis_that_forgot_is_told)
{
	make_all();
	begin("");
	ck_assert(mock_logged(rig.mock, "there is no checkpoint"));
	finish(PREFIX "k");
	rig_claim(PREFIX "unfinished", 1);
	finish("not:under:a:prefix");
	rig_close();
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ask("FLUSHALL");

	begin("");
	ck_assert(mock_logged(rig.mock, "info: 1 keys restored from "));
	const struct ow_claim_answer *again = rig_claim(PREFIX "k", 2);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_int_eq(again->result->status, 202);
	ck_assert_uint_eq(again->result->body.len, strlen("{\"the\":\"answer\"}"));
	ck_assert_mem_eq(again->result->body.data, "{\"the\":\"answer\"}", 16);
	ck_assert_mem_eq(again->digest, "digest of the payload, 32 bytes", OW_DIGEST_SIZE);
	ck_assert_int_le(left_of(PREFIX "k"), RIG_WINDOW_MS);
	ck_assert_int_gt(left_of(PREFIX "k"), RIG_WINDOW_MS - 60000);
	/* A claim is never brought back: its owner is gone. */
	ck_assert_int_eq(rig_claim(PREFIX "unfinished", 2)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(rig_claim("not:under:a:prefix", 2)->state, OW_CLAIM_NEW);
	rig_close();
	remove_directory();
}
END_TEST

START_TEST(what_is_there_is_left_alone)
{
	make_all();
	begin("");
	finish(PREFIX "finished");
	finish(PREFIX "claimed");
	finish(PREFIX "foreign");
	finish(PREFIX "lost");
	rig_close();
	ask("SET " PREFIX "claimed processing PX 50000");
	ask("SET " PREFIX "foreign 1 PX 40000");
	ask("DEL " PREFIX "lost");
	ask("PEXPIRE " PREFIX "finished 30000");
	begin("");
	ck_assert(mock_logged(rig.mock, "info: 1 keys restored from "));
	ck_assert(mock_logged(rig.mock, "; 3 were there; 0 have expired"));
	ck_assert_str_eq(ask("GET " PREFIX "claimed"), "processing");
	ck_assert_str_eq(ask("GET " PREFIX "foreign"), "1");
	ck_assert_int_le(left_of(PREFIX "claimed"), 50000);
	ck_assert_int_le(left_of(PREFIX "foreign"), 40000);
	ck_assert_int_le(left_of(PREFIX "finished"), 30000);
	ck_assert_int_eq(rig_claim(PREFIX "lost", 2)->state, OW_CLAIM_DONE);
	rig_close();
	remove_directory();
}
END_TEST

START_TEST(the_time_between_counts)
{
	make_all();
	begin("");
	finish(PREFIX "k");
	rig.window_ms = 10000;
	finish(PREFIX "short");
	rig_close();
	ask("FLUSHALL");
	begin_at(200000, "");
	ck_assert(mock_logged(rig.mock, "info: 1 keys restored from "));
	ck_assert(mock_logged(rig.mock, "written 200 s ago; 1 have expired"));
	ck_assert_int_le(left_of(PREFIX "k"), RIG_WINDOW_MS - 200000);
	ck_assert_int_gt(left_of(PREFIX "k"), RIG_WINDOW_MS - 200000 - 60000);
	const struct ow_claim_answer *again = rig_claim(PREFIX "k", 2);
	ck_assert_int_ge(again->age_ms, 200000);
	ck_assert_int_lt(again->age_ms, 260000);
	ck_assert_int_eq(rig_claim(PREFIX "short", 2)->state, OW_CLAIM_NEW);
	rig_close();
	remove_directory();
}
END_TEST

START_TEST(what_others_left_comes_back_as_theirs)
{
	make_all();
	ask("SET cognigy:fp:result %s PX 200000", "{\"processed\":true}");
	ask("SET " PREFIX "one 1 PX 200000");
	ask("SET " PREFIX "endless 1");
	ask("SET " PREFIX "claim processing PX 200000");
	ask("RPUSH " PREFIX "list a");
	ask("PEXPIRE " PREFIX "list 200000");
	begin("");
	rig_close();
	ask("FLUSHALL");
	begin("");
	ck_assert(mock_logged(rig.mock, "info: 2 keys restored from "));
	ck_assert_str_eq(ask("GET cognigy:fp:result"), "{\"processed\":true}");
	ck_assert_str_eq(ask("GET " PREFIX "one"), "1");
	ck_assert_str_eq(ask("EXISTS " PREFIX "claim"), "0");
	rig_close();
	remove_directory();
}
END_TEST

START_TEST(reads_the_tutorials_checkpoint)
{
	make_all();
	write_path("{\n  \"cxone:dedup:aaa\": 250,\n  \"cxone:dedup:bbb\": -1\n}");
	begin("");
	struct timespec times[2] = {
	    {.tv_sec = mock_wall(rig.mock) / 1000}, {.tv_sec = mock_wall(rig.mock) / 1000}};
	rig_kill();
	ask("FLUSHALL");
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	begin_at(20000, "");
	ck_assert(mock_logged(rig.mock,
	    "(JSON; the next checkpoint replaces it), written 20 s ago; 1 have expired"));
	ck_assert_str_eq(ask("GET cxone:dedup:aaa"), "1");
	ck_assert_int_le(left_of("cxone:dedup:aaa"), 230000);
	rig_close();
	remove_directory();
}
END_TEST

START_TEST(many_keys_with_large_results)
{
	static char body[20000];
	unsigned count = getenv("TEST_WRAPPER") ? 100 : 1500;
	char key[48];
	make_all();
	begin("");
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), PREFIX "%u", i);
		memset(body, (int)(1 + i % 100), sizeof(body));
		rig_claim(key, 1);
		rig_commit_with(key, 1,
		    (struct ow_result){.status = 200, .body = {body, sizeof(body) - i}});
		mock_forget(rig.mock);
	}
	rig_close();
	ask("FLUSHALL");
	begin("");
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), PREFIX "%u", i);
		const struct ow_claim_answer *again = rig_claim(key, 2);
		memset(body, (int)(1 + i % 100), sizeof(body));
		ck_assert_int_eq(again->state, OW_CLAIM_DONE);
		ck_assert_uint_eq(again->result->body.len, sizeof(body) - i);
		ck_assert_mem_eq(again->result->body.data, body, sizeof(body) - i);
		mock_forget(rig.mock);
	}
	ck_assert_str_eq(ask("DBSIZE"), getenv("TEST_WRAPPER") ? "100" : "1500");
	rig_close();
	remove_directory();
}
END_TEST

/* ---- when ---- */

START_TEST(the_timer_saves)
{
	make_all();
	begin("checkpoint_interval: 10s\n");
	finish(PREFIX "before");
	advance_to_save(10000);
	ck_assert_int_eq(saved_at(), 1767225600 + 10);
	ck_assert_int_gt(mock_gauge(rig.mock, "store_checkpoint_size_bytes"), 100);
	finish(PREFIX "after");
	rig_kill();
	ask("FLUSHALL");
	begin("");
	ck_assert_int_eq(rig_claim(PREFIX "before", 2)->state, OW_CLAIM_DONE);
	ck_assert_int_eq(rig_claim(PREFIX "after", 2)->state, OW_CLAIM_NEW);
	rig_close();
	remove_directory();
}
END_TEST

START_TEST(a_redis_that_forgets_meanwhile_is_told_at_once)
{
	make_all();
	begin("checkpoint_interval: 10s\n");
	finish(PREFIX "k");
	advance_to_save(10000);
	server_forget();
	rig_until(mock_logged(rig.mock, "info: 1 keys restored from "));
	ck_assert_int_eq(rig_claim(PREFIX "k", 2)->state, OW_CLAIM_DONE);
	/* Nothing was written in between: what Redis lost did not get lost here, too. */
	advance_to_save(10000);
	server_forget();
	rig_until(strcmp(ask("EXISTS " PREFIX "k"), "1") == 0);
	rig_close();
	remove_directory();
}
END_TEST

START_TEST(a_redis_lost_while_saving_does_not_empty_the_file)
{
	make_all();
	begin("checkpoint_interval: 10s\n");
	finish(PREFIX "k");
	advance_to_save(10000);
	int64_t file = modified();
	/* It is there again, without keys, before it is asked for the first of them. */
	mock_advance(rig.mock, 10000);
	server_forget();
	while (!mock_logged(rig.mock, "connected again"))
		event_base_loop(rig.base, EVLOOP_ONCE);
	rig_until(mock_logged(rig.mock, "info: 1 keys restored from "));
	ck_assert_int_eq(modified(), file);
	ck_assert_int_eq(rig_claim(PREFIX "k", 2)->state, OW_CLAIM_DONE);
	rig_close();
	remove_directory();
}
END_TEST

START_TEST(what_cannot_be_restored_is_not_overwritten)
{
	make_all();
	begin("checkpoint_interval: 10s\n");
	finish(PREFIX "k");
	rig_close();
	ask("FLUSHALL");
	int64_t file = modified();
	ask("CONFIG SET maxmemory 1");
	begin("checkpoint_interval: 1s\n");
	ck_assert(mock_logged(
	    rig.mock, "error: checkpoint: its keys are not all restored: Redis is full (OOM)"));
	for (int i = 0; i < 4; i++) {
		uint64_t before = errors();
		mock_advance(rig.mock, 5000);
		rig_until(errors() > before);
	}
	ck_assert_int_eq(modified(), file);
	/* Said once, not each time. */
	size_t lines = 0;
	for (size_t i = 0; i < mock_log_lines(rig.mock); i++)
		lines += strstr(mock_log_line(rig.mock, i), "not all restored") != NULL;
	ck_assert_uint_eq(lines, 1);
	ask("CONFIG SET maxmemory 0");
	mock_advance(rig.mock, 5000);
	rig_until(mock_logged(rig.mock, "info: 1 keys restored from "));
	advance_to_save(1000);
	ck_assert(mock_logged(rig.mock, "checkpoints can be written again"));
	ck_assert_int_ne(modified(), file);
	rig_close();
	remove_directory();
}
END_TEST

START_TEST(without_redis_it_starts_and_keeps_the_file)
{
	make_all();
	begin("");
	finish(PREFIX "k");
	rig_close();
	int64_t file = modified();
	char yaml[300];
	snprintf(yaml, sizeof(yaml), "checkpoint: %s\ncheckpoint_interval: 1s\n", path);
	rig_open("unix:///tmp/onceway-there-is-no-redis", yaml);
	rig_until(mock_finished(rig.start));
	ck_assert_int_eq(mock_rc(rig.start), OW_OK);
	for (int i = 0; i < 5; i++) {
		mock_advance(rig.mock, 1000);
		rig_turn();
	}
	rig_close();
	ck_assert_int_eq(modified(), file);
	remove_directory();
}
END_TEST

START_TEST(a_save_that_fails_keeps_the_file)
{
	make_all();
	begin("checkpoint_interval: 10s\n");
	finish(PREFIX "k");
	advance_to_save(10000);
	int64_t file = modified();
	ask("ACL SETUSER default -scan");
	mock_advance(rig.mock, 10000);
	rig_until(errors() == 1);
	ck_assert(mock_logged(rig.mock, "error: checkpoint: Redis' access rules (ACL) forbid"));
	ck_assert(mock_logged(rig.mock, "; the one before is kept"));
	ask("ACL SETUSER default +@all");
	ck_assert_int_eq(modified(), file);
	char name[128];
	snprintf(name, sizeof(name), "%s.tmp", path);
	ck_assert_int_ne(access(name, F_OK), 0);
	advance_to_save(10000);
	ck_assert(mock_logged(rig.mock, "checkpoints can be written again"));
	rig_close();
	remove_directory();
}
END_TEST

/* ---- what must not start ---- */

static void must_be_refused(const char *problem)
{
	open_at(0, "");
	rig_until(mock_finished(rig.start));
	ck_assert_int_eq(mock_rc(rig.start), OW_FAIL);
	ck_assert_msg(strstr(mock_why(rig.start), problem) && strstr(mock_why(rig.start), path),
	    "%s", mock_why(rig.start));
	rig_close();
}

START_TEST(a_damaged_file_starts_nothing_and_stays)
{
	make_all();
	begin("");
	finish(PREFIX "k");
	rig_close();
	ask("FLUSHALL");
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(truncate(path, st.st_size - 1), 0);
	int64_t file = modified();
	must_be_refused("it stays as it is: move it away to start without keys");
	ck_assert_int_eq(modified(), file);
	/* Of a damaged file not even the sound part is restored. */
	ck_assert_str_eq(ask("DBSIZE"), "0");
	unlink(path);
	begin("");
	rig_close();
	remove_directory();
}
END_TEST

START_TEST(two_stores_cannot_share_a_file)
{
	make_all();
	begin("");
	struct rig first = rig;
	must_be_refused("is in use by another onceway or another store");
	rig = first;
	rig_close();
	remove_directory();
}
END_TEST

/* ---- workers ---- */

START_TEST(workers_wait_for_the_one_that_restores_and_it_for_them)
{
	make_all();
	begin("");
	finish(PREFIX "k");
	rig_close();
	ask("FLUSHALL");
	const struct ow_component *redis = mock_component(OW_MODULE_SYMBOL(), "redis");
	open_at(0, "");
	struct mock *other = mock_new_worker(rig.mock);
	char yaml[400];
	snprintf(yaml, sizeof(yaml), "url: '%s'\ncheckpoint: %s\nsweep_interval: 0s\n",
	    server_url, path);
	mock_set_base(other, rig.base);
	struct ow_instance *second =
	    mock_instance(other, redis, "main", mock_conf(other, redis, yaml));
	struct ow_op *start = mock_start(second);
	mock_run(other);
	/* It has nothing to do but to wait: the first one has not had a turn. */
	ck_assert(!mock_finished(start));
	rig_until((mock_run(other), mock_finished(start)));
	ck_assert(mock_logged(rig.mock, "info: 1 keys restored from "));
	ck_assert(!mock_logged(other, "restored"));

	struct ow_op *first_end = mock_drain(rig.store);
	for (int i = 0; i < 50; i++)
		rig_turn();
	ck_assert(!mock_finished(first_end));
	finish(PREFIX "late");
	ck_assert_int_eq(mock_rc(mock_drain(second)), OW_OK);
	rig_until(mock_finished(first_end));
	ck_assert(mock_logged(rig.mock, "info: 2 keys kept in checkpoint"));
	mock_free(other);
	rig_kill();
	remove_directory();
}
END_TEST

START_TEST(options_must_make_sense)
{
	const struct ow_component *redis = mock_component(OW_MODULE_SYMBOL(), "redis");
	struct mock *m = mock_new();
	ck_assert_str_eq(
	    mock_conf_complaints(m, redis, "url: redis://a\ncheckpoint: keys\n"), "");
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, redis, "url: redis://a\ncheckpoint: /tmp/\n"),
		"must name a file"));
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, redis, "url: redis://a\ncheckpoint_interval: 10s\n"),
		"is of no use without `checkpoint: FILE`"));
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(
		       m, redis, "url: redis://a\ncheckpoint: keys\nsweep_prefixes: []\n"),
		"is empty, but says which keys `checkpoint` keeps"));
	mock_free(m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("keeper");
	TCase *t = tcase_create("keeper");
	tcase_set_timeout(t, 300);
	tcase_add_test(t, a_redis_that_forgot_is_told);
	tcase_add_test(t, what_is_there_is_left_alone);
	tcase_add_test(t, the_time_between_counts);
	tcase_add_test(t, what_others_left_comes_back_as_theirs);
	tcase_add_test(t, reads_the_tutorials_checkpoint);
	tcase_add_test(t, many_keys_with_large_results);
	tcase_add_test(t, the_timer_saves);
	tcase_add_test(t, a_redis_that_forgets_meanwhile_is_told_at_once);
	tcase_add_test(t, a_redis_lost_while_saving_does_not_empty_the_file);
	tcase_add_test(t, what_cannot_be_restored_is_not_overwritten);
	tcase_add_test(t, without_redis_it_starts_and_keeps_the_file);
	tcase_add_test(t, a_save_that_fails_keeps_the_file);
	tcase_add_test(t, a_damaged_file_starts_nothing_and_stays);
	tcase_add_test(t, two_stores_cannot_share_a_file);
	tcase_add_test(t, workers_wait_for_the_one_that_restores_and_it_for_them);
	tcase_add_test(t, options_must_make_sense);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return server_run(suite());
}
