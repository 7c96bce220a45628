#include "base/text.h"

#include <stdint.h>
#include <stdio.h>

#include "base/random.h"
#include "tests/unit/main.h"

START_TEST(compares)
{
	ck_assert(text_equal(TEXT_NONE, text_of("")));
	ck_assert(text_equal(text_of("ab"), text_span("abc", 2)));
	ck_assert(!text_equal(text_of("ab"), text_of("abc")));
	ck_assert(!text_equal(text_of("ab"), text_of("aB")));
	ck_assert(!text_equal(text_span("a\0b", 3), text_span("a\0c", 3)));
	ck_assert_uint_eq(text_of(NULL).len, 0);
}
END_TEST

START_TEST(compares_without_case)
{
	ck_assert(text_equal_nocase(text_of("Content-LENGTH"), text_of("content-length")));
	ck_assert(text_equal_nocase(TEXT_NONE, text_of("")));
	ck_assert(!text_equal_nocase(text_of("a"), text_of("ab")));
	/* The neighbours of the letters are no letters, and no other alphabet has any. */
	ck_assert(!text_equal_nocase(text_of("@[`{"), text_of("`{@[")));
	ck_assert(!text_equal_nocase(text_of("\xc3\x84"), text_of("\xc3\xa4")));
	for (int c = 0; c < 256; c++) {
		char a = (char)c, b = (char)(c ^ 0x20);
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		ck_assert_int_eq(text_equal_nocase(text_span(&a, 1), text_span(&b, 1)), letter);
	}
}
END_TEST

START_TEST(compares_ends)
{
	struct ow_text t = text_of("abcAB");
	ck_assert(text_begins_with(t, text_of("ab")) && text_ends_with(t, text_of("AB")));
	ck_assert(!text_begins_with(t, text_of("AB")) && !text_ends_with(t, text_of("ab")));
	ck_assert(text_begins_with(t, t) && text_ends_with(t, t));
	ck_assert(text_begins_with(t, text_of("")) && text_ends_with(t, text_of("")));
	ck_assert(!text_begins_with(text_of("a"), text_of("ab")));
	ck_assert(!text_ends_with(text_of("b"), text_of("ab")));
	ck_assert(text_begins_with_nocase(t, text_of("ABc")));
	ck_assert(text_ends_with_nocase(t, text_of("cab")));
	ck_assert(!text_begins_with_nocase(t, text_of("b")));
	ck_assert(!text_ends_with_nocase(t, text_of("a")));
	ck_assert(!text_begins_with_nocase(text_of("a"), text_of("ab")));
	ck_assert(!text_ends_with_nocase(text_of("b"), text_of("ab")));
}
END_TEST

START_TEST(stores_what_has_room)
{
	char out[4] = "xxx";
	text_store(out, sizeof(out), "ab");
	ck_assert_str_eq(out, "ab");
	text_store(out, sizeof(out), "abc");
	ck_assert_str_eq(out, "abc");
	text_store(out, sizeof(out), "abcd");
	ck_assert_str_eq(out, "abc");
	text_store(out, sizeof(out), NULL);
	ck_assert_str_eq(out, "");
	text_store(out, 1, "abcd");
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(trims_spaces_and_tabs_only)
{
	ck_assert(text_equal(text_trim(text_of(" \t a b \t")), text_of("a b")));
	ck_assert(text_equal(text_trim(text_of("a")), text_of("a")));
	ck_assert(text_equal(text_trim(text_of(" \t ")), text_of("")));
	ck_assert(text_equal(text_trim(TEXT_NONE), text_of("")));
	ck_assert(text_equal(text_trim(text_of("\r\n a\v")), text_of("\r\n a\v")));
}
END_TEST

START_TEST(reads_hexadecimal_digits)
{
	static const char digits[] = "0123456789abcdef", others[] = "/:@`gG\x10\x19 \xc1";
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(text_hex_digit(digits[i]), i);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(text_hex_digit("ABCDEF"[i]), 10 + i);
	for (size_t i = 0; i < sizeof(others); i++)
		ck_assert_int_eq(text_hex_digit(others[i]), -1);
}
END_TEST

static void number_is(const char *text, int64_t max, int64_t expected)
{
	int64_t n = -1;
	ck_assert_msg(text_number(text_of(text), max, &n), "%s", text);
	ck_assert_int_eq(n, expected);
}

static void no_number(const char *text, int64_t max)
{
	int64_t n = -1;
	ck_assert_msg(!text_number(text_of(text), max, &n), "%s", text);
	ck_assert_int_eq(n, -1);
}

START_TEST(reads_numbers)
{
	number_is("0", 0, 0);
	number_is("7", 7, 7);
	number_is("0000000000000000000000042", 42, 42);
	number_is("9223372036854775807", INT64_MAX, INT64_MAX);
	number_is("65535", 65535, 65535);
	no_number("65536", 65535);
	no_number("8", 7);
	no_number("1", 0);
	no_number("10", 9);
	no_number("9223372036854775808", INT64_MAX);
	no_number("9223372036854775810", INT64_MAX);
	no_number("99999999999999999999", INT64_MAX);
	no_number("", 100);
	no_number("-1", 100);
	no_number("+1", 100);
	no_number(" 1", 100);
	no_number("1 ", 100);
	no_number("1.0", 100);
	no_number("0x1", 100);
	no_number("/", 100);
	no_number(":", 100);
}
END_TEST

START_TEST(reads_numbers_up_to_any_bound)
{
	struct random random;
	char text[32];
	random_init_seeded(&random, 2);
	for (int i = 0; i < 10000; i++) {
		int64_t max =
		    (int64_t)(random_below(&random, INT64_MAX) >> random_below(&random, 60));
		int64_t n = (int64_t)random_below(&random, (uint64_t)max + 1);
		snprintf(text, sizeof(text), "%lld", (long long)n);
		number_is(text, max, n);
		snprintf(text, sizeof(text), "%lld", (long long)max);
		number_is(text, max, max);
		if (max > 0)
			no_number(text, max - 1);
	}
}
END_TEST

static const struct {
	const char *a, *b;
	unsigned distance;
} distances[] = {
    {"", "", 0},
    {"a", "", 1},
    {"", "abc", 3},
    {"window", "window", 0},
    {"windov", "window", 1},
    {"windw", "window", 1},
    {"winddow", "window", 1},
    {"widnow", "window", 1}, /* neighbours swapped */
    {"iwndow", "window", 1},
    {"windwo", "window", 1},
    {"kitten", "sitting", 3},
    {"saturday", "sunday", 3},
    {"abcdef", "badcfe", 3},
    {"ca", "abc", 3}, /* a swapped pair is not edited again */
    {"abc", "xyz", 3},
};

START_TEST(knows_how_far_apart)
{
	for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
		ck_assert_msg(
		    text_distance(distances[i].a, distances[i].b) == distances[i].distance,
		    "%s %s: %u", distances[i].a, distances[i].b,
		    text_distance(distances[i].a, distances[i].b));
		ck_assert_uint_eq(
		    text_distance(distances[i].b, distances[i].a), distances[i].distance);
	}
}
END_TEST

START_TEST(long_texts_are_far_apart)
{
	char longest[65], longer[66];
	memset(longest, 'a', 64);
	memset(longer, 'a', 65);
	longest[64] = longer[65] = '\0';
	ck_assert_uint_eq(text_distance(longest, longest), 0);
	ck_assert_uint_eq(text_distance(longest, ""), 64);
	ck_assert_uint_ge(text_distance(longer, longer), 64);
	ck_assert_uint_ge(text_distance("a", longer), 64);
	ck_assert_uint_ge(text_distance(longer, "a"), 64);
}
END_TEST

/* One random edit is never more than one step, and few edits never more than their number. */
START_TEST(edits_are_counted)
{
	struct random random;
	random_init_seeded(&random, 6);
	for (int i = 0; i < 5000; i++) {
		char a[40], b[48];
		size_t len = random_below(&random, 30) + 2;
		for (size_t k = 0; k < len; k++)
			a[k] = (char)('a' + random_below(&random, 4));
		a[len] = '\0';
		memcpy(b, a, len + 1);
		unsigned edits = (unsigned)random_below(&random, 4);
		for (unsigned e = 0; e < edits; e++) {
			size_t now = strlen(b), at = random_below(&random, now - 1);
			switch (random_below(&random, 3)) {
			case 0:
				b[at] = (char)('a' + random_below(&random, 5));
				break;
			case 1:
				memmove(b + at + 1, b + at, now - at + 1);
				b[at] = 'z';
				break;
			default:
				if (now > 4)
					memmove(b + at, b + at + 1, now - at);
			}
		}
		ck_assert_uint_le(text_distance(a, b), edits);
		ck_assert_int_eq(text_distance(a, b) == 0, strcmp(a, b) == 0);
	}
}
END_TEST

START_TEST(tells_json_numbers_from_other_texts)
{
	static const char *const numbers[] = {"0", "-0", "7", "-12", "300.0", "0.001", "1e5",
	    "1E+2", "-0.5e-7", "100000000000000000000000000000001", "1e999"};
	static const char *const other[] = {"", "-", "+1", ".5", "1.", "01", "-01", "1e", "1e+",
	    "1.e5", "0x10", "1_000", " 1", "1 ", "1a", "NaN", "Infinity", "1,5", "--1",
	    "1e5.0"};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		ck_assert_msg(text_is_json_number(text_of(numbers[i])), "%s", numbers[i]);
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++)
		ck_assert_msg(!text_is_json_number(text_of(other[i])), "%s", other[i]);
	ck_assert(text_is_json_number(text_span("12x", 2)));
	ck_assert(!text_is_json_number(text_span("1e5", 2)));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");
	tcase_add_test(t, compares);
	tcase_add_test(t, compares_without_case);
	tcase_add_test(t, compares_ends);
	tcase_add_test(t, stores_what_has_room);
	tcase_add_test(t, reads_hexadecimal_digits);
	tcase_add_test(t, trims_spaces_and_tabs_only);
	tcase_add_test(t, reads_numbers);
	tcase_add_test(t, reads_numbers_up_to_any_bound);
	tcase_add_test(t, knows_how_far_apart);
	tcase_add_test(t, long_texts_are_far_apart);
	tcase_add_test(t, edits_are_counted);
	tcase_add_test(t, tells_json_numbers_from_other_texts);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
