#include "store_redis/discovery.h"

#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "store_redis/fault.h"

#define WHY_SIZE (FAULT_TEXT_SIZE + 440)

struct discovery {
	struct discovery_parts parts;
	struct ow_timer *timer;
	struct request request;
	struct node *asked; /* the request is on its way to it; else NULL */
	bool planned;	    /* the timer is set */
	bool again;	    /* doubted while asking */
	bool closed;
	bool known;	 /* a map has been read */
	bool tried;	 /* likewise, or all were asked in vain */
	size_t turn;	 /* which of those that serve is asked next */
	size_t next;	 /* which of all, if none serves; 0: a round is complete */
	unsigned unrest; /* answers, or rounds without any, since all was well */
	int64_t asked_ms;
	struct slot_map map;
	char why[WHY_SIZE]; /* "": all slots are served */
};

static const struct ow_host *host_of(const struct discovery *d)
{
	return d->parts.connection->host;
}

static int64_t now_of(const struct discovery *d)
{
	return host_of(d)->mono_ms(d->parts.connection->self);
}

/* Told once for each reason. */
static void set_why(struct discovery *d, const char *why)
{
	if (strcmp(d->why, why) == 0)
		return;
	snprintf(d->why, sizeof(d->why), "%s", why);
	if (*why)
		host_of(d)->log(d->parts.connection->self, OW_LOG_WARNING, "%s", d->why);
	else
		host_of(d)->log(d->parts.connection->self, OW_LOG_INFO,
		    "all slots of the cluster are served, by %zu nodes", d->map.count);
}

/* ---- when ---- */

/* At once, if not asked just now: within a round, or when all was well until now. */
static void plan(struct discovery *d)
{
	const struct connection_parts *connection = d->parts.connection;
	bool just_asked =
	    d->asked_ms >= 0 && now_of(d) - d->asked_ms < connection->limits.backoff.base_ms;
	if (d->planned || d->closed)
		return;
	bool wait = d->next == 0 && (d->unrest > 0 || just_asked);
	d->planned = true;
	host_of(d)->timer_set(d->timer, wait ? connection_backoff(connection, d->unrest) : 0);
}

void discovery_doubt(struct discovery *d)
{
	if (d->asked)
		d->again = true;
	else
		plan(d);
}

void discovery_down(struct discovery *d, const char *why)
{
	if (d->known)
		set_why(d, why);
	discovery_doubt(d);
}

/* ---- the answer ---- */

/* Answers that leave something to be desired, or none: each makes the next wait longer. */
static void ended(struct discovery *d, bool settled)
{
	if (!settled || d->again)
		plan(d);
	d->again = false;
	d->parts.answered(d->parts.arg);
}

/* Whom we asked cannot say. The others are asked before the wait gets longer. */
static void failed(struct discovery *d, const char *why)
{
	char text[WHY_SIZE];
	snprintf(text, sizeof(text), "the cluster's slots are not known yet: %s", why);
	if (!d->known)
		set_why(d, text);
	if (d->next == 0) {
		d->tried = true;
		d->unrest++;
	}
	ended(d, false);
}

/* The first slots that nobody serves; false: there are none. */
static bool find_gap(const struct discovery *d, char *text, size_t size)
{
	unsigned first = 0, last;
	while (first < SLOTS && d->map.owner[first] != SLOT_NOBODY)
		first++;
	if (first == SLOTS)
		return false;
	for (last = first; last + 1 < SLOTS && d->map.owner[last + 1] == SLOT_NOBODY;)
		last++;
	snprintf(text, size, "slots %u to %u of the cluster are served by no node%s", first,
	    last,
	    d->map.unnamed ? " with a name or address: see cluster-announce-hostname and "
			     "cluster-preferred-endpoint-type"
			   : "");
	return true;
}

/* CLUSTER INFO; whoever may not ask it hears of it when a command is refused. */
static bool is_down(const struct redisReply *info)
{
	return info->type == REDIS_REPLY_STRING && strstr(info->str, "cluster_state:fail");
}

static void judge(struct discovery *d, const struct redisReply *info)
{
	char text[WHY_SIZE];
	const char *why;
	if (find_gap(d, text, sizeof(text)))
		set_why(d, text);
	else if (is_down(info))
		set_why(d, "the Redis Cluster does not serve (cluster_state:fail)");
	else
		set_why(d, "");
	bool settled = servers_ready(d->parts.servers, &why);
	d->unrest = settled ? 0 : d->unrest + 1;
	ended(d, settled);
}

/* NULL: its answer is the map now; or why not. */
static const char *take_map(struct discovery *d, const struct node *asked,
    const struct redisReply *reply, char text[FAULT_TEXT_SIZE])
{
	if (reply->type == REDIS_REPLY_ERROR) {
		fault_of((struct ow_text){reply->str, reply->len}, text);
		return text;
	}
	const char *why = slot_map_read(reply, d->parts.max_nodes, &d->map);
	if (!why && !servers_assign(d->parts.servers, asked, &d->map))
		why = "it has too many nodes that come and go";
	return why;
}

static void on_answer(
    struct request *request, struct redisReply *const *replies, const char *why)
{
	struct discovery *d =
	    (struct discovery *)(void *)((char *)request - offsetof(struct discovery, request));
	const struct node *asked = d->asked;
	char text[FAULT_TEXT_SIZE], named[WHY_SIZE];
	d->asked = NULL;
	if (d->closed)
		return;
	if (!replies) { /* the connection has named it */
		failed(d, why);
		return;
	}
	why = take_map(d, asked, replies[0], text);
	if (why) {
		snprintf(named, sizeof(named), "%s: %s", node_url(asked)->name, why);
		failed(d, named);
		return;
	}
	d->next = 0;
	d->known = d->tried = true;
	judge(d, replies[1]);
}

/* ---- the question ---- */

/* The next of those that serve; NULL: none does. */
static struct node *ready_node(struct discovery *d)
{
	struct node *node;
	const char *why;
	size_t ready = 0, index;
	for (index = 0; (node = servers_at(d->parts.servers, index)); index++)
		ready += node_ready(node, &why);
	if (ready == 0)
		return NULL;
	size_t turn = d->turn++ % ready;
	for (index = 0; (node = servers_at(d->parts.servers, index)); index++)
		if (node_ready(node, &why) && turn-- == 0)
			return node;
	return NULL;
}

/* The next of those to begin with and of those that had slots last. */
static struct node *any_node(struct discovery *d)
{
	const struct discovery_parts *parts = &d->parts;
	const struct redis_url *url = parts->connection->url;
	size_t first = 1 + parts->seed_count, count = first;
	while (servers_at(parts->servers, count - first))
		count++;
	size_t turn = d->next % count;
	d->next = (turn + 1) % count;
	if (turn >= first)
		return servers_at(parts->servers, turn - first);
	if (turn > 0)
		url = &parts->seeds[turn - 1];
	return servers_named(parts->servers, NULL,
	    (struct slot_place){{url->host, strlen(url->host)}, url->port});
}

static void on_timer(void *arg)
{
	struct discovery *d = arg;
	struct command commands = {0};
	const char *why = "too many nodes come and go";
	struct node *node = ready_node(d);
	d->planned = false;
	d->asked_ms = now_of(d);
	if (node)
		d->next = 0; /* a round that was begun when none served is over */
	d->asked = node ? node : any_node(d);
	command_begin(&commands, "CLUSTER", 1);
	command_string(&commands, "SLOTS");
	command_begin(&commands, "CLUSTER", 1);
	command_string(&commands, "INFO");
	d->request.done = on_answer;
	if (!d->asked || !node_send(d->asked, 0, &d->request, &commands, &why)) {
		d->asked = NULL;
		failed(d, why);
	}
	command_fini(&commands);
}

/* ---- for others ---- */

bool discovery_tried(const struct discovery *d)
{
	return d->tried;
}

bool discovery_complete(const struct discovery *d)
{
	return d->known && !*d->why;
}

const char *discovery_why(const struct discovery *d)
{
	return d->why;
}

struct discovery *discovery_new(const struct discovery_parts *parts)
{
	struct discovery *d = alloc_zero(1, sizeof(*d));
	d->parts = *parts;
	d->asked_ms = -1;
	d->timer = host_of(d)->timer_new(parts->connection->self, on_timer, d);
	snprintf(d->why, sizeof(d->why), "the cluster's slots are not known yet");
	return d;
}

void discovery_close(struct discovery *d)
{
	if (!d)
		return;
	d->closed = true;
	host_of(d)->timer_set(d->timer, -1);
}

void discovery_free(struct discovery *d)
{
	if (!d)
		return;
	host_of(d)->timer_free(d->timer);
	free(d);
}
