#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

#define LOCK_MS	  60000
#define WINDOW_MS 300000

static char directory[64], path[96];
static struct mock *m;
static struct ow_instance *store;

/* ---- files ---- */

static void make_directory(void)
{
	snprintf(directory, sizeof(directory), "/tmp/onceway-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/keys", directory);
}

static void remove_directory(void)
{
	DIR *dir = opendir(directory);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char name[400];
		snprintf(name, sizeof(name), "%s/%s", directory, entry->d_name);
		unlink(name);
	}
	if (dir)
		closedir(dir);
	rmdir(directory);
}

struct bytes {
	char *data;
	size_t len;
};

static struct bytes read_path(void)
{
	struct bytes bytes = {malloc(1 << 20), 0};
	int fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	bytes.len = (size_t)read(fd, bytes.data, 1 << 20);
	close(fd);
	return bytes;
}

static void write_path(const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, data, len), (int)len);
	close(fd);
}

static bool exists(const char *suffix)
{
	char name[128];
	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return access(name, F_OK) == 0;
}

/* ---- one worker ---- */

static struct ow_instance *instance_of(struct mock *worker, const char *name, const char *more)
{
	const struct ow_component *memory = mock_component(ow_module(), "memory");
	char yaml[300];
	snprintf(yaml, sizeof(yaml), "checkpoint: %s\n%s", path, more);
	return mock_instance(worker, memory, name, mock_conf(worker, memory, yaml));
}

/* The thread takes its time; the clock stands still meanwhile. */
static void wait_for(struct mock *worker, const struct ow_op *op)
{
	for (mock_run(worker); !mock_finished(op); mock_run(worker))
		usleep(1000);
}

static struct ow_op *try_start(struct ow_instance *instance)
{
	struct ow_op *op = mock_start(instance);
	wait_for(m, op);
	return op;
}

static void start_with(const char *more)
{
	store = instance_of(m, "main", more);
	struct ow_op *op = try_start(store);
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
}

/* A process that begins down_ms after the epoch of all of them. */
static void begin_at(int64_t down_ms, const char *more)
{
	m = mock_new();
	mock_skip(m, down_ms);
	start_with(more);
}

static void drain(void)
{
	struct ow_op *op = mock_drain(store);
	wait_for(m, op);
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
}

static void end(void)
{
	drain();
	mock_free(m);
	m = NULL;
}

/* Without another checkpoint, as after kill -9. */
static void kill_it(void)
{
	mock_free(m);
	m = NULL;
}

static struct ow_text text_of(const char *string)
{
	return (struct ow_text){string, strlen(string)};
}

static const unsigned char digest[OW_DIGEST_SIZE] = "digest of the payload, 32 bytes";

static struct ow_claim claim_of(const char *key, unsigned char owner)
{
	static unsigned char tokens[256][OW_TOKEN_SIZE];
	memset(tokens[owner], owner, OW_TOKEN_SIZE);
	return (struct ow_claim){.size = sizeof(struct ow_claim),
	    .key = text_of(key),
	    .token = tokens[owner],
	    .digest = digest,
	    .lock_ms = LOCK_MS,
	    .window_ms = WINDOW_MS};
}

static const struct ow_claim_answer *claim(const char *key, unsigned char owner)
{
	struct ow_claim c = claim_of(key, owner);
	const struct ow_claim_answer *answer = mock_claimed(mock_claim(store, &c));
	ck_assert_int_eq(answer->rc, OW_OK);
	return answer;
}

static void finish(const char *key, unsigned char owner)
{
	struct ow_claim c = claim_of(key, owner);
	struct ow_result result = {.status = 202,
	    .content_type = text_of("text/plain"),
	    .body = text_of("the sink's answer")};
	ck_assert_int_eq(claim(key, owner)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(mock_rc(mock_commit(store, &c, &result)), OW_OK);
}

static uint64_t saves(void)
{
	return (uint64_t)mock_gauge(m, "store_checkpoint_timestamp_seconds");
}

/* Lets the timer fall due and waits for what it brings about. */
static void advance_to_save(int64_t ms)
{
	uint64_t before = saves(),
		 errors = mock_counter(m, "store_checkpoint_errors_total", NULL);
	mock_advance(m, ms);
	for (mock_run(m); saves() == before &&
			  mock_counter(m, "store_checkpoint_errors_total", NULL) == errors;
	     mock_run(m))
		usleep(1000);
}

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
	struct ow_claim c = claim_of("k", 2);
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
		struct ow_claim c = claim_of(key, 1);
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

/* ---- what must not start ---- */

/* Starts nothing and leaves every byte and the file itself alone, also when draining. */
static void must_be_refused(const void *data, size_t len, const char *problem)
{
	struct stat before, after;
	write_path(data, len);
	ck_assert_int_eq(stat(path, &before), 0);
	m = mock_new();
	store = instance_of(m, "main", "checkpoint_interval: 1s\n");
	struct ow_op *op = try_start(store);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_msg(strstr(mock_why(op), problem) && strstr(mock_why(op), path) &&
			  strstr(mock_why(op), "move it away"),
	    "%s", mock_why(op));
	mock_advance(m, 5000);
	drain();
	mock_free(m);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	struct bytes now = read_path();
	ck_assert_uint_eq(now.len, len);
	ck_assert_mem_eq(now.data, data, len);
	free(now.data);
}

/* A sound file with two keys. */
static struct bytes sound_file(void)
{
	begin_at(0, "");
	finish("first", 1);
	finish("second", 1);
	end();
	return read_path();
}

START_TEST(a_truncated_file_starts_nothing)
{
	make_directory();
	struct bytes file = sound_file();
	size_t step = getenv("TEST_WRAPPER") ? 37 : 1;
	for (size_t len = 1; len < file.len; len += step)
		must_be_refused(file.data, len, "it ends too early (byte ");
	must_be_refused("", 0, "it is empty (byte 0)");
	free(file.data);
	remove_directory();
}
END_TEST

START_TEST(a_flipped_byte_starts_nothing)
{
	make_directory();
	struct bytes file = sound_file();
	size_t step = getenv("TEST_WRAPPER") ? 37 : 1;
	for (size_t i = 0; i < file.len; i += step) {
		file.data[i] = (char)~file.data[i];
		must_be_refused(file.data, file.len, "cannot be used: ");
		file.data[i] = (char)~file.data[i];
	}
	free(file.data);
	remove_directory();
}
END_TEST

START_TEST(a_foreign_file_starts_nothing)
{
	static const char *const texts[] = {"hello\n", "SQLite format 3", "REDIS0009", "[1, 2]",
	    "   ", "onceway: {}\n", "\177ELF", "OWCHKPTX and so on, and so on, and so on"};
	make_directory();
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		must_be_refused(
		    texts[i], strlen(texts[i]), "it is not a checkpoint of onceway (byte 0)");
	must_be_refused("{\"a\": \"b\"}", 10, "the value of `a` is not a number");
	must_be_refused("{\"a\": 1, ", 9, "it is not sound JSON");
	remove_directory();
}
END_TEST

static void must_not_start(const char *problem)
{
	m = mock_new();
	store = instance_of(m, "main", "");
	struct ow_op *op = try_start(store);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_msg(strstr(mock_why(op), problem) != NULL, "%s", mock_why(op));
	drain();
	mock_free(m);
}

START_TEST(what_is_no_file_starts_nothing)
{
	make_directory();
	ck_assert_int_eq(mkdir(path, 0700), 0);
	must_not_start("is not a regular file");
	rmdir(path);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	must_not_start("is a symbolic link, which the next one would replace: name the file");
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	must_not_start("is not a regular file");
	remove_directory();
}
END_TEST

START_TEST(a_directory_that_cannot_be_used_starts_nothing)
{
	make_directory();
	remove_directory();
	must_not_start("there is no directory /tmp/onceway-test-");
	make_directory();
	if (geteuid() != 0) { /* whom nothing stops */
		chmod(directory, 0500);
		must_not_start("cannot create ");
		chmod(directory, 0700);
	}
	/* The lock's file is there, but what is to become the checkpoint cannot be. */
	char name[128];
	snprintf(name, sizeof(name), "%s.tmp", path);
	ck_assert_int_eq(mkdir(name, 0700), 0);
	must_not_start("cannot create ");
	rmdir(name);
	remove_directory();
}
END_TEST

START_TEST(two_stores_cannot_share_a_file)
{
	make_directory();
	begin_at(0, "");
	struct ow_instance *second = instance_of(m, "second", "");
	struct ow_op *op = try_start(second);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_ptr_nonnull(strstr(mock_why(op), "is in use by another onceway"));
	struct ow_op *drained = mock_drain(second);
	wait_for(m, drained);
	ck_assert(!exists(""));
	finish("k", 1);
	end();
	/* Who ends lets the next one in. */
	begin_at(0, "");
	ck_assert(mock_logged(m, "1 keys restored"));
	end();
	remove_directory();
}
END_TEST

/* ---- what cannot be written ---- */

static void limit_files(rlim_t size)
{
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_full_disk_keeps_the_old_file)
{
	make_directory();
	signal(SIGXFSZ, SIG_IGN);
	struct bytes old = sound_file();
	begin_at(0, "checkpoint_interval: 10s\n");
	finish("third", 1);
	limit_files(old.len - 1);
	for (int i = 1; i <= 5; i++) {
		advance_to_save(10000);
		ck_assert_uint_eq(
		    mock_counter(m, "store_checkpoint_errors_total", NULL), (uint64_t)i);
	}
	limit_files(RLIM_INFINITY);
	/* Said once, not each time. */
	size_t lines = 0;
	for (size_t i = 0; i < mock_log_lines(m); i++)
		lines +=
		    strstr(mock_log_line(m, i), "error: checkpoint: cannot write ") != NULL;
	ck_assert_uint_eq(lines, 1);
	ck_assert(mock_logged(m, "File too large; the one before is kept"));
	struct bytes now = read_path();
	ck_assert_uint_eq(now.len, old.len);
	ck_assert_mem_eq(now.data, old.data, old.len);
	ck_assert(!exists(".tmp"));
	advance_to_save(10000);
	ck_assert(mock_logged(m, "checkpoints can be written again"));
	kill_it();
	begin_at(60000, "");
	ck_assert(mock_logged(m, "3 keys restored"));
	end();
	free(old.data);
	free(now.data);
	remove_directory();
}
END_TEST

START_TEST(a_failure_at_the_end_is_said)
{
	make_directory();
	signal(SIGXFSZ, SIG_IGN);
	begin_at(0, "");
	finish("k", 1);
	limit_files(10);
	struct ow_op *op = mock_drain(store);
	wait_for(m, op);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_ptr_nonnull(strstr(mock_why(op), "cannot write "));
	ck_assert(!exists(""));
	kill_it();
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
		const struct ow_component *memory = mock_component(ow_module(), "memory");
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
	const struct ow_component *memory = mock_component(ow_module(), "memory");
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
	tcase_add_test(t, a_truncated_file_starts_nothing);
	tcase_add_test(t, a_flipped_byte_starts_nothing);
	tcase_add_test(t, a_foreign_file_starts_nothing);
	tcase_add_test(t, what_is_no_file_starts_nothing);
	tcase_add_test(t, a_directory_that_cannot_be_used_starts_nothing);
	tcase_add_test(t, two_stores_cannot_share_a_file);
	tcase_add_test(t, a_full_disk_keeps_the_old_file);
	tcase_add_test(t, a_failure_at_the_end_is_said);
	tcase_add_test(t, workers_wait_for_one_load_and_the_last_one_saves);
	tcase_add_test(t, all_workers_fail_together);
	tcase_add_test(t, workers_go_on_while_it_saves);
	tcase_add_test(t, options_must_make_sense);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
