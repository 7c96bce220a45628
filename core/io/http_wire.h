/*
 * One outgoing connection: bytes to and from an address. Knows nothing of
 * requests and pools; whoever owns it embeds it and is told what happens.
 *
 * TLS goes into make_bufferevent() and nowhere else, see there. SIGPIPE must
 * be ignored by the process.
 */
#ifndef IO_HTTP_WIRE_H
#define IO_HTTP_WIRE_H

#include <onceway/event.h>

#include "io/address.h"

struct bufferevent;
struct evbuffer;
struct http_wire;

/* Each may close and free the wire. None is called from inside a function below. */
struct http_wire_events {
	void (*connected)(struct http_wire *wire);
	void (*refused)(struct http_wire *wire, int error); /* errno */
	void (*readable)(struct http_wire *wire, struct evbuffer *input);
	void (*lost)(struct http_wire *wire, int error); /* 0: the peer closed it */
};

struct http_wire {
	const struct http_wire_events *events;
	struct bufferevent *stream; /* NULL: closed */
	int fd;
	bool established;
	int write_error; /* nothing more can be written; an answer may still come */
	struct address peer;
};

/* Begins to connect. Returns 0, or an errno: it failed at once and is closed. */
int http_wire_open(struct http_wire *wire, struct event_base *base, const struct address *peer,
    const struct http_wire_events *events);

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
