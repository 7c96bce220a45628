/*
 * The rows of the file: every SQL statement there is, prepared once. Used by one thread at a
 * time. What returns a result code returns one of SQLite's, SQLITE_OK if all is well.
 */
#ifndef SPOOL_ROWS_H
#define SPOOL_ROWS_H

#include <sqlite3.h>

#include "spool/spool.h"

/* What a row costs beside its texts: its numbers, and its entries in the indexes. */
#define ROW_OVERHEAD 256

struct rows;

/* What there is, in the file. */
struct tally {
	int64_t waiting, waiting_bytes, dead, dead_bytes;
};

/* How far those that are due have been looked through. */
struct place {
	int64_t due_ms, id;
};

/* db stays the caller's, and has the tables. NULL: it has not; db knows why. */
struct rows *rows_new(sqlite3 *db);
void rows_free(struct rows *rows); /* NULL is fine */

int rows_begin(struct rows *rows);
int rows_commit(struct rows *rows);
void rows_rollback(struct rows *rows); /* without a transaction: nothing */
/* Has something written with the transaction, and changes nothing. */
int rows_touch(struct rows *rows);

/* All of these move *tally by what they change. */
int rows_put(struct rows *rows, const struct spool_event *event, int64_t now_ms, int64_t *id,
    struct tally *tally);
/* A row that is dead from the beginning. */
int rows_put_dead(struct rows *rows, const struct spool_event *event,
    const struct spool_death *death, int64_t now_ms, int64_t *id, struct tally *tally);
/* SQLITE_NOTFOUND: no such row is waiting; so with the next two. */
int rows_bury(struct rows *rows, int64_t id, const struct spool_death *death, int64_t now_ms,
    struct tally *tally);
int rows_remove(struct rows *rows, int64_t id, struct tally *tally);
int rows_defer(struct rows *rows, int64_t id, int64_t due_ms);
/*
 * The clock was set back: rows due later than after_ms from now are due now, up to `max` of
 * them; but for what a replay of today has put so far ahead.
 */
int rows_hasten(struct rows *rows, int64_t now_ms, int64_t after_ms, int max, int *changed);
/* SQLITE_NOTFOUND: there is none, or the oldest died later than that. */
int rows_drop_oldest(struct rows *rows, int64_t died_before_ms, struct tally *tally);

/* The bytes of a row with that event. */
int64_t rows_event_bytes(const struct spool_event *event);

/* The next after *place that is waiting and due; moves *place to it. SQLITE_DONE: none. */
int rows_next_due(struct rows *rows, int64_t now_ms, struct place *place);
/*
 * A waiting row; its texts become one block that begins at event->route.data, to be freed.
 * SQLITE_NOTFOUND: it is gone.
 */
int rows_load(struct rows *rows, int64_t id, struct spool_event *event);

int rows_count(struct rows *rows, struct tally *tally);
/* Room within the file, of what was taken away. */
int64_t rows_free_bytes(struct rows *rows);
/* Another number after each change that another program made. */
int rows_version(struct rows *rows, int64_t *version);

/* What SQLite says of the last result code, for the log; static per thread. */
const char *rows_error(const struct rows *rows);
/* One phrase for a result code. */
const char *rows_why(int rc);
/* Whether the row that was to be written is to blame, not the file. */
bool rows_is_own_fault(int rc);

#endif
