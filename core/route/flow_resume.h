/* A flow of an event that was on disk: under its old claim, or a new one, or past any. */
#ifndef ROUTE_FLOW_RESUME_H
#define ROUTE_FLOW_RESUME_H

#include "route/engine.h"
#include "spool/spool.h"

/* Begins it, from the worker's queue. row is copied. The route has room for it. */
void flow_resume(struct engine *engine, struct route *route, const struct spool_event *row);

/* Under its claim of an earlier life, if it had one; else, or if that is over, a new one. */
void flow_take_key(struct flow *f);
/*
 * f is on disk, and holder is not, but another process or worker has its key: it may be f
 * itself, in a life that ended. f becomes the holder; who was it, and all that wait, are
 * told that their first copy is kept.
 */
void flow_take_key_from(struct flow *f, struct flow *holder);

#endif
