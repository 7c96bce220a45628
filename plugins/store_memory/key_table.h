/*
 * A table of key entries that grows, shrinks and forgets in small steps:
 * extendible hashing. Entries sit in segments of at most KEY_SEGMENT_MAX slots
 * with open addressing; a directory of pointers, indexed by the first bits of
 * an entry's tag, says which segment is whose. A segment that fills up becomes
 * two; two neighbours that have run empty become one; so no call ever moves
 * more than the slots of two segments, however many keys there are. Only the
 * directory, 8 bytes for some hundred keys, is copied whole when it doubles.
 *
 * Nothing here locks.
 */
#ifndef STORE_MEMORY_KEY_TABLE_H
#define STORE_MEMORY_KEY_TABLE_H

#include "store_memory/key_entry.h"

#define KEY_SEGMENT_MIN 16
#define KEY_SEGMENT_MAX 1024

struct key_segment;

struct key_table {
	struct key_segment **directory; /* 2^depth pointers */
	unsigned depth;
	size_t count; /* entries */
	size_t slots;
	size_t bytes;		     /* what the table and its entries take from the heap */
	size_t sweep_at, sweep_slot; /* where the next sweep goes on */
	uint64_t work; /* slots looked at or moved so far: what bounds are tested with */
};

/* A slot's 32-bit tag is part of the key's hash; it alone decides where an entry goes. */
struct key_slot {
	uint32_t tag;
	uint32_t sweep : 31;	 /* entry->sweep_ms in KEY_SWEEP_UNIT_MS, rounded down */
	uint32_t unfinished : 1; /* !entry->done */
	struct key_entry *entry; /* NULL: free */
};

#define KEY_SWEEP_UNIT_MS 1024

void key_table_init(struct key_table *table);
void key_table_fini(struct key_table *table); /* frees the entries too */

/* The slot of that key, or NULL. Valid until the table changes. */
struct key_slot *key_table_find(struct key_table *table, uint32_t tag, struct ow_text key);

/* Takes over an entry whose key is not in the table. False: no room, entry is still yours. */
bool key_table_add(struct key_table *table, uint32_t tag, struct key_entry *entry);

/* What adding one more there allocates besides the entry, at most. 0 most of the time. */
size_t key_table_growth(const struct key_table *table, uint32_t tag);

/*
 * The slot's entry has moved, changed its size or its state, or lives longer or
 * shorter than before. cost: what key_entry_cost() said before.
 */
void key_table_set(
    struct key_table *table, struct key_slot *slot, struct key_entry *entry, size_t cost);

/* Frees the entry. The slot may hold another one afterwards. */
void key_table_remove(struct key_table *table, struct key_slot *slot);

/*
 * A finished entry to be forgotten for want of room: of those in one segment,
 * the one that would end first, an expired one before all others. Begins with
 * the tag's segment and goes on for at most `segments` while there are none.
 */
struct key_slot *key_table_victim(
    const struct key_table *table, uint32_t tag, unsigned segments);

#define KEY_TAG_END ((uint64_t)1 << 32)

/*
 * Shows the finished entries with tags from *tag on, as many as are in one
 * segment and take about max_bytes, and moves *tag behind them, at last to
 * KEY_TAG_END. However much the table changes between two calls, an entry that
 * is there all the time is shown exactly once.
 */
void key_table_walk(const struct key_table *table, uint64_t *tag, size_t max_bytes,
    void (*show)(void *arg, const struct key_entry *entry), void *arg);

/*
 * Looks at `slots` more slots, or a few over, and removes what may be removed
 * by now. It goes round; returns true when it came to the end of a round, where
 * it stops early.
 */
bool key_table_sweep(struct key_table *table, size_t slots, int64_t now_ms);

#endif
