/*
 * kill -9 at any moment: every event that was said to be kept is there, and every one that
 * was said to be a dead letter is one.
 *
 * A child puts events and says over a pipe what it was told; it is killed, by its parent or
 * in the middle of a write, and the parent looks.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "spool/spool.h"
#include "tests/unit/main.h"
#include "tests/unit/spool/disk.h"
#include "tests/unit/spool/rig.h"

#define ROUNDS	     (getenv("TEST_WRAPPER") ? 6 : 40)
#define WRITE_ROUNDS (getenv("TEST_WRAPPER") ? 3 : 12)
#define WORDS	     50 /* that most children say before they are killed */
#define AT_ONCE	     8
#define BODY_MAX     8192
#define LONGEST_MS   120
#define EVENTS_MAX   1000000
#define REMOVED_EACH 4
#define BURIED_EACH  5

/* What the child says of one event. */
enum fate {
	UNKNOWN = 0,
	KEPT,	 /* it is on disk */
	TOUCHED, /* it is about to be removed or buried: may be there or not */
	BURIED,	 /* it is dead, on disk */
};

struct word {
	int64_t number, fate;
};

/* How a child ends: by itself in that write, if it is not 0; else its parent kills it. */
struct end {
	int64_t log_write, file_write;
	int words; /* after so many */
	long us;   /* and that long */
};

static char *fates;	 /* by number */
static size_t body_size; /* at least 32 */

/* ---- the child ---- */

static int out;
static int64_t next_number;

struct put {
	int64_t number, id;
};

static void put_next(void);

static void say(int64_t number, enum fate fate)
{
	struct word word = {number, fate};
	if (write(out, &word, sizeof(word)) != (ssize_t)sizeof(word))
		_exit(1);
}

static void was_buried(int64_t id, const char *why, void *arg)
{
	struct put *p = arg;
	if (why || id != p->id)
		_exit(1);
	say(p->number, BURIED);
	free(p);
	put_next();
}

static void was_put(int64_t id, const char *why, void *arg)
{
	struct put *p = arg;
	static const struct spool_death death = {.reason = {"refused", 7}};
	if (why)
		_exit(1);
	p->id = id;
	say(p->number, KEPT);
	if (p->number % BURIED_EACH == 0) {
		say(p->number, TOUCHED);
		spool_bury(rig.spool, rig.worker, id, &death, was_buried, p);
		return;
	}
	if (p->number % REMOVED_EACH == 0) {
		say(p->number, TOUCHED);
		spool_remove(rig.spool, id);
	}
	free(p);
	put_next();
}

static void put_next(void)
{
	char body[BODY_MAX];
	struct put *p = mem_zero(sizeof(*p));
	p->number = next_number++;
	snprintf(body, sizeof(body), "%-*lld", (int)body_size - 1, (long long)p->number);
	struct spool_event event = rig_event(body);
	spool_put(rig.spool, rig.worker, &event, was_put, p);
}

static void be_child(int64_t first, const struct end *end)
{
	char why[SPOOL_WHY_SIZE];
	next_number = first;
	disk_start();
	atomic_store(&disk.last_log_write, end->log_write);
	atomic_store(&disk.last_file_write, end->file_write);
	rig.spool = spool_open(&rig.setup, why);
	if (!rig.spool)
		_exit(2);
	for (int i = 0; i < AT_ONCE; i++)
		put_next();
	worker_run(rig.worker);
	_exit(3);
}

/* ---- the parent ---- */

/* Takes in a word of it. False: it says nothing more. */
static bool listen_to(int fd, int64_t *next)
{
	struct word word;
	if (read(fd, &word, sizeof(word)) != (ssize_t)sizeof(word))
		return false;
	ck_assert_int_lt(word.number, EVENTS_MAX);
	fates[word.number] = (char)word.fate;
	if (word.number >= *next)
		*next = word.number + 1;
	return true;
}

/* Returns the next free number. */
static int64_t run_child(int64_t first, const struct end *end)
{
	int pipes[2], status;
	int64_t next = first;
	ck_assert_int_eq(pipe(pipes), 0);
	pid_t child = fork();
	if (child == 0) {
		out = pipes[1];
		be_child(first, end);
	}
	close(pipes[1]);
	for (int i = 0; i < end->words; i++)
		ck_assert(listen_to(pipes[0], &next));
	nanosleep(&(struct timespec){end->us / 1000000, end->us % 1000000 * 1000}, NULL);
	if (!end->log_write && !end->file_write)
		ck_assert_int_eq(kill(child, SIGKILL), 0);
	while (listen_to(pipes[0], &next))
		;
	close(pipes[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Those that were asked for and not answered have numbers, too. */
	return next + AT_ONCE;
}

/* Which numbers are there; 'w' waiting, 'd' dead. */
static char *look(void)
{
	char *there = mem_zero(EVENTS_MAX);
	sqlite3_stmt *s;
	sqlite3 *db;
	rig_open(); /* it must open, whatever the kill left */
	rig_close();
	ck_assert_int_eq(sqlite3_open(rig.file, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_prepare_v2(db,
		"SELECT CAST(body AS TEXT), died_ms IS NULL, bytes FROM event", -1, &s, NULL),
	    SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		long number = strtol((const char *)sqlite3_column_text(s, 0), NULL, 10);
		ck_assert_int_lt(number, EVENTS_MAX);
		ck_assert_int_eq(there[number], 0); /* once */
		there[number] = sqlite3_column_int(s, 1) ? 'w' : 'd';
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	return there;
}

/* Counts what was said to be kept, or buried, and is. */
static void check_fates(int round, int64_t next, int64_t *kept, int64_t *buried)
{
	char *there = look();
	*kept = *buried = 0;
	for (int64_t i = 0; i < next; i++) {
		*kept += fates[i] == KEPT;
		*buried += fates[i] == BURIED;
		ck_assert_msg(fates[i] != KEPT || there[i] == 'w',
		    "round %d: event %lld was kept, and is lost", round, (long long)i);
		ck_assert_msg(fates[i] != BURIED || there[i] == 'd',
		    "round %d: dead letter %lld is lost", round, (long long)i);
	}
	free(there);
}

static void start(void)
{
	rig_start_empty();
	fates = mem_zero(EVENTS_MAX);
	rig.setup.max_bytes = rig.setup.dead_max_bytes = INT64_C(1) << 40;
}

static void stop(void)
{
	free(fates);
	rig_stop();
}

START_TEST(nothing_that_was_said_to_be_kept_is_lost)
{
	int64_t next = 0, kept = 0, buried = 0;
	unsigned seed = 12345;
	body_size = 32;
	/* Also while the file is being made, and before anything was said. */
	for (int round = 0; round < ROUNDS; round++) {
		long us = (long)(rand_r(&seed) % (LONGEST_MS * 1000));
		next = run_child(next, &(struct end){.words = round % 4 ? WORDS : 0,
					   .us = round == 0 ? 3000 : us});
		check_fates(round, next, &kept, &buried);
	}
	ck_assert_int_ge(kept, WORDS);
	ck_assert_int_ge(buried, 10);
}
END_TEST

/*
 * The first writes are those that make the file. Into the file itself SQLite writes only when
 * its log is long; and what is moved there is not yet, or no longer, in the log alone.
 */
START_TEST(nor_in_the_middle_of_a_write)
{
	int64_t kept = 0, buried = 0, most = 0;
	unsigned seed = 12345;
	body_size = BODY_MAX;
	for (int round = 0; round < WRITE_ROUNDS; round++) {
		int dice = rand_r(&seed);
		struct end end = {.log_write = 1 + dice % (round < 4 ? 60 : 6000)};
		if (round % 3 == 2)
			end = (struct end){.file_write = 1 + dice % 3000};
		int64_t next = run_child(0, &end);
		check_fates(round, next, &kept, &buried);
		if (kept > most)
			most = kept;
		rig_execute("DELETE FROM event");
		memset(fates, UNKNOWN, (size_t)next);
	}
	ck_assert_int_gt(most, 100);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("spool/crash");
	TCase *t = tcase_create("crash");
	tcase_set_timeout(t, 600);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, nothing_that_was_said_to_be_kept_is_lost);
	tcase_add_test(t, nor_in_the_middle_of_a_write);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
