/*
 * One worker's part in keeping keys on disk as they are committed: commits that
 * wait for the disk or for room, when what waits is written, and what is said
 * about it. The first one made speaks and keeps the time for all.
 */
#ifndef STORE_MEMORY_DURABILITY_H
#define STORE_MEMORY_DURABILITY_H

#include "store_memory/durable.h"

struct durability;

/* Borrowed for its life. */
struct durability_parts {
	const struct ow_host *host;
	struct ow_instance *self;
	struct durable *durable;
	const char *path;
	int64_t sync_ms; /* below 0: always, a commit is finished when it is on disk */
	bool speaks;
	/* The keys are there: called before start's operation is finished. */
	void (*loaded)(void *arg, const struct durable_loaded *loaded);
	/* Renews the claim of a commit. False: it is lost, and the operation finished. */
	bool (*hold)(void *arg, struct ow_op *op, const struct ow_claim *claim);
	/* Finishes the key, as of then, and the operation. */
	void (*finish)(void *arg, struct ow_op *op, const struct ow_claim *claim,
	    const struct ow_result *kept, int64_t now_ms);
	void *arg;
};

struct durability *durability_new(const struct durability_parts *parts);
void durability_free(struct durability *d); /* NULL is fine */

/* Finish the operation, later. */
void durability_start(struct durability *d, struct ow_op *op);
/* last: the others have drained and have nothing under way. */
void durability_drain(struct durability *d, struct ow_op *op, bool last);

/* Commits, with what of the result is to be kept. claim and its texts are borrowed as ever. */
void durability_commit(struct durability *d, struct ow_op *op, const struct ow_claim *claim,
    const struct ow_result *kept);
/* Finishes a commit that still waits, with FAIL. */
void durability_cancel(struct durability *d, struct ow_op *op);

/* A finished key lives longer than it did, or is forgotten. Its shard is locked. */
void durability_slid(
    struct durability *d, const struct key_entry *entry, int64_t window_ms, int64_t before_ms);
void durability_gone(struct durability *d, const struct key_entry *entry);

/* True unless commits fail. */
bool durability_ready(const struct durability *d, const char **why);

#endif
