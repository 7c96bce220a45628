#include "store_redis/trip.h"

#include <string.h>

#include "lib/alloc.h"
#include "store_redis/fault.h"
#include "store_redis/store.h"

/* Sent elsewhere that often, it is given up: more than a slot can move meanwhile. */
#define REDIRECTS_MAX 10

/* After that many it waits a little: for nodes that do not agree yet. */
#define REDIRECTS_AT_ONCE 3
#define WAIT_MS		  50

struct trips {
	struct store *store;
	struct ow_timer *timer;
	struct trip *first, **last; /* those that wait */
	struct ow_counter *counters[REDIRECT_KINDS];
};

static void on_answer(
    struct request *request, struct redisReply *const *replies, const char *why);

static bool send_to(struct trip *t, struct node *node, bool asking, const char **why)
{
	struct command *commands = &t->store->command;
	t->request.done = on_answer;
	t->request.written = false;
	t->node = node;
	t->asking = asking;
	command_clear(commands);
	/* Lets the next command through, and only that. */
	if (asking)
		command_begin(commands, "ASKING", 0);
	t->kind->write(t, commands);
	return node_send(node, t->hash, &t->request, commands, why);
}

static bool send_on(struct trip *t, const char **why)
{
	struct node *node = servers_find(t->store->servers, t->key, why);
	return node && send_to(t, node, false, why);
}

bool trip_ready(const struct trip *t)
{
	const char *why;
	const struct node *node = servers_find(t->store->servers, t->key, &why);
	return node && node_ready(node, &why);
}

bool trip_send(struct trip *t, const char **why)
{
	t->redirects = 0;
	t->request.written = false;
	return send_on(t, why);
}

bool trip_repeat(struct trip *t, const char **why)
{
	return send_to(t, t->node, t->asking, why);
}

void trip_drop(struct trip *t)
{
	t->dropped = true;
}

bool trip_may_be_done(const struct trip *t)
{
	return t->request.written;
}

/* ---- those that wait ---- */

static void wait(struct trip *t)
{
	struct trips *trips = t->store->trips;
	const struct ow_host *host = t->store->host;
	uint32_t dice;
	if (!trips->first) {
		host->random(t->store->self, &dice, sizeof(dice));
		host->timer_set(trips->timer, WAIT_MS / 2 + dice % WAIT_MS);
	}
	t->next = NULL;
	*trips->last = t;
	trips->last = &t->next;
}

static struct trip *take_all(struct trips *trips)
{
	struct trip *first = trips->first;
	trips->first = NULL;
	trips->last = &trips->first;
	return first;
}

static void on_timer(void *arg)
{
	struct trip *t = take_all(arg), *next;
	const char *why = "cancelled";
	for (; t; t = next) {
		next = t->next;
		if (t->dropped || !send_on(t, &why))
			t->kind->done(t, NULL, why);
	}
}

/* ---- going on ---- */

static struct node *node_named(struct trip *t, const struct redirect *redirect)
{
	struct servers *servers = t->store->servers;
	struct slot_place place = {redirect->host, redirect->port};
	if (redirect->kind == REDIRECT_MOVED)
		return servers_moved(servers, t->node, redirect->slot, place);
	return servers_named(servers, t->node, place);
}

/* It was sent elsewhere, and so has not been carried out. Returns NULL, or why it ends here. */
static const char *go_on(struct trip *t, const struct redirect *redirect)
{
	const char *why = "there are too many nodes to follow a redirection";
	struct node *node = NULL;
	t->request.written = false;
	t->redirects++;
	t->store->host->count(t->store->trips->counters[redirect->kind], 1);
	if (redirect->kind != REDIRECT_TRYAGAIN && !(node = node_named(t, redirect)))
		return why;
	if (t->dropped)
		return "cancelled";
	if (t->redirects > REDIRECTS_MAX)
		return "the nodes of the cluster send a key from one to the other";
	if (redirect->kind == REDIRECT_ASK)
		return send_to(t, node, true, &why) ? NULL : why;
	if (redirect->kind == REDIRECT_MOVED && t->redirects <= REDIRECTS_AT_ONCE)
		return send_to(t, node, false, &why) ? NULL : why;
	wait(t);
	return NULL;
}

/* The server itself may be what is wrong. */
static void judge(struct trip *t, struct ow_text error)
{
	char why[FAULT_TEXT_SIZE];
	enum fault fault = fault_of(error, why);
	bool cluster = t->store->conf->cluster.wanted;
	if (fault == FAULT_CLUSTER && cluster)
		servers_down(t->store->servers, why);
	else if (fault == FAULT_ELSEWHERE && !cluster)
		servers_lack_keys(t->store->servers, why);
	else if (fault == FAULT_SERVER || fault == FAULT_CLUSTER)
		node_distrust(t->node, t->hash, why);
}

static void on_answer(
    struct request *request, struct redisReply *const *replies, const char *why)
{
	struct trip *t = STORE_OF(request, struct trip, request);
	struct redirect redirect;
	if (replies && t->asking)
		replies++;
	if (replies && replies[0]->type == REDIS_REPLY_ERROR) {
		struct ow_text error = {replies[0]->str, replies[0]->len};
		if (t->store->conf->cluster.wanted && redirect_read(error, &redirect)) {
			why = go_on(t, &redirect);
			if (!why)
				return;
			replies = NULL;
		} else {
			judge(t, error);
		}
	}
	t->kind->done(t, replies, why);
}

/* ---- life ---- */

struct trips *trips_new(struct store *s)
{
	struct trips *trips = alloc_zero(1, sizeof(*trips));
	trips->store = s;
	trips->last = &trips->first;
	trips->timer = s->host->timer_new(s->self, on_timer, trips);
	return trips;
}

void trips_count(struct trips *trips)
{
	static const char *const kinds[] = {"moved", "ask", "tryagain"};
	const struct store *s = trips->store;
	for (size_t i = 0; i < REDIRECT_KINDS; i++)
		trips->counters[i] = s->host->counter(s->self, "redis_redirects_total",
		    "Commands that a node of the cluster did not carry out, but sent elsewhere "
		    "(moved, ask) or put off (tryagain).",
		    "kind", (struct ow_text){kinds[i], strlen(kinds[i])});
}

void trips_free(struct trips *trips)
{
	if (!trips)
		return;
	for (struct trip *t = take_all(trips), *next; t; t = next) {
		next = t->next;
		t->kind->done(t, NULL, "shutting down");
	}
	trips->store->host->timer_free(trips->timer);
	free(trips);
}
