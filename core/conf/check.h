/*
 * Checks a mapping against an option table and writes the values into a
 * struct. Reports every unknown, duplicate, missing, mistyped and
 * out-of-range option of the mapping, not only the first.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include <onceway/option.h>

#include "conf/tree.h"

/* A table with its stride: a plugin's may be longer or shorter than ours. */
struct conf_table {
	const struct ow_option *options; /* NULL: no options at all */
	size_t stride;			 /* 0: sizeof(struct ow_option) */
};

/*
 * Copies entry `index` of the table into *out (zero where the table is older).
 * False at the end.
 */
bool conf_table_at(struct conf_table table, size_t index, struct ow_option *out);

struct conf_check {
	struct conf_table table;
	const char *what; /* for messages: "sink `crm`" */
	/* keys that are the caller's own (`plugin`), skipped here; ends with NULL; may be NULL */
	const char *const *also;
	struct arena *arena; /* strings and lists of the values are put here */
	struct conf_report *report;
};

/*
 * Fills conf (zeroed by the caller) from node. node may be NULL: all defaults.
 * at is where to point for a missing required option when node is NULL.
 * Returns true if nothing was wrong. References are recorded as texts; the
 * caller checks that they exist.
 */
bool conf_check_options(const struct conf_check *check, const struct conf_node *node,
    struct conf_mark at, void *conf);

/* The node that gave option `name` (dotted) its value, or NULL if it is the default's. */
const struct conf_node *conf_option_node(const struct conf_node *node, const char *name);

/*
 * Lints a table itself: names, help, ranges, defaults that do not parse,
 * offsets outside conf_size, overlaps. Returns NULL or a complaint from arena;
 * a complaint is a bug of whoever wrote the table.
 */
const char *conf_table_lint(struct conf_table table, size_t conf_size, struct arena *arena);

#endif
