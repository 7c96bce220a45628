#include "spool/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "spool/request.h"

/*
 * Left on the disk by what is put there. To take an event away needs room, too: from a disk
 * that is quite full what is delivered could not leave. The log grows to LOG_MAX before it
 * is moved into the file, which grows by as much at most.
 */
#define LOG_MAX ((int64_t)16 << 20)
#define RESERVE (2 * LOG_MAX + ((int64_t)8 << 20))

/* Room for one event, as they usually are: with less, most are refused. */
#define USUAL_BYTES ((int64_t)64 << 10)

static const char nearly_full[] = "the disk is nearly full";
static const char spool_full[] = "the spool is full";

/* Dead letters that one transaction drops. */
#define DROPS_MAX 1000

/* A transaction that is under way. */
struct transaction {
	struct tally before;
	size_t changes;
	bool touched;	  /* written to, to see whether it can be */
	int64_t dropped;  /* dead letters */
	int64_t room;	  /* for what is put; also what is free within the files */
	const char *lost; /* why nothing can be put; NULL: it can */
	char error[160];  /* why it failed */
};

static bool find_file(const struct ledger *l, const char *name, struct stat *file)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", l->setup->directory, name);
	return stat(path, file) == 0;
}

/* ---- whether events can be put ---- */

static int64_t log_bytes(const struct ledger *l)
{
	struct stat file;
	if (!find_file(l, "spool.db-wal", &file))
		return 0;
	return file.st_size < LOG_MAX ? file.st_size : LOG_MAX;
}

static int64_t room_on_disk(const struct ledger *l)
{
	struct statvfs disk;
	if (statvfs(l->setup->directory, &disk) != 0)
		return INT64_MAX;
	return (int64_t)(disk.f_bavail * disk.f_frsize) + rows_free_bytes(l->rows) +
	       log_bytes(l) - RESERVE;
}

/* What is put into a file without its name is gone with this process. NULL: it has it. */
static const char *lost_file(const struct ledger *l)
{
	struct stat file;
	if (!find_file(l, "spool.db", &file))
		return l->file ? "spool.db was removed" : NULL;
	bool same = file.st_ino == l->file && file.st_dev == l->device;
	return same || !l->file ? NULL : "spool.db was replaced";
}

static const char *find_obstacle(const struct ledger *l, const char *lost, int64_t room)
{
	int64_t max = l->setup->max_bytes;
	int64_t usual = USUAL_BYTES < max / 16 ? USUAL_BYTES : max / 16;
	if (l->failing)
		return l->obstacle; /* until something is written */
	if (lost)
		return lost;
	if (room < 2 * USUAL_BYTES)
		return nearly_full;
	return l->tally.waiting > 0 && l->tally.waiting_bytes > max - usual ? spool_full : NULL;
}

int ledger_init(struct ledger *l, struct rows *rows, const struct spool_setup *setup)
{
	*l = (struct ledger){.rows = rows, .setup = setup};
	struct stat file;
	if (find_file(l, "spool.db", &file)) {
		l->device = file.st_dev;
		l->file = file.st_ino;
	}
	spool_metrics_init(&l->metrics, setup->metrics, setup->metrics_index);
	int rc = rows_version(rows, &l->version);
	if (rc == SQLITE_OK)
		rc = rows_count(rows, &l->tally);
	l->obstacle = find_obstacle(l, lost_file(l), room_on_disk(l));
	return rc;
}

bool ledger_is_outdated(struct ledger *l)
{
	int64_t version;
	struct tally tally;
	if (rows_version(l->rows, &version) != SQLITE_OK || version == l->version ||
	    rows_count(l->rows, &tally) != SQLITE_OK)
		return false;
	l->version = version;
	l->tally = tally;
	return true;
}

/* ---- one request ---- */

/* In the log first, then in the file. */
static bool has_room(const struct ledger *l, struct transaction *t, struct spool_request *r)
{
	t->room -= 2 * rows_event_bytes(&r->event);
	if (t->room >= 0)
		return true;
	r->why = nearly_full;
	log_error("spool",
	    "the disk of %s is nearly full: nothing is put into its last %" PRId64
	    " MiB, so that what is delivered can be taken away",
	    l->setup->directory, RESERVE >> 20);
	return false;
}

static bool has_file(
    const struct ledger *l, const struct transaction *t, struct spool_request *r)
{
	if (!t->lost)
		return true;
	r->why = t->lost;
	log_error("spool",
	    "%s in %s while it is in use: nothing is put there; bring it back, or restart "
	    "Onceway once what waits is delivered",
	    t->lost, l->setup->directory);
	return false;
}

static int put(struct ledger *l, struct spool_request *r, int64_t now)
{
	if (l->tally.waiting_bytes + rows_event_bytes(&r->event) <= l->setup->max_bytes)
		return rows_put(l->rows, &r->event, now, &r->id, &l->tally);
	r->why = spool_full;
	log_error("spool",
	    "the spool is full: %" PRId64 " bytes of events wait to be delivered, and "
	    "onceway.spool.max_size is %" PRId64,
	    l->tally.waiting_bytes, l->setup->max_bytes);
	return SQLITE_OK;
}

static int carry_out(struct ledger *l, struct transaction *t, struct spool_request *r)
{
	int64_t now = clock_wall(l->setup->clock);
	if ((r->kind == REQUEST_PUT || r->kind == REQUEST_PUT_DEAD) &&
	    (!has_room(l, t, r) || !has_file(l, t, r)))
		return SQLITE_OK;
	switch (r->kind) {
	case REQUEST_PUT:
		return put(l, r, now);
	case REQUEST_PUT_DEAD:
		return rows_put_dead(l->rows, &r->event, &r->death, now, &r->id, &l->tally);
	case REQUEST_BURY:
		return rows_bury(l->rows, r->id, &r->death, now, &l->tally);
	case REQUEST_REMOVE:
		return rows_remove(l->rows, r->id, &l->tally);
	case REQUEST_DEFER:
		return rows_defer(l->rows, r->id, r->due_ms);
	case REQUEST_TAKE:
		break;
	}
	return SQLITE_OK;
}

static void refuse(struct spool_request *r, int rc)
{
	r->rc = rc;
	r->why = rows_why(rc);
	if (r->kind == REQUEST_PUT || r->kind == REQUEST_PUT_DEAD)
		r->id = 0;
}

/* ---- one transaction ---- */

static int write_requests(
    struct ledger *l, struct transaction *t, struct spool_request *first, size_t count)
{
	int rc = SQLITE_OK;
	for (struct spool_request *r = first; count > 0 && rc == SQLITE_OK;
	     r = r->next, count--) {
		if (r->kind == REQUEST_TAKE)
			continue;
		r->rc = SQLITE_OK;
		r->why = NULL;
		rc = carry_out(l, t, r);
		if (rows_is_own_fault(rc)) {
			refuse(r, rc);
			rc = SQLITE_OK;
		}
		if (!r->why)
			t->changes++;
	}
	return rc;
}

/* The oldest that are beyond a limit. The newest is kept however large it is. */
static int drop_dead(struct ledger *l, struct transaction *t)
{
	int64_t too_old = clock_wall(l->setup->clock) - l->setup->dead_max_age_ms;
	while (t->dropped < DROPS_MAX) {
		bool too_much =
		    l->tally.dead_bytes > l->setup->dead_max_bytes && l->tally.dead > 1;
		int rc = rows_drop_oldest(l->rows, too_much ? INT64_MAX : too_old, &l->tally);
		if (rc == SQLITE_NOTFOUND)
			break;
		if (rc != SQLITE_OK)
			return rc;
		t->dropped++;
	}
	return SQLITE_OK;
}

static void committed(struct ledger *l, const struct transaction *t)
{
	if (l->failing && (t->changes > 0 || t->touched)) {
		log_write_seldom(OW_LOG_INFO, "again", "spool", NULL,
		    "%s/spool.db can be written again", l->setup->directory);
		l->failing = false;
		l->obstacle = find_obstacle(l, t->lost, t->room);
	}
	if (t->changes > 0)
		metric_observe(l->metrics.batch, (double)t->changes);
	if (t->dropped == 0)
		return;
	metric_add(l->metrics.dropped, (uint64_t)t->dropped);
	log_warning("spool",
	    "dropped %" PRId64 " of the oldest dead letters: beyond onceway.dead_letters."
	    "max_size or max_age",
	    t->dropped);
}

/* Nothing of it has happened. */
static void rolled_back(struct ledger *l, const struct transaction *t, size_t count, int rc)
{
	rows_rollback(l->rows);
	l->tally = t->before;
	if (count == 0)
		return;
	l->failing = true;
	l->obstacle = rows_why(rc);
	log_error("spool", "cannot write %s/spool.db: %s (%s)", l->setup->directory,
	    rows_why(rc), t->error);
}

/* Nobody may ask for anything because nothing is taken: then it finds out by itself. */
static int touch(struct ledger *l, struct transaction *t)
{
	t->touched = true;
	return rows_touch(l->rows);
}

static int transact(struct ledger *l, struct spool_request *first, size_t count)
{
	struct transaction t = {
	    .before = l->tally, .room = room_on_disk(l), .lost = lost_file(l)};
	l->obstacle = find_obstacle(l, t.lost, t.room);
	int rc = rows_begin(l->rows);
	if (rc == SQLITE_OK && count == 0 && l->failing)
		rc = touch(l, &t);
	if (rc == SQLITE_OK)
		rc = write_requests(l, &t, first, count);
	if (rc == SQLITE_OK)
		rc = drop_dead(l, &t);
	if (rc == SQLITE_OK)
		rc = rows_commit(l->rows);
	if (rc == SQLITE_OK) {
		committed(l, &t);
	} else {
		snprintf(t.error, sizeof(t.error), "%s", rows_error(l->rows));
		rolled_back(l, &t, count, rc);
	}
	return rc;
}

static struct spool_request *skip(struct spool_request *r, size_t count)
{
	while (count-- > 0)
		r = r->next;
	return r;
}

/* What does not fit on the disk together may fit in part. */
void ledger_carry_out(struct ledger *l, struct spool_request *first, size_t count)
{
	int rc = transact(l, first, count);
	if ((rc & 0xff) == SQLITE_FULL && count > 1) {
		ledger_carry_out(l, first, count / 2);
		ledger_carry_out(l, skip(first, count / 2), count - count / 2);
		return;
	}
	for (struct spool_request *r = first; rc != SQLITE_OK && count > 0;
	     r = r->next, count--)
		if (r->kind != REQUEST_TAKE)
			refuse(r, rc);
}
