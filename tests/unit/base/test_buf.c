#include "base/buf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "tests/unit/main.h"

START_TEST(collects_what_is_added)
{
	struct buf b = BUF_INIT;
	ck_assert_uint_eq(buf_text(&b).len, 0);
	ck_assert_ptr_nonnull(buf_text(&b).data);
	buf_add(&b, "ab\0c", 4);
	buf_add(&b, NULL, 0);
	buf_add_text(&b, text_of("def"));
	buf_add_string(&b, "gh");
	buf_add_char(&b, 'i');
	buf_printf(&b, "<%d,%s>", 7, "x");
	ck_assert_uint_eq(b.len, 10 + 5);
	ck_assert_mem_eq(b.data, "ab\0cdefghi<7,x>", b.len);
	buf_free(&b);
}
END_TEST

START_TEST(ends_with_nul_at_all_times)
{
	struct buf b = BUF_INIT;
	struct random random;
	char expected[4000] = "";
	random_init_seeded(&random, 3);
	for (size_t len = 0; len < 3500;) {
		size_t n = random_below(&random, 100);
		char part[100];
		memset(part, 'a' + (int)(len % 26), sizeof(part));
		memcpy(expected + len, part, n);
		buf_add(&b, part, n);
		len += n;
		expected[len] = '\0';
		ck_assert_uint_eq(b.len, len);
		ck_assert_str_eq(b.data, expected);
	}
	buf_clear(&b);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_str_eq(b.data, "");
	buf_free(&b);
	ck_assert_ptr_null(b.data);
	buf_clear(&b);
	buf_free(&b);
}
END_TEST

/* Around the sizes at which it has to grow in the middle of formatting. */
START_TEST(formats_at_any_length)
{
	for (int len = 0; len < 600; len++) {
		struct buf b = BUF_INIT;
		buf_add_string(&b, "x");
		buf_printf(&b, "%*d", len, 5);
		size_t expected = 1 + (size_t)(len ? len : 1);
		ck_assert_uint_eq(b.len, expected);
		ck_assert_uint_eq(strlen(b.data), expected);
		ck_assert_int_eq(b.data[expected - 1], '5');
		buf_free(&b);
	}
}
END_TEST

START_TEST(gives_its_bytes_away)
{
	struct buf b = BUF_INIT;
	char *taken = buf_take(&b);
	ck_assert_str_eq(taken, "");
	free(taken);
	buf_add_string(&b, "mine");
	taken = buf_take(&b);
	ck_assert_str_eq(taken, "mine");
	free(taken);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_ptr_null(b.data);
}
END_TEST

static void json_is(const char *data, size_t len, const char *expected)
{
	struct buf b = BUF_INIT;
	buf_add_json(&b, text_span(data, len));
	ck_assert_str_eq(b.data, expected);
	buf_free(&b);
}

#define JSON(literal, expected) json_is(literal, sizeof(literal) - 1, expected)
#define REPLACED		"\xef\xbf\xbd"

START_TEST(writes_json_strings)
{
	JSON("", "\"\"");
	json_is(NULL, 0, "\"\"");
	JSON("plain / text", "\"plain / text\"");
	JSON("\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
	JSON("\x00\x01\x1f\x7f", "\"\\u0000\\u0001\\u001f\x7f\"");
	JSON(
	    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	JSON("a\nb", "\"a\\nb\"");
}
END_TEST

START_TEST(repairs_what_is_not_utf8)
{
	JSON("\xff", "\"" REPLACED "\"");
	JSON("a\x80z", "\"a" REPLACED "z\"");
	/* Each byte that is no part of a character is replaced on its own. */
	JSON("\xc3", "\"" REPLACED "\"");
	JSON("\xe2\x82", "\"" REPLACED REPLACED "\"");
	JSON("\xed\xa0\x80", "\"" REPLACED REPLACED REPLACED "\"");
	JSON("\xc0\xaf\"", "\"" REPLACED REPLACED "\\\"\"");
	JSON("\xc3\xa9\xc3", "\"\xc3\xa9" REPLACED "\"");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("buf");
	TCase *t = tcase_create("buf");
	tcase_add_test(t, collects_what_is_added);
	tcase_add_test(t, ends_with_nul_at_all_times);
	tcase_add_test(t, formats_at_any_length);
	tcase_add_test(t, gives_its_bytes_away);
	tcase_add_test(t, writes_json_strings);
	tcase_add_test(t, repairs_what_is_not_utf8);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
