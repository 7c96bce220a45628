#include "tests/unit/main.h"

#include "base/text.h"
#include "json/string.h"

static const struct {
	const char *raw;
	const char *text;
	size_t len;
} strings[] = {
    {"\"\"", "", 0},
    {"\"abc\"", "abc", 3},
    {"\"caf\xc3\xa9\"", "caf\xc3\xa9", 5},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
    {"\"a\\u0062c\"", "abc", 3},
    {"\"\\u0000\"", "\0", 1},
    {"\"x\\u0000y\"", "x\0y", 3},
    {"\"\\u007f\\u0080\\u07ff\\u0800\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80", 8},
    {"\"\\uFFFF\\uffff\"", "\xef\xbf\xbf\xef\xbf\xbf", 6},
    {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4},
    {"\"\\uD800\\uDC00\\udbff\\udfff!\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf!", 9},
    {"\"\\\\u0041\"", "\\u0041", 6},
    {"\"tail\\\\\"", "tail\\", 5},
};

START_TEST(decodes)
{
	char out[64];
	struct ow_text raw = text_of(strings[_i].raw);
	ck_assert_uint_ge(json_string_room(raw), strings[_i].len);
	ck_assert_uint_eq(json_string_decode(raw, out), strings[_i].len);
	ck_assert_mem_eq(out, strings[_i].text, strings[_i].len);
}
END_TEST

START_TEST(compares)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		struct ow_text text = text_span(strings[i].text, strings[i].len);
		bool equal = text_equal(text, text_span(strings[_i].text, strings[_i].len));
		ck_assert_int_eq(json_string_is(text_of(strings[_i].raw), text), equal);
	}
}
END_TEST

START_TEST(knows_plain_ones)
{
	ck_assert(json_string_plain(text_of("\"abc \xc3\xa9\"")));
	ck_assert(json_string_plain(text_of("\"\"")));
	ck_assert(!json_string_plain(text_of("\"a\\/b\"")));
	ck_assert(!json_string_plain(text_of("\"\\u0041\"")));
}
END_TEST

START_TEST(compares_beginnings)
{
	ck_assert(!json_string_is(text_of("\"ab\""), text_of("abc")));
	ck_assert(!json_string_is(text_of("\"abc\""), text_of("ab")));
	ck_assert(!json_string_is(text_of("\"a\\u00e9\""), text_span("a\xc3", 2)));
	ck_assert(!json_string_is(text_of("\"a\""), TEXT_NONE));
	ck_assert(json_string_is(text_of("\"\""), text_of("")));
}
END_TEST

static Suite *suite(void)
{
	int count = sizeof(strings) / sizeof(*strings);
	Suite *s = suite_create("string");
	TCase *t = tcase_create("string");
	tcase_add_loop_test(t, decodes, 0, count);
	tcase_add_loop_test(t, compares, 0, count);
	tcase_add_test(t, knows_plain_ones);
	tcase_add_test(t, compares_beginnings);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
