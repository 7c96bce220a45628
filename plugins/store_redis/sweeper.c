#include "store_redis/sweeper.h"

#include <string.h>

#include "lib/alloc.h"

#define FIRST_MS 1000 /* the first one, soon after the start */
#define BATCH	 1000

struct sweeper {
	struct store *store;
	struct ow_timer *timer;
	struct request request;
	struct ow_counter *keys, *percent; /* gauges */
	bool running, asked, elected;
	size_t server; /* which of them is being counted */
	unsigned generation;
	size_t prefix; /* likewise */
	char cursor[24];
	int64_t found;
	uint64_t claims, duplicates; /* at the end of the last sweep */
};

static void on_timer(void *arg);

struct sweeper *sweeper_new(struct store *s)
{
	struct sweeper *w = alloc_zero(1, sizeof(*w));
	w->store = s;
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

/* Adds prefix* as a pattern that means exactly this prefix. */
static void add_pattern(struct command *c, const char *prefix)
{
	char *pattern = alloc_bytes(2 * strlen(prefix) + 2), *at = pattern;
	for (; *prefix; prefix++) {
		if (strchr("*?[]\\^-", *prefix))
			*at++ = '\\';
		*at++ = *prefix;
	}
	*at++ = '*';
	command_text(c, (struct ow_text){pattern, (size_t)(at - pattern)});
	free(pattern);
}

static void on_scanned(
    struct request *request, struct redisReply *const *replies, const char *why);

/* False: its server is not there. */
static bool scan(struct sweeper *w)
{
	struct store *s = w->store;
	struct node *node = servers_at(s->servers, w->server);
	const char *why;
	if (!node || !node_ready(node, &why))
		return false;
	command_clear(&s->command);
	command_begin(&s->command, "SCAN", 5);
	command_string(&s->command, w->cursor);
	command_string(&s->command, "MATCH");
	add_pattern(&s->command, s->conf->sweep_prefixes.items[w->prefix]);
	command_string(&s->command, "COUNT");
	command_number(&s->command, BATCH);
	w->request.done = on_scanned;
	w->asked = node_send(node, 0, &w->request, &s->command, &why);
	return w->asked;
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

/* False: this is not how SCAN answers. */
static bool take(struct sweeper *w, const struct redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[0]->len >= sizeof(w->cursor) ||
	    reply->element[1]->type != REDIS_REPLY_ARRAY)
		return false;
	memcpy(w->cursor, reply->element[0]->str, reply->element[0]->len + 1);
	w->found += (int64_t)reply->element[1]->elements;
	return true;
}

/* To the next part, prefix or server. False: that was the last. */
static bool go_on(struct sweeper *w)
{
	if (strcmp(w->cursor, "0") != 0)
		return true;
	if (++w->prefix < w->store->conf->sweep_prefixes.count)
		return true;
	w->prefix = 0;
	return servers_at(w->store->servers, ++w->server) != NULL;
}

static void on_scanned(
    struct request *request, struct redisReply *const *replies, const char *why)
{
	struct sweeper *w = STORE_OF(request, struct sweeper, request);
	struct store *s = w->store;
	(void)why;
	w->asked = false;
	/* With other servers than it began with, it would count some keys twice or not at all.
	 */
	if (!replies || !w->running || w->generation != servers_generation(s->servers)) {
		wait_for_next(w);
		return;
	}
	if (!take(w, replies[0])) {
		s->host->log(s->self, OW_LOG_WARNING,
		    "sweep: SCAN is refused or not understood: the keys are not counted");
		wait_for_next(w);
		return;
	}
	if (go_on(w)) {
		if (!scan(w))
			wait_for_next(w);
		return;
	}
	report(w);
	wait_for_next(w);
}

static void on_timer(void *arg)
{
	struct sweeper *w = arg;
	w->server = w->prefix = 0;
	w->generation = servers_generation(w->store->servers);
	w->found = 0;
	memcpy(w->cursor, "0", 2);
	if (!w->asked && !scan(w))
		wait_for_next(w);
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
	w->store->host->timer_set(w->timer, -1);
	if (w->elected)
		atomic_store(&w->store->shared->swept, false);
	w->elected = false;
}
