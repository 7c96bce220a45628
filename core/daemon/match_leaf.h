/* What one field, header or path must be: values and operators as written. */
#ifndef DAEMON_MATCH_LEAF_H
#define DAEMON_MATCH_LEAF_H

#include "conf/tree.h"
#include "route/leaf.h"

/* One option that is being read. */
struct match_reading {
	struct conf_report *report;
	const char *what; /* "route `crm`: option `match.event`" */
	bool texts;	  /* of a path or header: every value is a text, as it is written */
	bool path;	  /* of the path: it begins with a slash */
	unsigned *fields, *values, *operators; /* of all options together */
};

/* A value, a list of values and operators, or (of texts) an operator. */
void match_leaf_read(
    const struct match_reading *r, struct leaf *leaf, const struct conf_node *node);

/* True if a field of that name and value is rather an operator that lacks its list. */
bool match_leaf_is_misplaced(const struct conf_node *field);

/* Counts one more of something; complains at the one that is too many. */
void match_count(const struct match_reading *r, const struct conf_node *node, unsigned *count,
    unsigned max, const char *what);

#endif
