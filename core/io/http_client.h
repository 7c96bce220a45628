/*
 * The HTTP/1.1 client: a pool of kept-alive connections to one origin, with a
 * bounded line of waiting requests, asynchronous name resolution, and an
 * honest account of whether a request can have reached the peer.
 *
 * Callbacks come from the event loop only, never from inside a function below.
 * They may send, cancel other calls, and free the pool if no call is left. The
 * process must ignore SIGPIPE.
 */
#ifndef IO_HTTP_CLIENT_H
#define IO_HTTP_CLIENT_H

#include <onceway/host.h>

#include "base/clock.h"
#include "io/url.h"

struct event_base;
struct http_client;
struct resolver;
struct tls_store;

/* What all pools of one worker share: the resolver. */
struct http_client *http_client_new(struct event_base *base, const struct clock *clock);
void http_client_free(struct http_client *client); /* all pools are gone; NULL is fine */
/* Before any pool is made. The store is borrowed; without one https:// is refused. */
void http_client_use_tls(struct http_client *client, struct tls_store *store);

/* See struct ow_host for the contracts of these. */
struct ow_http_pool *http_pool_new(
    struct http_client *client, const struct ow_http_origin *origin, const char **why);
void http_pool_free(struct ow_http_pool *pool);
struct ow_http_call *http_pool_send(struct ow_http_pool *pool,
    const struct ow_http_outgoing *request, ow_http_callback *fn, void *arg);
bool http_call_cancel(struct ow_http_call *call);
bool http_pool_reachable(struct ow_http_pool *pool, const char **why);

/* For tests and metrics: open sockets, and calls that are not on one. */
size_t http_pool_connections(const struct ow_http_pool *pool);
size_t http_pool_waiting(const struct ow_http_pool *pool);

/*
 * For tests. A pool's own timer calls http_pool_tick(), which does what is due
 * by the clock; a test calls it after moving a manual clock. A resolver that
 * reads other files than the system's is taken over, before any pool is made.
 */
void http_pool_tick(struct ow_http_pool *pool);
void http_client_resolve_with(struct http_client *client, struct resolver *resolver);

#endif
