#include "base/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/main.h"

static bool is_character(uint32_t code)
{
	return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/* Length that a code has in UTF-8: RFC 3629, section 3. */
static size_t length_of(uint32_t code)
{
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

START_TEST(every_character_goes_through)
{
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		char out[4];
		if (!is_character(code))
			continue;
		size_t n = utf8_put(code, out);
		if (n != length_of(code) || utf8_char(out, n) != n || utf8_check(out, n) != n ||
		    (n > 1 && utf8_char(out, n - 1) != 0))
			ck_abort_msg("U+%04X", code);
	}
}
END_TEST

START_TEST(writes_known_characters)
{
	static const struct {
		uint32_t code;
		const char *bytes;
	} known[] = {{'A', "A"}, {0x7f, "\x7f"}, {0x80, "\xc2\x80"}, {0xe9, "\xc3\xa9"},
	    {0x7ff, "\xdf\xbf"}, {0x800, "\xe0\xa0\x80"}, {0x20ac, "\xe2\x82\xac"},
	    {0xd7ff, "\xed\x9f\xbf"}, {0xe000, "\xee\x80\x80"}, {0xffff, "\xef\xbf\xbf"},
	    {0x10000, "\xf0\x90\x80\x80"}, {0x1f600, "\xf0\x9f\x98\x80"},
	    {0x10ffff, "\xf4\x8f\xbf\xbf"}};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		char out[4];
		size_t n = utf8_put(known[i].code, out);
		ck_assert_uint_eq(n, strlen(known[i].bytes));
		ck_assert_mem_eq(out, known[i].bytes, n);
	}
}
END_TEST

/* What utf8_char() must say, worked out from the definition: decode, then look at the code. */
static size_t expected(const unsigned char *p, size_t len)
{
	size_t need = p[0] < 0x80   ? 1
		      : p[0] < 0xc0 ? 0
		      : p[0] < 0xe0 ? 2
		      : p[0] < 0xf0 ? 3
		      : p[0] < 0xf8 ? 4
				    : 0;
	if (need <= 1 || need > len)
		return need == 1;
	uint32_t code = p[0] & (0x7fu >> need);
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	return is_character(code) && length_of(code) == need ? need : 0;
}

static void check(const unsigned char *bytes, size_t len)
{
	/* In a block of its own, so that a sanitizer sees a byte read too far. */
	char *exact = malloc(len);
	memcpy(exact, bytes, len);
	size_t n = utf8_char(exact, len);
	free(exact);
	if (n != expected(bytes, len))
		ck_abort_msg("%02x %02x %02x %02x (%zu): %zu", bytes[0], bytes[1], bytes[2],
		    bytes[3], len, n);
}

/* Every first and second byte, and those at each edge of a range for the others. */
START_TEST(every_edge)
{
	static const unsigned char edges[] = {
	    0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xff};
	enum {
		EDGES = sizeof(edges)
	};
	for (unsigned first = 0; first < 256; first++)
		for (unsigned second = 0; second < 256; second++)
			for (unsigned k = 0; k < EDGES * EDGES; k++) {
				unsigned char bytes[4] = {(unsigned char)first,
				    (unsigned char)second, edges[k / EDGES], edges[k % EDGES]};
				check(bytes, 4);
				/* Cut short, the later bytes make no difference. */
				if (k % EDGES == 0)
					check(bytes, 3);
				if (k == 0)
					check(bytes, 2);
				if (k == 0 && second == 0)
					check(bytes, 1);
			}
}
END_TEST

START_TEST(finds_the_first_bad_byte)
{
	static const struct {
		const char *text;
		size_t len, offset;
	} cases[] = {{"", 0, 0}, {"abc", 3, 3}, {"a\0b", 3, 3}, {"\xff", 1, 0},
	    {"ab\x80", 3, 2}, {"\xc3\xa9\xc3", 3, 2}, {"\xe2\x82\xac\xe2\x82", 5, 3},
	    {"\xc0\x80", 2, 0}, {"x\xed\xa0\x80", 4, 1}, {"\xf4\x90\x80\x80", 4, 0},
	    {"\xf5\x80\x80\x80", 4, 0}, {"\xef\xbb\xbf", 3, 3}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_uint_eq(utf8_check(cases[i].text, cases[i].len), cases[i].offset);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("utf8");
	TCase *t = tcase_create("utf8");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, every_character_goes_through);
	tcase_add_test(t, writes_known_characters);
	tcase_add_test(t, every_edge);
	tcase_add_test(t, finds_the_first_bad_byte);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
