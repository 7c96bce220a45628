/*
 * The first part, up to a line of three dashes, is a template, the rest an event's
 * body. Whatever they are, a template is refused with a reason, or a request is, or
 * a value is no more than a value where it stands: a URL has the segments and
 * parameters that it has with harmless values, a header is one line of UTF-8, a body
 * is JSON.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/utf8.h"
#include "sink_http/mapping.h"
#include "sink_http/template.h"
#include "tests/plugin/mockhost.h"
#include "json/scan.h"

#define SEPARATOR "\n---\n"

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* ---- something that pointers belong to, and that has a body ---- */

struct conf {
	const struct ow_node *body;
};

static void check(const void *conf, const struct ow_report *report)
{
	mapping_check(((const struct conf *)conf)->body, report);
}

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	(void)host, (void)conf, (void)why;
	return self;
}

static void destroy(void *state)
{
	(void)state;
}

static void deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	(void)state, (void)op, (void)event, (void)attempt;
}

static void cancel(void *state, struct ow_op *op)
{
	(void)state, (void)op;
}

static const struct ow_option options[] = {
    OW_TREE(struct conf, body, "body", .dflt = "{}", .help = "The body."),
    OW_OPTION_END,
};
static const struct ow_sink_ops ops = {
    .size = sizeof(ops), .deliver = deliver, .cancel = cancel};
static const struct ow_component sink = {.kind = OW_SINK,
    .conf_size = sizeof(struct conf),
    .name = "fuzz",
    .summary = "Fuzzes.",
    .options = options,
    .check = check,
    .create = create,
    .destroy = destroy,
    .ops = &ops};

struct bench {
	struct mock *m;
	struct ow_instance *self;
	struct ow_attempt attempt;
};

/* ---- the promises ---- */

static bool is_json(struct ow_text text)
{
	struct json_error error;
	return json_scan(text, NULL, NULL, &error);
}

static size_t count(const char *text, const char *of)
{
	size_t n = 0;
	while (*(text += strcspn(text, of))) {
		n++;
		text++;
	}
	return n;
}

/* The URL that the template gives where every value is a letter. */
static void write_harmless(const char *text, struct draft *out)
{
	while (*text) {
		bool doubled = (*text == '{' || *text == '}') && text[1] == *text;
		bool field = *text == '{' && !doubled;
		draft_char(out, field ? 'x' : *text);
		text = field ? strchr(text, '}') + 1 : text + 1 + doubled;
	}
}

static void check_target(const struct draft *out, const char *text)
{
	struct draft harmless = DRAFT_EMPTY;
	write_harmless(text, &harmless);
	require(strlen(draft_text(out)) == out->len, "no NUL in a URL");
	for (const char *special = "/?#&=;+@:"; *special; special++) {
		const char one[] = {*special, '\0'};
		require(count(draft_text(out), one) == count(draft_text(&harmless), one),
		    "a URL of the same shape");
	}
	require(out->len <= TEMPLATE_LINE_MAX, "a URL of bounded length");
	draft_free(&harmless);
}

static void check_line(const struct draft *out)
{
	struct ow_text text = {draft_text(out), out->len};
	require(!strpbrk(text.data, "\r\n") && strlen(text.data) == text.len, "one line");
	require(text.len <= TEMPLATE_LINE_MAX, "a line of bounded length");
}

static void check_string(const struct draft *out)
{
	struct draft quoted = DRAFT_EMPTY;
	draft_printf(&quoted, "\"%s\"", draft_text(out));
	require(is_json((struct ow_text){quoted.data, quoted.len}), "a JSON string");
	draft_free(&quoted);
}

/* Only bytes that a URL of a configuration can have. */
static bool fits_url(const char *text)
{
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`#", *p))
			return false;
	return text[0] == '/';
}

static void try_template(
    struct bench *b, const char *text, enum template_place place, struct ow_event *event)
{
	struct template_problem problem = {0, NULL};
	struct template_text *t = template_parse(text, place, &problem);
	struct occasion occasion = {mock_host(), event, &b->attempt};
	struct draft out = DRAFT_EMPTY;
	struct refusal refusal = {""};
	require(t || (problem.what && problem.at <= strlen(text)), "a reason");
	if (!t)
		return;
	template_bind(t, mock_host(), b->self);
	if (!template_render(t, &occasion, &out, &refusal))
		require(refusal.why[0], "a reason why not");
	else if (place == TEMPLATE_HEADER)
		check_line(&out);
	else if (place == TEMPLATE_STRING)
		check_string(&out);
	else
		check_target(&out, text);
	draft_free(&out);
	template_free(t);
}

static void try_mapping(struct bench *b, const char *yaml, struct ow_event *event)
{
	if (mock_conf_complaints(b->m, &sink, yaml)[0])
		return;
	const struct conf *conf = mock_conf(b->m, &sink, yaml);
	struct mapping *mapping = mapping_new(conf->body, mock_host(), b->self);
	struct occasion occasion = {mock_host(), event, &b->attempt};
	struct draft out = DRAFT_EMPTY;
	struct refusal refusal = {""};
	if (!mapping_render(mapping, &occasion, 10000, &out, &refusal))
		require(refusal.why[0], "a reason why not");
	else
		require(
		    is_json((struct ow_text){draft_text(&out), out.len}) && out.len <= 10000,
		    "a JSON document");
	mapping_free(mapping);
	draft_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *end = memmem(data, size, SEPARATOR, strlen(SEPARATOR));
	if (!end || memchr(data, 0, (size_t)(end - (const char *)data)) ||
	    memmem(data, size, "${", 2))
		return 0;
	struct bench b = {.m = mock_new(),
	    .attempt = {.size = sizeof(b.attempt), .number = 1, .key = {"p:k/\"1", 6}}};
	b.self = mock_instance(b.m, &sink, "crm", mock_conf(b.m, &sink, ""));
	const char *body = end + strlen(SEPARATOR);
	struct ow_event *event =
	    mock_event_of(b.m, body, (size_t)((const char *)data + size - body));
	struct draft text = DRAFT_EMPTY, yaml = DRAFT_EMPTY;
	draft_add(
	    &text, (struct ow_text){(const char *)data, (size_t)(end - (const char *)data)});
	const char *template = draft_text(&text);
	bool utf8 = utf8_valid((struct ow_text){template, text.len});
	if (fits_url(template))
		try_template(&b, template, TEMPLATE_TARGET, event);
	if (utf8 && !strpbrk(template, "\r\n"))
		try_template(&b, template, TEMPLATE_HEADER, event);
	if (utf8)
		try_template(&b, template, TEMPLATE_STRING, event);
	draft_printf(&yaml, "body: %s\n", template);
	try_mapping(&b, draft_text(&yaml), event);
	draft_free(&text);
	draft_free(&yaml);
	mock_free(b.m);
	return 0;
}
