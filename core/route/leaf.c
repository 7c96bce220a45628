#include "route/leaf.h"

#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "route/cidr.h"
#include "route/wildcard.h"
#include "json/number.h"

struct leaf_range {
	struct leaf_range *next; /* the value must be that as well */
	enum leaf_comparison is;
	struct ow_text number;
};

/* One use of an operator. */
struct test {
	struct test *next;
	enum leaf_operator operator;
	bool nocase;
	struct ow_text text;
	const struct wildcard *wildcard;
	struct cidr cidr;
	struct leaf_range *range;
	struct leaf *but;
};

struct leaf {
	struct arena *arena;
	/* By hash: an event may have very many values, and so may a leaf. */
	struct map strings, plain;
	struct test *tests;
	bool present, absent;
};

struct leaf *leaf_new(struct arena *arena)
{
	struct leaf *leaf = arena_alloc(arena, sizeof(*leaf));
	leaf->arena = arena;
	return leaf;
}

void leaf_fini(struct leaf *leaf)
{
	map_free(&leaf->strings);
	map_free(&leaf->plain);
	for (struct test *t = leaf->tests; t; t = t->next)
		if (t->but)
			leaf_fini(t->but);
}

/* ---- building ---- */

static void put(struct leaf *leaf, struct map *map, const char *text)
{
	map_put(map, text_of(arena_string(leaf->arena, text)), leaf);
}

void leaf_add_string(struct leaf *leaf, const char *text)
{
	put(leaf, &leaf->strings, text);
}

void leaf_add_plain(struct leaf *leaf, const char *text)
{
	put(leaf, &leaf->plain, text);
}

void leaf_add_exists(struct leaf *leaf, bool exists)
{
	leaf->present |= exists;
	leaf->absent |= !exists;
}

static struct test *add_test(struct leaf *leaf, enum leaf_operator operator)
{
	struct test *t = arena_alloc(leaf->arena, sizeof(*t));
	t->operator= operator;
	t->next = leaf->tests;
	leaf->tests = t;
	return t;
}

void leaf_add_text(
    struct leaf *leaf, enum leaf_operator operator, const char * text, bool nocase)
{
	struct test *t = add_test(leaf, operator);
	t->text = text_of(arena_string(leaf->arena, text));
	t->nocase = nocase;
}

const char *leaf_add_wildcard(struct leaf *leaf, const char *text)
{
	const char *problem;
	const struct wildcard *w = wildcard_new(leaf->arena, text, &problem);
	if (w)
		add_test(leaf, LEAF_WILDCARD)->wildcard = w;
	return problem;
}

bool leaf_add_cidr(struct leaf *leaf, const char *text)
{
	struct cidr cidr;
	if (!cidr_parse(text, &cidr))
		return false;
	add_test(leaf, LEAF_CIDR)->cidr = cidr;
	return true;
}

struct leaf_range *leaf_add_numeric(struct leaf *leaf)
{
	struct test *t = add_test(leaf, LEAF_NUMERIC);
	t->range = arena_alloc(leaf->arena, sizeof(*t->range));
	return t->range;
}

void leaf_range_add(
    struct leaf *leaf, struct leaf_range *range, enum leaf_comparison is, const char *number)
{
	if (range->number.data) {
		struct leaf_range *also = arena_alloc(leaf->arena, sizeof(*also));
		range->next = also;
		range = also;
	}
	range->is = is;
	range->number = text_of(arena_string(leaf->arena, number));
}

struct leaf *leaf_add_anything_but(struct leaf *leaf)
{
	struct test *t = add_test(leaf, LEAF_ANYTHING_BUT);
	t->but = leaf_new(leaf->arena);
	return t->but;
}

/* ---- looking ---- */

static bool begins(const struct test *t, struct ow_text value)
{
	return t->nocase ? text_begins_with_nocase(value, t->text)
			 : text_begins_with(value, t->text);
}

static bool ends(const struct test *t, struct ow_text value)
{
	return t->nocase ? text_ends_with_nocase(value, t->text)
			 : text_ends_with(value, t->text);
}

static bool equals(const struct test *t, struct ow_text value)
{
	return t->nocase ? text_equal_nocase(value, t->text) : text_equal(value, t->text);
}

static bool is_number(const struct scalar *value)
{
	return value->type == OW_JSON_INTEGER || value->type == OW_JSON_REAL ||
	       (value->is_text && text_is_json_number(value->text));
}

static bool compares(enum leaf_comparison is, int with)
{
	switch (is) {
	case LEAF_EQUAL:
		return with == 0;
	case LEAF_LESS:
		return with < 0;
	case LEAF_AT_MOST:
		return with <= 0;
	case LEAF_GREATER:
		return with > 0;
	case LEAF_AT_LEAST:
		return with >= 0;
	}
	return false;
}

static bool in_range(const struct leaf_range *range, const struct scalar *value)
{
	if (!is_number(value))
		return false;
	for (; range; range = range->next)
		if (!compares(range->is, json_number_compare(value->text, range->number)))
			return false;
	return true;
}

static bool test_holds(const struct test *t, const struct scalar *value)
{
	bool string = value->type == OW_JSON_STRING;
	switch (t->operator) {
	case LEAF_PREFIX:
		return string && begins(t, value->text);
	case LEAF_SUFFIX:
		return string && ends(t, value->text);
	case LEAF_EQUALS:
		return string && equals(t, value->text);
	case LEAF_WILDCARD:
		return string && wildcard_matches(t->wildcard, value->text);
	case LEAF_CIDR:
		return string && cidr_contains(&t->cidr, value->text);
	case LEAF_NUMERIC:
		return in_range(t->range, value);
	case LEAF_ANYTHING_BUT:
		return !leaf_matches(t->but, value);
	}
	return false;
}

/* Recursion ends with the leaf inside anything-but: there is none in that. */
bool leaf_matches(const struct leaf *leaf, const struct scalar *value)
{
	const struct map *values =
	    value->type == OW_JSON_STRING ? &leaf->strings : &leaf->plain;
	if (leaf->present || map_get(values, value->text))
		return true;
	for (const struct test *t = leaf->tests; t; t = t->next)
		if (test_holds(t, value))
			return true;
	return false;
}

bool leaf_matches_absent(const struct leaf *leaf)
{
	return leaf->absent;
}
