#include "lib/utf8.h"

#include <string.h>

#include "tests/unit/main.h"

static const char *const valid[] = {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
    "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
    "eight bytes and \xc3\xa9 then some more", "1234567\xc3\xa9", "12345678\xc3\xa9"};

static const char *const invalid[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(",
    "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
    "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xf0\x90\x80", "12345678\xff",
    "1234567\xc3", "\xe2\x28\xa1"};

START_TEST(valid_ones)
{
	ck_assert(utf8_valid((struct ow_text){valid[_i], strlen(valid[_i])}));
}
END_TEST

START_TEST(invalid_ones)
{
	ck_assert(!utf8_valid((struct ow_text){invalid[_i], strlen(invalid[_i])}));
}
END_TEST

START_TEST(cutting)
{
	struct ow_text text = {"a\xc3\xa9\xf0\x9f\x98\x80z", 8};
	static const size_t cut[] = {0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
	for (size_t max = 0; max < sizeof(cut) / sizeof(*cut); max++)
		ck_assert_uint_eq(utf8_cut(text, max), cut[max]);
	ck_assert(utf8_valid((struct ow_text){"a\0b", 3}));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("utf8");
	TCase *t = tcase_create("utf8");
	tcase_add_loop_test(t, valid_ones, 0, sizeof(valid) / sizeof(*valid));
	tcase_add_loop_test(t, invalid_ones, 0, sizeof(invalid) / sizeof(*invalid));
	tcase_add_test(t, cutting);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
