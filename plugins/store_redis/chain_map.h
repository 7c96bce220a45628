/*
 * A hash table whose members carry their own links. It grows; it never shrinks,
 * for what it holds is bounded by configuration. Who uses it compares the keys:
 *
 *	for (struct chain *it = chain_first(map, hash); it; it = chain_next(it))
 *		if (equal(it, key))
 *			...
 */
#ifndef STORE_REDIS_CHAIN_MAP_H
#define STORE_REDIS_CHAIN_MAP_H

#include <stddef.h>
#include <stdint.h>

struct chain {
	struct chain *next;
	uint64_t hash;
};

struct chain_map {
	struct chain **buckets; /* NULL until the first member */
	size_t size;		/* a power of two */
	size_t count;
};

/* Members are not freed. */
void chain_map_fini(struct chain_map *map);

/* member is in no map. */
void chain_add(struct chain_map *map, struct chain *member, uint64_t hash);
/* member is in this map. */
void chain_remove(struct chain_map *map, struct chain *member);

/* The first and the next member of that hash. */
struct chain *chain_first(const struct chain_map *map, uint64_t hash);
struct chain *chain_next(const struct chain *member);

#endif
