/*
 * One outgoing connection: bytes to and from an address. Knows nothing of
 * requests and pools; whoever owns it embeds it and is told what happens.
 *
 * Over TLS, connected means that the peer is who it should be; through a proxy,
 * that this has made a tunnel before. SIGPIPE must be
 * ignored by the process.
 */
#ifndef IO_HTTP_WIRE_H
#define IO_HTTP_WIRE_H

#include <onceway/event.h>

#include "io/address.h"

struct bufferevent;
struct evbuffer;
struct http_wire;
struct ow_tls;

/* What ended a connection; the phrase is borrowed for the call. */
struct http_wire_end {
	int error;	 /* errno; 0: the peer closed it */
	const char *why; /* what TLS says instead; NULL: nothing */
	bool cut;	 /* closed without a word of TLS: what came may be less than was sent */
	bool refused;	 /* by the peer, before it took in anything (see io/tls_client.h) */
};

/* Each may close and free the wire. None is called from inside a function below. */
struct http_wire_events {
	void (*connected)(struct http_wire *wire);
	void (*refused)(struct http_wire *wire, const struct http_wire_end *end);
	void (*readable)(struct http_wire *wire, struct evbuffer *input);
	void (*lost)(struct http_wire *wire, const struct http_wire_end *end);
};

/* The phrase for an end. */
const char *http_wire_why(const struct http_wire_end *end);

struct http_tunnel;

struct http_wire {
	const struct http_wire_events *events;
	struct bufferevent *stream; /* NULL: closed */
	struct ow_tls *tls;	    /* spoken now; borrowed; NULL: plain */
	struct http_tunnel *tunnel; /* while there is none yet; NULL */
	int fd;
	bool established;
	int write_error; /* nothing more can be written; an answer may still come */
	struct address peer;
};

/* Whereto, and how. tls: borrowed for as long as the wire is open; NULL: plain. */
struct http_wire_target {
	const struct address *peer;
	struct ow_tls *tls;
	const char *host; /* whose certificate the peer must have */
	/* Asks the peer, a proxy, for a tunnel, in which TLS is spoken; NULL: none. With host,
	 * borrowed for as long as the wire is open. */
	const char *connect;
};

/* Begins to connect. Returns 0, or an errno: it failed at once and is closed. */
int http_wire_open(struct http_wire *wire, struct event_base *base,
    const struct http_wire_target *target, const struct http_wire_events *events);

/* Closes the socket at once. Fine if it is closed. */
void http_wire_close(struct http_wire *wire);

/*
 * Sends head and body, on an established connection with nothing left to
 * send. head is copied; body is borrowed until http_wire_sent() or
 * http_wire_close().
 */
void http_wire_send(struct http_wire *wire, struct ow_text head, struct ow_text body);

/*
 * Was the last byte handed to the kernel? Only then can the peer have got the
 * whole request: bytes leave in order, each leaves our buffer when the kernel
 * takes it, and what is still there when the connection closes never leaves.
 * (Under TLS: handed to the TLS library, which is as careful, since that may
 * have passed it on.)
 */
bool http_wire_sent(const struct http_wire *wire);

/* Bytes that arrived and nobody has taken. */
bool http_wire_has_input(const struct http_wire *wire);

#endif
