#include "daemon/assembly.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conceal.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/http_server.h"
#include "io/timer.h"
#include "io/tls_store.h"
#include "route/engine.h"
#include "spool/spool.h"

#define TICK_MS	      1000
#define FLUSH_TICK_MS 10
#define FLUSH_MAX_MS  2000 /* for answers to reach slow readers at the end */

/* One instance with what the outside is told of it. */
struct part {
	struct part *next;
	const struct component_settings *settings;
	struct ow_instance *instance;
	struct ow_op op; /* start or drain */
	struct metric_cell *keys;
	/* under the assembly's lock */
	bool ready;
	char why[200];
};

struct assembly {
	struct arena arena; /* names */
	struct worker *worker;
	const struct settings *settings;
	struct engine *engine;
	struct spool *spool; /* NULL: none */
	struct part *keyers, *stores, *sinks, *sources;
	struct event *tick, *flush;
	int64_t flush_until_ms;
	bool closed; /* the listeners are gone */
	pthread_mutex_t lock;
	/* start and drain */
	assembly_done_fn *done;
	void *done_arg;
	size_t pending;
	char why[300]; /* the first failure */
};

/* ---- building ---- */

static struct part *part_find(struct part *list, const struct component_settings *settings)
{
	while (list && list->settings != settings)
		list = list->next;
	return list;
}

/* A plugin's reason, fit for the log and for /status. */
static void keep_why(const struct assembly *a, const char *why, char *out, size_t size)
{
	struct buf text = BUF_INIT;
	buf_add_string(&text, why);
	conceal(&text, a->settings->secrets);
	text_store(out, size, text.data);
	buf_free(&text);
}

static bool part_add(struct assembly *a, struct part **list, const struct component_settings *c)
{
	const char *why;
	struct part *p = mem_zero(sizeof(*p));
	op_init(&p->op);
	p->settings = c;
	p->ready = true;
	p->instance = instance_new(a->worker, c->component, c->name, c->conf, &why);
	if (!p->instance) {
		keep_why(a, why, p->why, sizeof(p->why));
		log_error("core", "%s:%d:%d: %s `%s` cannot be set up: %s", c->node->mark.file,
		    c->node->mark.line, c->node->mark.column,
		    component_kind_name(c->component->description.kind), c->name, p->why);
		free(p);
		return false;
	}
	while (*list)
		list = &(*list)->next;
	*list = p;
	return true;
}

static bool add_parts(
    struct assembly *a, struct part **list, const struct component_settings *c)
{
	for (; c; c = c->next)
		if (c->used && !part_add(a, list, c))
			return false;
	return true;
}

/* The server's part of the names in the log. */
static const char *listener_label(struct assembly *a, const struct listener_settings *l)
{
	return arena_printf(&a->arena, "listener %s", l->name);
}

static bool add_tls(
    struct assembly *a, const struct listener_settings *l, struct http_server *server)
{
	struct tls_store *store = worker_tls(a->worker);
	struct tls_config config;
	const char *why, *label = listener_label(a, l);
	if (!l->has_tls)
		return true;
	listener_tls(l, &config);
	struct tls_context *context = tls_store_get(store, &config, label, &why);
	if (!context) {
		log_error("core", "%s:%d:%d: %s: %s", l->node->mark.file, l->node->mark.line,
		    l->node->mark.column, label, why);
		return false;
	}
	http_server_use_tls(server, store, context, label);
	return true;
}

static bool add_listener(struct assembly *a, struct listener_share *share, bool several)
{
	const struct listener_settings *l = share->settings;
	char why[256];
	int fd = http_listen_socket(l->address, several, why);
	if (fd < 0) {
		log_error("core", "%s:%d:%d: listener `%s`: %s", l->node->mark.file,
		    l->node->mark.line, l->node->mark.column, l->name, why);
		return false;
	}
	const struct http_limits limits = {.max_body = l->max_body,
	    .max_headers = l->max_headers,
	    .header_timeout_ms = l->header_timeout_ms,
	    .body_timeout_ms = l->body_timeout_ms,
	    .idle_timeout_ms = l->idle_timeout_ms,
	    .max_connections = share->max_connections,
	    .open = &share->open,
	    .max_pipelined = l->max_pipelined};
	struct http_server *server =
	    http_server_new(worker_base(a->worker), worker_clock(a->worker), fd, &limits);
	worker_add_listener(a->worker, l->name, server);
	if (!add_tls(a, l, server))
		return false;
	if (worker_index(a->worker) == 0)
		log_info("core", "listener %s on %s (port %d)%s", l->name, l->address,
		    http_socket_port(fd), l->has_tls ? ", TLS" : "");
	return true;
}

/* The time of a copy's one attempt; the deadline is the route's. */
static int64_t copy_limit(const struct route_settings *r, const struct component_settings *sink)
{
	int64_t own = settings_sink_policy(sink).attempt_ms, deadline = r->policy.deadline_ms;
	return own > 0 && own < deadline ? own : deadline;
}

static void add_route(struct assembly *a, const struct route_settings *r)
{
	struct copy_sink *also = mem_array(r->also.count, sizeof(*also));
	for (size_t i = 0; i < r->also.count; i++)
		also[i] = (struct copy_sink){part_find(a->sinks, r->also_sinks[i])->instance,
		    copy_limit(r, r->also_sinks[i])};
	struct route_parts parts = {.name = r->name,
	    .policy = &r->policy,
	    .source = r->source->name,
	    .match = r->match,
	    .keyer = part_find(a->keyers, r->keyer)->instance,
	    .store = part_find(a->stores, r->store)->instance,
	    .sink = part_find(a->sinks, r->sink)->instance,
	    .queue = r->queue,
	    .fallback = r->fallback ? part_find(a->stores, r->fallback)->instance : NULL,
	    .retry = settings_sink_policy(r->sink),
	    .also = also,
	    .also_count = r->also.count};
	engine_add_route(a->engine, route_new(&parts));
	free(also);
}

static void add_keys_gauges(struct assembly *a)
{
	struct metrics *metrics = worker_metrics(a->worker);
	for (struct part *p = a->stores; p; p = p->next) {
		const struct metric_label labels[] = {
		    {"store", text_of(p->settings->name)}, {NULL, TEXT_NONE}};
		p->keys = metrics_cell(metrics, worker_index(a->worker), METRIC_GAUGE,
		    "onceway_store_keys", "Keys a store remembers.", labels);
	}
	metrics_family_is_shared(metrics, "onceway_store_keys");
}

static bool build(struct assembly *a, const struct assembly_setup *setup)
{
	const struct settings *s = a->settings;
	for (struct listener_share *l = setup->listeners; l->settings; l++)
		if (!add_listener(a, l, setup->workers > 1))
			return false;
	for (const struct route_settings *r = s->routes; r; r = r->next)
		if (!part_add(a, &a->keyers, r->keyer))
			return false;
	if (!add_parts(a, &a->stores, s->stores) || !add_parts(a, &a->sinks, s->sinks) ||
	    !add_parts(a, &a->sources, s->sources))
		return false;
	for (const struct route_settings *r = s->routes; r; r = r->next)
		add_route(a, r);
	add_keys_gauges(a);
	return true;
}

struct assembly *assembly_new(const struct assembly_setup *setup)
{
	struct assembly *a = mem_zero(sizeof(*a));
	pthread_mutex_init(&a->lock, NULL);
	a->settings = setup->settings;
	a->worker = worker_new(setup->index, setup->common);
	a->engine = engine_new(a->worker);
	a->spool = setup->spool;
	if (setup->spool)
		engine_use_spool(
		    a->engine, setup->spool, a->settings->process.spool_max_age_ms);
	if (!build(a, setup)) {
		assembly_free(a);
		return NULL;
	}
	return a;
}

static void free_parts(struct part *list)
{
	while (list) {
		struct part *next = list->next;
		instance_free(list->instance);
		op_fini(&list->op);
		free(list);
		list = next;
	}
}

void assembly_free(struct assembly *a)
{
	if (!a)
		return;
	if (a->tick)
		event_free(a->tick);
	if (a->flush)
		event_free(a->flush);
	/* Connections point to sources, flows to all the rest: in this order. */
	worker_free_listeners(a->worker);
	free_parts(a->sources);
	engine_free(a->engine);
	free_parts(a->keyers);
	free_parts(a->sinks);
	free_parts(a->stores);
	worker_free(a->worker);
	pthread_mutex_destroy(&a->lock);
	arena_free(&a->arena);
	free(a);
}

struct worker *assembly_worker(struct assembly *a)
{
	return a->worker;
}

/* ---- once a second: what the outside may ask from another thread ---- */

static void check_part(struct assembly *a, struct part *p)
{
	const char *why = "it does not say why";
	bool ready = instance_ready(p->instance, &why);
	pthread_mutex_lock(&a->lock);
	keep_why(a, ready ? "" : why, p->why, sizeof(p->why));
	if (ready != p->ready)
		log_write(ready ? OW_LOG_INFO : OW_LOG_WARNING, instance_label(p->instance),
		    NULL, "%s%s", ready ? "ready again" : "not ready: ", p->why);
	p->ready = ready;
	pthread_mutex_unlock(&a->lock);
}

static void publish_listener(struct assembly *a, const char *name)
{
	struct metrics *m = worker_metrics(a->worker);
	unsigned index = worker_index(a->worker);
	const struct http_server_stats *stats =
	    http_server_stats(worker_listener(a->worker, name));
	const struct metric_label labels[] = {{"listener", text_of(name)}, {NULL, TEXT_NONE}};
	const struct {
		enum metric_type type;
		const char *family, *help;
		int64_t value;
	} values[] = {
	    {METRIC_GAUGE, "onceway_http_connections", "Open connections of a listener.",
		stats->connections},
	    {METRIC_COUNTER, "onceway_http_accepted_total", "Connections a listener accepted.",
		(int64_t)stats->accepted},
	    {METRIC_COUNTER, "onceway_http_refused_total",
		"Connections refused for want of room (max_connections).",
		(int64_t)stats->refused},
	    {METRIC_COUNTER, "onceway_http_requests_total", "Requests a listener received.",
		(int64_t)stats->requests},
	    {METRIC_COUNTER, "onceway_http_bad_requests_total",
		"Requests refused as malformed or too large.", (int64_t)stats->bad_requests},
	    {METRIC_COUNTER, "onceway_http_timeouts_total",
		"Connections closed because a request did not come in time.",
		(int64_t)stats->timeouts},
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		metric_set(metrics_cell(m, index, values[i].type, values[i].family,
			       values[i].help, labels),
		    values[i].value);
}

static void publish_tls(struct assembly *a, const char *name)
{
	static const char *const family = "onceway_http_tls_failures_total";
	struct metrics *m = worker_metrics(a->worker);
	unsigned index = worker_index(a->worker);
	const struct http_server_stats *stats =
	    http_server_stats(worker_listener(a->worker, name));
	struct metric_label labels[] = {
	    {"listener", text_of(name)}, {"reason", TEXT_NONE}, {NULL, TEXT_NONE}};
	for (int i = 0; i < TLS_REASONS; i++) {
		labels[1].value = text_of(tls_reason_name((enum tls_reason)i));
		metric_set(metrics_cell(m, index, METRIC_COUNTER, family,
			       "TLS handshakes that came to nothing.", labels),
		    (int64_t)stats->tls_failures[i]);
	}
	labels[1].name = "session";
	for (int i = 0; i < 2; i++) {
		labels[1].value = text_of(i ? "resumed" : "new");
		metric_set(
		    metrics_cell(m, index, METRIC_COUNTER, "onceway_http_tls_handshakes_total",
			"TLS handshakes that were completed.", labels),
		    (int64_t)(i ? stats->tls_resumed : stats->tls_new));
	}
}

static void publish(struct assembly *a)
{
	for (struct part *p = a->stores; p; p = p->next) {
		check_part(a, p);
		metric_set(p->keys,
		    instance_ops(p->instance)->store.keys(instance_state(p->instance)));
	}
	for (struct part *p = a->sinks; p; p = p->next)
		check_part(a, p);
	for (const struct listener_settings *l = a->settings->listeners; l; l = l->next) {
		publish_listener(a, l->name);
		if (l->has_tls)
			publish_tls(a, l->name);
	}
}

static void tick_due(evutil_socket_t fd, short what, void *arg)
{
	struct assembly *a = arg;
	(void)fd, (void)what;
	publish(a);
	if (worker_index(a->worker) == 0)
		log_flush();
}

/* A part that a route cannot do without; NULL: it can serve. The lock is held. */
static const struct part *missing_part(const struct assembly *a, const struct route_settings *r)
{
	const struct part *store = part_find(a->stores, r->store);
	const struct part *sink = part_find(a->sinks, r->sink);
	const struct part *fallback = r->fallback ? part_find(a->stores, r->fallback) : NULL;
	bool passes = r->policy.on_store_error == ON_STORE_ERROR_PASS || r->policy.observe;
	if (!sink->ready)
		return sink;
	if (store->ready || passes || (fallback && fallback->ready))
		return NULL;
	return store;
}

/* Where an event must be on disk before it is answered, the disk must take it. */
static const char *spool_problem(const struct assembly *a)
{
	const struct route_settings *r = a->settings->routes;
	while (r && r->policy.ack != ACK_ACCEPTED)
		r = r->next;
	return r ? spool_obstacle(a->spool) : NULL;
}

bool assembly_ready(struct assembly *a, char *why)
{
	const struct part *missing = NULL;
	const char *problem = spool_problem(a);
	pthread_mutex_lock(&a->lock);
	for (const struct route_settings *r = a->settings->routes; r && !missing; r = r->next)
		missing = missing_part(a, r);
	if (missing)
		snprintf(why, 300, "%s: %s", instance_label(missing->instance), missing->why);
	else if (problem)
		snprintf(why, 300, "spool: %s", problem);
	pthread_mutex_unlock(&a->lock);
	return !missing && !problem;
}

void assembly_describe(struct assembly *a, enum ow_kind kind, json_t *into)
{
	pthread_mutex_lock(&a->lock);
	for (struct part *p = kind == OW_STORE ? a->stores : a->sinks; p; p = p->next) {
		const json_t *other = json_object_get(into, p->settings->name);
		/* Of several workers one that is not ready is what matters. */
		if (json_is_false(json_object_get(other, "ready")))
			continue;
		json_t *part = json_object();
		json_object_set_new(
		    part, "plugin", json_string(p->settings->component->description.name));
		json_object_set_new(part, "ready", json_boolean(p->ready));
		if (!p->ready)
			json_object_set_new(part, "why", json_string(p->why));
		if (p->keys)
			json_object_set_new(
			    part, "keys", json_integer((json_int_t)metric_value(p->keys)));
		json_object_set_new(into, p->settings->name, part);
	}
	pthread_mutex_unlock(&a->lock);
}

/* ---- starting ---- */

static void finish(struct assembly *a)
{
	assembly_done_fn *done = a->done;
	a->done = NULL;
	done(a, a->why[0] ? a->why : NULL, a->done_arg);
}

static void note_failure(struct assembly *a, const struct ow_op *op)
{
	if (op->rc != OW_OK && !a->why[0])
		snprintf(
		    a->why, sizeof(a->why), "%s: %s", instance_label(op->instance), op->why);
}

static void start_ticking(struct assembly *a)
{
	publish(a);
	a->tick = event_new(worker_base(a->worker), -1, EV_PERSIST, tick_due, a);
	timer_start(a->tick, TICK_MS);
}

/* Whoever feeds a source may have to be told why it does not begin. */
static void tell_sources(struct assembly *a)
{
	for (struct part *p = a->sources; p; p = p->next) {
		const struct ow_source_ops *ops = &instance_ops(p->instance)->source;
		if (ops->start_failed)
			ops->start_failed(instance_state(p->instance), a->why);
	}
}

static void started_or_not(struct assembly *a)
{
	if (a->why[0]) {
		tell_sources(a);
	} else {
		worker_open_listeners(a->worker);
		engine_resume(a->engine);
		start_ticking(a);
	}
	finish(a);
}

static void source_started(struct ow_op *op, void *arg)
{
	struct assembly *a = arg;
	note_failure(a, op);
	if (--a->pending > 0)
		return;
	started_or_not(a);
}

static size_t count_parts(const struct part *p)
{
	size_t count = 0;
	for (; p; p = p->next)
		count++;
	return count;
}

static void start_parts(struct assembly *a, struct part *p, op_callback *started)
{
	for (; p; p = p->next)
		instance_start(p->instance, &p->op, started, a);
}

/* Sources come last: nothing is taken in that could not be handled. */
static void target_started(struct ow_op *op, void *arg)
{
	struct assembly *a = arg;
	note_failure(a, op);
	if (--a->pending > 0)
		return;
	if (a->why[0]) {
		started_or_not(a);
		return;
	}
	a->pending = count_parts(a->sources);
	start_parts(a, a->sources, source_started);
}

void assembly_start(struct assembly *a, assembly_done_fn *done, void *arg)
{
	a->done = done;
	a->done_arg = arg;
	a->why[0] = '\0';
	/* A route has a store, a sink and a source, so neither count is zero. */
	a->pending = count_parts(a->stores) + count_parts(a->sinks);
	start_parts(a, a->stores, target_started);
	start_parts(a, a->sinks, target_started);
}

/* ---- draining ---- */

static int64_t now_ms(struct assembly *a)
{
	return clock_mono(worker_clock(a->worker));
}

static bool flushed(struct assembly *a)
{
	for (const struct listener_settings *l = a->settings->listeners; l; l = l->next)
		if (http_server_stats(worker_listener(a->worker, l->name))->connections > 0)
			return false;
	return true;
}

/*
 * An answer that is not on its way yet would be lost with the process. Events
 * of requests that became complete only now are rejected, which takes a turn.
 */
static void flush_due(evutil_socket_t fd, short what, void *arg)
{
	struct assembly *a = arg;
	(void)fd, (void)what;
	if (!a->closed && (flushed(a) || now_ms(a) >= a->flush_until_ms)) {
		if (a->tick)
			event_del(a->tick);
		worker_free_listeners(a->worker);
		a->closed = true;
	}
	if (a->closed && engine_unsettled(a->engine) == 0)
		finish(a);
	else
		timer_start(a->flush, FLUSH_TICK_MS);
}

static void target_drained(struct ow_op *op, void *arg)
{
	struct assembly *a = arg;
	note_failure(a, op);
	if (--a->pending > 0)
		return;
	a->flush = event_new(worker_base(a->worker), -1, 0, flush_due, a);
	a->flush_until_ms = now_ms(a) + FLUSH_MAX_MS;
	event_active(a->flush, EV_TIMEOUT, 0);
}

static void drain_parts(struct assembly *a, struct part *p, op_callback *drained)
{
	for (; p; p = p->next)
		instance_drain(p->instance, &p->op, drained, a);
}

static void events_drained(void *arg)
{
	struct assembly *a = arg;
	engine_abort(a->engine); /* what is still being received comes too late */
	a->pending = count_parts(a->stores) + count_parts(a->sinks);
	drain_parts(a, a->stores, target_drained);
	drain_parts(a, a->sinks, target_drained);
}

static void source_drained(struct ow_op *op, void *arg)
{
	struct assembly *a = arg;
	note_failure(a, op);
	if (--a->pending == 0)
		engine_drain(a->engine, events_drained, a);
}

void assembly_drain(struct assembly *a, assembly_done_fn *done, void *arg)
{
	a->done = done;
	a->done_arg = arg;
	a->why[0] = '\0';
	worker_drain_listeners(a->worker);
	a->pending = count_parts(a->sources);
	drain_parts(a, a->sources, source_drained);
}

void assembly_abort(struct assembly *a)
{
	size_t left = engine_unsettled(a->engine);
	if (left > 0)
		log_warning("core",
		    "giving %zu unfinished event(s) back to their sources, or to the disk "
		    "where they are",
		    left);
	engine_abort(a->engine);
}

/* ---- files ---- */

static void reopen_parts(struct part *p)
{
	for (; p; p = p->next)
		instance_reopen(p->instance);
}

void assembly_reopen(struct assembly *a)
{
	reopen_parts(a->sources);
	reopen_parts(a->stores);
	reopen_parts(a->sinks);
}
