/*
 * Brings back into Redis what the checkpoint's file holds and Redis has lost:
 * read on the thread for errands, some keys at a time, which are sent here
 * before the next ones are read. What stands in Redis is never touched.
 */
#ifndef STORE_REDIS_RESTORE_H
#define STORE_REDIS_RESTORE_H

#include "lib/checkpoint_file.h"
#include "lib/errands.h"
#include "store_redis/store.h"

struct restore;

struct restore_end {
	bool whole; /* all that lives on stands in Redis */
	struct checkpoint_loaded loaded;
	uint64_t restored, present;
	char why[CHECKPOINT_WHY]; /* not whole */
};

typedef void restore_fn(struct store *s, const struct restore_end *end);

/* All borrowed. */
struct restore *restore_new(
    struct store *s, struct checkpoint_file *file, struct errands *errands, restore_fn *done);
/* The nodes are gone. Waits for the thread. NULL is fine. */
void restore_free(struct restore *r);

/* Calls done when it has ended, on the loop; one at a time. */
void restore_begin(struct restore *r);
/* Ends it soon. Nothing happens if none is under way. */
void restore_stop(struct restore *r);

#endif
