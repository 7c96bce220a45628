/* A flow and its store: the claim, and what its answers mean. */
#ifndef ROUTE_FLOW_CLAIM_H
#define ROUTE_FLOW_CLAIM_H

#include "route/flow_state.h"

/* Asks the store for the key. From here on f is the one holder of it on this worker. */
void flow_claim(struct flow *f);
/* Waits for the one here that holds the key, or is turned away, as the route has it. */
void flow_join(struct flow *f, struct flow *holder);

/* f's key is under way here, under f, if it was not already. */
void flow_hold_key(struct flow *f);
/*
 * Delivers f, whose key is claimed or needs no claim; once it is on disk, if the route
 * wants that. Gives it up if there is no time left.
 */
void flow_go(struct flow *f);

#endif
