/* Option tables as they come: a plugin's entries may be longer or shorter than ours. */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include <onceway/option.h>

#include "base/arena.h"

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
 * Lints a table itself: names, help, ranges, defaults that do not parse,
 * offsets outside conf_size, overlaps. Returns NULL or a complaint from arena;
 * a complaint is a bug of whoever wrote the table.
 */
const char *conf_table_lint(struct conf_table table, size_t conf_size, struct arena *arena);

#endif
