/*
 * Counts the keys that live in Redis, and says how many events of late were
 * duplicates. Redis itself removes what has expired. One worker of the process
 * does it.
 */
#ifndef STORE_REDIS_SWEEPER_H
#define STORE_REDIS_SWEEPER_H

#include "store_redis/store.h"

struct sweeper *sweeper_new(struct store *s);
void sweeper_free(struct sweeper *w); /* the nodes are gone; NULL is fine */

void sweeper_start(struct sweeper *w);
void sweeper_stop(struct sweeper *w);

#endif
