/*
 * Keeps the checkpoint: restores it when Redis is reached, at start and each
 * time it was lost meanwhile; writes it on a timer and at the end. The first
 * worker's keeper does it for all workers; the others' ask it, by posts.
 *
 * The file is replaced only while all that lives on of it stands in Redis: a
 * Redis that came back empty must not empty the checkpoint too.
 */
#ifndef STORE_REDIS_KEEPER_H
#define STORE_REDIS_KEEPER_H

#include "store_redis/store.h"

struct keeper;

/* On the main thread. `begun` is called once after keeper_begin(): see there. */
struct keeper *keeper_new(struct store *s, void (*begun)(struct store *s, const char *why));
/* The nodes are gone. Waits for the thread. NULL is fine. */
void keeper_free(struct keeper *k);

/*
 * Looks at the file. Begun, with why NULL, when its keys are restored or Redis
 * cannot be reached; why: the file cannot be used.
 */
void keeper_begin(struct keeper *k);

/* Redis is reached, or cannot be; once. */
void keeper_tried(struct keeper *k);
/* One of its servers serves; and one does not, or a try has failed. */
void keeper_opened(struct keeper *k);
void keeper_lost(struct keeper *k);

/* Finishes the operation: the first worker's when the last checkpoint is written. */
void keeper_drain(struct keeper *k, struct ow_op *op);

#endif
