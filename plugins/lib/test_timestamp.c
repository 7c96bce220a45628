#include "tests/unit/main.h"

#include <string.h>
#include <time.h>

#include "base/text.h"
#include "lib/timestamp.h"

static const struct {
	const char *text;
	int64_t ms;
} texts[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00", 0},
    {"1969-12-31T23:59:59.999Z", -1},
    {"2024-05-01T12:00:00Z", 1714564800000},
    {"2024-05-01t12:00:00z", 1714564800000},
    {"2024-05-01 12:00:00Z", 1714564800000},
    {"2024-05-01T14:00:00+02:00", 1714564800000},
    {"2024-05-01T06:30:00-05:30", 1714564800000},
    {"2024-05-01T12:00:00.1Z", 1714564800100},
    {"2024-05-01T12:00:00.123Z", 1714564800123},
    {"2024-05-01T12:00:00.123999999999999999999Z", 1714564800123},
    {"2024-05-01T12:00:60Z", 1714564860000},
    {"2024-02-29T00:00:00Z", 1709164800000},
    {"2000-02-29T00:00:00Z", 951782400000},
    {"0000-01-01T00:00:00Z", -62167219200000},
    {"9999-12-31T23:59:59Z", 253402300799000},
};

static const char *const bad_texts[] = {
    "",
    "yesterday",
    "2024-05-01",
    "2024-05-01T",
    "2024-05-01T12:00Z",
    "2024-05-01T12:00:00.Z",
    "2024-05-01T12:00:00ZZ",
    "2024-05-01T12:00:00+0200",
    "2024-05-01T12:00:00+24:00",
    "2024-05-01T12:00:00+02:60",
    "2024-05-01T24:00:00Z",
    "2024-05-01T12:60:00Z",
    "2024-05-01T12:00:61Z",
    "2024-13-01T12:00:00Z",
    "2024-00-01T12:00:00Z",
    "2024-05-00T12:00:00Z",
    "2024-04-31T12:00:00Z",
    "2023-02-29T12:00:00Z",
    "1900-02-29T12:00:00Z",
    " 2024-05-01T12:00:00Z",
    "1714564800",
    "+024-05-01T12:00:00Z",
};

START_TEST(reads_texts)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		int64_t ms = 77;
		ck_assert_msg(
		    timestamp_of_text(text_of(texts[i].text), &ms), "%s", texts[i].text);
		ck_assert_msg(ms == texts[i].ms, "%s: %lld", texts[i].text, (long long)ms);
	}
}
END_TEST

START_TEST(refuses_texts)
{
	for (size_t i = 0; i < sizeof(bad_texts) / sizeof(*bad_texts); i++) {
		int64_t ms;
		ck_assert_msg(
		    !timestamp_of_text(text_of(bad_texts[i]), &ms), "%s", bad_texts[i]);
	}
}
END_TEST

/* A text cut anywhere is either refused or still a time. */
START_TEST(cut_texts_are_not_read_beyond)
{
	static const char whole[] = "2024-05-01T12:00:00.123+02:00";
	for (size_t len = 0; len < strlen(whole); len++) {
		char *cut = malloc(len + 1);
		int64_t ms;
		memcpy(cut, whole, len);
		bool good = timestamp_of_text(text_span(cut, len), &ms);
		ck_assert_msg(good == (len == 19 || (len >= 21 && len <= 23)), "%zu", len);
		free(cut);
	}
}
END_TEST

/* Each day of 130 years, against the C library. */
START_TEST(counts_days)
{
	for (int64_t day = -25567; day < 22000; day++) {
		time_t seconds = (time_t)(day * 86400);
		struct tm tm;
		char text[64];
		int64_t ms;
		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT00:00:00Z", &tm);
		if (!timestamp_of_text(text_of(text), &ms) || ms != day * 86400000)
			ck_abort_msg("%s", text);
	}
}
END_TEST

START_TEST(reads_numbers)
{
	static const struct {
		const char *raw;
		int64_t ms;
	} numbers[] = {
	    {"0", 0},
	    {"-0", 0},
	    {"1714564800", 1714564800000},
	    {"1714564800.0", 1714564800000},
	    {"1714564800.1239", 1714564800123},
	    {"1.7145648E9", 1714564800000},
	    {"1714564800123", 1714564800123},
	    {"1714564800123.75", 1714564800123},
	    {"99999999999", 99999999999000},
	    {"100000000000", 100000000000},
	    {"-1", -1000},
	    {"-1.5", -1500},
	    {"9999999999999999", 9999999999999999},
	};
	static const char *const bad[] = {
	    "10000000000000000", "1e16", "1e300", "1e-9", "123456789012345678901234567890"};
	int64_t ms;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		const char *raw = numbers[i].raw;
		ck_assert_msg(
		    timestamp_of_number(text_of(raw), strpbrk(raw, ".eE"), &ms), "%s", raw);
		ck_assert_msg(ms == numbers[i].ms, "%s: %lld", raw, (long long)ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(
		    !timestamp_of_number(text_of(bad[i]), strpbrk(bad[i], ".eE"), &ms), "%s",
		    bad[i]);
}
END_TEST

START_TEST(rounds_down)
{
	ck_assert_int_eq(timestamp_round(0, 60000), 0);
	ck_assert_int_eq(timestamp_round(59999, 60000), 0);
	ck_assert_int_eq(timestamp_round(60000, 60000), 60000);
	ck_assert_int_eq(timestamp_round(-1, 60000), -60000);
	ck_assert_int_eq(timestamp_round(-60000, 60000), -60000);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("timestamp");
	TCase *t = tcase_create("times");
	tcase_add_test(t, reads_texts);
	tcase_add_test(t, refuses_texts);
	tcase_add_test(t, cut_texts_are_not_read_beyond);
	tcase_add_test(t, counts_days);
	tcase_add_test(t, reads_numbers);
	tcase_add_test(t, rounds_down);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
