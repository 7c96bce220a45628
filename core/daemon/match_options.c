#include "daemon/match_options.h"

#include <string.h>

#include "base/text.h"
#include "daemon/match_leaf.h"
#include "io/http_head.h"

static void read_fields(
    const struct match_reading *r, struct pattern_fields *fields, const struct conf_node *node);

/* False after complaining: there is no level below this one. */
static bool has_room(const struct match_reading *r, const struct pattern_fields *fields,
    const struct conf_node *node)
{
	if (pattern_depth(fields) < PATTERN_DEPTH_MAX)
		return true;
	conf_error(r->report, node->mark, "%s: it is more than %d levels deep", r->what,
	    PATTERN_DEPTH_MAX);
	return false;
}

/* $or: [{...}, {...}] */
static void read_alternatives(
    const struct match_reading *r, struct pattern_fields *fields, const struct conf_node *node)
{
	if (node->broken || !has_room(r, fields, node))
		return;
	if (node->type != CONF_SEQUENCE || node->count < 2) {
		conf_error(r->report, node->mark,
		    "%s: `$or` must be a list of two or more mappings, one of which must match",
		    r->what);
		return;
	}
	struct pattern_group *group = pattern_add_group(fields);
	conf_each(node, item)
	{
		if (item->type == CONF_MAPPING)
			read_fields(r, pattern_add_alternative(group), item);
		else if (!item->broken)
			conf_error(r->report, item->mark,
			    "%s: `$or` must be a list of mappings, not of %s", r->what,
			    conf_type_name(item));
	}
}

static void read_field(
    const struct match_reading *r, struct pattern_fields *fields, const struct conf_node *node)
{
	match_count(r, node, r->fields, MATCH_FIELDS_MAX, "fields");
	if (match_leaf_is_misplaced(node))
		conf_error(r->report, node->key_mark,
		    "%s: `%s` is an operator: write it in a list, as in `field: [{%s: ...}]`; "
		    "for a field of this name, list its values",
		    r->what, node->key, node->key);
	else if (node->type != CONF_MAPPING)
		match_leaf_read(r, pattern_add_leaf(fields, node->key), node);
	else if (has_room(r, fields, node))
		read_fields(r, pattern_add_object(fields, node->key), node);
}

static void read_fields(
    const struct match_reading *r, struct pattern_fields *fields, const struct conf_node *node)
{
	if (!node->first)
		conf_error(r->report, node->mark,
		    "%s: an empty mapping asks for nothing: name fields, or leave it out",
		    r->what);
	conf_each(node, field)
	{
		if (strcmp(field->key, "$or") == 0)
			read_alternatives(r, fields, field);
		else
			read_field(r, fields, field);
	}
}

static bool is_header_name(const char *name)
{
	while (http_is_token(*name))
		name++;
	return *name == '\0';
}

/* Both would have to match: that is hardly meant, and two values never do. */
static void check_once(const struct match_reading *r, const struct conf_node *headers,
    const struct conf_node *header)
{
	const struct conf_node *first = headers->first;
	while (!text_equal_nocase(text_of(first->key), text_of(header->key)))
		first = first->next;
	if (first != header)
		conf_error(r->report, header->key_mark,
		    "%s: `%s` is the header `%s` (line %d) again: put what it may be into one "
		    "list",
		    r->what, header->key, first->key, first->key_mark.line);
}

static void read_headers(
    const struct match_reading *r, struct match *match, const struct conf_node *node)
{
	conf_each(node, header)
	{
		match_count(r, header, r->fields, MATCH_FIELDS_MAX, "fields");
		check_once(r, node, header);
		if (is_header_name(header->key))
			match_leaf_read(r, match_add_header(match, header->key), header);
		else
			conf_error(r->report, header->key_mark,
			    "%s: %s cannot be the name of a header", r->what,
			    conf_quote(r->report, header->key));
	}
}

/* False after complaining; true too where somebody else has. */
static bool is_mapping(const struct match_reading *r, const struct conf_node *node)
{
	if (node->type == CONF_MAPPING && node->first)
		return true;
	conf_error(r->report, node->mark, "%s must be a mapping (`name: value`), not %s",
	    r->what, node->type == CONF_MAPPING ? "an empty one" : conf_type_name(node));
	return false;
}

struct match *match_options_read(
    const struct match_options *options, const char *what, struct conf_report *report)
{
	unsigned fields = 0, values = 0, operators = 0;
	struct match_reading r = {
	    .report = report, .fields = &fields, .values = &values, .operators = &operators};
	if (!options->path && !options->headers && !options->event)
		return NULL;
	struct match *match = match_new();
	r.texts = r.path = true;
	r.what = arena_printf(&report->arena, "%s: option `match.path`", what);
	if (options->path)
		match_leaf_read(&r, match_add_path(match), options->path);
	r.path = false;
	r.what = arena_printf(&report->arena, "%s: option `match.headers`", what);
	if (options->headers && is_mapping(&r, options->headers))
		read_headers(&r, match, options->headers);
	r.texts = false;
	r.what = arena_printf(&report->arena, "%s: option `match.event`", what);
	if (options->event && is_mapping(&r, options->event))
		read_fields(&r, pattern_root(match_add_event(match)), options->event);
	return match;
}
