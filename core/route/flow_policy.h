/* What a route wants done with events that are not simply new or duplicates. */
#ifndef ROUTE_FLOW_POLICY_H
#define ROUTE_FLOW_POLICY_H

#include "route/flow_state.h"

/*
 * Settles f as a duplicate, as v says; or, where its payload is another than
 * v->digest's, as on_mismatch says. v's texts may point into f.
 */
void flow_be_duplicate(struct flow *f, const struct verdict *v);
/* True if the route compares payloads and f's is not the one with that digest. */
bool flow_differs(const struct flow *f, const unsigned char *digest);

/* Its source wants it delivered, whatever the store knows of its key. */
void flow_pass_repetition(struct flow *f);
/* No key was found: on_missing, or as invalid. */
void flow_without_key(struct flow *f, int status, const char *why);
/* The store cannot take the key, and the route delivers all the same. */
void flow_pass_unclaimed(struct flow *f);
/* A dead letter is replayed past the record that its key is finished. */
void flow_deliver_again(struct flow *f);
/* A dry run meets an event under way; digest: of that one's payload, or NULL. */
void flow_observe_copy(struct flow *f, const unsigned char *digest);

#endif
