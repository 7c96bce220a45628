/*
 * Open addressing with linear probing. Removing shifts later members of the
 * run back instead of leaving tombstones, so that a map in which keys come and
 * go for weeks (the in-flight table) never degrades.
 */
#include "base/map.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

struct map_slot {
	struct ow_text key;
	uint64_t hash;
	void *value; /* NULL: free */
};

static size_t find(const struct map *m, uint64_t hash, struct ow_text key)
{
	size_t i = hash & (m->size - 1);
	while (m->slots[i].value &&
	       (m->slots[i].hash != hash || !text_equal(m->slots[i].key, key)))
		i = (i + 1) & (m->size - 1);
	return i;
}

void *map_get(const struct map *m, struct ow_text key)
{
	if (m->count == 0)
		return NULL;
	return m->slots[find(m, hash_bytes(key.data, key.len), key)].value;
}

static void grow(struct map *m)
{
	struct map old = *m;
	m->size = old.size ? old.size * 2 : 16;
	m->slots = mem_array(m->size, sizeof(*m->slots));
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i].value)
			m->slots[find(m, old.slots[i].hash, old.slots[i].key)] = old.slots[i];
	free(old.slots);
}

void *map_put(struct map *m, struct ow_text key, void *value)
{
	if ((m->count + 1) * 4 > m->size * 3)
		grow(m);
	uint64_t hash = hash_bytes(key.data, key.len);
	struct map_slot *slot = &m->slots[find(m, hash, key)];
	void *old = slot->value;
	if (!old)
		m->count++;
	*slot = (struct map_slot){key, hash, value};
	return old;
}

void *map_remove(struct map *m, struct ow_text key)
{
	if (m->count == 0)
		return NULL;
	size_t mask = m->size - 1, hole = find(m, hash_bytes(key.data, key.len), key);
	void *old = m->slots[hole].value;
	if (!old)
		return NULL;
	m->count--;
	for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
		size_t home = m->slots[i].hash & mask;
		/* Only a member whose probe path crosses the hole may fill it. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole].value = NULL;
	return old;
}

void *map_next(const struct map *m, size_t *at)
{
	while (*at < m->size) {
		void *value = m->slots[(*at)++].value;
		if (value)
			return value;
	}
	return NULL;
}

void map_free(struct map *m)
{
	free(m->slots);
	*m = MAP_INIT;
}
