#include "lib/sqs/queue_url.h"

#include <string.h>

#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
	const char *url, *region, *origin, *name;
	bool regional, fifo;
} good[] = {
    {"https://sqs.eu-central-1.amazonaws.com/123456789012/events", "eu-central-1",
	"https://sqs.eu-central-1.amazonaws.com", "events", true, false},
    {"https://sqs.us-gov-west-1.amazonaws.com/1/a_-Z9.fifo", "us-gov-west-1",
	"https://sqs.us-gov-west-1.amazonaws.com", "a_-Z9.fifo", true, true},
    {"https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1",
	"https://sqs.cn-north-1.amazonaws.com.cn", "q", true, false},
    {"https://sqs-fips.us-east-2.amazonaws.com/1/q", "us-east-2",
	"https://sqs-fips.us-east-2.amazonaws.com", "q", true, false},
    {"https://sqs.eu-west-1.api.aws/1/q", "eu-west-1", "https://sqs.eu-west-1.api.aws", "q",
	true, false},
    {"https://us-west-2.queue.amazonaws.com/1/q", "us-west-2",
	"https://us-west-2.queue.amazonaws.com", "q", true, false},
    {"https://vpce-0-1.sqs.eu-west-3.vpce.amazonaws.com/1/q", "eu-west-3",
	"https://vpce-0-1.sqs.eu-west-3.vpce.amazonaws.com", "q", false, false},
    {"http://localhost:9324/000000000000/q", "", "http://localhost:9324", "q", false, false},
    {"http://[::1]:4566/queue/us-east-1/000000000000/q", "", "http://[::1]:4566", "q", false,
	false},
    {"http://sqs.us-east-1.localhost.example:4566/0/q", "",
	"http://sqs.us-east-1.localhost.example:4566", "q", false, false},
};

static void expect(struct ow_text text, const char *expected)
{
	ck_assert_uint_eq(text.len, strlen(expected));
	ck_assert_int_eq(memcmp(text.data, expected, text.len), 0);
}

START_TEST(tells_region_origin_and_kind)
{
	struct queue_url url;
	ck_assert_ptr_null(queue_url_parse(good[_i].url, &url));
	expect(url.region, good[_i].region);
	expect(url.origin, good[_i].origin);
	expect(url.name, good[_i].name);
	ck_assert_int_eq(url.regional, good[_i].regional);
	ck_assert_int_eq(url.fifo, good[_i].fifo);
}
END_TEST

static const struct {
	const char *url, *problem;
} bad[] = {
    {"https://sqs.eu-central-1.amazonaws.com", "/ACCOUNT/NAME"},
    {"https://sqs.eu-central-1.amazonaws.com/events", "/ACCOUNT/NAME"},
    {"https://sqs.eu-central-1.amazonaws.com//events", "/ACCOUNT/NAME"},
    {"https://sqs.eu-central-1.amazonaws.com/1/.fifo", "name of a queue"},
    {"https://sqs.eu-central-1.amazonaws.com/1/a.b", "name of a queue"},
    {"https://sqs.eu-central-1.amazonaws.com/1/"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"at most 80"},
    {"https://sqs.eu-central-1.amazonaws.com/1/q?Action=x", "without `?`"},
    {"arn:aws:sqs:eu-central-1:123456789012:events", "must be a URL"},
};

START_TEST(says_what_is_wrong)
{
	struct queue_url url;
	const char *problem = queue_url_parse(bad[_i].url, &url);
	ck_assert_ptr_nonnull(problem);
	ck_assert_msg(strstr(problem, bad[_i].problem), "%s: %s", bad[_i].url, problem);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("queue_url");
	TCase *t = tcase_create("queue_url");
	tcase_add_loop_test(t, tells_region_origin_and_kind, 0, COUNT(good));
	tcase_add_loop_test(t, says_what_is_wrong, 0, COUNT(bad));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
