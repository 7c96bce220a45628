#include "plugin/host.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/http_client.h"
#include "io/http_server.h"
#include "io/timer.h"
#include "io/tls_client.h"
#include "plugin/event.h"
#include "plugin/host_http.h"
#include "plugin/host_names.h"
#include "plugin/host_tls.h"
#include "plugin/instance.h"
#include "plugin/key.h"

/* ---- the instance ---- */

__attribute__((format(printf, 3, 4))) static void host_log(
    struct ow_instance *self, enum ow_level level, const char *fmt, ...)
{
	struct ow_list secrets = worker_secrets(instance_worker(self));
	va_list args;
	va_start(args, fmt);
	log_vwrite_concealed(level, instance_label(self), secrets, fmt, args);
	va_end(args);
}

static struct event_base *host_base(struct ow_instance *self)
{
	return worker_base(instance_worker(self));
}

static int64_t host_wall_ms(struct ow_instance *self)
{
	return clock_wall(worker_clock(instance_worker(self)));
}

static int64_t host_mono_ms(struct ow_instance *self)
{
	return clock_mono(worker_clock(instance_worker(self)));
}

static void host_random_refresh(struct ow_instance *self)
{
	random_refresh(worker_random(instance_worker(self)));
}

static void host_random(struct ow_instance *self, void *out, size_t len)
{
	random_fill(worker_random(instance_worker(self)), out, len);
}

static void host_post(struct ow_instance *self, void (*fn)(void *arg), void *arg)
{
	worker_post(instance_worker(self), fn, arg);
}

/* ---- timers ---- */

struct ow_timer {
	struct event *event;
	void (*fn)(void *arg);
	void *arg;
};

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct ow_timer *t = arg;
	(void)fd, (void)what;
	t->fn(t->arg);
}

static struct ow_timer *host_timer_new(
    struct ow_instance *self, void (*fn)(void *arg), void *arg)
{
	struct ow_timer *t = mem_zero(sizeof(*t));
	t->fn = fn;
	t->arg = arg;
	t->event = event_new(host_base(self), -1, 0, timer_fired, t);
	return t;
}

static void host_timer_set(struct ow_timer *t, int64_t ms)
{
	if (ms < 0)
		event_del(t->event);
	else
		timer_start(t->event, ms);
}

static void host_timer_free(struct ow_timer *t)
{
	if (!t)
		return;
	event_free(t->event);
	free(t);
}

/* ---- metrics: struct ow_counter is the registry's cell ---- */

static struct ow_counter *series(struct ow_instance *self, enum metric_type type,
    const char *name, const char *help, const char *label, struct ow_text value)
{
	struct worker *w = instance_worker(self);
	struct buf family = BUF_INIT;
	uint32_t kind = instance_component(self)->description.kind;
	const struct metric_label labels[] = {
	    {component_kind_name(kind), text_of(instance_name(self))}, {label, value},
	    {NULL, TEXT_NONE}};
	buf_printf(&family, "onceway_%s", name);
	struct metric_cell *cell = metrics_cell_bounded(
	    worker_metrics(w), worker_index(w), type, family.data, help, labels);
	buf_free(&family);
	return (struct ow_counter *)(void *)cell;
}

static struct ow_counter *host_counter(struct ow_instance *self, const char *name,
    const char *help, const char *label, struct ow_text value)
{
	return series(self, METRIC_COUNTER, name, help, label, value);
}

static void host_count(struct ow_counter *counter, uint64_t n)
{
	metric_add((struct metric_cell *)(void *)counter, n);
}

static struct ow_counter *host_gauge(
    struct ow_instance *self, const char *name, const char *help)
{
	return series(self, METRIC_GAUGE, name, help, NULL, TEXT_NONE);
}

static void host_gauge_set(struct ow_counter *gauge, int64_t value)
{
	metric_set((struct metric_cell *)(void *)gauge, value);
}

/* ---- events ---- */

static void host_emit(struct ow_instance *self, struct ow_event *event, void *cookie)
{
	worker_emit(instance_worker(self), self, event, cookie);
}

static struct ow_event *host_event_ref(const struct ow_event *event)
{
	return event_reference((struct ow_event *)(uintptr_t)event);
}

static const struct ow_pointer *host_pointer(struct ow_instance *self, const char *text)
{
	return pointer_add(worker_pointers(instance_worker(self)), text);
}

/* ---- keyers ---- */

static void host_key_set(struct ow_key *key, const char *prefix, struct ow_text text)
{
	size_t prefix_len = strlen(prefix);
	char *full = arena_alloc(&key->arena, prefix_len + text.len + 1);
	memcpy(full, prefix, prefix_len);
	if (text.len)
		memcpy(full + prefix_len, text.data, text.len);
	key->full = text_span(full, prefix_len + text.len);
	key->prefix_len = prefix_len;
}

static struct ow_text keep(struct ow_key *key, struct ow_text t)
{
	return text_span(arena_string_of(&key->arena, t.data, t.len), t.len);
}

static void host_key_label(struct ow_key *key, struct ow_text label)
{
	key->label = keep(key, label);
}

static bool host_key_explaining(const struct ow_key *key)
{
	return key->explaining;
}

static void host_key_field(struct ow_key *key, const char *name, struct ow_text value)
{
	if (!key->explaining)
		return;
	struct key_field *f = arena_alloc(&key->arena, sizeof(*f));
	f->name = arena_string(&key->arena, name);
	f->value = keep(key, value);
	*key->last_field = f;
	key->last_field = &f->next;
}

static void host_key_canonical(struct ow_key *key, struct ow_text bytes)
{
	if (key->explaining)
		key->canonical = keep(key, bytes);
}

static void host_key_invalid(struct ow_key *key, const char *field, const char *problem)
{
	if (key->invalid_field)
		return;
	key->invalid_field = arena_string(&key->arena, field);
	key->invalid_problem = arena_string(&key->arena, problem);
}

static void host_key_missing(struct ow_key *key, const char *field)
{
	if (!key->invalid_field)
		key->missing = true;
	host_key_invalid(key, field, "is missing");
}

static const char *host_reply_field(const struct ow_reply *reply)
{
	return reply->key->invalid_field;
}

static const char *host_reply_problem(const struct ow_reply *reply)
{
	return reply->key->invalid_problem;
}

static void host_reply_begin(struct ow_reply *reply, int status, const char *content_type)
{
	if (status)
		reply->status = status;
	buf_clear(&reply->type);
	buf_add_string(&reply->type, content_type);
	reply->content_type = reply->type.data;
	reply->begun = true;
	buf_clear(&reply->body);
}

static void host_reply_add(struct ow_reply *reply, struct ow_text text)
{
	buf_add_text(&reply->body, text);
}

static void host_reply_add_json(struct ow_reply *reply, struct ow_text text)
{
	buf_add_json(&reply->body, text);
}

const struct ow_host *host_table(void)
{
	static const struct ow_host table = {
	    .size = sizeof(struct ow_host),
	    .major = OW_ABI_MAJOR,
	    .minor = OW_ABI_MINOR,
	    .log = host_log,
	    .name = instance_name,
	    .base = host_base,
	    .wall_ms = host_wall_ms,
	    .mono_ms = host_mono_ms,
	    .random = host_random,
	    .post = host_post,
	    .shared = instance_shared,
	    .timer_new = host_timer_new,
	    .timer_set = host_timer_set,
	    .timer_free = host_timer_free,
	    .counter = host_counter,
	    .count = host_count,
	    .gauge = host_gauge,
	    .gauge_set = host_gauge_set,
	    .op_set = op_set_data,
	    .op_get = op_get_data,
	    .op_done = op_done,
	    .claim_done = op_claim_done,
	    .deliver_done = op_deliver_done,
	    .event_new = event_create,
	    .event_from_request = event_create_from_request,
	    .event_set_body = event_put_body,
	    .event_add_header = event_put_header,
	    .emit = host_emit,
	    .event_ref = host_event_ref,
	    .event_unref = event_release,
	    .event_body = event_get_body,
	    .event_header = event_get_header,
	    .event_path = event_get_path,
	    .event_source = event_get_source,
	    .event_time = event_arrived_wall,
	    .event_trace = event_get_trace,
	    .pointer = host_pointer,
	    .event_json = event_get_json,
	    .event_string = event_get_string,
	    .key_set = host_key_set,
	    .key_label = host_key_label,
	    .key_explaining = host_key_explaining,
	    .key_field = host_key_field,
	    .key_canonical = host_key_canonical,
	    .key_invalid = host_key_invalid,
	    .reply_field = host_reply_field,
	    .reply_problem = host_reply_problem,
	    .reply_begin = host_reply_begin,
	    .reply_add = host_reply_add,
	    .reply_add_json = host_reply_add_json,
	    .http_serve = host_http_serve,
	    .request_header = host_request_header,
	    .request_body = http_request_body,
	    .request_answer = host_request_answer,
	    .http_pool_new = host_http_pool_new,
	    .http_pool_free = http_pool_free,
	    .http_send = http_pool_send,
	    .http_cancel = http_call_cancel,
	    .http_reachable = http_pool_reachable,
	    .request_answer_with = host_request_answer_with,
	    .key_missing = host_key_missing,
	    .tls_new = host_tls_new,
	    .tls_free = tls_client_free,
	    .tls_stream = tls_client_stream,
	    .tls_problem = tls_client_problem,
	    .resolve = host_resolve,
	    .resolve_cancel = host_resolve_cancel,
	    .event_limit = event_put_limit,
	    .random_refresh = host_random_refresh,
	    .event_pass = event_put_pass,
	    .event_secret_header = event_put_secret_header,
	};
	return &table;
}
