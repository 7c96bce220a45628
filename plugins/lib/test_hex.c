#include <string.h>

#include "lib/hex.h"
#include "tests/unit/main.h"

START_TEST(writes_two_digits_a_byte)
{
	char out[] = "????????????????????";
	hex_write(out, "\x00\x01\x0f\x10\x7f\x80\xab\xff", 8);
	ck_assert_str_eq(out, "00010f107f80abff????");
}
END_TEST

START_TEST(writes_nothing_for_nothing)
{
	char out[] = "?";
	hex_write(out, "", 0);
	ck_assert_str_eq(out, "?");
}
END_TEST

START_TEST(reads_a_digit_of_either_case_and_nothing_else)
{
	static const char digits[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
	int good = 0;
	for (int i = 0; i < 16; i++) {
		ck_assert_int_eq(hex_value(digits[i]), i);
		ck_assert_int_eq(hex_value(upper[i]), i);
	}
	for (int c = -128; c < 128; c++)
		good += hex_value((char)c) >= 0;
	ck_assert_int_eq(good, 22);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("hex");
	TCase *t = tcase_create("hex");
	tcase_add_test(t, writes_two_digits_a_byte);
	tcase_add_test(t, writes_nothing_for_nothing);
	tcase_add_test(t, reads_a_digit_of_either_case_and_nothing_else);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
