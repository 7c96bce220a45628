/* Paths, headers, bodies that are not JSON, and what is refused of a `match`. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "daemon/match_options.h"
#include "tests/unit/daemon/matching.h"
#include "tests/unit/main.h"

#define HEADERS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct {
	const char *match;
	struct matched event;
	enum match_answer answer;
} rows[] = {
    {"{path: /a}", {.path = "/a"}, MATCH_YES},
    {"{path: /a}", {.path = "/a/"}, MATCH_NO},
    {"{path: /a}", {.path = "/A"}, MATCH_NO},
    {"{path: /a}", {.body = "{}"}, MATCH_NO},
    {"{path: [/a, /b]}", {.path = "/b"}, MATCH_YES},
    {"{path: {prefix: /cxone/}}", {.path = "/cxone/x"}, MATCH_YES},
    {"{path: {prefix: /cxone/}}", {.path = "/genesys/x"}, MATCH_NO},
    {"{path: [{wildcard: '/*/events'}, /b]}", {.path = "/b"}, MATCH_YES},
    {"{path: {anything-but: {suffix: /test}}}", {.path = "/x/test"}, MATCH_NO},
    {"{path: /a}", {.path = "/a", .body = "not JSON"}, MATCH_YES},
    /* headers: names in any case, values as they are, each of them */
    {"{headers: {X-Vendor: nice}}", {.headers = HEADERS("x-vendor: nice")}, MATCH_YES},
    {"{headers: {x-vendor: nice}}", {.headers = HEADERS("X-Vendor: Nice")}, MATCH_NO},
    {"{headers: {x-vendor: {equals-ignore-case: nice}}}",
	{.headers = HEADERS("X-Vendor: Nice")}, MATCH_YES},
    {"{headers: {a: x, b: y}}", {.headers = HEADERS("a: x", "b: y")}, MATCH_YES},
    {"{headers: {a: x, b: y}}", {.headers = HEADERS("a: x", "b: z")}, MATCH_NO},
    {"{headers: {a: x, b: y}}", {.headers = HEADERS("a: x")}, MATCH_NO},
    {"{headers: {a: {exists: false}}}", {.body = "{}"}, MATCH_YES},
    {"{headers: {a: {exists: false}}}", {.headers = HEADERS("A: ")}, MATCH_NO},
    {"{headers: {a: {exists: true}}}", {.headers = HEADERS("A: ")}, MATCH_YES},
    {"{headers: {a: ''}}", {.headers = HEADERS("A: ")}, MATCH_YES},
    {"{headers: {a: {anything-but: x}}}", {.body = "{}"}, MATCH_NO},
    {"{headers: {a: [{exists: false}, x]}}", {.body = "{}"}, MATCH_YES},
    /* they are texts, whatever they look like; a range reads them as numbers */
    {"{headers: {version: 2}}", {.headers = HEADERS("version: 2")}, MATCH_YES},
    {"{headers: {version: [true, 2.0]}}", {.headers = HEADERS("version: true")}, MATCH_YES},
    {"{headers: {version: 2}}", {.headers = HEADERS("version: 2.0")}, MATCH_NO},
    {"{headers: {version: {numeric: [\">=\", 2]}}}", {.headers = HEADERS("version: 2.0")},
	MATCH_YES},
    {"{headers: {version: {numeric: [\">=\", 2]}}}", {.headers = HEADERS("version: 1.9")},
	MATCH_NO},
    {"{headers: {version: {numeric: [\">=\", 2]}}}", {.headers = HEADERS("version: v3")},
	MATCH_NO},
    {"{headers: {x-real-ip: {cidr: 10.0.0.0/8}}}", {.headers = HEADERS("X-Real-IP: 10.9.8.7")},
	MATCH_YES},
    /* all three */
    {"{path: /a, headers: {v: x}, event: {t: [1]}}", {"/a", "{\"t\":1}", HEADERS("v: x")},
	MATCH_YES},
    {"{path: /a, headers: {v: x}, event: {t: [1]}}", {"/b", "{\"t\":1}", HEADERS("v: x")},
	MATCH_NO},
    {"{path: /a, headers: {v: x}, event: {t: [1]}}", {"/a", "{\"t\":1}", HEADERS("v: y")},
	MATCH_NO},
    {"{path: /a, headers: {v: x}, event: {t: [1]}}", {"/a", "{\"t\":2}", HEADERS("v: x")},
	MATCH_NO},
    /* a body that is not JSON: by the event alone nobody can tell */
    {"{path: /a, headers: {v: x}, event: {t: [1]}}", {"/a", "{", HEADERS("v: x")},
	MATCH_UNREADABLE},
    {"{path: /a, headers: {v: x}, event: {t: [1]}}", {"/b", "{", HEADERS("v: x")}, MATCH_NO},
    {"{path: /a, headers: {v: x}, event: {t: [1]}}", {"/a", "{", HEADERS("v: y")}, MATCH_NO},
    {"{event: {t: [{exists: false}]}}", {.body = "\xff"}, MATCH_UNREADABLE},
};

START_TEST(takes_events)
{
	ck_assert_msg(matching_ask(rows[_i].match, &rows[_i].event) == rows[_i].answer, "%s",
	    rows[_i].match);
}
END_TEST

/* ---- bounds: each event is held against all of it ---- */

/* What is complained of HEAD ITEM, ITEM, ... TAIL; each # of an item is its number. */
static const char *many(const char *head, const char *item, unsigned count, const char *tail)
{
	struct buf b = BUF_INIT;
	buf_add_string(&b, head);
	for (unsigned i = 0; i < count; i++) {
		buf_printf(&b, "%s", i ? ", " : "");
		for (const char *p = item; *p; p++) {
			if (*p == '#')
				buf_printf(&b, "%u", i);
			else
				buf_add_char(&b, *p);
		}
	}
	buf_add_string(&b, tail);
	const char *printed = matching_complaints(b.data);
	buf_free(&b);
	return printed;
}

static void check_bound(
    const char *head, const char *item, unsigned max, const char *tail, const char *complaint)
{
	ck_assert_str_eq(many(head, item, max, tail), "");
	const char *printed = many(head, item, max + 2, tail);
	ck_assert_msg(strstr(printed, complaint) != NULL, "%s", printed);
	ck_assert_msg(strchr(printed, '\n')[1] == '\0', "told once: %s", printed);
}

START_TEST(is_bounded)
{
	check_bound("{event: {", "f#: x", MATCH_FIELDS_MAX, "}}", "more than 100 fields");
	check_bound("{headers: {", "f#: x", MATCH_FIELDS_MAX, "}}", "more than 100 fields");
	check_bound("{event: {a: [", "v#", MATCH_VALUES_MAX, "]}}", "more than 1000 values");
	check_bound(
	    "{event: {a: [{anything-but: [", "v#", MATCH_VALUES_MAX, "]}]}}", "1000 values");
	check_bound("{event: {a: [", "{prefix: v#}", MATCH_OPERATORS_MAX, "]}}",
	    "more than 100 operators");
	check_bound("{event: {a: [{anything-but: {prefix: [", "v#", MATCH_OPERATORS_MAX - 1,
	    "]}}]}}", "more than 100 operators");
}
END_TEST

/* The three count together. */
START_TEST(is_bounded_as_a_whole)
{
	const char *printed =
	    many("{headers: {", "f#: x", MATCH_FIELDS_MAX, "}, event: {g: x}}");
	ck_assert_ptr_nonnull(strstr(printed, "option `match.event`: there are more than 100"));
}
END_TEST

START_TEST(is_not_too_deep)
{
	struct buf fields = BUF_INIT, groups = BUF_INIT;
	buf_add_string(&fields, "{event: ");
	buf_add_string(&groups, "{event: ");
	for (int i = 0; i <= PATTERN_DEPTH_MAX; i++)
		buf_add_string(&fields, "{a: ");
	buf_add_string(&fields, "x");
	for (int i = 0; i < PATTERN_DEPTH_MAX; i++)
		buf_add_string(&groups, "{$or: [{b: x}, ");
	buf_add_string(&groups, "{a: x}");
	for (int i = 0; i < PATTERN_DEPTH_MAX; i++)
		buf_add_string(&groups, "]}");
	for (int i = 0; i <= PATTERN_DEPTH_MAX; i++)
		buf_add_string(&fields, "}");
	buf_add_string(&fields, "}");
	buf_add_string(&groups, "}");
	ck_assert_ptr_nonnull(
	    strstr(matching_complaints(fields.data), "it is more than 16 levels deep"));
	ck_assert_ptr_nonnull(
	    strstr(matching_complaints(groups.data), "it is more than 16 levels deep"));
	buf_free(&fields);
	buf_free(&groups);
}
END_TEST

/* What came from outside is not shown, whatever is wrong with it. */
START_TEST(keeps_secrets)
{
	static const char *const matches[] = {"{event: {a: [{cidr: \"${OW_S}\"}]}}",
	    "{event: {a: [{exists: \"${OW_S}\"}]}}", "{event: {a: [{wildcard: \"${OW_S}\"}]}}",
	    "{event: {a: [{numeric: [\"=\", \"${OW_S}\"]}]}}", "{path: \"${OW_S}\"}",
	    "{event: {a: [{numeric: [\"${OW_S}\", 1]}]}}", "{event: \"${OW_S}\"}"};
	setenv("OW_S", "s3cret**", 1);
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		const char *printed = matching_complaints(matches[i]);
		ck_assert_msg(
		    printed[0] && !strstr(printed, "s3cret"), "%s: %s", matches[i], printed);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("match");
	TCase *t = tcase_create("match");
	tcase_add_checked_fixture(t, matching_start, matching_stop);
	tcase_add_loop_test(t, takes_events, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, is_bounded);
	tcase_add_test(t, is_bounded_as_a_whole);
	tcase_add_test(t, is_not_too_deep);
	tcase_add_test(t, keeps_secrets);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
