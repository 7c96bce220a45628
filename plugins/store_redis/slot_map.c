#include "store_redis/slot_map.h"

#include <string.h>

#define HOST_MAX 255

bool slot_place_is_sound(struct ow_text host, int port)
{
	if (host.len > HOST_MAX || port == 0)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.data[i];
		/* '?' stands for a node that knows no name of itself. */
		if (c <= ' ' || c > '~' || strchr("?/@\"'\\", c))
			return false;
	}
	return true;
}

static bool is_same(const struct slot_place *a, const struct slot_place *b)
{
	return a->port == b->port && a->host.len == b->host.len &&
	       (a->host.len == 0 || memcmp(a->host.data, b->host.data, a->host.len) == 0);
}

/* Its number in the map; -1: there are too many. */
static int number_of(struct slot_map *map, const struct slot_place *place, size_t max)
{
	size_t i = map->count;
	/* Ranges of one node often follow each other. */
	while (i > 0)
		if (is_same(&map->places[--i], place))
			return (int)i;
	if (map->count >= max)
		return -1;
	map->places[map->count] = *place;
	return (int)map->count++;
}

/* The master's entry of a range: host or nil, port, and more that may come later. */
static bool read_place(const struct redisReply *reply, struct slot_place *place)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 ||
	    reply->element[1]->type != REDIS_REPLY_INTEGER)
		return false;
	const struct redisReply *host = reply->element[0];
	if (host->type != REDIS_REPLY_STRING && host->type != REDIS_REPLY_NIL)
		return false;
	*place = (struct slot_place){{"", 0}, 0};
	if (host->type == REDIS_REPLY_STRING)
		place->host = (struct ow_text){host->str, host->len};
	if (reply->element[1]->integer > 0 && reply->element[1]->integer <= 65535)
		place->port = (int)reply->element[1]->integer;
	return true;
}

static bool read_slot(const struct redisReply *reply, unsigned *slot)
{
	if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer >= SLOTS)
		return false;
	*slot = (unsigned)reply->integer;
	return true;
}

static const char *read_range(const struct redisReply *range, size_t max, struct slot_map *map)
{
	static const char odd[] = "CLUSTER SLOTS is answered with something else";
	struct slot_place place;
	unsigned first, last;
	if (range->type != REDIS_REPLY_ARRAY || range->elements < 3 ||
	    !read_slot(range->element[0], &first) || !read_slot(range->element[1], &last) ||
	    first > last || !read_place(range->element[2], &place))
		return odd;
	if (!slot_place_is_sound(place.host, place.port)) {
		map->unnamed = true;
		return NULL;
	}
	int number = number_of(map, &place, max);
	if (number < 0)
		return "the cluster has more master nodes than max_nodes: raise it";
	for (unsigned i = first; i <= last; i++)
		map->owner[i] = (uint16_t)number;
	return NULL;
}

const char *slot_map_read(const struct redisReply *reply, size_t max, struct slot_map *map)
{
	map->count = 0;
	map->unnamed = false;
	memset(map->owner, 0xff, sizeof(map->owner)); /* SLOT_NOBODY */
	if (reply->type != REDIS_REPLY_ARRAY)
		return "CLUSTER SLOTS is refused or not understood";
	if (reply->elements > SLOTS)
		return "CLUSTER SLOTS is answered with more ranges than there are slots";
	const char *problem = NULL;
	for (size_t i = 0; i < reply->elements && !problem; i++)
		problem = read_range(reply->element[i], max, map);
	return problem;
}
