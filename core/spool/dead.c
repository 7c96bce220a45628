#include "spool/dead.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "spool/rows.h"
#include "spool/spool_file.h"
#include "spool/statement.h"

/* Changed in one transaction, which the daemon waits for. */
#define TOGETHER 500

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	NEXT,
	ONE,
	LOAD,
	REPLAY,
	DROP,
	STATEMENTS
};

/* The same parameters in NEXT and ONE. */
#define FILTER                                                                                 \
	"AND died_ms < ?1 AND (?2 IS NULL OR route = ?2) "                                     \
	"AND (?3 IS NULL OR substr(key, 1, length(?3)) = ?3) "                                 \
	"AND (?4 IS NULL OR instr(lower(reason), lower(?4)) > 0) "

static const char *const sql[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    /* In two halves, so that the index leads to the place even among many of one time. */
    [NEXT] = "SELECT * FROM (SELECT died_ms, id FROM event "
	     "WHERE died_ms = ?5 AND id > ?6 " FILTER "ORDER BY id LIMIT 1) UNION ALL "
	     "SELECT * FROM (SELECT died_ms, id FROM event "
	     "WHERE died_ms > ?5 " FILTER "ORDER BY died_ms, id LIMIT 1) LIMIT 1",
    [ONE] = "SELECT died_ms, id FROM event WHERE died_ms >= ?5 AND id = ?6 " FILTER,
    [LOAD] = "SELECT bytes, arrived_ms, died_ms, route, source, key, reason, history, trace, "
	     "path, headers, body, answer_status, answer_type, answer_body FROM event "
	     "WHERE id = ?1 AND died_ms IS NOT NULL",
    [REPLAY] = ("UPDATE event SET died_ms = NULL, token = NULL, mode = ?2, since_ms = ?3, "
		"due_ms = ?4 WHERE id = ?1 RETURNING route"),
    [DROP] = "DELETE FROM event WHERE id = ?1",
};

struct dead_letters {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	char error[SPOOL_WHY_SIZE];
};

/* For return: says why. */
static bool failed(struct dead_letters *d, int rc)
{
	snprintf(d->error, sizeof(d->error), "%s (%s)", rows_why(rc), spool_file_error(d->db));
	return false;
}

struct dead_letters *dead_open(const char *directory, char *why)
{
	sqlite3 *db = spool_file_join(directory, why);
	if (!db)
		return NULL;
	struct dead_letters *d = mem_zero(sizeof(*d));
	d->db = db;
	if (statements_prepare(db, sql, d->statements, STATEMENTS) == SQLITE_OK)
		return d;
	spool_file_failed(db, directory, why);
	dead_close(d);
	return NULL;
}

void dead_close(struct dead_letters *d)
{
	if (!d)
		return;
	statements_finalize(d->statements, STATEMENTS);
	sqlite3_close(d->db);
	free(d);
}

const char *dead_error(const struct dead_letters *d)
{
	return d->error;
}

/* ---- which ---- */

static void bind_optional(sqlite3_stmt *s, int at, const char *text)
{
	if (text)
		statement_bind_text(s, at, text_of(text));
}

/* The next after *place in the order of death; moves it there. SQLITE_NOTFOUND: none. */
static int find(struct dead_letters *d, const struct dead_filter *f, struct place *place)
{
	sqlite3_stmt *s = d->statements[f->id ? ONE : NEXT];
	/* The one that was asked for was found already. */
	if (f->id && place->id == f->id)
		return SQLITE_NOTFOUND;
	sqlite3_bind_int64(s, 1, f->until_ms);
	bind_optional(s, 2, f->route);
	bind_optional(s, 3, f->key);
	bind_optional(s, 4, f->reason);
	sqlite3_bind_int64(s, 5, place->due_ms);
	sqlite3_bind_int64(s, 6, f->id ? f->id : place->id);
	return statement_run_for(s, &place->due_ms, &place->id);
}

static struct place before_all(const struct dead_filter *f)
{
	return (struct place){f->since_ms, 0};
}

/* ---- looking ---- */

/* Its texts become one block, to be freed. SQLITE_NOTFOUND: it has gone meanwhile. */
static int load(struct dead_letters *d, int64_t id, struct dead_letter *l, char **block)
{
	sqlite3_stmt *s = d->statements[LOAD];
	struct ow_text *const texts[] = {&l->route, &l->source, &l->key, &l->reason,
	    &l->history, &l->trace, &l->path, &l->headers, &l->body, &l->answer_type,
	    &l->answer_body};
	sqlite3_bind_int64(s, 1, id);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*l = (struct dead_letter){.id = id,
		    .bytes = sqlite3_column_int64(s, 0),
		    .arrived_ms = sqlite3_column_int64(s, 1),
		    .died_ms = sqlite3_column_int64(s, 2),
		    .route = statement_column(s, 3),
		    .source = statement_column(s, 4),
		    .key = statement_column(s, 5),
		    .reason = statement_column(s, 6),
		    .history = statement_column(s, 7),
		    .trace = statement_column(s, 8),
		    .path = statement_column(s, 9),
		    .headers = statement_column(s, 10),
		    .body = statement_column(s, 11),
		    .answered = sqlite3_column_type(s, 12) != SQLITE_NULL,
		    .answer_status = sqlite3_column_int(s, 12),
		    .answer_type = statement_column(s, 13),
		    .answer_body = statement_column(s, 14)};
		*block = statement_own(texts, sizeof(texts) / sizeof(texts[0]));
	}
	statement_finish(s);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

bool dead_each(struct dead_letters *d, const struct dead_filter *filter, dead_fn *fn, void *arg,
    int64_t *count)
{
	struct place place = before_all(filter);
	struct dead_letter letter;
	char *block = NULL;
	int rc;
	while ((rc = find(d, filter, &place)) == SQLITE_OK) {
		rc = load(d, place.id, &letter, &block);
		if (rc == SQLITE_NOTFOUND)
			continue;
		if (rc != SQLITE_OK)
			break;
		fn(&letter, arg);
		free(block);
		++*count;
	}
	return rc == SQLITE_NOTFOUND || failed(d, rc);
}

/* ---- changing ---- */

/* Changes one row; number: how many were changed before. */
typedef int change_fn(
    struct dead_letters *d, int64_t id, const struct dead_replay *how, int64_t number);

static int replay(
    struct dead_letters *d, int64_t id, const struct dead_replay *how, int64_t number)
{
	sqlite3_stmt *s = d->statements[REPLAY];
	int64_t wait = how->count > 0 ? number * how->each_ms / how->count : 0;
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int(s, 2, (int)how->mode);
	sqlite3_bind_int64(s, 3, how->now_ms);
	sqlite3_bind_int64(s, 4, how->now_ms + wait);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		if (how->replayed)
			how->replayed(statement_column(s, 0), how->arg);
		rc = sqlite3_step(s); /* to its end, as statement_run_for() */
	}
	statement_finish(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int drop(
    struct dead_letters *d, int64_t id, const struct dead_replay *how, int64_t number)
{
	(void)how, (void)number;
	sqlite3_bind_int64(d->statements[DROP], 1, id);
	return statement_run(d->statements[DROP]);
}

/* Of the next that match. SQLITE_NOTFOUND: there are no more. Inside a transaction. */
static int change_some(struct dead_letters *d, const struct dead_filter *f, struct place *place,
    change_fn *change, const struct dead_replay *how, int64_t *count)
{
	int rc = SQLITE_OK;
	for (int i = 0; i < TOGETHER && rc == SQLITE_OK; i++) {
		rc = find(d, f, place);
		if (rc == SQLITE_OK)
			rc = change(d, place->id, how, *count);
		if (rc == SQLITE_OK)
			++*count;
	}
	return rc;
}

static bool change_all(struct dead_letters *d, const struct dead_filter *f, change_fn *change,
    const struct dead_replay *how, int64_t *count)
{
	struct place place = before_all(f);
	int rc = SQLITE_OK;
	while (rc == SQLITE_OK) {
		int64_t changed = *count;
		rc = statement_run(d->statements[BEGIN]);
		if (rc == SQLITE_OK)
			rc = change_some(d, f, &place, change, how, &changed);
		int end = rc;
		if (rc == SQLITE_OK || rc == SQLITE_NOTFOUND)
			end = statement_run(d->statements[COMMIT]);
		if (end != SQLITE_OK) {
			failed(d, end);
			if (!sqlite3_get_autocommit(d->db))
				statement_run(d->statements[ROLLBACK]);
			return false;
		}
		*count = changed;
	}
	return true;
}

bool dead_replay(struct dead_letters *d, const struct dead_filter *filter,
    const struct dead_replay *how, int64_t *count)
{
	return change_all(d, filter, replay, how, count);
}

bool dead_drop(struct dead_letters *d, const struct dead_filter *filter, int64_t *count)
{
	return change_all(d, filter, drop, NULL, count);
}
