#include "tests/unit/main.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/scan.h"

/*
 * Scans a copy that ends exactly where its memory ends, so that a sanitizer
 * sees a read beyond it.
 */
static bool scans(const char *data, size_t len, struct json_error *error)
{
	char *copy = mem_copy(data, len);
	*error = (struct json_error){0};
	bool ok = json_scan(text_span(copy, len), NULL, NULL, error);
	free(copy);
	return ok;
}

static const char *const good[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "10",
    "1234567890",
    "0.5",
    "-0.0",
    "1e5",
    "1E-5",
    "1.25e+10",
    "1e-400",
    "123456789012345678901234567890123456789012345678901234567890",
    "\"\"",
    "\"a\"",
    "\"\\u0000\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\x7f\"",
    "\"\xef\xbb\xbf\"",
    "\"\xf4\x8f\xbf\xbf\"",
    "\"\\ud83d\\ude00\"",
    "\"\\uD83D\\uDE00\"",
    "\"\\ud7ff\\ue000\"",
    "[]",
    "{}",
    "[ ]",
    "{ }",
    " \t\r\n1 \t\r\n",
    "[1,2]",
    "[ 1 , 2 ]",
    "[[],[[]],{}]",
    "{\"a\":1}",
    "{ \"a\" : 1 , \"b\" : [ ] }",
    "{\"\":{\"\":{}}}",
    "{\"a\":1,\"a\":2}",
    "\"0123456\"",
    "\"01234567\"",
    "\"012345678901234567890123\"",
    "[-0,0,-0.0,0e0]",
};

START_TEST(accepts)
{
	struct json_error error;
	ck_assert_msg(scans(good[_i], strlen(good[_i]), &error), "%s: %s at %zu", good[_i],
	    error.problem, error.offset);
}
END_TEST

/* Offsets are where a person would point. */
static const struct {
	const char *text;
	size_t offset;
	const char *problem;
} bad[] = {
    {"", 0, "the text is empty"},
    {" ", 1, "the text ends too early"},
    {"{", 1, "the text ends too early"},
    {"[", 1, "the text ends too early"},
    {"[1", 2, "the text ends too early"},
    {"[1,", 3, "the text ends too early"},
    {"{\"a\"", 4, "the text ends too early"},
    {"{\"a\":", 5, "the text ends too early"},
    {"{\"a\":1", 6, "the text ends too early"},
    {"{\"a\":1,", 7, "the text ends too early"},
    {"[\"abc", 1, "string without end"},
    {"\"abcdefghijk", 0, "string without end"},
    {"\"a\\", 2, "invalid escape in a string"},
    {"\"a\\\"", 0, "string without end"},
    {"-", 1, "the text ends too early"},
    {"1.", 2, "the text ends too early"},
    {"1e", 2, "the text ends too early"},
    {"1e+", 3, "the text ends too early"},
    {"tru", 0, "expected a value"},
    {"nul1", 0, "expected a value"},
    {"True", 0, "expected a value"},
    {"NaN", 0, "expected a value"},
    {"Infinity", 0, "expected a value"},
    {"-Infinity", 1, "expected a digit"},
    {"'a'", 0, "expected a value"},
    {"+1", 0, "expected a value"},
    {".5", 0, "expected a value"},
    {"1.e5", 2, "expected a digit"},
    {"1.5e", 4, "the text ends too early"},
    {"[1e]", 3, "expected a digit"},
    {"012", 0, "number with a leading zero"},
    {"[-00]", 2, "number with a leading zero"},
    {"1e400", 0, "number too large for a double"},
    {"[1,-1e400]", 3, "number too large for a double"},
    {"0x10", 1, "expected nothing after the value"},
    {"1 2", 2, "expected nothing after the value"},
    {"{}x", 2, "expected nothing after the value"},
    {"{}}", 2, "expected nothing after the value"},
    {"nulll", 4, "expected nothing after the value"},
    {"[1 2]", 3, "expected ',' or ']'"},
    {"[1}", 2, "expected ',' or ']'"},
    {"[}", 1, "expected a value"},
    {"[,1]", 1, "expected a value"},
    {"[1,]", 3, "expected a value"},
    {"{]", 1, "expected the name of a member in double quotes"},
    {"{,}", 1, "expected the name of a member in double quotes"},
    {"{\"a\":1,}", 7, "expected the name of a member in double quotes"},
    {"{a:1}", 1, "expected the name of a member in double quotes"},
    {"{'a':1}", 1, "expected the name of a member in double quotes"},
    {"{1:1}", 1, "expected the name of a member in double quotes"},
    {"{\"a\" 1}", 5, "expected ':'"},
    {"{\"a\"}", 4, "expected ':'"},
    {"{\"a\":}", 5, "expected a value"},
    {"{\"a\":1 \"b\":2}", 7, "expected ',' or '}'"},
    {"{\"a\":1]", 6, "expected ',' or '}'"},
    {"\"a\nb\"", 2, "control character in a string"},
    {"\"0123456789\tb\"", 11, "control character in a string"},
    {"\"\x1f\"", 1, "control character in a string"},
    {"\"\\x\"", 1, "invalid escape in a string"},
    {"\"\\u12g4\"", 1, "invalid escape in a string"},
    {"\"\\u123\"", 1, "invalid escape in a string"},
    {"\"\\U0041\"", 1, "invalid escape in a string"},
    {"\"\\ud83d\"", 1, "half of a surrogate pair in a string"},
    {"\"\\ude00\"", 1, "half of a surrogate pair in a string"},
    {"\"\\ude00\\ud83d\"", 1, "half of a surrogate pair in a string"},
    {"\"\\ud83d\\u0041\"", 1, "half of a surrogate pair in a string"},
    {"\"\\udc00\\udc00\"", 1, "half of a surrogate pair in a string"},
    {"\"\\ud83d\\ue000\"", 1, "half of a surrogate pair in a string"},
    {"\"\\ud83d\\ud83d\\ude00\"", 1, "half of a surrogate pair in a string"},
    {"\"\\ud83dx\"", 1, "half of a surrogate pair in a string"},
    {"{\"\\ud800\":1}", 2, "half of a surrogate pair in a string"},
    {"\xef\xbb\xbf{}", 0, "the text begins with a byte order mark"},
    {"\xc2\xa0"
     "1",
	0, "expected a value"},
    {"[1]\xc2\xa0", 3, "expected nothing after the value"},
    {"/**/1", 0, "expected a value"},
};

START_TEST(refuses)
{
	struct json_error error;
	const char *text = bad[_i].text;
	ck_assert_msg(!scans(text, strlen(text), &error), "%s was taken", text);
	ck_assert_msg(
	    strcmp(error.problem, bad[_i].problem) == 0, "%s: %s", text, error.problem);
	ck_assert_msg(error.offset == bad[_i].offset, "%s: at %zu", text, error.offset);
	ck_assert(!error.utf8);
}
END_TEST

/* What is not UTF-8 is told first, wherever it is and whatever else is wrong. */
static const struct {
	const char *text;
	size_t offset;
} not_utf8[] = {
    {"\"\xff\"", 1},
    {"\"\xc3\"", 1},
    {"\"caf\xe9\"", 4},
    {"\"\xc0\x80\"", 1},
    {"\"\xed\xa0\x80\"", 1},
    {"\"\xf4\x90\x80\x80\"", 1},
    {"\"0123456789\xe2\x82\"", 11},
    {"{\"\xff\":1}", 2},
    {"\xff\xfe{", 0},
    {"{\"a\":tru,\"b\":\"\x80\"}", 14},
    {"\xef\xbb\xbf\xff", 3},
    {"{\"a\":1}\xff", 7},
};

START_TEST(refuses_not_utf8)
{
	struct json_error error;
	const char *text = not_utf8[_i].text;
	ck_assert(!scans(text, strlen(text), &error));
	ck_assert(error.utf8);
	ck_assert_uint_eq(error.offset, not_utf8[_i].offset);
	ck_assert_str_eq(error.problem, "the text is not UTF-8");
}
END_TEST

START_TEST(refuses_nul_bytes)
{
	struct json_error error;
	ck_assert(!scans("\0", 1, &error));
	ck_assert(!scans("1\0", 2, &error));
	ck_assert_uint_eq(error.offset, 1);
	ck_assert(!scans("{\0}", 3, &error));
	ck_assert(!scans("\"a\0b\"", 5, &error));
	ck_assert(!scans("\"\\\0\"", 4, &error));
	ck_assert(!scans("{\0\"\0a\0", 7, &error)); /* UTF-16 */
	ck_assert(!error.utf8);
}
END_TEST

/* Every byte at every place of a word that is looked at as a whole. */
START_TEST(every_byte_in_a_string)
{
	for (int byte = 0; byte < 256; byte++) {
		for (size_t at = 1; at <= 18; at++) {
			struct json_error error;
			char text[20] = "\"ABCDEFGH !#$%&'(Z\"";
			text[at] = (char)byte;
			bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
			bool valid = plain && at < 18;
			if (byte == '"')
				valid = at == 18;
			ck_assert_msg(
			    scans(text, 19, &error) == valid, "0x%02x at %zu", byte, at);
		}
	}
}
END_TEST

static void add_times(struct buf *b, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_add_string(b, text);
}

static bool nests(const char *open, const char *value, const char *close, size_t depth)
{
	struct buf b = BUF_INIT;
	struct json_error error;
	add_times(&b, open, depth);
	buf_add_string(&b, value);
	add_times(&b, close, depth);
	bool ok = scans(b.data, b.len, &error);
	if (!ok) {
		ck_assert_str_eq(error.problem, "nested too deep");
		ck_assert_uint_eq(error.offset, JSON_DEPTH_MAX * strlen(open));
	}
	buf_free(&b);
	return ok;
}

START_TEST(depth_is_limited)
{
	ck_assert(nests("[", "1", "]", JSON_DEPTH_MAX));
	ck_assert(!nests("[", "1", "]", JSON_DEPTH_MAX + 1));
	ck_assert(nests("{\"a\":", "1", "}", JSON_DEPTH_MAX));
	ck_assert(!nests("{\"a\":", "1", "}", JSON_DEPTH_MAX + 1));
	ck_assert(!nests("[", "1", "]", 1000000));
}
END_TEST

/* ---- collecting ---- */

/*
 * Each case: a document, and pointers with the raw text that is to be found,
 * NULL for nothing. All pointers of a case are looked for in one pass.
 */
#define WANTED_MAX 4

static const struct {
	const char *text;
	struct {
		const char *pointer, *raw;
		enum ow_json_type type;
	} wanted[WANTED_MAX];
} documents[] = {
    {"{\"a\":1,\"b\":\"x\"}", {{"/a", "1", OW_JSON_INTEGER}, {"/b", "\"x\"", OW_JSON_STRING}}},
    {"{\"a\":null}", {{"/a", "null", OW_JSON_NULL}, {"/b", NULL, 0}, {"/a/b", NULL, 0}}},
    {"[true,false]", {{"/0", "true", OW_JSON_TRUE}, {"/1", "false", OW_JSON_FALSE}}},
    {" [ 1.0 , 1e5 ] ", {{"/0", "1.0", OW_JSON_REAL}, {"/1", "1e5", OW_JSON_REAL},
			    {"/2", NULL, 0}, {"", "[ 1.0 , 1e5 ]", OW_JSON_ARRAY}}},
    {" \"x\" ", {{"", "\"x\"", OW_JSON_STRING}, {"/a", NULL, 0}}},
    {"{\"a\":{\"b\":{\"c\":[1,{\"d\":2}]}}}",
	{{"/a/b", "{\"c\":[1,{\"d\":2}]}", OW_JSON_OBJECT},
	    {"/a/b/c/1/d", "2", OW_JSON_INTEGER}, {"/a/b/c", "[1,{\"d\":2}]", OW_JSON_ARRAY},
	    {"/b", NULL, 0}}},
    {"{\"x\":{\"a\":1},\"a\":2,\"y\":{\"a\":3}}", {{"/a", "2", OW_JSON_INTEGER}}},
    {"{\"a\":[[1,2],[3,4]]}", {{"/a/1/0", "3", OW_JSON_INTEGER},
				  {"/a/0/1", "2", OW_JSON_INTEGER}, {"/a/2/0", NULL, 0}}},
    /* A number names an element of an array and a member of an object. */
    {"{\"a\":[7],\"b\":{\"0\":8},\"c\":[9]}",
	{{"/a/0", "7", OW_JSON_INTEGER}, {"/b/0", "8", OW_JSON_INTEGER}, {"/c/00", NULL, 0},
	    {"/c/-", NULL, 0}}},
    {"{\"-\":1,\"00\":2}", {{"/-", "1", OW_JSON_INTEGER}, {"/00", "2", OW_JSON_INTEGER}}},
    {"{\"\":1,\"a/b\":2,\"m~n\":3,\"~1\":4}",
	{{"/", "1", OW_JSON_INTEGER}, {"/a~1b", "2", OW_JSON_INTEGER},
	    {"/m~0n", "3", OW_JSON_INTEGER}, {"/~01", "4", OW_JSON_INTEGER}}},
    /* Names are compared by what they say. */
    {"{\"contact\\u0049d\":1,\"\\u0061\\/b\":2}",
	{{"/contactId", "1", OW_JSON_INTEGER}, {"/a~1b", "2", OW_JSON_INTEGER}}},
    {"{\"\\ud83d\\ude00\":1}", {{"/\xf0\x9f\x98\x80", "1", OW_JSON_INTEGER}}},
    {"{\"caf\xc3\xa9\":1}", {{"/caf\xc3\xa9", "1", OW_JSON_INTEGER}, {"/cafe", NULL, 0}}},
    {"{\"contact\":1,\"contactIds\":2,\"ContactId\":3}", {{"/contactId", NULL, 0}}},
    /* The last of several counts, whole. */
    {"{\"a\":1,\"a\":2}", {{"/a", "2", OW_JSON_INTEGER}}},
    {"{\"d\":{\"c\":\"one\"},\"d\":{\"q\":\"two\"}}",
	{{"/d/c", NULL, 0}, {"/d/q", "\"two\"", OW_JSON_STRING},
	    {"/d", "{\"q\":\"two\"}", OW_JSON_OBJECT}}},
    {"{\"d\":{\"c\":{\"e\":1}},\"\\u0064\":5}",
	{{"/d/c/e", NULL, 0}, {"/d/c", NULL, 0}, {"/d", "5", OW_JSON_INTEGER}}},
    {"{\"a\":{\"b\":1,\"b\":{\"c\":2}},\"x\":0}",
	{{"/a/b/c", "2", OW_JSON_INTEGER}, {"/a/b", "{\"c\":2}", OW_JSON_OBJECT}}},
    {"{\"a\":[1,2,3],\"a\":[4]}", {{"/a/0", "4", OW_JSON_INTEGER}, {"/a/2", NULL, 0}}},
    /* Escaped quotes and brackets inside strings mean nothing. */
    {"{\"s\":\"\\\"}]{[\",\"a\":1}",
	{{"/a", "1", OW_JSON_INTEGER}, {"/s", "\"\\\"}]{[\"", OW_JSON_STRING}}},
};

static void assert_found(
    const char *name, const char *raw, enum ow_json_type type, const struct ow_json *value)
{
	if (!raw) {
		ck_assert_msg(value->type == 0, "%s is found", name);
		return;
	}
	ck_assert_msg(value->type == type, "%s has type %d", name, (int)value->type);
	ck_assert_msg(text_equal(value->raw, text_of(raw)), "%s is %.*s", name,
	    (int)value->raw.len, value->raw.data);
}

START_TEST(collects)
{
	struct pointer_set *set = pointer_set_new();
	struct ow_json values[WANTED_MAX];
	struct json_error error;
	size_t count = 0;
	/* Left over from the body before. */
	memset(values, 0x55, sizeof(values));
	while (count < WANTED_MAX && documents[_i].wanted[count].pointer)
		pointer_add(set, documents[_i].wanted[count++].pointer);
	ck_assert(json_scan(text_of(documents[_i].text), set, values, &error));
	for (size_t i = 0; i < count; i++)
		assert_found(documents[_i].wanted[i].pointer, documents[_i].wanted[i].raw,
		    documents[_i].wanted[i].type, &values[i]);
	pointer_set_free(set);
}
END_TEST

START_TEST(collects_at_the_deepest_level)
{
	struct buf text = BUF_INIT, pointer = BUF_INIT;
	struct pointer_set *set = pointer_set_new();
	struct ow_json value;
	struct json_error error;
	add_times(&text, "[0,", JSON_DEPTH_MAX);
	buf_add_string(&text, "\"x\"");
	add_times(&text, "]", JSON_DEPTH_MAX);
	add_times(&pointer, "/1", JSON_DEPTH_MAX);
	pointer_add(set, pointer.data);
	ck_assert(json_scan(buf_text(&text), set, &value, &error));
	assert_found("the deepest", "\"x\"", OW_JSON_STRING, &value);
	pointer_set_free(set);
	buf_free(&text);
	buf_free(&pointer);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("scan");
	TCase *t = tcase_create("grammar");
	tcase_add_loop_test(t, accepts, 0, sizeof(good) / sizeof(*good));
	tcase_add_loop_test(t, refuses, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_loop_test(t, refuses_not_utf8, 0, sizeof(not_utf8) / sizeof(*not_utf8));
	tcase_add_test(t, refuses_nul_bytes);
	tcase_add_test(t, every_byte_in_a_string);
	tcase_add_test(t, depth_is_limited);
	suite_add_tcase(s, t);
	t = tcase_create("collecting");
	tcase_add_loop_test(t, collects, 0, sizeof(documents) / sizeof(*documents));
	tcase_add_test(t, collects_at_the_deepest_level);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
