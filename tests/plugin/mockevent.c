/* Events, and what keyers and sources do with them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/plugin/mockstate.h"
#include "json/scan.h"

void mock_header_add(
    struct arena *arena, struct mock_header ***end, struct ow_text name, struct ow_text value)
{
	struct mock_header *h = arena_alloc(arena, sizeof(*h));
	h->name = mock_copy(arena, name);
	h->value = mock_copy(arena, value);
	**end = h;
	*end = &h->next;
}

struct ow_text mock_header_get(const struct mock_header *headers, const char *name)
{
	for (const struct mock_header *h = headers; h; h = h->next)
		if (text_equal_nocase(h->name, text_of(name)))
			return h->value;
	return TEXT_NONE;
}

/* ---- making one ---- */

static struct ow_event *event_new(struct mock *m, bool of_test)
{
	struct ow_event *event = mem_zero(sizeof(*event));
	*event = (struct ow_event){.mock = m,
	    .refs = 1,
	    .of_test = of_test,
	    .body = text_of(""),
	    .path = text_of("/"),
	    .source = "test",
	    .time = mock_wall(m),
	    .trace = MOCK_TRACE};
	event->headers_end = &event->headers;
	list_append(&m->events, &event->link);
	return event;
}

/* A traceparent gives the event its trace id; the core looks at it more closely. */
static void add_header(struct ow_event *event, struct ow_text name, struct ow_text value)
{
	mock_header_add(&event->arena, &event->headers_end, name, value);
	if (text_equal_nocase(name, text_of("traceparent")) && value.len == 55)
		event->trace = arena_string_of(&event->arena, value.data + 3, 32);
}

struct ow_event *mock_event_of(struct mock *m, const void *body, size_t len)
{
	struct ow_event *event = event_new(m, true);
	mock_host_event_set_body(event, body, len);
	return event;
}

struct ow_event *mock_event(struct mock *m, const char *body)
{
	return mock_event_of(m, body, strlen(body));
}

void mock_event_header(struct ow_event *event, const char *name, const char *value)
{
	mock_host_event_add_header(event, name, value);
}

void mock_event_set_path(struct ow_event *event, const char *path)
{
	event->path = text_of(arena_string(&event->arena, path));
}

struct ow_event *mock_host_event_new(struct ow_instance *self)
{
	struct ow_event *event = event_new(self->mock, false);
	event->source = self->name;
	return event;
}

struct ow_event *mock_host_event_from_request(
    struct ow_instance *self, struct ow_http_request *request)
{
	struct ow_event *event = mock_host_event_new(self);
	event->path = mock_copy(&event->arena, request->path);
	mock_host_event_set_body(event, request->body.data, request->body.len);
	for (struct mock_header *h = request->headers; h; h = h->next)
		add_header(event, h->name, h->value);
	request->headers = NULL;
	request->body = TEXT_NONE;
	return event;
}

void mock_host_event_set_body(struct ow_event *event, const void *data, size_t len)
{
	if (event->emitted)
		mock_fail("an emitted event was changed");
	event->body = mock_copy(&event->arena, text_span(len ? data : "", len));
	event->value_count = 0;
}

void mock_host_event_add_header(struct ow_event *event, const char *name, const char *value)
{
	if (event->emitted)
		mock_fail("an emitted event was changed");
	add_header(event, text_of(name), text_of(value));
}

void mock_host_event_limit(struct ow_event *event, int64_t ms)
{
	if (event->emitted)
		mock_fail("an emitted event was changed");
	event->limit_ms = ms;
}

int64_t mock_event_limit(const struct ow_event *event)
{
	return event->limit_ms;
}

void mock_host_event_pass(struct ow_event *event)
{
	if (event->emitted)
		mock_fail("an emitted event was changed");
	event->pass = true;
}

void mock_host_event_secret_header(struct ow_event *event, const char *name)
{
	if (event->emitted)
		mock_fail("an emitted event was changed");
	event->secret_header = name;
}

const char *mock_event_secret_header(const struct ow_event *event)
{
	return event->secret_header;
}

bool mock_event_passes(const struct ow_event *event)
{
	return event->pass;
}

/* ---- references ---- */

static void event_free(struct ow_event *event)
{
	list_remove(&event->link);
	free(event->values);
	arena_free(&event->arena);
	free(event);
}

void mock_event_release(struct ow_event *event)
{
	if (event->refs == (event->of_test ? 1 : 0))
		mock_fail("event_unref() of a reference that the plugin does not have");
	if (--event->refs == 0)
		event_free(event);
}

struct ow_event *mock_host_event_ref(const struct ow_event *event)
{
	/* Counted is counted, even for those who may only read it. */
	struct ow_event *counted = (struct ow_event *)(uintptr_t)event;
	counted->refs++;
	return counted;
}

void mock_host_event_unref(struct ow_event *event)
{
	if (event)
		mock_event_release(event);
}

void mock_events_check(struct mock *m)
{
	for (size_t i = 0; i < m->emissions.count; i++) {
		struct mock_emission *e = m->emissions.items[i];
		if (!e->settled)
			mock_fail("emission %zu was not settled", i);
	}
	list_each(&m->events, it)
	{
		struct ow_event *event = list_entry(it, struct ow_event, link);
		if (event->refs > (event->of_test ? 1 : 0))
			mock_fail("a plugin still has a reference to an event");
		event_free(event);
	}
	for (size_t i = 0; i < m->keys.count; i++)
		free(m->keys.items[i]);
	mock_array_free(&m->keys);
	mock_array_free(&m->emissions);
}

/* ---- reading one ---- */

struct ow_text mock_host_event_body(const struct ow_event *event)
{
	return event->body;
}

struct ow_text mock_host_event_header(const struct ow_event *event, const char *name)
{
	return mock_header_get(event->headers, name);
}

struct ow_text mock_host_event_path(const struct ow_event *event)
{
	return event->path;
}

const char *mock_host_event_source(const struct ow_event *event)
{
	return event->source;
}

int64_t mock_host_event_time(const struct ow_event *event)
{
	return event->time;
}

const char *mock_host_event_trace(const struct ow_event *event)
{
	return event->trace;
}

const struct ow_pointer *mock_host_pointer(struct ow_instance *self, const char *text)
{
	return pointer_add(self->mock->pointers, text);
}

/* Scans once for all pointers that exist by then. */
static bool scan(struct ow_event *event)
{
	size_t count = pointer_count(event->mock->pointers);
	struct json_error error = {0};
	if (event->value_count == count && event->values)
		return event->valid;
	free(event->values);
	event->values = mem_array(count + 1, sizeof(*event->values));
	event->value_count = count;
	event->valid = json_scan(event->body, event->mock->pointers, event->values, &error);
	return event->valid;
}

bool mock_host_event_json(
    const struct ow_event *event, const struct ow_pointer *pointer, struct ow_json *value)
{
	/* The values are a cache: what the plugin sees does not change. */
	if (!scan((struct ow_event *)(uintptr_t)event))
		return false;
	*value = event->values[pointer_index(pointer)];
	return value->type != 0;
}

struct ow_text mock_host_event_string(const struct ow_event *event, const struct ow_json *value)
{
	struct ow_event *owner = (struct ow_event *)(uintptr_t)event;
	if (value->type != OW_JSON_STRING)
		mock_fail("event_string() of a value that is not a string");
	char *out = arena_alloc(&owner->arena, json_string_room(value->raw) + 1);
	return text_span(out, json_string_decode(value->raw, out));
}

/* ---- sources ---- */

void mock_host_emit(struct ow_instance *self, struct ow_event *event, void *cookie)
{
	struct mock *m = self->mock;
	if (event->of_test || event->emitted)
		mock_fail("%s emits an event that it does not own", self->name);
	if (self->draining)
		mock_fail("%s emits an event while it drains", self->name);
	struct mock_emission *e = arena_alloc(&m->arena, sizeof(*e));
	*e = (struct mock_emission){.source = self, .event = event, .cookie = cookie};
	event->emitted = true;
	mock_array_add(&m->emissions, e);
}

size_t mock_emitted(const struct mock *m)
{
	return m->emissions.count;
}

static struct mock_emission *emission(const struct mock *m, size_t index)
{
	if (index >= m->emissions.count)
		mock_fail("emission %zu of %zu", index, m->emissions.count);
	return m->emissions.items[index];
}

const struct mock_emission *mock_emission(const struct mock *m, size_t index)
{
	return emission(m, index);
}

void mock_settle(struct mock *m, size_t index, const struct ow_settlement *how)
{
	struct mock_emission *e = emission(m, index);
	const struct ow_source_ops *ops = e->source->component->ops;
	struct ow_settlement copy = *how;
	copy.size = sizeof(copy);
	if (e->settled)
		mock_fail("emission %zu is settled twice", index);
	e->settled = true;
	ops->settle(e->source->state, e->cookie, &copy);
	mock_event_release(e->event);
	e->event = NULL;
}

/* ---- keyers ---- */

struct ow_key *mock_key(struct ow_instance *keyer, struct ow_event *event, bool explaining)
{
	const struct ow_keyer_ops *ops = keyer->component->ops;
	struct mock *m = keyer->mock;
	if (!scan(event))
		mock_fail("key() is only asked about valid JSON");
	struct ow_key *key = mem_zero(sizeof(*key));
	mock_array_add(&m->keys, key);
	key->mock = m;
	key->explaining = explaining;
	key->rc = ops->key(keyer->state, event, key);
	if (key->rc != OW_OK && key->rc != OW_REJECT)
		mock_fail("key() returned %d", (int)key->rc);
	if (key->rc == OW_OK && (!key->text.data || key->invalid_problem))
		mock_fail("key() returned OK without a key");
	if (key->rc == OW_REJECT && !key->invalid_problem)
		mock_fail("key() returned REJECT without saying why");
	return key;
}

void mock_host_key_set(struct ow_key *key, const char *prefix, struct ow_text text)
{
	key->prefix = arena_string(&key->mock->arena, prefix);
	key->text = mock_copy(&key->mock->arena, text);
}

void mock_host_key_label(struct ow_key *key, struct ow_text label)
{
	key->label = mock_copy(&key->mock->arena, label);
}

bool mock_host_key_explaining(const struct ow_key *key)
{
	return key->explaining;
}

void mock_host_key_field(struct ow_key *key, const char *name, struct ow_text value)
{
	if (!key->explaining)
		return;
	if (key->fields == MOCK_KEY_FIELDS)
		mock_fail("more than %d fields in a key", MOCK_KEY_FIELDS);
	key->field_names[key->fields] = arena_string(&key->mock->arena, name);
	key->field_values[key->fields++] = mock_copy(&key->mock->arena, value);
}

void mock_host_key_canonical(struct ow_key *key, struct ow_text bytes)
{
	if (key->explaining)
		key->canonical = mock_copy(&key->mock->arena, bytes);
}

void mock_host_key_invalid(struct ow_key *key, const char *field, const char *problem)
{
	if (key->invalid_problem)
		return;
	key->invalid_field = arena_string(&key->mock->arena, field);
	key->invalid_problem = arena_string(&key->mock->arena, problem);
}

void mock_host_key_missing(struct ow_key *key, const char *field)
{
	if (!key->invalid_problem)
		key->missing = true;
	mock_host_key_invalid(key, field, "is missing");
}

struct ow_reply *mock_reply(struct ow_instance *keyer, struct ow_event *event,
    const struct ow_key *key, const struct ow_reply_request *request)
{
	const struct ow_keyer_ops *ops = keyer->component->ops;
	struct ow_reply_request copy = *request;
	struct ow_reply *reply = arena_alloc(&keyer->mock->arena, sizeof(*reply));
	if (!ops->reply)
		mock_fail("%s has no reply()", keyer->name);
	*reply = (struct ow_reply){.mock = keyer->mock, .body = text_of("")};
	if (key) {
		reply->field = key->invalid_field;
		reply->problem = key->invalid_problem;
	}
	copy.size = sizeof(copy);
	ops->reply(keyer->state, event, &copy, reply);
	return reply;
}

const char *mock_host_reply_field(const struct ow_reply *reply)
{
	return reply->field;
}

const char *mock_host_reply_problem(const struct ow_reply *reply)
{
	return reply->problem;
}

void mock_host_reply_begin(struct ow_reply *reply, int status, const char *content_type)
{
	reply->begun = true;
	reply->status = status;
	reply->content_type = arena_string(&reply->mock->arena, content_type);
	reply->body = text_of("");
}

void mock_host_reply_add(struct ow_reply *reply, struct ow_text text)
{
	struct buf joined = BUF_INIT;
	if (!reply->begun)
		mock_fail("reply_add() before reply_begin()");
	buf_add_text(&joined, reply->body);
	buf_add_text(&joined, text);
	reply->body = mock_copy(&reply->mock->arena, buf_text(&joined));
	buf_free(&joined);
}

void mock_host_reply_add_json(struct ow_reply *reply, struct ow_text text)
{
	struct buf quoted = BUF_INIT;
	buf_add_json(&quoted, text);
	mock_host_reply_add(reply, buf_text(&quoted));
	buf_free(&quoted);
}
