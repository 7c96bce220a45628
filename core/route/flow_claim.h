/* A flow and its store: the claim, and the two ways to end it. */
#ifndef ROUTE_FLOW_CLAIM_H
#define ROUTE_FLOW_CLAIM_H

#include "route/flow_state.h"

/* Asks the store for the key. From here on f is the one holder of it on this worker. */
void flow_claim(struct flow *f);
/*
 * End the claim, and with it the flow: with f->failure if that is set, else as
 * delivered. Commit keeps the result for the window; release lets the next
 * copy be delivered.
 */
void flow_commit(struct flow *f, struct ow_result result);
void flow_release(struct flow *f);
/* Waits for the one here that holds the key, or is turned away, as the route has it. */
void flow_join(struct flow *f, struct flow *holder);

#endif
