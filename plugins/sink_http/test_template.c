#include "sink_http/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink_http/mapping.h"
#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* An instance is what pointers belong to; this one does nothing. */
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

static const struct ow_option no_options[] = {OW_OPTION_END};
static const struct ow_sink_ops ops = {
    .size = sizeof(ops), .deliver = deliver, .cancel = cancel};
static const struct ow_component idle = {.kind = OW_SINK,
    .conf_size = 1,
    .name = "idle",
    .summary = "Does nothing.",
    .options = no_options,
    .create = create,
    .destroy = destroy,
    .ops = &ops};

static struct mock *m;
static struct ow_instance *self;
static struct draft out;
static struct refusal refusal;

static void setup(void)
{
	m = mock_new();
	self = mock_instance(m, &idle, "crm", "");
	out = DRAFT_EMPTY;
}

static void teardown(void)
{
	draft_free(&out);
	mock_free(m);
}

/* What comes of the text with that event; NULL: it is refused. */
static const char *rendered(
    const char *text, enum template_place place, struct ow_event *event, const char *key)
{
	struct template_problem problem;
	struct template_text *t = template_parse(text, place, &problem);
	struct ow_attempt attempt = {.size = sizeof(attempt), .key = {key, strlen(key)}};
	struct occasion occasion = {mock_host(), event, &attempt};
	ck_assert_msg(t != NULL, "%s: %zu: %s", text, problem.at, t ? "" : problem.what);
	template_bind(t, mock_host(), self);
	draft_clear(&out);
	bool good = template_render(t, &occasion, &out, &refusal);
	template_free(t);
	return good ? draft_text(&out) : NULL;
}

static const char *render(const char *text, enum template_place place, const char *body)
{
	return rendered(text, place, mock_event(m, body), "test:key-1");
}

static const char *const target_of = "/v1/c/{/id}/x?q={/id}&r=1";

START_TEST(a_value_stays_where_it_stands)
{
	static const struct {
		const char *json, *encoded;
	} cases[] = {{"\"abc-._~09AZ\"", "abc-._~09AZ"}, {"\"a/b\"", "a%2Fb"},
	    {"\"a?b#c\"", "a%3Fb%23c"}, {"\"a&b=c+d\"", "a%26b%3Dc%2Bd"},
	    {"\"a b%20\"", "a%20b%2520"}, {"\"\\u00e9\\ud83d\\ude00\"", "%C3%A9%F0%9F%98%80"},
	    {"\"\\u0000\\r\\nHost: x\"", "%00%0D%0AHost%3A%20x"},
	    {"\"a\\\\b@c:8080\"", "a%5Cb%40c%3A8080"}, {"17", "17"}, {"-1.50e3", "-1.50e3"},
	    {"true", "true"}, {"false", "false"}, {"\"...\"", "..."}, {"\"a..b\"", "a..b"},
	    {"\"//evil.example\"", "%2F%2Fevil.example"}, {"\"/\"", "%2F"}};
	for (int i = 0; i < COUNT(cases); i++) {
		char body[200], want[300];
		snprintf(body, sizeof(body), "{\"id\":%s}", cases[i].json);
		snprintf(want, sizeof(want), "/v1/c/%s/x?q=%s&r=1", cases[i].encoded,
		    cases[i].encoded);
		const char *got = render(target_of, TEMPLATE_TARGET, body);
		ck_assert_msg(got != NULL, "%s: %s", body, refusal.why);
		ck_assert_str_eq(got, want);
	}
}
END_TEST

START_TEST(no_way_out_of_a_segment)
{
	static const char *const bad[] = {"\"\"", "\".\"", "\"..\"", "\"../admin\"",
	    "\"a/../..\"", "\"a/./b\"", "\"..\\\\x\"", "\"x\\\\..\"", "\"..;a=b\"", "\";a\"",
	    "\"a;..\""};
	for (int i = 0; i < COUNT(bad); i++) {
		char body[200];
		snprintf(body, sizeof(body), "{\"id\":%s}", bad[i]);
		ck_assert_msg(!render("/c/{/id}", TEMPLATE_TARGET, body), "%s", body);
		ck_assert_str_eq(refusal.why,
		    "a part of the URL's path would be empty, `.` or `..` with its fields");
		ck_assert_msg(!render("/c/{/id}/x", TEMPLATE_TARGET, body), "%s", body);
		ck_assert_msg(!render("/c/{/id}?x", TEMPLATE_TARGET, body), "%s", body);
		/* In a query it is a value like any other. */
		ck_assert_msg(render("/c?q={/id}", TEMPLATE_TARGET, body) != NULL, "%s", body);
		ck_assert_msg(
		    render("/c?q=/{/id}/", TEMPLATE_TARGET, body) != NULL, "%s", body);
	}
	/* Two halves, one of them the configuration's. */
	ck_assert(!render("/c/{/id}.", TEMPLATE_TARGET, "{\"id\":\".\"}"));
	ck_assert(!render("/c/%2e{/id}", TEMPLATE_TARGET, "{\"id\":\".\"}"));
	ck_assert(!render("/c/{/id}{/id}", TEMPLATE_TARGET, "{\"id\":\".\"}"));
	ck_assert(!render("/c/{/id};v=1", TEMPLATE_TARGET, "{\"id\":\"..\"}"));
	ck_assert_str_eq(render("/c/x{/id}", TEMPLATE_TARGET, "{\"id\":\"\"}"), "/c/x");
	/* What the configuration says by itself is its own business. */
	ck_assert_str_eq(
	    render("/a/../{/id}//b/", TEMPLATE_TARGET, "{\"id\":\"x\"}"), "/a/../x//b/");
}
END_TEST

START_TEST(headers_have_no_control_characters)
{
	static const char *const bad[] = {
	    "a\\r\\nX: y", "\\u0000", "\\u001f", "\\u007f", "a\\tb", "\\u0085", "\\u0080x"};
	for (int i = 0; i < COUNT(bad); i++) {
		char body[200];
		snprintf(body, sizeof(body), "{\"id\":\"%s\"}", bad[i]);
		ck_assert_msg(!render("a {/id}", TEMPLATE_HEADER, body), "%s", body);
		ck_assert_str_eq(
		    refusal.why, "/id has a control character, which no header may have");
	}
	ck_assert_str_eq(render("a {/id}!", TEMPLATE_HEADER, "{\"id\":\" \\u00a0\\u00e9/?\"}"),
	    "a  \xc2\xa0\xc3\xa9/?!");
}
END_TEST

START_TEST(lines_are_bounded)
{
	for (int i = 0; i < 2; i++) {
		enum template_place place = i ? TEMPLATE_HEADER : TEMPLATE_TARGET;
		size_t len = TEMPLATE_LINE_MAX + 20;
		char *body = malloc(len);
		strcpy(body, "{\"id\":\"");
		memset(body + 7, 'x', TEMPLATE_LINE_MAX);
		strcpy(body + 7 + TEMPLATE_LINE_MAX - 1, "\"}");
		ck_assert(render("/{/id}", place, body) != NULL);
		strcpy(body + 7 + TEMPLATE_LINE_MAX - 1, "x\"}");
		ck_assert(!render("/{/id}", place, body));
		ck_assert_ptr_nonnull(strstr(refusal.why, "would have more than 8192 bytes"));
		strcpy(body + 7 + TEMPLATE_LINE_MAX, "xx\"}");
		ck_assert(!render("/{/id}", place, body));
		ck_assert_ptr_nonnull(strstr(refusal.why, "/id is too long for a "));
		free(body);
	}
}
END_TEST

START_TEST(what_is_not_there)
{
	static const char *const bodies[] = {"{}", "{\"id\":null}", "{\"x\":{\"id\":1}}", "[]"};
	for (int i = 0; i < COUNT(bodies); i++) {
		for (int p = TEMPLATE_TARGET; p <= TEMPLATE_STRING; p++) {
			enum template_place place = (enum template_place)p;
			ck_assert(!render("/a{/id}", place, bodies[i]));
			ck_assert_str_eq(refusal.why, "/id is missing");
			ck_assert_str_eq(render("/{/id:-no:-ne}", place, bodies[i]),
			    place == TEMPLATE_TARGET ? "/no%3A-ne" : "/no:-ne");
		}
		ck_assert_str_eq(render("a{/id:-}", TEMPLATE_HEADER, bodies[i]), "a");
	}
	ck_assert(!render("a{/id}", TEMPLATE_HEADER, "{\"id\":[1]}"));
	ck_assert_str_eq(refusal.why, "/id is a list, where a text or a number is needed");
	ck_assert(!render("a{/id:-x}", TEMPLATE_HEADER, "{\"id\":{}}"));
	ck_assert_str_eq(refusal.why, "/id is an object, where a text or a number is needed");
	ck_assert(!render("a{/id}", TEMPLATE_HEADER, "no JSON at all"));
	ck_assert_str_eq(refusal.why, "/id is missing");
}
END_TEST

START_TEST(more_than_the_body)
{
	struct ow_event *event = mock_event(m, "{\"a/b\":{\"c~\":5},\"list\":[7]}");
	mock_event_header(event, "X-Name", "Mary\xff");
	mock_event_header(event, "X-Tenant", "t/1");
	ck_assert_str_eq(
	    rendered("{key}|{trace}|{source}|{header:x-tenant}|{/a~1b/c~0}|{/list/0}",
		TEMPLATE_HEADER, event, "test:key-1"),
	    "test:key-1|" MOCK_TRACE "|test|t/1|5|7");
	ck_assert_str_eq(rendered("/{key}/{header:X-Tenant}", TEMPLATE_TARGET, event, "p:k"),
	    "/p%3Ak/t%2F1");
	ck_assert(!rendered("{header:X-Name}", TEMPLATE_HEADER, event, "k"));
	ck_assert_str_eq(refusal.why, "header:X-Name is not UTF-8");
	ck_assert(!rendered("{header:X-None}", TEMPLATE_HEADER, event, "k"));
	ck_assert_str_eq(refusal.why, "header:X-None is missing");
	ck_assert_str_eq(rendered("{header:X-None:-y}", TEMPLATE_HEADER, event, "k"), "y");
	ck_assert(!rendered("{key}", TEMPLATE_HEADER, event, ""));
	ck_assert_str_eq(refusal.why, "key is missing");
}
END_TEST

START_TEST(inside_of_a_json_string)
{
	ck_assert_str_eq(render("\"{/id}", TEMPLATE_STRING,
			     "{\"id\":\"\\u0001\\u001f \\u007f\\\\ \\/ \\n\\\"\\u00e9\"}"),
	    "\\\"\\u0001\\u001f \x7f\\\\ / \\u000a\\\"\xc3\xa9");
}
END_TEST

START_TEST(braces)
{
	ck_assert_str_eq(render("{{a}}{{{/id}}}", TEMPLATE_HEADER, "{\"id\":1}"), "{a}{1}");
	ck_assert_str_eq(render("", TEMPLATE_HEADER, "{}"), "");
}
END_TEST

START_TEST(what_is_wrong_is_said_with_its_place)
{
	static const struct {
		const char *text;
		size_t at;
		const char *part;
	} cases[] = {{"/ab/{/id", 4, "not closed"}, {"/ab}/c", 3, "closes nothing"},
	    {"/{}", 1, "must be a JSON pointer"}, {"/x/{id}", 3, "must be a JSON pointer"},
	    {"/x/{/a~2}", 3, "`~`"}, {"/x/{/a~}", 3, "`~`"}, {"/x/{header:}", 3, "of a header"},
	    {"/x/{header:a b}", 3, "of a header"}, {"/%{/a}", 2, "%25"}, {"/%4{/a}", 3, "%25"},
	    {"/{/a}{", 5, "not closed"}, {"{", 0, "not closed"}, {"/a{{{", 4, "not closed"}};
	for (int i = 0; i < COUNT(cases); i++) {
		struct template_problem problem;
		struct template_text *t =
		    template_parse(cases[i].text, TEMPLATE_TARGET, &problem);
		ck_assert_msg(!t, "%s", cases[i].text);
		ck_assert_msg(problem.at == cases[i].at, "%s: %zu", cases[i].text, problem.at);
		ck_assert_msg(strstr(problem.what, cases[i].part) != NULL, "%s: %s",
		    cases[i].text, problem.what);
	}
}
END_TEST

/* ---- bodies ---- */

struct mapped {
	const struct ow_node *body;
};

static void check(const void *conf, const struct ow_report *report)
{
	mapping_check(((const struct mapped *)conf)->body, report);
}

static const struct ow_option mapped_options[] = {
    OW_TREE(struct mapped, body, "body", .flags = OW_O_REQUIRED, .help = "The body."),
    OW_OPTION_END,
};
static const struct ow_component mapper = {.kind = OW_SINK,
    .conf_size = sizeof(struct mapped),
    .name = "mapper",
    .summary = "Maps.",
    .options = mapped_options,
    .check = check,
    .create = create,
    .destroy = destroy,
    .ops = &ops};

static const char *mapped_up_to(const char *yaml, const char *body, size_t max)
{
	const struct mapped *conf = mock_conf(m, &mapper, yaml);
	struct mapping *mapping = mapping_new(conf->body, mock_host(), self);
	struct ow_attempt attempt = {.size = sizeof(attempt), .key = {"p:\"k\"", 5}};
	struct occasion occasion = {mock_host(), mock_event(m, body), &attempt};
	draft_clear(&out);
	bool good = mapping_render(mapping, &occasion, max, &out, &refusal);
	mapping_free(mapping);
	return good ? draft_text(&out) : NULL;
}

static const char *mapped(const char *yaml, const char *body)
{
	return mapped_up_to(yaml, body, 1000);
}

START_TEST(a_field_alone_keeps_its_type)
{
	static const struct {
		const char *value;
	} values[] = {{"1"}, {"-1.50e+3"}, {"123456789012345678901234567890"}, {"true"},
	    {"null"}, {"\"a\\u00e9\\\"\\/\""}, {"[1, {\"a\" :2}]"}, {"{}"}, {"\"\""}};
	for (int i = 0; i < COUNT(values); i++) {
		char body[200], want[200];
		snprintf(body, sizeof(body), "{\"v\":%s}", values[i].value);
		snprintf(want, sizeof(want), "{\"a\":%s}", values[i].value);
		ck_assert_str_eq(mapped("body: {a: '{/v}'}\n", body), want);
		ck_assert_str_eq(mapped("body: '{/v}'\n", body), values[i].value);
	}
	ck_assert_str_eq(mapped("body: {whole: '{body}'}\n", "[1, 2]"), "{\"whole\":[1, 2]}");
}
END_TEST

START_TEST(a_mapping_is_json)
{
	ck_assert_str_eq(
	    mapped("body:\n"
		   "  contact: {id: '{/id}', name: 'Mr {/name}', n: 1.50, s: '1.50', t: true,\n"
		   "    nothing: ~, empty: '', \"q\\\"\\n\": \"l\\\"\\n\"}\n"
		   "  tags: [a, '{/id}', [], {}, 'x{{y}}']\n"
		   "  key: '{key}'\n",
		"{\"id\":7,\"name\":\"O\\u0027Hara \\\"J\\\" \\u0000\"}"),
	    "{\"contact\":{\"id\":7,\"name\":\"Mr O'Hara \\\"J\\\" \\u0000\",\"n\":1.50,"
	    "\"s\":\"1.50\",\"t\":true,\"nothing\":null,\"empty\":\"\","
	    "\"q\\\"\\u000a\":\"l\\\"\\u000a\"},"
	    "\"tags\":[\"a\",7,[],{},\"x{y}\"],\"key\":\"p:\\\"k\\\"\"}");
}
END_TEST

START_TEST(defaults_in_a_body)
{
	ck_assert_str_eq(
	    mapped("body: ['{/x:-0}', '{/x:--1.5}', '{/x:-007}', '{/x:-}', '{/x:-true}', "
		   "'{/x:-null}', '{/x:-1e5}', 'a{/x:-1}', '{/x:-a\"b}', '{/x:-1.}', "
		   "'{header:N:-5}']\n",
		"{}"),
	    "[0,-1.5,\"007\",\"\",true,null,\"1e5\",\"a1\",\"a\\\"b\",\"1.\",5]");
	ck_assert(!mapped("body: {a: '{/x}'}\n", "{\"y\":1}"));
	ck_assert_str_eq(refusal.why, "/x is missing");
}
END_TEST

START_TEST(bodies_are_bounded)
{
	ck_assert_str_eq(
	    mapped_up_to("body: ['{/v}']\n", "{\"v\":\"12345\"}", 9), "[\"12345\"]");
	ck_assert(!mapped_up_to("body: ['{/v}']\n", "{\"v\":\"12345\"}", 8));
	ck_assert_str_eq(refusal.why, "the body would have more than 8 bytes");
}
END_TEST

START_TEST(bodies_that_are_none)
{
	static const struct {
		const char *yaml, *complaint;
	} cases[] = {{"body: text\n", "test.yaml:1:7: error: must be a mapping, a list"},
	    {"body: 5\n", "test.yaml:1:7: error: must be a mapping, a list"},
	    {"body: 'a{/x}'\n", "test.yaml:1:7: error: must be a mapping, a list"},
	    {"body: '{x'\n",
		"test.yaml:1:7: error: is wrong from character 1 on: the brace is not closed"},
	    {"body:\n  a:\n    - b\n    - {c/d: \"\xc3\xa9\xc3\xa9 {/x\"}\n",
		"test.yaml:4:13: error: is wrong from character 4 on: the brace is not closed"},
	    {"body: {a: {/x}}\n", "test.yaml:1:14: error: is a name without a value: a field "
				  "is written in quotes"},
	    {"body: {'{/x}': 1}\n", "test.yaml:1:16: error: is a name with a brace"}};
	for (int i = 0; i < COUNT(cases); i++) {
		const char *got = mock_conf_complaints(m, &mapper, cases[i].yaml);
		ck_assert_msg(strstr(got, cases[i].complaint) == got, "%s", got);
		ck_assert_msg(strchr(got, '\n') == got + strlen(got) - 1, "one: %s", got);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sink_http/template");
	TCase *t = tcase_create("texts");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_value_stays_where_it_stands);
	tcase_add_test(t, no_way_out_of_a_segment);
	tcase_add_test(t, headers_have_no_control_characters);
	tcase_add_test(t, lines_are_bounded);
	tcase_add_test(t, what_is_not_there);
	tcase_add_test(t, more_than_the_body);
	tcase_add_test(t, inside_of_a_json_string);
	tcase_add_test(t, braces);
	tcase_add_test(t, what_is_wrong_is_said_with_its_place);
	suite_add_tcase(s, t);
	t = tcase_create("bodies");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_field_alone_keeps_its_type);
	tcase_add_test(t, a_mapping_is_json);
	tcase_add_test(t, defaults_in_a_body);
	tcase_add_test(t, bodies_are_bounded);
	tcase_add_test(t, bodies_that_are_none);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
