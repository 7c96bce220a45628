/*
 * Looks through the keys that live in Redis under sweep_prefixes, by SCAN and a
 * page at a time, so that nobody else waits; in a cluster node by node. Who looks
 * asks for each page when it is done with the one before. As SCAN has it: what is
 * there all the time is shown at least once, and may be shown twice; but what
 * moves from one node to another meanwhile may be missed.
 */
#ifndef STORE_REDIS_SCAN_H
#define STORE_REDIS_SCAN_H

#include "store_redis/store.h"

/* Inside who looks; no copy of it is made. */
struct scan {
	/* Keys of one page: strings, borrowed until it returns. May be none. May call
	 * scan_next(). */
	void (*page)(struct scan *scan, struct redisReply *const *keys, size_t count);
	/* Once, at the end; why: NULL, or why it ended early: a phrase, borrowed. */
	void (*end)(struct scan *scan, const char *why);

	/* its own */
	struct store *store;
	struct request request;
	bool asked, stopped;
	size_t server, prefix; /* which of them is looked through */
	unsigned generation;   /* of the servers, when it began */
	char cursor[24];
};

/* page and end are set. */
void scan_init(struct scan *scan, struct store *s);

/* Whether an answer is still to come: it must not begin anew, nor go away but with the nodes.
 */
bool scan_asked(const struct scan *scan);

/* Begins with the first page. Not while scan_asked(). */
void scan_begin(struct scan *scan);
void scan_next(struct scan *scan);
/* Shows and ends nothing any more, until it begins anew. */
void scan_stop(struct scan *scan);

#endif
