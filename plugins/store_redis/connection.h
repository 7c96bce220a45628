/*
 * A connection to one Redis server that opens itself and, once lost, opens
 * itself again, with growing, jittered waits. The first try begins at once and
 * requests are held for it; after that they are refused until it is there
 * again. When a connection is lost, every request on it is finished: nothing is
 * ever sent twice by itself.
 */
#ifndef STORE_REDIS_CONNECTION_H
#define STORE_REDIS_CONNECTION_H

#include "lib/backoff.h"
#include "store_redis/channel.h"
#include "store_redis/script.h"
#include "store_redis/sentinel.h"
#include "store_redis/url.h"

struct connection;

struct connection_limits {
	int64_t connect_ms, timeout_ms;
	struct backoff backoff; /* between two tries */
	int64_t health_ms;	/* idle that long, it is asked whether it lives; 0: never */
	int64_t max_queue;	/* requests without answer */
};

/* What it is made of; borrowed for its life. */
struct connection_parts {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct redis_url *url;
	struct sentinel *sentinel; /* says where it is; NULL: the url does */
	struct ow_tls *tls;	   /* NULL: plain */
	const char *client_name;   /* for CLIENT SETNAME */
	bool any_role; /* it may be a replica: that of a cluster says who has a key */
	struct connection_limits limits;
	struct script_names *names; /* learned anew each time it is opened */
	struct ow_counter *connects, *losses;
	void (*opened)(void *arg); /* it serves, again or for the first time */
	void (*lost)(void *arg);   /* it does not any more, or a try has failed */
	void *arg;
};

/* The wait before try number tries + 1: growing, jittered. */
int64_t connection_backoff(const struct connection_parts *parts, unsigned tries);

struct connection *connection_new(const struct connection_parts *parts);
/* Finishes what waits. NULL is fine. */
void connection_free(struct connection *c);

void connection_open(struct connection *c);

/*
 * Sends the commands. False: not taken, and *why says why; valid until the
 * next call. The commands are copied.
 */
bool connection_send(struct connection *c, struct request *request,
    const struct command *commands, const char **why);

/* This server cannot serve: gives it up and tries again later. Allowed in a request_fn. */
void connection_distrust(struct connection *c, const char *why);

bool connection_ready(const struct connection *c);
/* Why it is not ready: a phrase that names the server. */
const char *connection_why(const struct connection *c);
size_t connection_pending(const struct connection *c);

#endif
