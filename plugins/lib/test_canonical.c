#include "tests/unit/main.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "lib/canonical.h"
#include "json/scan.h"

static struct canonical *c;

static void setup(void)
{
	c = canonical_new();
}

static void teardown(void)
{
	canonical_free(c);
}

/* Right-hand sides are what Python 3.11 prints. */
static const struct {
	const char *raw, *text;
} values[] = {
    {"null", "null"},
    {"true", "true"},
    {"false", "false"},
    {"0", "0"},
    {"-0", "0"},
    {"-1", "-1"},
    {"-10", "-10"},
    {"9223372036854775808", "9223372036854775808"},
    {"-10000000000000000000000000000000000000000000000000000000007",
	"-10000000000000000000000000000000000000000000000000000000007"},
    {"1.0", "1.0"},
    {"1e16", "1e+16"},
    {"-0.0", "-0.0"},
    {"1E5", "100000.0"},
    {"\"\"", "\"\""},
    {"\"a b\"", "\"a b\""},
    {"\"a/b\\/c\"", "\"a/b/c\""},
    {"\"\\u0041\\u0022\\u005c\\u002F\"", "\"A\\\"\\\\/\""},
    {"\"\\\"\\\\\"", "\"\\\"\\\\\""},
    {"\"\\b\\f\\n\\r\\t\"", "\"\\b\\f\\n\\r\\t\""},
    {"\"\\u0008\\u000C\\u000a\\u000d\\u0009\"", "\"\\b\\f\\n\\r\\t\""},
    {"\"\\u0000\\u0001\\u000b\\u001F\"", "\"\\u0000\\u0001\\u000b\\u001f\""},
    {"\"\x7f\\u007F~\"", "\"\\u007f\\u007f~\""},
    {"\"caf\xc3\xa9 caf\\u00E9\"", "\"caf\\u00e9 caf\\u00e9\""},
    {"\"\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\"", "\"\\u07ff\\u0800\\uffff\""},
    {"\"\xf0\x9f\x98\x80\\uD83D\\uDE00\"", "\"\\ud83d\\ude00\\ud83d\\ude00\""},
    {"\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", "\"\\ud800\\udc00\\udbff\\udfff\""},
    {"[]", "[]"},
    {"[ ]", "[]"},
    {" [\t1 ,\r\n2 ]", "[1,2]"},
    {"[[],[[]],{},\"]\"]", "[[],[[]],{},\"]\"]"},
    {"[1,1.0,\"1\",true,null,-0.0,[],{}]", "[1,1.0,\"1\",true,null,-0.0,[],{}]"},
    {"{}", "{}"},
    {"{ }", "{}"},
    {"{ \"b\" : 1 , \"a\" : 2 }", "{\"a\":2,\"b\":1}"},
    {"{\"c\":[{\"z\":1,\"y\":{\"b\":1,\"a\":2}},{\"x\":0}],\"a\":{\"d\":1,\"c\":{}},\"b\":3}",
	"{\"a\":{\"c\":{},\"d\":1},\"b\":3,\"c\":[{\"y\":{\"a\":2,\"b\":1},\"z\":1},{\"x\":0}]"
	"}"},
    {"[{\"a\":{\"b\":{}}},{\"x\":0}]", "[{\"a\":{\"b\":{}}},{\"x\":0}]"},
    {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
    {"{\"a\":{\"x\":1},\"b\":0,\"a\":{\"y\":2}}", "{\"a\":{\"y\":2},\"b\":0}"},
    {"{\"a\":1,\"\\u0061\":2,\"b\":3,\"a\":4,\"b\":5}", "{\"a\":4,\"b\":5}"},
    {"{\"a\":{\"a\":1,\"a\":{}},\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":1}]}"},
    /* Code points, not UTF-16 units, and not bytes of the escapes. */
    {"{\"\xef\xbd\x9e\":1,\"\\ud83d\\ude00\":2,\"z\":3,\"Z\":4,\"\":5,\"\xc3\xa9\":6}",
	"{\"\":5,\"Z\":4,\"z\":3,\"\\u00e9\":6,\"\\uff5e\":1,\"\\ud83d\\ude00\":2}"},
    {"{\"\\uff5e\":1,\"\xf0\x9f\x98\x80\":2,\"\\u007a\":3}",
	"{\"z\":3,\"\\uff5e\":1,\"\\ud83d\\ude00\":2}"},
    {"{\"ab\":1,\"a\":2,\"abc\":3,\"\\\"\":4,\"\\n\":5,\"\\/\":6}",
	"{\"\\n\":5,\"\\\"\":4,\"/\":6,\"a\":2,\"ab\":1,\"abc\":3}"},
    {"{\"a:b\":\":\",\"c\":\"{\",\"d\":\"\\\":\"}",
	"{\"a:b\":\":\",\"c\":\"{\",\"d\":\"\\\":\"}"},
};

/* What the core would hand over: the value without the white space around it. */
static struct ow_text value_of(struct ow_text text)
{
	struct pointer_set *set = pointer_set_new();
	struct ow_json value;
	struct json_error error;
	pointer_add(set, "");
	bool ok = json_scan(text, set, &value, &error);
	pointer_set_free(set);
	ck_assert_msg(ok, "%.*s: %s", (int)text.len, text.data, ok ? "" : error.problem);
	return value.raw;
}

static void assert_canonical(const char *expected, size_t len)
{
	struct ow_text text = canonical_text(c);
	ck_assert_msg(text.len == len && memcmp(text.data, expected, len) == 0,
	    "%.*s, not %.*s", (int)text.len, text.data, (int)len, expected);
}

START_TEST(known_texts)
{
	/* Memory that ends with the value, so that a sanitizer sees a read beyond it. */
	struct ow_text raw = value_of(text_of(values[_i].raw));
	char *copy = mem_copy(raw.data, raw.len);
	canonical_add_value(c, text_span(copy, raw.len));
	free(copy);
	assert_canonical(values[_i].text, strlen(values[_i].text));
}
END_TEST

START_TEST(adds_up)
{
	ck_assert_uint_eq(canonical_text(c).len, 0);
	canonical_add(c, "{\"a\":");
	canonical_add_value(c, text_of("{\"z\":1,\"b\":2}"));
	canonical_add(c, ",\"b\":");
	canonical_add_value(c, text_of("[{\"z\":1,\"b\":2}]"));
	canonical_add(c, "}");
	static const char both[] = "{\"a\":{\"b\":2,\"z\":1},\"b\":[{\"b\":2,\"z\":1}]}";
	assert_canonical(both, strlen(both));
	canonical_clear(c);
	canonical_add_value(c, text_of("{\"y\":1}"));
	assert_canonical("{\"y\":1}", 7);
}
END_TEST

/* Many members, all names several times, in no order. */
START_TEST(large_objects)
{
	enum {
		NAMES = 5000
	};
	struct buf raw = BUF_INIT, expected = BUF_INIT;
	for (unsigned i = 0; i < 3 * NAMES; i++)
		buf_printf(&raw, "%c\"%06u\":%u", i ? ',' : '{', i * 7919 % NAMES, i);
	for (unsigned name = 0, i; name < NAMES; name++) {
		for (i = 2 * NAMES; i * 7919 % NAMES != name;)
			i++;
		buf_printf(&expected, "%c\"%06u\":%u", name ? ',' : '{', name, i);
	}
	buf_add_char(&raw, '}');
	buf_add_char(&expected, '}');
	canonical_add_value(c, buf_text(&raw));
	assert_canonical(expected.data, expected.len);
	canonical_clear(c);
	canonical_add_value(c, text_of("7"));
	assert_canonical("7", 1);
	buf_free(&raw);
	buf_free(&expected);
}
END_TEST

/* A long string below many levels: quadratic work would take minutes. */
START_TEST(deep_objects)
{
	struct buf raw = BUF_INIT, expected = BUF_INIT, inside = BUF_INIT;
	for (int i = 0; i < 1000000; i++)
		buf_add_char(&inside, 'x');
	for (int i = 0; i < JSON_DEPTH_MAX; i++) {
		buf_add_string(&raw, "{\"b\":0,\"a\":");
		buf_add_string(&expected, "{\"a\":");
	}
	buf_printf(&raw, "\"%s\"", inside.data);
	buf_printf(&expected, "\"%s\"", inside.data);
	for (int i = 0; i < JSON_DEPTH_MAX; i++) {
		buf_add_char(&raw, '}');
		buf_add_string(&expected, ",\"b\":0}");
	}
	canonical_add_value(c, value_of(buf_text(&raw)));
	ck_assert(text_equal(canonical_text(c), buf_text(&expected)));
	buf_free(&raw);
	buf_free(&expected);
	buf_free(&inside);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("canonical");
	TCase *t = tcase_create("canonical");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, known_texts, 0, sizeof(values) / sizeof(*values));
	tcase_add_test(t, adds_up);
	tcase_add_test(t, large_objects);
	tcase_add_test(t, deep_objects);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
