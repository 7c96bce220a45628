/* What is remembered of failed attempts. */
#include "route/history.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"
#include "tests/unit/main.h"

static void check(struct history *h, const char *expected)
{
	struct ow_text t = history_text(h);
	ck_assert_msg(text_equal(t, text_of(expected)), "%.*s", (int)t.len, t.data);
}

START_TEST(none)
{
	check(NULL, "");
	struct history *h = history_new(TEXT_NONE);
	check(h, "");
	history_free(h);
	history_free(NULL);
}
END_TEST

START_TEST(in_order)
{
	struct history *h = history_new(TEXT_NONE);
	history_add(h, 17, "500", "the sink answered 500");
	check(h, "[{\"at\":17,\"code\":\"500\",\"why\":\"the sink answered 500\"}]");
	history_add(h, 18, "connect", "\"");
	check(h, "[{\"at\":17,\"code\":\"500\",\"why\":\"the sink answered 500\"},"
		 "{\"at\":18,\"code\":\"connect\",\"why\":\"\\\"\"}]");
	history_free(h);
}
END_TEST

START_TEST(goes_on_after_a_restart)
{
	struct history *h = history_new(text_of("[{\"at\":1},{\"at\":2}]"));
	history_add(h, 3, "c", "w");
	check(h, "[{\"at\":1},{\"at\":2},{\"at\":3,\"code\":\"c\",\"why\":\"w\"}]");
	history_free(h);
}
END_TEST

START_TEST(what_is_no_history_is_none)
{
	const char *const texts[] = {"{}", "[", "[1,\"a\"]", "null"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct history *h = history_new(text_of(texts[i]));
		check(h, "");
		history_free(h);
	}
}
END_TEST

START_TEST(the_newest_are_kept)
{
	struct history *h = history_new(TEXT_NONE);
	struct buf expected = BUF_INIT;
	for (int i = 0; i < HISTORY_MAX + 5; i++) {
		char why[16];
		snprintf(why, sizeof(why), "%d", i);
		history_add(h, i, "c", why);
		if (i >= 5)
			buf_printf(&expected, "%s{\"at\":%d,\"code\":\"c\",\"why\":\"%d\"}",
			    i == 5 ? "[" : ",", i, i);
	}
	buf_add_string(&expected, "]");
	check(h, expected.data);
	buf_free(&expected);
	history_free(h);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/history");
	TCase *t = tcase_create("history");
	tcase_add_test(t, none);
	tcase_add_test(t, in_order);
	tcase_add_test(t, goes_on_after_a_restart);
	tcase_add_test(t, what_is_no_history_is_none);
	tcase_add_test(t, the_newest_are_kept);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
