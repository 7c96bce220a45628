/* A component's configuration struct, filled by the core's own checker. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"
#include "tests/plugin/mockstate.h"

/* What a component's check() complains to. */
struct complaints {
	struct ow_report report;
	struct conf_report *to;
	const struct conf_node *root;
};

static void complain(const struct ow_report *report, const char *option, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(const struct ow_report *report, const char *option, const char *fmt, ...)
{
	const struct complaints *c = (const struct complaints *)(const void *)report;
	const struct conf_node *node = option ? conf_option_node(c->root, option) : c->root;
	struct conf_mark nowhere = {.file = "test.yaml"};
	va_list args;
	va_start(args, fmt);
	conf_verror(c->to, node ? node->mark : nowhere, fmt, args);
	va_end(args);
}

static bool given(const struct ow_report *report, const char *option)
{
	const struct complaints *c = (const struct complaints *)(const void *)report;
	const struct conf_node *node = conf_option_node(c->root, option);
	return node && !node->is_null;
}

/* A table that the core would refuse to load is a bug of the plugin. */
static void lint(struct mock *m, const struct ow_component *component)
{
	struct conf_table table = {.options = component->options};
	const char *bug = conf_table_lint(table, component->conf_size, &m->arena);
	if (bug)
		mock_fail("options of %s: %s", component->name, bug);
}

static void *fill(struct mock *m, const struct ow_component *component, const char *yaml,
    struct conf_report *report)
{
	void *conf = arena_alloc(&m->arena, component->conf_size);
	struct conf_mark nowhere = {.file = "test.yaml"};
	struct complaints complaints = {
	    .report = {.size = sizeof(complaints.report), .complain = complain, .given = given},
	    .to = report};
	struct conf_check check = {.table = {.options = component->options},
	    .what = component->name,
	    .arena = &m->arena,
	    .report = report};
	if (yaml && *yaml)
		complaints.root = conf_tree_parse("test.yaml", arena_string(&m->arena, yaml),
		    strlen(yaml), &m->arena, report);
	if (report->errors == 0 && conf_check_options(&check, complaints.root, nowhere, conf) &&
	    component->check)
		component->check(conf, &complaints.report);
	return conf;
}

static const char *text_of_report(struct mock *m, const struct conf_report *report)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		mock_fail("open_memstream failed");
	conf_report_print(report, out);
	fclose(out);
	const char *copy = arena_string_of(&m->arena, text, len);
	free(text);
	return copy;
}

void *mock_conf(struct mock *m, const struct ow_component *component, const char *yaml)
{
	struct conf_report report;
	lint(m, component);
	conf_report_init(&report);
	void *conf = fill(m, component, yaml, &report);
	if (report.errors > 0)
		mock_fail(
		    "configuration of %s:\n%s", component->name, text_of_report(m, &report));
	conf_report_free(&report);
	return conf;
}

const char *mock_conf_complaints(
    struct mock *m, const struct ow_component *component, const char *yaml)
{
	struct conf_report report;
	conf_report_init(&report);
	fill(m, component, yaml, &report);
	const char *text = text_of_report(m, &report);
	conf_report_free(&report);
	return text;
}
