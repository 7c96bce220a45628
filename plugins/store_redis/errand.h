/*
 * One command on one key, until it is answered: it is written for the server
 * that has the key, and in a cluster goes where that one sends it. A server that
 * sends it elsewhere has not carried it out; nothing else makes it go out again.
 *
 * Commands on one key keep their order: they take the same connection, and a
 * slot that moves is at its new node for all that come later.
 */
#ifndef STORE_REDIS_ERRAND_H
#define STORE_REDIS_ERRAND_H

#include "store_redis/node.h"
#include "store_redis/redirect.h"

struct errand;
struct errands;
struct store;

struct errand_kind {
	/* Adds the commands; in a cluster only one. May be called again, for another node. */
	void (*write)(struct errand *e, struct command *commands);
	/* As a request_fn, exactly once for each errand_send() that returned true. */
	void (*done)(struct errand *e, struct redisReply *const *replies, const char *why);
};

/* Inside what waits for the answer. */
struct errand {
	struct request request;
	const struct errand_kind *kind;
	struct store *store;
	struct ow_text key; /* borrowed until done() or errand_drop() */
	uint64_t hash;	    /* of it: store_hash() */
	struct node *node;  /* set when write() and done() are called */
	struct errand *next;
	bool asking, dropped;
	unsigned redirects;
};

/* Whether its server is there: for what can wait, and would only be in line. */
bool errand_ready(const struct errand *e);

/* False: it could not be sent, and *why says why. */
bool errand_send(struct errand *e, const char **why);
/* In done(): the same, to the same server. */
bool errand_repeat(struct errand *e, const char **why);
/* Nobody waits for it any more: not written again, but done() still comes. */
void errand_drop(struct errand *e);

/* Whether Redis may have carried it out though no answer came. */
bool errand_may_be_done(const struct errand *e);

struct errands *errands_new(struct store *s);
void errands_free(struct errands *errands); /* finishes those that wait; NULL is fine */

/* Makes the counters; for a cluster. */
void errands_count(struct errands *errands);

#endif
