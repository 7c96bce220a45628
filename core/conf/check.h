/*
 * Checks a mapping against an option table and writes the values into a
 * struct. Reports every unknown, missing, mistyped and out-of-range option of
 * the mapping, not only the first.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/table.h"
#include "conf/tree.h"

struct conf_check {
	struct conf_table table;
	const char *what; /* for messages: "sink `crm`" */
	/* keys that are the caller's own (`plugin`), skipped here; ends with NULL; may be NULL
	 */
	const char *const *also;
	struct arena *arena; /* strings and lists of the values are put here */
	struct conf_report *report;
};

/*
 * Fills conf (zeroed by the caller) from node. node may be NULL or null: all
 * defaults. at is where to point for a missing required option when node is
 * NULL; otherwise it is the key that node is the value of. Returns true if
 * nothing was wrong. References are recorded as texts; the caller checks that
 * they exist.
 */
bool conf_check_options(const struct conf_check *check, const struct conf_node *node,
    struct conf_mark at, void *conf);

/*
 * The node that gave option `name` (dotted) its value, or NULL if it is the default's. A
 * JSON pointer behind the name leads into the value: "pool.hosts/0"; as far as it goes.
 */
const struct conf_node *conf_option_node(const struct conf_node *node, const char *name);

#endif
