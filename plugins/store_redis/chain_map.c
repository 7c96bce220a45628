#include "store_redis/chain_map.h"

#include "lib/alloc.h"

#define SIZE_MIN 16

void chain_map_fini(struct chain_map *map)
{
	free(map->buckets);
	*map = (struct chain_map){0};
}

static struct chain **bucket_of(const struct chain_map *map, uint64_t hash)
{
	return &map->buckets[hash & (map->size - 1)];
}

static void grow(struct chain_map *map)
{
	struct chain_map old = *map;
	map->size = old.size ? old.size * 2 : SIZE_MIN;
	map->buckets = alloc_zero(map->size, sizeof(*map->buckets));
	for (size_t i = 0; i < old.size; i++)
		while (old.buckets[i]) {
			struct chain *member = old.buckets[i];
			struct chain **bucket = bucket_of(map, member->hash);
			old.buckets[i] = member->next;
			member->next = *bucket;
			*bucket = member;
		}
	free(old.buckets);
}

void chain_add(struct chain_map *map, struct chain *member, uint64_t hash)
{
	if (map->count == map->size)
		grow(map);
	struct chain **bucket = bucket_of(map, hash);
	member->hash = hash;
	member->next = *bucket;
	*bucket = member;
	map->count++;
}

void chain_remove(struct chain_map *map, struct chain *member)
{
	struct chain **at = bucket_of(map, member->hash);
	while (*at != member)
		at = &(*at)->next;
	*at = member->next;
	map->count--;
}

static struct chain *from_here(struct chain *member, uint64_t hash)
{
	while (member && member->hash != hash)
		member = member->next;
	return member;
}

struct chain *chain_first(const struct chain_map *map, uint64_t hash)
{
	return map->count ? from_here(*bucket_of(map, hash), hash) : NULL;
}

struct chain *chain_next(const struct chain *member)
{
	return from_here(member->next, member->hash);
}
