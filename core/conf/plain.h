/* What a plain value means, and values of any shape for plugins, which cannot see our nodes. */
#ifndef CONF_PLAIN_H
#define CONF_PLAIN_H

#include <onceway/option.h>

#include "base/arena.h"
#include "conf/tree.h"

/* What a scalar is meant as: quotes make a text of anything. */
enum ow_node_type conf_scalar_type(const struct conf_node *scalar);
/* `True` and the like, without quotes: a text or a truth? Nobody knows. */
bool conf_is_ambiguous(const struct conf_node *scalar);

/*
 * The node as plugins see it, from arena. NULL: something in it cannot be passed on;
 * then *where is that node, and *problem says what is wrong and what to do, or is NULL
 * where somebody has complained already.
 */
const struct ow_node *conf_plain(const struct conf_node *node, struct arena *arena,
    const struct conf_node **where, const char **problem);

#endif
