/* What the rest of the program calls: clients, pools, sending, cancelling. */
#include "io/http_client.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/http_outgoing.h"
#include "io/http_pool.h"
#include "io/tls_client.h"

struct http_client *http_client_new(struct event_base *base, const struct clock *clock)
{
	struct http_client *client = mem_zero(sizeof(*client));
	client->base = base;
	client->clock = clock;
	client->resolver = resolver_new(base, NULL, NULL);
	return client;
}

void http_client_resolve_with(struct http_client *client, struct resolver *resolver)
{
	assert(client->pools == 0);
	resolver_free(client->resolver);
	client->resolver = resolver;
}

struct resolver *http_client_resolver(const struct http_client *client)
{
	return client->resolver;
}

void http_client_use_tls(struct http_client *client, struct tls_store *store)
{
	client->tls = store;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	assert(client->pools == 0);
	resolver_free(client->resolver);
	buf_free(&client->head);
	free(client);
}

/* ---- pools ---- */

/* NULL, or what is wrong with it. */
static const char *check_origin(struct ow_http_pool *pool)
{
	const struct ow_http_origin *origin = &pool->origin;
	const char *problem = url_parse(origin->url, &pool->arena, &pool->url);
	pool->proxied = origin->proxy != NULL;
	if (!problem && pool->proxied)
		problem =
		    http_proxy_parse(origin->proxy, &pool->url, &pool->arena, &pool->proxy);
	if (problem)
		return problem;
	if (pool->url.tls && !pool->client->tls)
		return "https:// is not to be had here";
	if (origin->max_connections < 1 || origin->max_waiting < 0 || origin->connect_ms < 1 ||
	    origin->idle_ms < 0 || origin->max_response < 0)
		return "a limit of the connection pool is out of range";
	return NULL;
}

void http_pool_dispose(struct ow_http_pool *pool)
{
	tls_client_free(pool->tls);
	arena_free(&pool->arena);
	free(pool->why);
	free(pool);
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
	struct ow_http_pool *pool = arg;
	(void)fd;
	(void)what;
	pool->armed = INT64_MAX;
	http_pool_tick(pool);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	http_pool_run_finished(arg);
}

/* False with *why: a file is no good. */
static bool open_tls(struct ow_http_pool *pool, const char **why)
{
	const struct http_client *client = pool->client;
	const struct tls_client_parts parts = {.store = client->tls,
	    .base = client->base,
	    .clock = client->clock,
	    .name = arena_printf(&pool->arena, "https://%s", pool->url.authority),
	    .http = true};
	if (pool->url.tls)
		pool->tls = tls_client_new(&parts, pool->origin.tls, why);
	pool->origin.tls = NULL; /* it was borrowed */
	return pool->tls || !pool->url.tls;
}

static void pool_start(struct ow_http_pool *pool)
{
	struct http_client *client = pool->client;
	const struct url *url = &pool->url;
	client->pools++;
	pool->name = arena_printf(
	    &pool->arena, strchr(url->host, ':') ? "[%s]:%d" : "%s:%d", url->host, url->port);
	pool->next = pool->proxied ? &pool->proxy.url : url;
	pool->literal =
	    addresses_of_literal(&pool->addresses, pool->next->host, pool->next->port);
	/* A literal address is one address; localhost is two. */
	bool named = pool->addresses.count != 1;
	if (pool->proxied)
		pool->note = arena_printf(&pool->arena, " (the proxy%s%s)", named ? " " : "",
		    named ? pool->next->host : "");
	else
		pool->note = named ? arena_printf(&pool->arena, " (%s)", url->host) : "";
	pool->alarm = event_new(client->base, -1, 0, on_alarm, pool);
	pool->later = event_new(client->base, -1, 0, on_later, pool);
	pool->armed = INT64_MAX;
	for (int i = 0; i < HTTP_MEMBER_STATES; i++)
		list_init(&pool->members[i]);
	for (int i = 0; i < HTTP_CALL_PLACES; i++)
		list_init(&pool->calls[i]);
	list_init(&pool->deadlines);
}

struct ow_http_pool *http_pool_new(
    struct http_client *client, const struct ow_http_origin *origin, const char **why)
{
	struct ow_http_pool *pool = mem_zero(sizeof(*pool));
	size_t size = origin->size < sizeof(*origin) ? origin->size : sizeof(*origin);
	memcpy(&pool->origin, origin, size);
	pool->client = client;
	*why = check_origin(pool);
	pool->origin.url = pool->origin.proxy = NULL; /* they were borrowed */
	if (*why || !open_tls(pool, why)) {
		http_pool_dispose(pool);
		return NULL;
	}
	pool_start(pool);
	return pool;
}

void http_pool_free(struct ow_http_pool *pool)
{
	if (!pool)
		return;
	for (int i = 0; i < HTTP_CALL_PLACES; i++)
		assert(pool->call_count[i] == 0);
	for (int i = 0; i < HTTP_MEMBER_STATES; i++)
		while (!list_empty(&pool->members[i]))
			http_member_close(
			    list_entry(pool->members[i].next, struct http_member, link));
	resolve_cancel(pool->query);
	event_free(pool->alarm);
	event_free(pool->later);
	pool->client->pools--;
	pool->freed = true;
	if (pool->running == 0)
		http_pool_dispose(pool);
}

bool http_pool_reachable(struct ow_http_pool *pool, const char **why)
{
	if (pool->down)
		*why = pool->why;
	return !pool->down;
}

size_t http_pool_connections(const struct ow_http_pool *pool)
{
	return pool->member_count[HTTP_MEMBER_CONNECTING] +
	       pool->member_count[HTTP_MEMBER_IDLE] + pool->member_count[HTTP_MEMBER_BUSY];
}

size_t http_pool_waiting(const struct ow_http_pool *pool)
{
	return http_pool_in_line(pool);
}

/* ---- calls ---- */

/*
 * Moves on after a change from outside the loop. Callbacks are run in the
 * loop's next turn: event_active() would do it in this one, and callers that
 * send again what fails at once would never let the turn end.
 */
static void settle_later(struct ow_http_pool *pool)
{
	static const struct timeval soon = {0};
	http_pool_pump(pool);
	if (pool->call_count[HTTP_CALL_FINISHED] > 0)
		event_add(pool->later, &soon);
}

static bool is_full(const struct ow_http_pool *pool)
{
	size_t unfinished = http_pool_in_line(pool) + pool->call_count[HTTP_CALL_SENT];
	uint64_t room =
	    (uint64_t)pool->origin.max_connections + (uint64_t)pool->origin.max_waiting;
	return unfinished >= room;
}

struct ow_http_call *http_pool_send(struct ow_http_pool *pool,
    const struct ow_http_outgoing *request, ow_http_callback *fn, void *arg)
{
	bool full = is_full(pool);
	struct ow_http_call *call = http_call_new(pool, request, fn, arg);
	const char *problem = http_outgoing_check(&call->request);
	if (problem)
		http_call_finish(
		    call, OW_HTTP_PROTOCOL, "%s: not sent: %s", pool->name, problem);
	else if (full)
		http_call_finish(call, OW_HTTP_POOL_FULL,
		    "%s: not sent: too many requests are in line", pool->name);
	else if (call->request.total_ms <= 0)
		http_call_expire(call);
	else
		http_pool_alarm(pool, call->deadline);
	settle_later(pool);
	return call;
}

bool http_call_cancel(struct ow_http_call *call)
{
	struct ow_http_pool *pool = call->pool;
	struct http_member *member = call->member;
	bool maybe_received = http_call_maybe_received(call);
	if (member) {
		http_call_detach(call);
		http_member_close(member);
	}
	http_call_free(call);
	settle_later(pool);
	return maybe_received;
}
