/*
 * Writes the finished keys that live in Redis to the checkpoint's file: looked
 * for by SCAN, read a few at a time, and encoded here; the file itself is
 * written on the thread for errands, and nothing more is asked for meanwhile.
 * So what it holds in memory is bounded, whatever lives in Redis.
 */
#ifndef STORE_REDIS_SNAPSHOT_H
#define STORE_REDIS_SNAPSHOT_H

#include "lib/checkpoint_file.h"
#include "lib/errands.h"
#include "store_redis/store.h"

struct snapshot;

struct snapshot_end {
	bool saved;   /* else nothing is replaced */
	bool stopped; /* because snapshot_stop() was called */
	struct checkpoint_saved size;
	int64_t wall_ms, mono_ms; /* as of when */
	char why[CHECKPOINT_WHY]; /* not saved, not stopped */
};

typedef void snapshot_fn(struct store *s, const struct snapshot_end *end);

/* All borrowed. */
struct snapshot *snapshot_new(
    struct store *s, struct checkpoint_file *file, struct errands *errands, snapshot_fn *done);
/* The nodes are gone. Waits for the thread. NULL is fine. */
void snapshot_free(struct snapshot *p);

/* Calls done when it has ended, on the loop; one at a time. */
void snapshot_begin(struct snapshot *p);
/* Ends it soon. Not when none is under way. */
void snapshot_stop(struct snapshot *p);

#endif
