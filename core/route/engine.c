#include "route/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "plugin/event.h"
#include "route/flow.h"
#include "route/resume.h"

/* A source's events that no route takes. */
struct unrouted {
	struct unrouted *next;
	const char *source;
	struct metric_cell *cell;
};

struct engine {
	struct worker *worker;
	struct unrouted *unrouted;
	struct route **routes;
	size_t route_count;
	struct map holders;    /* table key -> the flow that holds the claim here */
	struct list unsettled; /* of flows */
	size_t unsettled_count;
	size_t holds;
	bool draining, aborting;
	struct spool *spool; /* NULL: nothing is kept */
	int64_t spool_age_ms;
	struct resume *resume;	    /* with a spool */
	void (*drained)(void *arg); /* NULL unless draining */
	void *drained_arg;
	struct task drained_task;
};

/*
 * The first route that takes the event. A body that is not JSON has no fields
 * to match: then it is the first that would take it but for these, which may
 * only say, in its vendor's words, what is wrong (*unreadable).
 */
static struct route *find_route(
    const struct engine *e, const char *source, const struct ow_event *event, bool *unreadable)
{
	struct route *judge = NULL;
	*unreadable = false;
	for (size_t i = 0; i < e->route_count; i++) {
		struct route *r = e->routes[i];
		if (strcmp(r->parts.source, source) != 0)
			continue;
		enum match_answer answer =
		    r->matcher ? matcher_ask(r->matcher, event) : MATCH_YES;
		if (answer == MATCH_YES)
			return r;
		if (answer == MATCH_UNREADABLE && !judge)
			judge = r;
	}
	*unreadable = judge != NULL;
	return judge;
}

static void emit(void *engine, struct ow_instance *source, struct ow_event *event, void *cookie)
{
	struct engine *e = engine;
	bool unreadable;
	struct route *route = find_route(e, instance_name(source), event, &unreadable);
	flow_new(e, route, unreadable, event, source, cookie);
}

static bool is_idle(const struct engine *e)
{
	return e->unsettled_count == 0 && e->holds == 0;
}

static void say_drained(struct task *task)
{
	struct engine *e = list_entry(task, struct engine, drained_task);
	if (e->drained && is_idle(e)) {
		void (*drained)(void *arg) = e->drained;
		e->drained = NULL;
		drained(e->drained_arg);
	}
}

struct engine *engine_new(struct worker *worker)
{
	struct engine *e = mem_zero(sizeof(*e));
	e->worker = worker;
	list_init(&e->unsettled);
	task_init(&e->drained_task, say_drained);
	worker_set_engine(worker, emit, e);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	task_cancel(&e->drained_task);
	resume_free(e->resume);
	for (size_t i = 0; i < e->route_count; i++)
		route_free(e->routes[i]);
	free(e->routes);
	while (e->unrouted) {
		struct unrouted *next = e->unrouted->next;
		free(e->unrouted);
		e->unrouted = next;
	}
	map_free(&e->holders);
	free(e);
}

static struct unrouted *find_unrouted(const struct engine *e, const char *source)
{
	struct unrouted *u = e->unrouted;
	while (u && strcmp(u->source, source) != 0)
		u = u->next;
	return u;
}

static void add_unrouted(struct engine *e, const char *source)
{
	const struct metric_label labels[] = {{"source", text_of(source)}, {NULL, TEXT_NONE}};
	struct unrouted *u = mem_zero(sizeof(*u));
	u->source = source;
	u->cell = metrics_cell(worker_metrics(e->worker), worker_index(e->worker),
	    METRIC_COUNTER, "onceway_unrouted_total",
	    "Events that no route of their source takes.", labels);
	u->next = e->unrouted;
	e->unrouted = u;
}

void engine_count_unrouted(struct engine *e, const char *source)
{
	struct unrouted *u = find_unrouted(e, source);
	if (u)
		metric_add(u->cell, 1);
}

void engine_add_route(struct engine *e, struct route *route)
{
	if (!find_unrouted(e, route->parts.source))
		add_unrouted(e, route->parts.source);
	e->routes = mem_grow(e->routes, e->route_count + 1, sizeof(*e->routes));
	e->routes[e->route_count++] = route;
}

struct route *engine_route(const struct engine *e, struct ow_text name)
{
	for (size_t i = 0; i < e->route_count; i++)
		if (text_equal(text_of(e->routes[i]->parts.name), name))
			return e->routes[i];
	return NULL;
}

size_t engine_room(const struct engine *e)
{
	size_t room = 0;
	for (size_t i = 0; i < e->route_count; i++)
		room += route_room(e->routes[i]);
	return room;
}

/* ---- what is kept on disk ---- */

void engine_use_spool(struct engine *e, struct spool *spool, int64_t max_age_ms)
{
	e->spool = spool;
	e->spool_age_ms = max_age_ms;
	e->resume = resume_new(e);
}

struct spool *engine_spool(const struct engine *e)
{
	return e->spool;
}

int64_t engine_spool_age_ms(const struct engine *e)
{
	return e->spool_age_ms;
}

void engine_rest(struct engine *e)
{
	resume_rest(e->resume);
}

void engine_resume(struct engine *e)
{
	if (e->resume)
		resume_start(e->resume);
}

/* ---- the end ---- */

void engine_drain(struct engine *e, void (*drained)(void *arg), void *arg)
{
	e->draining = true;
	resume_stop(e->resume);
	list_each(&e->unsettled, link) flow_drain(flow_of_link(link));
	e->drained = drained;
	e->drained_arg = arg;
	worker_later(e->worker, &e->drained_task);
}

void engine_abort(struct engine *e)
{
	e->aborting = true;
	resume_stop(e->resume);
	list_each(&e->unsettled, link) flow_abort(flow_of_link(link));
	for (size_t i = 0; i < e->route_count; i++)
		copies_abort(e->routes[i]->copies);
}

bool engine_draining(const struct engine *e)
{
	return e->draining;
}

bool engine_aborting(const struct engine *e)
{
	return e->aborting;
}

size_t engine_unsettled(const struct engine *e)
{
	return e->unsettled_count;
}

struct worker *engine_worker(const struct engine *e)
{
	return e->worker;
}

struct flow *engine_holder(const struct engine *e, struct ow_text key)
{
	return map_get(&e->holders, key);
}

void engine_set_holder(struct engine *e, struct ow_text key, struct flow *flow)
{
	map_put(&e->holders, key, flow);
}

void engine_clear_holder(struct engine *e, struct ow_text key)
{
	map_remove(&e->holders, key);
}

void engine_enter(struct engine *e, struct list *link)
{
	list_append(&e->unsettled, link);
	e->unsettled_count++;
}

static void check_drained(struct engine *e)
{
	if (e->drained && is_idle(e))
		worker_later(e->worker, &e->drained_task);
}

void engine_leave(struct engine *e, struct list *link)
{
	list_remove(link);
	e->unsettled_count--;
	resume_room(e->resume);
	check_drained(e);
}

void engine_hold(struct engine *e)
{
	e->holds++;
}

void engine_unhold(struct engine *e)
{
	e->holds--;
	check_drained(e);
}
