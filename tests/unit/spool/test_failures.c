/* A disk that is full, fails, or loses its power: what was said to be kept is kept. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "spool/spool.h"
#include "tests/unit/main.h"
#include "tests/unit/spool/disk.h"
#include "tests/unit/spool/rig.h"

static void start(void)
{
	disk_start();
	rig_start();
}

static void stop(void)
{
	rig_stop();
	disk_stop();
}

static void put(struct rig_answer *a, const char *body, size_t len)
{
	struct spool_event event = rig_event("");
	event.body = text_span(body, len);
	*a = (struct rig_answer){.came = false};
	spool_put(rig.spool, rig.worker, &event, rig_done, a);
}

static void check_refused(struct rig_answer *a, const char *why)
{
	rig_until(a->came);
	ck_assert_str_eq(a->why, why);
	ck_assert_int_eq(a->id, 0);
}

static void check_kept(struct rig_answer *a)
{
	rig_until(a->came);
	ck_assert_str_eq(a->why, "");
	ck_assert_int_gt(a->id, 0);
}

START_TEST(a_full_disk_refuses_and_comes_back_by_itself)
{
	struct rig_answer a;
	int64_t kept = rig_put_body("{}"), removed = rig_put_body("{}");
	atomic_store(&disk.room, DISK_IS_FULL);
	spool_remove(rig.spool, removed);
	for (int i = 0; i < 3; i++) {
		put(&a, "{}", 2);
		check_refused(&a, "the disk is full");
	}
	ck_assert_int_eq(spool_count(rig.spool).waiting, 2);
	ck_assert_int_ge(
	    metrics_total(rig.common.metrics, "onceway_spool_errors_total", NULL), 3);
	atomic_store(&disk.room, DISK_IS_LARGE);
	/* What nobody waits for is done, too, without being asked again. */
	rig_until_waiting(1);
	put(&a, "{}", 2);
	check_kept(&a);
	rig_close();
	ck_assert_int_eq(rig_query("SELECT count(*) FROM event"), 2);
	rig_open();
	const struct rig_taken *taken = rig_take(10);
	ck_assert_uint_eq(taken->count, 2);
	ck_assert_int_eq(taken->events[0].id, kept);
}
END_TEST

/* Who sees that nothing is taken asks for nothing. */
START_TEST(a_disk_with_room_again_is_noticed_without_being_asked)
{
	struct rig_answer a;
	ck_assert_ptr_null(spool_obstacle(rig.spool));
	atomic_store(&disk.room, DISK_IS_FULL);
	put(&a, "{}", 2);
	check_refused(&a, "the disk is full");
	ck_assert_str_eq(spool_obstacle(rig.spool), "the disk is full");
	rig_put_body("{}");
	atomic_store(&disk.room, DISK_IS_LARGE);
	rig_until(!spool_obstacle(rig.spool));
	put(&a, "{}", 2);
	check_kept(&a);
	ck_assert_int_eq(rig_query("PRAGMA user_version"), 1);
}
END_TEST

/* Nor does it take a quiet moment. */
START_TEST(so_it_is_while_others_look_for_what_is_due)
{
	struct rig_answer a;
	atomic_store(&disk.room, DISK_IS_FULL);
	put(&a, "{}", 2);
	check_refused(&a, "the disk is full");
	atomic_store(&disk.room, DISK_IS_LARGE);
	for (int i = 0; i < 100 && spool_obstacle(rig.spool); i++) {
		rig_advance(100);
		rig_take(1);
	}
	ck_assert_ptr_null(spool_obstacle(rig.spool));
}
END_TEST

START_TEST(a_file_that_another_keeps_locked_takes_nothing)
{
	static const char why[] = "another program keeps the spool locked";
	struct rig_answer a;
	sqlite3 *other;
	ck_assert_int_eq(sqlite3_open(rig.file, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	put(&a, "{}", 2);
	check_refused(&a, why);
	ck_assert_str_eq(spool_obstacle(rig.spool), why);
	ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
	rig_until(!spool_obstacle(rig.spool));
	put(&a, "{}", 2);
	check_kept(&a);
}
END_TEST

#define LARGE 200000

/* Of those that were to be written together, those that fit are kept. */
START_TEST(one_that_does_not_fit_takes_no_other_along)
{
	struct rig_answer answers[9];
	char *large = mem_zero(LARGE);
	put(&answers[0], "{}", 2);
	check_kept(&answers[0]);
	atomic_store(&disk.room, 150000);
	atomic_store(&disk.holds, true);
	put(&answers[0], "{}", 2);
	while (atomic_load(&disk.waiting) == 0)
		rig_turn();
	for (int i = 1; i < 9; i++)
		put(&answers[i], large, i == 4 ? LARGE : 10);
	atomic_store(&disk.holds, false);
	for (int i = 0; i < 9; i++) {
		if (i == 4)
			check_refused(&answers[i], "the disk is full");
		else
			check_kept(&answers[i]);
	}
	free(large);
	rig_close();
	ck_assert_int_eq(rig_query("SELECT count(*) FROM event"), 9);
}
END_TEST

START_TEST(a_transaction_that_fails_fails_those_in_it_alone)
{
	struct rig_answer before, with[3], after;
	atomic_store(&disk.holds, true);
	put(&before, "{}", 2);
	while (atomic_load(&disk.waiting) == 0)
		rig_turn();
	for (int i = 0; i < 3; i++)
		put(&with[i], "{}", 2);
	/* The first is written already, and only waits for its sync. */
	atomic_store(&disk.room, DISK_IS_FULL);
	atomic_store(&disk.holds, false);
	check_kept(&before);
	for (int i = 0; i < 3; i++)
		check_refused(&with[i], "the disk is full");
	atomic_store(&disk.room, DISK_IS_LARGE);
	put(&after, "{}", 2);
	check_kept(&after);
	ck_assert_int_eq(spool_count(rig.spool).waiting, 2);
}
END_TEST

START_TEST(a_sync_that_fails_is_no_success)
{
	struct rig_answer a;
	atomic_store(&disk.sync_fails, true);
	put(&a, "{}", 2);
	check_refused(&a, "the disk does not do as it is told");
	ck_assert_int_eq(spool_count(rig.spool).waiting, 0);
	atomic_store(&disk.sync_fails, false);
	put(&a, "{}", 2);
	check_kept(&a);
	rig_close();
	ck_assert_int_eq(rig_query("SELECT count(*) FROM event"), 1);
}
END_TEST

/* More than is kept in memory of the file. */
#define BEYOND_CACHE ((size_t)10 << 20)

/* It keeps no other back, is never delivered in part, and comes when it can be read again. */
START_TEST(what_cannot_be_read_is_tried_again)
{
	struct rig_answer a;
	char *large = mem_alloc(BEYOND_CACHE);
	memset(large, 'Z', BEYOND_CACHE);
	rig_close();
	rig.setup.max_bytes = 64 << 20;
	rig_open();
	int64_t first = rig_put_body("1");
	put(&a, large, BEYOND_CACHE);
	check_kept(&a);
	int64_t third = rig_put_body("3");
	free(large);
	rig_close();
	rig_open();
	atomic_store(&disk.read_fails, true);
	const struct rig_taken *taken = rig_take(10);
	ck_assert_uint_eq(taken->count, 2);
	ck_assert_int_eq(taken->events[0].id, first);
	ck_assert_int_eq(taken->events[1].id, third);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	atomic_store(&disk.read_fails, false);
	taken = rig_take(10);
	ck_assert_uint_eq(taken->count, 1);
	ck_assert_int_eq(taken->events[0].id, a.id);
	ck_assert_uint_eq(taken->events[0].body.len, BEYOND_CACHE);
}
END_TEST

/* It waits, and is due again; it is not taken for ever. */
START_TEST(what_cannot_be_buried_goes_on_waiting)
{
	int64_t id = rig_put_body("{}");
	atomic_store(&disk.room, DISK_IS_FULL);
	ck_assert(!rig_bury(id, "refused"));
	ck_assert_uint_eq(rig_take(10)->count, 0);
	atomic_store(&disk.room, DISK_IS_LARGE);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	/* Once that it is due later is on disk. */
	rig_until(rig_query("SELECT due_ms FROM event") > clock_wall(&rig.clock));
	rig_advance(60000);
	rig_until(rig_take(10)->count == 1);
	ck_assert(rig_bury(id, "refused"));
	ck_assert_int_eq(spool_count(rig.spool).dead, 1);
}
END_TEST

START_TEST(the_log_says_where_and_why_and_when_it_is_over)
{
	struct rig_answer a;
	char line[600];
	FILE *log = tmpfile();
	log_init(fileno(log), OW_LOG_INFO, LOG_TEXT, NULL);
	atomic_store(&disk.room, DISK_IS_FULL);
	put(&a, "{}", 2);
	check_refused(&a, "the disk is full");
	atomic_store(&disk.room, DISK_IS_LARGE);
	put(&a, "{}", 2);
	check_kept(&a);
	rig_close();
	log_init(STDERR_FILENO, OW_LOG_ERROR, LOG_TEXT, NULL);
	rewind(log);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), log));
	ck_assert_ptr_nonnull(strstr(line, rig.file));
	ck_assert_ptr_nonnull(strstr(line, "the disk is full"));
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), log));
	ck_assert_ptr_nonnull(strstr(line, "can be written again"));
	fclose(log);
}
END_TEST

START_TEST(a_file_that_is_taken_away_takes_nothing)
{
	struct rig_answer a;
	char away[128], body[] = "{}";
	snprintf(away, sizeof(away), "%s/away", rig.directory);
	int64_t kept = rig_put_body(body), removed = rig_put_body(body);
	ck_assert_int_eq(rename(rig.file, away), 0);
	put(&a, body, 2);
	check_refused(&a, "spool.db was removed");
	FILE *other = fopen(rig.file, "w");
	fclose(other);
	put(&a, body, 2);
	check_refused(&a, "spool.db was replaced");
	/* What is there can leave. */
	spool_remove(rig.spool, removed);
	rig_until_waiting(1);
	ck_assert_int_eq(rename(away, rig.file), 0);
	put(&a, body, 2);
	check_kept(&a);
	rig_close();
	rig_open();
	const struct rig_taken *taken = rig_take(10);
	ck_assert_uint_eq(taken->count, 2);
	ck_assert_int_eq(taken->events[0].id, kept);
}
END_TEST

START_TEST(a_disk_over_a_network_is_refused)
{
	rig_close();
	ck_assert_int_eq(unlink(rig.file), 0);
	atomic_store(&disk.is_remote, true);
	const char *why = rig_refused();
	ck_assert_ptr_nonnull(strstr(why, rig.file));
	ck_assert_ptr_nonnull(strstr(why, "state_dir must be on a local disk"));
}
END_TEST

/* ---- power ---- */

#define CUTS 20

struct cut {
	int number;
	char directory[80];
	int kept; /* were said to be on disk at that time */
};
static struct cut cuts[CUTS];
static int said;

static void cut_power(int64_t id, const char *why, void *arg)
{
	int number = (int)(intptr_t)arg;
	ck_assert_ptr_null(why);
	ck_assert_int_gt(id, 0);
	said++;
	if (number % 10)
		return;
	struct cut *c = &cuts[number / 10];
	c->kept = said;
	snprintf(c->directory, sizeof(c->directory), "/tmp/onceway-power-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(c->directory));
	disk_power_cut(rig.directory, c->directory);
}

/* What is there when power comes back is what was synced, not what was written. */
START_TEST(a_power_cut_loses_nothing_that_was_said_to_be_kept)
{
	char body[32], command[128];
	said = 0;
	for (int i = 0; i < CUTS * 10; i++) {
		snprintf(body, sizeof(body), "%d", i);
		struct spool_event event = rig_event(body);
		spool_put(rig.spool, rig.worker, &event, cut_power, (void *)(intptr_t)i);
		if (i % 7 == 0)
			rig_turn();
	}
	rig_until(said == CUTS * 10);
	rig_close();
	for (int i = 0; i < CUTS; i++) {
		rig.setup.directory = cuts[i].directory;
		rig_open();
		ck_assert_int_ge(spool_count(rig.spool).waiting, cuts[i].kept);
		ck_assert_int_gt(rig_put_body("after"), 0);
		rig_close();
		snprintf(command, sizeof(command), "rm -rf %s", cuts[i].directory);
		ck_assert_int_eq(system(command), 0);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("spool/failures");
	TCase *t = tcase_create("failures");
	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, a_full_disk_refuses_and_comes_back_by_itself);
	tcase_add_test(t, a_disk_with_room_again_is_noticed_without_being_asked);
	tcase_add_test(t, so_it_is_while_others_look_for_what_is_due);
	tcase_add_test(t, a_file_that_another_keeps_locked_takes_nothing);
	tcase_add_test(t, one_that_does_not_fit_takes_no_other_along);
	tcase_add_test(t, a_transaction_that_fails_fails_those_in_it_alone);
	tcase_add_test(t, a_sync_that_fails_is_no_success);
	tcase_add_test(t, what_cannot_be_read_is_tried_again);
	tcase_add_test(t, what_cannot_be_buried_goes_on_waiting);
	tcase_add_test(t, the_log_says_where_and_why_and_when_it_is_over);
	tcase_add_test(t, a_file_that_is_taken_away_takes_nothing);
	tcase_add_test(t, a_disk_over_a_network_is_refused);
	tcase_add_test(t, a_power_cut_loses_nothing_that_was_said_to_be_kept);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
