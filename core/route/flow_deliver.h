/* A flow and its sink: attempts, the waits between them, and when to give up. */
#ifndef ROUTE_FLOW_DELIVER_H
#define ROUTE_FLOW_DELIVER_H

#include "route/flow_state.h"

#define FLOW_ANSWER_LOST "the sink's answer was lost"

/* Starts an attempt; whatever comes of it ends in a commit, a release or another attempt. */
void flow_deliver(struct flow *f);
/* Failed for good: remembers why, keeps it as a dead letter if that is wanted, then fails. */
void flow_give_up(struct flow *f, const struct ow_delivery *d);
/* Ends with f->failure: lets go of the key first, or keeps it. */
void flow_fail(struct flow *f);
/* v says that it was tried and came to nothing; not that it is to come again (503). */
bool flow_has_failed(const struct flow *f, const struct verdict *v);

#endif
