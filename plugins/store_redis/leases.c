#include "store_redis/leases.h"

#include <string.h>

#include "lib/alloc.h"
#include "store_redis/chain_map.h"

/*
 * More claims than a worker can hold at once. Beyond it a claim that expired
 * can only not be restored.
 */
#define LEASES_MAX 1000000

/* Expired ones forgotten with each new one: those whose end was never told. */
#define EXPIRE_STEP 2

struct lease {
	struct chain chain;
	struct lease *older, *newer; /* in the order they were set */
	unsigned char token[OW_TOKEN_SIZE];
	int64_t until_ms;
};

struct leases {
	struct chain_map map;
	struct lease *oldest, *newest;
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

static void append(struct leases *leases, struct lease *lease)
{
	lease->newer = NULL;
	lease->older = leases->newest;
	*(leases->newest ? &leases->newest->newer : &leases->oldest) = lease;
	leases->newest = lease;
}

static void take_out(struct leases *leases, struct lease *lease)
{
	*(lease->older ? &lease->older->newer : &leases->oldest) = lease->newer;
	*(lease->newer ? &lease->newer->older : &leases->newest) = lease->older;
}

static void drop(struct leases *leases, struct lease *lease)
{
	take_out(leases, lease);
	chain_remove(&leases->map, &lease->chain);
	free(lease);
}

void leases_free(struct leases *leases)
{
	if (!leases)
		return;
	while (leases->oldest)
		drop(leases, leases->oldest);
	chain_map_fini(&leases->map);
	free(leases);
}

static struct lease *add(struct leases *leases, const unsigned char *token, int64_t now_ms)
{
	for (int i = 0; i < EXPIRE_STEP; i++)
		if (leases->oldest && now_ms >= leases->oldest->until_ms)
			drop(leases, leases->oldest);
	if (leases->map.count >= LEASES_MAX)
		return NULL;
	struct lease *lease = alloc_zero(1, sizeof(*lease));
	memcpy(lease->token, token, OW_TOKEN_SIZE);
	chain_add(&leases->map, &lease->chain, hash_of(token));
	return lease;
}

void lease_set(
    struct leases *leases, const unsigned char *token, int64_t until_ms, int64_t now_ms)
{
	struct lease *lease = find(leases, token);
	if (lease)
		take_out(leases, lease);
	else
		lease = add(leases, token, now_ms);
	if (!lease)
		return;
	lease->until_ms = until_ms;
	append(leases, lease);
}

bool lease_holds(struct leases *leases, const unsigned char *token, int64_t now_ms)
{
	struct lease *lease = find(leases, token);
	return lease && now_ms < lease->until_ms;
}

void lease_drop(struct leases *leases, const unsigned char *token)
{
	struct lease *lease = find(leases, token);
	if (lease)
		drop(leases, lease);
}
