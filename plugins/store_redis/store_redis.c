/*
 * The store `redis`: one memory for any number of processes and machines, that
 * the Python services of the tutorials can share (value.h says how).
 *
 * Redis is asked once for a claim and once for a commit. Tokens are compared
 * inside Redis, by scripts; times are counted by Redis' clock. A worker has its
 * own connections, claims and cache, and shares nothing but counts.
 */
#define OW_NEED_MINOR 2 /* resolve(), tls_new() */
#include <onceway/plugin.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "lib/alloc.h"
#include "lib/backoff.h"
#include "lib/tls_check.h"
#include "store_redis/claims.h"
#include "store_redis/keeper.h"
#include "store_redis/label_counts.h"
#include "store_redis/leases.h"
#include "store_redis/local_cache.h"
#include "store_redis/store.h"
#include "store_redis/strays.h"
#include "store_redis/sweeper.h"

/* ---- configuration ---- */

static void check_place(const struct redis_url *url, const struct ow_report *report)
{
	struct sockaddr_un room;
	if (url->path && strlen(url->path) >= sizeof(room.sun_path))
		report->complain(report, "url", "names a socket whose path is over %zu bytes",
		    sizeof(room.sun_path) - 1);
}

static void check_login(
    const struct redis_conf *conf, const struct redis_url *url, const struct ow_report *report)
{
	if (conf->password && url->password)
		report->complain(
		    report, "password", "stands in the url too: leave one of them out");
	if (conf->user && url->user)
		report->complain(
		    report, "user", "stands in the url too: leave one of them out");
	else if (conf->user && !conf->password && !url->password)
		report->complain(report, "user", "needs a password");
}

static void check_prefixes(const struct redis_conf *conf, const struct ow_report *report)
{
	for (size_t i = 0; i < conf->sweep_prefixes.count; i++)
		if (!*conf->sweep_prefixes.items[i])
			report->complain(report, "sweep_prefixes",
			    "holds an empty prefix, which would count every key in Redis");
	if (conf->checkpoint.path && conf->sweep_prefixes.count == 0)
		report->complain(report, "sweep_prefixes",
		    "is empty, but says which keys `checkpoint` keeps");
}

static void redis_check(const void *data, const struct ow_report *report)
{
	const struct redis_conf *conf = data;
	struct redis_url url;
	const char *problem = redis_url_parse(conf->url, &url);
	if (problem) {
		report->complain(report, "url", "%s", problem);
		return;
	}
	backoff_check(conf->base_ms, conf->max_ms, "reconnect", report);
	check_place(&url, report);
	sentinel_options_check(&conf->sentinel, &url, report);
	check_login(conf, &url, report);
	cluster_options_check(&conf->cluster, &url, conf->sentinel.master, report);
	check_prefixes(conf, report);
	checkpoint_options_check(&conf->checkpoint, report);
	tls_options_check(&conf->tls, url.tls, "redis://", "rediss://", report);
	redis_url_fini(&url);
}

/* ---- operations ---- */

static void redis_claim(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	claims_claim(state, op, claim);
}

static void redis_renew(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	claims_renew(state, op, claim);
}

static void redis_commit(
    void *state, struct ow_op *op, const struct ow_claim *claim, const struct ow_result *result)
{
	claims_commit(state, op, claim, result);
}

static void redis_release(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	claims_release(state, op, claim);
}

static void redis_cancel(void *state, struct ow_op *op)
{
	claims_cancel(state, op);
}

static void redis_count_duplicate(void *state, struct ow_text label)
{
	struct store *s = state;
	label_counts_add(s->labels, label);
}

/* Called once a second: often enough for the gauges, too. */
static int64_t redis_keys(void *state)
{
	struct store *s = state;
	s->host->gauge_set(s->counters.in_flight, (int64_t)servers_pending(s->servers));
	s->host->gauge_set(s->counters.stray_count, (int64_t)strays_count(s->strays));
	if (s->cache)
		s->host->gauge_set(
		    s->counters.cache_entries, (int64_t)local_cache_count(s->cache));
	return atomic_load(&s->shared->keys);
}

static bool redis_ready(void *state, const char **why)
{
	struct store *s = state;
	return servers_ready(s->servers, why);
}

/* ---- life ---- */

static void *shared_make(void *arg)
{
	struct redis_shared *shared = alloc_zero(1, sizeof(*shared));
	(void)arg;
	atomic_init(&shared->keys, -1);
	return shared;
}

static void shared_free(void *object)
{
	free(object);
}

static struct ow_counter *counter(struct store *s, const char *name, const char *help)
{
	return s->host->counter(s->self, name, help, NULL, (struct ow_text){NULL, 0});
}

static void make_counters(struct store *s)
{
	static const char *const ends[CLAIM_ENDS] = {"new", "duplicate", "in_progress"};
	struct store_counters *c = &s->counters;
	for (size_t i = 0; i < CLAIM_ENDS; i++)
		c->claims[i] = s->host->counter(s->self, "redis_claims_total",
		    "Claims, by what was found.", "found",
		    (struct ow_text){ends[i], strlen(ends[i])});
	c->cache_hits = counter(s, "redis_cache_hits_total",
	    "Duplicates answered from local_cache, without asking Redis.");
	c->too_large = counter(s, "redis_results_too_large_total",
	    "Results over max_result, of which only the status was kept.");
	c->endless = counter(s, "redis_endless_keys_total",
	    "Keys of other programs that had no end and were given one.");
	c->strays_released = counter(s, "redis_strays_released_total",
	    "Claims whose answer was lost, found in Redis and released.");
	c->labels_dropped = counter(s, "redis_labels_dropped_total",
	    "Duplicates not added to Redis' counters: too many labels at once.");
	c->in_flight = s->host->gauge(
	    s->self, "redis_commands_in_flight", "Requests that Redis has not answered yet.");
	c->cache_entries = s->host->gauge(
	    s->self, "redis_cache_entries", "Finished keys remembered by local_cache.");
	c->stray_count = s->host->gauge(s->self, "redis_strays",
	    "Claims whose answer was lost and that are still to be released.");
}

static void finish_start(struct store *s, enum ow_rc rc, const char *why)
{
	struct ow_op *op = s->starting;
	s->starting = NULL;
	if (op)
		s->host->op_done(op, rc, why);
}

static void start_if_done(struct store *s)
{
	if (s->tried && s->kept)
		finish_start(s, OW_OK, NULL);
}

static void on_kept(struct store *s, const char *why)
{
	s->kept = true;
	if (why)
		finish_start(s, OW_FAIL, why);
	else
		start_if_done(s);
}

static void on_tried(void *arg)
{
	struct store *s = arg;
	s->tried = true;
	if (s->keeper)
		keeper_tried(s->keeper);
	start_if_done(s);
}

static void on_opened(void *arg)
{
	struct store *s = arg;
	strays_release(s->strays);
	if (s->keeper)
		keeper_opened(s->keeper);
}

static void on_lost(void *arg)
{
	struct store *s = arg;
	if (s->keeper)
		keeper_lost(s->keeper);
}

static struct sentinel *make_sentinel(struct store *s)
{
	struct sentinel_parts parts = {.host = s->host,
	    .self = s->self,
	    .tls = s->tls,
	    .options = &s->conf->sentinel,
	    .connect_ms = s->conf->connect_ms};
	return s->conf->sentinel.master ? sentinel_new(&parts) : NULL;
}

static struct node_parts make_node_parts(struct store *s)
{
	const struct redis_conf *conf = s->conf;
	return (struct node_parts){.connections = conf->connections,
	    .connection = {.host = s->host,
		.self = s->self,
		.url = &s->url,
		.sentinel = s->sentinel,
		.tls = s->tls,
		.client_name = s->client_name,
		.any_role = conf->cluster.wanted,
		.connects = counter(s, "redis_connects_total",
		    "Connections to Redis that were opened, the first ones included."),
		.losses = counter(
		    s, "redis_connections_lost_total", "Connections to Redis that were lost."),
		.limits = {.connect_ms = conf->connect_ms,
		    .timeout_ms = conf->timeout_ms,
		    .backoff = {conf->base_ms, conf->max_ms},
		    .health_ms = conf->health_ms,
		    .max_queue = conf->max_queue}}};
}

/* Workers' gauges are added up, and all see the same nodes: one shows them. */
static struct ow_counter *make_node_gauge(struct store *s)
{
	struct ow_counter *gauge =
	    s->host->gauge(s->self, "redis_nodes", "Nodes of the cluster that have slots.");
	return atomic_exchange(&s->shared->shown, true) ? NULL : gauge;
}

static struct servers *make_servers(struct store *s)
{
	const struct redis_conf *conf = s->conf;
	struct servers_parts parts = {.node = make_node_parts(s),
	    .cluster = conf->cluster.wanted,
	    .seeds = s->seeds,
	    .seed_count = conf->cluster.nodes.count,
	    .max_nodes = (size_t)conf->cluster.max_nodes,
	    .tried = on_tried,
	    .opened = on_opened,
	    .lost = on_lost,
	    .arg = s};
	if (conf->cluster.wanted) {
		parts.gauge = make_node_gauge(s);
		trips_count(s->trips);
	}
	return servers_new(&parts);
}

static char *copy_string(const char *string)
{
	char *copy = alloc_bytes(strlen(string) + 1);
	return memcpy(copy, string, strlen(string) + 1);
}

/* They were found sound by redis_check(). */
static const char *take_urls(struct store *s)
{
	const struct ow_list *seeds = &s->conf->cluster.nodes;
	const struct redis_conf *conf = s->conf;
	const char *problem = redis_url_parse(conf->url, &s->url);
	if (problem)
		return problem;
	if (conf->user)
		s->url.user = copy_string(conf->user);
	if (conf->password)
		s->url.password = copy_string(conf->password);
	if (seeds->count > 0)
		s->seeds = alloc_zero(seeds->count, sizeof(*s->seeds));
	for (size_t i = 0; i < seeds->count && !problem; i++)
		problem = redis_url_parse_place(seeds->items[i], REDIS_PORT, &s->seeds[i]);
	return problem;
}

static void drop_urls(struct store *s)
{
	redis_url_fini(&s->url);
	for (size_t i = 0; s->seeds && i < s->conf->cluster.nodes.count; i++)
		redis_url_fini(&s->seeds[i]);
	free(s->seeds);
}

static struct ow_tls *make_tls(struct store *s, const char **why)
{
	struct ow_tls_options tls = s->conf->tls;
	tls.size = sizeof(tls);
	/* cppcheck-suppress returnDanglingLifetime ; the host copies the options */
	return s->host->tls_new(s->self, &tls, why);
}

static void redis_destroy(void *state)
{
	struct store *s = state;
	servers_free(s->servers);
	trips_free(s->trips);
	sentinel_free(s->sentinel);
	s->host->tls_free(s->tls);
	sweeper_free(s->sweeper);
	keeper_free(s->keeper);
	label_counts_free(s->labels);
	strays_free(s->strays);
	local_cache_free(s->cache);
	leases_free(s->leases);
	command_fini(&s->command);
	drop_urls(s);
	atomic_fetch_sub(&s->shared->instances, 1);
	free(s);
}

static void *redis_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct store *s = alloc_zero(1, sizeof(*s));
	s->host = host;
	s->self = self;
	s->conf = conf;
	*why = take_urls(s);
	if (!*why && s->url.tls)
		s->tls = make_tls(s, why);
	if (*why) {
		drop_urls(s);
		free(s);
		return NULL;
	}
	/* CLIENT SETNAME takes no spaces; an instance's name has none. */
	snprintf(s->client_name, sizeof(s->client_name), "onceway-%.60s", host->name(self));
	host->random(self, s->hash_key, sizeof(s->hash_key));
	s->shared = host->shared(self, shared_make, NULL, shared_free);
	atomic_fetch_add(&s->shared->instances, 1);
	make_counters(s);
	s->leases = leases_new();
	s->strays = strays_new(s);
	s->labels = label_counts_new(s);
	s->sweeper = sweeper_new(s);
	s->cache = s->conf->local_cache ? local_cache_new((size_t)s->conf->local_cache) : NULL;
	s->keeper = s->conf->checkpoint.path ? keeper_new(s, on_kept) : NULL;
	s->kept = !s->keeper;
	s->sentinel = make_sentinel(s);
	s->trips = trips_new(s);
	s->servers = make_servers(s);
	return s;
}

/*
 * Waits for the first try, however it ends: a process that starts without Redis
 * answers by on_store_error until it is there.
 */
static void redis_start(void *state, struct ow_op *op)
{
	struct store *s = state;
	s->starting = op;
	if (s->keeper)
		keeper_begin(s->keeper);
	servers_open(s->servers);
	sweeper_start(s->sweeper);
}

static void redis_drain(void *state, struct ow_op *op)
{
	struct store *s = state;
	finish_start(s, OW_OK, NULL);
	sweeper_stop(s->sweeper);
	label_counts_flush(s->labels);
	if (s->keeper)
		keeper_drain(s->keeper, op);
	else
		s->host->op_done(op, OW_OK, NULL);
}

/* ---- description ---- */

OW_TLS_CHOICES;

static const struct ow_option options[] = {
    OW_SECRET(struct redis_conf, url, "url", .flags = OW_O_REQUIRED,
	.help = "redis://[user:password@]host[:port][/db], rediss:// for TLS, or "
		"unix:///path[?db=N]; without host[:port] if there are sentinels; secret, "
		"since it may hold a password."),
    OW_STRING(struct redis_conf, user, "user",
	.help = "User (ACL) to log in as; may stand in the url instead."),
    OW_SECRET(struct redis_conf, password, "password",
	.help = "Password to log in with; may stand in the url instead, with %, @, / and : "
		"percent-encoded."),
    CLUSTER_OPTIONS(struct redis_conf, cluster),
    OW_INT(struct redis_conf, connections, "connections", .dflt = "1", .min = 1, .max = 16,
	.unit = "connections",
	.help =
	    "Connections of each worker, in a cluster to each node; commands are pipelined, "
	    "so one carries all."),
    OW_DURATION(struct redis_conf, connect_ms, "connect_timeout", .dflt = "2s", .min = 10,
	.max = 60000, .help = "Time for looking up, connecting and logging in."),
    OW_DURATION(struct redis_conf, timeout_ms, "timeout", .dflt = "2s", .min = 10, .max = 60000,
	.help = "Time for an answer; then the connection is given up and opened anew."),
    OW_DURATION(struct redis_conf, base_ms, "reconnect.base", .dflt = "100ms", .min = 1,
	.max = 60000, .help = "Wait before connecting again; doubled each time, jittered."),
    OW_DURATION(struct redis_conf, max_ms, "reconnect.max", .dflt = "5s", .min = 1,
	.max = 3600000, .help = "Longest wait before connecting again."),
    OW_DURATION(struct redis_conf, health_ms, "health_check", .dflt = "10s", .max = 3600000,
	.help = "An idle connection is asked whether it lives (PING) that often; 0: never."),
    OW_INT(struct redis_conf, max_queue, "max_queue", .dflt = "10000", .min = 1,
	.max = 10000000, .unit = "requests",
	.help = "Requests without an answer on one connection; beyond it claims fail at once."),
    OW_SIZE(struct redis_conf, max_result, "max_result", .dflt = "64KiB", .max = 16 << 20,
	.help = "Largest result kept for duplicates; of a larger one only the status is kept."),
    OW_INT(struct redis_conf, local_cache, "local_cache", .dflt = "0", .max = 100000000,
	.unit = "keys",
	.help =
	    "Finished keys that each worker remembers itself, so that their duplicates do not "
	    "ask Redis; 0: none."),
    OW_DURATION(struct redis_conf, sweep_ms, "sweep_interval", .dflt = "60s", .max = 86400000,
	.help = "Keys are counted (SCAN) that often; 0: never."),
    OW_LIST(struct redis_conf, sweep_prefixes, "sweep_prefixes",
	.dflt = "[\"cxone:dedup:\", \"cognigy:fp:\", \"genesys_dedup:\", \"event:\"]",
	.max = 32, .help = "Prefixes of the keys that are counted, and kept in a checkpoint."),
    OW_STRING(struct redis_conf, counter_prefix, "counter_prefix",
	.dflt = "cxone:metrics:duplicates:",
	.help = "Duplicates are counted in Redis under this and their label (INCR, 24 h); "
		"empty: they are not."),
    CHECKPOINT_OPTIONS(struct redis_conf, checkpoint),
    SENTINEL_OPTIONS(struct redis_conf, sentinel),
    OW_TLS_OPTIONS(struct redis_conf, tls),
    OW_OPTION_END,
};

static const struct ow_store_ops ops = {
    .size = sizeof(ops),
    .claim = redis_claim,
    .renew = redis_renew,
    .commit = redis_commit,
    .release = redis_release,
    .cancel = redis_cancel,
    .count_duplicate = redis_count_duplicate,
    .keys = redis_keys,
    .ready = redis_ready,
};

static const struct ow_component redis_component = {
    .kind = OW_STORE,
    .conf_size = sizeof(struct redis_conf),
    .name = "redis",
    .summary = "Remembers keys in Redis, for any number of processes and machines.",
    .options = options,
    .example = "url: redis://redis.example.com:6379/0\nlocal_cache: 10000\n",
    .check = redis_check,
    .create = redis_create,
    .start = redis_start,
    .drain = redis_drain,
    .destroy = redis_destroy,
    .ops = &ops,
};

static const struct ow_component *const components[] = {&redis_component, NULL};

OW_MODULE("store_redis", "1.0", "Apache-2.0", components)
