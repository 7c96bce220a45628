#include "plugin/configure.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/conceal.h"
#include "conf/value.h"
#include "plugin/tls_options.h"

static void add_secret(struct arena *arena, struct ow_list *secrets, const char *text)
{
	size_t count = secrets->count;
	const char **items = (const char **)(uintptr_t)secrets->items;
	/* Full at each power of two. */
	if ((count & (count - 1)) == 0) {
		items = arena_alloc(arena, (count ? 2 * count : 1) * sizeof(*items));
		for (size_t i = 0; i < count; i++)
			items[i] = secrets->items[i];
	}
	items[count] = text;
	*secrets = (struct ow_list){items, count + 1};
}

/* Adds an option's texts that came from outside of the file, or all of them. */
static void add_secrets(
    struct arena *arena, struct ow_list *secrets, const struct conf_node *node, bool all)
{
	if (node && node->type == CONF_SCALAR && (node->secret || all))
		add_secret(arena, secrets, node->text);
	conf_each(node, item) add_secrets(arena, secrets, item, all);
}

/*
 * What no message of a component may show while it runs: what its table calls
 * secret, headers, and texts from outside. A number is not worth hiding.
 */
static void note_secrets(struct arena *arena, struct ow_list *secrets,
    const struct component *c, const struct conf_node *node)
{
	struct ow_option o;
	for (size_t i = 0; conf_table_at(c->table, i, &o); i++) {
		bool number = o.type == OW_T_INT || o.type == OW_T_BOOL ||
			      o.type == OW_T_DURATION || o.type == OW_T_SIZE;
		bool name = o.type == OW_T_ENUM || o.type == OW_T_REFERENCE;
		bool all = conf_is_secret(&o) || o.type == OW_T_PAIRS;
		if (all || !(number || name))
			add_secrets(arena, secrets, conf_option_node(node, o.name), all);
	}
}

__attribute__((format(printf, 3, 4))) static void complain(
    const struct ow_report *base, const char *option, const char *fmt, ...)
{
	const struct option_report *r = (const struct option_report *)(const void *)base;
	const struct conf_node *at = option ? conf_option_node(r->node, option) : NULL;
	struct buf text = BUF_INIT;
	struct ow_list secrets = {NULL, 0};
	va_list args;
	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	/* Of others' secrets the beginning alone may be the complaint's own words: `redis://`.
	 */
	for (size_t i = 0; i < r->secrets->count; i++)
		if (!option || strstr(text.data, r->secrets->items[i]))
			add_secret(r->arena, &secrets, r->secrets->items[i]);
	add_secrets(r->arena, &secrets, at, false);
	conceal(&text, secrets);
	/* Both `must be ...` and "`x` is not ..." read well behind the option's name. */
	const char *colon = text.data[0] == '`' ? ":" : "";
	if (option)
		conf_error(r->report, at ? at->mark : r->node->mark, "%s: option `%s`%s %s",
		    r->what, option, colon, text.data);
	else
		conf_error(r->report, r->node->mark, "%s: %s", r->what, text.data);
	buf_free(&text);
}

static bool given(const struct ow_report *base, const char *option)
{
	const struct option_report *r = (const struct option_report *)(const void *)base;
	const struct conf_node *node = conf_option_node(r->node, option);
	return node && !node->is_null;
}

struct option_report option_report(const struct conf_node *node, const char *what,
    struct arena *arena, const struct ow_list *secrets, struct conf_report *report)
{
	return (struct option_report){
	    {sizeof(struct ow_report), complain, given}, node, what, arena, secrets, report};
}

void *component_configure(const struct component *c, const struct conf_node *node,
    const char *what, struct arena *arena, struct ow_list *secrets, struct conf_report *report)
{
	static const char *const also[] = {"plugin", NULL};
	void *conf = arena_alloc(arena, c->description.conf_size);
	struct conf_check check = {
	    .table = c->table, .what = what, .also = also, .arena = arena, .report = report};
	const struct conf_node *options = node->type == CONF_MAPPING ? node : NULL;
	bool good = conf_check_options(&check, options, node->mark, conf);
	note_secrets(arena, secrets, c, options);
	if (!good)
		return conf;
	const struct option_report own = option_report(node, what, arena, secrets, report);
	int errors = report->errors;
	if (c->description.check)
		c->description.check(conf, &own.base);
	if (report->errors == errors)
		tls_options_look_all(c, conf, &own);
	return conf;
}
