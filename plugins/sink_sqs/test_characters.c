#include "sink_sqs/characters.h"

#include <string.h>

#include "tests/unit/main.h"

#define TEXT(literal)                                                                          \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}
#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct ow_text good[] = {
    TEXT(""), TEXT("\t\n\r ~\x7f"), TEXT("\xc2\x80\xed\x9f\xbf"), /* U+0080, U+D7FF */
    TEXT("\xee\x80\x80\xef\xbf\xbd"),				  /* U+E000, U+FFFD */
    TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),			  /* U+10000, U+10FFFF */
    TEXT("\xef\xb7\x90"),					  /* U+FDD0 */
};

START_TEST(takes)
{
	ck_assert_ptr_null(characters_fault(good[_i]));
}
END_TEST

static const struct {
	struct ow_text text;
	const char *fault;
} bad[] = {
    {TEXT("a\0"), "control character"},
    {TEXT("\x01"), "control character"},
    {TEXT("ab\x08"), "control character"},
    {TEXT("\x0b"), "control character"},
    {TEXT("\x0c"), "control character"},
    {TEXT("\x0e"), "control character"},
    {TEXT("x\x1f"), "control character"},
    {TEXT("a\xef\xbf\xbe"), "U+FFFE"},
    {TEXT("\xef\xbf\xbf."), "U+FFFE"},
    {TEXT("\xed\xa0\x80"), "not UTF-8"}, /* a surrogate */
    {TEXT("\xff"), "not UTF-8"},
    {TEXT("a\xef\xbf"), "not UTF-8"},
    {TEXT("\xf4\x90\x80\x80"), "not UTF-8"},
};

START_TEST(refuses)
{
	const char *fault = characters_fault(bad[_i].text);
	ck_assert_ptr_nonnull(fault);
	ck_assert_msg(strstr(fault, bad[_i].fault), "%s", fault);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("characters");
	TCase *t = tcase_create("characters");
	tcase_add_loop_test(t, takes, 0, COUNT(good));
	tcase_add_loop_test(t, refuses, 0, COUNT(bad));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
