/* Events as they are kept on disk, and made again. */
#include "route/packed.h"

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct ow_event *event;
static struct buf headers;

static void start(void)
{
	rig_start(rig_usual());
	event = event_create(rig.source);
	headers = BUF_INIT;
}

static void stop(void)
{
	event_release(event);
	buf_free(&headers);
	rig_stop();
}

static void check(struct ow_text t, const char *expected)
{
	ck_assert_msg(text_equal(t, text_of(expected)), "%.*s", (int)t.len, t.data);
}

START_TEST(comes_back_equal)
{
	static const char body[] = "{\"a\":\0\r\n\r\n}";
	event_put_body(event, body, sizeof(body) - 1);
	event_put_path(event, text_of("/events/a"));
	event_put_header(event, "Content-Type", "application/json");
	event_put_header(event, "X-Empty", "");
	event_put_header(event, "X-Twice", "one: 1");
	event_put_header(event, "X-Twice", "two");
	struct spool_event kept = event_pack(event, &headers);
	check(kept.headers, "Content-Type: application/json\r\nX-Empty: \r\nX-Twice: one: "
			    "1\r\nX-Twice: two\r\n");
	struct ow_event *again = event_unpack(rig.worker, &kept);
	ck_assert(text_equal(event_get_body(again), text_span(body, sizeof(body) - 1)));
	check(event_get_path(again), "/events/a");
	check(event_get_header(again, "content-type"), "application/json");
	check(event_get_header(again, "x-empty"), "");
	check(event_get_header(again, "x-twice"), "one: 1");
	ck_assert_str_eq(event_get_source(again), "so");
	ck_assert_int_eq(event_arrived_wall(again), event_arrived_wall(event));
	ck_assert_str_eq(event_get_trace(again), event_get_trace(event));
	ck_assert(text_equal(event_get_traceparent(again), event_get_traceparent(event)));
	struct buf second = BUF_INIT;
	event_pack(again, &second);
	ck_assert(text_equal(buf_text(&second), buf_text(&headers)));
	buf_free(&second);
	event_release(again);
}
END_TEST

START_TEST(what_its_source_calls_secret_is_left_out)
{
	event_put_header(event, "X-Gateway", "hunter2");
	event_put_header(event, "X-Gateway-Id", "7");
	rig.host->event_secret_header(event, "x-gateway");
	event_pack(event, &headers);
	check(buf_text(&headers), "X-Gateway-Id: 7\r\n");
}
END_TEST

START_TEST(what_is_missing_is_missing_again)
{
	struct spool_event kept = event_pack(event, &headers);
	struct ow_event *again = event_unpack(rig.worker, &kept);
	check(event_get_body(again), "");
	check(event_get_path(again), "");
	ck_assert_ptr_null(event_get_header(again, "a").data);
	event_release(again);
}
END_TEST

START_TEST(its_time_limit_begins_anew)
{
	int64_t before = event_arrived_us(event);
	struct spool_event kept = event_pack(event, &headers);
	clock_advance(&rig.clock, 1000);
	struct ow_event *again = event_unpack(rig.worker, &kept);
	ck_assert_int_ge(event_arrived_us(again), before + 1000000);
	ck_assert_int_eq(event_limit_us(again), INT64_MAX);
	event_release(again);
}
END_TEST

START_TEST(the_trace_is_that_which_was_passed_on)
{
	event_put_header(event, "traceparent", TRACEPARENT);
	struct spool_event kept = event_pack(event, &headers);
	struct ow_event *again = event_unpack(rig.worker, &kept);
	/* A span of our own, not the one that came, and always the same. */
	ck_assert(text_equal(event_get_traceparent(again), kept.trace));
	ck_assert(!text_equal(event_get_traceparent(again), text_of(TRACEPARENT)));
	event_release(again);
	kept.trace = text_of("damaged");
	again = event_unpack(rig.worker, &kept);
	ck_assert_uint_eq(event_get_traceparent(again).len, TRACEPARENT_SIZE - 1);
	event_release(again);
}
END_TEST

START_TEST(credentials_stay_out)
{
	event_put_header(event, "authorization", "Bearer x");
	event_put_header(event, "Proxy-Authorization", "Basic x");
	event_put_header(event, "COOKIE", "x");
	event_put_header(event, "X-API-Key", "x");
	event_put_header(event, "X-Api-Keys", "y");
	check(event_pack(event, &headers).headers, "X-Api-Keys: y\r\n");
}
END_TEST

START_TEST(a_header_is_one_line)
{
	event_put_header(event, "X-A", "1\r\nAuthorization: 2\nX-B: 3");
	check(event_pack(event, &headers).headers, "X-A: 1  Authorization: 2 X-B: 3\r\n");
}
END_TEST

START_TEST(headers_that_are_none)
{
	struct spool_event kept = event_pack(event, &headers);
	kept.headers = text_of("no colon\r\n\r\nX: 1\r\nlast");
	struct ow_event *again = event_unpack(rig.worker, &kept);
	check(event_get_header(again, "x"), "1");
	check(event_get_header(again, "no colon"), "");
	event_release(again);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/packed");
	TCase *t = tcase_create("packed");
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, comes_back_equal);
	tcase_add_test(t, what_its_source_calls_secret_is_left_out);
	tcase_add_test(t, what_is_missing_is_missing_again);
	tcase_add_test(t, its_time_limit_begins_anew);
	tcase_add_test(t, the_trace_is_that_which_was_passed_on);
	tcase_add_test(t, credentials_stay_out);
	tcase_add_test(t, a_header_is_one_line);
	tcase_add_test(t, headers_that_are_none);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
