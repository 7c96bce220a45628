/*
 * One for each message group of a FIFO queue that has messages here: at most
 * one request is in it at a time, so that no message overtakes another of its
 * group.
 */
#ifndef SINK_SQS_LANES_H
#define SINK_SQS_LANES_H

#include "lib/ring.h"

#include <onceway/plugin.h>

struct lane {
	bool busy; /* some of its messages are part of a request */
	/* The rest is lanes.c's. */
	size_t users;
	struct ring link;
	size_t len;
	char name[];
};

struct lanes;

struct lanes *lanes_new(const struct ow_host *host, struct ow_instance *self);
/* Nobody uses a lane. NULL is fine. */
void lanes_free(struct lanes *g);

/* The lane of that name, for one user more. name is copied. */
struct lane *lanes_get(struct lanes *g, struct ow_text name);
/* One user less; of the last one the lane is forgotten. */
void lane_put(struct lane *lane);

#endif
