/* A route's `match`, from what a user wrote to what its workers ask. */
#ifndef DAEMON_MATCH_OPTIONS_H
#define DAEMON_MATCH_OPTIONS_H

#include "conf/tree.h"
#include "route/match.h"

/* More of these in one route are refused: each event is held against them. */
#define MATCH_FIELDS_MAX    100
#define MATCH_VALUES_MAX    1000
#define MATCH_OPERATORS_MAX 100

/* As written; NULL: not given. */
struct match_options {
	const struct conf_node *path, *headers, *event;
};

/*
 * Complains to report of all that is wrong. what is for messages: "route `crm`".
 * Returns NULL when no option is given: the route takes everything. Otherwise
 * the caller frees the result, which is to be used only if there was no error.
 */
struct match *match_options_read(
    const struct match_options *options, const char *what, struct conf_report *report);

#endif
