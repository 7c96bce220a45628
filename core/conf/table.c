#include "conf/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "conf/value.h"

bool conf_table_at(struct conf_table table, size_t index, struct ow_option *out)
{
	size_t stride = table.stride ? table.stride : sizeof(*out);
	memset(out, 0, sizeof(*out));
	if (!table.options)
		return false;
	memcpy(out, (const char *)table.options + index * stride,
	    stride < sizeof(*out) ? stride : sizeof(*out));
	return out->name != NULL;
}

/* ---- Lint ---- */

/* Parts of [a-z][a-z0-9_]*, with dots between them. */
static bool is_name(const char *name)
{
	for (bool begins = true; *name; name++) {
		bool letter = *name >= 'a' && *name <= 'z';
		bool inner = (*name >= '0' && *name <= '9') || *name == '_';
		bool dot = *name == '.' && name[1] != '\0';
		if (begins ? !letter : !letter && !inner && !dot)
			return false;
		begins = *name == '.';
	}
	return true;
}

static const char *lint_name(const struct ow_option *o)
{
	return o->name[0] && is_name(o->name) ? NULL
					      : "its name must be of the form [a-z][a-z0-9_]*";
}

/* It is printed as it stands: text, and nothing that steers a terminal or is no UTF-8. */
static bool is_printable(const char *text)
{
	for (const char *c = text; c && *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return !text || utf8_check(text, strlen(text)) == strlen(text);
}

static const char *lint_texts(const struct ow_option *o)
{
	bool good = is_printable(o->help) && is_printable(o->dflt) && is_printable(o->unit) &&
		    is_printable(o->since);
	for (size_t i = 0; o->choices && o->choices[i]; i++)
		good &= is_printable(o->choices[i]);
	return good ? NULL : "its texts must be printable UTF-8";
}

static const char *lint_help(const struct ow_option *o)
{
	if (!o->help || !o->help[0])
		return "it has no help";
	return o->help[strlen(o->help) - 1] == '.' ? NULL
						   : "its help must end with a full stop";
}

static bool is_number(unsigned type)
{
	return type == OW_T_INT || type == OW_T_DURATION || type == OW_T_SIZE;
}

static bool can_have_range(unsigned type)
{
	return is_number(type) || type == OW_T_LIST || type == OW_T_PAIRS;
}

static const char *lint_range(const struct ow_option *o)
{
	if (o->min == 0 && o->max == 0)
		return NULL;
	if (!can_have_range(o->type))
		return "its type has no range";
	return o->min > o->max ? "its range is inverted" : NULL;
}

static const char *lint_choices(const struct ow_option *o)
{
	bool has = o->choices && o->choices[0];
	if (o->type == OW_T_ENUM || o->type == OW_T_REFERENCE)
		return has ? NULL : "it has no choices";
	if (o->type == OW_T_URL || o->type == OW_T_ADDRESS)
		return !o->choices || has ? NULL : "it has no choices";
	if (o->choices && is_number(o->type)) {
		/* OW_WORD() is below 0. */
		bool apart = o->min >= 0 && o->max > 0;
		return !has    ? "it has no choices"
		       : apart ? NULL
			       : "it has words, and its range is not from 0 or above";
	}
	return o->choices ? "its type has no choices" : NULL;
}

static const char *lint_place(const struct ow_option *o, size_t conf_size)
{
	size_t size = conf_value_size(o->type);
	if (size == 0 || o->type == CONF_T_TREE)
		return "its type is not known";
	if (o->offset > conf_size || conf_size - o->offset < size)
		return "it lies outside of the configuration struct";
	return o->offset % conf_value_alignment(o->type) ? "it is not aligned" : NULL;
}

static const char *lint_alone(const struct ow_option *o, size_t conf_size)
{
	const char *why = lint_name(o);
	if (!why)
		why = lint_place(o, conf_size);
	if (!why)
		why = lint_help(o);
	if (!why)
		why = lint_texts(o);
	if (!why)
		why = lint_range(o);
	if (!why)
		why = lint_choices(o);
	if (!why && (o->flags & OW_O_REQUIRED) && o->dflt)
		why = "it is required and yet has a default";
	if (!why && conf_is_secret(o) && o->dflt)
		why = "it is secret and yet has a default";
	return why;
}

static const char *lint_default(
    const struct ow_option *o, size_t conf_size, struct arena *arena)
{
	struct conf_report report;
	conf_report_init(&report);
	struct conf_check check = {.what = "default", .arena = arena, .report = &report};
	const char *why = NULL;
	if (!conf_value_set_default(&check, o, arena_alloc(arena, conf_size)))
		why = arena_printf(
		    arena, "its default is refused: %s", conf_report_text(&report));
	conf_report_free(&report);
	return why;
}

/*
 * True for "a" and "a.b", which would be a value and a mapping at once. With
 * an enum "a" that is meant: one of its words, or a mapping with more.
 */
static bool is_group_of(const struct ow_option *group, const char *name)
{
	size_t len = strlen(group->name);
	return group->type != OW_T_ENUM && strncmp(group->name, name, len) == 0 &&
	       name[len] == '.';
}

static const char *lint_pair(
    const struct ow_option *a, const struct ow_option *b, struct arena *arena)
{
	if (strcmp(a->name, b->name) == 0)
		return "it is there twice";
	if (is_group_of(a, b->name) || is_group_of(b, a->name))
		return arena_printf(arena, "it is an option and a group, with `%s`", b->name);
	if (a->offset < b->offset + conf_value_size(b->type) &&
	    b->offset < a->offset + conf_value_size(a->type))
		return arena_printf(arena, "it overlaps with `%s`", b->name);
	return NULL;
}

const char *conf_table_lint(struct conf_table table, size_t conf_size, struct arena *arena)
{
	struct ow_option a, b;
	for (size_t i = 0; conf_table_at(table, i, &a); i++) {
		const char *why = lint_alone(&a, conf_size);
		if (!why)
			why = lint_default(&a, conf_size, arena);
		for (size_t j = 0; j < i && !why && conf_table_at(table, j, &b); j++)
			why = lint_pair(&a, &b, arena);
		if (why)
			return arena_printf(arena, "option `%s`: %s", a.name, why);
	}
	return NULL;
}
