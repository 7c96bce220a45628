/* Durable files that cannot be used: nothing starts, and no byte of them changes. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_memory/test_durable_rig.h"
#include "tests/unit/main.h"

struct bytes {
	char *data;
	size_t len;
};

static struct bytes read_path(void)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	struct bytes bytes = {malloc((size_t)st.st_size + 1), (size_t)st.st_size};
	ck_assert_int_eq((int)read(fd, bytes.data, bytes.len), (int)bytes.len);
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

static struct bytes sound_file(void)
{
	begin_at(0, "sync: always\n");
	for (int i = 0; i < 20; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		finish(key, 1);
	}
	end();
	return read_path();
}

static void must_be_as(struct bytes file)
{
	struct bytes now = read_path();
	ck_assert_uint_eq(now.len, file.len);
	ck_assert_mem_eq(now.data, file.data, file.len);
	free(now.data);
}

static void must_be_refused(struct bytes file, const char *problem)
{
	write_path(file.data, file.len);
	must_not_start(problem);
	must_be_as(file);
}

/* Whether all keys are there with their results. */
static bool all_known(void)
{
	bool all = true;
	for (int i = 0; i < 20; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		const struct ow_claim_answer *answer = claim(key, 2);
		all &= answer->state == OW_CLAIM_DONE && answer->result->status == 202 &&
		       answer->result->body.len == 17 &&
		       memcmp(answer->result->body.data, "the sink's answer", 17) == 0 &&
		       memcmp(answer->digest, digest, OW_DIGEST_SIZE) == 0;
	}
	return all;
}

/*
 * A byte that is not as it was: either nothing starts, with every byte as it
 * is, or it was of no importance, and all is known.
 */
static bool refused_or_harmless(struct bytes file)
{
	write_path(file.data, file.len);
	m = mock_new();
	store = instance_of(m, "");
	struct ow_op *op = mock_start(store);
	wait_for(op);
	bool refused = mock_rc(op) == OW_FAIL;
	if (refused)
		ck_assert_msg(strstr(mock_why(op), path) != NULL, "%s", mock_why(op));
	else
		ck_assert(all_known());
	op = mock_drain(store);
	wait_for(op);
	mock_free(m);
	if (refused)
		must_be_as(file);
	return refused;
}

START_TEST(a_flipped_byte_is_found_where_it_matters)
{
	make_directory();
	struct bytes file = sound_file();
	size_t step = getenv("TEST_WRAPPER") ? 509 : 23;
	unsigned refused = 0;
	for (size_t i = 0; i < file.len; i += step) {
		file.data[i] = (char)~file.data[i];
		refused += refused_or_harmless(file);
		file.data[i] = (char)~file.data[i];
	}
	ck_assert_uint_gt(refused, 2);
	free(file.data);
	remove_directory();
}
END_TEST

static size_t position(struct bytes file, const char *text)
{
	const char *at = memmem(file.data, file.len, text, strlen(text));
	ck_assert_ptr_nonnull(at);
	return (size_t)(at - file.data);
}

START_TEST(a_row_that_is_damaged_is_named)
{
	make_directory();
	struct bytes file = sound_file();
	file.data[position(file, "the sink's answer")] = 'T';
	must_be_refused(file, "cannot be used: row ");
	free(file.data);
	remove_directory();
}
END_TEST

/* SQLite reads a page that says it has fewer rows, and its bytes are all there. */
START_TEST(a_row_that_is_missing_is_noticed)
{
	enum {
		PAGE = 4096,
		TABLE_LEAF = 13
	};
	unsigned tried = 0;
	make_directory();
	struct bytes file = sound_file();
	for (size_t at = PAGE; at < file.len; at += PAGE) {
		if (file.data[at] != TABLE_LEAF || file.data[at + 4] < 2)
			continue;
		file.data[at + 4]--;
		must_be_refused(file, "it is damaged (");
		file.data[at + 4]++;
		tried++;
	}
	ck_assert_uint_gt(tried, 0);
	free(file.data);
	remove_directory();
}
END_TEST

START_TEST(a_cut_file_starts_nothing)
{
	make_directory();
	struct bytes file = sound_file();
	size_t step = getenv("TEST_WRAPPER") ? 4001 : 997;
	for (size_t len = 1; len < file.len; len += step)
		must_be_refused((struct bytes){file.data, len}, "move it and its -wal away");
	free(file.data);
	remove_directory();
}
END_TEST

START_TEST(a_foreign_file_starts_nothing)
{
	static const char *const texts[] = {
	    "hello\n", "OWCHKPT\n", "{\"a\": 1}", "SQLite format 3"};
	make_directory();
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		must_be_refused((struct bytes){(char *)(uintptr_t)texts[i], strlen(texts[i])},
		    "it is not a database");
	unlink(path);
	write_path("", 0);
	ask_file("CREATE TABLE keys (a); ");
	struct bytes file = read_path();
	must_be_refused(file, "it is not a durable file of onceway");
	free(file.data);
	remove_directory();
}
END_TEST

START_TEST(a_later_version_starts_nothing)
{
	make_directory();
	free(sound_file().data);
	ask_file("PRAGMA user_version = 2");
	struct bytes file = read_path();
	must_be_refused(file, "it has version 2; this onceway reads version 1");
	free(file.data);
	remove_directory();
}
END_TEST

START_TEST(a_clock_that_is_damaged_starts_nothing)
{
	make_directory();
	free(sound_file().data);
	ask_file("UPDATE clock SET now = now - 1");
	must_not_start("its clock is damaged");
	remove_directory();
}
END_TEST

START_TEST(an_empty_database_is_a_beginning)
{
	make_directory();
	write_path("", 0);
	begin_at(0, "");
	end();
	unlink(path);
	write_path("", 0);
	ask_file("PRAGMA journal_mode = WAL"); /* killed while it was made */
	begin_at(0, "");
	finish("k", 1);
	end();
	ck_assert_int_eq(ask_file("SELECT count(*) FROM keys"), 1);
	remove_directory();
}
END_TEST

START_TEST(what_is_no_file_starts_nothing)
{
	make_directory();
	ck_assert_int_eq(mkdir(path, 0700), 0);
	must_not_start("cannot open");
	rmdir(path);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	must_not_start("is a symbolic link: name the file itself");
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	must_not_start("is not a regular file");
	remove_directory();
	must_not_start("there is no directory /tmp/onceway-test-");
}
END_TEST

START_TEST(two_stores_cannot_share_a_file)
{
	make_directory();
	begin_at(0, "");
	struct mock *first = m;
	struct ow_instance *of_first = store;
	must_not_start("is in use by another onceway or another store");
	m = first;
	store = of_first;
	finish("k", 1);
	end();
	begin_at(0, "");
	ck_assert_int_eq(claim("k", 2)->state, OW_CLAIM_DONE);
	end();
	remove_directory();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("durable_refusals");
	TCase *t = tcase_create("durable_refusals");
	tcase_set_timeout(t, 300);
	tcase_add_test(t, a_flipped_byte_is_found_where_it_matters);
	tcase_add_test(t, a_row_that_is_damaged_is_named);
	tcase_add_test(t, a_row_that_is_missing_is_noticed);
	tcase_add_test(t, a_cut_file_starts_nothing);
	tcase_add_test(t, a_foreign_file_starts_nothing);
	tcase_add_test(t, a_later_version_starts_nothing);
	tcase_add_test(t, a_clock_that_is_damaged_starts_nothing);
	tcase_add_test(t, an_empty_database_is_a_beginning);
	tcase_add_test(t, what_is_no_file_starts_nothing);
	tcase_add_test(t, two_stores_cannot_share_a_file);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
