#include "base/conceal.h"

#include <string.h>

#include "tests/unit/main.h"

static void expect(const char *secret, const char *text, const char *expected)
{
	const char *const items[] = {"never there", secret};
	struct buf b = BUF_INIT;
	buf_add_string(&b, text);
	conceal(&b, (struct ow_list){items, 2});
	ck_assert_str_eq(b.data, expected);
	ck_assert_uint_eq(b.len, strlen(expected));
	buf_free(&b);
}

START_TEST(takes_secrets_out)
{
	expect("hunter2", "hunter2", "the value given");
	expect("hunter2", "xhunter2hunter2 hunter", "xthe value giventhe value given hunter");
	expect("hunter2", "cannot open `hunter2`: no", "cannot open `the value given`: no");
	expect("hunter2", "nothing to see", "nothing to see");
	expect("hunter2", "", "");
	expect("", "text", "text");
	expect("aaab", "aaaaaab", "aaathe value given");
}
END_TEST

START_TEST(takes_beginnings_out)
{
	expect("/secret/of/mine", "cannot open /secret/of", "cannot open the value given");
	expect("/secret/of/mine", "cannot open /secret", "cannot open /secret");
}
END_TEST

/* A secret such as `1` must not make messages unreadable. */
START_TEST(short_ones_only_in_quotes)
{
	expect("1", "must be 1 to 10, not `1`", "must be 1 to 10, not `the value given`");
	expect("a", "a `a", "a `a");
	expect("abc", "abc `abcd` `abc`", "abc `abcd` `the value given`");
	expect("abcd", "abcd", "the value given");
}
END_TEST

START_TEST(takes_all_of_them_out)
{
	const char *const items[] = {"first", "second"};
	struct buf b = BUF_INIT;
	buf_add_string(&b, "second before first");
	conceal(&b, (struct ow_list){items, 2});
	ck_assert_str_eq(b.data, "the value given before the value given");
	conceal(&b, (struct ow_list){NULL, 0});
	ck_assert_str_eq(b.data, "the value given before the value given");
	buf_free(&b);
}
END_TEST

static void expect_all(
    const char *const *items, size_t count, const char *text, const char *expected)
{
	struct buf b = BUF_INIT;
	buf_add_string(&b, text);
	conceal(&b, (struct ow_list){items, count});
	ck_assert_str_eq(b.data, expected);
	buf_free(&b);
}

/* Whatever the order: nothing of the longer one is left over. */
START_TEST(one_secret_in_another)
{
	static const char *const orders[][2] = {
	    {"token", "token-of-mine"}, {"token-of-mine", "token"}};
	for (int i = 0; i < 2; i++) {
		expect_all(orders[i], 2, "`token-of-mine`, token-of",
		    "`the value given`, the value given");
		expect_all(orders[i], 2, "token-o token", "the value given-o the value given");
	}
	static const char *const inside[] = {"mine", "token-mine-it"};
	expect_all(inside, 2, "token-mine-it mine", "the value given the value given");
	static const char *const overlapping[] = {"token-mine", "mine-it"};
	expect_all(overlapping, 2, "a token-mine-it", "a the value given");
	/* What is put in is not searched. */
	static const char *const words[] = {"secret", "value"};
	expect_all(words, 2, "a secret", "a the value given");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("conceal");
	TCase *t = tcase_create("conceal");
	tcase_add_test(t, takes_secrets_out);
	tcase_add_test(t, takes_beginnings_out);
	tcase_add_test(t, short_ones_only_in_quotes);
	tcase_add_test(t, takes_all_of_them_out);
	tcase_add_test(t, one_secret_in_another);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
