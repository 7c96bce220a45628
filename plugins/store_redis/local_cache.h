/*
 * Finished keys that this worker has seen: a duplicate of one is answered
 * without asking Redis. Bounded by count; the one that was learned first makes
 * room. Never holds a claim, nor what another program wrote and may take back.
 * The digest of the payload is kept with it, so that the core can compare it as
 * it would with Redis' own answer.
 */
#ifndef STORE_REDIS_LOCAL_CACHE_H
#define STORE_REDIS_LOCAL_CACHE_H

#include <onceway/plugin.h>

struct local_cache;

struct cached {
	int64_t since_ms;   /* the commit, by this process' monotonic clock */
	int64_t expires_ms; /* likewise */
	bool has_result, has_digest;
	struct ow_result result; /* texts belong to the cache, until its next change */
	unsigned char digest[OW_DIGEST_SIZE];
};

/* max > 0. */
struct local_cache *local_cache_new(size_t max);
void local_cache_free(struct local_cache *cache); /* NULL is fine */

/* hash: of the key. NULL: not known, or expired. Valid until the next change. */
const struct cached *local_cache_get(
    struct local_cache *cache, struct ow_text key, uint64_t hash, int64_t now_ms);
/* Copies all; replaces what is there. */
void local_cache_put(
    struct local_cache *cache, struct ow_text key, uint64_t hash, const struct cached *what);
size_t local_cache_count(const struct local_cache *cache);

#endif
