#include "store_redis/leases.h"

#include <string.h>

#include "lib/alloc.h"
#include "store_redis/chain_map.h"

/*
 * As many claims as a worker can hold; more than all routes' max_inflight would
 * be. Beyond it a claim that expired can only not be restored.
 */
#define LEASES_MAX 1000000

struct lease {
	struct chain chain;
	unsigned char token[OW_TOKEN_SIZE];
	int64_t until_ms;
};

struct leases {
	struct chain_map map;
};

/* Tokens are random: a part of one is a hash. */
static uint64_t hash_of(const unsigned char *token)
{
	uint64_t hash;
	memcpy(&hash, token, sizeof(hash));
	return hash;
}

static struct lease *find(struct leases *leases, const unsigned char *token)
{
	struct chain *it = chain_first(&leases->map, hash_of(token));
	for (; it; it = chain_next(it))
		if (memcmp(((struct lease *)it)->token, token, OW_TOKEN_SIZE) == 0)
			return (struct lease *)it;
	return NULL;
}

struct leases *leases_new(void)
{
	return alloc_zero(1, sizeof(struct leases));
}

void leases_free(struct leases *leases)
{
	if (!leases)
		return;
	for (size_t i = 0; i < leases->map.size; i++)
		while (leases->map.buckets[i]) {
			struct chain *it = leases->map.buckets[i];
			leases->map.buckets[i] = it->next;
			free(it);
		}
	chain_map_fini(&leases->map);
	free(leases);
}

void lease_set(struct leases *leases, const unsigned char *token, int64_t until_ms)
{
	struct lease *lease = find(leases, token);
	if (!lease) {
		if (leases->map.count >= LEASES_MAX)
			return;
		lease = alloc_zero(1, sizeof(*lease));
		memcpy(lease->token, token, OW_TOKEN_SIZE);
		chain_add(&leases->map, &lease->chain, hash_of(token));
	}
	lease->until_ms = until_ms;
}

bool lease_holds(struct leases *leases, const unsigned char *token, int64_t now_ms)
{
	struct lease *lease = find(leases, token);
	return lease && now_ms < lease->until_ms;
}

void lease_drop(struct leases *leases, const unsigned char *token)
{
	struct lease *lease = find(leases, token);
	if (!lease)
		return;
	chain_remove(&leases->map, &lease->chain);
	free(lease);
}
