/*
 * The inside of the HTTP client, shared by its three sources:
 *
 *   http_client.c  what the rest of the program calls
 *   http_call.c    one request, from send to callback
 *   http_pool.c    the connections, who gets them, and time
 *
 * Calls and connections are not bound to each other before one is used for
 * the other: a call takes the first connection that becomes free, be it the
 * one that was opened on its account or not.
 *
 * Only http_pool_run_finished() runs callbacks, and only the event loop's
 * entries call it, last of all. Everything else merely moves calls from place
 * to place, so nothing has to fear that a pool changes under it.
 */
#ifndef IO_HTTP_POOL_H
#define IO_HTTP_POOL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "io/http_client.h"
#include "io/http_incoming.h"
#include "io/http_proxy.h"
#include "io/http_wire.h"
#include "io/resolve.h"

struct event;
struct ow_tls;
struct tls_store;

struct http_client {
	struct event_base *base;
	const struct clock *clock;
	struct resolver *resolver;
	struct tls_store *tls; /* borrowed; NULL: there is no TLS */
	struct buf head;       /* of the request that is being sent; kept for its memory */
	size_t pools;
};

/* Each state is a list of the pool, in the order in which members came into it. */
enum http_member_state {
	HTTP_MEMBER_CONNECTING = 0,
	HTTP_MEMBER_IDLE, /* the last one is used first */
	HTTP_MEMBER_BUSY, /* has a call */
	HTTP_MEMBER_STATES
};

/* A connection of a pool. */
struct http_member {
	struct http_wire wire;
	struct ow_http_pool *pool;
	struct list link;
	enum http_member_state state;
	int64_t since;		   /* connecting: to this address; idle: idle */
	bool reused;		   /* not just opened: the peer may have closed it meanwhile */
	struct addresses trying;   /* while connecting */
	size_t next;		   /* of trying */
	struct buf failures;	   /* what became of the addresses tried */
	struct ow_http_call *call; /* when busy */
};

/* Each place is a list of the pool. */
enum http_call_place {
	HTTP_CALL_LINE = 0, /* waits for any connection */
	HTTP_CALL_AGAIN,    /* waits for a new connection: its first one had gone stale */
	HTTP_CALL_SENT,	    /* has a member */
	HTTP_CALL_FINISHED, /* waits for its callback to be run */
	HTTP_CALL_PLACES
};

struct ow_http_call {
	struct ow_http_pool *pool;
	struct list link;
	enum http_call_place place;
	struct list due; /* in pool->deadlines, unless finished */
	int64_t deadline;
	struct ow_http_outgoing request; /* what its pointers lead to is borrowed */
	ow_http_callback *fn;
	void *arg;
	struct http_member *member; /* when sent */
	struct http_incoming answer;
	bool maybe_received;  /* on earlier connections; see http_call_maybe_received() */
	enum ow_http_end end; /* when finished */
	char *why;	      /* owned; when finished, unless answered */
};

struct ow_http_pool {
	struct http_client *client;
	struct ow_http_origin origin; /* checked; its url and proxy are not used */
	struct arena arena;
	struct url url;
	bool proxied; /* through: */
	struct http_proxy proxy;
	const struct url *next; /* whom connections are made to: the origin, or the proxy */
	const char *name;	/* host:port, for messages */
	const char *note;	/* " (host)" to follow an address; empty if the host is one */
	struct ow_tls *tls;	/* owned; NULL: plain */
	struct event *alarm, *later;
	int64_t armed; /* when the alarm rings */

	struct list members[HTTP_MEMBER_STATES];
	size_t member_count[HTTP_MEMBER_STATES];
	struct list calls[HTTP_CALL_PLACES];
	size_t call_count[HTTP_CALL_PLACES];
	struct list deadlines; /* unfinished calls, soonest first */

	struct addresses addresses;
	bool literal;	     /* addresses never change */
	int64_t fresh_until; /* addresses are good until then */
	struct resolve_query *query;

	bool down;	    /* connecting failed, and has not worked since */
	char *why;	    /* owned; when down */
	int64_t probe_at;   /* when down: look whether it still is */
	bool probing;	    /* a connection is wanted though no call needs it */
	int64_t rest_until; /* open none before that while others are there */

	unsigned running; /* frames that run callbacks */
	bool freed;	  /* in one of those callbacks */
};

static inline size_t http_pool_in_line(const struct ow_http_pool *pool)
{
	return pool->call_count[HTTP_CALL_LINE] + pool->call_count[HTTP_CALL_AGAIN];
}

/* ---- http_call.c ---- */

/* A call in line; its request is still to be checked. */
struct ow_http_call *http_call_new(struct ow_http_pool *pool,
    const struct ow_http_outgoing *request, ow_http_callback *fn, void *arg);
/* Takes it out of wherever it is; it has no member. */
void http_call_free(struct ow_http_call *call);

/* From a place in line onto a connection. */
void http_call_start(struct ow_http_call *call, struct http_member *member);
/* Parts it from its connection. One of the next two must follow, or its end. */
void http_call_detach(struct ow_http_call *call);
void http_call_again(struct ow_http_call *call);
/* The callback is run later. fmt says why; NULL if answered. */
void http_call_finish(struct ow_http_call *call, enum ow_http_end end, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Its time is over. */
void http_call_expire(struct ow_http_call *call);

/*
 * True as soon as the last byte of the request may have been handed to the
 * kernel on an established connection (http_wire_sent()); what an
 * earlier connection of a repeated call saw counts too. False for all that
 * ended in line, while connecting, or with bytes certainly unsent.
 */
bool http_call_maybe_received(const struct ow_http_call *call);

/* Runs the callbacks of what is finished by now. The pool may be gone afterwards. */
void http_pool_run_finished(struct ow_http_pool *pool);

/* ---- http_client.c ---- */

/* The memory of a pool that http_pool_free() has emptied. */
void http_pool_dispose(struct ow_http_pool *pool);

/* ---- http_pool.c ---- */

/* Gives waiting calls to idle connections and opens new ones for the rest. */
void http_pool_pump(struct ow_http_pool *pool);
/* Closes a connection in any state. Its call was detached. */
void http_member_close(struct http_member *member);
/* "127.0.0.1:80" or "127.0.0.1:80 (name)": the member's peer; freed by the caller. */
char *http_member_peer(const struct http_member *member);
/* Makes sure that the alarm rings at that time, or before. */
void http_pool_alarm(struct ow_http_pool *pool, int64_t at);

#endif
