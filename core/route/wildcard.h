/*
 * Texts with `*`, which stands for any run of characters, none included. `\*`
 * and `\\` stand for themselves. Matching goes through the text once: however
 * many stars there are, it never tries again from an earlier place.
 */
#ifndef ROUTE_WILDCARD_H
#define ROUTE_WILDCARD_H

#include <stdbool.h>

#include <onceway/event.h>

#include "base/arena.h"

struct wildcard;

/*
 * Compiles text; what comes of it belongs to arena. NULL with *problem, a static
 * phrase that says what to write.
 */
const struct wildcard *wildcard_new(
    struct arena *arena, const char *text, const char **problem);
bool wildcard_matches(const struct wildcard *w, struct ow_text text);

#endif
