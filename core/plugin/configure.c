#include "plugin/configure.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

/* The report that a component's check() complains to. */
struct check_report {
	struct ow_report base;
	struct conf_report *report;
	const struct conf_node *node;
	const char *what;
};

/* Takes a text that came from ${...} out of a complaint that quotes it. */
static void conceal(struct buf *text, const struct conf_node *node)
{
	static const char instead[] = "the value given";
	if (!node || !node->secret || node->text[0] == '\0')
		return;
	struct buf out = BUF_INIT;
	const char *at = text->data, *found;
	size_t len = strlen(node->text);
	for (; (found = strstr(at, node->text)); at = found + len) {
		buf_add(&out, at, (size_t)(found - at));
		buf_add_string(&out, instead);
	}
	buf_add_string(&out, at);
	buf_free(text);
	*text = out;
}

__attribute__((format(printf, 3, 4))) static void complain(
    const struct ow_report *base, const char *option, const char *fmt, ...)
{
	const struct check_report *r = (const struct check_report *)(const void *)base;
	const struct conf_node *at = option ? conf_option_node(r->node, option) : NULL;
	struct buf text = BUF_INIT;
	va_list args;
	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	conceal(&text, at && at->type == CONF_SCALAR ? at : NULL);
	conf_each(at && at->type != CONF_SCALAR ? at : NULL, item) conceal(&text, item);
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
	const struct check_report *r = (const struct check_report *)(const void *)base;
	const struct conf_node *node = conf_option_node(r->node, option);
	return node && !node->is_null;
}

void *component_configure(const struct component *c, const struct conf_node *node,
    const char *what, struct arena *arena, struct conf_report *report)
{
	static const char *const also[] = {"plugin", NULL};
	void *conf = arena_alloc(arena, c->description.conf_size);
	struct conf_check check = {
	    .table = c->table, .what = what, .also = also, .arena = arena, .report = report};
	const struct conf_node *options = node->type == CONF_MAPPING ? node : NULL;
	bool good = conf_check_options(&check, options, node->mark, conf);
	if (good && c->description.check) {
		struct check_report own = {
		    {sizeof(struct ow_report), complain, given}, report, node, what};
		c->description.check(conf, &own.base);
	}
	return conf;
}
