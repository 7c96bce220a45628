/*
 * The store `memory`: keys in this process, shared by its workers.
 *
 * The keys are spread over a fixed number of shards, each with its own lock and
 * table; a lock is held for a bounded number of slots (key_table.h). Expired
 * keys are never searched for: each claim sweeps a few slots of its shard, a
 * timer sweeps the rest in slices, and what is looked up is judged by its own
 * time, to the millisecond, swept or not.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <onceway/plugin.h>

#include "lib/alloc.h"
#include "lib/siphash.h"
#include "store_memory/key_table.h"

#define SHARDS 64 /* a power of two */

/* Slots swept by each claim, by the timer each time, and by a claim that finds the store full.
 */
#define CLAIM_SWEEP 8
#define TIMER_SWEEP 4096
#define FULL_SWEEP  2048

/* The timer comes round to every slot about this often; slower while it finds much to free. */
#define ROUND_MS    30000
#define INTERVAL_MS 1000 /* between two slices, at most */

struct memory_conf {
	int64_t max_keys;
	int64_t max_result;
};

struct shard {
	_Alignas(64) pthread_mutex_t lock; /* shards must not share a cache line */
	struct key_table table;
};

/* What all workers share. */
struct memory {
	int64_t max_keys;
	unsigned char hash_key[SIPHASH_KEY_SIZE];
	_Atomic int64_t count; /* entries of all shards, and those being added */
	_Atomic unsigned instances;
	_Atomic unsigned sweep_shard; /* where the sweep goes on */
	struct shard shards[SHARDS];
};

/* One worker's instance. */
struct store {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct memory_conf *conf;
	struct memory *memory;
	struct ow_timer *timer;
	struct ow_counter *too_large;
};

/* Where a key is. */
struct place {
	struct shard *shard;
	uint32_t tag;
};

static int64_t now_of(const struct store *s)
{
	return s->host->mono_ms(s->self);
}

static struct place place_of(struct memory *m, struct ow_text key)
{
	uint64_t hash = siphash13(m->hash_key, key.data, key.len);
	return (struct place){&m->shards[hash >> 32 & (SHARDS - 1)], (uint32_t)hash};
}

/* ---- sweeping ---- */

/* The shard is locked. */
static bool sweep_locked(struct memory *m, struct shard *shard, size_t slots, int64_t now)
{
	size_t before = shard->table.count;
	bool round = key_table_sweep(&shard->table, slots, now);
	atomic_fetch_sub(&m->count, (int64_t)(before - shard->table.count));
	return round;
}

/* Sweeps about that many slots, or every one once if there are fewer. No shard is locked. */
static void sweep(struct memory *m, size_t slots, int64_t now)
{
	uint64_t left = slots;
	for (unsigned i = 0; i < SHARDS && left > 0; i++) {
		unsigned at = atomic_load(&m->sweep_shard);
		struct shard *shard = &m->shards[at % SHARDS];
		pthread_mutex_lock(&shard->lock);
		uint64_t before = shard->table.work;
		bool round = sweep_locked(m, shard, left, now);
		uint64_t done = shard->table.work - before;
		pthread_mutex_unlock(&shard->lock);
		left -= done < left ? done : left;
		/* Another worker may have gone on to the next one meanwhile. */
		if (round)
			atomic_compare_exchange_strong(&m->sweep_shard, &at, at + 1);
	}
}

static size_t slots_of(struct memory *m)
{
	size_t slots = 0;
	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&m->shards[i].lock);
		slots += m->shards[i].table.slots;
		pthread_mutex_unlock(&m->shards[i].lock);
	}
	return slots;
}

static void sweep_on_timer(void *arg)
{
	struct store *s = arg;
	struct memory *m = s->memory;
	sweep(m, TIMER_SWEEP, now_of(s));
	int64_t slices = (int64_t)(slots_of(m) / TIMER_SWEEP) + 1;
	int64_t ms = ROUND_MS / slices * (int64_t)atomic_load(&m->instances);
	s->host->timer_set(s->timer, ms > INTERVAL_MS ? INTERVAL_MS : ms < 1 ? 1 : ms);
}

/* ---- operations ---- */

/* An answer about a key that is in the table. Its shard is locked until the answer is given. */
static void answer_known(struct store *s, struct ow_op *op, const struct ow_claim *claim,
    struct key_slot *slot, int64_t now)
{
	struct key_entry *entry = slot->entry;
	struct ow_claim_answer answer = {.size = sizeof(answer), .rc = OW_OK};
	struct ow_result result;
	if (now >= entry->expires_ms) {
		key_slot_set(slot, key_entry_claim(entry, claim, now));
		answer.state = OW_CLAIM_NEW;
	} else if (entry->done) {
		key_entry_result(entry, &result);
		answer.state = OW_CLAIM_DONE;
		answer.age_ms = now - entry->is.result.since_ms;
		answer.result = &result;
		answer.digest = key_entry_digest(entry);
	} else {
		answer.state = OW_CLAIM_IN_PROGRESS;
		answer.remaining_ms = entry->expires_ms - now;
	}
	s->host->claim_done(op, &answer);
}

static bool reserve(struct memory *m)
{
	if (atomic_fetch_add(&m->count, 1) < m->max_keys)
		return true;
	atomic_fetch_sub(&m->count, 1);
	return false;
}

/* A key that is not in the table. Its shard is locked. */
static bool add(struct memory *m, struct place place, const struct ow_claim *claim, int64_t now)
{
	if (!reserve(m))
		return false;
	struct key_entry *entry = key_entry_new(claim, now);
	if (key_table_add(&place.shard->table, place.tag, entry))
		return true;
	atomic_fetch_sub(&m->count, 1);
	free(entry);
	return false;
}

/* False if the key is new and there is no room for it; else the operation is finished. */
static bool try_claim(struct store *s, struct ow_op *op, const struct ow_claim *claim,
    struct place place, int64_t now)
{
	struct memory *m = s->memory;
	pthread_mutex_lock(&place.shard->lock);
	sweep_locked(m, place.shard, CLAIM_SWEEP, now);
	struct key_slot *slot = key_table_find(&place.shard->table, place.tag, claim->key);
	bool finished = true;
	if (slot)
		answer_known(s, op, claim, slot, now);
	else if (add(m, place, claim, now))
		s->host->claim_done(
		    op, &(struct ow_claim_answer){.size = sizeof(struct ow_claim_answer),
			    .rc = OW_OK,
			    .state = OW_CLAIM_NEW});
	else
		finished = false;
	pthread_mutex_unlock(&place.shard->lock);
	return finished;
}

static void store_claim(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct place place = place_of(s->memory, claim->key);
	int64_t now = now_of(s);
	if (try_claim(s, op, claim, place, now))
		return;
	sweep(s->memory, FULL_SWEEP, now);
	if (try_claim(s, op, claim, place, now))
		return;
	char why[80];
	snprintf(why, sizeof(why), "store is full: %lld keys (max_keys)",
	    (long long)atomic_load(&s->memory->count));
	s->host->claim_done(
	    op, &(struct ow_claim_answer){
		    .size = sizeof(struct ow_claim_answer), .rc = OW_FAIL, .why = why});
}

/*
 * The slot that claim->token owns, with its shard locked; or NULL, with the
 * operation finished and nothing locked.
 */
static struct key_slot *lock_owned(
    struct store *s, struct ow_op *op, const struct ow_claim *claim, struct place place)
{
	pthread_mutex_lock(&place.shard->lock);
	struct key_slot *slot = key_table_find(&place.shard->table, place.tag, claim->key);
	if (slot && key_entry_owned(slot->entry, claim->token))
		return slot;
	pthread_mutex_unlock(&place.shard->lock);
	s->host->op_done(op, OW_REJECT,
	    slot ? "the key has another owner by now" : "the claim expired and is forgotten");
	return NULL;
}

static void store_renew(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct place place = place_of(s->memory, claim->key);
	struct key_slot *slot = lock_owned(s, op, claim, place);
	if (!slot)
		return;
	key_entry_renew(slot->entry, claim, now_of(s));
	key_slot_set(slot, slot->entry);
	pthread_mutex_unlock(&place.shard->lock);
	s->host->op_done(op, OW_OK, NULL);
}

/* Whether a result's texts are small enough to be kept. */
static bool fits(struct store *s, const struct ow_result *result)
{
	size_t max = (size_t)s->conf->max_result, type = result->content_type.len;
	if (type <= UINT16_MAX && type <= max && result->body.len <= max - type)
		return true;
	/* 0 means that no result is wanted, so none is missed. */
	if (max > 0) {
		s->host->count(s->too_large, 1);
		s->host->log(s->self, OW_LOG_INFO,
		    "a result of %zu bytes is over max_result: only its status is kept",
		    type + result->body.len);
	}
	return false;
}

static void store_commit(
    void *state, struct ow_op *op, const struct ow_claim *claim, const struct ow_result *result)
{
	struct store *s = state;
	struct place place = place_of(s->memory, claim->key);
	bool keep_texts = fits(s, result);
	struct key_slot *slot = lock_owned(s, op, claim, place);
	if (!slot)
		return;
	key_slot_set(slot, key_entry_finish(slot->entry, claim, result, keep_texts, now_of(s)));
	pthread_mutex_unlock(&place.shard->lock);
	s->host->op_done(op, OW_OK, NULL);
}

static void store_release(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct place place = place_of(s->memory, claim->key);
	struct key_slot *slot = lock_owned(s, op, claim, place);
	if (!slot)
		return;
	key_table_remove(&place.shard->table, slot);
	atomic_fetch_sub(&s->memory->count, 1);
	pthread_mutex_unlock(&place.shard->lock);
	s->host->op_done(op, OW_OK, NULL);
}

/* Every operation is finished inside its own call: there is nothing to hurry. */
static void store_cancel(void *state, struct ow_op *op)
{
	(void)state, (void)op;
}

static int64_t store_keys(void *state)
{
	struct store *s = state;
	return atomic_load(&s->memory->count);
}

/* ---- life ---- */

static void *memory_make(void *arg)
{
	struct store *s = arg;
	/* aligned_alloc() wants whole multiples; sizeof() is one, by the alignment of shards.
	 */
	struct memory *m = alloc_checked(aligned_alloc(_Alignof(struct memory), sizeof(*m)));
	m->max_keys = s->conf->max_keys;
	atomic_init(&m->count, 0);
	atomic_init(&m->instances, 0);
	atomic_init(&m->sweep_shard, 0);
	s->host->random(s->self, m->hash_key, sizeof(m->hash_key));
	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&m->shards[i].lock, NULL);
		key_table_init(&m->shards[i].table);
	}
	return m;
}

static void memory_free(void *object)
{
	struct memory *m = object;
	for (unsigned i = 0; i < SHARDS; i++) {
		key_table_fini(&m->shards[i].table);
		pthread_mutex_destroy(&m->shards[i].lock);
	}
	free(m);
}

static void *store_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct store *s = alloc_zero(1, sizeof(*s));
	(void)why;
	s->host = host;
	s->self = self;
	s->conf = conf;
	s->memory = host->shared(self, memory_make, s, memory_free);
	atomic_fetch_add(&s->memory->instances, 1);
	s->too_large = host->counter(self, "memory_results_too_large_total",
	    "Results over max_result, of which only the status was kept.", NULL,
	    (struct ow_text){NULL, 0});
	s->timer = host->timer_new(self, sweep_on_timer, s);
	return s;
}

static void store_start(void *state, struct ow_op *op)
{
	struct store *s = state;
	s->host->timer_set(s->timer, INTERVAL_MS);
	s->host->op_done(op, OW_OK, NULL);
}

static void store_destroy(void *state)
{
	struct store *s = state;
	s->host->timer_free(s->timer);
	atomic_fetch_sub(&s->memory->instances, 1);
	free(s);
}

static const struct ow_option options[] = {
    OW_INT(struct memory_conf, max_keys, "max_keys", .dflt = "1000000", .min = 1,
	.max = 1000000000, .unit = "keys",
	.help =
	    "Keys remembered at most, claims in progress included; beyond it new events are "
	    "refused until keys expire."),
    OW_SIZE(struct memory_conf, max_result, "max_result", .dflt = "64KiB", .max = 1 << 30,
	.help = "Largest result kept for duplicates; of a larger one only the status is kept."),
    OW_OPTION_END,
};

static const struct ow_store_ops ops = {
    .size = sizeof(ops),
    .claim = store_claim,
    .renew = store_renew,
    .commit = store_commit,
    .release = store_release,
    .cancel = store_cancel,
    .keys = store_keys,
};

static const struct ow_component memory_component = {
    .kind = OW_STORE,
    .conf_size = sizeof(struct memory_conf),
    .name = "memory",
    .summary = "Remembers keys in the memory of this process.",
    .options = options,
    .example = "max_keys: 100000\nmax_result: 64KiB\n",
    .create = store_create,
    .start = store_start,
    .destroy = store_destroy,
    .ops = &ops,
};

static const struct ow_component *const components[] = {&memory_component, NULL};

OW_MODULE("store_memory", "1.0", "Apache-2.0", components)
