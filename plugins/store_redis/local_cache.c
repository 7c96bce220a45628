#include "store_redis/local_cache.h"

#include <string.h>

#include "lib/alloc.h"
#include "store_redis/chain_map.h"

struct entry {
	struct chain chain;
	struct entry *older, *newer;
	struct cached cached;
	size_t key_len;
	char bytes[]; /* key, content type, body */
};

struct local_cache {
	struct chain_map map;
	size_t max;
	struct entry *oldest, *newest;
};

struct local_cache *local_cache_new(size_t max)
{
	struct local_cache *cache = alloc_zero(1, sizeof(*cache));
	cache->max = max;
	return cache;
}

static void drop(struct local_cache *cache, struct entry *entry)
{
	*(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
	*(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
	chain_remove(&cache->map, &entry->chain);
	free(entry);
}

void local_cache_free(struct local_cache *cache)
{
	if (!cache)
		return;
	while (cache->oldest)
		drop(cache, cache->oldest);
	chain_map_fini(&cache->map);
	free(cache);
}

static struct entry *find(struct local_cache *cache, struct ow_text key, uint64_t hash)
{
	struct chain *it = chain_first(&cache->map, hash);
	for (; it; it = chain_next(it)) {
		struct entry *entry = (struct entry *)it;
		if (entry->key_len == key.len && memcmp(entry->bytes, key.data, key.len) == 0)
			return entry;
	}
	return NULL;
}

const struct cached *local_cache_get(
    struct local_cache *cache, struct ow_text key, uint64_t hash, int64_t now_ms)
{
	struct entry *entry = key.len ? find(cache, key, hash) : NULL;
	if (!entry)
		return NULL;
	if (now_ms < entry->cached.expires_ms)
		return &entry->cached;
	drop(cache, entry);
	return NULL;
}

static struct ow_text store_text(char *at, struct ow_text text)
{
	if (text.len)
		memcpy(at, text.data, text.len);
	return (struct ow_text){at, text.len};
}

void local_cache_put(
    struct local_cache *cache, struct ow_text key, uint64_t hash, const struct cached *what)
{
	struct ow_text type = {NULL, 0}, body = {NULL, 0};
	if (key.len == 0)
		return;
	struct entry *entry = find(cache, key, hash);
	if (entry)
		drop(cache, entry);
	while (cache->map.count >= cache->max)
		drop(cache, cache->oldest);
	if (what->has_result) {
		type = what->result.content_type;
		body = what->result.body;
	}
	entry = alloc_bytes(sizeof(*entry) + key.len + type.len + body.len);
	*entry = (struct entry){.cached = *what, .key_len = key.len, .older = cache->newest};
	store_text(entry->bytes, key);
	entry->cached.result.content_type = store_text(entry->bytes + key.len, type);
	entry->cached.result.body = store_text(entry->bytes + key.len + type.len, body);
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
	cache->newest = entry;
	chain_add(&cache->map, &entry->chain, hash);
}

size_t local_cache_count(const struct local_cache *cache)
{
	return cache->map.count;
}
