/*
 * The store `memory`: keys in this process, shared by its workers.
 *
 * Expired keys are never searched for: each claim sweeps a few slots of its
 * shard, a timer sweeps the rest in slices, and what is looked up is judged by
 * its own time, to the millisecond, swept or not.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <onceway/plugin.h>

#include "lib/alloc.h"
#include "lib/checkpoint_options.h"
#include "store_memory/memory.h"
#include "store_memory/persistence.h"

/* Slots swept by each claim, by the timer each time, and by a claim that finds the store full.
 */
#define CLAIM_SWEEP 8
#define TIMER_SWEEP 4096
#define FULL_SWEEP  2048
#define EVICT_SWEEP 256 /* the same, where it may evict */

/* The timer comes round to every slot about this often; slower while it finds much to free. */
#define ROUND_MS    30000
#define INTERVAL_MS 1000 /* between two slices, at most */

enum on_full {
	FULL_REJECT = 0,
	FULL_EVICT
};

struct memory_conf {
	int64_t max_keys;
	int64_t max_bytes;
	int64_t max_result;
	int on_full;
	struct checkpoint_options checkpoint;
};

/* What all workers share. */
struct shared {
	struct memory *memory;
	struct checkpoint *checkpoint; /* NULL: none is configured */
	_Atomic unsigned instances, drained;
	const void *first; /* the instance that speaks for all, where one must */
};

/* One worker's instance. */
struct store {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct memory_conf *conf;
	struct shared *shared;
	struct memory *memory;
	struct ow_timer *timer;
	struct ow_counter *too_large, *dropped, *evicted, *refused, *bytes;

	struct persistence *persistence; /* NULL: there is no checkpoint */
	int64_t settled_ms;
};

static int64_t now_of(const struct store *s)
{
	return s->host->mono_ms(s->self);
}

static bool is_first(const struct store *s)
{
	return s->shared->first == s;
}

/* ---- sweeping ---- */

/* Once a second is enough for another thread; our own may not collect more than one slice. */
static void settle(struct store *s, int64_t now)
{
	alloc_settle();
	if (!is_first(s) || !s->shared->checkpoint || now - s->settled_ms < INTERVAL_MS)
		return;
	s->settled_ms = now;
	checkpoint_settle(s->shared->checkpoint);
}

static void sweep_on_timer(void *arg)
{
	struct store *s = arg;
	struct memory *m = s->memory;
	int64_t now = now_of(s);
	memory_sweep(m, TIMER_SWEEP, now);
	settle(s, now);
	if (is_first(s))
		s->host->gauge_set(s->bytes, memory_bytes(m));
	int64_t slices = (int64_t)(memory_slots(m) / TIMER_SWEEP) + 1;
	int64_t ms = ROUND_MS / slices * (int64_t)atomic_load(&s->shared->instances);
	s->host->timer_set(s->timer, ms > INTERVAL_MS ? INTERVAL_MS : ms < 1 ? 1 : ms);
}

/* ---- operations ---- */

static bool is_sliding(const struct ow_claim *claim)
{
	return claim->size >= offsetof(struct ow_claim, sliding) + sizeof(claim->sliding) &&
	       claim->sliding;
}

/* An answer about a finished key. Its shard is locked until the answer is given. */
static void answer_done(struct store *s, struct ow_op *op, const struct ow_claim *claim,
    struct place place, struct key_slot *slot, int64_t now)
{
	struct key_entry *entry = slot->entry;
	struct ow_result result;
	int64_t since = entry->is.result.since_ms;
	struct ow_claim_answer answer = {.size = sizeof(answer),
	    .rc = OW_OK,
	    .state = OW_CLAIM_DONE,
	    .age_ms = since == KEY_SINCE_UNKNOWN ? -1 : now - since,
	    .digest = key_entry_digest(entry)};
	if (key_entry_result(entry, &result))
		answer.result = &result;
	if (is_sliding(claim)) {
		key_entry_slide(entry, claim->window_ms, now);
		memory_set(place, slot, entry, key_entry_cost(entry));
	}
	s->host->claim_done(op, &answer);
}

/* An answer about a key that is in the table. */
static void answer_known(struct store *s, struct ow_op *op, const struct ow_claim *claim,
    struct place place, struct key_slot *slot, int64_t now)
{
	struct key_entry *entry = slot->entry;
	struct ow_claim_answer answer = {.size = sizeof(answer), .rc = OW_OK};
	if (now >= entry->expires_ms) {
		size_t cost = key_entry_cost(entry);
		memory_set(place, slot, key_entry_claim(entry, claim, now), cost);
		answer.state = OW_CLAIM_NEW;
	} else if (entry->done) {
		answer_done(s, op, claim, place, slot, now);
		return;
	} else {
		answer.state = OW_CLAIM_IN_PROGRESS;
		answer.remaining_ms = entry->expires_ms - now;
	}
	s->host->claim_done(op, &answer);
}

/* False if the key is new and there is no room for it; else the operation is finished. */
static bool try_claim(
    struct store *s, struct ow_op *op, const struct ow_claim *claim, int64_t now)
{
	struct memory *m = s->memory;
	struct place place = memory_enter(m, claim->key);
	memory_tidy(place, CLAIM_SWEEP, now);
	struct key_slot *slot = memory_find(place, claim->key);
	bool finished = true;
	if (slot)
		answer_known(s, op, claim, place, slot, now);
	else if (memory_add(m, place, key_entry_new(claim, now)))
		s->host->claim_done(
		    op, &(struct ow_claim_answer){.size = sizeof(struct ow_claim_answer),
			    .rc = OW_OK,
			    .state = OW_CLAIM_NEW});
	else
		finished = false;
	memory_leave(m, place);
	return finished;
}

static void refuse(struct store *s, struct ow_op *op, const char *why)
{
	s->host->claim_done(
	    op, &(struct ow_claim_answer){
		    .size = sizeof(struct ow_claim_answer), .rc = OW_FAIL, .why = why});
}

static void refuse_full(struct store *s, struct ow_op *op)
{
	char why[80];
	int64_t keys = memory_keys(s->memory), bytes = memory_bytes(s->memory);
	if (keys >= s->conf->max_keys)
		snprintf(why, sizeof(why), "store is full: %" PRId64 " keys (max_keys)", keys);
	else
		snprintf(
		    why, sizeof(why), "store is full: %" PRId64 " bytes (max_bytes)", bytes);
	s->host->count(s->refused, 1);
	refuse(s, op, why);
}

static void evict(struct store *s, struct ow_text key, struct memory_need need, int64_t now)
{
	memory_sweep(s->memory, EVICT_SWEEP, now);
	unsigned early = memory_evict(s->memory, key, need, now);
	if (early > 0)
		s->host->count(s->evicted, early);
}

static void store_claim(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	int64_t now = now_of(s);
	if (claim->key.len > CHECKPOINT_KEY_MAX) {
		refuse(s, op, "the key is too long to be remembered");
		return;
	}
	if (try_claim(s, op, claim, now))
		return;
	if (s->conf->on_full == FULL_EVICT) {
		evict(s, claim->key, memory_need(s->memory, claim), now);
		if (try_claim(s, op, claim, now))
			return;
	}
	memory_sweep(s->memory, FULL_SWEEP, now);
	if (!try_claim(s, op, claim, now))
		refuse_full(s, op);
}

/*
 * The slot that claim->token owns, with its shard locked; or NULL, with the
 * operation finished and nothing locked.
 */
static struct key_slot *enter_owned(
    struct store *s, struct ow_op *op, const struct ow_claim *claim, struct place *place)
{
	*place = memory_enter(s->memory, claim->key);
	struct key_slot *slot = memory_find(*place, claim->key);
	if (slot && key_entry_owned(slot->entry, claim->token))
		return slot;
	memory_leave(s->memory, *place);
	s->host->op_done(op, OW_REJECT,
	    slot ? "the key has another owner by now" : "the claim expired and is forgotten");
	return NULL;
}

static void store_renew(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct place place;
	struct key_slot *slot = enter_owned(s, op, claim, &place);
	if (!slot)
		return;
	key_entry_renew(slot->entry, claim, now_of(s));
	memory_set(place, slot, slot->entry, key_entry_cost(slot->entry));
	memory_leave(s->memory, place);
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
	struct place place;
	bool keep_texts = fits(s, result), may_evict = s->conf->on_full == FULL_EVICT;
	size_t texts = keep_texts ? result->content_type.len + result->body.len : 0;
	size_t room = texts ? alloc_cost_of(texts) : 0;
	struct key_slot *slot = enter_owned(s, op, claim, &place);
	if (slot && room && !memory_grow(s->memory, place, room)) {
		keep_texts = false;
		if (may_evict) {
			memory_leave(s->memory, place);
			evict(s, claim->key, (struct memory_need){.bytes = room}, now_of(s));
			slot = enter_owned(s, op, claim, &place);
			keep_texts = slot && memory_grow(s->memory, place, room);
		}
		if (!keep_texts)
			s->host->count(s->dropped, 1);
	}
	if (!slot)
		return;
	size_t cost = key_entry_cost(slot->entry);
	memory_set(place, slot,
	    key_entry_finish(slot->entry, claim, result, keep_texts, now_of(s)), cost);
	memory_leave(s->memory, place);
	s->host->op_done(op, OW_OK, NULL);
}

static void store_release(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct place place;
	struct key_slot *slot = enter_owned(s, op, claim, &place);
	if (!slot)
		return;
	memory_remove(place, slot);
	memory_leave(s->memory, place);
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
	return memory_keys(s->memory);
}

/* ---- life ---- */

static void *shared_make(void *arg)
{
	struct store *s = arg;
	const struct memory_bounds bounds = {
	    .max_keys = s->conf->max_keys, .max_bytes = s->conf->max_bytes};
	unsigned char hash_key[SIPHASH_KEY_SIZE];
	struct shared *shared = alloc_zero(1, sizeof(*shared));
	s->host->random(s->self, hash_key, sizeof(hash_key));
	shared->memory = memory_new(&bounds, hash_key);
	if (s->conf->checkpoint.path)
		shared->checkpoint = checkpoint_new(shared->memory, s->conf->checkpoint.path);
	shared->first = s;
	return shared;
}

static void shared_free(void *object)
{
	struct shared *shared = object;
	checkpoint_free(shared->checkpoint);
	memory_free(shared->memory);
	free(shared);
}

static struct ow_counter *counter(struct store *s, const char *name, const char *help)
{
	return s->host->counter(s->self, name, help, NULL, (struct ow_text){NULL, 0});
}

static void create_metrics(struct store *s)
{
	s->too_large = counter(s, "memory_results_too_large_total",
	    "Results over max_result, of which only the status was kept.");
	s->dropped = counter(s, "store_results_dropped_total",
	    "Results of which only the status was kept for want of room (max_bytes).");
	s->evicted = counter(
	    s, "store_evicted_total", "Keys forgotten before their time for want of room.");
	s->refused =
	    counter(s, "store_full_total", "Claims refused because the store was full.");
	s->bytes = s->host->gauge(s->self, "store_bytes",
	    "Memory that a store's keys, results and tables take, in bytes.");
}

static void begin(struct store *s)
{
	s->host->timer_set(s->timer, INTERVAL_MS);
}

static void loaded(void *arg, const struct keys_loaded *load)
{
	struct store *s = arg;
	if (is_first(s) && load->no_room > 0) {
		s->host->count(s->evicted, load->no_room);
		s->host->log(s->self, OW_LOG_WARNING,
		    "%" PRIu64 " keys of checkpoint %s are forgotten: there is no room for "
		    "them; raise max_keys or max_bytes",
		    load->no_room, s->conf->checkpoint.path);
	}
	begin(s);
}

static struct persistence *create_persistence(struct store *s)
{
	const struct persistence_parts parts = {.host = s->host,
	    .self = s->self,
	    .path = s->conf->checkpoint.path,
	    .interval_ms = s->conf->checkpoint.interval_ms,
	    .checkpoint = s->shared->checkpoint,
	    .speaks = is_first(s),
	    .loaded = loaded,
	    .arg = s};
	return persistence_new(&parts);
}

static void *store_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct store *s = alloc_zero(1, sizeof(*s));
	(void)why;
	s->host = host;
	s->self = self;
	s->conf = conf;
	s->shared = host->shared(self, shared_make, s, shared_free);
	s->memory = s->shared->memory;
	atomic_fetch_add(&s->shared->instances, 1);
	s->timer = host->timer_new(self, sweep_on_timer, s);
	create_metrics(s);
	if (s->shared->checkpoint)
		s->persistence = create_persistence(s);
	return s;
}

static void store_start(void *state, struct ow_op *op)
{
	struct store *s = state;
	if (s->persistence) {
		persistence_start(s->persistence, op);
		return;
	}
	begin(s);
	s->host->op_done(op, OW_OK, NULL);
}

static void store_drain(void *state, struct ow_op *op)
{
	struct store *s = state;
	unsigned drained = atomic_fetch_add(&s->shared->drained, 1) + 1;
	if (s->persistence)
		persistence_drain(
		    s->persistence, op, drained == atomic_load(&s->shared->instances));
	else
		s->host->op_done(op, OW_OK, NULL);
}

static void store_destroy(void *state)
{
	struct store *s = state;
	persistence_free(s->persistence);
	s->host->timer_free(s->timer);
	atomic_fetch_sub(&s->shared->instances, 1);
	free(s);
}

static void check(const void *conf, const struct ow_report *report)
{
	const struct memory_conf *c = conf;
	checkpoint_options_check(&c->checkpoint, report);
}

static const char *const full_choices[] = {"reject", "evict", NULL};

static const struct ow_option options[] = {
    OW_INT(struct memory_conf, max_keys, "max_keys", .dflt = "1000000", .min = 1,
	.max = 1000000000, .unit = "keys",
	.help = "Keys remembered at most, claims in progress included."),
    OW_SIZE(struct memory_conf, max_bytes, "max_bytes", .dflt = "512MiB", .min = 1 << 20,
	.max = (int64_t)1 << 46,
	.help = "Memory that all keys, results and tables may take together."),
    OW_SIZE(struct memory_conf, max_result, "max_result", .dflt = "64KiB",
	.max = CHECKPOINT_BODY_MAX,
	.help = "Largest result kept for duplicates; of a larger one only the status is kept."),
    OW_ENUM(struct memory_conf, on_full, "on_full", .dflt = "reject", .choices = full_choices,
	.help = "At one of these bounds: `reject` new keys until others expire, or `evict` the "
		"finished key that would end first."),
    CHECKPOINT_OPTIONS(struct memory_conf, checkpoint),
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
    .example = "max_keys: 100000\nmax_result: 64KiB\n"
	       "checkpoint: /var/lib/onceway/keys\n",
    .check = check,
    .create = store_create,
    .start = store_start,
    .drain = store_drain,
    .destroy = store_destroy,
    .ops = &ops,
};

static const struct ow_component *const components[] = {&memory_component, NULL};

OW_MODULE("store_memory", "1.0", "Apache-2.0", components)
