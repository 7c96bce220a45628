#include "store_redis/sweeper.h"

#include "lib/alloc.h"
#include "store_redis/scan.h"

#define FIRST_MS 1000 /* the first one, soon after the start */

struct sweeper {
	struct store *store;
	struct ow_timer *timer;
	struct scan scan;
	struct ow_counter *keys, *percent; /* gauges */
	bool running, elected;
	int64_t found;
	uint64_t claims, duplicates; /* at the end of the last sweep */
};

static void on_timer(void *arg);
static void on_page(struct scan *scan, struct redisReply *const *keys, size_t count);
static void on_end(struct scan *scan, const char *why);

struct sweeper *sweeper_new(struct store *s)
{
	struct sweeper *w = alloc_zero(1, sizeof(*w));
	w->store = s;
	w->scan.page = on_page;
	w->scan.end = on_end;
	scan_init(&w->scan, s);
	w->timer = s->host->timer_new(s->self, on_timer, w);
	w->keys = s->host->gauge(s->self, "redis_keys",
	    "Keys in Redis under sweep_prefixes, as the last sweep found them.");
	w->percent = s->host->gauge(s->self, "redis_duplicate_percent",
	    "Of the claims between the last two sweeps, how many were duplicates.");
	return w;
}

void sweeper_free(struct sweeper *w)
{
	if (!w)
		return;
	w->store->host->timer_free(w->timer);
	free(w);
}

static void wait_for_next(struct sweeper *w)
{
	if (w->running)
		w->store->host->timer_set(w->timer, w->store->conf->sweep_ms);
}

static void report(struct sweeper *w)
{
	struct store *s = w->store;
	uint64_t claims = atomic_load(&s->shared->claims) - w->claims;
	uint64_t duplicates = atomic_load(&s->shared->duplicates) - w->duplicates;
	double percent = claims ? 100.0 * (double)duplicates / (double)claims : 0;
	w->claims += claims;
	w->duplicates += duplicates;
	atomic_store(&s->shared->keys, w->found);
	s->host->gauge_set(w->keys, w->found);
	s->host->gauge_set(w->percent, (int64_t)(percent + 0.5));
	s->host->log(s->self, OW_LOG_INFO,
	    "sweep: %lld keys in Redis; of %llu claims since the last sweep %.1f %% were "
	    "duplicates",
	    (long long)w->found, (unsigned long long)claims, percent);
}

static void on_page(struct scan *scan, struct redisReply *const *keys, size_t count)
{
	struct sweeper *w = STORE_OF(scan, struct sweeper, scan);
	(void)keys;
	w->found += (int64_t)count;
	scan_next(scan);
}

/* That Redis cannot be reached is logged by who talks to it; that it refuses, here. */
static void on_end(struct scan *scan, const char *why)
{
	struct sweeper *w = STORE_OF(scan, struct sweeper, scan);
	const char *away;
	if (!why)
		report(w);
	else if (servers_ready(w->store->servers, &away))
		w->store->host->log(
		    w->store->self, OW_LOG_WARNING, "sweep: the keys are not counted: %s", why);
	wait_for_next(w);
}

static void on_timer(void *arg)
{
	struct sweeper *w = arg;
	w->found = 0;
	scan_begin(&w->scan);
}

void sweeper_start(struct sweeper *w)
{
	struct store *s = w->store;
	if (s->conf->sweep_ms == 0 || s->conf->sweep_prefixes.count == 0 ||
	    atomic_exchange(&s->shared->swept, true))
		return;
	w->running = w->elected = true;
	s->host->timer_set(
	    w->timer, s->conf->sweep_ms < FIRST_MS ? s->conf->sweep_ms : FIRST_MS);
}

void sweeper_stop(struct sweeper *w)
{
	w->running = false;
	scan_stop(&w->scan);
	w->store->host->timer_set(w->timer, -1);
	if (w->elected)
		atomic_store(&w->store->shared->swept, false);
	w->elected = false;
}
