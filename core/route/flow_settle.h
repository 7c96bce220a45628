/* The end of a flow: its source is told, and so are the copies that waited for it. */
#ifndef ROUTE_FLOW_SETTLE_H
#define ROUTE_FLOW_SETTLE_H

#include "route/flow_state.h"

/* The end of every flow; f is gone afterwards. v's texts may point into f. */
void flow_settle(struct flow *f, const struct verdict *v);
/*
 * f no longer holds its key here, but goes on. Those that waited for it are told v;
 * NULL: the first of them asks the store itself, with the others behind it.
 */
void flow_let_go(struct flow *f, const struct verdict *v);
/* Tells f's source alone. Exactly once. */
void flow_tell(struct flow *f, const struct verdict *v);
/* As not tried: the source may send it again after that time. */
void flow_reject(struct flow *f, int status, const char *why, int64_t retry_after_ms);

#endif
