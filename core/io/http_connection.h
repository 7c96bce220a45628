/*
 * One accepted connection of a listener. Private to the listener's sources:
 *
 *   http_server.c      accepts connections, owns what they share
 *   http_connection.c  a connection's life: reading on and off, sending, time
 *                      limits, the ways to end
 *   http_receive.c     turns its bytes into requests, refuses what is none
 *   http_request.c     the handles that handlers get
 *
 * Requests of one connection stand in a queue from their handler's call until
 * their answer was given to the socket, so that answers leave in order. While
 * bytes are worked on, answers are only queued, and are sent together when the
 * work is done; an answer that comes later is sent at once.
 */
#ifndef IO_HTTP_CONNECTION_H
#define IO_HTTP_CONNECTION_H

#include "base/map.h"
#include "io/address.h"
#include "io/http_body.h"
#include "io/http_request.h"
#include "io/http_server.h"
#include "io/wait.h"

struct bufferevent;
struct evbuffer;
struct event;

enum {
	WAIT_IDLE = 0, /* between requests: closed silently */
	WAIT_HEAD,     /* from a request's first byte: 408; a TLS handshake: closed */
	WAIT_BODY,     /* since the last 16 KiB of a body: 408 */
	WAIT_STALL,    /* the peer does not read what we send: closed silently */
	WAIT_LINGER,   /* the peer does not close after our last answer: closed silently */
	WAITS
};

struct http_path {
	struct http_path *next; /* of those for all paths below one, the longest first */
	struct ow_text name;	/* owned */
	char *allow;		/* field of a 405 */
	unsigned methods;
	ow_http_handler *handler;
	void *arg;
};

struct http_server {
	struct event_base *base;   /* borrowed */
	const struct clock *clock; /* borrowed */
	struct http_limits limits;
	struct http_server_stats stats;
	_Atomic int64_t *open, own_open; /* connections that count for max_connections */
	int fd;
	struct event *acceptable;   /* NULL: accepts no more */
	struct event *accept_again; /* after running out of file descriptors */
	struct map paths;	    /* of struct http_path */
	struct http_path *below;    /* those that end with a star */
	struct list connections;
	struct list resumed; /* connections that may read on, at the loop's next turn */
	struct event *resume;
	struct wait_queue waits[WAITS];
	struct wait_timer timer;
	struct http_common_fields common;
	struct tls_store *tls_store; /* borrowed */
	struct tls_context *tls;     /* owned; NULL: plain */
	const char *name;	     /* with tls: whom the log speaks of; borrowed */
	bool draining;
};

/* Who takes a path's requests; NULL: nobody. */
const struct http_path *http_server_path(const struct http_server *s, struct ow_text path);

enum connection_state {
	CONNECTION_HEAD = 0, /* between requests, or receiving a head */
	CONNECTION_BODY,     /* receiving the body of `current` */
	CONNECTION_SKIP,     /* receiving the body of a refused request, to drop it */
	CONNECTION_LAST,     /* takes no more requests; some are not answered yet */
	CONNECTION_ENDING, /* the last answer was given to the socket, which is still sending */
	CONNECTION_LINGER, /* sent; reads what still comes, so that closing destroys nothing */
	CONNECTION_CLOSED, /* only there for its unanswered requests */
};

struct http_connection {
	struct http_server *server; /* NULL when closed */
	struct list link;	    /* of server->connections */
	struct list resume_link;    /* of server->resumed */
	struct bufferevent *stream; /* NULL when closed */
	int fd;			    /* the stream's */
	unsigned refs;		    /* itself while open, each request, work being done */
	enum connection_state state;
	bool tls;
	bool handshaking;     /* TLS is being agreed on */
	bool working;	      /* answers are only queued */
	bool blocked;	      /* too much is unanswered or unsent to take another request */
	bool reading;	      /* the stream is enabled for it */
	bool ended;	      /* the peer sends no more */
	bool owes_continue;   /* `100 Continue` is to be sent when no answer stands before it */
	bool advanced;	      /* a request came further: its time limit begins anew */
	size_t progress;      /* bytes of a body since its wait began anew */
	struct list requests; /* of struct ow_http_request, in order */
	size_t queued;	      /* how many */
	struct ow_http_request *current;
	const struct http_path *usual; /* path of the last request; the next one's, mostly */
	struct http_body body;	       /* of current, or of the refused request */
	size_t seen;		       /* bytes of the input in which no head's end was found */
	size_t skipped;		       /* bytes of empty lines before a request */
	size_t lingered;	       /* bytes read and dropped in LINGER */
	uint64_t given;		 /* bytes ever given to the socket or the stream to send */
	uint64_t delivered_mark; /* at the peer's when the STALL wait began */
	struct wait read_wait, write_wait;
	char peer[ADDRESS_TEXT_SIZE];
};

struct ow_http_request {
	struct http_connection *connection; /* a counted reference */
	struct list link;		    /* of connection->requests, once queued */
	const struct http_path *path;	    /* until its handler is called */
	struct http_head head;
	char *block; /* head's texts point into it */
	struct buf body;
	struct buf answer; /* bytes to send */
	int minor;
	bool head_only; /* method HEAD */
	bool answered;
	bool close; /* nothing is sent after its answer */
};

static inline void http_count(_Atomic uint64_t *counter)
{
	/* Only the listener's thread writes: no need for an atomic addition. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

/* ---- http_connection.c ---- */

/* Takes over fd. */
void http_connection_new(struct http_server *server, int fd, const struct address *peer);
/* At once, whatever is unsent. Requests not yet answered stay valid. */
void http_connection_close(struct http_connection *c);
void http_connection_unref(struct http_connection *c);

/* Takes as many requests as there are in the input. */
void http_connection_work(struct http_connection *c);
/*
 * Brings everything in line with the connection's state: sends answers whose
 * turn it is, starts and stops reading and time limits, ends it.
 */
void http_connection_settle(struct http_connection *c);
/* State LAST: drops the request being received and what else was. */
void http_connection_stop(struct http_connection *c);
/* False: too much is unanswered or unsent. */
bool http_connection_may_take(const struct http_connection *c);
struct evbuffer *http_connection_input(const struct http_connection *c);

/* Fills in limits and what happens at them. */
void http_connection_waits(const struct http_limits *limits, struct wait_queue waits[WAITS]);

/* ---- http_request.c ---- */

struct ow_http_request *http_request_new(struct http_connection *c);
void http_request_free(struct ow_http_request *request);
/* Its place in the order of answers. */
void http_request_queue(struct ow_http_request *request);

#endif
