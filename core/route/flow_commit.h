/* The two ways to end a claim: commit and release. */
#ifndef ROUTE_FLOW_COMMIT_H
#define ROUTE_FLOW_COMMIT_H

#include "route/flow_state.h"

/* At the end there is no time for a store that hangs. */
int64_t flow_store_limit_ms(const struct flow *f);
/* Counts and logs what f's store could not do. */
void flow_store_failed(struct flow *f, const char *what);

/*
 * End the claim, and with it the flow: with f->failure if that is set, else as
 * delivered. Commit keeps the result for the window; release lets the next
 * copy be delivered.
 */
void flow_commit(struct flow *f, struct ow_result result);
void flow_release(struct flow *f);

#endif
