/* A flow: one event's way through its route, from emit() to settle(). */
#ifndef ROUTE_FLOW_H
#define ROUTE_FLOW_H

#include "route/engine.h"

/*
 * Takes over the event. route NULL: no route takes it. unreadable: nor does this
 * one, which only says what is wrong with the body. The flow begins from the
 * worker's queue, so nothing is settled before emit() has returned.
 */
void flow_new(struct engine *engine, struct route *route, bool unreadable,
    struct ow_event *event, struct ow_instance *source, void *cookie);

/* The process cannot wait any longer: settle soon, as not tried. */
void flow_abort(struct flow *f);

/* Nothing is taken in any more: what is safe on disk and only waits does not go on. */
void flow_drain(struct flow *f);

struct flow *flow_of_link(struct list *link);

#endif
