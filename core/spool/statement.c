#include "spool/statement.h"

#include <string.h>

#include "base/mem.h"

int statements_prepare(
    sqlite3 *db, const char *const *sql, sqlite3_stmt **statements, size_t count)
{
	int rc = SQLITE_OK;
	for (size_t i = 0; i < count; i++)
		statements[i] = NULL;
	for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(
		    db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &statements[i], NULL);
	return rc;
}

void statements_finalize(sqlite3_stmt **statements, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sqlite3_finalize(statements[i]);
}

void statement_finish(sqlite3_stmt *s)
{
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

int statement_run(sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);
	statement_finish(s);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int statement_run_for(sqlite3_stmt *s, int64_t *first, int64_t *second)
{
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*first = sqlite3_column_int64(s, 0);
		if (second)
			*second = sqlite3_column_int64(s, 1);
		/* To its end: only then is a change with RETURNING complete. */
		rc = sqlite3_step(s);
		rc = rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
	} else if (rc == SQLITE_DONE) {
		rc = SQLITE_NOTFOUND;
	}
	statement_finish(s);
	return rc;
}

/* A NULL pointer would be a NULL. */
int statement_bind_text(sqlite3_stmt *s, int at, struct ow_text t)
{
	return sqlite3_bind_text64(
	    s, at, t.data ? t.data : "", t.len, SQLITE_STATIC, SQLITE_UTF8);
}

int statement_bind_bytes(sqlite3_stmt *s, int at, struct ow_text t)
{
	return sqlite3_bind_blob64(s, at, t.data ? t.data : "", t.len, SQLITE_STATIC);
}

struct ow_text statement_column(sqlite3_stmt *s, int at)
{
	/* In this order: the bytes of what the pointer points to. */
	const void *data = sqlite3_column_blob(s, at);
	return (struct ow_text){data, (size_t)sqlite3_column_bytes(s, at)};
}

char *statement_own(struct ow_text *const *texts, size_t count)
{
	size_t len = 0;
	for (size_t i = 0; i < count; i++)
		len += texts[i]->len;
	char *block = mem_alloc(len), *at = block;
	for (size_t i = 0; i < count; i++) {
		if (texts[i]->len)
			memcpy(at, texts[i]->data, texts[i]->len);
		texts[i]->data = at;
		at += texts[i]->len;
	}
	return block;
}
