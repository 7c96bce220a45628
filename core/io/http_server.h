/*
 * An HTTP/1.1 listener on one worker's event base: keep-alive, pipelining
 * (answers in order), chunked bodies, Expect: 100-continue, limits.
 *
 * A request is handed to its path's handler when its body is complete, and is
 * answered exactly once, at once or later. Before that the listener itself
 * answers 404 (no such path), 405 with Allow, 408, 413, 417, 431, 400 and 503
 * (too many connections).
 */
#ifndef IO_HTTP_SERVER_H
#define IO_HTTP_SERVER_H

#include <onceway/host.h>

#include "base/clock.h"
#include "io/http_head.h"

struct event_base;
struct http_server;

struct http_limits {
	int64_t max_body;	   /* bytes; beyond: 413 */
	int64_t max_headers;	   /* bytes of a head, request line included; beyond: 431 */
	int64_t header_timeout_ms; /* from a request's first byte to the end of its head; 408 */
	int64_t body_timeout_ms;   /* without any progress of the body; 408 */
	int64_t idle_timeout_ms;   /* between requests, and for a peer that does not read */
	int64_t max_connections;   /* beyond: 503 and close */
	int64_t max_pipelined;	   /* requests of one connection that wait for their answer */
};

/* Counters of a listener; written on its thread, read on any. */
struct http_server_stats {
	_Atomic uint64_t accepted, refused, requests, bad_requests, timeouts;
	_Atomic int64_t connections;
};

/*
 * Opens a listening socket: host:port, or [v6]:port; port 0 picks one.
 * reuse_port lets each worker have its own. Returns a non-blocking fd, or -1
 * with a phrase in why (256 bytes).
 */
int http_listen_socket(const char *address, bool reuse_port, char *why);
/* The port a socket is bound to. */
int http_socket_port(int fd);

/* Takes over fd, listening, and its limits. clock is borrowed. */
struct http_server *http_server_new(struct event_base *base, const struct clock *clock, int fd,
    const struct http_limits *limits);

/* Gives a path's requests to handler. False: the path is taken. */
bool http_server_serve(struct http_server *server, const char *path, unsigned methods,
    ow_http_handler *handler, void *arg);

const struct http_server_stats *http_server_stats(const struct http_server *server);

/*
 * Accepts no more, closes idle connections at once and the others after their
 * answers. Requests already being received are still served.
 */
void http_server_drain(struct http_server *server);

/* Closes everything. Requests not yet answered stay valid until they are answered. */
void http_server_free(struct http_server *server);

/* ---- a request, between its handler and its answer ---- */

const struct http_head *http_request_head(const struct ow_http_request *request);
struct ow_text http_request_body(const struct ow_http_request *request);
/* "203.0.113.7:51324"; borrowed. */
const char *http_request_peer(const struct ow_http_request *request);
/*
 * Gives away the head, with the block its texts point into, and the body. The
 * caller frees: http_head_fini(), free(block), free(body). The request has
 * neither afterwards.
 */
void http_request_take(struct ow_http_request *request, struct http_head *head, char **block,
    char **body, size_t *body_len);

/* Extra fields for the answer, `Name: value\r\n` each; may be NULL. */
struct http_answer {
	int status;
	struct ow_text content_type; /* len 0: none */
	struct ow_text body;
	int64_t retry_after_ms; /* > 0: Retry-After, rounded up to whole seconds */
	const char *extra;
	bool close; /* close the connection after it */
};
/* Ends the request: the handle is invalid afterwards. */
void http_request_answer(struct ow_http_request *request, const struct http_answer *answer);

#endif
