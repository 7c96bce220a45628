/*
 * The failed attempts of one event, for whoever looks at its dead letter: when, with what
 * code, and why. The newest are kept.
 */
#ifndef ROUTE_HISTORY_H
#define ROUTE_HISTORY_H

#include <stdint.h>

#include <onceway/event.h>

#define HISTORY_MAX 20

struct history;

/* text: what history_text() gave, to go on with; whatever else is as if it were empty. */
struct history *history_new(struct ow_text text);
void history_free(struct history *h); /* NULL is fine */

/* All is copied. at_ms: wall clock. */
void history_add(struct history *h, int64_t at_ms, const char *code, const char *why);
/*
 * A JSON array of {"at","code","why"}, oldest first. Borrowed until the next call; NULL is
 * fine, and gives an empty text.
 */
struct ow_text history_text(struct history *h);

#endif
