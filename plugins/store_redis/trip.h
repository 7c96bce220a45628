/*
 * One command on one key, until it is answered: it is written for the server
 * that has the key, and in a cluster goes where that one sends it. A server that
 * sends it elsewhere has not carried it out; nothing else makes it go out again.
 *
 * Commands on one key keep their order: they take the same connection, and a
 * slot that moves is at its new node for all that come later.
 */
#ifndef STORE_REDIS_TRIP_H
#define STORE_REDIS_TRIP_H

#include "store_redis/node.h"
#include "store_redis/redirect.h"

struct trip;
struct trips;
struct store;

struct trip_kind {
	/* Adds the commands; in a cluster only one. May be called again, for another node. */
	void (*write)(struct trip *t, struct command *commands);
	/* As a request_fn, exactly once for each trip_send() that returned true. */
	void (*done)(struct trip *t, struct redisReply *const *replies, const char *why);
};

/* Inside what waits for the answer. */
struct trip {
	struct request request;
	const struct trip_kind *kind;
	struct store *store;
	struct ow_text key; /* borrowed until done() or trip_drop() */
	uint64_t hash;	    /* of it: store_hash() */
	struct node *node;  /* set when write() and done() are called */
	struct trip *next;
	bool asking, dropped;
	unsigned redirects;
};

/* Whether its server is there: for what can wait, and would only be in line. */
bool trip_ready(const struct trip *t);

/* False: it could not be sent, and *why says why. */
bool trip_send(struct trip *t, const char **why);
/* In done(): the same, to the same server. */
bool trip_repeat(struct trip *t, const char **why);
/* Nobody waits for it any more: not written again, but done() still comes. */
void trip_drop(struct trip *t);

/* Whether Redis may have carried it out though no answer came. */
bool trip_may_be_done(const struct trip *t);

struct trips *trips_new(struct store *s);
void trips_free(struct trips *trips); /* finishes those that wait; NULL is fine */

/* Makes the counters; for a cluster. */
void trips_count(struct trips *trips);

#endif
