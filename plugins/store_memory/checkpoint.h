/*
 * The thread that reads and writes a store's checkpoint, so that no worker ever
 * waits for the disk. Made by the first who starts; ended with the store.
 *
 * It knows instances only as somebody to tell: through a function that may be
 * called from any thread, and hands over to theirs.
 */
#ifndef STORE_MEMORY_CHECKPOINT_H
#define STORE_MEMORY_CHECKPOINT_H

#include "store_memory/checkpoint_keys.h"

struct checkpoint;

/* Who wants to know. Embedded in an instance; one thing at a time. */
struct checkpoint_listener {
	/* Called from the thread, under its lock: only passes the word on. */
	void (*tell)(struct checkpoint_listener *listener);
	struct checkpoint_listener *next; /* the thread's */
	bool waiting;
};

/* What came of the last load and of all saves. */
struct checkpoint_news {
	bool loaded, load_failed;
	struct keys_loaded load;
	uint64_t saves, errors;	      /* so far */
	bool save_failed;	      /* the last one */
	struct checkpoint_saved save; /* the last that worked, */
	struct moment save_time;      /* and as of when */
	char why[CHECKPOINT_WHY];     /* of the last failure */
};

struct checkpoint *checkpoint_new(struct memory *m, const char *path);
/* Ends the thread, in the middle of a save if need be. NULL is fine. */
void checkpoint_free(struct checkpoint *c);

/*
 * Loads, once; tells the listener when that is done, at once if it is. False:
 * there can be no thread. The listener lives until it is told or forgotten.
 */
bool checkpoint_load(
    struct checkpoint *c, struct moment now, struct checkpoint_listener *listener);

/*
 * Saves what is finished as of now and tells the listener; does nothing while
 * that still waits for a save. False, and nothing is told, if it did not load:
 * what it could not read must not be overwritten.
 */
bool checkpoint_save(
    struct checkpoint *c, struct moment now, struct checkpoint_listener *listener);
/* The same, for the last time: a save under way is broken off. */
bool checkpoint_save_last(
    struct checkpoint *c, struct moment now, struct checkpoint_listener *listener);

/* What the thread allocated while it loaded has been freed in large numbers: alloc_settle(). */
void checkpoint_settle(struct checkpoint *c);

void checkpoint_news(struct checkpoint *c, struct checkpoint_news *news);
void checkpoint_forget(struct checkpoint *c, struct checkpoint_listener *listener);

#endif
