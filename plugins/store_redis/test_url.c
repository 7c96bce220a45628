#include "store_redis/url.h"

#include <string.h>

#include "tests/unit/main.h"

static struct redis_url url;

static void parse(const char *text)
{
	const char *problem = redis_url_parse(text, &url);
	ck_assert_msg(!problem, "%s: %s", text, problem);
}

#define same(value, expected)                                                                  \
	do {                                                                                   \
		if (expected)                                                                  \
			ck_assert_str_eq(value, expected);                                     \
		else                                                                           \
			ck_assert_ptr_null(value);                                             \
	} while (0)

static const struct {
	const char *text, *host;
	int port;
	const char *user, *password;
	int db;
	const char *name;
} good[] = {
    {"redis://h", "h", 6379, NULL, NULL, 0, "Redis at h:6379/0"},
    {"REDIS://h:1/", "h", 1, NULL, NULL, 0, "Redis at h:1/0"},
    {"redis://h:65535/15", "h", 65535, NULL, NULL, 15, "Redis at h:65535/15"},
    {"redis://h?db=3", "h", 6379, NULL, NULL, 3, "Redis at h:6379/3"},
    {"redis://:secret@h", "h", 6379, NULL, "secret", 0, "Redis at h:6379/0"},
    {"redis://me:secret@h/1", "h", 6379, "me", "secret", 1, "Redis at h:6379/1"},
    {"redis://me:a%40b%2Fc%3Ad%25@h", "h", 6379, "me", "a@b/c:d%", 0, "Redis at h:6379/0"},
    {"redis://me:a@b:c@h", "h", 6379, "me", "a@b:c", 0, "Redis at h:6379/0"},
    {"redis://[::1]", "::1", 6379, NULL, NULL, 0, "Redis at [::1]:6379/0"},
    {"redis://:p@[fe80::1]:7/2", "fe80::1", 7, NULL, "p", 2, "Redis at [fe80::1]:7/2"},
};

START_TEST(servers)
{
	parse(good[_i].text);
	ck_assert(!url.tls);
	ck_assert_ptr_null(url.path);
	ck_assert_str_eq(url.host, good[_i].host);
	ck_assert_int_eq(url.port, good[_i].port);
	same(url.user, good[_i].user);
	same(url.password, good[_i].password);
	ck_assert_int_eq(url.db, good[_i].db);
	ck_assert_str_eq(url.name, good[_i].name);
	redis_url_fini(&url);
}
END_TEST

START_TEST(tls)
{
	parse("rediss://h");
	ck_assert(url.tls);
	ck_assert_str_eq(url.name, "Redis at h:6379/0 (TLS)");
	redis_url_fini(&url);
}
END_TEST

START_TEST(without_a_host)
{
	parse("rediss://me:secret@/2");
	ck_assert_ptr_null(url.host);
	ck_assert_ptr_null(url.path);
	ck_assert_ptr_null(url.name);
	ck_assert_str_eq(url.password, "secret");
	ck_assert_int_eq(url.db, 2);
	char name[REDIS_NAME_SIZE];
	redis_url_name(&url, "::1", 7, name);
	ck_assert_str_eq(name, "Redis at [::1]:7/2 (TLS)");
	redis_url_fini(&url);
	parse("redis://");
	redis_url_fini(&url);
}
END_TEST

START_TEST(places)
{
	ck_assert_ptr_null(redis_url_parse_place("h", 26379, &url));
	ck_assert_str_eq(url.host, "h");
	ck_assert_int_eq(url.port, 26379);
	redis_url_fini(&url);
	ck_assert_ptr_null(redis_url_parse_place("[::1]:7", 26379, &url));
	ck_assert_str_eq(url.host, "::1");
	ck_assert_int_eq(url.port, 7);
	redis_url_fini(&url);
	ck_assert_str_eq(redis_url_parse_place("", 1, &url), "has no host");
	ck_assert_str_eq(redis_url_parse_place(":7", 1, &url), "has no host");
	ck_assert_ptr_nonnull(strstr(redis_url_parse_place("me:x@h", 1, &url), "host:port"));
	ck_assert_ptr_nonnull(strstr(redis_url_parse_place("redis://h", 1, &url), "scheme"));
}
END_TEST

START_TEST(likenesses)
{
	struct redis_url other;
	parse("rediss://me:secret@h:1");
	redis_url_like(&url, (struct ow_text){"::1 and more", 3}, 7001, &other);
	redis_url_fini(&url);
	ck_assert(other.tls);
	ck_assert_str_eq(other.host, "::1");
	ck_assert_int_eq(other.port, 7001);
	ck_assert_str_eq(other.user, "me");
	ck_assert_str_eq(other.password, "secret");
	ck_assert_str_eq(other.name, "Redis at [::1]:7001/0 (TLS)");
	redis_url_fini(&other);
	parse("redis://h");
	redis_url_like(&url, (struct ow_text){"other", 5}, 1, &other);
	ck_assert(!other.tls);
	ck_assert_ptr_null(other.user);
	ck_assert_ptr_null(other.password);
	redis_url_fini(&other);
	redis_url_fini(&url);
}
END_TEST

START_TEST(sockets)
{
	parse("unix:///run/redis.sock");
	ck_assert_str_eq(url.path, "/run/redis.sock");
	ck_assert_ptr_null(url.host);
	ck_assert_str_eq(url.name, "Redis at /run/redis.sock/0");
	redis_url_fini(&url);
	parse("unix://me:p%20w@/run/a%25b?db=7");
	ck_assert_str_eq(url.path, "/run/a%b");
	ck_assert_str_eq(url.user, "me");
	ck_assert_str_eq(url.password, "p w");
	ck_assert_int_eq(url.db, 7);
	redis_url_fini(&url);
}
END_TEST

static const struct {
	const char *text, *problem;
} bad[] = {
    {"", "must begin with redis://"},
    {"h:6379", "must begin with redis://"},
    {"http://h", "must begin with redis://"},
    {"redis:/h", "must begin with redis://"},
    {"redis://:6379", "has no host"},
    {"redis://h:", "a port that is not a number"},
    {"redis://h:0", "a port that is not a number"},
    {"redis://h:65536", "a port that is not a number"},
    {"redis://h:6379x", "a port that is not a number"},
    {"redis://h:99999999999999999999", "a port that is not a number"},
    {"redis://[::1", "without its ]"},
    {"redis://[::1]6379", "behind the ]"},
    {"redis://h/x", "a db that is not a number"},
    {"redis://h/0/1", "a db that is not a number"},
    {"redis://h/-1", "a db that is not a number"},
    {"redis://h/9999999", "a db that is not a number"},
    {"redis://h?db=", "a db that is not a number"},
    {"redis://h?timeout=3", "something else than db=N"},
    {"redis://me@h", "a user without a password"},
    {"redis://me:p%4@h", "not followed by two hexadecimal digits"},
    {"redis://me:p%@h", "not followed by two hexadecimal digits"},
    {"redis://me:p%00@h", "not followed by two hexadecimal digits"},
    {"redis://m%zz:p@h", "not followed by two hexadecimal digits"},
    {"unix://run/redis.sock", "whole path"},
    {"unix://", "whole path"},
    {"unix:///", "whole path"},
    {"unix:///run/%zz", "a path with a %"},
};

START_TEST(mistakes)
{
	const char *problem = redis_url_parse(bad[_i].text, &url);
	ck_assert_msg(problem && strstr(problem, bad[_i].problem), "%s: %s", bad[_i].text,
	    problem ? problem : "accepted");
	ck_assert_ptr_null(url.password);
	ck_assert_ptr_null(url.name);
	redis_url_fini(&url);
}
END_TEST

START_TEST(nothing_printed_is_secret)
{
	parse("redis://hidden-user:hidden-password@h/1");
	ck_assert_ptr_null(strstr(url.name, "hidden"));
	redis_url_fini(&url);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("url");
	TCase *t = tcase_create("url");
	tcase_add_loop_test(t, servers, 0, sizeof(good) / sizeof(*good));
	tcase_add_test(t, tls);
	tcase_add_test(t, without_a_host);
	tcase_add_test(t, places);
	tcase_add_test(t, likenesses);
	tcase_add_test(t, sockets);
	tcase_add_loop_test(t, mistakes, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_test(t, nothing_printed_is_secret);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
