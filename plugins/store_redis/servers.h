/*
 * The servers of a store: one; or those of a cluster, as they come and go, and
 * which of them has which slots. A node is made when somebody names it, and
 * closed when it has had no slots and nothing to do for a while.
 */
#ifndef STORE_REDIS_SERVERS_H
#define STORE_REDIS_SERVERS_H

#include "store_redis/node.h"
#include "store_redis/slot_map.h"

struct servers;

struct servers_parts {
	/* What each node is made of. The url: the one server, or a cluster's node to begin
	 * with.
	 */
	struct node_parts node;
	bool cluster;
	const struct redis_url *seeds; /* more nodes to begin with; borrowed */
	size_t seed_count;
	size_t max_nodes;	   /* with slots */
	struct ow_counter *gauge;  /* of them; NULL: not shown */
	void (*tried)(void *arg);  /* called once: all were tried once, however it ended */
	void (*opened)(void *arg); /* one of them begins to serve */
	void (*lost)(void *arg);   /* one of them is lost, or a try has failed */
	void *arg;
};

struct servers *servers_new(const struct servers_parts *parts);
void servers_free(struct servers *s); /* finishes what waits; NULL is fine */
void servers_open(struct servers *s);

/* The node that has the key; NULL: *why says why not, until the next call. */
struct node *servers_find(struct servers *s, struct ow_text key, const char **why);

/* The nodes that have keys, from 0; NULL: no more. */
struct node *servers_at(const struct servers *s, size_t index);
/* Changes whenever these do. */
unsigned servers_generation(const struct servers *s);

bool servers_ready(struct servers *s, const char **why);
size_t servers_pending(const struct servers *s);

/* ---- what its nodes say about a cluster ---- */

/* The node at that place; host "": the same as from's. NULL: there are too many. */
struct node *servers_named(struct servers *s, const struct node *from, struct slot_place place);
/* The slot is there now, as from said. Others may have moved too: the map is asked for. */
struct node *servers_moved(
    struct servers *s, const struct node *from, unsigned slot, struct slot_place place);
/* A node says that the cluster does not serve. */
void servers_down(struct servers *s, const char *why);
/* The whole map, as from answered. What it leaves out stays as it is. False: too many nodes. */
bool servers_assign(struct servers *s, const struct node *from, const struct slot_map *map);

#endif
