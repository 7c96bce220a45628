/*
 * The answer to CLUSTER SLOTS: which node serves which slots. (CLUSTER SHARDS,
 * its successor, came with Redis 7.0 only, and says nothing more that we need.)
 */
#ifndef STORE_REDIS_SLOT_MAP_H
#define STORE_REDIS_SLOT_MAP_H

#include <hiredis/hiredis.h>
#include <onceway/plugin.h>

#include "store_redis/slot.h"

#define SLOT_NODES_MAX 1000
#define SLOT_NOBODY    UINT16_MAX

/* A node, as the cluster announces it. */
struct slot_place {
	struct ow_text host; /* "": the host that was asked */
	int port;
};

struct slot_map {
	struct slot_place places[SLOT_NODES_MAX]; /* masters; hosts lie in the reply */
	size_t count;
	uint16_t owner[SLOTS]; /* which of them; SLOT_NOBODY */
	bool unnamed; /* of those without an owner, some have one that cannot be named */
};

/* NULL, or a static phrase: why this is no such answer. max: of nodes. */
const char *slot_map_read(const struct redisReply *reply, size_t max, struct slot_map *map);

/* Whether one can connect to that: no bytes that no name or address has, and a port (0: none).
 */
bool slot_place_is_sound(struct ow_text host, int port);

#endif
