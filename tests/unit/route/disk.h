/*
 * The spool behind the rig: does what it is told to, in memory, and writes it into the story:
 *     keep a, dead a: WHY, bury 1: WHY, remove 1, defer 1 by 5000
 * Callbacks come soon, by way of the worker's queue, or when the test says so.
 */
#ifndef TESTS_UNIT_ROUTE_DISK_H
#define TESTS_UNIT_ROUTE_DISK_H

#include "spool/spool.h"

#define DISK_AGE_MS 86400000 /* older events are given up */

struct disk {
	const char *why;	/* puts and burials fail for that; NULL: they do not */
	bool holds;		/* requests wait for disk_go() */
	int64_t last_id;	/* of a row */
	unsigned taken;		/* rows that were given away */
	unsigned put_off;	/* rows that were given back */
	unsigned open;		/* requests that wait */
	char history[500];	/* of the last dead letter */
	struct spool_event put; /* the last one; its texts are gone */
};
extern struct disk disk;

void disk_start(void);
void disk_stop(void); /* nothing is open; rows that nobody took are forgotten */
/* Does what waits, and from then on without waiting. */
void disk_go(void);
/* A row that is due, with key and body of {"id":KEY}; changed by whoever wants to. */
struct spool_event disk_event(const char *key);
/* Texts are borrowed until the row is taken. Returns its id. */
int64_t disk_add(struct spool_event event);

#endif
