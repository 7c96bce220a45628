/*
 * The message groups of a FIFO queue that have messages here. Of each at most
 * one request is under way, so that none of its messages overtakes another.
 */
#ifndef SINK_SQS_GROUPS_H
#define SINK_SQS_GROUPS_H

#include "lib/ring.h"

#include <onceway/plugin.h>

struct group {
	bool busy; /* some of its messages are part of a request */
	/* The rest is groups.c's. */
	size_t users;
	struct ring link;
	size_t len;
	char name[];
};

struct groups;

struct groups *groups_new(const struct ow_host *host, struct ow_instance *self);
/* Nobody uses a group. NULL is fine. */
void groups_free(struct groups *g);

/* The group of that name, for one user more. name is copied. */
struct group *groups_get(struct groups *g, struct ow_text name);
/* One user less; of the last one the group is forgotten. */
void group_put(struct group *group);

#endif
