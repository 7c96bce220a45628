#include <string.h>

#include "lib/http_date.h"
#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

#define URL "url: http://127.0.0.1:9/in?x=1\n"

static struct mock *m;
static struct ow_instance *sink;

static void setup(void)
{
	m = mock_new();
}

static void teardown(void)
{
	mock_free(m);
}

static void with(const char *yaml)
{
	const struct ow_component *http = mock_component(ow_module(), "http");
	sink = mock_instance(m, http, "crm", mock_conf(m, http, yaml));
	ck_assert_int_eq(mock_rc(mock_start(sink)), OW_OK);
}

static const struct ow_delivery *delivered(const struct ow_http_response *response)
{
	struct ow_op *op = mock_deliver(sink, mock_event(m, "{ \"a\":1 }"), NULL);
	mock_script(m, response);
	mock_run(m);
	return mock_delivered(op);
}

static const struct ow_delivery *answered(int status, const char *const *headers)
{
	struct ow_op *op = mock_deliver(sink, mock_event(m, "{ \"a\":1 }"), NULL);
	mock_script_answer(m, status, headers, "{}");
	mock_run(m);
	return mock_delivered(op);
}

static struct ow_http_response ended(enum ow_http_end end, bool maybe_received)
{
	return (struct ow_http_response){.size = sizeof(struct ow_http_response),
	    .end = end,
	    .maybe_received = maybe_received,
	    .why = "127.0.0.1:9: so it was"};
}

START_TEST(request_is_the_event)
{
	with(URL "headers: {X-Team: crm}\n");
	ck_assert_int_eq(answered(200, NULL)->rc, OW_OK);
	const struct mock_call *call = mock_call(m, 0);
	ck_assert_str_eq(call->request.method, "POST");
	ck_assert_str_eq(call->request.target.data, "/in?x=1");
	ck_assert_str_eq(call->request.body.data, "{ \"a\":1 }");
	ck_assert_str_eq(mock_call_header(call, "Idempotency-Key").data, "test:key-1");
	ck_assert_str_eq(mock_call_header(call, "X-Team").data, "crm");
	ck_assert_str_eq(mock_call_header(call, "Content-Type").data, "application/json");
	ck_assert(call->request.repeatable);
}
END_TEST

/* Passed without dedup: nothing by which the receiver could take it for a copy. */
START_TEST(without_a_key_nothing_is_said_to_be_the_same)
{
	struct ow_attempt attempt = {.size = sizeof(attempt), .number = 1, .limit_ms = 1000};
	struct ow_http_response r = ended(OW_HTTP_BROKEN, true);
	with(URL);
	struct ow_op *op = mock_deliver(sink, mock_event(m, "{ \"a\":1 }"), &attempt);
	const struct mock_call *call = mock_call(m, 0);
	ck_assert_ptr_null(mock_call_header(call, "Idempotency-Key").data);
	ck_assert(!call->request.repeatable);
	mock_script(m, &r);
	mock_run(m);
	ck_assert_int_eq(mock_delivered(op)->rc, OW_FAIL);
}
END_TEST

START_TEST(statuses)
{
	static const struct {
		int status;
		enum ow_rc rc;
	} cases[] = {{200, OW_OK}, {204, OW_OK}, {299, OW_OK}, {301, OW_REJECT},
	    {400, OW_REJECT}, {404, OW_REJECT}, {429, OW_RETRY}, {500, OW_RETRY},
	    {501, OW_FAIL}, {503, OW_RETRY}};
	with(URL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ow_delivery *d = answered(cases[i].status, NULL);
		ck_assert_msg(d->rc == cases[i].rc, "%d", cases[i].status);
		ck_assert_int_eq(d->result->status, cases[i].status);
	}
}
END_TEST

START_TEST(retry_after_is_told)
{
	static const char *const headers[] = {"Retry-After", "3", NULL};
	with(URL);
	ck_assert_int_eq(answered(503, headers)->retry_after_ms, 3000);
}
END_TEST

START_TEST(failures)
{
	static const struct {
		enum ow_http_end end;
		bool maybe_received;
		enum ow_rc rc, without_key;
	} cases[] = {{OW_HTTP_POOL_FULL, false, OW_RETRY, OW_RETRY},
	    {OW_HTTP_CONNECT, false, OW_RETRY, OW_RETRY},
	    {OW_HTTP_RESOLVE, false, OW_RETRY, OW_RETRY},
	    {OW_HTTP_TIMEOUT, false, OW_RETRY, OW_RETRY},
	    {OW_HTTP_TIMEOUT, true, OW_UNKNOWN, OW_FAIL},
	    {OW_HTTP_BROKEN, false, OW_RETRY, OW_RETRY},
	    {OW_HTTP_BROKEN, true, OW_UNKNOWN, OW_FAIL},
	    {OW_HTTP_PROTOCOL, false, OW_FAIL, OW_FAIL},
	    {OW_HTTP_PROTOCOL, true, OW_UNKNOWN, OW_FAIL}};
	for (int key = 0; key < 2; key++) {
		with(key ? URL : URL "idempotency_header: \"\"\n");
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct ow_http_response r =
			    ended(cases[i].end, cases[i].maybe_received);
			const struct ow_delivery *d = delivered(&r);
			ck_assert_msg(d->rc == (key ? cases[i].rc : cases[i].without_key),
			    "case %zu, key %d", i, key);
			ck_assert_int_eq(d->busy, cases[i].end == OW_HTTP_POOL_FULL);
			ck_assert_int_eq(d->timed_out, cases[i].end == OW_HTTP_TIMEOUT);
		}
	}
}
END_TEST

START_TEST(only_what_retry_on_says)
{
	struct ow_http_response r = ended(OW_HTTP_CONNECT, false);
	with(URL "retry: {on: [418]}\n");
	ck_assert_int_eq(answered(418, NULL)->rc, OW_RETRY);
	ck_assert_int_eq(answered(503, NULL)->rc, OW_FAIL);
	ck_assert_int_eq(delivered(&r)->rc, OW_FAIL);
	r = ended(OW_HTTP_TIMEOUT, true);
	ck_assert_int_eq(delivered(&r)->rc, OW_FAIL);
}
END_TEST

START_TEST(cancelled)
{
	with(URL);
	for (int maybe = 0; maybe < 2; maybe++) {
		struct ow_op *op = mock_deliver(sink, mock_event(m, "{}"), NULL);
		mock_set_maybe_received(m, maybe);
		mock_cancel(op);
		mock_run(m);
		ck_assert_int_eq(mock_delivered(op)->rc, maybe ? OW_UNKNOWN : OW_RETRY);
		ck_assert(mock_delivered(op)->timed_out);
	}
	ck_assert_uint_eq(mock_unfinished(m), 0);
}
END_TEST

START_TEST(retry_after_in_all_forms)
{
	/* RFC 9110, 5.6.7: one moment in three forms. */
	static const char *const dates[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
	    "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};
	const int64_t moment = (int64_t)784111777 * 1000;
	for (int i = 0; i < 3; i++) {
		struct ow_text date = {dates[i], strlen(dates[i])};
		ck_assert_int_eq(http_retry_after_ms(date, moment - 5000), 5000);
		ck_assert_int_eq(http_retry_after_ms(date, moment + 5000), 0);
	}
	ck_assert_int_eq(http_retry_after_ms((struct ow_text){"120", 3}, 0), 120000);
	ck_assert_int_eq(http_retry_after_ms((struct ow_text){"99999999999", 11}, 0),
	    HTTP_RETRY_AFTER_MAX_MS);
	ck_assert_int_eq(http_retry_after_ms((struct ow_text){"-1", 2}, 0), 0);
	ck_assert_int_eq(http_retry_after_ms((struct ow_text){"soon", 4}, 0), 0);
	ck_assert_int_eq(http_retry_after_ms((struct ow_text){NULL, 0}, 0), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sink_http");
	TCase *t = tcase_create("http");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, request_is_the_event);
	tcase_add_test(t, without_a_key_nothing_is_said_to_be_the_same);
	tcase_add_test(t, statuses);
	tcase_add_test(t, retry_after_is_told);
	tcase_add_test(t, failures);
	tcase_add_test(t, only_what_retry_on_says);
	tcase_add_test(t, cancelled);
	tcase_add_test(t, retry_after_in_all_forms);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
