/*
 * Keeps a claim alive while its delivery lasts: renews it each third of its
 * life. Not even made when the deadline ends long before the claim does, which
 * is the usual case and costs nothing.
 */
#ifndef ROUTE_LEASE_H
#define ROUTE_LEASE_H

#include "route/engine.h"

struct lease;

/*
 * For a claim just taken. claim is copied with its key and token: a renewal
 * under way may outlive the flow. NULL: no renewal will be needed before
 * deadline_us.
 */
struct lease *lease_new(struct engine *engine, const struct route_store *store,
    const struct ow_claim *claim, int64_t deadline_us);
/*
 * The commit is under way: a renewal that finds the claim gone need not tell,
 * for the commit's own answer does.
 */
void lease_committing(struct lease *l); /* NULL is fine */
/* Renews no more. A renewal under way is waited for behind the scenes. NULL is fine. */
void lease_free(struct lease *l);

#endif
