#include "conf/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/value.h"

/* One check under way. */
struct run {
	const struct conf_check *check;
	bool ok;
};

/* The rest of a dotted name below a group, NULL if it is not in it. "" is the group of all. */
static const char *below(const char *name, const char *group)
{
	size_t len = strlen(group);
	if (len == 0)
		return name;
	return strncmp(name, group, len) == 0 && name[len] == '.' ? name + len + 1 : NULL;
}

/* "pool.max.x" as one writes it: `pool: {max: {x: ...}}`. */
static const char *as_written(const char *name, struct arena *arena)
{
	struct buf out = BUF_INIT;
	int open = 0;
	for (; *name; name++) {
		if (*name == '.') {
			buf_add_string(&out, ": {");
			open++;
		} else {
			buf_add_char(&out, *name);
		}
	}
	buf_add_string(&out, ": ...");
	while (open-- > 0)
		buf_add_char(&out, '}');
	char *text = arena_string_of(arena, out.data, out.len);
	buf_free(&out);
	return text;
}

/* ---- Names ---- */

enum match {
	NO_MATCH,
	IS_OPTION,
	IS_GROUP
};

/*
 * What a child's key means inside of group. *name is then the option's, or of
 * the first option in the group that the key names. A key may be both: a
 * mapping is then meant for the group.
 */
static enum match match(
    const struct run *run, const char *group, const struct conf_node *child, const char **name)
{
	struct ow_option option;
	enum match found = NO_MATCH;
	size_t len = strlen(child->key);
	if (strchr(child->key, '.'))
		return NO_MATCH;
	for (size_t i = 0; conf_table_at(run->check->table, i, &option); i++) {
		const char *rest = below(option.name, group);
		if (!rest || strncmp(rest, child->key, len) != 0 ||
		    (rest[len] && rest[len] != '.'))
			continue;
		enum match here = rest[len] ? IS_GROUP : IS_OPTION;
		bool fits = (here == IS_GROUP) == (child->type == CONF_MAPPING);
		if (found != NO_MATCH && !fits)
			continue;
		*name = option.name;
		found = here;
		if (fits)
			return found;
	}
	return found;
}

static bool is_also(const struct run *run, const char *group, const char *key)
{
	const char *const *also = run->check->also;
	if (group[0] != '\0' || !also)
		return false;
	while (*also && strcmp(*also, key) != 0)
		also++;
	return *also != NULL;
}

/* An option elsewhere in the table whose last part is key, or whose whole dotted name it is. */
static const char *find_elsewhere(const struct run *run, const char *key)
{
	struct ow_option option;
	for (size_t i = 0; conf_table_at(run->check->table, i, &option); i++) {
		const char *dot = strrchr(option.name, '.');
		if (strcmp(dot ? dot + 1 : option.name, key) == 0 ||
		    strcmp(option.name, key) == 0)
			return option.name;
	}
	return NULL;
}

/* The nearest name that could stand in group, from arena; NULL if none is near. */
static const char *find_near(
    const struct run *run, const char *group, const char *key, struct arena *arena)
{
	const char *const *also = group[0] == '\0' ? run->check->also : NULL;
	struct ow_option option;
	size_t count = 0, n = 0;
	while (conf_table_at(run->check->table, count, &option))
		count++;
	while (also && also[n])
		n++;
	const char **names = arena_alloc(arena, (count + n + 1) * sizeof(*names));
	if (n)
		memcpy(names, also, n * sizeof(*names));
	for (size_t i = 0; conf_table_at(run->check->table, i, &option); i++) {
		const char *rest = below(option.name, group);
		if (rest)
			names[n++] = arena_string_of(arena, rest, strcspn(rest, "."));
	}
	return conf_nearest(key, names);
}

/* What to do about an unknown key in group, to end a complaint with. From arena. */
static const char *hint(
    const struct run *run, const char *group, const char *key, struct arena *arena)
{
	const char *elsewhere = find_elsewhere(run, key);
	if (elsewhere && strchr(key, '.'))
		return arena_printf(arena, ": write it as `%s`", as_written(elsewhere, arena));
	if (elsewhere && strchr(elsewhere, '.'))
		return arena_printf(
		    arena, " (did you mean `%s`?)", as_written(elsewhere, arena));
	if (elsewhere)
		return arena_printf(
		    arena, " (did you mean `%s` outside of `%s`?)", elsewhere, group);
	const char *near = find_near(run, group, key, arena);
	if (near)
		return arena_printf(
		    arena, " (did you mean `%s%s%s`?)", group, group[0] ? "." : "", near);
	return "";
}

static void unknown(struct run *run, const char *group, const struct conf_node *node)
{
	const struct conf_check *check = run->check;
	struct arena arena = ARENA_INIT;
	const char *name = node->key, *what_to_do = "";
	run->ok = false;
	if (!conf_report_full(check->report))
		what_to_do = hint(run, group, name, &arena);
	if (group[0])
		name = arena_printf(&arena, "%s.%s", group, name);
	conf_error(check->report, node->key_mark, "%s: unknown option %s%s", check->what,
	    conf_quote(check->report, name), what_to_do);
	arena_free(&arena);
}

/* Does not show the text: it may be the group's secret, written one level too high. */
static void not_a_group(
    struct run *run, const char *group, const char *example, const struct conf_node *node)
{
	run->ok = false;
	if (node->broken)
		return;
	conf_error(run->check->report, node->mark,
	    "%s: `%s` must be a mapping such as `%s`, not %s", run->check->what, group,
	    as_written(example, &run->check->report->arena), conf_type_name(node));
}

/* Recursion ends with the dots of the table's names, whatever the file's nesting. */
static void check_names(struct run *run, const struct conf_node *node, const char *group)
{
	conf_each(node, child)
	{
		const char *name = NULL;
		if (is_also(run, group, child->key))
			continue;
		switch (match(run, group, child, &name)) {
		case IS_OPTION:
			break;
		case IS_GROUP: {
			size_t len = (size_t)(below(name, group) - name) + strlen(child->key);
			char *inner = mem_string_of(name, len);
			if (child->type == CONF_MAPPING)
				check_names(run, child, inner);
			else if (!child->is_null || child->broken)
				not_a_group(run, inner, name, child);
			free(inner);
			break;
		}
		case NO_MATCH:
			unknown(run, group, child);
			break;
		}
	}
}

/* ---- Values ---- */

/* Whether key is the pointer's first part, of len bytes. */
static bool is_part(const char *key, const char *part, size_t len)
{
	for (; len > 0; key++, part++, len--) {
		char c = *part;
		if (c == '~' && len > 1) {
			c = part[1] == '0' ? '~' : '/';
			part++;
			len--;
		}
		if (*key != c)
			return false;
	}
	return *key == '\0';
}

/* The child that the pointer's first part, of len bytes, leads to; NULL: none. */
static const struct conf_node *child_at(
    const struct conf_node *node, const char *part, size_t len)
{
	size_t index = 0;
	conf_each(node, child)
	{
		char number[24];
		snprintf(number, sizeof(number), "%zu", index++);
		if (is_part(child->key ? child->key : number, part, len))
			return child;
	}
	return NULL;
}

static const struct conf_node *node_at(const struct conf_node *node, const char *pointer)
{
	while (node && *pointer == '/') {
		size_t len = strcspn(pointer + 1, "/");
		const struct conf_node *child = child_at(node, pointer + 1, len);
		if (!child)
			break;
		node = child;
		pointer += 1 + len;
	}
	return node;
}

const struct conf_node *conf_option_node(const struct conf_node *node, const char *name)
{
	while (node) {
		size_t len = strcspn(name, "./");
		char *part = mem_string_of(name, len);
		node = conf_get(node, part);
		free(part);
		if (name[len] != '.')
			return node_at(node, name + len);
		name += len + 1;
	}
	return NULL;
}

/* A mapping where the option has a group of its name beside it is that one's. */
static bool is_for_group(
    const struct run *run, const struct ow_option *option, const struct conf_node *node)
{
	struct ow_option other;
	if (!node || node->type != CONF_MAPPING)
		return false;
	for (size_t i = 0; conf_table_at(run->check->table, i, &other); i++)
		if (other.name != option->name && below(other.name, option->name))
			return true;
	return false;
}

static void check_value(struct run *run, const struct ow_option *option,
    const struct conf_node *section, struct conf_mark at, void *conf)
{
	const struct conf_node *node = conf_option_node(section, option->name);
	const struct conf_check *check = run->check;
	if (is_for_group(run, option, node))
		node = NULL;
	bool given = node && (!node->is_null || node->broken);
	if (node && (option->flags & OW_O_DEPRECATED))
		conf_warning(check->report, node->key_mark, "%s: option `%s` is deprecated: %s",
		    check->what, option->name, option->help);
	if (given) {
		run->ok = conf_value_set(check, option, node, conf) && run->ok;
	} else if (option->flags & OW_O_REQUIRED) {
		run->ok = false;
		conf_option_error(check, option, node ? node->mark : at, "is missing: add `%s`",
		    as_written(option->name, &check->report->arena));
	} else {
		run->ok = conf_value_set_default(check, option, conf) && run->ok;
	}
}

bool conf_check_options(const struct conf_check *check, const struct conf_node *node,
    struct conf_mark at, void *conf)
{
	struct run run = {check, true};
	struct ow_option option;
	if (node && node->broken)
		return false;
	if (node && node->type != CONF_MAPPING && !node->is_null) {
		conf_error(check->report, node->mark,
		    "%s must be a mapping (`name: value`), not %s", check->what,
		    conf_type_name(node));
		return false;
	}
	if (node)
		at = node->key ? node->key_mark : node->mark;
	check_names(&run, node, "");
	for (size_t i = 0; conf_table_at(check->table, i, &option); i++)
		check_value(&run, &option, node, at, conf);
	return run.ok;
}
