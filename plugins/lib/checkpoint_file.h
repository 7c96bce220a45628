/*
 * The file behind a store: read whole, and replaced whole. Beside it stand
 * FILE.lock, which says that somebody uses it, and for a while FILE.tmp.
 *
 * Everything here may wait for the disk: not for a worker's thread.
 */
#ifndef LIB_CHECKPOINT_FILE_H
#define LIB_CHECKPOINT_FILE_H

#include "lib/checkpoint_format.h"

/* Room for what went wrong, with the file's name and what to do. */
#define CHECKPOINT_WHY 512

/* Enough to be written at once, and so about the size of a block. */
#define CHECKPOINT_WRITE_BYTES (256 << 10)

struct checkpoint_file;

struct checkpoint_loaded {
	bool found;
	bool is_json;	  /* the tutorial's */
	int64_t since_ms; /* since it was written; below 0 when the clock was set back */
	uint64_t alive, expired;
};

struct checkpoint_saved {
	uint64_t keys, bytes;
};

struct checkpoint_file *checkpoint_file_new(const char *path);
void checkpoint_file_free(struct checkpoint_file *f); /* lets others use it; NULL is fine */

const char *checkpoint_file_path(const struct checkpoint_file *f); /* lives as long */

/*
 * Makes sure that nobody else uses the file and that it can be replaced. False
 * with why, as all of these: one phrase.
 */
bool checkpoint_file_open(struct checkpoint_file *f, char why[CHECKPOINT_WHY]);

/*
 * A key that lives on. Its times are as of now; since the time of its commit
 * may lie ahead of the header's, age_ms is never below 0. False: enough.
 */
typedef bool checkpoint_restore_fn(void *arg, const struct checkpoint_record *record);

/*
 * Shows what lives on. The file is not changed; before a failure a part of it
 * may have been shown. That it was enough is one, too.
 */
bool checkpoint_file_load(struct checkpoint_file *f, int64_t now_wall_ms,
    checkpoint_restore_fn *restore, void *arg, struct checkpoint_loaded *loaded,
    char why[CHECKPOINT_WHY]);

/*
 * Begins to replace the file, as of now; either wholly or not at all. Records
 * are encoded to what it returns, borrowed until the end; NULL with why.
 * Only one at a time.
 */
struct checkpoint_encoder *checkpoint_file_begin(
    struct checkpoint_file *f, int64_t now_wall_ms, char why[CHECKPOINT_WHY]);
/* Writes what was encoded. False: that was the end of it; the file is as it was. */
bool checkpoint_file_write(struct checkpoint_file *f, char why[CHECKPOINT_WHY]);
/* Ends it: now the file is the new one, or as it was. */
bool checkpoint_file_finish(
    struct checkpoint_file *f, struct checkpoint_saved *saved, char why[CHECKPOINT_WHY]);
/* Ends it without anything. Nothing happens if it has ended. */
void checkpoint_file_abandon(struct checkpoint_file *f);

#endif
