/* The worker: time, shared objects, metrics, log, and the table itself. */
#include "tests/plugin/mockhost.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/plugin/mockstate.h"

#define START_WALL_MS 1767225600000 /* 2026-01-01T00:00:00Z */
#define ROUNDS_MAX    1000000

struct ow_timer {
	struct list link; /* in mock->timers */
	struct ow_instance *instance;
	void (*fn)(void *arg);
	void *arg;
	int64_t due; /* -1: not set */
};

/* One host->shared() object and its users. */
struct mock_shared {
	struct list link; /* in process->shared */
	const struct ow_component *component;
	char *name;
	void *object;
	void (*free_fn)(void *object);
	unsigned users;
};

struct ow_counter {
	struct list link; /* in mock->counters */
	struct ow_instance *instance;
	char *name, *value; /* value NULL: without label */
	bool is_gauge;
	uint64_t count;
	int64_t level;
};

void mock_fail(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fprintf(stderr, "mockhost: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	abort();
}

void mock_array_add(struct mock_array *array, void *item)
{
	if (array->count == array->size) {
		array->size = array->size ? array->size * 2 : 16;
		array->items = mem_grow(array->items, array->size, sizeof(*array->items));
	}
	array->items[array->count++] = item;
}

void mock_array_free(struct mock_array *array)
{
	free(array->items);
	*array = (struct mock_array){NULL, 0, 0};
}

struct ow_text mock_copy(struct arena *arena, struct ow_text text)
{
	if (!text.data)
		return TEXT_NONE;
	return text_span(arena_string_of(arena, text.data, text.len), text.len);
}

void mock_copy_sized(void *to, const void *from, size_t known, const char *what)
{
	uint32_t size;
	memcpy(&size, from, sizeof(size));
	if (size < sizeof(size))
		mock_fail("%s without its size", what);
	memset(to, 0, known);
	memcpy(to, from, size < known ? size : known);
}

/* ---- time ---- */

static int64_t read_mono(struct mock *m)
{
	pthread_mutex_lock(&m->process->lock);
	int64_t now = clock_mono(&m->process->clock);
	pthread_mutex_unlock(&m->process->lock);
	return now;
}

static int64_t read_wall(struct mock *m)
{
	pthread_mutex_lock(&m->process->lock);
	int64_t now = clock_wall(&m->process->clock);
	pthread_mutex_unlock(&m->process->lock);
	return now;
}

int64_t mock_mono(struct mock *m)
{
	return read_mono(m);
}

int64_t mock_wall(struct mock *m)
{
	return read_wall(m);
}

static struct ow_timer *earliest(const struct mock *m)
{
	struct ow_timer *first = NULL;
	list_each(&m->timers, it)
	{
		struct ow_timer *t = list_entry(it, struct ow_timer, link);
		if (t->due >= 0 && (!first || t->due < first->due))
			first = t;
	}
	return first;
}

static bool run_timer(struct mock *m)
{
	struct ow_timer *t = earliest(m);
	if (!t || t->due > read_mono(m))
		return false;
	t->due = -1;
	t->fn(t->arg);
	return true;
}

/* Only what was posted until now: a function that posts itself again waits a round. */
static bool run_posts(struct mock *m)
{
	pthread_mutex_lock(&m->post_lock);
	struct mock_post *posts = m->posts;
	size_t count = m->post_count;
	m->posts = NULL;
	m->post_count = m->post_size = 0;
	pthread_mutex_unlock(&m->post_lock);
	for (size_t i = 0; i < count; i++)
		posts[i].fn(posts[i].arg);
	free(posts);
	return count > 0;
}

void mock_run(struct mock *m)
{
	for (unsigned rounds = 0; rounds < ROUNDS_MAX; rounds++)
		if (!run_posts(m) && !run_timer(m) && !mock_http_answer_scripted(m))
			return;
	mock_fail("the plugin never comes to rest");
}

void mock_skip(struct mock *m, int64_t ms)
{
	pthread_mutex_lock(&m->process->lock);
	clock_advance(&m->process->clock, ms);
	pthread_mutex_unlock(&m->process->lock);
}

void mock_advance(struct mock *m, int64_t ms)
{
	int64_t end = read_mono(m) + ms;
	mock_run(m);
	for (;;) {
		struct ow_timer *t = earliest(m);
		int64_t next = t && t->due < end ? t->due : end;
		mock_skip(m, next - read_mono(m));
		mock_run(m);
		if (next == end)
			return;
	}
}

size_t mock_timers_set(const struct mock *m)
{
	size_t n = 0;
	list_each(&m->timers, it) n += list_entry(it, struct ow_timer, link)->due >= 0;
	return n;
}

static struct ow_timer *host_timer_new(
    struct ow_instance *self, void (*fn)(void *arg), void *arg)
{
	struct ow_timer *t = mem_alloc(sizeof(*t));
	*t = (struct ow_timer){.instance = self, .fn = fn, .arg = arg, .due = -1};
	list_append(&self->mock->timers, &t->link);
	return t;
}

static void host_timer_set(struct ow_timer *timer, int64_t ms)
{
	timer->due = ms < 0 ? -1 : read_mono(timer->instance->mock) + ms;
}

static void host_timer_free(struct ow_timer *timer)
{
	if (timer)
		list_remove(&timer->link);
	free(timer);
}

/* ---- the instance's services ---- */

static void host_log(struct ow_instance *self, enum ow_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void host_log(struct ow_instance *self, enum ow_level level, const char *fmt, ...)
{
	static const char *const names[] = {"", "error", "warning", "info", "debug"};
	struct buf line = BUF_INIT;
	va_list args;
	if (level < OW_LOG_ERROR || level > OW_LOG_DEBUG)
		mock_fail("log level %d", (int)level);
	buf_printf(&line, "%s: ", names[level]);
	va_start(args, fmt);
	buf_vprintf(&line, fmt, args);
	va_end(args);
	mock_array_add(&self->mock->log, buf_take(&line));
}

static const char *host_name(const struct ow_instance *self)
{
	return self->name;
}

static struct event_base *host_base(struct ow_instance *self)
{
	if (!self->mock->base)
		mock_fail(
		    "%s asks for an event base; give one with mock_set_base()", self->name);
	return self->mock->base;
}

static int64_t host_wall_ms(struct ow_instance *self)
{
	return read_wall(self->mock);
}

static int64_t host_mono_ms(struct ow_instance *self)
{
	return read_mono(self->mock);
}

static void host_random(struct ow_instance *self, void *out, size_t len)
{
	random_fill(&self->mock->random, out, len);
}

static void host_random_refresh(struct ow_instance *self)
{
	random_refresh(&self->mock->random);
	self->mock->refreshes++;
}

static void host_post(struct ow_instance *self, void (*fn)(void *arg), void *arg)
{
	struct mock *m = self->mock;
	pthread_mutex_lock(&m->post_lock);
	if (m->post_count == m->post_size) {
		m->post_size = m->post_size ? m->post_size * 2 : 16;
		m->posts = mem_grow(m->posts, m->post_size, sizeof(*m->posts));
	}
	m->posts[m->post_count++] = (struct mock_post){fn, arg};
	pthread_mutex_unlock(&m->post_lock);
}

static struct mock_shared *find_shared(
    struct mock_process *process, const struct ow_instance *self)
{
	list_each(&process->shared, it)
	{
		struct mock_shared *s = list_entry(it, struct mock_shared, link);
		if (s->component == self->component && strcmp(s->name, self->name) == 0)
			return s;
	}
	return NULL;
}

static void *host_shared(struct ow_instance *self, void *(*make)(void *arg), void *arg,
    void (*free_fn)(void *object))
{
	struct mock_process *process = self->mock->process;
	pthread_mutex_lock(&process->lock);
	struct mock_shared *s = self->shared ? self->shared : find_shared(process, self);
	void *object = s ? s->object : make(arg);
	if (!s && object) {
		s = mem_zero(sizeof(*s));
		*s = (struct mock_shared){.component = self->component,
		    .name = mem_string(self->name),
		    .object = object,
		    .free_fn = free_fn};
		list_append(&process->shared, &s->link);
	}
	if (s && !self->shared) {
		self->shared = s;
		s->users++;
	}
	pthread_mutex_unlock(&process->lock);
	return object;
}

static void drop_shared(struct ow_instance *instance)
{
	struct mock_process *process = instance->mock->process;
	struct mock_shared *s = instance->shared;
	instance->shared = NULL;
	pthread_mutex_lock(&process->lock);
	if (s && --s->users == 0) {
		s->free_fn(s->object);
		list_remove(&s->link);
		free(s->name);
		free(s);
	}
	pthread_mutex_unlock(&process->lock);
}

/* ---- metrics ---- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct ow_counter *find_counter(
    struct ow_instance *self, const char *name, const char *value, bool is_gauge)
{
	struct mock *m = self->mock;
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0' ||
	    strncmp(name, "onceway_", 8) == 0)
		mock_fail("bad metric name \"%s\"", name);
	list_each(&m->counters, it)
	{
		struct ow_counter *c = list_entry(it, struct ow_counter, link);
		if (c->instance == self && same_text(c->name, name) &&
		    same_text(c->value, value))
			return c;
	}
	struct ow_counter *c = arena_alloc(&m->arena, sizeof(*c));
	*c = (struct ow_counter){.instance = self, .is_gauge = is_gauge};
	c->name = arena_string(&m->arena, name);
	c->value = value ? arena_string(&m->arena, value) : NULL;
	list_init(&c->link);
	list_append(&m->counters, &c->link);
	return c;
}

static struct ow_counter *host_counter(struct ow_instance *self, const char *name,
    const char *help, const char *label, struct ow_text value)
{
	if (!help || !*help)
		mock_fail("metric %s has no help", name);
	if (!label)
		return find_counter(self, name, NULL, false);
	char *text = mem_string_of(value.data, value.len);
	struct ow_counter *c = find_counter(self, name, text, false);
	free(text);
	return c;
}

static void host_count(struct ow_counter *counter, uint64_t n)
{
	if (counter->is_gauge)
		mock_fail("count() on the gauge %s", counter->name);
	counter->count += n;
}

static struct ow_counter *host_gauge(
    struct ow_instance *self, const char *name, const char *help)
{
	if (!help || !*help)
		mock_fail("metric %s has no help", name);
	return find_counter(self, name, NULL, true);
}

static void host_gauge_set(struct ow_counter *gauge, int64_t value)
{
	if (!gauge->is_gauge)
		mock_fail("gauge_set() on the counter %s", gauge->name);
	gauge->level = value;
}

uint64_t mock_counter(const struct mock *m, const char *name, const char *value)
{
	uint64_t sum = 0;
	bool known = false;
	list_each(&m->counters, it)
	{
		struct ow_counter *c = list_entry(it, struct ow_counter, link);
		if (!same_text(c->name, name) || c->is_gauge)
			continue;
		known = true;
		if (same_text(c->value, value))
			sum += c->count;
	}
	if (!known)
		mock_fail("no plugin has a counter %s", name);
	return sum;
}

int64_t mock_gauge(const struct mock *m, const char *name)
{
	list_each(&m->counters, it)
	{
		struct ow_counter *c = list_entry(it, struct ow_counter, link);
		if (same_text(c->name, name) && c->is_gauge)
			return c->level;
	}
	mock_fail("no plugin has a gauge %s", name);
}

size_t mock_log_lines(const struct mock *m)
{
	return m->log.count;
}

const char *mock_log_line(const struct mock *m, size_t index)
{
	if (index >= m->log.count)
		mock_fail("log line %zu of %zu", index, m->log.count);
	return m->log.items[index];
}

bool mock_logged(const struct mock *m, const char *part)
{
	for (size_t i = 0; i < m->log.count; i++)
		if (strstr(m->log.items[i], part))
			return true;
	return false;
}

void mock_log_clear(struct mock *m)
{
	for (size_t i = 0; i < m->log.count; i++)
		free(m->log.items[i]);
	mock_array_free(&m->log);
}

/* ---- the worker ---- */

void mock_services_gone(struct ow_instance *instance)
{
	list_each(&instance->mock->timers,
	    it) if (list_entry(it, struct ow_timer, link)->instance == instance)
	    mock_fail("%s left a timer behind", instance->name);
	drop_shared(instance);
}

static struct mock *worker_new(struct mock_process *process)
{
	struct mock *m = mem_zero(sizeof(*m));
	struct list *heads[] = {&m->instances, &m->ops, &m->timers, &m->counters, &m->pools,
	    &m->events, &m->serves, &m->requests, &m->scripted, &m->tls};
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		list_init(heads[i]);
	m->process = process;
	m->arena = ARENA_INIT;
	m->pointers = pointer_set_new();
	pthread_mutex_init(&m->post_lock, NULL);
	random_init_seeded(&m->random, 1);
	pthread_mutex_lock(&process->lock);
	process->workers++;
	pthread_mutex_unlock(&process->lock);
	return m;
}

struct mock *mock_new(void)
{
	struct mock_process *process = mem_zero(sizeof(*process));
	pthread_mutex_init(&process->lock, NULL);
	clock_init_manual(&process->clock, START_WALL_MS);
	list_init(&process->shared);
	return worker_new(process);
}

struct mock *mock_new_worker(struct mock *first)
{
	return worker_new(first->process);
}

static void process_leave(struct mock_process *process)
{
	pthread_mutex_lock(&process->lock);
	bool last = --process->workers == 0;
	pthread_mutex_unlock(&process->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&process->lock);
	free(process);
}

static void destroy_instances(struct mock *m)
{
	list_each(&m->instances, it) mock_destroy(list_entry(it, struct ow_instance, link));
}

static void worker_leave(struct mock *m)
{
	mock_forget(m);
	mock_http_check(m);
	mock_events_check(m);
	mock_log_clear(m);
	pthread_mutex_destroy(&m->post_lock);
	pointer_set_free(m->pointers);
	arena_free(&m->arena);
	process_leave(m->process);
	free(m);
}

void mock_free(struct mock *m)
{
	if (!m)
		return;
	destroy_instances(m);
	if (m->post_count > 0)
		mock_fail("a posted function was never run; call mock_run()");
	worker_leave(m);
}

void mock_kill(struct mock *m)
{
	destroy_instances(m);
	worker_leave(m);
}

void mock_seed(struct mock *m, uint64_t seed)
{
	random_init_seeded(&m->random, seed);
}

void mock_set_base(struct mock *m, struct event_base *base)
{
	m->base = base;
}

unsigned mock_random_refreshes(const struct mock *m)
{
	return m->refreshes;
}

const struct ow_host *mock_host(void)
{
	static const struct ow_host host = {
	    .size = sizeof(host),
	    .major = OW_ABI_MAJOR,
	    .minor = OW_ABI_MINOR,
	    .log = host_log,
	    .name = host_name,
	    .base = host_base,
	    .wall_ms = host_wall_ms,
	    .mono_ms = host_mono_ms,
	    .random = host_random,
	    .post = host_post,
	    .shared = host_shared,
	    .timer_new = host_timer_new,
	    .timer_set = host_timer_set,
	    .timer_free = host_timer_free,
	    .counter = host_counter,
	    .count = host_count,
	    .gauge = host_gauge,
	    .gauge_set = host_gauge_set,
	    .op_set = mock_host_op_set,
	    .op_get = mock_host_op_get,
	    .op_done = mock_host_op_done,
	    .claim_done = mock_host_claim_done,
	    .deliver_done = mock_host_deliver_done,
	    .event_new = mock_host_event_new,
	    .event_from_request = mock_host_event_from_request,
	    .event_set_body = mock_host_event_set_body,
	    .event_add_header = mock_host_event_add_header,
	    .emit = mock_host_emit,
	    .event_ref = mock_host_event_ref,
	    .event_unref = mock_host_event_unref,
	    .event_body = mock_host_event_body,
	    .event_header = mock_host_event_header,
	    .event_path = mock_host_event_path,
	    .event_source = mock_host_event_source,
	    .event_time = mock_host_event_time,
	    .event_trace = mock_host_event_trace,
	    .pointer = mock_host_pointer,
	    .event_json = mock_host_event_json,
	    .event_string = mock_host_event_string,
	    .key_set = mock_host_key_set,
	    .key_label = mock_host_key_label,
	    .key_explaining = mock_host_key_explaining,
	    .key_field = mock_host_key_field,
	    .key_canonical = mock_host_key_canonical,
	    .key_invalid = mock_host_key_invalid,
	    .reply_field = mock_host_reply_field,
	    .reply_problem = mock_host_reply_problem,
	    .reply_begin = mock_host_reply_begin,
	    .reply_add = mock_host_reply_add,
	    .reply_add_json = mock_host_reply_add_json,
	    .http_serve = mock_host_http_serve,
	    .request_header = mock_host_request_header,
	    .request_body = mock_host_request_body,
	    .request_answer = mock_host_request_answer,
	    .http_pool_new = mock_host_http_pool_new,
	    .http_pool_free = mock_host_http_pool_free,
	    .http_send = mock_host_http_send,
	    .http_cancel = mock_host_http_cancel,
	    .http_reachable = mock_host_http_reachable,
	    .request_answer_with = mock_host_request_answer_with,
	    .key_missing = mock_host_key_missing,
	    .tls_new = mock_host_tls_new,
	    .tls_free = mock_host_tls_free,
	    .tls_stream = mock_host_tls_stream,
	    .tls_problem = mock_host_tls_problem,
	    .resolve = mock_host_resolve,
	    .resolve_cancel = mock_host_resolve_cancel,
	    .event_limit = mock_host_event_limit,
	    .random_refresh = host_random_refresh,
	    .event_pass = mock_host_event_pass,
	    .event_secret_header = mock_host_event_secret_header,
	};
	return &host;
}
