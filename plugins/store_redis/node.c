#include "store_redis/node.h"

#include "lib/alloc.h"

struct node {
	struct node_parts parts;
	struct script_names names;
	bool lacks_set_get;
	size_t count;
	struct connection *connections[];
};

/* It may be another server than before: a newer one, or one without our scripts. */
static void on_opened(void *arg)
{
	struct node *n = arg;
	n->lacks_set_get = false;
	n->parts.opened(n->parts.arg);
}

static void on_lost(void *arg)
{
	struct node *n = arg;
	n->parts.lost(n->parts.arg);
}

struct node *node_new(const struct node_parts *parts)
{
	size_t count = (size_t)parts->connections;
	struct node *n = alloc_zero(1, sizeof(*n) + count * sizeof(n->connections[0]));
	n->parts = *parts;
	n->parts.connection.names = &n->names;
	n->parts.connection.opened = on_opened;
	n->parts.connection.lost = on_lost;
	n->parts.connection.arg = n;
	n->count = count;
	for (size_t i = 0; i < count; i++)
		n->connections[i] = connection_new(&n->parts.connection);
	return n;
}

void node_free(struct node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->count; i++)
		connection_free(n->connections[i]);
	free(n);
}

void node_open(struct node *n)
{
	for (size_t i = 0; i < n->count; i++)
		connection_open(n->connections[i]);
}

static struct connection *of_key(const struct node *n, uint64_t hash)
{
	return n->connections[(hash >> 32) % n->count];
}

bool node_send(struct node *n, uint64_t hash, struct request *request,
    const struct command *commands, const char **why)
{
	return connection_send(of_key(n, hash), request, commands, why);
}

void node_distrust(struct node *n, uint64_t hash, const char *why)
{
	connection_distrust(of_key(n, hash), why);
}

bool node_ready(const struct node *n, const char **why)
{
	for (size_t i = 0; i < n->count; i++)
		if (!connection_ready(n->connections[i])) {
			*why = connection_why(n->connections[i]);
			return false;
		}
	return true;
}

size_t node_pending(const struct node *n)
{
	size_t pending = 0;
	for (size_t i = 0; i < n->count; i++)
		pending += connection_pending(n->connections[i]);
	return pending;
}

const struct redis_url *node_url(const struct node *n)
{
	return n->parts.connection.url;
}

const struct script_names *node_scripts(const struct node *n)
{
	return &n->names;
}

bool node_knows_set_get(const struct node *n)
{
	return !n->lacks_set_get;
}

void node_lacks_set_get(struct node *n)
{
	n->lacks_set_get = true;
}
