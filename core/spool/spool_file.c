#include "spool/spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "spool/spool.h"

#define SCHEMA_VERSION 1
#define APPLICATION_ID 0x4f774576 /* "OwEv" */
#define BUSY_MS	       5000

/* All in one transaction: a kill leaves an empty file or a whole one. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE event ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "route TEXT NOT NULL, source TEXT NOT NULL, key TEXT NOT NULL,"
    "bytes INTEGER NOT NULL,"
    "arrived_ms INTEGER NOT NULL, since_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    "mode INTEGER NOT NULL, passing INTEGER NOT NULL, token BLOB,"
    "died_ms INTEGER, reason TEXT,"
    "answer_status INTEGER, answer_type TEXT, answer_body BLOB,"
    "trace TEXT NOT NULL, path TEXT NOT NULL, headers TEXT NOT NULL,"
    "history TEXT NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE INDEX waiting ON event (due_ms, id, bytes) WHERE died_ms IS NULL;"
    "CREATE INDEX dead ON event (died_ms, id, bytes) WHERE died_ms IS NOT NULL;"
    "PRAGMA application_id = 1333216630;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* SQLite's own files beside this one take its mode. */
static bool make_file(const char *directory, const char *file, char *why)
{
	struct stat about;
	if (stat(directory, &about) != 0 || !S_ISDIR(about.st_mode)) {
		snprintf(why, SPOOL_WHY_SIZE,
		    "state_dir %s: %s; make it, for the daemon's user alone: install -d -m 700 "
		    "%s",
		    directory, errno ? strerror(errno) : "not a directory", directory);
		return false;
	}
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		snprintf(why, SPOOL_WHY_SIZE, "%s: %s", file, strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

sqlite3 *spool_file_open(const char *directory, char *why)
{
	struct buf file = BUF_INIT;
	sqlite3 *db = NULL;
	buf_printf(&file, "%s/spool.db", directory);
	if (make_file(directory, file.data, why)) {
		int rc = sqlite3_open_v2(
		    file.data, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
		sqlite3_busy_timeout(db, BUSY_MS);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db,
			    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", NULL, NULL,
			    NULL);
		sqlite3_stmt *s = NULL;
		if (rc == SQLITE_OK)
			rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL);
		if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW &&
		    sqlite3_column_int(s, 0) == 0) {
			sqlite3_finalize(s);
			s = NULL;
			rc = sqlite3_exec(db, schema, NULL, NULL, NULL);
		}
		sqlite3_finalize(s);
		if (rc != SQLITE_OK) {
			snprintf(why, SPOOL_WHY_SIZE, "%s: %s", file.data, sqlite3_errmsg(db));
			sqlite3_close(db);
			db = NULL;
		}
	}
	buf_free(&file);
	return db;
}
