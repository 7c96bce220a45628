#include "store_memory/durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/checkpoint_format.h"
#include "lib/crc32c.h"
#include "lib/whole_file.h"

#define APPLICATION_ID 0x4f774b79 /* "OwKy", in the database's header */
#define FORMAT_VERSION 1

#define TEXT_OF(number)	 TEXT_OF_(number)
#define TEXT_OF_(number) #number

/* Pages of its log that are moved into the database at once, and what is kept of the log then.
 */
#define LOG_PAGES "1000"
#define LOG_BYTES "8388608"

enum statement {
	BEGIN = 0,
	PUT,
	REMOVE,
	EXPIRE,
	HAS_EXPIRED,
	CLOCK,
	COMMIT,
	ROLLBACK,
	STATEMENTS
};

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [PUT] = "INSERT INTO keys (expires, since, key, digest, status, failed, type, body, crc) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [REMOVE] = "DELETE FROM keys WHERE expires = ? AND key = ?",
    [EXPIRE] = "DELETE FROM keys WHERE id IN "
	       "(SELECT id FROM keys WHERE expires <= ? ORDER BY expires LIMIT ?)",
    [HAS_EXPIRED] = "SELECT 1 FROM keys WHERE expires <= ? LIMIT 1",
    [CLOCK] = "INSERT OR REPLACE INTO clock (id, now, wall, crc) VALUES (1, ?, ?, ?)",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
};

/*
 * All in one transaction: a kill leaves an empty file or a whole one. Its numbers are
 * APPLICATION_ID and FORMAT_VERSION.
 */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE keys ("
    "id INTEGER PRIMARY KEY, expires INTEGER NOT NULL, since INTEGER,"
    "key BLOB NOT NULL, digest BLOB, status INTEGER, failed INTEGER,"
    "type BLOB, body BLOB, crc INTEGER NOT NULL);"
    "CREATE INDEX keys_by_end ON keys (expires);"
    "CREATE TABLE clock ("
    "id INTEGER PRIMARY KEY, now INTEGER NOT NULL, wall INTEGER NOT NULL,"
    "crc INTEGER NOT NULL);"
    "PRAGMA application_id = 0x4f774b79;"
    "PRAGMA user_version = 1;"
    "COMMIT";

struct durable_file {
	char *path;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	dev_t device;	  /* where the file is, */
	ino_t inode;	  /* and which it is */
	int64_t ahead_ms; /* the file's time, less ours */
};

struct durable_file *durable_file_new(const char *path)
{
	struct durable_file *f = alloc_zero(1, sizeof(*f));
	f->path = whole_file_name(path, "");
	return f;
}

void durable_file_free(struct durable_file *f)
{
	if (!f)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(f->statements[i]);
	sqlite3_close(f->db);
	free(f->path);
	free(f);
}

/* ---- what went wrong ---- */

static bool cannot(
    const struct durable_file *f, char why[DURABLE_WHY], const char *what, int error)
{
	snprintf(why, DURABLE_WHY, "durable: cannot %s %s: %s", what, f->path, strerror(error));
	return false;
}

static bool unusable(const struct durable_file *f, char why[DURABLE_WHY], const char *problem)
{
	snprintf(why, DURABLE_WHY,
	    "durable %s cannot be used: %s; move it and its -wal away to start without keys",
	    f->path, problem);
	return false;
}

/* What SQLite says, and for a fault of the system the system's own words. */
static bool failed(const struct durable_file *f, char why[DURABLE_WHY], const char *what)
{
	/* SQLite does not always note what the system said. */
	int last = errno, code = sqlite3_errcode(f->db), noted = sqlite3_system_errno(f->db);
	int error = noted ? noted : last;
	switch (code) {
	case SQLITE_BUSY:
		snprintf(why, DURABLE_WHY,
		    "durable %s is in use by another onceway or another store: give each a "
		    "file of its own",
		    f->path);
		return false;
	case SQLITE_NOTADB:
		return unusable(f, why, "it is not a database");
	case SQLITE_CORRUPT:
	case SQLITE_ERROR: { /* its tables are not what they were */
		char problem[200];
		snprintf(
		    problem, sizeof(problem), "it is damaged (%.60s)", sqlite3_errmsg(f->db));
		return unusable(f, why, problem);
	}
	case SQLITE_FULL:
		return cannot(f, why, what, ENOSPC);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		if (error)
			return cannot(f, why, what, error);
	}
	snprintf(why, DURABLE_WHY, "durable: cannot %s %s: %s", what, f->path,
	    sqlite3_errmsg(f->db));
	return false;
}

/* ---- numbers and checksums ---- */

static uint32_t crc_number(uint32_t crc, int64_t number)
{
	unsigned char bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)((uint64_t)number >> (8 * i));
	return crc32c(crc, bytes, sizeof(bytes));
}

static uint32_t crc_text(uint32_t crc, struct ow_text text)
{
	crc = crc_number(crc, (int64_t)text.len);
	return text.len ? crc32c(crc, text.data, text.len) : crc;
}

/* A row, with its times by the file's clock. The texts are borrowed. */
struct row {
	int64_t expires, since; /* since: or KEY_SINCE_UNKNOWN */
	struct ow_text key;
	struct ow_text digest; /* empty: there is none */
	struct ow_result result;
	bool has_result;
};

static uint32_t crc_of(const struct row *row)
{
	uint32_t crc = crc_number(crc_number(0, row->expires), row->since);
	crc = crc_text(crc_text(crc, row->key), row->digest);
	if (!row->has_result)
		return crc;
	crc = crc_number(crc_number(crc, row->result.status), row->result.failed);
	return crc_text(crc_text(crc, row->result.content_type), row->result.body);
}

static uint32_t crc_of_clock(int64_t now, int64_t wall)
{
	return crc_number(crc_number(1, now), wall);
}

/* ---- opening ---- */

/* SQLite would make it readable for all, and follow a symbolic link. */
static bool prepare(struct durable_file *f, bool *empty, char why[DURABLE_WHY])
{
	struct stat st;
	int fd = open(
	    f->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd < 0 && errno == ENOENT) {
		char *directory = whole_file_directory(f->path);
		snprintf(why, DURABLE_WHY, "durable %s: there is no directory %s: create it",
		    f->path, directory);
		free(directory);
		return false;
	}
	if (fd < 0 && errno == ELOOP) {
		snprintf(why, DURABLE_WHY,
		    "durable %s is a symbolic link: name the file itself", f->path);
		return false;
	}
	if (fd < 0)
		return cannot(f, why, "open", errno);
	bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	close(fd);
	if (!regular) {
		snprintf(why, DURABLE_WHY, "durable %s is not a regular file", f->path);
		return false;
	}
	*empty = st.st_size == 0;
	f->device = st.st_dev;
	f->inode = st.st_ino;
	int error = whole_file_sync_directory(f->path);
	return error ? cannot(f, why, "sync the directory of", error) : true;
}

static bool execute(struct durable_file *f, const char *sql, char why[DURABLE_WHY])
{
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       failed(f, why, "write");
}

/* The first column of the first row; answer stays as it is if there is no row. */
static bool ask(
    struct durable_file *f, const char *sql, char *answer, size_t size, char why[DURABLE_WHY])
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(f->db, sql, -1, &statement, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		snprintf(answer, size, "%s", (const char *)sqlite3_column_text(statement, 0));
	bool good = rc == SQLITE_ROW || rc == SQLITE_DONE || failed(f, why, "read");
	sqlite3_finalize(statement);
	return good;
}

static bool open_database(struct durable_file *f, char why[DURABLE_WHY])
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	int rc = sqlite3_open_v2(f->path, &f->db, flags, NULL);
	alloc_checked(f->db);
	if (rc != SQLITE_OK)
		return failed(f, why, "open");
	/* What is refused must stay as it is, its log included. */
	sqlite3_db_config(f->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	/* One process: no shared memory, and the lock is held as long as it is open. */
	return execute(f, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF", why);
}

static bool ask_number(
    struct durable_file *f, const char *sql, long *number, char why[DURABLE_WHY])
{
	char answer[24] = "";
	bool good = ask(f, sql, answer, sizeof(answer), why);
	*number = strtol(answer, NULL, 10);
	return good;
}

static bool is_whole(struct durable_file *f, char why[DURABLE_WHY])
{
	char answer[200] = "", problem[120];
	if (!ask(f, "PRAGMA quick_check(1)", answer, sizeof(answer), why))
		return false;
	if (strcmp(answer, "ok") == 0)
		return true;
	/* "*** in database main ***", and then what it is. */
	const char *what = strchr(answer, '\n') ? strchr(answer, '\n') + 1 : answer;
	snprintf(
	    problem, sizeof(problem), "it is damaged (%.*s)", (int)strcspn(what, "\n"), what);
	return unusable(f, why, problem);
}

/*
 * Whether it is one of ours, and whole. *empty: nothing is in it, as when the
 * process was killed while it made it.
 */
static bool examine(struct durable_file *f, bool *empty, char why[DURABLE_WHY])
{
	long pages, application, version, tables;
	if (!ask_number(f, "PRAGMA page_count", &pages, why) ||
	    !ask_number(f, "PRAGMA application_id", &application, why) ||
	    !ask_number(f, "PRAGMA user_version", &version, why) ||
	    !ask_number(f, "SELECT count(*) FROM sqlite_master", &tables, why))
		return false;
	*empty = pages && !application && !version && !tables;
	if (*empty)
		return true;
	if (application != APPLICATION_ID)
		return unusable(f, why, "it is not a durable file of onceway");
	if (version != FORMAT_VERSION) {
		char problem[80];
		snprintf(problem, sizeof(problem),
		    "it has version %ld; this onceway reads version " TEXT_OF(FORMAT_VERSION),
		    version);
		return unusable(f, why, problem);
	}
	return is_whole(f, why);
}

/* What is only done to a file that is ours. */
static bool begin_to_write(struct durable_file *f, bool empty, char why[DURABLE_WHY])
{
	char mode[16] = "";
	if (!ask(f, "PRAGMA journal_mode = WAL", mode, sizeof(mode), why))
		return false;
	if (strcmp(mode, "wal") != 0) {
		snprintf(why, DURABLE_WHY,
		    "durable %s: SQLite keeps no write-ahead log there (%s): name a file on "
		    "a local disk",
		    f->path, mode);
		return false;
	}
	if (!execute(f,
		"PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = " LOG_PAGES
		"; PRAGMA journal_size_limit = " LOG_BYTES,
		why))
		return false;
	if (empty && !execute(f, schema, why))
		return false;
	sqlite3_db_config(f->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	for (int i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(f->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			&f->statements[i], NULL) != SQLITE_OK)
			return failed(f, why, "prepare");
	return true;
}

/* ---- loading ---- */

/* *now, *wall: when it was last written, by both clocks. */
static bool read_clock(
    struct durable_file *f, int64_t *now, int64_t *wall, char why[DURABLE_WHY])
{
	sqlite3_stmt *statement = NULL;
	bool good = false;
	if (sqlite3_prepare_v2(f->db, "SELECT now, wall, crc FROM clock WHERE id = 1", -1,
		&statement, NULL) != SQLITE_OK)
		return failed(f, why, "read");
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW) {
		*now = sqlite3_column_int64(statement, 0);
		*wall = sqlite3_column_int64(statement, 1);
		good = sqlite3_column_int64(statement, 2) == crc_of_clock(*now, *wall);
	}
	sqlite3_finalize(statement);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return failed(f, why, "read");
	return good || unusable(f, why, "its clock is damaged");
}

/* Time that went backwards is no time: a life must not become longer than it was. */
static bool set_clock(struct durable_file *f, struct moment now, struct durable_loaded *loaded,
    char why[DURABLE_WHY])
{
	int64_t then = now.wall_ms, wall = then;
	if (!loaded->created && !read_clock(f, &then, &wall, why))
		return false;
	loaded->since_ms = now.wall_ms - wall;
	f->ahead_ms = then + (loaded->since_ms > 0 ? loaded->since_ms : 0) - now.mono_ms;
	return true;
}

static struct ow_text blob(sqlite3_stmt *statement, int column)
{
	const void *data = sqlite3_column_blob(statement, column);
	return (struct ow_text){data, (size_t)sqlite3_column_bytes(statement, column)};
}

/* False: it is not as it was written. */
static bool read_row(sqlite3_stmt *s, struct row *row)
{
	*row = (struct row){.expires = sqlite3_column_int64(s, 1),
	    .since = sqlite3_column_type(s, 2) == SQLITE_NULL ? KEY_SINCE_UNKNOWN
							      : sqlite3_column_int64(s, 2),
	    .key = blob(s, 3),
	    .digest = blob(s, 4),
	    .has_result = sqlite3_column_type(s, 5) != SQLITE_NULL,
	    .result = {.size = sizeof(row->result),
		.status = sqlite3_column_int(s, 5),
		.failed = sqlite3_column_int(s, 6) != 0,
		.content_type = blob(s, 7),
		.body = blob(s, 8)}};
	return sqlite3_column_int64(s, 9) == crc_of(row) &&
	       (row->digest.len == 0 || row->digest.len == OW_DIGEST_SIZE) &&
	       row->result.content_type.len <= UINT16_MAX &&
	       row->key.len <= CHECKPOINT_KEY_MAX &&
	       row->result.body.len <= CHECKPOINT_BODY_MAX;
}

struct loading {
	struct moment now;
	durable_restore_fn *restore;
	void *arg;
	struct durable_loaded *loaded;
};

static void show(const struct durable_file *f, const struct loading *l, const struct row *row)
{
	struct key_restored key = {.key = row->key,
	    .digest = row->digest.len ? (const unsigned char *)row->digest.data : NULL,
	    .result = row->has_result ? &row->result : NULL,
	    .since_ms =
		row->since == KEY_SINCE_UNKNOWN ? KEY_SINCE_UNKNOWN : row->since - f->ahead_ms,
	    .expires_ms = row->expires - f->ahead_ms};
	if (key.expires_ms <= l->now.mono_ms) {
		l->loaded->expired++;
		return;
	}
	l->loaded->alive++;
	if (!l->restore(l->arg, &key))
		l->loaded->no_room++;
}

/* The newest rows first: those of a key that come behind are of the past. */
static bool load(struct durable_file *f, const struct loading *l, char why[DURABLE_WHY])
{
	sqlite3_stmt *statement = NULL;
	const char *sql = "SELECT id, expires, since, key, digest, status, failed, type, body, "
			  "crc FROM keys ORDER BY id DESC";
	bool sound = true;
	int rc = sqlite3_prepare_v2(f->db, sql, -1, &statement, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	for (; rc == SQLITE_ROW && sound; rc = sqlite3_step(statement)) {
		struct row row;
		sound = read_row(statement, &row);
		if (sound) {
			show(f, l, &row);
			continue;
		}
		char problem[80];
		snprintf(problem, sizeof(problem), "row %" PRId64 " is damaged",
		    (int64_t)sqlite3_column_int64(statement, 0));
		unusable(f, why, problem);
	}
	if (sound && rc != SQLITE_DONE)
		sound = failed(f, why, "read");
	sqlite3_finalize(statement);
	return sound;
}

bool durable_file_open(struct durable_file *f, struct moment now, durable_restore_fn *restore,
    void *arg, struct durable_loaded *loaded, char why[DURABLE_WHY])
{
	struct loading l = {.now = now, .restore = restore, .arg = arg, .loaded = loaded};
	*loaded = (struct durable_loaded){.alive = 0};
	if (!prepare(f, &loaded->created, why) || !open_database(f, why))
		return false;
	if (!loaded->created && !examine(f, &loaded->created, why))
		return false;
	if (!set_clock(f, now, loaded, why))
		return false;
	if (!loaded->created && !load(f, &l, why))
		return false;
	/* The first transaction shows that there can be others. */
	return begin_to_write(f, loaded->created, why) && durable_file_begin(f, why) &&
	       durable_file_commit(f, now, why);
}

/* ---- writing ---- */

static void bind_text(sqlite3_stmt *statement, int at, struct ow_text text)
{
	if (text.len)
		sqlite3_bind_blob64(statement, at, text.data, text.len, SQLITE_STATIC);
}

/* Carries out a statement with what is bound to it. False: the transaction has ended. */
static bool step(struct durable_file *f, enum statement which, char why[DURABLE_WHY])
{
	sqlite3_stmt *statement = f->statements[which];
	errno = 0;
	bool good = sqlite3_step(statement) == SQLITE_DONE || failed(f, why, "write");
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (good)
		return true;
	/* SQLite may have ended it by itself; then there is nothing to roll back. */
	if (!sqlite3_get_autocommit(f->db))
		sqlite3_step(f->statements[ROLLBACK]);
	sqlite3_reset(f->statements[ROLLBACK]);
	return false;
}

/* What is written to a file without its name is gone with this process. */
static bool is_in_place(const struct durable_file *f, char why[DURABLE_WHY])
{
	struct stat st;
	bool there = stat(f->path, &st) == 0;
	if (there && st.st_dev == f->device && st.st_ino == f->inode)
		return true;
	if (!there && errno != ENOENT)
		return cannot(f, why, "find", errno);
	snprintf(why, DURABLE_WHY,
	    "durable: %s was %s while it is in use: bring it back, or restart Onceway", f->path,
	    there ? "replaced" : "removed");
	return false;
}

bool durable_file_begin(struct durable_file *f, char why[DURABLE_WHY])
{
	return is_in_place(f, why) && step(f, BEGIN, why);
}

bool durable_file_put(
    struct durable_file *f, const struct key_entry *entry, char why[DURABLE_WHY])
{
	sqlite3_stmt *s = f->statements[PUT];
	const unsigned char *digest = key_entry_digest(entry);
	int64_t since = entry->is.result.since_ms;
	struct row row = {.expires = entry->expires_ms + f->ahead_ms,
	    .since = since == KEY_SINCE_UNKNOWN ? since : since + f->ahead_ms,
	    .key = {entry->bytes, entry->key_len},
	    .digest = {(const char *)digest, digest ? OW_DIGEST_SIZE : 0}};
	row.has_result = key_entry_result(entry, &row.result);
	sqlite3_bind_int64(s, 1, row.expires);
	if (row.since != KEY_SINCE_UNKNOWN)
		sqlite3_bind_int64(s, 2, row.since);
	sqlite3_bind_blob64(s, 3, row.key.data, row.key.len, SQLITE_STATIC);
	bind_text(s, 4, row.digest);
	if (row.has_result) {
		sqlite3_bind_int(s, 5, row.result.status);
		sqlite3_bind_int(s, 6, row.result.failed);
		bind_text(s, 7, row.result.content_type);
		bind_text(s, 8, row.result.body);
	}
	sqlite3_bind_int64(s, 9, crc_of(&row));
	return step(f, PUT, why);
}

bool durable_file_remove(
    struct durable_file *f, struct ow_text key, int64_t expires_ms, char why[DURABLE_WHY])
{
	sqlite3_stmt *s = f->statements[REMOVE];
	sqlite3_bind_int64(s, 1, expires_ms + f->ahead_ms);
	sqlite3_bind_blob64(s, 2, key.data, key.len, SQLITE_STATIC);
	return step(f, REMOVE, why);
}

bool durable_file_expire(
    struct durable_file *f, int64_t now_ms, unsigned max, unsigned *gone, char why[DURABLE_WHY])
{
	sqlite3_stmt *s = f->statements[EXPIRE];
	sqlite3_bind_int64(s, 1, now_ms + f->ahead_ms);
	sqlite3_bind_int64(s, 2, max);
	bool good = step(f, EXPIRE, why);
	*gone = good ? (unsigned)sqlite3_changes(f->db) : 0;
	return good;
}

bool durable_file_has_expired(struct durable_file *f, int64_t now_ms)
{
	sqlite3_stmt *s = f->statements[HAS_EXPIRED];
	sqlite3_bind_int64(s, 1, now_ms + f->ahead_ms);
	bool some = sqlite3_step(s) == SQLITE_ROW;
	sqlite3_reset(s);
	return some;
}

bool durable_file_commit(struct durable_file *f, struct moment now, char why[DURABLE_WHY])
{
	sqlite3_stmt *s = f->statements[CLOCK];
	int64_t ours = now.mono_ms + f->ahead_ms;
	sqlite3_bind_int64(s, 1, ours);
	sqlite3_bind_int64(s, 2, now.wall_ms);
	sqlite3_bind_int64(s, 3, crc_of_clock(ours, now.wall_ms));
	return step(f, CLOCK, why) && step(f, COMMIT, why);
}
