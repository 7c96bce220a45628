/* A flow and its sink: attempts, the waits between them, and when to give up. */
#ifndef ROUTE_FLOW_DELIVER_H
#define ROUTE_FLOW_DELIVER_H

#include "route/flow_state.h"

/* Starts an attempt; whatever comes of it ends in a commit, a release or another attempt. */
void flow_deliver(struct flow *f);
/* Failed for good: remembers why, then lets go of the key, or keeps it. */
void flow_give_up(struct flow *f, const struct ow_delivery *d);

#endif
