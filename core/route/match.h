/*
 * Which of its source's events a route takes: by path, headers and body. Built
 * when the configuration is read; a matcher is what a worker makes of it.
 */
#ifndef ROUTE_MATCH_H
#define ROUTE_MATCH_H

#include "route/pattern.h"

struct match;
struct matcher;

struct match *match_new(void);
void match_free(struct match *m); /* NULL is fine */

/* ---- building: what is not added may be anything ---- */

/* At most once. */
struct leaf *match_add_path(struct match *m);
/* One of the headers, all of which must match; of any case. */
struct leaf *match_add_header(struct match *m, const char *name);
/* At most once. */
struct pattern *match_add_event(struct match *m);

/* ---- looking ---- */

/* m and pointers, the worker's, are borrowed and outlive the matcher. */
struct matcher *matcher_new(const struct match *m, struct pointer_set *pointers);
void matcher_free(struct matcher *m); /* NULL is fine */

enum match_answer {
	MATCH_NO = 0,
	MATCH_YES,
	MATCH_UNREADABLE /* by path and headers it would, but the body is not JSON */
};

enum match_answer matcher_ask(const struct matcher *m, const struct ow_event *event);

#endif
