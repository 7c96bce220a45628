#include "store_memory/test_durable_rig.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void wait_for(const struct ow_op *op)
{
	for (mock_run(m); !mock_finished(op); mock_run(m))
		usleep(1000);
}

struct ow_instance *instance_of(struct mock *worker, const char *more)
{
	const struct ow_component *memory = mock_component(OW_MODULE_SYMBOL(), "memory");
	char yaml[300];
	snprintf(yaml, sizeof(yaml), "durable: %s\n%s", path, more);
	return mock_instance(worker, memory, "main", mock_conf(worker, memory, yaml));
}

void begin_at(int64_t down_ms, const char *more)
{
	m = mock_new();
	mock_skip(m, down_ms);
	store = instance_of(m, more);
	struct ow_op *op = mock_start(store);
	wait_for(op);
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
}

void must_not_start(const char *problem)
{
	m = mock_new();
	store = instance_of(m, "");
	struct ow_op *op = mock_start(store);
	wait_for(op);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_msg(strstr(mock_why(op), problem) != NULL, "%s", mock_why(op));
	op = mock_drain(store);
	wait_for(op);
	ck_assert_int_eq(mock_rc(op), OW_OK);
	mock_free(m);
}

void end(void)
{
	struct ow_op *op = mock_drain(store);
	wait_for(op);
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
	mock_free(m);
	m = NULL;
}

void kill_it(void)
{
	mock_kill(m);
	m = NULL;
}

struct ow_op *commit_begun(const char *key, unsigned char owner)
{
	struct ow_claim c = claim_of(text_of(key), owner);
	struct ow_result result = {.status = 202,
	    .content_type = text_of("text/plain"),
	    .body = text_of("the sink's answer")};
	ck_assert_int_eq(claim(key, owner)->state, OW_CLAIM_NEW);
	return mock_commit(store, &c, &result);
}

void finish(const char *key, unsigned char owner)
{
	struct ow_op *op = commit_begun(key, owner);
	wait_for(op);
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
}

void wait_for_keys(uint64_t count)
{
	for (mock_run(m); mock_counter(m, "store_durable_keys_total", NULL) < count;
	     mock_run(m))
		usleep(1000);
}

void wait_for_errors(uint64_t count)
{
	for (mock_run(m); mock_counter(m, "store_durable_errors_total", NULL) < count;
	     mock_run(m))
		usleep(1000);
}

int64_t ask_file(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s",
	    sqlite3_errmsg(db));
	int rc = sqlite3_step(statement);
	ck_assert_msg(rc == SQLITE_ROW || rc == SQLITE_DONE, "%s", sqlite3_errmsg(db));
	int64_t value = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return value;
}
