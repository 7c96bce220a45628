#include "daemon/plugins_command.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "conf/describe.h"
#include "daemon/cli.h"
#include "plugin/registry.h"

static const char *const format_names[] = {"text", "markdown", "man", "json", NULL};
static const enum conf_format formats[] = {CONF_TEXT, CONF_MARKDOWN, CONF_MAN, CONF_JSON};

static bool find_format(const char *name, enum conf_format *out)
{
	for (size_t i = 0; format_names[i]; i++) {
		if (strcmp(format_names[i], name) == 0) {
			*out = formats[i];
			return true;
		}
	}
	return false;
}

static void refused(const char *why, void *arg)
{
	(void)arg;
	fprintf(stderr, "onceway: %s\n", why);
}

static bool is_meant(const struct component *c, const char *name)
{
	const char *kind = component_kind_name(c->description.kind);
	size_t len = strlen(kind);
	return strcmp(c->description.name, name) == 0 ||
	       (strncmp(name, kind, len) == 0 && name[len] == '_' &&
		   strcmp(name + len + 1, c->description.name) == 0);
}

static void describe_text(const struct component *c, struct buf *out)
{
	const struct ow_component *d = &c->description;
	buf_printf(out, "%s %s - %s\n", component_kind_name(d->kind), d->name, d->summary);
	buf_printf(out, "  from %s (%s %s, %s, plugin ABI %u.%u)\n", c->module->file,
	    c->module->about.name, c->module->about.version, c->module->about.license,
	    c->module->about.abi.major, c->module->about.abi.minor);
	if (d->example)
		buf_printf(out, "\n  example: %s\n", d->example);
	buf_add_string(out, "\n");
	conf_describe(c->table, CONF_TEXT, out);
}

static void describe_markdown(const struct component *c, struct buf *out)
{
	const struct ow_component *d = &c->description;
	buf_printf(
	    out, "## %s `%s`\n\n%s\n\n", component_kind_name(d->kind), d->name, d->summary);
	if (d->example)
		buf_printf(out, "```yaml\n%s\n```\n\n", d->example);
	conf_describe(c->table, CONF_MARKDOWN, out);
}

static void describe_man(const struct component *c, struct buf *out)
{
	const struct ow_component *d = &c->description;
	buf_printf(out, ".SS %s %s\n%s\n", component_kind_name(d->kind), d->name, d->summary);
	if (d->example)
		buf_printf(out, ".PP\n.nf\n%s\n.fi\n", d->example);
	conf_describe(c->table, CONF_MAN, out);
}

static json_t *describe_json(const struct component *c)
{
	const struct ow_component *d = &c->description;
	const struct ow_module *m = &c->module->about;
	struct buf options = BUF_INIT;
	conf_describe(c->table, CONF_JSON, &options);
	json_t *out = json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:s, s:s, s:i, s:i, s:o}",
	    "kind", component_kind_name(d->kind), "name", d->name, "summary", d->summary,
	    "example", d->example, "file", c->module->file, "module", m->name, "version",
	    m->version, "license", m->license, "abi_major", m->abi.major, "abi_minor",
	    m->abi.minor, "options", json_loads(options.data, 0, NULL));
	buf_free(&options);
	return out;
}

static void list_line(const struct component *c, struct buf *out)
{
	const struct ow_component *d = &c->description;
	buf_printf(out, "%-7s %-14s %s\n", component_kind_name(d->kind), d->name, d->summary);
}

static void print_component(const struct component *c, enum conf_format format, bool listing,
    json_t *array, struct buf *out)
{
	if (format == CONF_JSON)
		json_array_append_new(array, describe_json(c));
	else if (format == CONF_MARKDOWN)
		describe_markdown(c, out);
	else if (format == CONF_MAN)
		describe_man(c, out);
	else if (listing)
		list_line(c, out);
	else
		describe_text(c, out);
}

static size_t print_all(
    const struct registry *registry, const char *name, enum conf_format format, FILE *out)
{
	size_t found = 0;
	json_t *array = json_array();
	struct buf text = BUF_INIT;
	for (const struct module *m = registry_modules(registry); m; m = m->next) {
		for (const struct component *c = m->components; c; c = c->next) {
			if (name && !is_meant(c, name))
				continue;
			print_component(c, format, name == NULL, array, &text);
			found++;
		}
	}
	if (format == CONF_JSON) {
		json_dumpf(array, out, JSON_INDENT(2));
		fputc('\n', out);
	} else if (text.len) {
		fwrite(text.data, 1, text.len, out);
	}
	buf_free(&text);
	json_decref(array);
	return found;
}

int plugins_command(
    const char *const *plugin_dirs, const char *name, const char *format_name, FILE *out)
{
	enum conf_format format;
	if (!find_format(format_name, &format)) {
		fprintf(stderr,
		    "onceway: --format must be text, json, markdown or man, not `%s`\n",
		    format_name);
		return EXIT_USAGE;
	}
	struct registry *registry = registry_new(plugin_dirs);
	registry_load_all(registry, refused, NULL);
	size_t found = print_all(registry, name, format, out);
	registry_free(registry);
	if (found > 0)
		return EXIT_SUCCESS;
	if (name)
		fprintf(stderr,
		    "onceway: there is no plugin `%s`; `onceway plugins` lists all\n", name);
	else
		fprintf(
		    stderr, "onceway: there are no plugins in %s\n", registry_default_dir());
	return EXIT_FAILURE;
}
