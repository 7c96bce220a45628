/* What is refused when the spool is opened, and how it is said. */
#include "spool/spool_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "spool/spool.h"
#include "tests/unit/main.h"
#include "tests/unit/spool/rig.h"

static void check_says(const char *why, const char *part)
{
	ck_assert_msg(strstr(why, part) != NULL, "`%s` does not say `%s`", why, part);
}

static mode_t mode_of(const char *suffix)
{
	char name[128];
	struct stat about;
	snprintf(name, sizeof(name), "%s%s", rig.file, suffix);
	ck_assert_int_eq(stat(name, &about), 0);
	return about.st_mode & 0777;
}

static void write_file(const char *name, const char *bytes, size_t len)
{
	FILE *to = fopen(name, "w");
	ck_assert_ptr_nonnull(to);
	ck_assert_uint_eq(fwrite(bytes, 1, len, to), len);
	ck_assert_int_eq(fclose(to), 0);
}

/* Opens it, closes it: there is a good file with one event. */
static void make_good(void)
{
	rig_open();
	ck_assert_int_gt(rig_put_body("{\"much\":\"wanted\"}"), 0);
	rig_close();
}

START_TEST(a_directory_that_is_missing)
{
	char directory[96];
	snprintf(directory, sizeof(directory), "%s/none", rig.directory);
	rig.setup.directory = directory;
	const char *why = rig_refused();
	check_says(why, "there is no state_dir");
	check_says(why, directory);
	check_says(why, "install -d -m 700");
}
END_TEST

START_TEST(a_directory_that_is_none)
{
	write_file(rig.file, "x", 1);
	rig.setup.directory = rig.file;
	check_says(rig_refused(), "is not a directory");
}
END_TEST

START_TEST(a_directory_that_may_not_be_written)
{
	/* Not even by root. */
	rig.setup.directory = "/proc";
	const char *why = rig_refused();
	check_says(why, "cannot write in state_dir /proc");
	check_says(why, "must belong to the user");
}
END_TEST

START_TEST(the_file_is_its_owner_s_alone)
{
	umask(0);
	rig_open();
	ck_assert_int_gt(rig_put_body("{}"), 0);
	ck_assert_uint_eq(mode_of(""), 0600);
	ck_assert_uint_eq(mode_of("-wal"), 0600);
	ck_assert_uint_eq(mode_of("-shm"), 0600);
	rig_close();
	ck_assert_int_eq(chmod(rig.file, 0644), 0);
	rig_open();
	ck_assert_uint_eq(mode_of(""), 0600);
}
END_TEST

START_TEST(a_file_of_something_else)
{
	char text[] = "It was a dark and stormy night; the rain fell in torrents, except at "
		      "occasional intervals, when it was checked by a violent gust of wind.";
	write_file(rig.file, text, sizeof(text));
	const char *why = rig_refused();
	check_says(why, rig.file);
	check_says(why, "damaged");
	check_says(why, "move it");
	/* It is as it was. */
	char now[sizeof(text)];
	FILE *from = fopen(rig.file, "r");
	ck_assert_uint_eq(fread(now, 1, sizeof(now), from), sizeof(now));
	fclose(from);
	ck_assert_mem_eq(now, text, sizeof(text));
}
END_TEST

START_TEST(a_database_of_another_program)
{
	rig_execute("CREATE TABLE poem (line TEXT)");
	check_says(rig_refused(), "a database of another program");
	/* It is as it was. */
	ck_assert_int_eq(rig_query("SELECT count(*) FROM sqlite_schema"), 1);
	char wal[128];
	snprintf(wal, sizeof(wal), "%s-wal", rig.file);
	ck_assert_int_ne(access(wal, F_OK), 0);
}
END_TEST

START_TEST(a_file_of_a_newer_program)
{
	make_good();
	rig_execute("PRAGMA user_version = 2");
	const char *why = rig_refused();
	check_says(why, "is of format 2, and this Onceway knows format 1");
	ck_assert_int_eq(rig_query("SELECT count(*) FROM event"), 1);
}
END_TEST

START_TEST(a_file_without_its_tables)
{
	make_good();
	rig_execute("DROP TABLE event");
	const char *why = rig_refused();
	check_says(why, rig.file);
	check_says(why, "no such table");
}
END_TEST

/* In any of its pages; what is not noticed does no harm. */
START_TEST(a_damaged_file)
{
	struct stat about;
	make_good();
	ck_assert_int_eq(stat(rig.file, &about), 0);
	size_t size = (size_t)about.st_size;
	char *good = mem_alloc(size), *bad;
	FILE *from = fopen(rig.file, "r");
	ck_assert_uint_eq(fread(good, 1, size, from), size);
	fclose(from);
	for (size_t page = 0; page < size; page += 4096) {
		bad = mem_copy(good, size);
		memset(bad + page, 0x5a, 200);
		write_file(rig.file, bad, size);
		free(bad);
		const char *why = rig_refused();
		check_says(why, "damaged (");
		check_says(why, rig.file);
		ck_assert_ptr_null(strstr(why, "***"));
	}
	/* Cut short. */
	write_file(rig.file, good, size - 4096);
	check_says(rig_refused(), "damaged");
	write_file(rig.file, good, size);
	free(good);
	rig_open();
	ck_assert_uint_eq(rig_take(2)->count, 1);
}
END_TEST

/* A kill while the file was made. */
START_TEST(an_empty_file_is_made_good)
{
	write_file(rig.file, "", 0);
	make_good();
	ck_assert_int_eq(rig_query("SELECT count(*) FROM event"), 1);
}
END_TEST

START_TEST(a_log_without_its_file)
{
	char wal[128];
	make_good();
	snprintf(wal, sizeof(wal), "%s-wal", rig.file);
	write_file(wal, "events", 6);
	ck_assert_int_eq(unlink(rig.file), 0);
	const char *why = rig_refused();
	check_says(why, "is gone or empty");
	check_says(why, wal);
	/* Not by trying it once more, either. */
	check_says(rig_refused(), "is gone or empty");
	ck_assert_int_eq(unlink(wal), 0);
	rig_open();
}
END_TEST

/* ---- for a command ---- */

static void check_join(const char *says)
{
	char why[SPOOL_WHY_SIZE] = "";
	sqlite3 *db = spool_file_join(rig.directory, why);
	ck_assert_int_eq(db == NULL, says != NULL);
	if (says)
		check_says(why, says);
	sqlite3_close(db);
}

START_TEST(others_only_join_what_is_there)
{
	check_join("the daemon makes it when it starts");
	ck_assert_int_ne(access(rig.file, F_OK), 0);
	write_file(rig.file, "", 0);
	check_join("the daemon fills it when it starts");
	make_good();
	check_join(NULL);
	rig_execute("PRAGMA user_version = 2");
	check_join("knows format 1");
	write_file(rig.file, "no database at all, or so it seems", 34);
	check_join("damaged");
}
END_TEST

static off_t file_size(void)
{
	struct stat about;
	ck_assert_int_eq(stat(rig.file, &about), 0);
	return about.st_size;
}

#define LONG_LOG (20 << 20) /* well beyond where it is moved into the file */

START_TEST(the_daemon_alone_moves_the_log_into_the_file)
{
	char why[SPOOL_WHY_SIZE], sql[128];
	rig_open();
	sqlite3 *db = spool_file_join(rig.directory, why);
	ck_assert_ptr_nonnull(db);
	snprintf(sql, sizeof(sql), "CREATE TABLE large AS SELECT zeroblob(%d)", LONG_LOG);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	ck_assert_int_lt(file_size(), LONG_LOG);
	rig_put_body("{}");
	ck_assert_int_gt(file_size(), LONG_LOG);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("spool/spool_file");
	TCase *t = tcase_create("spool_file");
	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, rig_start_empty, rig_stop);
	tcase_add_test(t, a_directory_that_is_missing);
	tcase_add_test(t, a_directory_that_is_none);
	tcase_add_test(t, a_directory_that_may_not_be_written);
	tcase_add_test(t, the_file_is_its_owner_s_alone);
	tcase_add_test(t, a_file_of_something_else);
	tcase_add_test(t, a_database_of_another_program);
	tcase_add_test(t, a_file_of_a_newer_program);
	tcase_add_test(t, a_file_without_its_tables);
	tcase_add_test(t, a_damaged_file);
	tcase_add_test(t, an_empty_file_is_made_good);
	tcase_add_test(t, a_log_without_its_file);
	tcase_add_test(t, others_only_join_what_is_there);
	tcase_add_test(t, the_daemon_alone_moves_the_log_into_the_file);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
