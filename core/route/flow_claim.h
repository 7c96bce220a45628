/* A flow and its store: the claim, and what its answers mean. */
#ifndef ROUTE_FLOW_CLAIM_H
#define ROUTE_FLOW_CLAIM_H

#include "route/flow_state.h"

/* Asks the store for the key. From here on f is the one holder of it on this worker. */
void flow_claim(struct flow *f);
/* Waits for the one here that holds the key, or is turned away, as the route has it. */
void flow_join(struct flow *f, struct flow *holder);

#endif
