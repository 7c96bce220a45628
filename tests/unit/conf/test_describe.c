#include "conf/describe.h"

#include "tests/unit/conf/sample.h"
#include "tests/unit/main.h"

static const char *const sections[] = {"stores", NULL};
static const char *const choices[] = {"a", "b|c", NULL};

static const struct ow_option few[] = {
    OW_URL(struct sample, url, "url", .flags = OW_O_REQUIRED, .choices = sample_schemes,
	.help = "Where - with `backquotes` and a \\ - it goes."),
    OW_DURATION(struct sample, timeout_ms, "timeout", .dflt = "5s", .min = 1, .max = 60000,
	.since = "0.2", .help = ".5 of it."),
    OW_INT(struct sample, attempts, "attempts", .dflt = "5", .min = 1, .max = INT64_MAX,
	.unit = "attempts", .help = "How often."),
    OW_ENUM(struct sample, jitter, "retry.jitter", .choices = choices, .help = "Either | or."),
    OW_LIST(
	struct sample, on, "on", .dflt = "[429]", .min = 1, .max = 4, .help = "Says \"when\"."),
    OW_STRING(
	struct sample, name, "name", .flags = OW_O_DEPRECATED, .dflt = "", .help = "Its name."),
    OW_REFERENCE(struct sample, fallback, "fallback", .choices = sections, .help = "A store."),
    OW_OPTION_END,
};

static void expect(enum conf_format format, const char *expected)
{
	struct buf out = BUF_INIT;
	conf_describe((struct conf_table){few, 0}, format, &out);
	ck_assert_str_eq(out.data, expected);
	buf_free(&out);
}

START_TEST(for_a_terminal)
{
	expect(CONF_TEXT,
	    "  url           URL (http, https), required\n"
	    "                Where - with `backquotes` and a \\ - it goes.\n"
	    "  timeout       duration, default 5s, between 1ms and 1m, since 0.2\n"
	    "                .5 of it.\n"
	    "  attempts      number of attempts, default 5, at least 1\n"
	    "                How often.\n"
	    "  retry.jitter  one of a, b|c\n"
	    "                Either | or.\n"
	    "  on            list of texts, default [429], between 1 and 4 items\n"
	    "                Says \"when\".\n"
	    "  name          text, default \"\", deprecated\n"
	    "                Its name.\n"
	    "  fallback      name from stores\n"
	    "                A store.\n");
}
END_TEST

START_TEST(numbers_and_addresses_with_words)
{
	static const struct ow_option options[] = {
	    OW_ADDRESS(struct sample, proxy, "proxy", .dflt = "a", .choices = choices,
		.help = "Where."),
	    OW_INT(struct sample, threads, "threads", .dflt = "1", .min = 1, .max = 64,
		.choices = choices, .unit = "threads", .help = "How many."),
	    OW_OPTION_END,
	};
	struct buf out = BUF_INIT;
	conf_describe((struct conf_table){options, 0}, CONF_TEXT, &out);
	ck_assert_str_eq(out.data,
	    "  proxy    host:port, or a, b|c, default a\n"
	    "           Where.\n"
	    "  threads  number of threads, or a, b|c, default 1, between 1 and 64\n"
	    "           How many.\n");
	buf_free(&out);
}
END_TEST

START_TEST(a_tree)
{
	struct trees {
		const struct conf_node *known, *any;
	};
	static const struct ow_option options[] = {
	    CONF_TREE(struct trees, known, "match.event", .unit = "event pattern",
		.help = "Which events."),
	    CONF_TREE(struct trees, any, "any", .help = "Whatever."),
	    OW_OPTION_END,
	};
	struct buf out = BUF_INIT;
	conf_describe((struct conf_table){options, 0}, CONF_TEXT, &out);
	ck_assert_str_eq(out.data, "  match.event  event pattern\n"
				   "               Which events.\n"
				   "  any          any value\n"
				   "               Whatever.\n");
	buf_clear(&out);
	conf_describe((struct conf_table){options, 0}, CONF_JSON, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "{\"name\":\"match.event\",\"type\":\"tree\""));
	buf_free(&out);
}
END_TEST

START_TEST(in_markdown)
{
	expect(CONF_MARKDOWN,
	    "| option | type | default | range | meaning |\n"
	    "|---|---|---|---|---|\n"
	    "| `url` | URL (`http`, `https`) | required |  | Where - with `backquotes` and a "
	    "\\ - it "
	    "goes. |\n"
	    "| `timeout` | duration | `5s` | between 1ms and 1m | .5 of it. Since 0.2. |\n"
	    "| `attempts` | number of attempts | `5` | at least 1 | How often. |\n"
	    "| `retry.jitter` | one of `a`, `b\\|c` |  |  | Either \\| or. |\n"
	    "| `on` | list of texts | `[429]` | between 1 and 4 items | Says \"when\". |\n"
	    "| `name` | text | `\"\"` |  | Deprecated. Its name. |\n"
	    "| `fallback` | name from `stores` |  |  | A store. |\n");
}
END_TEST

START_TEST(in_roff)
{
	expect(CONF_MAN,
	    ".TP\n"
	    "\\fBurl\\fR (URL (\\fBhttp\\fR, \\fBhttps\\fR), required)\n"
	    "\\&Where \\- with \\fBbackquotes\\fR and a \\e \\- it goes.\n"
	    ".TP\n"
	    "\\fBtimeout\\fR (duration, default \\fB5s\\fR, between 1ms and 1m, since 0.2)\n"
	    "\\&.5 of it.\n"
	    ".TP\n"
	    "\\fBattempts\\fR (number of attempts, default \\fB5\\fR, at least 1)\n"
	    "\\&How often.\n"
	    ".TP\n"
	    "\\fBretry.jitter\\fR (one of \\fBa\\fR, \\fBb|c\\fR)\n"
	    "\\&Either | or.\n"
	    ".TP\n"
	    "\\fBon\\fR (list of texts, default \\fB[429]\\fR, between 1 and 4 items)\n"
	    "\\&Says \"when\".\n"
	    ".TP\n"
	    "\\fBname\\fR (text, default \\fB\"\"\\fR, deprecated)\n"
	    "\\&Its name.\n"
	    ".TP\n"
	    "\\fBfallback\\fR (name from \\fBstores\\fR)\n"
	    "\\&A store.\n");
}
END_TEST

#define REST(required, deprecated, since)                                                      \
	",\"required\":" required ",\"deprecated\":" deprecated                                \
	",\"secret\":false,\"since\":" since "}"

START_TEST(in_json)
{
	expect(CONF_JSON,
	    "[\n"
	    "{\"name\":\"url\",\"type\":\"url\",\"default\":null,\"min\":null,\"max\":null,"
	    "\"choices\":[\"http\",\"https\"],\"unit\":null,"
	    "\"help\":\"Where - with `backquotes` and a \\\\ - it goes.\"" REST("true", "false",
		"null") ",\n"
			"{\"name\":\"timeout\",\"type\":\"duration\",\"default\":\"5s\","
			"\"min\":\"1ms\","
			"\"max\":\"1m\",\"choices\":null,\"unit\":null,\"help\":\".5 of "
			"it.\"" REST("false", "false",
			    "\"0.2\"") ",\n"
				       "{\"name\":\"attempts\",\"type\":\"int\",\"default\":"
				       "\"5\",\"min\":1,\"max\":null,"
				       "\"choices\":null,\"unit\":\"attempts\",\"help\":\"How "
				       "often.\"" REST("false", "false",
					   "null") ",\n"
						   "{\"name\":\"retry.jitter\",\"type\":"
						   "\"enum\",\"default\":null,\"min\":null,"
						   "\"max\":null,\"choices\":[\"a\",\"b|c\"],"
						   "\"unit\":null,"
						   "\"help\":\"Either | or.\"" REST("false",
						       "false",
						       "null") ",\n"
							       "{\"name\":\"on\",\"type\":"
							       "\"list\",\"default\":\"[429]\","
							       "\"min\":1,\"max\":4,"
							       "\"choices\":null,\"unit\":null,"
							       "\"help\":\"Says "
							       "\\\"when\\\".\"" REST("false",
								   "false",
								   "null") ",\n"
									   "{\"name\":\"name\","
									   "\"type\":"
									   "\"string\","
									   "\"default\":\"\","
									   "\"min\":null,"
									   "\"max\":null,"
									   "\"choices\":null,"
									   "\"unit\":null,"
									   "\"help\":\"Its "
									   "name.\"" REST(
									       "false", "true",
									       "null") ",\n"
										       "{\"name"
										       "\":"
										       "\"fallb"
										       "ack\","
										       "\"type"
										       "\":"
										       "\"refer"
										       "ence\","
										       "\"defau"
										       "lt\":"
										       "null,"
										       "\"min\""
										       ":null,"
										       "\"max\""
										       ":null,"
										       "\"choic"
										       "es\":["
										       "\"store"
										       "s\"],"
										       "\"unit"
										       "\":"
										       "null,"
										       "\"help"
										       "\":\"A "
										       "store."
										       "\"" REST(
											   "fal"
											   "se",
											   "fal"
											   "se",
											   "nul"
											   "l") "\n]\n");
}
END_TEST

START_TEST(in_roff_closes_what_it_opens)
{
	static const struct ow_option odd[] = {
	    {.name = "a", .type = OW_T_BOOL, .help = "An odd ` here."},
	    OW_OPTION_END,
	};
	struct buf out = BUF_INIT;
	conf_describe((struct conf_table){odd, 0}, CONF_MAN, &out);
	ck_assert_str_eq(
	    out.data, ".TP\n\\fBa\\fR (true or false)\n\\&An odd \\fB here.\\fR\n");
	buf_free(&out);
}
END_TEST

START_TEST(of_secrets)
{
	static const struct ow_option secrets[] = {
	    {.name = "a", .type = OW_T_SECRET, .help = "A."},
	    {.name = "b", .type = OW_T_LIST, .flags = OW_O_SECRET, .help = "B."},
	    {.name = "c", .type = OW_T_INT, .flags = OW_O_SECRET, .help = "C."},
	    OW_OPTION_END,
	};
	struct conf_table table = {secrets, 0};
	struct buf out = BUF_INIT;
	conf_describe(table, CONF_TEXT, &out);
	ck_assert_str_eq(out.data, "  a  secret text\n     A.\n"
				   "  b  list of secret texts\n     B.\n"
				   "  c  secret number\n     C.\n");
	buf_clear(&out);
	conf_describe(table, CONF_JSON, &out);
	size_t flags = 0;
	for (const char *at = out.data; (at = strstr(at, "\"secret\":true")); at++)
		flags++;
	ck_assert_uint_eq(flags, 3);
	buf_free(&out);
}
END_TEST

START_TEST(of_nothing)
{
	struct buf out = BUF_INIT;
	conf_describe((struct conf_table){NULL, 0}, CONF_JSON, &out);
	ck_assert_str_eq(out.data, "[\n]\n");
	buf_clear(&out);
	conf_describe((struct conf_table){NULL, 0}, CONF_TEXT, &out);
	ck_assert_str_eq(out.data, "");
	buf_free(&out);
}
END_TEST

/* A type that this core does not know, from a newer plugin. */
START_TEST(of_the_unknown)
{
	static const struct ow_option odd[] = {{.name = "a", .type = 99}, OW_OPTION_END};
	struct buf out = BUF_INIT;
	conf_describe((struct conf_table){odd, 0}, CONF_TEXT, &out);
	ck_assert_str_eq(out.data, "  a  unknown\n     \n");
	buf_free(&out);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("conf/describe");
	TCase *t = tcase_create("describe");
	tcase_add_test(t, for_a_terminal);
	tcase_add_test(t, a_tree);
	tcase_add_test(t, numbers_and_addresses_with_words);
	tcase_add_test(t, in_markdown);
	tcase_add_test(t, in_roff);
	tcase_add_test(t, in_json);
	tcase_add_test(t, in_roff_closes_what_it_opens);
	tcase_add_test(t, of_secrets);
	tcase_add_test(t, of_nothing);
	tcase_add_test(t, of_the_unknown);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
