/*
 * One worker's part in the checkpoints of a store: when they are read and
 * written, and what is said about it. All workers wait for the one that loads;
 * the first one made keeps the time, and the last one to drain writes the last.
 */
#ifndef STORE_MEMORY_PERSISTENCE_H
#define STORE_MEMORY_PERSISTENCE_H

#include "store_memory/checkpoint.h"

struct persistence;

/* Borrowed for its life. */
struct persistence_parts {
	const struct ow_host *host;
	struct ow_instance *self;
	const char *path;
	int64_t interval_ms; /* 0: only at the end */
	struct checkpoint *checkpoint;
	bool speaks; /* for all workers */
	/* The keys are there: called before start's operation is finished. */
	void (*loaded)(void *arg, const struct keys_loaded *loaded);
	void *arg;
};

struct persistence *persistence_new(const struct persistence_parts *parts);
void persistence_free(struct persistence *p); /* NULL is fine */

/* Finish the operation, later. */
void persistence_start(struct persistence *p, struct ow_op *op);
/* last: the others have drained and have nothing under way that could change a key. */
void persistence_drain(struct persistence *p, struct ow_op *op, bool last);

#endif
