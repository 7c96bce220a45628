#include "daemon/match_leaf.h"

#include <string.h>

#include "base/text.h"
#include "conf/plain.h"
#include "daemon/match_options.h"
#include "json/number.h"

void match_count(const struct match_reading *r, const struct conf_node *node, unsigned *count,
    unsigned max, const char *what)
{
	if (++*count == max + 1)
		conf_error(r->report, node->mark,
		    "%s: there are more than %u %s in this `match`: use fewer, or several "
		    "routes",
		    r->what, max, what);
}

/* What stands at node, for "not ...". */
static const char *shown(const struct match_reading *r, const struct conf_node *node)
{
	if (node->type != CONF_SCALAR || node->is_null)
		return conf_type_name(node);
	return node->secret ? "the value given" : conf_quote(r->report, node->text);
}

/* "`prefix` must be EXPECTED, not X". Always false. */
static bool must_be(const struct match_reading *r, const struct conf_node *node,
    const char *name, const char *expected)
{
	if (!node->broken)
		conf_error(r->report, node->mark, "%s: `%s` must be %s, not %s", r->what, name,
		    expected, shown(r, node));
	return false;
}

/* ---- values ---- */

/* A header has no other values than texts, so `2` needs no quotes there. */
static void read_text_value(
    const struct match_reading *r, struct leaf *leaf, const struct conf_node *node)
{
	if (node->is_null)
		conf_error(r->report, node->mark, "%s: a value must be a text, not nothing%s",
		    r->what, r->path ? "" : ": for `is not there` write `{exists: false}`");
	else if (r->path && node->text[0] != '/')
		conf_error(r->report, node->mark, "%s: a path must begin with `/`", r->what);
	else
		leaf_add_string(leaf, node->text);
}

static void read_value(
    const struct match_reading *r, struct leaf *leaf, const struct conf_node *node)
{
	match_count(r, node, r->values, MATCH_VALUES_MAX, "values");
	if (node->broken)
		return;
	if (r->texts)
		read_text_value(r, leaf, node);
	else if (conf_is_ambiguous(node))
		conf_error(r->report, node->mark,
		    "%s: `%s` could be a text or true or false: write it in small letters, or "
		    "in quotes",
		    r->what, node->text);
	else if (conf_scalar_type(node) != OW_NODE_STRING)
		leaf_add_plain(leaf, node->is_null ? "null" : node->text);
	else
		leaf_add_string(leaf, node->text);
}

/* ---- operators ---- */

typedef bool read_fn(const struct match_reading *r, struct leaf *leaf, const char *name,
    const struct conf_node *node);

/* A text that is not empty; NULL after complaining. */
static const char *read_text(
    const struct match_reading *r, const char *name, const struct conf_node *node)
{
	if (node->type == CONF_SEQUENCE)
		conf_error(r->report, node->mark,
		    "%s: `%s` must be one text, not a list: for several write "
		    "`[{%s: ...}, {%s: ...}]`",
		    r->what, name, name, name);
	else if (node->type != CONF_SCALAR || node->is_null)
		must_be(r, node, name, "a text");
	else if (node->text[0] == '\0' && !node->broken)
		conf_error(r->report, node->mark,
		    "%s: `%s` must not be empty: any value is `{exists: true}`, an empty one "
		    "is `\"\"`",
		    r->what, name);
	else if (!node->broken)
		return node->text;
	return NULL;
}

/* Every path begins with a slash: what asks for something else could never hold. */
static bool can_begin_so(const struct match_reading *r, const char *text, bool star)
{
	return !r->path || text[0] == '/' || (star && text[0] == '*');
}

static bool add_text(const struct match_reading *r, struct leaf *leaf,
    enum leaf_operator operator, const char * name, const struct conf_node *node, bool nocase)
{
	const char *text = read_text(r, name, node);
	if (text && operator!= LEAF_SUFFIX && !can_begin_so(r, text, false))
		return must_be(r, node, name, "a text that begins with `/`, as paths do");
	if (text)
		leaf_add_text(leaf, operator, text, nocase);
	return text != NULL;
}

/* A text, or {equals-ignore-case: a text}. */
static bool read_end(const struct match_reading *r, struct leaf *leaf,
    enum leaf_operator operator, const char * name, const struct conf_node *node)
{
	const struct conf_node *nocase = conf_get(node, "equals-ignore-case");
	if (nocase && node->count == 1)
		return add_text(r, leaf, operator, "equals-ignore-case", nocase, true);
	if (node->type == CONF_MAPPING)
		return must_be(r, node, name, "a text or `{equals-ignore-case: ...}`");
	return add_text(r, leaf, operator, name, node, false);
}

static bool read_prefix(const struct match_reading *r, struct leaf *leaf, const char *name,
    const struct conf_node *node)
{
	return read_end(r, leaf, LEAF_PREFIX, name, node);
}

static bool read_suffix(const struct match_reading *r, struct leaf *leaf, const char *name,
    const struct conf_node *node)
{
	return read_end(r, leaf, LEAF_SUFFIX, name, node);
}

static bool read_equals(const struct match_reading *r, struct leaf *leaf, const char *name,
    const struct conf_node *node)
{
	return add_text(r, leaf, LEAF_EQUALS, name, node, true);
}

static bool read_wildcard(const struct match_reading *r, struct leaf *leaf, const char *name,
    const struct conf_node *node)
{
	const char *text = read_text(r, name, node);
	if (text && !can_begin_so(r, text, true))
		return must_be(r, node, name, "a text that begins with `/` or `*`");
	const char *problem = text ? leaf_add_wildcard(leaf, text) : NULL;
	if (problem)
		conf_error(r->report, node->mark, "%s: `%s` %s", r->what, name, problem);
	return text && !problem;
}

static bool read_cidr(const struct match_reading *r, struct leaf *leaf, const char *name,
    const struct conf_node *node)
{
	const char *text = read_text(r, name, node);
	if (!text)
		return false;
	return leaf_add_cidr(leaf, text) ||
	       must_be(
		   r, node, name, "a block of addresses such as 10.0.0.0/8 or 2001:db8::/32");
}

static bool read_exists(const struct match_reading *r, struct leaf *leaf, const char *name,
    const struct conf_node *node)
{
	bool plain = node->type == CONF_SCALAR && !node->quoted;
	bool yes = plain && strcmp(node->text, "true") == 0;
	if (!yes && !(plain && strcmp(node->text, "false") == 0))
		return must_be(r, node, name, "true or false, without quotes");
	if (r->path && !yes)
		return must_be(r, node, name, "true, since every request has a path");
	leaf_add_exists(leaf, yes);
	return true;
}

static const char *const comparisons[] = {"=", "<", "<=", ">", ">=", NULL};

/* An index into comparisons, which is an enum leaf_comparison; -1: none. */
static int comparison(const struct conf_node *node)
{
	for (int i = 0; comparisons[i]; i++)
		if (node->type == CONF_SCALAR && strcmp(node->text, comparisons[i]) == 0)
			return i;
	return -1;
}

static bool is_number(const struct conf_node *node)
{
	return node->type == CONF_SCALAR && !node->quoted &&
	       text_is_json_number(text_of(node->text));
}

static bool is_lower(int is)
{
	return is == LEAF_GREATER || is == LEAF_AT_LEAST;
}

static bool is_upper(int is)
{
	return is == LEAF_LESS || is == LEAF_AT_MOST;
}

/* Whether the two sides leave anything between them. */
static bool leaves_room(int is, const char *from, int upper, const char *to)
{
	int order = json_number_compare(text_of(from), text_of(to));
	return order < 0 || (order == 0 && is == LEAF_AT_LEAST && upper == LEAF_AT_MOST);
}

/* About a list as a whole. Always false. */
static bool no_range(
    const struct match_reading *r, const struct conf_node *node, const char *expected)
{
	conf_error(r->report, node->mark, "%s: `numeric` must be %s, as in %s", r->what,
	    expected, "`[\"=\", 5]` or `[\">\", 0, \"<=\", 5]`");
	return false;
}

/* [comparison, number], or two of them: a lower and an upper bound. */
static bool read_numeric(const struct match_reading *r, struct leaf *leaf, const char *name,
    const struct conf_node *node)
{
	const char *numbers[2];
	int is[2];
	size_t n = 0;
	if (node->type != CONF_SEQUENCE || (node->count != 2 && node->count != 4))
		return no_range(r, node, "a list of one or two comparisons with numbers");
	for (const struct conf_node *at = node->first; at; at = at->next->next, n++) {
		is[n] = comparison(at);
		numbers[n] = at->next->text;
		if (is[n] < 0)
			return must_be(r, at, name,
			    "one of \"=\", \"<\", \"<=\", \">\", \">=\" "
			    "before each number");
		if (!is_number(at->next))
			return must_be(r, at->next, name,
			    "a number, without quotes, behind each "
			    "comparison");
	}
	if (n == 2 && !(is_lower(is[0]) && is_upper(is[1])))
		return no_range(r, node, "a lower bound and then an upper one");
	if (n == 2 && !leaves_room(is[0], numbers[0], is[1], numbers[1]))
		return no_range(r, node, "a range with numbers in it");
	struct leaf_range *range = leaf_add_numeric(leaf);
	for (size_t i = 0; i < n; i++)
		leaf_range_add(leaf, range, (enum leaf_comparison)is[i], numbers[i]);
	return true;
}

static read_fn read_anything_but;

static const struct {
	const char *name;
	read_fn *read;
	bool negated; /* may stand in anything-but, with a text or a list of them */
} operators[] = {{"prefix", read_prefix, true}, {"suffix", read_suffix, true},
    {"equals-ignore-case", read_equals, true}, {"wildcard", read_wildcard, true},
    {"cidr", read_cidr, false}, {"exists", read_exists, false},
    {"numeric", read_numeric, false}, {"anything-but", read_anything_but, false}};
#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

/* " (did you mean `x`?)", or else ": there are x, y". negated: of those in anything-but. */
static const char *suggestion(const struct match_reading *r, const char *name, bool negated)
{
	const char *names[OPERATORS + 1], *all = "";
	size_t n = 0;
	for (size_t i = 0; i < OPERATORS; i++) {
		if (!operators[i].negated && negated)
			continue;
		all = arena_printf(
		    &r->report->arena, "%s%s %s", all, n ? "," : "", operators[i].name);
		names[n++] = operators[i].name;
	}
	names[n] = NULL;
	const char *near = conf_suggest(r->report, name, names);
	return near[0] ? near : arena_printf(&r->report->arena, ": there are%s", all);
}

static size_t find_operator(const char *name)
{
	size_t i = 0;
	while (i < OPERATORS && strcmp(operators[i].name, name) != 0)
		i++;
	return i;
}

/* The one member of a mapping; NULL after complaining. */
static const struct conf_node *only_member(
    const struct match_reading *r, const struct conf_node *node)
{
	if (node->count == 1)
		return node->first;
	if (node->count == 0)
		conf_error(r->report, node->mark,
		    "%s: an empty mapping stands where an operator should, such as "
		    "`{prefix: ...}`",
		    r->what);
	else
		conf_error(r->report, node->first->next->key_mark,
		    "%s: %s stands beside `%s`: each operator is a mapping of its own; of "
		    "several in a list one must hold",
		    r->what, conf_quote(r->report, node->first->next->key), node->first->key);
	return NULL;
}

/* anything-but: {prefix: a text, or a list of texts}. */
static bool read_negated(
    const struct match_reading *r, struct leaf *but, const struct conf_node *node)
{
	const struct conf_node *member = only_member(r, node);
	size_t i = member ? find_operator(member->key) : 0;
	if (!member)
		return false;
	if (i == OPERATORS || !operators[i].negated) {
		conf_error(r->report, member->key_mark,
		    "%s: `anything-but` cannot have %s in it%s", r->what,
		    conf_quote(r->report, member->key), suggestion(r, member->key, true));
		return false;
	}
	if (member->type != CONF_SEQUENCE)
		return operators[i].read(r, but, member->key, member);
	if (member->count == 0)
		return must_be(r, member, member->key, "a text or a list of texts");
	conf_each(member, text)
	{
		match_count(r, text, r->operators, MATCH_OPERATORS_MAX, "operators");
		operators[i].read(r, but, member->key, text);
	}
	return true;
}

static bool read_anything_but(const struct match_reading *r, struct leaf *leaf,
    const char *name, const struct conf_node *node)
{
	struct leaf *but = leaf_add_anything_but(leaf);
	if (node->type == CONF_MAPPING)
		return read_negated(r, but, node);
	if (node->type == CONF_SCALAR) {
		read_value(r, but, node);
		return true;
	}
	if (node->count == 0) {
		conf_error(r->report, node->mark,
		    "%s: `%s` must not be an empty list: any value is `{exists: true}`",
		    r->what, name);
		return false;
	}
	conf_each(node, item)
	{
		if (item->type == CONF_SCALAR)
			read_value(r, but, item);
		else
			conf_error(r->report, item->mark,
			    "%s: the list of `anything-but` must be of values, not %s: "
			    "operators "
			    "stand there without a list, as in `anything-but: {prefix: [a, "
			    "b]}`",
			    r->what, conf_type_name(item));
	}
	return true;
}

static void read_operator(
    const struct match_reading *r, struct leaf *leaf, const struct conf_node *node)
{
	const struct conf_node *member = only_member(r, node);
	if (!member)
		return;
	size_t i = find_operator(member->key);
	match_count(r, member, r->operators, MATCH_OPERATORS_MAX, "operators");
	if (i == OPERATORS)
		conf_error(r->report, member->key_mark, "%s: there is no operator %s%s",
		    r->what, conf_quote(r->report, member->key),
		    suggestion(r, member->key, false));
	else
		operators[i].read(r, leaf, member->key, member);
}

bool match_leaf_is_misplaced(const struct conf_node *field)
{
	size_t i = find_operator(field->key);
	if (i == OPERATORS)
		return false;
	bool compares =
	    field->type == CONF_SEQUENCE && field->first && comparison(field->first) >= 0;
	return field->type == CONF_SCALAR || strchr(field->key, '-') ||
	       (operators[i].read == read_numeric && compares);
}

void match_leaf_read(
    const struct match_reading *r, struct leaf *leaf, const struct conf_node *node)
{
	if (node->type == CONF_SCALAR)
		read_value(r, leaf, node);
	else if (node->type == CONF_MAPPING)
		read_operator(r, leaf, node);
	else if (node->count == 0)
		conf_error(r->report, node->mark,
		    "%s: an empty list is what no value can be: name some, or leave it out",
		    r->what);
	else
		conf_each(node, item)
		{
			if (item->type == CONF_SCALAR)
				read_value(r, leaf, item);
			else if (item->type == CONF_MAPPING)
				read_operator(r, leaf, item);
			else
				conf_error(r->report, item->mark,
				    "%s: a list cannot stand in a list: name the values one "
				    "after the other",
				    r->what);
		}
}
