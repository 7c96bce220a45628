/*
 * The keys of one store, shared by the workers of a process: a fixed number of
 * shards, each with its own lock and table, and the bounds over all of them. A
 * lock is held for a bounded number of slots (key_table.h).
 *
 * Safe to use from any thread. Time is given.
 */
#ifndef STORE_MEMORY_MEMORY_H
#define STORE_MEMORY_MEMORY_H

#include "lib/siphash.h"
#include "store_memory/key_table.h"

struct memory_bounds {
	int64_t max_keys;
	int64_t max_bytes;
};

struct memory;
struct shard;

/* Where a key is, with its shard locked. */
struct place {
	struct shard *shard;
	uint32_t tag;
};

struct memory *memory_new(
    const struct memory_bounds *bounds, const unsigned char hash_key[SIPHASH_KEY_SIZE]);
void memory_free(struct memory *m); /* NULL is fine */

/* Entries, claims in progress and expired ones that wait to be swept included. */
int64_t memory_keys(struct memory *m);
/* What all tables and entries take from the heap. Never over max_bytes, but for tables in
 * the very beginning. */
int64_t memory_bytes(struct memory *m);

/* ---- one key ---- */

/* Locks the key's shard, until memory_leave(). One at a time. */
struct place memory_enter(struct memory *m, struct ow_text key);
void memory_leave(struct memory *m, struct place place);

/* Removes what has expired, looking at about so many slots of the shard. */
void memory_tidy(struct place place, size_t slots, int64_t now_ms);
/* The key's slot, or NULL. Valid until the shard is changed or left. */
struct key_slot *memory_find(struct place place, struct ow_text key);
/* Adds and takes over an entry that is not there; false, and frees it, if there is no room. */
bool memory_add(struct memory *m, struct place place, struct key_entry *entry);
/* Asks for room for an entry to grow by. It is counted until memory_leave(). */
bool memory_grow(struct memory *m, struct place place, size_t bytes);
/* See key_table_set(). */
void memory_set(
    struct place place, struct key_slot *slot, struct key_entry *entry, size_t cost);
void memory_remove(struct place place, struct key_slot *slot);

/* ---- all keys; no shard may be entered ---- */

/* Removes what has expired, looking at about so many slots, or at every one if there are fewer.
 */
void memory_sweep(struct memory *m, size_t slots, int64_t now_ms);
size_t memory_slots(struct memory *m);

/* What there must be room for. */
struct memory_need {
	int64_t keys;
	size_t bytes;
};

/* What one more key takes: the entry of a claim, and its place in the table. */
struct memory_need memory_need(struct memory *m, const struct ow_claim *claim);

/*
 * Forgets finished keys until there is room, or until it has looked long
 * enough; those of about this key's shard that would end first. Returns how
 * many it forgot before their time, and shows those, with its shard locked.
 */
unsigned memory_evict(struct memory *m, struct ow_text key, struct memory_need need,
    int64_t now_ms, void (*gone)(void *arg, const struct key_entry *entry), void *arg);

/* Brings back a finished key, unless there is one already. False: there is no room. */
bool memory_restore(struct memory *m, const struct key_restored *key);

/* Where a walk over all keys stands; all zero: at the beginning. */
struct memory_walk {
	unsigned shard;
	uint64_t tag;
};

/*
 * Shows some of the finished keys, locking their shard meanwhile, and goes on
 * behind them the next time; false when all have been shown. See
 * key_table_walk().
 */
bool memory_walk(struct memory *m, struct memory_walk *at, size_t max_bytes,
    void (*show)(void *arg, const struct key_entry *entry), void *arg);

#endif
