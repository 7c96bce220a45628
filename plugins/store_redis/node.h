/*
 * One Redis server: its address, the connections to it, and what is known of
 * it. Commands are addressed by key, and those of one key always take the same
 * connection: a release must not overtake the claim it is meant for.
 */
#ifndef STORE_REDIS_NODE_H
#define STORE_REDIS_NODE_H

#include "store_redis/connection.h"

struct node;

struct node_parts {
	struct connection_parts connection; /* names and callbacks are the node's to fill in */
	int64_t connections;
	void (*opened)(void *arg); /* one of its connections begins to serve */
	void (*lost)(void *arg);   /* one is lost, or could not be opened */
	void *arg;
};

struct node *node_new(const struct node_parts *parts);
void node_free(struct node *n); /* finishes what waits; NULL is fine */
void node_open(struct node *n);

/* As connection_send(). hash is the key's. */
bool node_send(struct node *n, uint64_t hash, struct request *request,
    const struct command *commands, const char **why);
/* An answer on that key's connection says that the server cannot serve. */
void node_distrust(struct node *n, uint64_t hash, const char *why);

bool node_ready(const struct node *n, const char **why);
size_t node_pending(const struct node *n);
const struct redis_url *node_url(const struct node *n);
const struct script_names *node_scripts(const struct node *n);

/* Whether SET takes NX and GET together: believed until the server says it does not. */
bool node_knows_set_get(const struct node *n);
void node_lacks_set_get(struct node *n);

#endif
