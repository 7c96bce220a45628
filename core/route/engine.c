#include "route/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "plugin/event.h"
#include "route/flow.h"

struct engine {
	struct worker *worker;
	struct route **routes;
	size_t route_count;
	struct map holders;    /* table key -> the flow that holds the claim here */
	struct list unsettled; /* of flows */
	size_t unsettled_count;
	size_t holds;
	bool aborting;
	void (*drained)(void *arg); /* NULL unless draining */
	void *drained_arg;
	struct task drained_task;
};

static struct route *find_route(const struct engine *e, const char *source)
{
	for (size_t i = 0; i < e->route_count; i++)
		if (strcmp(e->routes[i]->parts.source, source) == 0)
			return e->routes[i];
	return NULL;
}

static void emit(void *engine, struct ow_instance *source, struct ow_event *event, void *cookie)
{
	struct engine *e = engine;
	flow_new(e, find_route(e, instance_name(source)), event, source, cookie);
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
	for (size_t i = 0; i < e->route_count; i++)
		route_free(e->routes[i]);
	free(e->routes);
	map_free(&e->holders);
	free(e);
}

void engine_add_route(struct engine *e, struct route *route)
{
	e->routes = mem_grow(e->routes, e->route_count + 1, sizeof(*e->routes));
	e->routes[e->route_count++] = route;
}

void engine_drain(struct engine *e, void (*drained)(void *arg), void *arg)
{
	e->drained = drained;
	e->drained_arg = arg;
	worker_later(e->worker, &e->drained_task);
}

void engine_abort(struct engine *e)
{
	e->aborting = true;
	list_each(&e->unsettled, link) flow_abort(flow_of_link(link));
	for (size_t i = 0; i < e->route_count; i++)
		copies_abort(e->routes[i]->copies);
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
