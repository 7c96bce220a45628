/* Files that are not read or cannot be written: nothing starts, and nothing is lost. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_memory/test_checkpoint_rig.h"
#include "tests/unit/main.h"

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

static Suite *suite(void)
{
	Suite *s = suite_create("checkpoint_refusals");
	TCase *t = tcase_create("checkpoint_refusals");
	tcase_set_timeout(t, 300);
	tcase_add_test(t, a_truncated_file_starts_nothing);
	tcase_add_test(t, a_flipped_byte_starts_nothing);
	tcase_add_test(t, a_foreign_file_starts_nothing);
	tcase_add_test(t, what_is_no_file_starts_nothing);
	tcase_add_test(t, a_directory_that_cannot_be_used_starts_nothing);
	tcase_add_test(t, two_stores_cannot_share_a_file);
	tcase_add_test(t, a_full_disk_keeps_the_old_file);
	tcase_add_test(t, a_failure_at_the_end_is_said);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
