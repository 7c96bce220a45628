/*
 * The store `memory`: keys in this process, shared by its workers.
 *
 * Expired keys are never searched for: each claim sweeps a few slots of its
 * shard, a timer sweeps the rest in slices, and what is looked up is judged by
 * its own time, to the millisecond, swept or not.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <onceway/plugin.h>

#include "lib/alloc.h"
#include "store_memory/operations.h"

#define TIMER_SWEEP 4096 /* slots, each time */

/* The timer comes round to every slot about this often; slower while it finds much to free. */
#define ROUND_MS    30000
#define INTERVAL_MS 1000 /* between two slices, at most */

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
	int64_t now = store_now(s);
	memory_sweep(m, TIMER_SWEEP, now);
	settle(s, now);
	if (is_first(s))
		s->host->gauge_set(s->bytes, memory_bytes(m));
	int64_t slices = (int64_t)(memory_slots(m) / TIMER_SWEEP) + 1;
	int64_t ms = ROUND_MS / slices * (int64_t)atomic_load(&s->shared->instances);
	s->host->timer_set(s->timer, ms > INTERVAL_MS ? INTERVAL_MS : ms < 1 ? 1 : ms);
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
	if (s->conf->durable)
		shared->durable =
		    durable_new(shared->memory, s->conf->durable, s->conf->sync_ms < 0);
	shared->first = s;
	return shared;
}

static void shared_free(void *object)
{
	struct shared *shared = object;
	checkpoint_free(shared->checkpoint);
	durable_free(shared->durable);
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

static void loaded(struct store *s, uint64_t no_room, const char *what, const char *path)
{
	if (is_first(s) && no_room > 0) {
		s->host->count(s->evicted, no_room);
		s->host->log(s->self, OW_LOG_WARNING,
		    "%" PRIu64 " keys of %s %s are forgotten: there is no room for them; raise "
		    "max_keys or max_bytes",
		    no_room, what, path);
	}
	begin(s);
}

static void checkpoint_loaded(void *arg, const struct keys_loaded *load)
{
	struct store *s = arg;
	loaded(s, load->no_room, "checkpoint", s->conf->checkpoint.path);
}

static void durable_loaded(void *arg, const struct durable_loaded *load)
{
	struct store *s = arg;
	loaded(s, load->no_room, "durable", s->conf->durable);
}

static struct persistence *create_persistence(struct store *s)
{
	const struct persistence_parts parts = {.host = s->host,
	    .self = s->self,
	    .path = s->conf->checkpoint.path,
	    .interval_ms = s->conf->checkpoint.interval_ms,
	    .checkpoint = s->shared->checkpoint,
	    .speaks = is_first(s),
	    .loaded = checkpoint_loaded,
	    .arg = s};
	return persistence_new(&parts);
}

static struct durability *create_durability(struct store *s)
{
	const struct durability_parts parts = {.host = s->host,
	    .self = s->self,
	    .durable = s->shared->durable,
	    .path = s->conf->durable,
	    .sync_ms = s->conf->sync_ms,
	    .speaks = is_first(s),
	    .loaded = durable_loaded,
	    .hold = store_hold,
	    .finish = store_finish,
	    .arg = s};
	return durability_new(&parts);
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
	if (s->shared->durable)
		s->durability = create_durability(s);
	return s;
}

static void store_start(void *state, struct ow_op *op)
{
	struct store *s = state;
	if (s->persistence) {
		persistence_start(s->persistence, op);
		return;
	}
	if (s->durability) {
		durability_start(s->durability, op);
		return;
	}
	begin(s);
	s->host->op_done(op, OW_OK, NULL);
}

static void store_drain(void *state, struct ow_op *op)
{
	struct store *s = state;
	unsigned drained = atomic_fetch_add(&s->shared->drained, 1) + 1;
	bool last = drained == atomic_load(&s->shared->instances);
	if (s->persistence)
		persistence_drain(s->persistence, op, last);
	else if (s->durability)
		durability_drain(s->durability, op, last);
	else
		s->host->op_done(op, OW_OK, NULL);
}

static void store_destroy(void *state)
{
	struct store *s = state;
	persistence_free(s->persistence);
	durability_free(s->durability);
	s->host->timer_free(s->timer);
	atomic_fetch_sub(&s->shared->instances, 1);
	free(s);
}

static void check(const void *conf, const struct ow_report *report)
{
	const struct memory_conf *c = conf;
	const char *path = c->durable;
	size_t len = path ? strlen(path) : 0;
	checkpoint_options_check(&c->checkpoint, report);
	if (path && (len == 0 || path[len - 1] == '/'))
		report->complain(
		    report, "durable", "must name a file, such as /var/lib/onceway/keys.db");
	if (path && c->checkpoint.path)
		report->complain(report, "checkpoint",
		    "is of no use beside `durable`, which keeps every key: remove one of them");
	if (!path && report->size >= sizeof(*report) && report->given(report, "sync"))
		report->complain(report, "sync", "is of no use without `durable: FILE`");
}

static const char *const sync_words[] = {"always", NULL};
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
    OW_STRING(struct memory_conf, durable, "durable",
	.help = "File that finished keys are kept in as they are committed, so that they "
		"outlive kill -9."),
    OW_DURATION(struct memory_conf, sync_ms, "sync", .dflt = "100ms", .min = 0, .max = 60000,
	.choices = sync_words,
	.help = "When a committed key is on disk: that long afterwards at the latest; "
		"`always`: before its event is acknowledged."),
    OW_OPTION_END,
};

static bool store_ready(void *state, const char **why)
{
	struct store *s = state;
	return !s->durability || durability_ready(s->durability, why);
}

static const struct ow_store_ops ops = {
    .size = sizeof(ops),
    .claim = store_claim,
    .renew = store_renew,
    .commit = store_commit,
    .release = store_release,
    .cancel = store_cancel,
    .keys = store_keys,
    .ready = store_ready,
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
