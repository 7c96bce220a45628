/*
 * An HTTP/1.1 listener on one worker's event base: keep-alive, pipelining
 * (answers in order), chunked bodies, Expect: 100-continue, limits.
 *
 * A request is handed to its path's handler when its body is complete, and is
 * answered exactly once, at once or later (io/http_request.h). Before that the
 * listener itself answers 404 (no such path), 405 with Allow, 408, 413, 417,
 * 431 (414 when the request line alone is too long), 400, 501, 505 and 503 (too
 * many connections). All but 404 and 405 close the connection, in a way that
 * lets the client read the answer first.
 *
 * Over TLS nothing of this is different, but that a connection begins with a
 * handshake, which has header_timeout_ms from when it was accepted, and that
 * one too many is closed without a word.
 */
#ifndef IO_HTTP_SERVER_H
#define IO_HTTP_SERVER_H

#include <stdatomic.h>

#include <onceway/host.h>

#include "base/clock.h"
#include "io/http_listener.h"
#include "io/http_request.h"
#include "io/tls_server.h"

struct event_base;
struct http_server;
struct tls_context;
struct tls_store;

struct http_limits {
	int64_t max_body;	   /* bytes; beyond: 413 */
	int64_t max_headers;	   /* bytes of a head, request line included; beyond: 431 */
	int64_t header_timeout_ms; /* from a request's first byte to the end of its head; 408 */
	int64_t body_timeout_ms;   /* for each 16 KiB of a body, or what is left of it; 408 */
	int64_t idle_timeout_ms;   /* between requests, and for a peer that does not read */
	int64_t max_connections;   /* beyond: 503 and close */
	_Atomic int64_t *open;	   /* borrowed: counts the connections of all listeners that
				      share max_connections; NULL: it is this one's alone */
	int64_t max_pipelined;	   /* requests of one connection that wait for their answer */
};

/* Counters of a listener; written on its thread, read on any. */
struct http_server_stats {
	_Atomic uint64_t accepted;
	_Atomic uint64_t refused;      /* connections answered 503, being too many */
	_Atomic uint64_t requests;     /* well-formed heads, whatever became of them */
	_Atomic uint64_t bad_requests; /* refused with a status that closes, 408 included */
	_Atomic uint64_t timeouts;     /* 408, and peers that did not read their answers */
	_Atomic int64_t connections;   /* open now */
	_Atomic uint64_t tls_new, tls_resumed; /* handshakes that were completed */
	_Atomic uint64_t tls_failures[TLS_REASONS];
};

/*
 * Takes over fd, listening. base and clock are borrowed, limits are copied. It
 * accepts nothing until http_server_accept(): a request must not meet a path
 * that is only about to be served, and be told 404 for good.
 */
struct http_server *http_server_new(struct event_base *base, const struct clock *clock, int fd,
    const struct http_limits *limits);

/*
 * From now on accepted connections speak TLS. The context is taken over, the
 * store and the name, which the log speaks of, are borrowed.
 */
void http_server_use_tls(struct http_server *server, struct tls_store *store,
    struct tls_context *context, const char *name);

/* Begins to accept; connections that came earlier have waited in the backlog. */
void http_server_accept(struct http_server *server);

/*
 * Gives an exact path's requests to handler; or, if path ends with a slash and a
 * star, those of all paths that begin as it does up to the star, and that nobody
 * has exactly or with more of them. False: the path is taken.
 */
bool http_server_serve(struct http_server *server, const char *path, unsigned methods,
    ow_http_handler *handler, void *arg);

const struct http_server_stats *http_server_stats(const struct http_server *server);

/*
 * Accepts no more, closes idle connections at once and the others after their
 * answers. Requests that have arrived are still served, also those that were
 * not yet read or accepted.
 */
void http_server_drain(struct http_server *server);

/* Closes everything. Requests not yet answered stay valid until they are answered. */
void http_server_free(struct http_server *server);

#endif
