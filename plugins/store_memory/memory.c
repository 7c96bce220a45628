#include "store_memory/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/alloc.h"

#define SHARDS 64 /* a power of two */

/* How long a search for keys to forget goes on: victims, and segments of each shard. */
#define EVICT_MAX      512
#define EVICT_SEGMENTS 4

struct shard {
	_Alignas(64) pthread_mutex_t lock; /* shards must not share a cache line */
	struct key_table table;
	/* what the totals below contain of this shard */
	int64_t told_keys, told_bytes;
};

struct memory {
	struct memory_bounds bounds;
	unsigned char hash_key[SIPHASH_KEY_SIZE];
	_Atomic int64_t keys; /* of all shards, and those being added */
	_Atomic int64_t bytes;
	_Atomic unsigned sweep_shard; /* where the sweep goes on */
	struct shard shards[SHARDS];
};

static uint64_t hash_of(const struct memory *m, struct ow_text key)
{
	return siphash13(m->hash_key, key.data, key.len);
}

static unsigned shard_index(uint64_t hash)
{
	return hash >> 32 & (SHARDS - 1);
}

static struct place enter_shard(struct memory *m, unsigned index, uint32_t tag)
{
	struct shard *shard = &m->shards[index % SHARDS];
	pthread_mutex_lock(&shard->lock);
	return (struct place){shard, tag};
}

/* What was asked for beforehand is replaced by what it came to. */
void memory_leave(struct memory *m, struct place place)
{
	struct shard *shard = place.shard;
	int64_t keys = (int64_t)shard->table.count - shard->told_keys;
	int64_t bytes = (int64_t)shard->table.bytes - shard->told_bytes;
	if (keys)
		atomic_fetch_add(&m->keys, keys);
	if (bytes)
		atomic_fetch_add(&m->bytes, bytes);
	shard->told_keys += keys;
	shard->told_bytes += bytes;
	pthread_mutex_unlock(&shard->lock);
}

struct memory *memory_new(
    const struct memory_bounds *bounds, const unsigned char hash_key[SIPHASH_KEY_SIZE])
{
	/* aligned_alloc() wants whole multiples; sizeof() is one, by the alignment of shards.
	 */
	struct memory *m = alloc_checked(aligned_alloc(_Alignof(struct memory), sizeof(*m)));
	m->bounds = *bounds;
	for (int i = 0; i < SIPHASH_KEY_SIZE; i++)
		m->hash_key[i] = hash_key[i];
	atomic_init(&m->keys, 0);
	atomic_init(&m->bytes, (int64_t)alloc_cost(m));
	atomic_init(&m->sweep_shard, 0);
	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *shard = &m->shards[i];
		pthread_mutex_init(&shard->lock, NULL);
		key_table_init(&shard->table);
		shard->told_keys = 0;
		shard->told_bytes = (int64_t)shard->table.bytes;
		atomic_fetch_add(&m->bytes, shard->told_bytes);
	}
	return m;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < SHARDS; i++) {
		key_table_fini(&m->shards[i].table);
		pthread_mutex_destroy(&m->shards[i].lock);
	}
	free(m);
}

int64_t memory_keys(struct memory *m)
{
	return atomic_load(&m->keys);
}

int64_t memory_bytes(struct memory *m)
{
	return atomic_load(&m->bytes);
}

/* ---- one key ---- */

struct place memory_enter(struct memory *m, struct ow_text key)
{
	uint64_t hash = hash_of(m, key);
	return enter_shard(m, shard_index(hash), (uint32_t)hash);
}

void memory_tidy(struct place place, size_t slots, int64_t now_ms)
{
	key_table_sweep(&place.shard->table, slots, now_ms);
}

struct key_slot *memory_find(struct place place, struct ow_text key)
{
	return key_table_find(&place.shard->table, place.tag, key);
}

/* Workers ask at the same time: who adds first and looks then cannot go over. */
static bool ask(_Atomic int64_t *total, int64_t more, int64_t max)
{
	if (atomic_fetch_add(total, more) <= max - more)
		return true;
	atomic_fetch_sub(total, more);
	return false;
}

bool memory_grow(struct memory *m, struct place place, size_t bytes)
{
	if (!ask(&m->bytes, (int64_t)bytes, m->bounds.max_bytes))
		return false;
	place.shard->told_bytes += (int64_t)bytes;
	return true;
}

static bool ask_for_key(struct memory *m, struct place place)
{
	if (!ask(&m->keys, 1, m->bounds.max_keys))
		return false;
	place.shard->told_keys++;
	return true;
}

bool memory_add(struct memory *m, struct place place, struct key_entry *entry)
{
	struct key_table *table = &place.shard->table;
	size_t bytes = key_entry_cost(entry) + key_table_growth(table, place.tag);
	if (ask_for_key(m, place) && memory_grow(m, place, bytes) &&
	    key_table_add(table, place.tag, entry))
		return true;
	free(entry);
	return false;
}

void memory_set(struct place place, struct key_slot *slot, struct key_entry *entry, size_t cost)
{
	key_table_set(&place.shard->table, slot, entry, cost);
}

void memory_remove(struct place place, struct key_slot *slot)
{
	key_table_remove(&place.shard->table, slot);
}

/* ---- all keys ---- */

void memory_sweep(struct memory *m, size_t slots, int64_t now_ms)
{
	uint64_t left = slots;
	for (unsigned i = 0; i < SHARDS && left > 0; i++) {
		unsigned at = atomic_load(&m->sweep_shard);
		struct place place = enter_shard(m, at, 0);
		struct key_table *table = &place.shard->table;
		uint64_t before = table->work;
		bool round = key_table_sweep(table, left, now_ms);
		uint64_t done = table->work - before;
		memory_leave(m, place);
		left -= done < left ? done : left;
		/* Another worker may have gone on to the next one meanwhile. */
		if (round)
			atomic_compare_exchange_strong(&m->sweep_shard, &at, at + 1);
	}
}

size_t memory_slots(struct memory *m)
{
	size_t slots = 0;
	for (unsigned i = 0; i < SHARDS; i++) {
		struct place place = enter_shard(m, i, 0);
		slots += place.shard->table.slots;
		memory_leave(m, place);
	}
	return slots;
}

struct memory_need memory_need(struct memory *m, const struct ow_claim *claim)
{
	struct place place = memory_enter(m, claim->key);
	size_t bytes =
	    key_entry_claim_cost(claim) + key_table_growth(&place.shard->table, place.tag);
	memory_leave(m, place);
	return (struct memory_need){.keys = 1, .bytes = bytes};
}

static bool has_room(struct memory *m, struct memory_need need)
{
	return atomic_load(&m->keys) <= m->bounds.max_keys - need.keys &&
	       atomic_load(&m->bytes) <= m->bounds.max_bytes - (int64_t)need.bytes;
}

struct eviction {
	int64_t now_ms;
	void (*gone)(void *arg, const struct key_entry *entry);
	void *arg;
};

/* Forgets keys of one shard; returns how many, and counts those that had not expired. */
static unsigned evict_from(struct memory *m, struct place place, struct memory_need need,
    unsigned max, const struct eviction *e, unsigned *early)
{
	unsigned gone = 0;
	while (gone < max) {
		struct key_slot *slot =
		    key_table_victim(&place.shard->table, place.tag, EVICT_SEGMENTS);
		if (!slot)
			break;
		if (slot->entry->expires_ms > e->now_ms) {
			++*early;
			e->gone(e->arg, slot->entry);
		}
		memory_remove(place, slot);
		gone++;
		/* Told at once, so that it is seen when there is enough. */
		memory_leave(m, place);
		pthread_mutex_lock(&place.shard->lock);
		if (has_room(m, need))
			break;
	}
	return gone;
}

unsigned memory_evict(struct memory *m, struct ow_text key, struct memory_need need,
    int64_t now_ms, void (*gone)(void *arg, const struct key_entry *entry), void *arg)
{
	uint64_t hash = hash_of(m, key);
	const struct eviction e = {.now_ms = now_ms, .gone = gone, .arg = arg};
	unsigned early = 0, left = EVICT_MAX;
	for (unsigned i = 0; i < SHARDS && left > 0 && !has_room(m, need); i++) {
		struct place place = enter_shard(m, shard_index(hash) + i, (uint32_t)hash);
		left -= evict_from(m, place, need, left, &e, &early);
		memory_leave(m, place);
	}
	return early;
}

bool memory_restore(struct memory *m, const struct key_restored *key)
{
	struct place place = memory_enter(m, key->key);
	bool there = memory_find(place, key->key) != NULL;
	if (!there)
		there = memory_add(m, place, key_entry_restore(key));
	memory_leave(m, place);
	return there;
}

bool memory_walk(struct memory *m, struct memory_walk *at, size_t max_bytes,
    void (*show)(void *arg, const struct key_entry *entry), void *arg)
{
	if (at->shard == SHARDS)
		return false;
	struct place place = enter_shard(m, at->shard, 0);
	key_table_walk(&place.shard->table, &at->tag, max_bytes, show, arg);
	memory_leave(m, place);
	if (at->tag == KEY_TAG_END) {
		at->tag = 0;
		at->shard++;
	}
	return true;
}
