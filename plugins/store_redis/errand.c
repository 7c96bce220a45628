#include "store_redis/errand.h"

#include <string.h>

#include "lib/alloc.h"
#include "store_redis/fault.h"
#include "store_redis/store.h"

/* Sent elsewhere that often, it is given up: more than a slot can move meanwhile. */
#define REDIRECTS_MAX 10

/* After that many it waits a little: for nodes that do not agree yet. */
#define REDIRECTS_AT_ONCE 3
#define WAIT_MS		  50

struct errands {
	struct store *store;
	struct ow_timer *timer;
	struct errand *first, **last; /* those that wait */
	struct ow_counter *counters[REDIRECT_KINDS];
};

static void on_answer(
    struct request *request, struct redisReply *const *replies, const char *why);

static bool send_to(struct errand *e, struct node *node, bool asking, const char **why)
{
	struct command *commands = &e->store->command;
	e->request.done = on_answer;
	e->request.written = false;
	e->node = node;
	e->asking = asking;
	command_clear(commands);
	/* Lets the next command through, and only that. */
	if (asking)
		command_begin(commands, "ASKING", 0);
	e->kind->write(e, commands);
	return node_send(node, e->hash, &e->request, commands, why);
}

static bool send_on(struct errand *e, const char **why)
{
	struct node *node = servers_find(e->store->servers, e->key, why);
	return node && send_to(e, node, false, why);
}

bool errand_ready(const struct errand *e)
{
	const char *why;
	const struct node *node = servers_find(e->store->servers, e->key, &why);
	return node && node_ready(node, &why);
}

bool errand_send(struct errand *e, const char **why)
{
	e->redirects = 0;
	e->request.written = false;
	return send_on(e, why);
}

bool errand_repeat(struct errand *e, const char **why)
{
	return send_to(e, e->node, e->asking, why);
}

void errand_drop(struct errand *e)
{
	e->dropped = true;
}

bool errand_may_be_done(const struct errand *e)
{
	return e->request.written;
}

/* ---- those that wait ---- */

static void wait(struct errand *e)
{
	struct errands *errands = e->store->errands;
	const struct ow_host *host = e->store->host;
	uint32_t dice;
	if (!errands->first) {
		host->random(e->store->self, &dice, sizeof(dice));
		host->timer_set(errands->timer, WAIT_MS / 2 + dice % WAIT_MS);
	}
	e->next = NULL;
	*errands->last = e;
	errands->last = &e->next;
}

static struct errand *take_all(struct errands *errands)
{
	struct errand *first = errands->first;
	errands->first = NULL;
	errands->last = &errands->first;
	return first;
}

static void on_timer(void *arg)
{
	struct errand *e = take_all(arg), *next;
	const char *why = "cancelled";
	for (; e; e = next) {
		next = e->next;
		if (e->dropped || !send_on(e, &why))
			e->kind->done(e, NULL, why);
	}
}

/* ---- going on ---- */

static struct node *node_named(struct errand *e, const struct redirect *redirect)
{
	struct servers *servers = e->store->servers;
	struct slot_place place = {redirect->host, redirect->port};
	if (redirect->kind == REDIRECT_MOVED)
		return servers_moved(servers, e->node, redirect->slot, place);
	return servers_named(servers, e->node, place);
}

/* It was sent elsewhere, and so has not been carried out. Returns NULL, or why it ends here. */
static const char *go_on(struct errand *e, const struct redirect *redirect)
{
	const char *why = "there are too many nodes to follow a redirection";
	struct node *node = NULL;
	e->request.written = false;
	e->redirects++;
	e->store->host->count(e->store->errands->counters[redirect->kind], 1);
	if (redirect->kind != REDIRECT_TRYAGAIN && !(node = node_named(e, redirect)))
		return why;
	if (e->dropped)
		return "cancelled";
	if (e->redirects > REDIRECTS_MAX)
		return "the nodes of the cluster send a key from one to the other";
	if (redirect->kind == REDIRECT_ASK)
		return send_to(e, node, true, &why) ? NULL : why;
	if (redirect->kind == REDIRECT_MOVED && e->redirects <= REDIRECTS_AT_ONCE)
		return send_to(e, node, false, &why) ? NULL : why;
	wait(e);
	return NULL;
}

/* The server itself may be what is wrong. */
static void judge(struct errand *e, struct ow_text error)
{
	char why[FAULT_TEXT_SIZE];
	enum fault fault = fault_of(error, why);
	if (fault == FAULT_CLUSTER && e->store->conf->cluster)
		servers_down(e->store->servers, why);
	else if (fault == FAULT_SERVER || fault == FAULT_CLUSTER)
		node_distrust(e->node, e->hash, why);
}

static void on_answer(
    struct request *request, struct redisReply *const *replies, const char *why)
{
	struct errand *e = STORE_OF(request, struct errand, request);
	struct redirect redirect;
	if (replies && e->asking)
		replies++;
	if (replies && replies[0]->type == REDIS_REPLY_ERROR) {
		struct ow_text error = {replies[0]->str, replies[0]->len};
		if (e->store->conf->cluster && redirect_read(error, &redirect)) {
			why = go_on(e, &redirect);
			if (!why)
				return;
			replies = NULL;
		} else {
			judge(e, error);
		}
	}
	e->kind->done(e, replies, why);
}

/* ---- life ---- */

struct errands *errands_new(struct store *s)
{
	struct errands *errands = alloc_zero(1, sizeof(*errands));
	errands->store = s;
	errands->last = &errands->first;
	errands->timer = s->host->timer_new(s->self, on_timer, errands);
	return errands;
}

void errands_count(struct errands *errands)
{
	static const char *const kinds[] = {"moved", "ask", "tryagain"};
	const struct store *s = errands->store;
	for (size_t i = 0; i < REDIRECT_KINDS; i++)
		errands->counters[i] = s->host->counter(s->self, "redis_redirects_total",
		    "Commands that a node of the cluster did not carry out, but sent elsewhere "
		    "(moved, ask) or put off (tryagain).",
		    "kind", (struct ow_text){kinds[i], strlen(kinds[i])});
}

void errands_free(struct errands *errands)
{
	if (!errands)
		return;
	for (struct errand *e = take_all(errands), *next; e; e = next) {
		next = e->next;
		e->kind->done(e, NULL, "shutting down");
	}
	errands->store->host->timer_free(errands->timer);
	free(errands);
}
