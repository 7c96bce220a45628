/*
 * The best-effort copies of a route (`also`): once the main sink has accepted
 * an event, each further sink gets it in one attempt. What becomes of a copy
 * changes neither outcome nor answer; it is only counted.
 */
#ifndef ROUTE_COPIES_H
#define ROUTE_COPIES_H

#include <onceway/plugin.h>

#include "plugin/instance.h"
#include "route/counted.h"

struct copies;
struct engine;

/* One further sink. limit_ms: of its one attempt. */
struct copy_sink {
	struct ow_instance *instance;
	int64_t limit_ms;
};

/* max: copies under way, all sinks together; beyond it they are dropped. Nothing is kept. */
struct copies *copies_new(
    const char *route, const struct copy_sink *sinks, size_t count, int64_t max);
/* None is under way. NULL is fine. */
void copies_free(struct copies *c);

/* Takes a reference of the event; key is copied. A drain of the engine waits for them. */
void copies_send(
    struct copies *c, struct engine *engine, struct ow_event *event, struct ow_text key);
/* Cancels those under way, and sends no more. NULL is fine. */
void copies_abort(struct copies *c);

#endif
