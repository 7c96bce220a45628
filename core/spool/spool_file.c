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

/* In the file's header: whose it is, and which tables it has. */
#define APPLICATION_ID 1333216630 /* "OwEv" */
#define SCHEMA_VERSION 1

/* How long to wait for a program that writes to it at this moment. */
#define BUSY_MS	     5000
#define JOIN_BUSY_MS 20000

/* So much is read through at a start; of a larger file, what counting its rows reads. */
#define CHECKED_WHOLE ((off_t)64 << 20)

/* FULL: a commit waits for the disk. The log is moved into the file each 16 MiB. */
static const char pragmas[] = "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = FULL;"
			      "PRAGMA wal_autocheckpoint = 4096;"
			      "PRAGMA journal_size_limit = 67108864;"
			      "PRAGMA cache_size = -8192;"
			      "PRAGMA temp_store = MEMORY;"
			      "PRAGMA secure_delete = FAST;"
			      "PRAGMA cell_size_check = ON;"
			      "PRAGMA trusted_schema = OFF";

/*
 * All in one transaction: a kill leaves an empty file or a whole one. What is looked through
 * comes first in a row, what may be large last; counting and finding what is due reads the
 * indexes alone, for which the first needs died_ms, too. Its numbers are APPLICATION_ID and
 * SCHEMA_VERSION (in SPOOL_FILE_TOUCH).
 */
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
    "CREATE INDEX waiting ON event (due_ms, id, bytes, died_ms) WHERE died_ms IS NULL;"
    "CREATE INDEX dead ON event (died_ms, id, bytes) WHERE died_ms IS NOT NULL;"
    "PRAGMA application_id = 1333216630;" SPOOL_FILE_TOUCH ";"
    "COMMIT";

const char *spool_file_error(sqlite3 *db)
{
	static _Thread_local char text[160];
	int system = sqlite3_system_errno(db);
	int rc = sqlite3_errcode(db);
	if (system && (rc == SQLITE_IOERR || rc == SQLITE_CANTOPEN || rc == SQLITE_FULL))
		snprintf(text, sizeof(text), "%s: %s", sqlite3_errmsg(db), strerror(system));
	else
		snprintf(text, sizeof(text), "%s", sqlite3_errmsg(db));
	return text;
}

/* ---- what is wrong with it ---- */

/* Says so and returns false, for return. */
static bool damaged(const char *file, const char *what, char *why)
{
	snprintf(why, SPOOL_WHY_SIZE,
	    "%s is damaged (%s); move it and %s-wal away, and a new one is made: "
	    "doc/dead-letters.md says how to get at what is in it",
	    file, what, file);
	return false;
}

static bool failed(sqlite3 *db, const char *file, char *why)
{
	int rc = sqlite3_errcode(db) & 0xff;
	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
		return damaged(file, sqlite3_errmsg(db), why);
	snprintf(why, SPOOL_WHY_SIZE, "cannot open %s: %s", file, spool_file_error(db));
	return false;
}

static bool read_number(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		return false;
	bool ok = sqlite3_step(s) == SQLITE_ROW;
	if (ok)
		*out = sqlite3_column_int64(s, 0);
	return sqlite3_finalize(s) == SQLITE_OK && ok;
}

static bool check_whole(sqlite3 *db, const char *file, char *why)
{
	sqlite3_stmt *s;
	char found[120] = "";
	const char *what = found;
	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL) != SQLITE_OK)
		return failed(db, file, why);
	if (sqlite3_step(s) == SQLITE_ROW)
		snprintf(found, sizeof(found), "%s", (const char *)sqlite3_column_text(s, 0));
	if (sqlite3_finalize(s) != SQLITE_OK)
		return failed(db, file, why);
	/* After a line that says in which of all open files. */
	if (strncmp(found, "***", 3) == 0 && strchr(found, '\n'))
		what = strchr(found, '\n') + 1;
	found[(size_t)(what - found) + strcspn(what, "\n")] = '\0';
	return strcmp(what, "ok") == 0 || damaged(file, what, why);
}

/* Whose it is; *fresh: nobody's yet. */
static bool check_owner(sqlite3 *db, const char *file, bool *fresh, char *why)
{
	int64_t application, version, tables;
	if (!read_number(db, "PRAGMA application_id", &application) ||
	    !read_number(db, "PRAGMA user_version", &version) ||
	    !read_number(db, "SELECT count(*) FROM sqlite_schema", &tables))
		return failed(db, file, why);
	*fresh = tables == 0 && application == 0 && version == 0;
	if (*fresh || (application == APPLICATION_ID && version == SCHEMA_VERSION))
		return true;
	if (application != APPLICATION_ID)
		snprintf(why, SPOOL_WHY_SIZE,
		    "%s is a database of another program; move it away, or choose another "
		    "state_dir",
		    file);
	else
		snprintf(why, SPOOL_WHY_SIZE,
		    "%s is of format %lld, and this Onceway knows format %d; use the one that "
		    "wrote it, or let that one empty it first",
		    file, (long long)version, SCHEMA_VERSION);
	return false;
}

/* ---- opening ---- */

/* A log without its file: making a new file would throw away what is in the log. */
static bool check_orphan(const char *file, char *why)
{
	struct buf wal = BUF_INIT;
	struct stat about;
	buf_printf(&wal, "%s-wal", file);
	bool orphan = stat(wal.data, &about) == 0 && about.st_size > 0;
	buf_free(&wal);
	if (orphan)
		snprintf(why, SPOOL_WHY_SIZE,
		    "%s is gone or empty, but %s-wal has events of it; put the file back, or "
		    "move that one away too",
		    file, file);
	return !orphan;
}

/* So that the file is still in its directory after a power cut. */
static bool sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* A file for its owner alone; SQLite gives those beside it the same mode. */
static bool make_file(const char *directory, const char *file, off_t *size, char *why)
{
	struct stat about;
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && fstat(fd, &about) == 0 &&
		  ((about.st_mode & 077) == 0 || fchmod(fd, 0600) == 0) &&
		  sync_directory(directory);
	if (!ok)
		snprintf(why, SPOOL_WHY_SIZE, "cannot open %s: %s", file, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (ok)
		*size = about.st_size;
	return ok && (about.st_size > 0 || check_orphan(file, why));
}

/* NULL: why says why. */
static sqlite3 *open_database(const char *file, int busy_ms, char *why)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(db, 1);
		sqlite3_busy_timeout(db, busy_ms);
		return db;
	}
	failed(db, file, why);
	sqlite3_close(db);
	return NULL;
}

/* Where SQLite cannot have its log it goes on without, and a power cut could undo a commit. */
static bool check_log(sqlite3 *db, const char *file, char *why)
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &s, NULL) != SQLITE_OK)
		return failed(db, file, why);
	bool ok = sqlite3_step(s) == SQLITE_ROW &&
		  strcmp((const char *)sqlite3_column_text(s, 0), "wal") == 0;
	if (sqlite3_finalize(s) != SQLITE_OK)
		return failed(db, file, why);
	if (!ok)
		snprintf(why, SPOOL_WHY_SIZE,
		    "%s is on a file system without shared memory between processes, such as "
		    "one over a network; state_dir must be on a local disk",
		    file);
	return ok;
}

/* Nothing is changed in a file that is not ours. */
static bool prepare(sqlite3 *db, const char *file, off_t size, char *why)
{
	bool fresh;
	if (!check_owner(db, file, &fresh, why))
		return false;
	if (sqlite3_exec(db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return failed(db, file, why);
	if (!check_log(db, file, why))
		return false;
	if (fresh && sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return failed(db, file, why);
	return size > CHECKED_WHOLE || check_whole(db, file, why);
}

/*
 * Only the daemon moves the log into the file, or whoever has it alone, at the end: before
 * 3.51.3 a second one that does so beside a commit could lose what is in the log
 * (https://sqlite.org/wal.html#walresetbug).
 */
static const char join_pragmas[] = "PRAGMA wal_autocheckpoint = 0";

static bool join(sqlite3 *db, const char *file, char *why)
{
	bool fresh;
	if (!check_owner(db, file, &fresh, why))
		return false;
	if (fresh)
		snprintf(why, SPOOL_WHY_SIZE, "%s is empty; the daemon fills it when it starts",
		    file);
	else if (sqlite3_exec(db, pragmas, NULL, NULL, NULL) != SQLITE_OK ||
		 sqlite3_exec(db, join_pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return failed(db, file, why);
	return !fresh;
}

sqlite3 *spool_file_open(const char *directory, char *why)
{
	struct buf file = BUF_INIT;
	sqlite3 *db = NULL;
	off_t size;
	buf_printf(&file, "%s/spool.db", directory);
	if (make_file(directory, file.data, &size, why))
		db = open_database(file.data, BUSY_MS, why);
	if (db && !prepare(db, file.data, size, why)) {
		sqlite3_close(db);
		db = NULL;
	}
	buf_free(&file);
	return db;
}

sqlite3 *spool_file_join(const char *directory, char *why)
{
	struct buf file = BUF_INIT;
	struct stat about;
	sqlite3 *db = NULL;
	buf_printf(&file, "%s/spool.db", directory);
	if (stat(file.data, &about) == 0)
		db = open_database(file.data, JOIN_BUSY_MS, why);
	else
		snprintf(why, SPOOL_WHY_SIZE, "%s: %s%s", file.data, strerror(errno),
		    errno == ENOENT ? "; the daemon makes it when it starts" : "");
	if (db && !join(db, file.data, why)) {
		sqlite3_close(db);
		db = NULL;
	}
	buf_free(&file);
	return db;
}

void spool_file_failed(sqlite3 *db, const char *directory, char *why)
{
	struct buf file = BUF_INIT;
	buf_printf(&file, "%s/spool.db", directory);
	failed(db, file.data, why);
	buf_free(&file);
}
