/*
 * What one field must be, for a route to take the event: one of some values, or
 * what one of some operators says. Built when the configuration is read, only
 * looked at afterwards, by all workers.
 */
#ifndef ROUTE_LEAF_H
#define ROUTE_LEAF_H

#include <stdbool.h>

#include <onceway/event.h>

#include "base/arena.h"

struct leaf;

/* A field's value, or an element of it when it is an array. */
struct scalar {
	enum ow_json_type type; /* no array, no object */
	struct ow_text text;	/* of a string its characters, of others what was received */
	bool is_text;		/* of a header or path: a number is one by how it reads */
};

enum leaf_operator {
	LEAF_PREFIX = 0,
	LEAF_SUFFIX,
	LEAF_EQUALS, /* only of use without regard to case: for others there are values */
	LEAF_WILDCARD,
	LEAF_CIDR,
	LEAF_NUMERIC,
	LEAF_ANYTHING_BUT
};

enum leaf_comparison {
	LEAF_EQUAL = 0,
	LEAF_LESS,
	LEAF_AT_MOST,
	LEAF_GREATER,
	LEAF_AT_LEAST
};

/* Both belong to the arena but for memory that leaf_fini() frees. */
struct leaf *leaf_new(struct arena *arena);
void leaf_fini(struct leaf *leaf);

/* ---- building; texts are copied ---- */

void leaf_add_string(struct leaf *leaf, const char *text);
/* A number, true, false or null, as it is written. */
void leaf_add_plain(struct leaf *leaf, const char *text);
/* exists: true or false. */
void leaf_add_exists(struct leaf *leaf, bool exists);
/* nocase: ASCII letters of either case are the same. */
void leaf_add_text(
    struct leaf *leaf, enum leaf_operator operator, const char * text, bool nocase);
/* NULL, or what is wrong with text: a static phrase. */
const char *leaf_add_wildcard(struct leaf *leaf, const char *text);
bool leaf_add_cidr(struct leaf *leaf, const char *text); /* false: it is none */
/* A number that is all of this. number: a valid JSON number. */
struct leaf_range *leaf_add_numeric(struct leaf *leaf);
void leaf_range_add(
    struct leaf *leaf, struct leaf_range *range, enum leaf_comparison is, const char *number);
/* A value that is none of what is then added to the leaf returned. */
struct leaf *leaf_add_anything_but(struct leaf *leaf);

/* ---- looking ---- */

bool leaf_matches(const struct leaf *leaf, const struct scalar *value);
/* Whether it may be missing: `exists: false` is among what it may be. */
bool leaf_matches_absent(const struct leaf *leaf);

#endif
