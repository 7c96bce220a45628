/*
 * Between the memory and its file: which keys are written, and how they come
 * back. May wait for the disk.
 */
#ifndef STORE_MEMORY_CHECKPOINT_KEYS_H
#define STORE_MEMORY_CHECKPOINT_KEYS_H

#include <stdatomic.h>

#include "lib/checkpoint_file.h"
#include "store_memory/memory.h"
#include "store_memory/moment.h"

struct keys_loaded {
	struct checkpoint_loaded file;
	uint64_t no_room; /* of those that live on */
};

enum keys_end {
	KEYS_SAVED = 1,
	KEYS_STOPPED, /* because *stop became true */
	KEYS_FAILED
};

/* Brings back what lives on. After a failure the memory may hold a part of it. */
bool keys_load(struct checkpoint_file *f, struct memory *m, struct moment now,
    struct keys_loaded *loaded, char why[CHECKPOINT_WHY]);

/* Replaces the file by what is finished, as of now or a little later. */
enum keys_end keys_save(struct checkpoint_file *f, struct memory *m, struct moment now,
    atomic_bool *stop, struct checkpoint_saved *saved, char why[CHECKPOINT_WHY]);

#endif
