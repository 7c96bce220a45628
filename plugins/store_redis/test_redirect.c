#include "store_redis/redirect.h"

#include <string.h>

#include "tests/unit/main.h"

static struct redirect redirect;

static bool read_text(const char *text)
{
	return redirect_read((struct ow_text){text, strlen(text)}, &redirect);
}

static const struct {
	const char *text;
	enum redirect_kind kind;
	unsigned slot;
	const char *host;
	int port;
} good[] = {
    {"MOVED 3999 127.0.0.1:6381", REDIRECT_MOVED, 3999, "127.0.0.1", 6381},
    {"MOVED 0 redis-1.example.com:1", REDIRECT_MOVED, 0, "redis-1.example.com", 1},
    {"MOVED 16383 ::1:65535", REDIRECT_MOVED, 16383, "::1", 65535},
    {"MOVED 5 :6381", REDIRECT_MOVED, 5, "", 6381},
    {"ASK 3999 127.0.0.1:6381", REDIRECT_ASK, 3999, "127.0.0.1", 6381},
};

START_TEST(elsewhere)
{
	ck_assert(read_text(good[_i].text));
	ck_assert_int_eq(redirect.kind, good[_i].kind);
	ck_assert_uint_eq(redirect.slot, good[_i].slot);
	ck_assert_uint_eq(redirect.host.len, strlen(good[_i].host));
	ck_assert_mem_eq(redirect.host.data, good[_i].host, redirect.host.len);
	ck_assert_int_eq(redirect.port, good[_i].port);
}
END_TEST

START_TEST(later)
{
	ck_assert(read_text("TRYAGAIN Multiple keys request during rehashing of slot"));
	ck_assert_int_eq(redirect.kind, REDIRECT_TRYAGAIN);
}
END_TEST

static const char *const bad[] = {
    "",
    "ERR unknown command",
    "MOVE 1 h:1",
    "MOVED",
    "MOVED ",
    "MOVED 1",
    "MOVED 1 ",
    "MOVED 1 host",
    "MOVED 1 h:",
    "MOVED 1 h:0",
    "MOVED 1 h:65536",
    "MOVED 1 h:99999999999999999999",
    "MOVED 1 h:1x",
    "MOVED 1 h:1 h:2",
    "MOVED 16384 h:1",
    "MOVED -1 h:1",
    "MOVED  h:1",
    "MOVED x h:1",
    "MOVED 1 ?:6379",
    "MOVED 1 a/b:6379",
    "MOVED 1 me@h:6379",
    "MOVED 1 h\x01:6379",
    "MOVED 1 h\x7f:6379",
    "MOVED 1 h\xc3\xa9:6379",
    "ASK1 h:1",
};

START_TEST(nowhere)
{
	ck_assert_msg(!read_text(bad[_i]), "%s", bad[_i]);
}
END_TEST

/* The text ends where it says, not at a NUL. */
START_TEST(cut_anywhere)
{
	static const char text[] = "MOVED 3999 127.0.0.1:6381";
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = malloc(len + 1);
		memcpy(copy, text, len);
		bool found = redirect_read((struct ow_text){copy, len}, &redirect);
		ck_assert_int_eq(found, len > strlen("MOVED 3999 127.0.0.1:"));
		free(copy);
	}
}
END_TEST

START_TEST(a_host_too_long)
{
	char text[400];
	memset(text, 'h', sizeof(text));
	memcpy(text, "ASK 1 ", 6);
	memcpy(text + 6 + 255, ":1", 3);
	ck_assert(read_text(text));
	memset(text + 6 + 255, 'h', 1);
	memcpy(text + 6 + 256, ":1", 3);
	ck_assert(!read_text(text));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("redirect");
	TCase *t = tcase_create("redirect");
	tcase_add_loop_test(t, elsewhere, 0, sizeof(good) / sizeof(*good));
	tcase_add_test(t, later);
	tcase_add_loop_test(t, nowhere, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_test(t, cut_anywhere);
	tcase_add_test(t, a_host_too_long);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
