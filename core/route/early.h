/*
 * Events of a route whose source is answered before the outcome is known
 * (`answer_within`). All have the same time, so they stand in one line, in which the first
 * is due first, and one timer does for all of them.
 */
#ifndef ROUTE_EARLY_H
#define ROUTE_EARLY_H

#include <stdint.h>

#include "base/list.h"

struct early;
struct worker;

/* An event's place in the line; embedded in what is called. */
struct early_place {
	struct list link;
	int64_t due_us; /* monotonic */
	void (*due)(struct early_place *place);
};

/* within_ms: from an event's arrival to its answer. worker is borrowed. */
struct early *early_new(struct worker *worker, int64_t within_ms);
void early_free(struct early *e); /* nobody is in line; NULL is fine */

void early_place_init(struct early_place *place);
/* Calls due(place) when its time is over, unless it has left by then. */
void early_enter(struct early *e, struct early_place *place, int64_t arrived_us,
    void (*due)(struct early_place *place));
void early_leave(struct early_place *place); /* it need not be in line */

#endif
