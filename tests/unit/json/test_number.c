#include "tests/unit/main.h"

#include "base/buf.h"
#include "base/text.h"
#include "json/number.h"

/* The least number that rounds to infinity, 2^1024 - 2^970, and the one below it. */
#define HALFWAY_HEAD                                                                           \
	"17976931348623158079372897140530341507993413271003782693617377"                       \
	"89804449682927647509466490179775872070963302864166928879109465"                       \
	"55547851940402630657488671505820681908902000708383676273854845"                       \
	"81771153176447573027006985557136695962284291481986083493647529"                       \
	"271907416844436551070434271155969950809304288017790417449779"
#define LEAST_TOO_LARGE HALFWAY_HEAD "2"
#define JUST_BELOW	HALFWAY_HEAD "1"

static const char *const representable[] = {
    "0.0",
    "-0.0",
    "1.5",
    "1e308",
    "-1e308",
    "1e+308",
    "1E308",
    "10e307",
    "0.1e309",
    "1.7976931348623157e308",
    "1.7976931348623158e308",
    "-1.7976931348623158e308",
    "17976931348623157e292",
    "0.00017976931348623157e312",
    JUST_BELOW ".0",
    JUST_BELOW ".9999999999999999999999999999",
    JUST_BELOW "e0",
    JUST_BELOW "000e-3",
    "1e-400",
    "-1e-400",
    "1e-99999999999999999999999999",
    "0e400",
    "0.0e99999999999999999999",
    "-0e309",
    "0.000e0",
    "123456789.987654321",
    "9e-324",
    "1e00000000000000000000308",
};

static const char *const overflowing[] = {
    "1e309",
    "-1e309",
    "1e400",
    "1e+400",
    "1E400",
    "10e308",
    "0.1e310",
    "0.001e312",
    "1.7976931348623159e308",
    "-1.7976931348623159e308",
    "1.8e308",
    "2e308",
    "9.99e308",
    LEAST_TOO_LARGE ".0",
    LEAST_TOO_LARGE "e0",
    LEAST_TOO_LARGE "000e-3",
    LEAST_TOO_LARGE ".00000000000001",
    "0.0" LEAST_TOO_LARGE "e310",
    "1e99999999999999999999999999",
    "1e00000000000000000000309",
};

START_TEST(in_range)
{
	struct ow_text raw = text_of(representable[_i]);
	ck_assert_msg(!json_number_overflows(raw), "%s", representable[_i]);
}
END_TEST

START_TEST(out_of_range)
{
	struct ow_text raw = text_of(overflowing[_i]);
	ck_assert_msg(json_number_overflows(raw), "%s", overflowing[_i]);
}
END_TEST

/* As many zeros as an exponent takes away again, on either side of the point. */
START_TEST(long_texts)
{
	struct buf b = BUF_INIT;
	for (int i = 0; i < 100000; i++)
		buf_add_char(&b, i ? '0' : '1');
	buf_add_string(&b, ".0");
	ck_assert(json_number_overflows(buf_text(&b)));
	buf_add_string(&b, "e-99700");
	ck_assert(!json_number_overflows(buf_text(&b)));
	buf_clear(&b);
	buf_add_string(&b, "0.");
	for (int i = 0; i < 100000; i++)
		buf_add_char(&b, '0');
	buf_add_string(&b, "1e100309");
	ck_assert(!json_number_overflows(buf_text(&b)));
	b.data[b.len - 3] = '4';
	ck_assert(json_number_overflows(buf_text(&b)));
	buf_free(&b);
}
END_TEST

/* ---- by value ---- */

static const char *const ascending[] = {"-1e400", "-12345678901234567890.5",
    "-12345678901234567890", "-10", "-9.99", "-1.0000000000000000000001", "-1", "-1e-300", "0",
    "1e-400", "1e-300", "0.001", "0.0010000000000000000001", "0.01", "0.1", "0.11", "0.9", "1",
    "1.1", "9", "9.5", "10", "99", "100", "100.01", "1763740800000", "9007199254740992",
    "9007199254740993", "12345678901234567890", "1e100", "1.1e100", "2e100"};
#define ASCENDING ((int)(sizeof(ascending) / sizeof(*ascending)))

START_TEST(compares_by_value)
{
	for (int i = 0; i < ASCENDING; i++) {
		int got = json_number_compare(text_of(ascending[_i]), text_of(ascending[i]));
		int want = (_i > i) - (_i < i);
		ck_assert_msg((got > 0) - (got < 0) == want, "%s with %s: %d", ascending[_i],
		    ascending[i], got);
	}
}
END_TEST

static const char *const equal[][2] = {{"0", "-0"}, {"0", "0.00"}, {"0e5", "0"},
    {"0.0e-7", "-0"}, {"300", "300.0"}, {"300", "3.0e2"}, {"3E+2", "0.3e3"},
    {"301.8", "3.018e2"}, {"0.001", "1e-3"}, {"0.00100", "10e-4"}, {"-5.50", "-55e-1"},
    {"1000000000000000000000000", "1e24"}, {"100e-2", "1"}};

START_TEST(knows_the_same_number)
{
	struct ow_text a = text_of(equal[_i][0]), b = text_of(equal[_i][1]);
	ck_assert_msg(json_number_compare(a, b) == 0, "%s, %s", a.data, b.data);
	ck_assert_msg(json_number_compare(b, a) == 0, "%s, %s", b.data, a.data);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("number");
	TCase *t = tcase_create("number");
	tcase_add_loop_test(t, in_range, 0, sizeof(representable) / sizeof(*representable));
	tcase_add_loop_test(t, out_of_range, 0, sizeof(overflowing) / sizeof(*overflowing));
	tcase_add_test(t, long_texts);
	tcase_add_loop_test(t, compares_by_value, 0, ASCENDING);
	tcase_add_loop_test(t, knows_the_same_number, 0, sizeof(equal) / sizeof(*equal));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
