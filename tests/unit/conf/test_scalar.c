#include "conf/scalar.h"

#include <check.h>
#include <stddef.h>

#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define INT	     "a whole number such as 8 or 1024"
#define DURATION     "a duration such as 250ms, 5s, 10m, 24h or 7d"
#define SIZE	     "a size such as 512, 64KiB, 1MiB or 2GiB"
#define ADDRESS	     "an address such as 127.0.0.1:8080, [::1]:8080 or name:8080"
#define URL	     "a URL such as https://host:8443/path?query"
#define URL_SPECIAL  "a URL without spaces and special characters (write them as %20 and so on)"
#define URL_FRAGMENT "a URL without a fragment (the part from `#` on)"
#define URL_USER     "a URL without a user name or password in it"
#define POINTER                                                                                \
	"a JSON pointer such as /data/contactId (with ~1 for a / and ~0 for a ~ in a name)"

struct number_case {
	const char *text;
	int64_t value;
	const char *expected; /* NULL: value */
};

static void check_number(
    const struct number_case *c, const char *(*parse)(const char *text, int64_t *out))
{
	int64_t value = 0;
	ck_assert_pstr_eq(parse(c->text, &value), c->expected);
	if (!c->expected)
		ck_assert_int_eq(value, c->value);
}

static const struct number_case ints[] = {
    {"0", 0, NULL},
    {"8", 8, NULL},
    {"-12", -12, NULL},
    {"9223372036854775807", INT64_MAX, NULL},
    {"-9223372036854775807", -INT64_MAX, NULL},
    {"9223372036854775808", 0, "a whole number of at most 64 bits"},
    {"-99999999999999999999", 0, "a whole number of at most 64 bits"},
    {"", 0, INT},
    {"-", 0, INT},
    {"+1", 0, INT},
    {"010", 0, INT},
    {"-01", 0, INT},
    {"1_000", 0, INT},
    {"0x10", 0, INT},
    {"1.0", 0, INT},
    {"1e3", 0, INT},
    {" 1", 0, INT},
    {"1 ", 0, INT},
    {"--1", 0, INT},
};

START_TEST(parses_int)
{
	check_number(&ints[_i], conf_parse_int);
}
END_TEST

static const struct number_case durations[] = {
    {"0", 0, NULL},
    {"0s", 0, NULL},
    {"250ms", 250, NULL},
    {"5s", 5000, NULL},
    {"10m", 600000, NULL},
    {"24h", 86400000, NULL},
    {"7d", 604800000, NULL},
    {"36525d", INT64_C(3155760000000), NULL},
    {"36526d", 0, "a duration of at most 36525d"},
    {"99999999999999999999ms", 0, "a duration of at most 36525d"},
    {"", 0, DURATION},
    {"s", 0, DURATION},
    {"5", 0, DURATION},
    {"00", 0, DURATION},
    {"-5s", 0, DURATION},
    {"1.5s", 0, DURATION},
    {"5 s", 0, DURATION},
    {"5S", 0, DURATION},
    {"1h30m", 0, DURATION},
    {"5 parsecs", 0, DURATION},
};

START_TEST(parses_duration)
{
	check_number(&durations[_i], conf_parse_duration);
}
END_TEST

static const struct number_case sizes[] = {
    {"0", 0, NULL},
    {"512", 512, NULL},
    {"64KiB", 65536, NULL},
    {"1MiB", 1048576, NULL},
    {"2GiB", INT64_C(2147483648), NULL},
    {"1048576GiB", INT64_C(1) << 50, NULL},
    {"1048577GiB", 0, "a size of at most 1048576GiB"},
    {"1125899906842625", 0, "a size of at most 1048576GiB"},
    {"", 0, SIZE},
    {"K", 0, SIZE},
    {"64K", 0, SIZE},
    {"64KB", 0, SIZE},
    {"64kib", 0, SIZE},
    {"64 KiB", 0, SIZE},
    {"-1", 0, SIZE},
    {"1.5MiB", 0, SIZE},
};

START_TEST(parses_size)
{
	check_number(&sizes[_i], conf_parse_size);
}
END_TEST

static const struct {
	const char *text;
	bool value;
	const char *expected;
} bools[] = {
    {"true", true, NULL},
    {"false", false, NULL},
    {"True", false, "true or false"},
    {"yes", false, "true or false"},
    {"1", false, "true or false"},
    {"", false, "true or false"},
};

START_TEST(parses_bool)
{
	bool value = !bools[_i].value;
	ck_assert_pstr_eq(conf_parse_bool(bools[_i].text, &value), bools[_i].expected);
	if (!bools[_i].expected)
		ck_assert_int_eq(value, bools[_i].value);
}
END_TEST

struct text_case {
	const char *text, *expected;
};

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct text_case addresses[] = {
    {"127.0.0.1:8080", NULL},
    {"0.0.0.0:0", NULL},
    {"localhost:65535", NULL},
    {"my_host-1.example.com.:80", NULL},
    {"[::1]:8080", NULL},
    {"[::ffff:1.2.3.4]:1", NULL},
    {"1host:1", NULL},
    {LABEL_63 ".x:1", NULL},
    {"a" LABEL_63 ":1", ADDRESS},
    {LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ":1", ADDRESS},
    {"", ADDRESS},
    {"8080", ADDRESS},
    {":8080", ADDRESS},
    {"localhost", ADDRESS},
    {"localhost:", ADDRESS},
    {"localhost:65536", ADDRESS},
    {"localhost:000080", ADDRESS},
    {"localhost:-1", ADDRESS},
    {"localhost:http", ADDRESS},
    {"::1:8080", ADDRESS},
    {"[::1]", ADDRESS},
    {"[::1]8080", ADDRESS},
    {"[::1]:", ADDRESS},
    {"[::1", ADDRESS},
    {"[::g]:80", ADDRESS},
    {"[1.2.3.4]:80", ADDRESS},
    {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80", ADDRESS},
    {"1.2.3.999:80", ADDRESS},
    {"127.1:80", ADDRESS},
    {"000000000000127.0.0.1:80", ADDRESS},
    {"1.2.3.4.:80", ADDRESS},
    {"a.5:80", ADDRESS},
    {"a..b:80", ADDRESS},
    {".a:80", ADDRESS},
    {".:80", ADDRESS},
    {"a b:80", ADDRESS},
    {"*:80", ADDRESS},
    {"http://a:80", ADDRESS},
    {"a:80/x", ADDRESS},
};

START_TEST(parses_address)
{
	ck_assert_pstr_eq(conf_parse_address(addresses[_i].text), addresses[_i].expected);
}
END_TEST

static const struct text_case urls[] = {
    {"http://a", NULL},
    {"https://a.example.com:8443/x/y?q=1&r=%20", NULL},
    {"HTTPS://a/", NULL},
    {"http://[::1]:80/x", NULL},
    {"http://[::1]", NULL},
    {"http://a?x", NULL},
    {"http://a/x@y:z", NULL},
    {"", URL},
    {"a", URL},
    {"http:/a", URL},
    {"http//a", URL},
    {"://a", URL},
    {"1http://a", URL},
    {"ht tp://a", URL},
    {"http://", URL},
    {"http:///x", URL},
    {"http://a:", URL},
    {"http://a:99999", URL},
    {"http://a:b", URL},
    {"http://127.1/", URL},
    {"http://a/x y", URL_SPECIAL},
    {"http://a/\xc3\xa9", URL_SPECIAL},
    {"http://a/\n", URL_SPECIAL},
    {"http://a\\b", URL_SPECIAL},
    {"http://a/#x", URL_FRAGMENT},
    {"http://user:pw@a/", URL_USER},
    {"http://user@a", URL_USER},
    {"ftp://a", "a URL with another scheme"},
};

START_TEST(parses_url)
{
	static const char *const schemes[] = {"http", "https", NULL};
	ck_assert_pstr_eq(conf_parse_url(urls[_i].text, schemes), urls[_i].expected);
}
END_TEST

START_TEST(any_scheme)
{
	ck_assert_ptr_null(conf_parse_url("redis+x://a:1/0", NULL));
	ck_assert_str_eq(conf_parse_url("redis:a", NULL), URL);
}
END_TEST

static const struct text_case pointers[] = {
    {"", NULL},
    {"/", NULL},
    {"/data/contactId", NULL},
    {"/a~1b/~0/0", NULL},
    {"data", POINTER},
    {"$.data", POINTER},
    {"/a~", POINTER},
    {"/a~2", POINTER},
};

START_TEST(parses_pointer)
{
	ck_assert_pstr_eq(conf_parse_pointer(pointers[_i].text), pointers[_i].expected);
}
END_TEST

static const struct {
	int64_t value;
	const char *duration, *size;
} formats[] = {
    {0, "0", "0"},
    {1, "1ms", "1"},
    {250, "250ms", "250"},
    {1500, "1500ms", "1500"},
    {5000, "5s", "5000"},
    {90000, "90s", "90000"},
    {300000, "5m", "300000"},
    {3600000, "1h", "3600000"},
    {604800000, "7d", "590625KiB"},
    {1024, "1024ms", "1KiB"},
    {1048576, "1048576ms", "1MiB"},
    {1572864, "1572864ms", "1536KiB"},
    {INT64_C(2147483648), "2147483648ms", "2GiB"},
};

START_TEST(formats_the_shortest)
{
	char out[32];
	conf_format_duration(formats[_i].value, out);
	ck_assert_str_eq(out, formats[_i].duration);
	conf_format_size(formats[_i].value, out);
	ck_assert_str_eq(out, formats[_i].size);
}
END_TEST

static const struct {
	bool (*guess)(const char *text, char *out);
	const char *text, *expected; /* NULL: no guess */
} guesses[] = {
    {conf_guess_bool, "yes", "true"},
    {conf_guess_bool, "Off", "false"},
    {conf_guess_bool, "TRUE", "true"},
    {conf_guess_bool, "0", "false"},
    {conf_guess_bool, "maybe", NULL},
    {conf_guess_duration, "5", "5s"},
    {conf_guess_duration, "5 s", "5s"},
    {conf_guess_duration, "5Sec", "5s"},
    {conf_guess_duration, "10 minutes", "10m"},
    {conf_guess_duration, "5 parsecs", NULL},
    {conf_guess_duration, "1.5s", NULL},
    {conf_guess_duration, "s", NULL},
    {conf_guess_duration, "9999999999999999999", NULL},
    {conf_guess_size, "64K", "64KiB"},
    {conf_guess_size, "64 kb", "64KiB"},
    {conf_guess_size, "1G", "1GiB"},
    {conf_guess_size, "10 bytes", "10"},
    {conf_guess_size, "1TB", NULL},
};

START_TEST(guesses_what_was_meant)
{
	char out[32] = "";
	bool guessed = guesses[_i].guess(guesses[_i].text, out);
	ck_assert_pstr_eq(guessed ? out : NULL, guesses[_i].expected);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("conf/scalar");
	TCase *t = tcase_create("scalar");
	tcase_add_loop_test(t, parses_int, 0, COUNT(ints));
	tcase_add_loop_test(t, parses_duration, 0, COUNT(durations));
	tcase_add_loop_test(t, parses_size, 0, COUNT(sizes));
	tcase_add_loop_test(t, parses_bool, 0, COUNT(bools));
	tcase_add_loop_test(t, parses_address, 0, COUNT(addresses));
	tcase_add_loop_test(t, parses_url, 0, COUNT(urls));
	tcase_add_test(t, any_scheme);
	tcase_add_loop_test(t, parses_pointer, 0, COUNT(pointers));
	tcase_add_loop_test(t, formats_the_shortest, 0, COUNT(formats));
	tcase_add_loop_test(t, guesses_what_was_meant, 0, COUNT(guesses));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
