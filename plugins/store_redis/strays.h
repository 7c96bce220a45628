/*
 * Claims that may be ours although nobody here holds them: the connection was
 * lost between asking and being answered. Left alone, each would keep its event
 * waiting for `lock`. So they are remembered, bounded, and released by their
 * token once Redis is back; more than once, for a server that hung may carry
 * out what it was sent long ago only after that.
 */
#ifndef STORE_REDIS_STRAYS_H
#define STORE_REDIS_STRAYS_H

#include "store_redis/store.h"

struct strays *strays_new(struct store *s);
void strays_free(struct strays *strays); /* the nodes are gone; NULL is fine */

/* Copies key and token. */
void strays_add(struct strays *strays, const struct ow_claim *claim);
/* Redis is there: begin. */
void strays_release(struct strays *strays);
size_t strays_count(const struct strays *strays);

#endif
