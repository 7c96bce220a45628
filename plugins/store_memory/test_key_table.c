#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "store_memory/key_table.h"
#include "tests/unit/main.h"

static const unsigned char token[OW_TOKEN_SIZE] = "0123456789abcde";

/* An entry under the number's bytes that may be swept at sweep_ms. */
static struct key_entry *entry_of(uint64_t number, int64_t sweep_ms)
{
	struct ow_claim claim = {.size = sizeof(claim),
	    .key = {(const char *)&number, sizeof(number)},
	    .token = token,
	    .lock_ms = 0};
	struct key_entry *entry = key_entry_new(&claim, sweep_ms);
	ck_assert_int_eq(entry->sweep_ms, sweep_ms);
	return entry;
}

static struct key_slot *find(struct key_table *table, uint32_t tag, uint64_t number)
{
	return key_table_find(
	    table, tag, (struct ow_text){(const char *)&number, sizeof(number)});
}

/* Spreads a number over a tag; the table is given nothing better. */
static uint32_t tag_of(uint64_t number)
{
	uint64_t x = number * 0x9e3779b97f4a7c15u;
	return (uint32_t)(x >> 32 ^ x);
}

/* Sweeps one whole round. */
static void sweep_all(struct key_table *table, int64_t now_ms)
{
	table->sweep_at = table->sweep_slot = 0;
	while (!key_table_sweep(table, 1000, now_ms))
		;
}

static uint64_t scale(uint64_t full)
{
	/* Under valgrind a fiftieth shows the same. */
	return getenv("TEST_WRAPPER") ? full / 50 : full;
}

START_TEST(holds_what_it_is_given)
{
	struct key_table table;
	key_table_init(&table);
	ck_assert_ptr_null(find(&table, 7, 1));
	ck_assert(key_table_add(&table, 7, entry_of(1, 0)));
	ck_assert(key_table_add(&table, 7, entry_of(2, 0)));
	ck_assert_ptr_nonnull(find(&table, 7, 1));
	ck_assert_ptr_nonnull(find(&table, 7, 2));
	ck_assert_ptr_null(find(&table, 7, 3));
	ck_assert_ptr_null(find(&table, 8, 1));
	ck_assert_uint_eq(table.count, 2);
	key_table_remove(&table, find(&table, 7, 1));
	ck_assert_ptr_null(find(&table, 7, 1));
	ck_assert_ptr_nonnull(find(&table, 7, 2));
	ck_assert_uint_eq(table.count, 1);
	key_table_fini(&table);
}
END_TEST

/*
 * Many keys come and go; no single step may touch more slots than a split
 * of one segment and what a probe, a vacated run or a joined pair can cost.
 */
#define STEP_MAX (8 * KEY_SEGMENT_MAX)

START_TEST(every_step_is_bounded)
{
	struct key_table table;
	uint64_t count = scale(100000), most = 0;
	key_table_init(&table);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t before = table.work;
		ck_assert_ptr_null(find(&table, tag_of(i), i));
		ck_assert(key_table_add(&table, tag_of(i), entry_of(i, 5000)));
		if (table.work - before > most)
			most = table.work - before;
	}
	ck_assert_uint_eq(table.count, count);
	ck_assert_uint_le(most, STEP_MAX);
	/* On average a key costs a few slots, growth included. */
	ck_assert_uint_le(table.work, count * 16);
	for (uint64_t i = 0; i < count; i++)
		ck_assert_ptr_nonnull(find(&table, tag_of(i), i));

	size_t slots = table.slots;
	ck_assert_uint_le(slots, count * 4);
	for (bool round = false; !round;) {
		uint64_t before = table.work;
		round = key_table_sweep(&table, 16, 4999);
		ck_assert_uint_le(table.work - before, STEP_MAX);
	}
	ck_assert_uint_eq(table.count, count);
	while (table.count > 0) {
		uint64_t before = table.work;
		key_table_sweep(&table, 16, 5000);
		ck_assert_uint_le(table.work - before, STEP_MAX);
	}
	/* Empty segments are given back, pair by pair, each round half of them. */
	for (int i = 0; i < 32; i++)
		sweep_all(&table, 5000);
	ck_assert_uint_eq(table.slots, KEY_SEGMENT_MAX);
	key_table_fini(&table);
}
END_TEST

/* Random adding, removing and sweeping against an array that knows what must be there. */
START_TEST(agrees_with_a_naive_model)
{
	enum {
		KEYS = 20000
	};
	struct random random;
	struct key_table table;
	int64_t *sweep_ms = calloc(KEYS, sizeof(*sweep_ms)); /* 0: not there */
	size_t count = 0;
	int64_t now = 1;
	random_init_seeded(&random, 42);
	key_table_init(&table);
	for (uint64_t step = 0; step < scale(100000); step++) {
		/* A window that wanders: the table grows and shrinks many times. */
		uint64_t i = (step / 40 + random_below(&random, KEYS / 2)) % KEYS;
		uint32_t tag = tag_of(i);
		struct key_slot *slot = find(&table, tag, i);
		ck_assert_int_eq(slot != NULL, sweep_ms[i] != 0);
		if (slot && random_below(&random, 2)) {
			key_table_remove(&table, slot);
			sweep_ms[i] = 0;
			count--;
		} else if (!slot) {
			sweep_ms[i] = now + (int64_t)random_below(&random, 30000);
			ck_assert(key_table_add(&table, tag, entry_of(i, sweep_ms[i])));
			count++;
		}
		ck_assert_uint_eq(table.count, count);
		now++;
		if (step % 10000 == 9999) {
			sweep_all(&table, now);
			for (uint64_t k = 0; k < KEYS; k++) {
				if (sweep_ms[k] && sweep_ms[k] <= now) {
					sweep_ms[k] = 0;
					count--;
				}
				ck_assert_int_eq(
				    find(&table, tag_of(k), k) != NULL, sweep_ms[k] != 0);
			}
		}
	}
	free(sweep_ms);
	key_table_fini(&table);
}
END_TEST

START_TEST(sweeps_to_the_millisecond)
{
	struct key_table table;
	key_table_init(&table);
	for (uint64_t i = 0; i < 2000; i++)
		ck_assert(key_table_add(&table, tag_of(i), entry_of(i, (int64_t)(10000 + i))));
	for (uint64_t i = 0; i < 2000; i++) {
		sweep_all(&table, (int64_t)(10000 + i));
		ck_assert_uint_eq(table.count, 2000 - i - 1);
	}
	key_table_fini(&table);
}
END_TEST

/* Tags that agree in all bits cannot be spread: the table says no and stays sound. */
START_TEST(refuses_tags_that_all_collide)
{
	struct key_table table;
	uint64_t i = 0;
	key_table_init(&table);
	for (;; i++) {
		struct key_entry *entry = entry_of(i, 0);
		uint64_t before = table.work;
		if (!key_table_add(&table, 0xdeadbeef, entry)) {
			free(entry);
			break;
		}
		/* A split re-inserts a run of equal tags: quadratic, but in one segment. */
		ck_assert_uint_le(table.work - before, KEY_SEGMENT_MAX * KEY_SEGMENT_MAX);
		ck_assert_uint_lt(i, KEY_SEGMENT_MAX);
	}
	ck_assert_uint_eq(table.count, KEY_SEGMENT_MAX - 1);
	for (uint64_t k = 0; k < i; k++)
		ck_assert_ptr_nonnull(find(&table, 0xdeadbeef, k));
	ck_assert_ptr_null(find(&table, 0xdeadbeef, i));
	/* Others have room as before. */
	ck_assert(key_table_add(&table, 0x12345678, entry_of(i, 0)));
	for (uint64_t k = 0; k < i; k++)
		key_table_remove(&table, find(&table, 0xdeadbeef, k));
	ck_assert_uint_eq(table.count, 1);
	key_table_fini(&table);
}
END_TEST

/* Runs that wrap round the end of a segment keep their members when holes are filled. */
START_TEST(wraps_round)
{
	struct key_table table;
	key_table_init(&table);
	for (uint64_t i = 0; i < 12; i++)
		ck_assert(key_table_add(&table, 13 + (uint32_t)i % 4, entry_of(i, 0)));
	for (uint64_t gone = 0; gone < 12; gone++) {
		key_table_remove(&table, find(&table, 13 + (uint32_t)gone % 4, gone));
		for (uint64_t i = 0; i < 12; i++)
			ck_assert_int_eq(
			    find(&table, 13 + (uint32_t)i % 4, i) != NULL, i > gone);
	}
	key_table_fini(&table);
}
END_TEST

/* ---- bytes ---- */

START_TEST(bytes_are_what_the_heap_gave)
{
	struct key_table table;
	size_t entries = 0;
	key_table_init(&table);
	for (uint64_t i = 0; i < 5000; i++) {
		struct key_entry *entry = entry_of(i, 0);
		size_t before = table.bytes, cost = key_entry_cost(entry);
		size_t growth = key_table_growth(&table, tag_of(i));
		entries += cost;
		ck_assert(key_table_add(&table, tag_of(i), entry));
		/* What was foretold, but for what the allocator rounds. */
		ck_assert_uint_le(table.bytes, before + cost + growth + 64);
		ck_assert_uint_ge(table.bytes + 64, before + cost + growth);
	}
	ck_assert_uint_ge(table.bytes, entries + table.slots * sizeof(struct key_slot));
	sweep_all(&table, 0);
	ck_assert_uint_eq(table.count, 0);
	ck_assert_uint_le(table.bytes,
	    table.slots * (sizeof(struct key_slot) + 1) + (sizeof(void *) << table.depth) + 64);
	key_table_fini(&table);
}
END_TEST

/* ---- victims ---- */

static struct key_entry *finished_of(uint64_t number, int64_t expires_ms)
{
	return key_entry_restore(&(struct key_restored){
	    .key = {(const char *)&number, sizeof(number)}, .expires_ms = expires_ms});
}

START_TEST(who_ends_first_is_the_victim)
{
	struct key_table table;
	key_table_init(&table);
	ck_assert_ptr_null(key_table_victim(&table, 0, 1000));
	/* Claims end first of all, but are none of these. */
	for (uint64_t i = 0; i < 5; i++)
		ck_assert(key_table_add(&table, tag_of(i), entry_of(i, 0)));
	ck_assert_ptr_null(key_table_victim(&table, 0, 1000));
	/* In one segment, within one second of each other. */
	for (uint64_t i = 5; i < 10; i++)
		ck_assert(key_table_add(
		    &table, tag_of(i), finished_of(i, (int64_t)(5000 + i * 3 % 5))));
	int64_t last = 0;
	for (uint64_t i = 5; i < 10; i++) {
		struct key_slot *slot = key_table_victim(&table, 12345, 1);
		ck_assert_ptr_nonnull(slot);
		ck_assert_int_gt(slot->entry->expires_ms, last);
		last = slot->entry->expires_ms;
		key_table_remove(&table, slot);
	}
	ck_assert_ptr_null(key_table_victim(&table, 0, 1000));
	ck_assert_uint_eq(table.count, 5);
	key_table_fini(&table);
}
END_TEST

START_TEST(victims_are_looked_for_everywhere_but_not_for_ever)
{
	struct key_table table;
	key_table_init(&table);
	for (uint64_t i = 0; i < 5000; i++)
		ck_assert(key_table_add(&table, tag_of(i), entry_of(i, 0)));
	ck_assert(key_table_add(&table, 0x80000000, finished_of(5000, 1)));
	ck_assert_ptr_null(key_table_victim(&table, 0x80000000 - 1, 1));
	struct key_slot *slot = key_table_victim(&table, 0x80000000 - 1, 2);
	ck_assert_ptr_nonnull(slot);
	ck_assert_uint_eq(slot->tag, 0x80000000);
	/* Round the end, and all of them at most once. */
	ck_assert_ptr_eq(key_table_victim(&table, 0xffffffff, 1000), slot);
	key_table_remove(&table, slot);
	ck_assert_ptr_null(key_table_victim(&table, 0xffffffff, 1000));
	key_table_fini(&table);
}
END_TEST

/* ---- walks ---- */

enum {
	WALKED = 20000
};

struct walk {
	unsigned char shown[WALKED];
	size_t bytes, most;
};

static void show(void *arg, const struct key_entry *entry)
{
	struct walk *w = arg;
	uint64_t number;
	memcpy(&number, entry->bytes, sizeof(number));
	ck_assert_uint_lt(number, WALKED);
	w->shown[number]++;
	w->bytes += sizeof(*entry) + key_entry_length(entry);
}

/* Even ones stay; odd ones come and go while the table is being walked. */
static void stir(struct key_table *table, uint64_t step)
{
	for (uint64_t i = step * 2 + 1; i < WALKED; i += 64) {
		uint64_t number = i | 1;
		struct key_slot *slot = find(table, tag_of(number), number);
		if (slot)
			key_table_remove(table, slot);
		else
			ck_assert(
			    key_table_add(table, tag_of(number), finished_of(number, 1000000)));
	}
}

START_TEST(a_walk_shows_once_what_is_there_all_the_time)
{
	static const size_t limits[] = {1, 1000, 20000, SIZE_MAX};
	size_t first = getenv("TEST_WRAPPER") ? 1 : 0;
	for (int direction = 0; direction < 2; direction++) {
		for (size_t l = first; l < 4; l++) {
			struct key_table table;
			struct walk *w = calloc(1, sizeof(*w));
			uint64_t tag = 0, step = 0;
			key_table_init(&table);
			/* Grows while it is walked, or shrinks. */
			for (uint64_t i = 0; i < WALKED; i++)
				if (i % 8 == 0 || direction == 1)
					key_table_add(&table, tag_of(i),
					    finished_of(i, i % 8 ? 1 : 1000000));
			while (tag < KEY_TAG_END) {
				w->bytes = 0;
				key_table_walk(&table, &tag, limits[l], show, w);
				if (w->bytes > w->most)
					w->most = w->bytes;
				/* One key at a time makes so many steps that a few stirs do. */
				if (direction == 0 && (limits[l] > 1 || step % 64 == 0))
					stir(&table, step / (limits[l] > 1 ? 1 : 64));
				else if (direction == 1)
					key_table_sweep(&table, 300, 1000);
				step++;
			}
			for (uint64_t i = 0; i < WALKED; i += 8)
				ck_assert_uint_eq(w->shown[i], 1);
			for (uint64_t i = 1; i < WALKED; i += 2)
				ck_assert_uint_le(w->shown[i], 1);
			/* At least one is shown, if it is larger than that. */
			if (limits[l] >= 1000)
				ck_assert_uint_le(w->most, limits[l]);
			free(w);
			key_table_fini(&table);
		}
	}
}
END_TEST

START_TEST(a_walk_shows_no_claims)
{
	struct key_table table;
	struct walk *w = calloc(1, sizeof(*w));
	uint64_t tag = 0;
	key_table_init(&table);
	for (uint64_t i = 0; i < 2000; i++)
		key_table_add(&table, tag_of(i), i % 2 ? entry_of(i, 9) : finished_of(i, 9));
	while (tag < KEY_TAG_END)
		key_table_walk(&table, &tag, SIZE_MAX, show, w);
	for (uint64_t i = 0; i < 2000; i++)
		ck_assert_uint_eq(w->shown[i], i % 2 ? 0 : 1);
	free(w);
	key_table_fini(&table);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("key_table");
	TCase *t = tcase_create("key_table");
	tcase_set_timeout(t, 300);
	tcase_add_test(t, holds_what_it_is_given);
	tcase_add_test(t, every_step_is_bounded);
	tcase_add_test(t, agrees_with_a_naive_model);
	tcase_add_test(t, sweeps_to_the_millisecond);
	tcase_add_test(t, refuses_tags_that_all_collide);
	tcase_add_test(t, wraps_round);
	tcase_add_test(t, bytes_are_what_the_heap_gave);
	tcase_add_test(t, who_ends_first_is_the_victim);
	tcase_add_test(t, victims_are_looked_for_everywhere_but_not_for_ever);
	tcase_add_test(t, a_walk_shows_once_what_is_there_all_the_time);
	tcase_add_test(t, a_walk_shows_no_claims);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
