#include "store_redis/command.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/main.h"

static void is(const struct command *c, const char *expected)
{
	ck_assert_uint_eq(c->len, strlen(expected));
	ck_assert_mem_eq(c->bytes, expected, c->len);
}

START_TEST(commands_one_behind_the_other)
{
	struct command c = {0}, both = {0};
	command_begin(&c, "GET", 1);
	command_string(&c, "key");
	is(&c, "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n");
	command_begin(&c, "PING", 0);
	is(&c, "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*1\r\n$4\r\nPING\r\n");
	ck_assert_uint_eq(c.count, 2);
	command_add(&both, &c);
	command_add(&both, &c);
	ck_assert_uint_eq(both.count, 4);
	ck_assert_uint_eq(both.len, 2 * c.len);
	command_clear(&c);
	ck_assert_uint_eq(c.count, 0);
	command_begin(&c, "X", 2);
	command_text(&c, (struct ow_text){"\0\r\n", 3});
	command_text(&c, (struct ow_text){NULL, 0});
	ck_assert_uint_eq(c.len, sizeof("*3\r\n$1\r\nX\r\n$3\r\n\0\r\n\r\n$0\r\n\r\n") - 1);
	ck_assert_mem_eq(c.bytes, "*3\r\n$1\r\nX\r\n$3\r\n\0\r\n\r\n$0\r\n\r\n", c.len);
	command_fini(&c);
	command_fini(&both);
}
END_TEST

static const struct {
	int64_t number;
	const char *text;
} numbers[] = {{0, "$1\r\n0\r\n"}, {7, "$1\r\n7\r\n"}, {-1, "$2\r\n-1\r\n"},
    {1000, "$4\r\n1000\r\n"}, {INT64_MAX, "$19\r\n9223372036854775807\r\n"},
    {INT64_MIN, "$20\r\n-9223372036854775808\r\n"}};

START_TEST(a_number)
{
	struct command c = {0};
	command_number(&c, numbers[_i].number);
	is(&c, numbers[_i].text);
	command_fini(&c);
}
END_TEST

START_TEST(large_texts)
{
	size_t size = 1 << 20;
	char *text = calloc(1, size);
	struct command c = {0};
	for (int i = 0; i < 3; i++)
		command_text(&c, (struct ow_text){text, size});
	ck_assert_uint_eq(c.len, 3 * (size + strlen("$1048576\r\n\r\n")));
	command_fini(&c);
	free(text);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("command");
	TCase *t = tcase_create("command");
	tcase_add_test(t, commands_one_behind_the_other);
	tcase_add_loop_test(t, a_number, 0, sizeof(numbers) / sizeof(*numbers));
	tcase_add_test(t, large_texts);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
