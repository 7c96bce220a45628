/*
 * The file behind a store: read once, replaced as a whole ever after. Beside it
 * stand FILE.lock, which says that somebody uses it, and for a while FILE.tmp.
 *
 * Everything here may wait for the disk: not for a worker's thread.
 */
#ifndef STORE_MEMORY_CHECKPOINT_FILE_H
#define STORE_MEMORY_CHECKPOINT_FILE_H

#include <stdatomic.h>

#include "store_memory/memory.h"

/* Room for what went wrong, with the file's name and what to do. */
#define CHECKPOINT_WHY 512

struct checkpoint_file;

/* The same moment by both clocks. */
struct checkpoint_time {
	int64_t mono_ms;
	int64_t wall_ms;
};

struct checkpoint_loaded {
	bool found;
	bool is_json;	  /* the tutorial's */
	int64_t since_ms; /* since it was written; below 0 when the clock was set back */
	uint64_t restored, expired, no_room;
};

struct checkpoint_saved {
	uint64_t keys, bytes;
};

enum checkpoint_end {
	CHECKPOINT_DONE = 1,
	CHECKPOINT_STOPPED, /* because *stop became true */
	CHECKPOINT_FAILED
};

struct checkpoint_file *checkpoint_file_new(const char *path);
void checkpoint_file_free(struct checkpoint_file *f); /* lets others use it; NULL is fine */

/*
 * Makes sure that nobody else uses the file and that it can be replaced. False
 * with why, as all of these: one phrase.
 */
bool checkpoint_file_open(struct checkpoint_file *f, char why[CHECKPOINT_WHY]);

/*
 * Brings back what lives on. The file is not changed; after a failure the
 * memory may hold a part of it.
 */
bool checkpoint_file_load(struct checkpoint_file *f, struct memory *m,
    struct checkpoint_time now, struct checkpoint_loaded *loaded, char why[CHECKPOINT_WHY]);

/*
 * Replaces the file by what is finished, as of now or a little later; either
 * wholly or not at all.
 */
enum checkpoint_end checkpoint_file_save(struct checkpoint_file *f, struct memory *m,
    struct checkpoint_time now, atomic_bool *stop, struct checkpoint_saved *saved,
    char why[CHECKPOINT_WHY]);

#endif
