/*
 * Finished keys in a SQLite database: what `durable: FILE` names. One
 * transaction is one fsync; what it holds is on disk when it ends, or not at all.
 *
 *	keys	one row for each time a key was finished, or its life became
 *		longer; the newest of a key counts. There is no index by key:
 *		rows are only added at the end and taken away when they expire,
 *		so a row costs its own bytes and not a page
 *	clock	the file's time, by which keys expire, beside the wall clock
 *
 * The file's time goes on as long as a process lives, whoever sets the wall
 * clock; between two processes the wall clock counts, but never backwards.
 * Each row stands under a CRC-32C.
 *
 * Everything here may wait for the disk: not for a worker's thread. Whoever
 * calls sees to it that it is one at a time.
 */
#ifndef STORE_MEMORY_DURABLE_FILE_H
#define STORE_MEMORY_DURABLE_FILE_H

#include "store_memory/key_entry.h"
#include "store_memory/moment.h"

/* Room for what went wrong, with the file's name and what to do. */
#define DURABLE_WHY 512

struct durable_file;

struct durable_loaded {
	bool created;
	int64_t since_ms; /* since it was last written; below 0 when the clock was set back */
	uint64_t alive;
	uint64_t no_room; /* of those */
	uint64_t expired;
};

/* False: there is no room for it. The key is borrowed. */
typedef bool durable_restore_fn(void *arg, const struct key_restored *key);

struct durable_file *durable_file_new(const char *path);
void durable_file_free(struct durable_file *f); /* lets others use it; NULL is fine */

/*
 * Opens or makes the file, which nobody else can use from then on, and shows
 * the keys that live on, each once. False with why: one phrase; the file is as it was.
 */
bool durable_file_open(struct durable_file *f, struct moment now, durable_restore_fn *restore,
    void *arg, struct durable_loaded *loaded, char why[DURABLE_WHY]);

/*
 * A transaction: all between the two is on disk when commit() returns true.
 * After false, with why, nothing of it is, and it has ended.
 */
bool durable_file_begin(struct durable_file *f, char why[DURABLE_WHY]);
bool durable_file_put(
    struct durable_file *f, const struct key_entry *entry, char why[DURABLE_WHY]);
/* The row of that key and end of life; nothing, if there is none. */
bool durable_file_remove(
    struct durable_file *f, struct ow_text key, int64_t expires_ms, char why[DURABLE_WHY]);
/* At most so many of those that have expired; *gone: how many. */
bool durable_file_expire(struct durable_file *f, int64_t now_ms, unsigned max, unsigned *gone,
    char why[DURABLE_WHY]);
/* Outside of a transaction: whether there are such. */
bool durable_file_has_expired(struct durable_file *f, int64_t now_ms);
bool durable_file_commit(struct durable_file *f, struct moment now, char why[DURABLE_WHY]);

#endif
