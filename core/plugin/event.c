#include "plugin/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/http_server.h"
#include "plugin/instance.h"

/* A header that a source added by hand. */
struct added_header {
	struct added_header *next;
	const char *name, *value;
};

struct ow_event {
	unsigned references;
	struct worker *worker;
	const char *source; /* its name */
	int64_t arrived_wall, arrived_us;
	int64_t limit_us; /* INT64_MAX: none */
	bool pass;
	const char *secret_header; /* NULL: none */

	/* from a request: the head's texts point into block */
	struct http_head head;
	char *block;
	struct added_header *added, **last_added;

	char *body; /* owned */
	size_t body_len;

	/* worked out when first asked */
	bool traced;
	char trace[TRACE_SIZE];
	char traceparent[TRACEPARENT_SIZE];
	struct arena arena;
	bool scanned, valid;
	struct json_error error;
	struct ow_json *values;
	size_t value_count;
};

static void hex(const unsigned char *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static bool all_of(struct ow_text t, size_t from, size_t len, const char *set)
{
	for (size_t i = from; i < from + len; i++)
		if (!t.data[i] || !strchr(set, t.data[i]))
			return false;
	return true;
}

/*
 * W3C Trace Context, level 1: version "00", 32 and 16 lower-case hex digits
 * that are not all zero, two of flags. Anything else is as if it were absent.
 */
static bool traceparent_is_valid(struct ow_text t)
{
	static const char hex_digits[] = "0123456789abcdef";
	return t.len == TRACEPARENT_SIZE - 1 && memcmp(t.data, "00-", 3) == 0 &&
	       t.data[35] == '-' && t.data[52] == '-' && all_of(t, 3, 32, hex_digits) &&
	       all_of(t, 36, 16, hex_digits) && all_of(t, 53, 2, hex_digits) &&
	       !all_of(t, 3, 32, "0") && !all_of(t, 36, 16, "0");
}

/* On first asking, which for a duplicate is never. See scan() for the constant. */
static void set_trace(const struct ow_event *constant)
{
	struct ow_event *e = (struct ow_event *)(uintptr_t)constant;
	if (e->traced)
		return;
	e->traced = true;
	struct ow_text received = event_get_header(e, "traceparent");
	struct random *random = worker_random(e->worker);
	unsigned char bytes[16];
	char span[17];
	const char *flags = "01";
	if (received.data && traceparent_is_valid(received)) {
		memcpy(e->trace, received.data + 3, 32);
		flags = received.data + 53;
	} else {
		random_fill(random, bytes, 16);
		hex(bytes, 16, e->trace);
	}
	random_fill(random, bytes, 8);
	hex(bytes, 8, span);
	memcpy(e->traceparent, "00-", 3);
	memcpy(e->traceparent + 3, e->trace, 32);
	e->traceparent[35] = '-';
	memcpy(e->traceparent + 36, span, 16);
	e->traceparent[52] = '-';
	memcpy(e->traceparent + 53, flags, 2);
}

static struct ow_event *create(struct worker *worker, const char *source)
{
	const struct clock *clock = worker_clock(worker);
	struct ow_event *e = mem_zero(sizeof(*e));
	e->references = 1;
	e->last_added = &e->added;
	e->worker = worker;
	e->source = source;
	e->arrived_wall = clock_wall(clock);
	e->arrived_us = clock_mono_us(clock);
	e->limit_us = INT64_MAX;
	return e;
}

struct ow_event *event_create(struct ow_instance *source)
{
	return create(instance_worker(source), instance_name(source));
}

struct ow_event *event_restore(
    struct worker *worker, struct ow_text source, int64_t arrived_wall)
{
	struct ow_event *e = create(worker, NULL);
	e->source = arena_string_of(&e->arena, source.data, source.len);
	e->arrived_wall = arrived_wall;
	return e;
}

struct ow_event *event_create_from_request(
    struct ow_instance *source, struct ow_http_request *request)
{
	struct ow_event *e = event_create(source);
	http_request_take(request, &e->head, &e->block, &e->body, &e->body_len);
	return e;
}

struct ow_event *event_reference(struct ow_event *e)
{
	e->references++;
	return e;
}

void event_release(struct ow_event *e)
{
	if (!e || --e->references > 0)
		return;
	http_head_fini(&e->head);
	free(e->block);
	free(e->body);
	free(e->values);
	arena_free(&e->arena);
	free(e);
}

void event_put_body(struct ow_event *e, const void *data, size_t len)
{
	free(e->body);
	e->body = mem_copy(data, len);
	e->body_len = len;
	e->scanned = false;
}

void event_put_header_text(struct ow_event *e, struct ow_text name, struct ow_text value)
{
	struct added_header *h = arena_alloc(&e->arena, sizeof(*h));
	h->name = arena_string_of(&e->arena, name.data, name.len);
	h->value = arena_string_of(&e->arena, value.data, value.len);
	*e->last_added = h;
	e->last_added = &h->next;
	if (text_equal_nocase(name, text_of("traceparent")))
		e->traced = false;
}

void event_put_header(struct ow_event *e, const char *name, const char *value)
{
	event_put_header_text(e, text_of(name), text_of(value));
}

void event_put_path(struct ow_event *e, struct ow_text path)
{
	e->head.path = text_of(arena_string_of(&e->arena, path.data, path.len));
}

void event_put_traceparent(struct ow_event *e, struct ow_text traceparent)
{
	if (!traceparent_is_valid(traceparent))
		return;
	memcpy(e->traceparent, traceparent.data, TRACEPARENT_SIZE - 1);
	memcpy(e->trace, traceparent.data + 3, TRACE_SIZE - 1);
	e->traced = true;
}

void event_each_header(const struct ow_event *e, event_header_fn *fn, void *arg)
{
	for (const struct added_header *h = e->added; h; h = h->next)
		fn(text_of(h->name), text_of(h->value), arg);
	for (size_t i = 0; i < e->head.count; i++)
		fn(e->head.fields[i].name, e->head.fields[i].value, arg);
}

struct ow_text event_get_body(const struct ow_event *e)
{
	return text_span(e->body ? e->body : "", e->body_len);
}

struct ow_text event_get_header(const struct ow_event *e, const char *name)
{
	for (const struct added_header *h = e->added; h; h = h->next)
		if (text_equal_nocase(text_of(h->name), text_of(name)))
			return text_of(h->value);
	return http_head_field(&e->head, name);
}

void event_put_limit(struct ow_event *e, int64_t ms)
{
	e->limit_us = e->arrived_us + ms * 1000;
}

void event_put_pass(struct ow_event *e)
{
	e->pass = true;
}

void event_put_secret_header(struct ow_event *e, const char *name)
{
	e->secret_header = name;
}

const char *event_get_secret_header(const struct ow_event *e)
{
	return e->secret_header;
}

bool event_passes(const struct ow_event *e)
{
	return e->pass;
}

int64_t event_limit_us(const struct ow_event *e)
{
	return e->limit_us;
}

struct ow_text event_get_path(const struct ow_event *e)
{
	return e->head.path.data ? e->head.path : text_of("");
}

const char *event_get_source(const struct ow_event *e)
{
	return e->source;
}

int64_t event_arrived_wall(const struct ow_event *e)
{
	return e->arrived_wall;
}

int64_t event_arrived_us(const struct ow_event *e)
{
	return e->arrived_us;
}

const char *event_get_trace(const struct ow_event *e)
{
	set_trace(e);
	return e->trace;
}

struct ow_text event_get_traceparent(const struct ow_event *e)
{
	set_trace(e);
	return text_span(e->traceparent, TRACEPARENT_SIZE - 1);
}

/*
 * The event is const to whoever reads it; that the scan happens on first
 * asking does not show. All pointers of the worker are looked up at once; one
 * compiled later than the scan makes a new scan.
 */
static void scan(const struct ow_event *constant)
{
	struct ow_event *e = (struct ow_event *)(uintptr_t)constant;
	struct pointer_set *set = worker_pointers(e->worker);
	size_t count = pointer_count(set);
	if (e->scanned && e->value_count == count)
		return;
	free(e->values);
	e->values = mem_array(count, sizeof(*e->values));
	e->value_count = count;
	e->valid = json_scan(event_get_body(e), set, e->values, &e->error);
	e->scanned = true;
}

bool event_is_json(const struct ow_event *e, struct json_error *error)
{
	scan(e);
	if (!e->valid)
		*error = e->error;
	return e->valid;
}

bool event_get_json(
    const struct ow_event *e, const struct ow_pointer *pointer, struct ow_json *value)
{
	scan(e);
	if (!e->valid)
		return false;
	*value = e->values[pointer_index(pointer)];
	return value->type != 0;
}

struct ow_text event_get_string(const struct ow_event *constant, const struct ow_json *value)
{
	struct ow_event *e = (struct ow_event *)(uintptr_t)constant;
	if (json_string_plain(value->raw))
		return text_span(value->raw.data + 1, value->raw.len - 2);
	char *out = arena_alloc(&e->arena, json_string_room(value->raw));
	return text_span(out, json_string_decode(value->raw, out));
}
