#include "conf/describe.h"

#include <string.h>

#include "base/text.h"
#include "conf/value.h"

struct type_words {
	const char *name;  /* for programs, as in option.h */
	const char *plain; /* for people */
};

static const struct type_words types[] = {
    [0] = {"unknown", "unknown"},
    [OW_T_STRING] = {"string", "text"},
    [OW_T_SECRET] = {"secret", "secret text"},
    [OW_T_INT] = {"int", "number"},
    [OW_T_BOOL] = {"bool", "true or false"},
    [OW_T_DURATION] = {"duration", "duration"},
    [OW_T_SIZE] = {"size", "size"},
    [OW_T_ENUM] = {"enum", "one of"},
    [OW_T_LIST] = {"list", "list of texts"},
    [OW_T_PAIRS] = {"pairs", "mapping of names to texts"},
    [OW_T_URL] = {"url", "URL"},
    [OW_T_ADDRESS] = {"address", "host:port"},
    [OW_T_POINTER] = {"pointer", "JSON pointer"},
    [OW_T_REFERENCE] = {"reference", "name from"},
    [OW_T_TREE] = {"tree", "any value"},
};

static const struct type_words *words_of(const struct ow_option *o)
{
	unsigned type = o->type == CONF_T_TREE ? OW_T_TREE : o->type;
	return &types[conf_value_size(type) ? type : 0];
}

/* How the parts of one description are set off; each begins and ends a piece of code. */
struct style {
	const char *code, *code_end;
	void (*add)(struct buf *out, const char *text); /* escapes text */
};

static void add_code(struct buf *out, const struct style *style, const char *text)
{
	buf_add_string(out, style->code);
	style->add(out, text);
	buf_add_string(out, style->code_end);
}

/* "list of texts", "list of secret texts". */
static void add_plain(struct buf *out, const struct ow_option *o, const struct style *style)
{
	bool is_list = o->type == OW_T_LIST && conf_is_secret(o);
	if (words_of(o) == &types[OW_T_TREE] && o->unit) {
		style->add(out, o->unit);
		return;
	}
	if (!is_list && o->type != OW_T_SECRET && conf_is_secret(o))
		style->add(out, "secret ");
	style->add(out, is_list ? "list of secret texts" : words_of(o)->plain);
}

/* "duration", "one of `a`, `b`", "number of threads, or `auto`", "URL (http, https)". */
static void add_type(struct buf *out, const struct ow_option *o, const struct style *style)
{
	bool is_url = o->type == OW_T_URL;
	add_plain(out, o, style);
	if (o->type == OW_T_INT && o->unit) {
		style->add(out, " of ");
		style->add(out, o->unit);
	}
	if (!o->choices)
		return;
	bool has_words = o->type == OW_T_INT || o->type == OW_T_DURATION ||
			 o->type == OW_T_SIZE || o->type == OW_T_ADDRESS;
	style->add(out, is_url ? " (" : has_words ? ", or " : " ");
	for (size_t i = 0; o->choices[i]; i++) {
		if (i > 0)
			style->add(out, ", ");
		add_code(out, style, o->choices[i]);
	}
	style->add(out, is_url ? ")" : "");
}

static void add_default(struct buf *out, const struct ow_option *o, const struct style *style)
{
	if (o->flags & OW_O_REQUIRED)
		style->add(out, "required");
	else if (o->dflt)
		add_code(out, style, o->dflt[0] ? o->dflt : "\"\"");
}

static void add_range(struct buf *out, const struct ow_option *o, const struct style *style)
{
	char range[96];
	conf_value_range(o, range);
	style->add(out, range);
	if (range[0] && (o->type == OW_T_LIST || o->type == OW_T_PAIRS))
		style->add(out, " items");
}

/* "duration, default 5s, between 1ms and 1m, since 0.2" */
static void add_facts(struct buf *out, const struct ow_option *o, const struct style *style)
{
	bool required = o->flags & OW_O_REQUIRED;
	add_type(out, o, style);
	if (required || o->dflt)
		style->add(out, required ? ", " : ", default ");
	add_default(out, o, style);
	if (o->min != 0 || o->max != 0)
		style->add(out, ", ");
	add_range(out, o, style);
	if (o->since) {
		style->add(out, ", since ");
		style->add(out, o->since);
	}
	if (o->flags & OW_O_DEPRECATED)
		style->add(out, ", deprecated");
}

/* ---- Text ---- */

static const struct style text_style = {"", "", buf_add_string};

static int name_width(struct conf_table table)
{
	struct ow_option o;
	size_t width = 0;
	for (size_t i = 0; conf_table_at(table, i, &o); i++)
		if (strlen(o.name) > width)
			width = strlen(o.name);
	return (int)width;
}

static void describe_text(struct conf_table table, struct buf *out)
{
	struct ow_option o;
	int width = name_width(table);
	for (size_t i = 0; conf_table_at(table, i, &o); i++) {
		buf_printf(out, "  %-*s  ", width, o.name);
		add_facts(out, &o, &text_style);
		buf_printf(out, "\n  %*s  %s\n", width, "", o.help ? o.help : "");
	}
}

/* ---- Markdown ---- */

/* A bar would end the table's cell, even inside backquotes. */
static void add_markdown(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_add_string(out, "\\|");
		else if (*text == '\n')
			buf_add_char(out, ' ');
		else
			buf_add_char(out, *text);
	}
}

static const struct style markdown_style = {"`", "`", add_markdown};

static void describe_markdown(struct conf_table table, struct buf *out)
{
	struct ow_option o;
	buf_add_string(out, "| option | type | default | range | meaning |\n"
			    "|---|---|---|---|---|\n");
	for (size_t i = 0; conf_table_at(table, i, &o); i++) {
		buf_add_string(out, "| ");
		add_code(out, &markdown_style, o.name);
		buf_add_string(out, " | ");
		add_type(out, &o, &markdown_style);
		buf_add_string(out, " | ");
		add_default(out, &o, &markdown_style);
		buf_add_string(out, " | ");
		add_range(out, &o, &markdown_style);
		buf_add_string(out, " | ");
		if (o.flags & OW_O_DEPRECATED)
			buf_add_string(out, "Deprecated. ");
		add_markdown(out, o.help ? o.help : "");
		if (o.since) {
			buf_add_string(out, " Since ");
			add_markdown(out, o.since);
			buf_add_char(out, '.');
		}
		buf_add_string(out, " |\n");
	}
}

/* ---- man ---- */

static void add_man(struct buf *out, const char *text)
{
	bool code = false;
	for (; *text; text++) {
		if (*text == '\\')
			buf_add_string(out, "\\e");
		else if (*text == '-')
			buf_add_string(out, "\\-");
		else if (*text == '`')
			buf_add_string(out, (code = !code) ? "\\fB" : "\\fR");
		else if (*text == '\n')
			buf_add_char(out, ' ');
		else
			buf_add_char(out, *text);
	}
	if (code)
		buf_add_string(out, "\\fR");
}

static const struct style man_style = {"\\fB", "\\fR", add_man};

static void describe_man(struct conf_table table, struct buf *out)
{
	struct ow_option o;
	for (size_t i = 0; conf_table_at(table, i, &o); i++) {
		buf_add_string(out, ".TP\n");
		add_code(out, &man_style, o.name);
		buf_add_string(out, " (");
		add_facts(out, &o, &man_style);
		/* \& keeps a help that begins with a dot from being a request. */
		buf_add_string(out, ")\n\\&");
		add_man(out, o.help ? o.help : "");
		buf_add_char(out, '\n');
	}
}

/* ---- JSON ---- */

static void add_member(struct buf *out, const char *name)
{
	buf_printf(out, ",\"%s\":", name);
}

static void add_json_text(struct buf *out, const char *text)
{
	if (text)
		buf_add_json(out, text_of(text));
	else
		buf_add_string(out, "null");
}

/* A bound as users write it: "1ms", 5; null where that side is open. */
static void add_bound(struct buf *out, const struct ow_option *o, int64_t n, int64_t open)
{
	char number[32];
	bool has_unit = o->type == OW_T_DURATION || o->type == OW_T_SIZE;
	conf_value_format(o->type, n, number);
	if (n == open || (o->min == 0 && o->max == 0))
		buf_add_string(out, "null");
	else if (has_unit)
		add_json_text(out, number);
	else
		buf_add_string(out, number);
}

static void add_choices(struct buf *out, const char *const *choices)
{
	if (!choices) {
		buf_add_string(out, "null");
		return;
	}
	buf_add_char(out, '[');
	for (size_t i = 0; choices[i]; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		add_json_text(out, choices[i]);
	}
	buf_add_char(out, ']');
}

static void add_flag(struct buf *out, const char *name, bool value)
{
	add_member(out, name);
	buf_add_string(out, value ? "true" : "false");
}

static void describe_json(struct conf_table table, struct buf *out)
{
	struct ow_option o;
	buf_add_char(out, '[');
	for (size_t i = 0; conf_table_at(table, i, &o); i++) {
		buf_add_string(out, i > 0 ? ",\n{\"name\":" : "\n{\"name\":");
		add_json_text(out, o.name);
		add_member(out, "type");
		add_json_text(out, words_of(&o)->name);
		add_member(out, "default");
		add_json_text(out, o.dflt);
		add_member(out, "min");
		add_bound(out, &o, o.min, INT64_MIN);
		add_member(out, "max");
		add_bound(out, &o, o.max, INT64_MAX);
		add_member(out, "choices");
		add_choices(out, o.choices);
		add_member(out, "unit");
		add_json_text(out, o.unit);
		add_member(out, "help");
		add_json_text(out, o.help);
		add_flag(out, "required", o.flags & OW_O_REQUIRED);
		add_flag(out, "deprecated", o.flags & OW_O_DEPRECATED);
		add_flag(out, "secret", conf_is_secret(&o));
		add_member(out, "since");
		add_json_text(out, o.since);
		buf_add_char(out, '}');
	}
	buf_add_string(out, "\n]\n");
}

void conf_describe(struct conf_table table, enum conf_format format, struct buf *out)
{
	switch (format) {
	case CONF_TEXT:
		describe_text(table, out);
		break;
	case CONF_MARKDOWN:
		describe_markdown(table, out);
		break;
	case CONF_MAN:
		describe_man(table, out);
		break;
	case CONF_JSON:
		describe_json(table, out);
		break;
	}
}
