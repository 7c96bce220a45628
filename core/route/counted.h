/*
 * Counters looked up by a text that comes from outside: bounded in number and
 * in the length of the text; what is over is counted as "other".
 */
#ifndef ROUTE_COUNTED_H
#define ROUTE_COUNTED_H

#include "base/map.h"
#include "base/metrics.h"
#include "plugin/instance.h"

/* One family, told apart by its last label. Names and values given are borrowed. */
struct counted {
	struct worker *worker;
	const char *family, *help;
	const char *owner, *owner_name; /* the first label: a route or sink */
	const char *label;		/* the last one's name */
	struct map entries;
};

/* Attempts of a sink by result. */
struct counted sink_attempts(struct ow_instance *sink);

void counted_add(struct counted *c, struct ow_text value);
void counted_fini(struct counted *c);

#endif
