/*
 * Finds out which nodes a cluster has: asks one of them for its map of slots
 * when there is a reason to doubt ours, again and again until all slots are
 * served; one question at a time, with growing, jittered waits. Nodes that
 * serve are asked in turn; if none does, those to begin with and those that had
 * slots last.
 */
#ifndef STORE_REDIS_DISCOVERY_H
#define STORE_REDIS_DISCOVERY_H

#include "store_redis/servers.h"

struct discovery;

struct discovery_parts {
	struct servers *servers;		   /* told what is found; borrowed */
	const struct connection_parts *connection; /* of every node; borrowed */
	const struct redis_url *seeds; /* nodes to begin with besides its url; borrowed */
	size_t seed_count;
	size_t max_nodes;
	void (*answered)(void *arg); /* a question has ended, well or not */
	void *arg;
};

struct discovery *discovery_new(const struct discovery_parts *parts);
void discovery_close(struct discovery *d); /* asks no more; NULL is fine */
void discovery_free(struct discovery *d);  /* the nodes are gone; NULL is fine */

/* The map may be out of date: asks, soon. */
void discovery_doubt(struct discovery *d);
/* A node says that the cluster does not serve: it does not until one says it does. */
void discovery_down(struct discovery *d, const char *why);

/* Whether it has an answer, or nobody left to ask in the first round. */
bool discovery_tried(const struct discovery *d);
/* Whether all slots were served when last asked, and nobody has said otherwise since. */
bool discovery_complete(const struct discovery *d);
/* What is wrong with the cluster; valid until the next call. */
const char *discovery_why(const struct discovery *d);

#endif
