#include "route/wildcard.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tests/unit/main.h"

static struct arena arena;

static bool matches(const char *pattern, const char *text)
{
	const char *problem;
	const struct wildcard *w = wildcard_new(&arena, pattern, &problem);
	ck_assert_msg(w && !problem, "%s: %s", pattern, problem);
	bool answer = wildcard_matches(w, text_of(text));
	arena_free(&arena);
	return answer;
}

static const struct {
	const char *pattern;
	const char *good[6], *bad[6];
} rows[] = {{"abc", {"abc"}, {"ab", "abcd", "", "xabc"}}, {"", {""}, {"a"}},
    {"*", {"", "a", "*", "abc"}, {NULL}}, {"a*", {"a", "ab", "a*"}, {"", "ba"}},
    {"*a", {"a", "ba", "aa"}, {"", "ab"}}, {"a*b", {"ab", "axb", "abb"}, {"a", "b", "aba"}},
    /* what is at both ends does not overlap */
    {"ab*ba", {"abba", "abxba"}, {"aba", "ab"}}, {"aa*aa", {"aaaa", "aaaaa"}, {"aaa", "aa"}},
    {"*a*b*", {"ab", "xaxbx", "aab"}, {"ba", "a", "b"}},
    {"a*b*c", {"abc", "axbxc", "abbcc", "abcbc"}, {"acb", "ac", "abcx"}},
    {"*ab*ab*", {"abab", "xabxabx"}, {"aba", "ab"}},
    {"*aab*", {"aaab", "aabaab"}, {"aba", "aa"}}, {"a\\*b", {"a*b"}, {"ab", "axb", "a\\*b"}},
    {"a\\\\b", {"a\\b"}, {"a\\\\b", "ab"}}, {"\\**", {"*", "*x"}, {"x", ""}},
    {"*\\*", {"*", "x*"}, {"x", "*x"}}, {"\\\\*", {"\\", "\\x"}, {"*", "x"}},
    {"a\\*", {"a*"}, {"a", "ab"}}};

START_TEST(matches_or_not)
{
	for (size_t i = 0; i < 6 && rows[_i].good[i]; i++)
		ck_assert_msg(matches(rows[_i].pattern, rows[_i].good[i]), "%s: %s",
		    rows[_i].pattern, rows[_i].good[i]);
	for (size_t i = 0; i < 6 && rows[_i].bad[i]; i++)
		ck_assert_msg(!matches(rows[_i].pattern, rows[_i].bad[i]), "%s: %s",
		    rows[_i].pattern, rows[_i].bad[i]);
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *pattern, *says;
	} bad[] = {{"**", "in a row"}, {"a**b", "in a row"}, {"a***", "in a row"},
	    {"a\\", "backslash"}, {"a\\b", "backslash"}, {"\\\\\\", "backslash"},
	    {"*\\n", "backslash"}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *problem = NULL;
		ck_assert_ptr_null(wildcard_new(&arena, bad[i].pattern, &problem));
		ck_assert_msg(problem && strstr(problem, bad[i].says), "%s", bad[i].pattern);
		arena_free(&arena);
	}
}
END_TEST

/* A text may hold NUL, and end without one. */
START_TEST(takes_any_bytes)
{
	const char *problem;
	const struct wildcard *w = wildcard_new(&arena, "a*b", &problem);
	ck_assert(wildcard_matches(w, text_span("a\0\0b", 4)));
	ck_assert(!wildcard_matches(w, text_span("a\0b", 2)));
	ck_assert(!wildcard_matches(w, text_span("", 0)));
	arena_free(&arena);
}
END_TEST

/* With a search that tries again from earlier places this would not end today. */
START_TEST(never_goes_back)
{
	struct buf pattern = BUF_INIT, text = BUF_INIT;
	const char *problem;
	for (int i = 0; i < 100; i++)
		buf_add_string(&pattern, "*a");
	buf_add_string(&pattern, "*b*c");
	for (int i = 0; i < 1000000; i++)
		buf_add_char(&text, 'a');
	buf_add_char(&text, 'c');
	const struct wildcard *w = wildcard_new(&arena, pattern.data, &problem);
	ck_assert(!wildcard_matches(w, buf_text(&text)));
	text.data[text.len / 2] = 'b';
	ck_assert(wildcard_matches(w, buf_text(&text)));
	arena_free(&arena);
	buf_free(&pattern);
	buf_free(&text);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("wildcard");
	TCase *t = tcase_create("wildcard");
	tcase_add_loop_test(t, matches_or_not, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, refuses);
	tcase_add_test(t, takes_any_bytes);
	tcase_add_test(t, never_goes_back);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
