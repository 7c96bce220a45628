#include "store_memory/key_table.h"

#include <string.h>

#include "lib/alloc.h"

/*
 * A segment of depth d holds the tags that share their first d bits; 2^(depth
 * of the table - d) neighbouring directory entries point to it. The last bits
 * of a tag give the place inside the segment, so the bits that choose a
 * segment must not reach down to those.
 */
#define TAG_BITS  32
#define DEPTH_MAX 22

struct key_segment {
	unsigned depth;
	uint32_t size; /* a power of two */
	uint32_t count;
	struct key_slot slots[];
};

/* Linear probing stays short below four fifths. */
static bool is_crowded(const struct key_segment *segment)
{
	return (segment->count + 1) * 5 > segment->size * 4;
}

static struct key_segment *segment_new(struct key_table *table, uint32_t size, unsigned depth)
{
	struct key_segment *segment =
	    alloc_zero(1, sizeof(*segment) + size * sizeof(struct key_slot));
	segment->size = size;
	segment->depth = depth;
	table->slots += size;
	table->bytes += alloc_cost(segment);
	return segment;
}

static void segment_free(struct key_table *table, struct key_segment *segment)
{
	table->slots -= segment->size;
	table->bytes -= alloc_cost(segment);
	free(segment);
}

static size_t directory_index(const struct key_table *table, uint32_t tag)
{
	return table->depth ? tag >> (TAG_BITS - table->depth) : 0;
}

/* How many directory entries a segment has. */
static size_t span_of(const struct key_table *table, const struct key_segment *segment)
{
	return (size_t)1 << (table->depth - segment->depth);
}

void key_table_init(struct key_table *table)
{
	*table = (struct key_table){.directory = alloc_zero(1, sizeof(*table->directory))};
	table->bytes = alloc_cost(table->directory);
	table->directory[0] = segment_new(table, KEY_SEGMENT_MIN, 0);
}

void key_table_fini(struct key_table *table)
{
	size_t end = (size_t)1 << table->depth;
	for (size_t at = 0; at < end;) {
		struct key_segment *segment = table->directory[at];
		at += span_of(table, segment);
		for (uint32_t i = 0; i < segment->size; i++)
			free(segment->slots[i].entry);
		segment_free(table, segment);
	}
	free(table->directory);
	*table = (struct key_table){.directory = NULL};
}

/* ---- one segment ---- */

/* The first free slot on a tag's way. There is always one. */
static struct key_slot *free_slot(
    struct key_table *table, struct key_segment *segment, uint32_t tag)
{
	uint32_t mask = segment->size - 1, i = tag & mask;
	for (; segment->slots[i].entry; i = (i + 1) & mask)
		table->work++;
	table->work++;
	return &segment->slots[i];
}

static void put(
    struct key_table *table, struct key_segment *segment, const struct key_slot *slot)
{
	*free_slot(table, segment, slot->tag) = *slot;
	segment->count++;
}

/*
 * Empties a slot by moving later members of its run back, instead of leaving a
 * tombstone: keys come and go for months.
 */
static void vacate(struct key_table *table, struct key_segment *segment, uint32_t hole)
{
	uint32_t mask = segment->size - 1;
	struct key_slot *slots = segment->slots;
	for (uint32_t i = (hole + 1) & mask; slots[i].entry; i = (i + 1) & mask) {
		table->work++;
		/* Only a member whose way crosses the hole may fill it. */
		if (((i - slots[i].tag) & mask) >= ((i - hole) & mask)) {
			slots[hole] = slots[i];
			hole = i;
		}
	}
	slots[hole].entry = NULL;
	segment->count--;
	table->count--;
}

/* ---- growing and shrinking ---- */

/* All entries of `from` go to `low`, or to `high` if they have this bit. Frees `from`. */
static void distribute(struct key_table *table, struct key_segment *from,
    struct key_segment *low, struct key_segment *high, uint32_t bit)
{
	for (uint32_t i = 0; i < from->size; i++) {
		table->work++;
		if (from->slots[i].entry)
			put(table, from->slots[i].tag & bit ? high : low, &from->slots[i]);
	}
	segment_free(table, from);
}

/* Directory entries first .. first + span - 1 get this segment. */
static void assign(struct key_table *table, size_t first, struct key_segment *segment)
{
	size_t span = span_of(table, segment);
	for (size_t i = 0; i < span; i++)
		table->directory[first + i] = segment;
}

static void double_directory(struct key_table *table)
{
	size_t size = (size_t)1 << table->depth;
	struct key_segment **directory = alloc_bytes(2 * size * sizeof(struct key_segment *));
	for (size_t i = 0; i < size; i++)
		directory[2 * i] = directory[2 * i + 1] = table->directory[i];
	table->bytes += alloc_cost(directory);
	table->bytes -= alloc_cost(table->directory);
	free(table->directory);
	table->directory = directory;
	table->depth++;
	table->sweep_at *= 2;
}

static void split(struct key_table *table, struct key_segment *old, uint32_t tag)
{
	if (old->depth == table->depth)
		double_directory(table);
	size_t first = directory_index(table, tag) & ~(span_of(table, old) - 1);
	unsigned depth = old->depth + 1;
	struct key_segment *low = segment_new(table, KEY_SEGMENT_MAX, depth);
	struct key_segment *high = segment_new(table, KEY_SEGMENT_MAX, depth);
	distribute(table, old, low, high, (uint32_t)1 << (TAG_BITS - depth));
	assign(table, first, low);
	assign(table, first + span_of(table, low), high);
}

static void enlarge(struct key_table *table, struct key_segment *old, uint32_t tag)
{
	size_t first = directory_index(table, tag) & ~(span_of(table, old) - 1);
	struct key_segment *bigger = segment_new(table, old->size * 2, old->depth);
	distribute(table, old, bigger, bigger, 0);
	assign(table, first, bigger);
}

/*
 * Joins the segment at directory entry `at` with its other half if together
 * they would be a quarter full, far enough from four fifths not to split soon.
 */
static void join(struct key_table *table, size_t at)
{
	struct key_segment *segment = table->directory[at];
	if (segment->depth == 0)
		return;
	size_t span = span_of(table, segment), first = at & ~(2 * span - 1);
	struct key_segment *low = table->directory[first];
	struct key_segment *high = table->directory[first + span];
	if (low->depth != high->depth || (low->count + high->count) * 4 > KEY_SEGMENT_MAX)
		return;
	struct key_segment *both = segment_new(table, KEY_SEGMENT_MAX, low->depth - 1);
	distribute(table, low, both, both, 0);
	distribute(table, high, both, both, 0);
	assign(table, first, both);
}

/* ---- the table ---- */

static struct key_segment *segment_of(const struct key_table *table, uint32_t tag)
{
	return table->directory[directory_index(table, tag)];
}

/* An empty key's data may be NULL, which memcmp() must not see. */
static bool has_key(const struct key_entry *entry, struct ow_text key)
{
	return entry->key_len == key.len &&
	       (key.len == 0 || memcmp(entry->bytes, key.data, key.len) == 0);
}

struct key_slot *key_table_find(struct key_table *table, uint32_t tag, struct ow_text key)
{
	struct key_segment *segment = segment_of(table, tag);
	uint32_t mask = segment->size - 1;
	table->work++;
	for (uint32_t i = tag & mask; segment->slots[i].entry; i = (i + 1) & mask) {
		struct key_slot *slot = &segment->slots[i];
		table->work++;
		if (slot->tag == tag && has_key(slot->entry, key))
			return slot;
	}
	return NULL;
}

size_t key_table_growth(const struct key_table *table, uint32_t tag)
{
	const struct key_segment *segment = segment_of(table, tag);
	size_t pointer = sizeof(struct key_segment *), slot = sizeof(struct key_slot);
	if (!is_crowded(segment))
		return 0;
	if (segment->size < KEY_SEGMENT_MAX)
		return segment->size * slot;
	if (segment->depth >= DEPTH_MAX)
		return 0;
	return segment->size * slot + 2 * sizeof(*segment) +
	       (segment->depth == table->depth ? pointer << table->depth : 0);
}

/* Once at most: tags that all go to one half make no further step worth while. */
static void make_room(struct key_table *table, uint32_t tag)
{
	struct key_segment *segment = segment_of(table, tag);
	if (!is_crowded(segment))
		return;
	if (segment->size < KEY_SEGMENT_MAX)
		enlarge(table, segment, tag);
	else if (segment->depth < DEPTH_MAX)
		split(table, segment, tag);
}

static uint32_t sweep_unit(int64_t ms)
{
	int64_t unit = ms / KEY_SWEEP_UNIT_MS;
	return unit > INT32_MAX ? INT32_MAX : unit < 0 ? 0 : (uint32_t)unit;
}

static void slot_set(struct key_slot *slot, struct key_entry *entry)
{
	slot->entry = entry;
	slot->sweep = sweep_unit(entry->sweep_ms) & INT32_MAX;
	slot->unfinished = !entry->done;
}

bool key_table_add(struct key_table *table, uint32_t tag, struct key_entry *entry)
{
	make_room(table, tag);
	struct key_segment *segment = segment_of(table, tag);
	/* One slot stays free: it is what ends a search. */
	if (segment->count + 1 == segment->size)
		return false;
	struct key_slot *slot = free_slot(table, segment, tag);
	slot->tag = tag;
	slot_set(slot, entry);
	table->bytes += key_entry_cost(entry);
	segment->count++;
	table->count++;
	return true;
}

void key_table_set(
    struct key_table *table, struct key_slot *slot, struct key_entry *entry, size_t cost)
{
	slot_set(slot, entry);
	table->bytes += key_entry_cost(entry);
	table->bytes -= cost;
}

void key_table_remove(struct key_table *table, struct key_slot *slot)
{
	struct key_segment *segment = segment_of(table, slot->tag);
	table->bytes -= key_entry_cost(slot->entry);
	free(slot->entry);
	vacate(table, segment, (uint32_t)(slot - segment->slots));
}

/* The entry itself, a cache miss away, is only asked in the last second of its life. */
static bool may_go(const struct key_slot *slot, uint32_t unit, int64_t now_ms)
{
	return slot->entry &&
	       (slot->sweep < unit || (slot->sweep == unit && slot->entry->sweep_ms <= now_ms));
}

bool key_table_sweep(struct key_table *table, size_t slots, int64_t now_ms)
{
	uint32_t unit = sweep_unit(now_ms);
	uint64_t end = table->work + slots;
	while (table->work < end) {
		struct key_segment *segment = table->directory[table->sweep_at];
		size_t first = table->sweep_at & ~(span_of(table, segment) - 1);
		while (table->sweep_slot < segment->size && table->work < end) {
			struct key_slot *slot = &segment->slots[table->sweep_slot];
			table->work++;
			/* What is moved into a vacated slot has its turn at once. */
			if (may_go(slot, unit, now_ms))
				key_table_remove(table, slot);
			else
				table->sweep_slot++;
		}
		if (table->sweep_slot < segment->size)
			return false;
		table->sweep_slot = 0;
		table->sweep_at = first + span_of(table, segment);
		join(table, first);
		if (table->sweep_at >> table->depth) {
			table->sweep_at = 0;
			return true;
		}
	}
	return false;
}

/* ---- choosing and showing ---- */

/* The tag behind the last one of that tag's segment. */
static uint64_t segment_end(const struct key_table *table, uint64_t tag)
{
	const struct key_segment *segment = segment_of(table, (uint32_t)tag);
	uint64_t width = KEY_TAG_END >> segment->depth;
	return (tag & ~(width - 1)) + width;
}

/* Of two that end in the same second it is the entries that know. */
static bool ends_before(const struct key_slot *a, const struct key_slot *b)
{
	return a->sweep < b->sweep ||
	       (a->sweep == b->sweep && a->entry->expires_ms < b->entry->expires_ms);
}

static struct key_slot *first_to_end(struct key_segment *segment)
{
	struct key_slot *first = NULL;
	for (uint32_t i = 0; i < segment->size; i++) {
		struct key_slot *slot = &segment->slots[i];
		if (slot->entry && !slot->unfinished && (!first || ends_before(slot, first)))
			first = slot;
	}
	return first;
}

struct key_slot *key_table_victim(
    const struct key_table *table, uint32_t tag, unsigned segments)
{
	uint64_t first = tag & ~((KEY_TAG_END >> segment_of(table, tag)->depth) - 1);
	uint64_t at = first;
	for (unsigned i = 0; i < segments; i++) {
		struct key_slot *slot = first_to_end(segment_of(table, (uint32_t)at));
		if (slot)
			return slot;
		at = segment_end(table, at) % KEY_TAG_END;
		if (at == first)
			break;
	}
	return NULL;
}

/* What the finished entries of a segment with tags from..end - 1 take. */
static size_t length_between(const struct key_segment *segment, uint64_t from, uint64_t end)
{
	size_t length = 0;
	for (uint32_t i = 0; i < segment->size; i++) {
		const struct key_slot *slot = &segment->slots[i];
		if (slot->entry && !slot->unfinished && slot->tag >= from && slot->tag < end)
			length += sizeof(*slot->entry) + key_entry_length(slot->entry);
	}
	return length;
}

void key_table_walk(const struct key_table *table, uint64_t *tag, size_t max_bytes,
    void (*show)(void *arg, const struct key_entry *entry), void *arg)
{
	const struct key_segment *segment = segment_of(table, (uint32_t)*tag);
	uint64_t end = segment_end(table, *tag);
	/* Slots are in no order, so what is too much is left out by narrowing the tags. */
	while (end - *tag > 1 && length_between(segment, *tag, end) > max_bytes)
		end = *tag + (end - *tag) / 2;
	for (uint32_t i = 0; i < segment->size; i++) {
		const struct key_slot *slot = &segment->slots[i];
		if (slot->entry && !slot->unfinished && slot->tag >= *tag && slot->tag < end)
			show(arg, slot->entry);
	}
	*tag = end;
}
