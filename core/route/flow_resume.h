/* A flow of an event that was on disk: under its old claim, or a new one, or past any. */
#ifndef ROUTE_FLOW_RESUME_H
#define ROUTE_FLOW_RESUME_H

#include "route/engine.h"
#include "spool/spool.h"

/* Begins it, from the worker's queue. row is copied. The route has room for it. */
void flow_resume(struct engine *engine, struct route *route, const struct spool_event *row);

#endif
