/* A `match` as a user writes it, and whether it takes an event. */
#ifndef TESTS_UNIT_DAEMON_MATCHING_H
#define TESTS_UNIT_DAEMON_MATCHING_H

#include <stdbool.h>

#include "route/match.h"

/* What an event came with; NULL: none. headers: `Name: value` lines, ends with NULL. */
struct matched {
	const char *path, *body;
	const char *const *headers;
};

/* Between them the rest: a worker, and a source on it. */
void matching_start(void);
void matching_stop(void);

/* match: a mapping in YAML, such as `{path: /a}`. Fails the test if it is refused. */
enum match_answer matching_ask(const char *match, const struct matched *event);

/* Whether an event of that body matches the pattern, a mapping for `event:`. */
bool matching_event(const char *pattern, const char *body);

/* What is complained of a match, line by line; "" if nothing. Until the next call. */
const char *matching_complaints(const char *match);

#endif
