#include "conformance/subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "plugin/configure.h"

#define EVENTS_MAX 10000

/* The options as they stand, before ${...}. */
static bool read_options(const struct subject *s, struct buf *out, FILE *err)
{
	char chunk[4096];
	if (!s->options_file) {
		const char *example = s->component->description.example;
		buf_add_string(out, example && example[0] ? example : "{}");
		return true;
	}
	FILE *file = fopen(s->options_file, "rb");
	if (!file) {
		fprintf(err, "%s: %s\n", s->options_file, strerror(errno));
		return false;
	}
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file)) > 0;)
		buf_add(out, chunk, n);
	fclose(file);
	return true;
}

void *subject_configure(
    const struct subject *s, const char *peer, const char *dir, struct arena *arena, FILE *err)
{
	const struct ow_component *about = &s->component->description;
	struct buf text = BUF_INIT;
	struct conf_report report;
	struct ow_list secrets = {NULL, 0};
	void *conf = NULL;
	if (!read_options(s, &text, err)) {
		buf_free(&text);
		return NULL;
	}
	setenv("PEER", peer ? peer : "127.0.0.1:9", 1);
	setenv("DIR", dir, 1);
	conf_report_init(&report);
	const char *what =
	    arena_printf(arena, "%s `%s`", component_kind_name(about->kind), about->name);
	const char *file = s->options_file ? s->options_file : "example";
	const struct conf_node *root =
	    conf_tree_parse(file, text.data ? text.data : "", text.len, arena, &report);
	if (root)
		conf = component_configure(s->component, root, what, arena, &secrets, &report);
	conf_report_print(&report, err);
	if (report.errors > 0)
		conf = NULL;
	conf_report_free(&report);
	buf_free(&text);
	return conf;
}

bool subject_names_peer(const struct subject *s)
{
	struct buf text = BUF_INIT;
	bool named = read_options(s, &text, stderr) && text.data && strstr(text.data, "${PEER");
	buf_free(&text);
	return named;
}

const char *subject_text(const struct subject *s, const void *conf, const char *option)
{
	struct ow_option o;
	const char *value = NULL;
	for (size_t i = 0; conf_table_at(s->component->table, i, &o); i++)
		if (strcmp(o.name, option) == 0 &&
		    (o.type == OW_T_STRING || o.type == OW_T_REFERENCE))
			memcpy(&value, (const char *)conf + o.offset, sizeof(value));
	return value;
}

const struct ow_text *subject_events(
    const struct subject *s, struct arena *arena, size_t *count)
{
	struct ow_text *events = arena_alloc(arena, (EVENTS_MAX + 1) * sizeof(*events));
	FILE *file = s->events_file ? fopen(s->events_file, "rb") : NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	*count = 0;
	while (file && *count < EVENTS_MAX && (len = getline(&line, &room, file)) >= 0) {
		if (len > 0 && line[len - 1] == '\n')
			len--;
		if (len > 0)
			events[(*count)++] =
			    text_span(arena_string_of(arena, line, (size_t)len), (size_t)len);
	}
	free(line);
	if (file)
		fclose(file);
	if (*count == 0)
		events[(*count)++] = text_of("{}");
	return events;
}
