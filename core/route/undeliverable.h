/* Dead letters: what cannot be delivered is put on disk for an operator to look at. */
#ifndef ROUTE_UNDELIVERABLE_H
#define ROUTE_UNDELIVERABLE_H

#include "route/flow_state.h"

/* v, with which f would end and which its source does not know yet, makes it a dead letter. */
bool undeliverable(const struct flow *f, const struct verdict *v);
/* Makes it one, under its claim. f then ends with f->failure, which says if that was done. */
void undeliverable_put(struct flow *f);
/*
 * f waits for the disk, in whatever way, and need not wait any longer; goes on if it was for
 * this that it waited. dead: it is a dead letter now.
 */
void undeliverable_go_on(struct flow *f, bool dead);

/* Ends f, which has no key; on disk or not. v's texts may point into f. */
void undeliverable_without_key(struct flow *f, const struct verdict *v);
/* f is on disk, its source was told, and v is its end: a dead letter, or nothing. */
void undeliverable_bury(struct flow *f, const struct verdict *v);

#endif
