#include "conf/report.h"

#include "tests/unit/conf/fixture.h"
#include "tests/unit/main.h"

static struct conf_mark at(int line, int column)
{
	return (struct conf_mark){"f.yaml", line, column};
}

START_TEST(prints_in_order_of_marks)
{
	struct fixture f;
	fixture_open(&f);
	conf_error(&f.report, at(3, 1), "third");
	conf_warning(&f.report, at(1, 10), "second of the line");
	conf_error(&f.report, at(1, 9), "%s", "first of the line");
	conf_error(&f.report, at(0, 0), "the whole");
	conf_error(&f.report, at(1, 10), "later at the same place");
	ck_assert_str_eq(fixture_printed(&f), "f.yaml: error: the whole\n"
					      "f.yaml:1:9: error: first of the line\n"
					      "f.yaml:1:10: warning: second of the line\n"
					      "f.yaml:1:10: error: later at the same place\n"
					      "f.yaml:3:1: error: third\n");
	ck_assert_int_eq(f.report.errors, 4);
	ck_assert_int_eq(f.report.warnings, 1);
	ck_assert_str_eq(conf_report_text(&f.report), "third");
	fixture_close(&f);
}
END_TEST

START_TEST(keeps_files_apart)
{
	struct fixture f;
	fixture_open(&f);
	conf_error(&f.report, (struct conf_mark){"b.yaml", 1, 1}, "x");
	conf_error(&f.report, (struct conf_mark){"a.yaml", 2, 1}, "x");
	conf_error(&f.report, (struct conf_mark){NULL, 0, 0}, "no file");
	ck_assert_str_eq(fixture_printed(&f), "configuration: error: no file\n"
					      "a.yaml:2:1: error: x\n"
					      "b.yaml:1:1: error: x\n");
	fixture_close(&f);
}
END_TEST

START_TEST(same_complaint_counts_once)
{
	struct fixture f;
	fixture_open(&f);
	conf_error(&f.report, at(1, 1), "x");
	conf_error(&f.report, at(1, 1), "x");
	conf_warning(&f.report, at(1, 1), "x");
	ck_assert_str_eq(fixture_printed(&f), "f.yaml:1:1: error: x\nf.yaml:1:1: warning: x\n");
	ck_assert_int_eq(f.report.errors, 1);
	ck_assert_int_eq(f.report.warnings, 1);
	fixture_close(&f);
}
END_TEST

START_TEST(file_name_may_go_before_the_report)
{
	struct fixture f;
	fixture_open(&f);
	char name[] = "b.yaml";
	conf_error(&f.report, (struct conf_mark){name, 1, 1}, "x");
	conf_error(&f.report, (struct conf_mark){"c.yaml", 1, 1}, "x");
	memset(name, 'z', sizeof(name) - 1);
	ck_assert_str_eq(fixture_printed(&f), "b.yaml:1:1: error: x\nc.yaml:1:1: error: x\n");
	fixture_close(&f);
}
END_TEST

START_TEST(stays_one_harmless_line)
{
	struct fixture f;
	fixture_open(&f);
	conf_error(&f.report, at(1, 1), "a\nb\x1b[2J\x7f \xc2\x9b é \xff \xe2\x82\xac");
	ck_assert_str_eq(fixture_printed(&f),
	    "f.yaml:1:1: error: a\\x0ab\\x1b[2J\\x7f \\xc2\\x9b é \\xff \xe2\x82\xac\n");
	fixture_close(&f);
}
END_TEST

START_TEST(is_bounded)
{
	struct fixture f;
	fixture_open(&f);
	for (int i = 1; i <= CONF_COMPLAINTS_MAX + 5; i++) {
		ck_assert_int_eq(conf_report_full(&f.report), i > CONF_COMPLAINTS_MAX);
		conf_error(&f.report, at(i, 1), "x");
	}
	const char *printed = fixture_printed(&f);
	ck_assert_ptr_nonnull(strstr(printed, "f.yaml:1000:1: error: x\n"));
	ck_assert_ptr_null(strstr(printed, "f.yaml:1001:1:"));
	ck_assert_ptr_nonnull(
	    strstr(printed, "f.yaml: error: 5 more complaints are not shown\n"));
	ck_assert_int_eq(f.report.errors, CONF_COMPLAINTS_MAX + 5);
	ck_assert_str_eq(conf_suggest(&f.report, "xxx", (const char *[]){"xxy", NULL}), "");
	ck_assert_str_eq(conf_quote(&f.report, "x"), "");
	fixture_close(&f);
}
END_TEST

START_TEST(prints_nothing_when_all_is_well)
{
	struct fixture f;
	fixture_open(&f);
	ck_assert_str_eq(fixture_printed(&f), "");
	ck_assert_ptr_null(conf_report_text(&f.report));
	fixture_close(&f);
}
END_TEST

START_TEST(quotes)
{
	struct fixture f;
	fixture_open(&f);
	char text[400] = "";
	for (int i = 0; i < 121; i++)
		strcat(text, "é");
	const char *shown = conf_quote(&f.report, text);
	ck_assert_uint_eq(strlen(shown), 1 + 120 * strlen("é") + 4);
	ck_assert_str_eq(shown + strlen(shown) - 6, "é...`");
	text[120 * 2] = '\0';
	ck_assert_uint_eq(strlen(conf_quote(&f.report, text)), 120 * 2 + 2);
	ck_assert_str_eq(conf_quote(&f.report, "x"), "`x`");
	ck_assert_str_eq(conf_quote(&f.report, ""), "an empty text");
	fixture_close(&f);
}
END_TEST

static const char *const names[] = {
    "timeout", "url", "pool", "max_connections", "to", "tx", NULL};

static const struct {
	const char *name, *expected;
} suggestions[] = {
    {"timout", " (did you mean `timeout`?)"},
    {"TIMEOUT", " (did you mean `timeout`?)"},
    {"itmeout", " (did you mean `timeout`?)"},
    {"time", ""},
    {"maxConnections", " (did you mean `max_connections`?)"},
    {"uri", " (did you mean `url`?)"},
    {"lru", ""},
    {"tp", " (did you mean `to`?)"}, /* `tx` is as near: the first wins */
    {"x", ""},			     /* anything is near to one letter */
    {"", ""},
    {"completely_different", ""},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaa",
	""},
};

START_TEST(suggests)
{
	struct fixture f;
	fixture_open(&f);
	ck_assert_str_eq(
	    conf_suggest(&f.report, suggestions[_i].name, names), suggestions[_i].expected);
	fixture_close(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("conf/report");
	TCase *t = tcase_create("report");
	tcase_add_test(t, prints_in_order_of_marks);
	tcase_add_test(t, keeps_files_apart);
	tcase_add_test(t, same_complaint_counts_once);
	tcase_add_test(t, file_name_may_go_before_the_report);
	tcase_add_test(t, stays_one_harmless_line);
	tcase_add_test(t, is_bounded);
	tcase_add_test(t, prints_nothing_when_all_is_well);
	tcase_add_test(t, quotes);
	tcase_add_loop_test(t, suggests, 0, sizeof(suggestions) / sizeof(suggestions[0]));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
