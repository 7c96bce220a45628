/*
 * Option tables as they come: a plugin's entries may be longer or shorter than
 * ours. The core's own tables may have one type more.
 */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include <onceway/option.h>

#include "base/arena.h"

struct conf_node;

/*
 * const struct conf_node *: a value of any shape, which is handed over as it was
 * written, NULL when absent; whoever owns the option reads it, and complains. Its
 * `unit` says in words what it is. In the core's tables alone: plugins have OW_T_TREE.
 */
#define CONF_T_TREE 0x100

#define CONF_TREE(c, m, n, ...)                                                                \
	OW_OPTION(c, m, const struct conf_node *, CONF_T_TREE, n, __VA_ARGS__)

struct conf_table {
	const struct ow_option *options; /* NULL: no options at all */
	size_t stride;			 /* 0: sizeof(struct ow_option) */
};

/*
 * Copies entry `index` of the table into *out (zero where the table is older).
 * False at the end.
 */
bool conf_table_at(struct conf_table table, size_t index, struct ow_option *out);

/*
 * Lints a plugin's table itself: names, help, ranges, defaults that do not parse,
 * offsets outside conf_size, overlaps. Returns NULL or a complaint from arena;
 * a complaint is a bug of whoever wrote the table.
 */
const char *conf_table_lint(struct conf_table table, size_t conf_size, struct arena *arena);

#endif
