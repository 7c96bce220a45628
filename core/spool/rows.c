#include "spool/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "spool/spool_file.h"
#include "spool/statement.h"

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	TOUCH,
	PUT,
	PUT_DEAD,
	SIZE,
	BURY,
	REMOVE,
	DEFER,
	OLDEST,
	DROP,
	HASTEN,
	NEXT_DUE,
	LOAD,
	COUNT_WAITING,
	COUNT_DEAD,
	CHANGES,
	FREE_PAGES,
	STATEMENTS
};

#define COLUMNS                                                                                \
	"route, source, key, bytes, arrived_ms, since_ms, due_ms, mode, passing, token, "      \
	"trace, path, headers, history, body"

static const char *const sql[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [TOUCH] = SPOOL_FILE_TOUCH,
    [PUT] = "INSERT INTO event (" COLUMNS ") "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    [PUT_DEAD] = "INSERT INTO event (" COLUMNS ", died_ms, reason, answer_status, answer_type, "
		 "answer_body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
		 "?13, ?14, ?6, ?15, ?16, ?17, ?18)",
    /* And without what a death replaces, of an earlier one too. */
    [SIZE] = "SELECT bytes, bytes - length(CAST(history AS BLOB)) "
	     "- coalesce(length(CAST(reason AS BLOB)), 0) "
	     "- coalesce(length(CAST(answer_type AS BLOB)), 0) "
	     "- coalesce(length(answer_body), 0) "
	     "FROM event WHERE id = ?1 AND died_ms IS NULL",
    [BURY] = "UPDATE event SET bytes = ?2, history = ?3, reason = ?4, answer_status = ?5, "
	     "answer_type = ?6, answer_body = ?7, died_ms = ?8, token = NULL WHERE id = ?1",
    [REMOVE] = "DELETE FROM event WHERE id = ?1 AND died_ms IS NULL RETURNING bytes",
    [DEFER] = "UPDATE event SET due_ms = ?2 WHERE id = ?1 AND died_ms IS NULL RETURNING id",
    [OLDEST] = "SELECT id, bytes FROM event WHERE died_ms < ?1 ORDER BY died_ms, id LIMIT 1",
    [DROP] = "DELETE FROM event WHERE id = ?1",
    /* What is replayed keeps its place among those that are replayed with it. */
    [HASTEN] = "UPDATE event SET due_ms = CASE mode WHEN 0 THEN ?1 "
	       "ELSE ?1 + due_ms - since_ms END, since_ms = min(since_ms, ?1) "
	       "WHERE id IN (SELECT id FROM event WHERE died_ms IS NULL AND due_ms > ?2 "
	       "AND (mode = 0 OR since_ms > ?1) LIMIT ?3)",
    /* Not (due_ms, id) > (?2, ?3): of that the index serves the first half alone, and many may
     * be due at the same time. */
    [NEXT_DUE] = "SELECT * FROM (SELECT due_ms, id FROM event WHERE died_ms IS NULL "
		 "AND due_ms = ?2 AND due_ms <= ?1 AND id > ?3 ORDER BY id LIMIT 1) "
		 "UNION ALL "
		 "SELECT * FROM (SELECT due_ms, id FROM event WHERE died_ms IS NULL "
		 "AND due_ms > ?2 AND due_ms <= ?1 ORDER BY due_ms, id LIMIT 1) LIMIT 1",
    [LOAD] = "SELECT " COLUMNS " FROM event WHERE id = ?1 AND died_ms IS NULL",
    [COUNT_WAITING] = "SELECT count(*), coalesce(sum(bytes), 0) FROM event "
		      "WHERE died_ms IS NULL",
    [COUNT_DEAD] = "SELECT count(*), coalesce(sum(bytes), 0) FROM event "
		   "WHERE died_ms IS NOT NULL",
    [CHANGES] = "PRAGMA data_version",
    [FREE_PAGES] = "SELECT freelist_count * page_size FROM pragma_freelist_count, "
		   "pragma_page_size",
};

struct rows {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
};

struct rows *rows_new(sqlite3 *db)
{
	struct rows *rows = mem_zero(sizeof(*rows));
	rows->db = db;
	if (statements_prepare(db, sql, rows->statements, STATEMENTS) == SQLITE_OK)
		return rows;
	rows_free(rows);
	return NULL;
}

void rows_free(struct rows *rows)
{
	if (!rows)
		return;
	statements_finalize(rows->statements, STATEMENTS);
	free(rows);
}

int rows_begin(struct rows *rows)
{
	return statement_run(rows->statements[BEGIN]);
}

int rows_commit(struct rows *rows)
{
	return statement_run(rows->statements[COMMIT]);
}

void rows_rollback(struct rows *rows)
{
	/* A full disk may have ended it already. */
	if (!sqlite3_get_autocommit(rows->db))
		statement_run(rows->statements[ROLLBACK]);
}

int rows_touch(struct rows *rows)
{
	return statement_run(rows->statements[TOUCH]);
}

/* ---- putting ---- */

int64_t rows_event_bytes(const struct spool_event *e)
{
	return (int64_t)(e->route.len + e->source.len + e->key.len + e->path.len +
			 e->headers.len + e->body.len + e->trace.len + e->history.len) +
	       ROW_OVERHEAD;
}

static int64_t death_bytes(const struct spool_death *d)
{
	size_t answer = d->answer ? d->answer->content_type.len + d->answer->body.len : 0;
	return (int64_t)(d->reason.len + answer);
}

/* The first parameter that SQLite will not take, being too large, counts. */
static int worse(int before, int rc)
{
	return before != SQLITE_OK ? before : rc;
}

static int bind_event(sqlite3_stmt *s, const struct spool_event *e, int64_t bytes, int64_t now,
    struct ow_text history)
{
	int rc = statement_bind_text(s, 1, e->route);
	rc = worse(rc, statement_bind_text(s, 2, e->source));
	rc = worse(rc, statement_bind_text(s, 3, e->key));
	sqlite3_bind_int64(s, 4, bytes);
	sqlite3_bind_int64(s, 5, e->arrived_ms);
	sqlite3_bind_int64(s, 6, now);
	sqlite3_bind_int(s, 7, (int)e->mode);
	sqlite3_bind_int(s, 8, e->passing);
	if (e->claimed)
		sqlite3_bind_blob(s, 9, e->token, OW_TOKEN_SIZE, SQLITE_STATIC);
	rc = worse(rc, statement_bind_text(s, 10, e->trace));
	rc = worse(rc, statement_bind_text(s, 11, e->path));
	rc = worse(rc, statement_bind_text(s, 12, e->headers));
	rc = worse(rc, statement_bind_text(s, 13, history));
	return worse(rc, statement_bind_bytes(s, 14, e->body));
}

/* Reason and answer, from parameter `at` on. */
static int bind_death(sqlite3_stmt *s, int at, const struct spool_death *d)
{
	int rc = statement_bind_text(s, at, d->reason);
	if (!d->answer)
		return rc;
	sqlite3_bind_int(s, at + 1, d->answer->status);
	rc = worse(rc, statement_bind_text(s, at + 2, d->answer->content_type));
	return worse(rc, statement_bind_bytes(s, at + 3, d->answer->body));
}

/* Runs a bound INSERT, unless binding failed. */
static int insert(struct rows *rows, sqlite3_stmt *s, int bound, int64_t *id)
{
	if (bound != SQLITE_OK) {
		statement_finish(s);
		return bound;
	}
	int rc = statement_run(s);
	*id = rc == SQLITE_OK ? sqlite3_last_insert_rowid(rows->db) : 0;
	return rc;
}

int rows_put(struct rows *rows, const struct spool_event *event, int64_t now_ms, int64_t *id,
    struct tally *tally)
{
	sqlite3_stmt *s = rows->statements[PUT];
	int64_t bytes = rows_event_bytes(event);
	int rc = insert(rows, s, bind_event(s, event, bytes, now_ms, event->history), id);
	if (rc == SQLITE_OK) {
		tally->waiting++;
		tally->waiting_bytes += bytes;
	}
	return rc;
}

int rows_put_dead(struct rows *rows, const struct spool_event *event,
    const struct spool_death *death, int64_t now_ms, int64_t *id, struct tally *tally)
{
	sqlite3_stmt *s = rows->statements[PUT_DEAD];
	struct spool_event e = *event;
	e.history = death->history;
	e.claimed = false;
	int64_t bytes = rows_event_bytes(&e) + death_bytes(death);
	int rc = bind_event(s, &e, bytes, now_ms, e.history);
	rc = insert(rows, s, worse(rc, bind_death(s, 15, death)), id);
	if (rc == SQLITE_OK) {
		tally->dead++;
		tally->dead_bytes += bytes;
	}
	return rc;
}

/* ---- changing ---- */

int rows_bury(struct rows *rows, int64_t id, const struct spool_death *death, int64_t now_ms,
    struct tally *tally)
{
	sqlite3_stmt *s = rows->statements[SIZE];
	int64_t before, kept;
	sqlite3_bind_int64(s, 1, id);
	int rc = statement_run_for(s, &before, &kept);
	if (rc != SQLITE_OK)
		return rc;
	int64_t bytes = kept + (int64_t)death->history.len + death_bytes(death);
	s = rows->statements[BURY];
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, bytes);
	rc = statement_bind_text(s, 3, death->history);
	rc = worse(rc, bind_death(s, 4, death));
	sqlite3_bind_int64(s, 8, now_ms);
	if (rc != SQLITE_OK) {
		statement_finish(s);
		return rc;
	}
	rc = statement_run(s);
	if (rc == SQLITE_OK) {
		tally->waiting--;
		tally->waiting_bytes -= before;
		tally->dead++;
		tally->dead_bytes += bytes;
	}
	return rc;
}

int rows_remove(struct rows *rows, int64_t id, struct tally *tally)
{
	sqlite3_stmt *s = rows->statements[REMOVE];
	int64_t bytes;
	sqlite3_bind_int64(s, 1, id);
	int rc = statement_run_for(s, &bytes, NULL);
	if (rc == SQLITE_OK) {
		tally->waiting--;
		tally->waiting_bytes -= bytes;
	}
	return rc;
}

int rows_defer(struct rows *rows, int64_t id, int64_t due_ms)
{
	sqlite3_stmt *s = rows->statements[DEFER];
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, due_ms);
	return statement_run_for(s, &id, NULL);
}

int rows_hasten(struct rows *rows, int64_t now_ms, int64_t after_ms, int max, int *changed)
{
	sqlite3_stmt *s = rows->statements[HASTEN];
	sqlite3_bind_int64(s, 1, now_ms);
	sqlite3_bind_int64(s, 2, now_ms + after_ms);
	sqlite3_bind_int(s, 3, max);
	int rc = statement_run(s);
	*changed = rc == SQLITE_OK ? sqlite3_changes(rows->db) : 0;
	return rc;
}

int rows_drop_oldest(struct rows *rows, int64_t died_before_ms, struct tally *tally)
{
	sqlite3_stmt *s = rows->statements[OLDEST];
	int64_t id, bytes;
	sqlite3_bind_int64(s, 1, died_before_ms);
	int rc = statement_run_for(s, &id, &bytes);
	if (rc != SQLITE_OK)
		return rc;
	s = rows->statements[DROP];
	sqlite3_bind_int64(s, 1, id);
	rc = statement_run(s);
	if (rc == SQLITE_OK) {
		tally->dead--;
		tally->dead_bytes -= bytes;
	}
	return rc;
}

/* ---- reading ---- */

int rows_next_due(struct rows *rows, int64_t now_ms, struct place *place)
{
	sqlite3_stmt *s = rows->statements[NEXT_DUE];
	sqlite3_bind_int64(s, 1, now_ms);
	sqlite3_bind_int64(s, 2, place->due_ms);
	sqlite3_bind_int64(s, 3, place->id);
	int rc = statement_run_for(s, &place->due_ms, &place->id);
	return rc == SQLITE_NOTFOUND ? SQLITE_DONE : rc;
}

int rows_load(struct rows *rows, int64_t id, struct spool_event *e)
{
	sqlite3_stmt *s = rows->statements[LOAD];
	sqlite3_bind_int64(s, 1, id);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*e = (struct spool_event){.id = id,
		    .route = statement_column(s, 0),
		    .source = statement_column(s, 1),
		    .key = statement_column(s, 2),
		    .arrived_ms = sqlite3_column_int64(s, 4),
		    .since_ms = sqlite3_column_int64(s, 5),
		    .mode = (enum spool_mode)sqlite3_column_int(s, 7),
		    .passing = sqlite3_column_int(s, 8) != 0,
		    .trace = statement_column(s, 10),
		    .path = statement_column(s, 11),
		    .headers = statement_column(s, 12),
		    .history = statement_column(s, 13),
		    .body = statement_column(s, 14)};
		struct ow_text token = statement_column(s, 9);
		e->claimed = token.len == OW_TOKEN_SIZE;
		if (e->claimed)
			memcpy(e->token, token.data, OW_TOKEN_SIZE);
		struct ow_text *const texts[] = {&e->route, &e->source, &e->key, &e->path,
		    &e->headers, &e->body, &e->trace, &e->history};
		statement_own(texts, sizeof(texts) / sizeof(texts[0]));
	}
	statement_finish(s);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

int rows_count(struct rows *rows, struct tally *tally)
{
	int rc = statement_run_for(
	    rows->statements[COUNT_WAITING], &tally->waiting, &tally->waiting_bytes);
	return worse(rc,
	    statement_run_for(rows->statements[COUNT_DEAD], &tally->dead, &tally->dead_bytes));
}

int64_t rows_free_bytes(struct rows *rows)
{
	int64_t bytes;
	return statement_run_for(rows->statements[FREE_PAGES], &bytes, NULL) == SQLITE_OK
		   ? bytes
		   : 0;
}

int rows_version(struct rows *rows, int64_t *version)
{
	return statement_run_for(rows->statements[CHANGES], version, NULL);
}

/* ---- what went wrong ---- */

const char *rows_error(const struct rows *rows)
{
	return spool_file_error(rows->db);
}

bool rows_is_own_fault(int rc)
{
	int kind = rc & 0xff;
	return kind == SQLITE_TOOBIG || kind == SQLITE_CONSTRAINT || kind == SQLITE_NOTFOUND;
}

const char *rows_why(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return "the disk is full";
	case SQLITE_TOOBIG:
		return "the event is too large for the spool";
	case SQLITE_NOTFOUND:
		return "the spool has no such event waiting";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another program keeps the spool locked";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return "the spool is damaged";
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return "the spool may not be written";
	case SQLITE_IOERR:
		return "the disk does not do as it is told";
	default:
		return "the spool cannot be written";
	}
}
