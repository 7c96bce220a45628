/*
 * The route engine of one worker: takes what sources emit, finds the route,
 * and knows which keys are under way here, so that a duplicate of one waits
 * without asking the store.
 */
#ifndef ROUTE_ENGINE_H
#define ROUTE_ENGINE_H

#include "base/list.h"
#include "base/map.h"
#include "route/route.h"

/* A store that has not answered by then counts as down, whatever the deadline. */
#define STORE_LIMIT_MS 5000
/* The same once the process cannot wait any longer. */
#define ABORTED_STORE_LIMIT_MS 1000

struct engine;
struct flow;
struct spool;

/* Becomes the worker's engine. worker is borrowed. */
struct engine *engine_new(struct worker *worker);
/* No event is unsettled. Frees its routes. NULL is fine. */
void engine_free(struct engine *e);

/* Takes the route over. First match wins, in the order added. */
void engine_add_route(struct engine *e, struct route *route);

/*
 * Where events are kept on disk, for routes that want it; without it none may. Waiting ones
 * that are older than max_age_ms are given up. Borrowed.
 */
void engine_use_spool(struct engine *e, struct spool *spool, int64_t max_age_ms);
/* Stores and sinks have started: takes up what is on disk, until the engine is drained. */
void engine_resume(struct engine *e);

/* Calls drained(arg), by way of the queue, as soon as no event is unsettled. */
void engine_drain(struct engine *e, void (*drained)(void *arg), void *arg);
/* Stops waiting: every event is settled as soon as its plugin calls end, retries nothing. */
void engine_abort(struct engine *e);
bool engine_draining(const struct engine *e);
bool engine_aborting(const struct engine *e);
size_t engine_unsettled(const struct engine *e);

/* ---- for flows ---- */

struct worker *engine_worker(const struct engine *e);
struct spool *engine_spool(const struct engine *e); /* NULL: none */
int64_t engine_spool_age_ms(const struct engine *e);
/* What is on disk was put off: see resume_rest(). */
void engine_rest(struct engine *e);
struct route *engine_route(const struct engine *e, struct ow_text name); /* NULL: none */
/* How many more events the routes would take, all together. */
size_t engine_room(const struct engine *e);
/* Counts an event that no route took, under its source. */
void engine_count_unrouted(struct engine *e, const char *source);
/* The flow under whose claim this key is, or NULL. key: flow_table_key(). */
struct flow *engine_holder(const struct engine *e, struct ow_text key);
void engine_set_holder(struct engine *e, struct ow_text key, struct flow *flow);
void engine_clear_holder(struct engine *e, struct ow_text key);
/* A flow's membership in the list of unsettled ones. */
void engine_enter(struct engine *e, struct list *link);
void engine_leave(struct engine *e, struct list *link);
/* A call into a plugin that outlives its flow (a renewal) keeps the engine from being drained.
 */
void engine_hold(struct engine *e);
void engine_unhold(struct engine *e);

#endif
