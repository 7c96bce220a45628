/* Helpers for SQLite's prepared statements: bound, run to their end, and reset. */
#ifndef SPOOL_STATEMENT_H
#define SPOOL_STATEMENT_H

#include <sqlite3.h>

#include <onceway/event.h>

/*
 * Prepares all of an array, to be kept. SQLITE_OK, or what SQLite says; those that were
 * prepared are there, and the others NULL.
 */
int statements_prepare(
    sqlite3 *db, const char *const *sql, sqlite3_stmt **statements, size_t count);
void statements_finalize(sqlite3_stmt **statements, size_t count);

/* Ends it, and lets go of what it borrowed. */
void statement_finish(sqlite3_stmt *s);
/* Of a statement with no rows, or none that matter. Finishes it; so do the others. */
int statement_run(sqlite3_stmt *s);
/* Of a statement with a row of one or two numbers (second may be NULL); SQLITE_NOTFOUND: none.
 */
int statement_run_for(sqlite3_stmt *s, int64_t *first, int64_t *second);

/* Texts are borrowed until the statement is finished, and are never a NULL. */
int statement_bind_text(sqlite3_stmt *s, int at, struct ow_text t);
int statement_bind_bytes(sqlite3_stmt *s, int at, struct ow_text t);

/* Borrowed until the next step. */
struct ow_text statement_column(sqlite3_stmt *s, int at);
/* Copies texts into one block and lets them point there; to be freed. */
char *statement_own(struct ow_text *const *texts, size_t count);

#endif
