#include "tests/unit/main.h"

#include <string.h>

#include "base/text.h"
#include "io/http_answer.h"

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: onceway\r\n"

static struct http_common_fields common;
static struct buf out;

static void setup(void)
{
	common = HTTP_COMMON_FIELDS_INIT;
	http_common_fields_update(&common, 784111777999);
	out = BUF_INIT;
}

static void teardown(void)
{
	buf_free(&out);
}

static const char *written(const struct http_answer *answer, int minor, bool head)
{
	struct http_answer_form form = {.common = &common, .minor = minor, .head = head};
	buf_clear(&out);
	http_answer_write(&out, answer, &form);
	ck_assert_uint_eq(strlen(out.data), out.len);
	return out.data;
}

START_TEST(all_there_is)
{
	struct http_answer a = {.status = 503,
	    .content_type = text_of("application/json"),
	    .body = text_of("{}"),
	    .retry_after_ms = 1001,
	    .extra = "Allow: GET\r\nX: y\r\n",
	    .close = true};
	ck_assert_str_eq(written(&a, 1, false),
	    "HTTP/1.1 503 Service Unavailable\r\n" DATE "Content-Type: application/json\r\n"
	    "Content-Length: 2\r\nRetry-After: 2\r\nConnection: close\r\n"
	    "Allow: GET\r\nX: y\r\n\r\n{}");
}
END_TEST

START_TEST(next_to_nothing)
{
	struct http_answer a = {.status = 200};
	ck_assert_str_eq(
	    written(&a, 1, false), "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 0\r\n\r\n");
	ck_assert_str_eq(written(&a, 0, false),
	    "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}
END_TEST

START_TEST(head_has_the_length_only)
{
	struct http_answer a = {.status = 200, .body = text_of("0123456789")};
	ck_assert_str_eq(
	    written(&a, 1, true), "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 10\r\n\r\n");
}
END_TEST

START_TEST(statuses_without_body)
{
	struct http_answer a = {.status = 204, .body = text_of("x")};
	ck_assert_str_eq(written(&a, 1, false), "HTTP/1.1 204 No Content\r\n" DATE "\r\n");
	a.status = 304;
	ck_assert_str_eq(written(&a, 1, false), "HTTP/1.1 304 Not Modified\r\n" DATE "\r\n");
}
END_TEST

START_TEST(only_final_statuses)
{
	static const int bad[] = {-1, 0, 99, 100, 199, 1000};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct http_answer a = {.status = bad[i]};
		ck_assert_ptr_nonnull(strstr(written(&a, 1, false), "HTTP/1.1 500 "));
	}
	struct http_answer a = {.status = 299};
	ck_assert_ptr_nonnull(strstr(written(&a, 1, false), "HTTP/1.1 299 Unknown\r\n"));
}
END_TEST

START_TEST(content_type_cannot_add_lines)
{
	static const char *const bad[] = {"a\r\nX: y", "a\nX: y", "a\rb", "a\x01"};
	struct http_answer a = {.status = 200, .content_type = text_span("a\0b", 3)};
	ck_assert_ptr_null(strstr(written(&a, 1, false), "Content-Type"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		a.content_type = text_of(bad[i]);
		ck_assert_ptr_null(strstr(written(&a, 1, false), "Content-Type"));
		ck_assert_ptr_null(strstr(out.data, "X: y"));
	}
}
END_TEST

START_TEST(longest_retry_after)
{
	struct http_answer a = {.status = 503, .retry_after_ms = INT64_MAX};
	ck_assert_ptr_nonnull(
	    strstr(written(&a, 1, false), "Retry-After: 9223372036854776\r\n"));
	a.retry_after_ms = 1;
	ck_assert_ptr_nonnull(strstr(written(&a, 1, false), "Retry-After: 1\r\n"));
	a.retry_after_ms = -1;
	ck_assert_ptr_null(strstr(written(&a, 1, false), "Retry-After"));
}
END_TEST

START_TEST(date_follows_the_clock)
{
	ck_assert_str_eq(common.text, DATE);
	http_common_fields_update(&common, 784111778000);
	ck_assert_ptr_nonnull(strstr(common.text, "08:49:38 GMT"));
	http_common_fields_update(&common, 951782400000);
	ck_assert_ptr_nonnull(strstr(common.text, "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n"));
	http_common_fields_update(&common, 0);
	ck_assert_ptr_nonnull(strstr(common.text, "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
	ck_assert_uint_eq(common.len, strlen(common.text));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_answer");
	TCase *t = tcase_create("answers");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_there_is);
	tcase_add_test(t, next_to_nothing);
	tcase_add_test(t, head_has_the_length_only);
	tcase_add_test(t, statuses_without_body);
	tcase_add_test(t, only_final_statuses);
	tcase_add_test(t, content_type_cannot_add_lines);
	tcase_add_test(t, longest_retry_after);
	tcase_add_test(t, date_follows_the_clock);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
