/* Listeners and the HTTP client, both without a network. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/plugin/mockstate.h"

/* ---- listeners ---- */

struct mock_serve {
	struct list link; /* in mock->serves */
	struct ow_instance *instance;
	const char *listener, *path;
	unsigned methods;
	ow_http_handler *handler;
	void *arg;
};

/* How well it fits: an exact path best, then the longest of those with a star; 0: not at all.
 */
static size_t fit(const struct mock_serve *s, struct ow_text path)
{
	struct ow_text name = text_of(s->path);
	if (text_equal(name, path))
		return SIZE_MAX;
	bool below = text_ends_with(name, text_of("/*")) &&
		     text_begins_with(path, text_span(name.data, name.len - 1));
	return below ? name.len : 0;
}

static struct mock_serve *find_serve(struct mock *m, const char *listener, struct ow_text path)
{
	struct mock_serve *found = NULL;
	list_each(&m->serves, it)
	{
		struct mock_serve *s = list_entry(it, struct mock_serve, link);
		if (strcmp(s->listener, listener) == 0 && !s->instance->draining &&
		    fit(s, path) > (found ? fit(found, path) : 0))
			found = s;
	}
	return found;
}

void mock_refuse_serve(struct mock *m, const char *why)
{
	m->refuse_serve = why ? arena_string(&m->arena, why) : NULL;
}

int mock_host_http_serve(struct ow_instance *self, const char *listener, const char *path,
    unsigned methods, ow_http_handler *handler, void *arg, const char **why)
{
	struct mock *m = self->mock;
	*why = m->refuse_serve;
	const struct mock_serve *taken = find_serve(m, listener, text_of(path));
	if (!*why && taken && strcmp(taken->path, path) == 0)
		*why = "the path is taken";
	if (*why)
		return -1;
	struct mock_serve *s = arena_alloc(&m->arena, sizeof(*s));
	*s = (struct mock_serve){.instance = self,
	    .listener = arena_string(&m->arena, listener),
	    .path = arena_string(&m->arena, path),
	    .methods = methods,
	    .handler = handler,
	    .arg = arg};
	list_init(&s->link);
	list_append(&m->serves, &s->link);
	return 0;
}

static unsigned method_bit(const char *method)
{
	static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], method) == 0)
			return 1u << i;
	return 0;
}

struct ow_http_request *mock_request(struct mock *m, const char *listener, const char *method,
    const char *target, const char *const *headers, struct ow_text body)
{
	struct ow_text path = text_span(target, strcspn(target, "?"));
	struct mock_serve *serve = find_serve(m, listener, path);
	if (!serve)
		return NULL;
	struct ow_http_request *r = mem_zero(sizeof(*r));
	r->mock = m;
	r->path = mock_copy(&r->arena, path);
	r->body = mock_copy(&r->arena, text_span(body.len ? body.data : "", body.len));
	r->headers_end = &r->headers;
	for (; headers && *headers; headers += 2)
		mock_header_add(
		    &r->arena, &r->headers_end, text_of(headers[0]), text_of(headers[1]));
	list_append(&m->requests, &r->link);
	if (serve->methods & method_bit(method))
		serve->handler(r, serve->arg);
	else
		mock_host_request_answer(r, 405, TEXT_NONE, TEXT_NONE, 0);
	return r;
}

struct ow_text mock_host_request_header(const struct ow_http_request *request, const char *name)
{
	return mock_header_get(request->headers, name);
}

struct ow_text mock_host_request_body(const struct ow_http_request *request)
{
	return request->body;
}

void mock_host_request_answer(struct ow_http_request *request, int status,
    struct ow_text content_type, struct ow_text body, int64_t retry_after_ms)
{
	if (request->answered)
		mock_fail("a request to %s was answered twice", request->path.data);
	if (status < 200 || status > 599)
		mock_fail("a request to %s was answered %d", request->path.data, status);
	request->answered = true;
	request->answer = (struct mock_answer){.status = status,
	    .content_type = mock_copy(&request->arena, content_type),
	    .body = mock_copy(&request->arena, text_span(body.len ? body.data : "", body.len)),
	    .retry_after_ms = retry_after_ms};
}

void mock_host_request_answer_with(
    struct ow_http_request *request, const struct ow_http_answer *answer)
{
	struct ow_http_answer a;
	mock_copy_sized(&a, answer, sizeof(a), "struct ow_http_answer");
	mock_host_request_answer(request, a.status, a.content_type, a.body, a.retry_after_ms);
	struct mock_header **end = &request->answer_headers;
	for (size_t i = 0; i < a.headers; i++)
		mock_header_add(&request->arena, &end, a.names[i], a.values[i]);
}

struct ow_text mock_answer_header(const struct ow_http_request *request, const char *name)
{
	return mock_header_get(request->answer_headers, name);
}

const struct mock_answer *mock_answer(const struct ow_http_request *request)
{
	return request->answered ? &request->answer : NULL;
}

/* ---- client: what the plugin calls ---- */

struct ow_http_pool {
	struct list link; /* in mock->pools */
	struct ow_instance *instance;
	struct ow_http_origin origin; /* texts in mock->arena */
	unsigned open;
};

struct ow_http_call {
	struct mock_call seen;
	struct arena arena;
	struct mock *mock;
	struct ow_http_pool *pool; /* NULL once closed */
	const struct ow_http_outgoing *lent;
	ow_http_callback *fn;
	void *arg;
};

struct mock_script {
	struct list link;		  /* in mock->scripted */
	struct ow_http_response response; /* texts in mock->arena */
};

void mock_refuse_pool(struct mock *m, const char *why)
{
	m->refuse_pool = why ? arena_string(&m->arena, why) : NULL;
}

void mock_set_unreachable(struct mock *m, const char *why)
{
	m->unreachable = why ? arena_string(&m->arena, why) : NULL;
}

void mock_set_maybe_received(struct mock *m, bool maybe)
{
	m->maybe_received = maybe;
}

struct ow_http_pool *mock_host_http_pool_new(
    struct ow_instance *self, const struct ow_http_origin *origin, const char **why)
{
	struct mock *m = self->mock;
	*why = m->refuse_pool;
	if (*why)
		return NULL;
	struct ow_http_pool *pool = mem_zero(sizeof(*pool));
	mock_copy_sized(&pool->origin, origin, sizeof(pool->origin), "struct ow_http_origin");
	pool->origin.url = arena_string(&m->arena, origin->url);
	if (pool->origin.tls)
		pool->origin.tls = mock_tls_copy(m, pool->origin.tls);
	if (pool->origin.proxy)
		pool->origin.proxy = arena_string(&m->arena, pool->origin.proxy);
	pool->instance = self;
	list_append(&m->pools, &pool->link);
	return pool;
}

void mock_host_http_pool_free(struct ow_http_pool *pool)
{
	if (!pool)
		return;
	if (pool->open)
		mock_fail("a pool of %s was freed with %u calls unfinished",
		    pool->instance->name, pool->open);
	list_remove(&pool->link);
	free(pool);
}

static void copy_headers(struct arena *arena, const struct ow_text **names,
    const struct ow_text **values, size_t count)
{
	struct ow_text *n = arena_alloc(arena, count * sizeof(*n));
	struct ow_text *v = arena_alloc(arena, count * sizeof(*v));
	for (size_t i = 0; i < count; i++) {
		n[i] = mock_copy(arena, (*names)[i]);
		v[i] = mock_copy(arena, (*values)[i]);
	}
	*names = n;
	*values = v;
}

struct ow_http_call *mock_host_http_send(struct ow_http_pool *pool,
    const struct ow_http_outgoing *request, ow_http_callback *fn, void *arg)
{
	struct mock *m = pool->instance->mock;
	struct ow_http_call *call = mem_zero(sizeof(*call));
	struct ow_http_outgoing *copy = &call->seen.request;
	mock_copy_sized(copy, request, sizeof(*copy), "struct ow_http_outgoing");
	if (request->target.len == 0 || request->target.data[0] != '/')
		mock_fail("%s: a request target must begin with /", pool->instance->name);
	copy->method = arena_string(&call->arena, request->method);
	copy->target = mock_copy(&call->arena, request->target);
	copy->body = mock_copy(&call->arena, request->body);
	copy_headers(&call->arena, &copy->names, &copy->values, copy->headers);
	call->seen.origin = pool->origin;
	call->seen.state = MOCK_CALL_OPEN;
	call->mock = m;
	call->pool = pool;
	call->lent = request;
	call->fn = fn;
	call->arg = arg;
	pool->open++;
	mock_array_add(&m->calls, call);
	return call;
}

/* What a plugin lent must still be there, unchanged; a sanitizer sees if it is not. */
static void check_lent(const struct ow_http_call *call)
{
	const struct ow_http_outgoing *now = call->lent, *then = &call->seen.request;
	bool same = strcmp(now->method, then->method) == 0 &&
		    text_equal(now->target, then->target) &&
		    text_equal(now->body, then->body) && now->headers == then->headers;
	for (size_t i = 0; same && i < then->headers; i++)
		same = text_equal(now->names[i], then->names[i]) &&
		       text_equal(now->values[i], then->values[i]);
	if (!same)
		mock_fail(
		    "%s changed a request before its callback", call->pool->instance->name);
}

static void call_close(struct ow_http_call *call, enum mock_call_state state)
{
	if (call->seen.state != MOCK_CALL_OPEN)
		mock_fail("a call to %s is over", call->seen.origin.url);
	check_lent(call);
	call->seen.state = state;
	call->pool->open--;
	call->pool = NULL;
	call->lent = NULL;
}

bool mock_host_http_cancel(struct ow_http_call *call)
{
	call_close(call, MOCK_CALL_CANCELLED);
	return call->mock->maybe_received;
}

bool mock_host_http_reachable(struct ow_http_pool *pool, const char **why)
{
	*why = pool->instance->mock->unreachable;
	return !*why;
}

/* ---- client: what the test does ---- */

size_t mock_calls(const struct mock *m)
{
	return m->calls.count;
}

static struct ow_http_call *call_at(const struct mock *m, size_t index)
{
	if (index >= m->calls.count)
		mock_fail("call %zu of %zu", index, m->calls.count);
	return m->calls.items[index];
}

const struct mock_call *mock_call(const struct mock *m, size_t index)
{
	return &call_at(m, index)->seen;
}

struct ow_text mock_call_header(const struct mock_call *call, const char *name)
{
	for (size_t i = 0; i < call->request.headers; i++)
		if (text_equal_nocase(call->request.names[i], text_of(name)))
			return call->request.values[i];
	return TEXT_NONE;
}

static void answer(struct ow_http_call *call, const struct ow_http_response *response)
{
	struct ow_http_response copy = *response;
	copy.size = sizeof(copy);
	if (copy.end != OW_HTTP_ANSWERED && !copy.why)
		copy.why = "scripted";
	call_close(call, MOCK_CALL_ANSWERED);
	call->fn(&copy, call->arg);
}

void mock_respond(struct mock *m, size_t index, const struct ow_http_response *response)
{
	answer(call_at(m, index), response);
}

void mock_script(struct mock *m, const struct ow_http_response *response)
{
	struct mock_script *s = arena_alloc(&m->arena, sizeof(*s));
	s->response = *response;
	s->response.body = mock_copy(&m->arena, response->body);
	s->response.why = response->why ? arena_string(&m->arena, response->why) : NULL;
	copy_headers(&m->arena, &s->response.names, &s->response.values, response->headers);
	list_init(&s->link);
	list_append(&m->scripted, &s->link);
}

void mock_script_answer(
    struct mock *m, int status, const char *const *headers, const char *body)
{
	struct ow_text names[16], values[16];
	size_t count = 0;
	for (; headers && headers[2 * count]; count++) {
		if (count == sizeof(names) / sizeof(names[0]))
			mock_fail("too many headers in a scripted answer");
		names[count] = text_of(headers[2 * count]);
		values[count] = text_of(headers[2 * count + 1]);
	}
	mock_script(m, &(struct ow_http_response){.end = OW_HTTP_ANSWERED,
			   .maybe_received = true,
			   .status = status,
			   .names = names,
			   .values = values,
			   .headers = count,
			   .body = text_of(body)});
}

bool mock_http_answer_scripted(struct mock *m)
{
	while (m->first_open < m->calls.count &&
	       call_at(m, m->first_open)->seen.state != MOCK_CALL_OPEN)
		m->first_open++;
	if (list_empty(&m->scripted) || m->first_open == m->calls.count)
		return false;
	struct list *link = m->scripted.next;
	list_remove(link);
	answer(
	    call_at(m, m->first_open), &list_entry(link, struct mock_script, link)->response);
	return true;
}

/* ---- the end ---- */

void mock_http_instance_gone(struct ow_instance *instance)
{
	struct mock *m = instance->mock;
	list_each(
	    &m->pools, it) if (list_entry(it, struct ow_http_pool, link)->instance == instance)
	    mock_fail("%s left a pool behind", instance->name);
	list_each(&m->serves, serve) if (list_entry(serve, struct mock_serve, link)->instance ==
					 instance) list_remove(serve);
}

void mock_http_check(struct mock *m)
{
	list_each(&m->requests, it)
	{
		struct ow_http_request *r = list_entry(it, struct ow_http_request, link);
		if (!r->answered)
			mock_fail("a request to %s was not answered", r->path.data);
		list_remove(&r->link);
		arena_free(&r->arena);
		free(r);
	}
	for (size_t i = 0; i < m->calls.count; i++) {
		struct ow_http_call *call = m->calls.items[i];
		arena_free(&call->arena);
		free(call);
	}
	mock_array_free(&m->calls);
}
