#include "daemon/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/check.h"
#include "daemon/options.h"
#include "daemon/route_rules.h"
#include "plugin/configure.h"
#include "plugin/sized.h"

#define NAME_MAX_LEN 64

/* What the functions of this file pass around. */
struct loading {
	struct settings *settings;
	struct conf_report *report;
	const struct conf_node *root;
};

/* ---- names and references ---- */

/* The keys of a section, for "did you mean"; ends with NULL. */
static const char *const *names_of(struct loading *l, const struct conf_node *section)
{
	size_t count = 0;
	const char **names = arena_alloc(
	    &l->settings->arena, ((section ? section->count : 0) + 1) * sizeof(*names));
	conf_each(section, child) if (child->key) names[count++] = child->key;
	return names;
}

static bool name_is_good(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len <= NAME_MAX_LEN &&
	       strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == len;
}

/* Complains unless `name` is a key of the section; points at `at`, where it stands. */
static bool check_name(struct loading *l, const struct conf_node *owner,
    const struct conf_node *at, const char *what, const char *option, const char *section,
    const char *name)
{
	const struct conf_node *all = conf_get(l->root, section);
	if (!name || conf_get(all, name))
		return true;
	if (at && at->secret)
		conf_error(l->report, at->mark,
		    "%s: option `%s`: the value given is not a name under `%s`", what, option,
		    section);
	else
		conf_error(l->report, at ? at->mark : owner->mark,
		    "%s: option `%s`: there is no `%s` under `%s`%s", what, option, name,
		    section, conf_suggest(l->report, name, names_of(l, all)));
	return false;
}

/* References among a component's options. */
static void check_references(struct loading *l, const struct conf_node *node, const char *what,
    struct conf_table table, const void *conf)
{
	struct ow_option o;
	for (size_t i = 0; conf_table_at(table, i, &o); i++) {
		const char *name;
		if (o.type != OW_T_REFERENCE)
			continue;
		memcpy(&name, (const char *)conf + o.offset, sizeof(name));
		check_name(
		    l, node, conf_option_node(node, o.name), what, o.name, o.choices[0], name);
	}
}

/* ---- plugins ---- */

/* Options of a component, checked: one by one, its own rules, then references. */
static const void *check_conf(struct loading *l, const struct component *c,
    const struct conf_node *node, const char *what)
{
	const void *conf = component_configure(
	    c, node, what, &l->settings->arena, &l->settings->secrets, l->report);
	check_references(l, node, what, c->table, conf);
	return conf;
}

/* All names there are of a kind, for "did you mean". */
static const char *const *plugin_names(struct loading *l, enum ow_kind kind)
{
	size_t count = 0;
	const char **names = arena_alloc(&l->settings->arena, 257 * sizeof(*names));
	registry_load_all(l->settings->registry, NULL, NULL);
	for (const struct module *m = registry_modules(l->settings->registry); m; m = m->next)
		for (const struct component *c = m->components; c; c = c->next)
			if (c->description.kind == kind && count < 256)
				names[count++] = c->description.name;
	return names;
}

static const struct component *find_plugin(struct loading *l, enum ow_kind kind,
    const struct conf_node *at, const char *name, const char *what)
{
	const char *why;
	const struct component *c = registry_find(l->settings->registry, kind, name, &why);
	if (!c && at->secret)
		conf_error(l->report, at->mark, "%s: the value given names no %s plugin", what,
		    component_kind_name(kind));
	else if (!c)
		conf_error(l->report, at->mark, "%s: %s%s", what, why,
		    conf_suggest(l->report, name, plugin_names(l, kind)));
	return c;
}

static struct component_settings *load_component(struct loading *l, enum ow_kind kind,
    const struct conf_node *node, const char *name, const char *what)
{
	if (node->broken)
		return NULL;
	/* `key: cxone` is short for `key: {plugin: cxone}`. */
	bool brief = kind == OW_KEYER && node->type == CONF_SCALAR && !node->is_null;
	const struct conf_node *plugin = brief ? node : conf_get(node, "plugin");
	if (!brief && node->type != CONF_MAPPING) {
		conf_error(l->report, node->mark, "%s must be a mapping, not %s", what,
		    conf_type_name(node));
		return NULL;
	}
	if (plugin && plugin->broken)
		return NULL;
	if (!plugin || plugin->type != CONF_SCALAR || plugin->is_null) {
		conf_error(l->report, plugin ? plugin->mark : node->mark,
		    "%s: option `plugin` is missing: say which %s it is", what,
		    component_kind_name(kind));
		return NULL;
	}
	const struct component *c = find_plugin(l, kind, plugin, plugin->text, what);
	if (!c)
		return NULL;
	struct component_settings *s = arena_alloc(&l->settings->arena, sizeof(*s));
	s->name = name;
	s->node = node;
	s->component = c;
	s->conf = check_conf(l, c, node, what);
	return s;
}

/* ---- sections ---- */

typedef void entry_fn(struct loading *l, const struct conf_node *entry);

/* Calls fn for each entry of a section that has a usable name. */
static void each_entry(struct loading *l, const char *section, entry_fn *fn)
{
	const struct conf_node *node = conf_get(l->root, section);
	if (!node || node->is_null)
		return;
	if (node->type != CONF_MAPPING) {
		conf_error(l->report, node->mark,
		    "section `%s` must be a mapping of names, not %s", section,
		    conf_type_name(node));
		return;
	}
	conf_each(node, entry)
	{
		if (name_is_good(entry->key))
			fn(l, entry);
		else
			conf_error(l->report, entry->key_mark,
			    "section `%s`: %s cannot be a name: letters, digits, `_`, `-` and "
			    "`.`, at most %d of them",
			    section, conf_quote(l->report, entry->key), NAME_MAX_LEN);
	}
}

static void load_listener(struct loading *l, const struct conf_node *entry)
{
	listener_load(l->settings, entry, l->report);
}

static void append_component(struct component_settings **list, struct component_settings *s)
{
	while (*list)
		list = &(*list)->next;
	*list = s;
}

static void load_named(struct loading *l, enum ow_kind kind, const struct conf_node *entry,
    struct component_settings **list)
{
	const char *what =
	    arena_printf(&l->settings->arena, "%s `%s`", component_kind_name(kind), entry->key);
	struct component_settings *s = load_component(l, kind, entry, entry->key, what);
	if (s)
		append_component(list, s);
}

static void load_source(struct loading *l, const struct conf_node *entry)
{
	load_named(l, OW_SOURCE, entry, &l->settings->sources);
}

static void load_store(struct loading *l, const struct conf_node *entry)
{
	load_named(l, OW_STORE, entry, &l->settings->stores);
}

static void load_sink(struct loading *l, const struct conf_node *entry)
{
	load_named(l, OW_SINK, entry, &l->settings->sinks);
}

/* ---- routes ---- */

static struct component_settings *use(struct component_settings *list, const char *name)
{
	for (; name && list; list = list->next) {
		if (strcmp(list->name, name) == 0) {
			list->used = true;
			return list;
		}
	}
	return NULL;
}

/* What was refused of a match asks for something all the same. */
static bool takes_all(const struct route_settings *r)
{
	const struct conf_node *match = conf_get(r->node, "match");
	return !match || match->is_null || (match->type == CONF_MAPPING && !match->first);
}

/* First match wins: behind a route that takes all, another gets nothing. */
static void check_reachable(struct loading *l, const struct route_settings *route)
{
	for (const struct route_settings *r = l->settings->routes; r; r = r->next) {
		if (!r->from || !route->from || strcmp(r->from, route->from) != 0 ||
		    !takes_all(r))
			continue;
		conf_error(l->report, route->node->key_mark,
		    "route `%s` never gets an event: route `%s` (line %d) takes all of source "
		    "`%s`: give that one a `match`, or put it last",
		    route->name, r->name, r->node->key_mark.line, route->from);
		return;
	}
}

/* An option with nothing behind its name would silently ask for nothing. */
static void check_match_given(struct loading *l, const struct route_settings *r)
{
	conf_each(conf_get(r->node, "match"), option)
	{
		if (option->is_null && !option->broken)
			conf_error(l->report, option->key_mark,
			    "route `%s`: option `match.%s` is empty: say what it must be, or "
			    "leave it out",
			    r->name, option->key);
	}
}

/* The sinks of `also`, each of which must be there, once, and not be the route's own. */
static void load_also(struct loading *l, struct route_settings *r, const char *what)
{
	const struct conf_node *node = conf_option_node(r->node, "also");
	const struct conf_node *at = node && node->type == CONF_SEQUENCE ? node->first : node;
	r->also_sinks =
	    arena_alloc(&l->settings->arena, (r->also.count + 1) * sizeof(*r->also_sinks));
	for (size_t i = 0; at && i < r->also.count; i++, at = at->next) {
		const char *name = r->also.items[i];
		check_name(l, r->node, at, what, "also", "sinks", name);
		if (r->to && strcmp(name, r->to) == 0)
			conf_error(l->report, at->mark,
			    "%s: option `also`: sink %s is the route's own (`to`): leave it "
			    "out",
			    what, conf_quote(l->report, name));
		for (size_t j = 0; j < i; j++)
			if (strcmp(name, r->also.items[j]) == 0)
				conf_error(l->report, at->mark,
				    "%s: option `also`: sink %s stands there twice", what,
				    conf_quote(l->report, name));
		r->also_sinks[i] = use(l->settings->sinks, name);
	}
}

/* What is not written follows from the source, and from whether there is a disk to keep on. */
static void complete_policy(const struct settings *s, struct route_settings *r)
{
	struct route_policy *p = &r->policy;
	if (!r->source)
		return;
	struct ow_source_nature nature = settings_source_nature(r->source);
	bool disk = s->process.state_dir != NULL;
	r->queue = nature.queue;
	if (disk && nature.final_refusal && !conf_option_node(r->node, "on_missing"))
		p->on_missing = ON_MISSING_DEAD_LETTER;
	bool kept = p->ack == ACK_ACCEPTED || p->answer_within_ms > 0 || (nature.queue && disk);
	if (p->dead_letter == DEAD_LETTER_AUTO && kept)
		p->dead_letter = DEAD_LETTER_TRUE;
}

static void load_route(struct loading *l, const struct conf_node *entry)
{
	static const char *const also[] = {"key", NULL};
	struct settings *all = l->settings;
	struct route_settings *r = arena_alloc(&all->arena, sizeof(*r));
	const char *what = arena_printf(&all->arena, "route `%s`", entry->key);
	const struct conf_node *key = conf_get(entry, "key");
	struct conf_check check = {.table = {route_options, 0},
	    .what = what,
	    .also = also,
	    .arena = &all->arena,
	    .report = l->report};
	conf_check_options(&check, entry, entry->mark, r);
	if (entry->type != CONF_MAPPING)
		return;
	r->name = entry->key;
	r->node = entry;
	check_references(l, entry, what, check.table, r);
	if (!key || key->is_null)
		conf_error(l->report, entry->key_mark,
		    "%s: option `key` is missing: name a keyer, such as `key: cxone`", what);
	else
		r->keyer = load_component(
		    l, OW_KEYER, key, entry->key, arena_printf(&all->arena, "%s: key", what));
	r->source = use(all->sources, r->from);
	r->store = use(all->stores, r->store_name);
	r->sink = use(all->sinks, r->to);
	r->fallback = use(all->stores, r->fallback_name);
	load_also(l, r, what);
	complete_policy(all, r);
	r->match = match_options_read(&r->match_options, what, l->report);
	check_match_given(l, r);
	check_reachable(l, r);
	struct route_settings **last = &all->routes;
	while (*last)
		last = &(*last)->next;
	*last = r;
}

/* ---- the whole ---- */

static void check_sections(struct loading *l)
{
	static const char *const known[] = {
	    "onceway", "listeners", "sources", "stores", "sinks", "routes", NULL};
	conf_each(l->root, section)
	{
		size_t i = 0;
		while (known[i] && strcmp(known[i], section->key) != 0)
			i++;
		/* x-...: room for anchors, as other programs' YAML has it */
		if (!known[i] && strncmp(section->key, "x-", 2) != 0)
			conf_error(l->report, section->key_mark, "unknown section `%s`%s",
			    section->key, conf_suggest(l->report, section->key, known));
	}
}

/* False after a complaint about a route's source: that may be what another one lacks. */
static bool all_sources_found(const struct settings *s, const struct conf_node *routes)
{
	size_t found = 0;
	for (const struct route_settings *r = s->routes; r; r = r->next)
		found += r->source != NULL;
	return found == routes->count;
}

static void check_unused(struct loading *l)
{
	const struct settings *s = l->settings;
	const struct conf_node *routes = conf_get(l->root, "routes");
	if (!routes || routes->count == 0) {
		conf_error(l->report, routes ? routes->mark : (struct conf_mark){s->file, 0, 0},
		    "there is no route: add one under `routes`");
		return;
	}
	for (const struct component_settings *c = s->sources; c; c = c->next)
		if (!c->used && all_sources_found(s, routes))
			conf_error(l->report, c->node->key_mark,
			    "source `%s` has no route: its events would go nowhere", c->name);
	if (l->report->errors > 0)
		return; /* a misspelt reference makes its target look unused */
	for (const struct component_settings *c = s->stores; c; c = c->next)
		if (!c->used)
			conf_warning(l->report, c->node->key_mark,
			    "store `%s` is not used by any route", c->name);
	for (const struct component_settings *c = s->sinks; c; c = c->next)
		if (!c->used)
			conf_warning(l->report, c->node->key_mark,
			    "sink `%s` is not used by any route", c->name);
}

static void load_process(struct loading *l)
{
	struct settings *s = l->settings;
	const struct conf_node *node = conf_get(l->root, "onceway");
	struct conf_check check = {.table = {process_options, 0},
	    .what = "section `onceway`",
	    .arena = &s->arena,
	    .report = l->report};
	conf_check_options(
	    &check, node && node->is_null ? NULL : node, l->root->mark, &s->process);
	if (s->process.state_dir && s->process.state_dir[0] == '\0')
		conf_error(l->report, conf_option_node(node, "state_dir")->mark,
		    "section `onceway`: option `state_dir` must not be empty: name a "
		    "directory, or leave it out");
}

static struct registry *make_registry(const struct settings *s, const char *const *plugin_dirs)
{
	size_t given = 0, at = 0;
	while (plugin_dirs && plugin_dirs[given])
		given++;
	const char **dirs = mem_array(given + s->process.plugin_path.count + 1, sizeof(*dirs));
	for (; at < given; at++)
		dirs[at] = plugin_dirs[at];
	for (size_t i = 0; i < s->process.plugin_path.count; i++)
		dirs[at++] = s->process.plugin_path.items[i];
	struct registry *r = registry_new(dirs);
	free(dirs);
	return r;
}

struct settings *settings_load(
    const char *file, const char *const *plugin_dirs, struct conf_report *report)
{
	struct settings *s = mem_zero(sizeof(*s));
	struct loading l = {.settings = s, .report = report};
	s->file = file;
	l.root = conf_tree_load(file, &s->arena, report);
	if (!l.root)
		goto fail;
	check_sections(&l);
	load_process(&l);
	s->registry = make_registry(s, plugin_dirs);
	each_entry(&l, "listeners", load_listener);
	each_entry(&l, "sources", load_source);
	each_entry(&l, "stores", load_store);
	each_entry(&l, "sinks", load_sink);
	each_entry(&l, "routes", load_route);
	check_unused(&l);
	route_rules_check(s, report);
	if (report->errors > 0)
		goto fail;
	return s;
fail:
	settings_free(s);
	return NULL;
}

struct ow_sink_policy settings_sink_policy(const struct component_settings *sink)
{
	struct ow_sink_policy policy = {.size = sizeof(policy), .attempts = 1};
	struct ow_sink_ops ops;
	uint32_t size;
	memcpy(&size, sink->component->description.ops, sizeof(size));
	sized_copy(&ops, sizeof(ops), sink->component->description.ops, size);
	if (ops.policy)
		ops.policy(sink->conf, &policy);
	return policy;
}

struct ow_source_nature settings_source_nature(const struct component_settings *source)
{
	struct ow_source_nature nature = {.size = sizeof(nature)};
	struct ow_source_ops ops;
	uint32_t size;
	memcpy(&size, source->component->description.ops, sizeof(size));
	sized_copy(&ops, sizeof(ops), source->component->description.ops, size);
	if (ops.nature)
		ops.nature(source->conf, &nature);
	return nature;
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	for (struct route_settings *r = s->routes; r; r = r->next)
		match_free(r->match);
	registry_free(s->registry);
	arena_free(&s->arena);
	free(s);
}
