#include "store_redis/fault.h"

#include <string.h>

#include "tests/unit/main.h"

static const struct {
	const char *text;
	enum fault fault;
	const char *says;
} cases[] = {
    {"NOSCRIPT No matching script. Please use EVAL.", FAULT_SCRIPT, "NOSCRIPT"},
    {"WRONGTYPE Operation against a key holding the wrong kind of value", FAULT_COMMAND,
	"WRONGTYPE"},
    {"OOM command not allowed when used memory > 'maxmemory'.", FAULT_COMMAND, "maxmemory"},
    {"READONLY You can't write against a read only replica.", FAULT_SERVER, "replica"},
    {"LOADING Redis is loading the dataset in memory", FAULT_SERVER, "LOADING"},
    {"NOAUTH Authentication required.", FAULT_SERVER, "wants a password"},
    {"WRONGPASS invalid username-password pair or user is disabled.", FAULT_SERVER,
	"WRONGPASS"},
    {"NOPERM this user has no permissions to run the 'set' command", FAULT_COMMAND, "ACL"},
    {"MOVED 3999 127.0.0.1:6381", FAULT_COMMAND, "set cluster: true"},
    {"ASK 3999 127.0.0.1:6381", FAULT_COMMAND, "set cluster: true"},
    {"TRYAGAIN Multiple keys request", FAULT_COMMAND, "moving to another node"},
    {"CLUSTERDOWN Hash slot not served", FAULT_CLUSTER, "CLUSTERDOWN"},
    {"ERR This instance has cluster support disabled", FAULT_COMMAND, "leave cluster out"},
    {"ERR syntax error", FAULT_SYNTAX, "form of a command"},
    {"ERR max number of clients reached", FAULT_SERVER, "maxclients"},
    {"ERR AUTH <password> called without any password configured for the default user.",
	FAULT_SERVER, "leave it out"},
    /* Redis 6.2, from inside a script. */
    {"ERR Error running script (call to f_0123456789012345678901234567890123456789): "
     "@user_script:1: WRONGTYPE Operation against a key",
	FAULT_COMMAND, "WRONGTYPE"},
    {"ERR Error running script (call to f_01): @user_script:3: @user_script: 3: -READONLY "
     "You can't write",
	FAULT_SERVER, "replica"},
    {"ERR something new", FAULT_COMMAND, "Redis says: ERR something new"},
    {"", FAULT_COMMAND, "Redis says: "},
};

static struct ow_text text_of(const char *string)
{
	return (struct ow_text){string, strlen(string)};
}

START_TEST(known_errors)
{
	char why[FAULT_TEXT_SIZE];
	ck_assert_int_eq(fault_of(text_of(cases[_i].text), why), cases[_i].fault);
	ck_assert_msg(strstr(why, cases[_i].says), "%s", why);
}
END_TEST

START_TEST(nothing_unprintable_and_nothing_endless)
{
	char why[FAULT_TEXT_SIZE], text[4096];
	memset(text, 'x', sizeof(text));
	memcpy(text, "ERR a\n\x1b[2J\xff", 11);
	fault_of((struct ow_text){text, sizeof(text)}, why);
	ck_assert_uint_eq(strlen(why), FAULT_TEXT_SIZE - 1);
	for (size_t i = 0; why[i]; i++)
		ck_assert(why[i] >= ' ' && why[i] <= '~');
}
END_TEST

START_TEST(errors_of_a_sentinel)
{
	char why[FAULT_TEXT_SIZE];
	fault_of_sentinel(text_of("NOAUTH Authentication required."), why);
	ck_assert_msg(strstr(why, "set sentinel.password"), "%s", why);
	fault_of_sentinel(text_of("ERR a\nb"), why);
	ck_assert_str_eq(why, "says: ERR a?b");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("fault");
	TCase *t = tcase_create("fault");
	tcase_add_loop_test(t, known_errors, 0, sizeof(cases) / sizeof(*cases));
	tcase_add_test(t, errors_of_a_sentinel);
	tcase_add_test(t, nothing_unprintable_and_nothing_endless);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
