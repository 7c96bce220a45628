#include <stdio.h>
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
	const struct ow_component *http = mock_component(OW_MODULE_SYMBOL(), "http");
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

/* The URL's fields, a header's and the body's, out of one event. */
START_TEST(request_is_made_of_the_event)
{
	with("url: http://127.0.0.1:9/c/{/id}?n={/name:-none}\nmethod: PUT\n"
	     "headers: {X-Id: 'id {/id}', X-Fixed: '{{}}'}\nbody: {id: '{/id}'}\n"
	     "require: [/id, 'header:X-Tenant']\n");
	for (int i = 0; i < 2; i++) {
		struct ow_event *event = mock_event(m, i ? "{\"id\":[]}" : "{\"id\":\"a/b\"}");
		mock_event_header(event, "X-Tenant", "t");
		mock_event_header(event, "Content-Type", "text/plain");
		struct ow_op *op = mock_deliver(sink, event, NULL);
		if (i == 0)
			mock_script_answer(m, 200, NULL, "{}");
		mock_run(m);
		ck_assert_int_eq(mock_delivered(op)->rc, i ? OW_REJECT : OW_OK);
		ck_assert_int_eq(mock_delivered(op)->invalid, i);
	}
	ck_assert_uint_eq(mock_calls(m), 1);
	const struct mock_call *call = mock_call(m, 0);
	ck_assert_str_eq(call->request.method, "PUT");
	ck_assert_str_eq(call->request.target.data, "/c/a%2Fb?n=none");
	ck_assert_str_eq(call->request.body.data, "{\"id\":\"a/b\"}");
	ck_assert_str_eq(mock_call_header(call, "X-Id").data, "id a/b");
	ck_assert_str_eq(mock_call_header(call, "X-Fixed").data, "{}");
	ck_assert_str_eq(mock_call_header(call, "Content-Type").data, "application/json");
}
END_TEST

START_TEST(nothing_is_sent_without_what_is_required)
{
	with(URL "require: [/data/id, /data/name]\n");
	static const struct {
		const char *body, *why;
	} cases[] = {{"{}", "/data/id is missing"},
	    {"{\"data\":{\"id\":null,\"name\":\"x\"}}", "/data/id is missing"},
	    {"{\"data\":{\"id\":0}}", "/data/name is missing"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ow_op *op = mock_deliver(sink, mock_event(m, cases[i].body), NULL);
		mock_run(m);
		ck_assert_int_eq(mock_delivered(op)->rc, OW_REJECT);
		ck_assert(mock_delivered(op)->invalid);
		ck_assert_str_eq(mock_delivered(op)->code, "invalid");
		ck_assert_str_eq(mock_delivered(op)->why, cases[i].why);
	}
	ck_assert_uint_eq(mock_calls(m), 0);
	mock_deliver(sink, mock_event(m, "{\"data\":{\"id\":false,\"name\":\"\"}}"), NULL);
	ck_assert_uint_eq(mock_calls(m), 1);
	mock_script_answer(m, 200, NULL, "{}");
	mock_run(m);
}
END_TEST

static const char *complaints(const char *yaml)
{
	return mock_conf_complaints(m, mock_component(OW_MODULE_SYMBOL(), "http"), yaml);
}

static void expect_complaint(const char *yaml, const char *part)
{
	const char *text = complaints(yaml);
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in \"%s\"", part, text);
}

START_TEST(tls_options_are_passed_on)
{
	with("url: https://crm.example/\ntls: {ca: ca.pem, certificate: own.pem, key: own.key, "
	     "server_name: crm.internal, min_version: 1.3}\n");
	ck_assert_int_eq(answered(200, NULL)->rc, OW_OK);
	const struct ow_tls_options *tls = mock_call(m, 0)->origin.tls;
	ck_assert_str_eq(tls->ca, "ca.pem");
	ck_assert_str_eq(tls->certificate, "own.pem");
	ck_assert_str_eq(tls->key, "own.key");
	ck_assert_str_eq(tls->server_name, "crm.internal");
	ck_assert_int_eq(tls->min_version, 1);
	with(URL);
	ck_assert_int_eq(answered(200, NULL)->rc, OW_OK);
	ck_assert_ptr_null(mock_call(m, 1)->origin.tls);
}
END_TEST

START_TEST(tls_options_that_make_no_sense)
{
	ck_assert_str_eq(complaints("url: https://crm.example/\n"), "");
	expect_complaint(URL "tls: {ca: ca.pem}\n", "2:11: error: is of no use with http://");
	expect_complaint(URL "tls: {min_version: 1.3}\n", "2:20: error: is of no use");
	expect_complaint("url: https://crm/\ntls: {certificate: own.pem}\n",
	    "needs its private key: add tls.key");
	expect_complaint(
	    "url: https://crm/\ntls: {key: own.key}\n", "needs the certificate it belongs to");
	expect_complaint("url: https://crm/\ntls: {server_name: \"https://crm\"}\n",
	    "`https://crm` is not a host");
}
END_TEST

START_TEST(templates_that_make_no_sense)
{
	expect_complaint("url: http://127.0.0.1:9/a/{id}\n",
	    "test.yaml:1:6: error: is wrong from character 22 on: it must be a JSON pointer");
	expect_complaint("url: http://{/host}/a\n", "must be a URL such as");
	expect_complaint("url: http://host{/x}\n", "must be a URL such as");
	expect_complaint(URL "headers: {X-A: b, X~B: \"a {/x\"}\n",
	    "test.yaml:2:24: error: is wrong from character 3 on: the brace is not closed");
	expect_complaint(URL "body: {a: {b: '}'}}\n",
	    "test.yaml:2:15: error: is wrong from character 1 on: the brace closes nothing");
	expect_complaint(URL "require: [/a, data]\n", "test.yaml:2:15: error: must be a JSON");
	expect_complaint(URL "require: '/a:-b'\n", "test.yaml:2:10: error: has a default");
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

/* What the vendor puts into an id neither ends a header nor makes an event undeliverable. */
START_TEST(keys_that_no_header_can_have)
{
	static const struct {
		struct ow_text key;
		const char *carried;
	} cases[] = {{{"auto:a\r\nX: y", 12}, "auto%3Aa%0D%0AX%3A%20y"},
	    {{"auto:\0%", 7}, "auto%3A%00%25"}, {{"auto:a ", 7}, "auto%3Aa%20"},
	    {{"auto:\x7f", 6}, "auto%3A%7F"}, {{"auto:a b%", 9}, "auto:a b%"},
	    {{"auto:\xc3\xa9", 7}, "auto:\xc3\xa9"}};
	with(URL "standard_webhooks: {secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ow_attempt attempt = {.size = sizeof(attempt),
		    .number = 1,
		    .limit_ms = 1000,
		    .key = cases[i].key};
		struct ow_op *op = mock_deliver(sink, mock_event(m, "{}"), &attempt);
		const struct mock_call *call = mock_call(m, i);
		ck_assert_str_eq(
		    mock_call_header(call, "Idempotency-Key").data, cases[i].carried);
		ck_assert_str_eq(mock_call_header(call, "webhook-id").data, cases[i].carried);
		mock_script_answer(m, 200, NULL, "");
		mock_run(m);
		ck_assert_int_eq(mock_delivered(op)->rc, OW_OK);
	}
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

/* ---- credentials: the whole of it is in lib/outbound's own tests ---- */

#define OAUTH2                                                                                 \
	URL "oauth2: {token_url: \"http://login.example\", client_id: us, client_secret: x}\n" \
	    "pool: {max_connections: 1, max_waiting: 1}\n"
#define TOKEN(t) "{\"access_token\":\"" t "\",\"expires_in\":1800}"

START_TEST(a_token_is_sent)
{
	with(OAUTH2);
	struct ow_op *op = mock_deliver(sink, mock_event(m, "{}"), NULL);
	mock_run(m);
	ck_assert_uint_eq(mock_calls(m), 1);
	mock_script_answer(m, 200, NULL, TOKEN("t1"));
	mock_script_answer(m, 200, NULL, "{}");
	mock_run(m);
	ck_assert_int_eq(mock_delivered(op)->rc, OW_OK);
	ck_assert_str_eq(mock_call_header(mock_call(m, 1), "Authorization").data, "Bearer t1");
	ck_assert_str_eq(
	    mock_call_header(mock_call(m, 1), "Idempotency-Key").data, "test:key-1");
}
END_TEST

/* Wrong credentials are not the event's fault. */
START_TEST(no_token_is_no_refusal)
{
	const char *why = NULL;
	with(OAUTH2);
	struct ow_op *op = mock_deliver(sink, mock_event(m, "{}"), NULL);
	mock_run(m);
	mock_script_answer(m, 401, NULL, "{\"error\":\"invalid_client\"}");
	mock_run(m);
	const struct ow_delivery *d = mock_delivered(op);
	ck_assert_int_eq(d->rc, OW_RETRY);
	ck_assert_str_eq(d->code, "credentials");
	ck_assert_ptr_nonnull(strstr(d->why, "check oauth2.client_id"));
	ck_assert_int_ge(d->retry_after_ms, 2500);
	ck_assert(!d->timed_out && !d->busy && !d->result);
	const struct ow_sink_ops *ops = mock_component(OW_MODULE_SYMBOL(), "http")->ops;
	ck_assert(!ops->ready(mock_state(sink), &why));
	ck_assert_str_eq(why, d->why);
}
END_TEST

START_TEST(waits_for_a_token_and_is_cancelled)
{
	with(OAUTH2);
	struct ow_op *op = mock_deliver(sink, mock_event(m, "{}"), NULL);
	mock_set_maybe_received(m, true);
	mock_cancel(op);
	ck_assert_int_eq(
	    mock_delivered(op)->rc, OW_RETRY); /* and not UNKNOWN: nothing was sent */
	mock_run(m);
	mock_script_answer(m, 200, NULL, TOKEN("t1"));
	mock_run(m);
	ck_assert_uint_eq(mock_calls(m), 1);
}
END_TEST

START_TEST(too_many_wait_for_a_token)
{
	struct ow_op *ops[3];
	with(OAUTH2);
	for (int i = 0; i < 3; i++)
		ops[i] = mock_deliver(sink, mock_event(m, "{}"), NULL);
	mock_run(m);
	ck_assert(mock_delivered(ops[2])->busy);
	ck_assert_str_eq(mock_delivered(ops[2])->code, "busy");
	mock_script_answer(m, 200, NULL, TOKEN("t1"));
	mock_script_answer(m, 200, NULL, "{}");
	mock_script_answer(m, 200, NULL, "{}");
	mock_run(m);
	ck_assert_int_eq(mock_delivered(ops[0])->rc, OW_OK);
}
END_TEST

/* A 401 is refused for good, unless a newer token may fare better. */
START_TEST(stale_tokens_are_no_refusal)
{
	with(OAUTH2);
	mock_run(m);
	mock_script_answer(m, 200, NULL, TOKEN("t1"));
	mock_run(m);
	mock_advance(m, 60000);
	struct ow_op *op = mock_deliver(sink, mock_event(m, "{}"), NULL);
	mock_skip(m, 30000);
	mock_script_answer(m, 401, NULL, "");
	mock_run(m);
	ck_assert_int_eq(mock_delivered(op)->rc, OW_RETRY);
	mock_script_answer(m, 200, NULL, TOKEN("t2"));
	mock_run(m);
	op = mock_deliver(sink, mock_event(m, "{}"), NULL);
	mock_script_answer(m, 401, NULL, "");
	mock_run(m);
	ck_assert_int_eq(mock_delivered(op)->rc, OW_REJECT);
}
END_TEST

START_TEST(the_name_of_a_message)
{
	struct ow_attempt attempt = {.size = sizeof(attempt), .number = 1, .limit_ms = 1000};
	with(URL "standard_webhooks: {secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n");
	ck_assert_int_eq(answered(200, NULL)->rc, OW_OK);
	ck_assert_str_eq(mock_call_header(mock_call(m, 0), "webhook-id").data, "test:key-1");
	mock_deliver(sink, mock_event(m, "{}"), &attempt);
	ck_assert_str_eq(mock_call_header(mock_call(m, 1), "webhook-id").data, MOCK_TRACE);
	mock_script_answer(m, 200, NULL, "");
	mock_run(m);
}
END_TEST

START_TEST(a_proxy)
{
	with(URL "proxy: \"http://user:pw@proxy:3128\"\n");
	ck_assert_int_eq(answered(200, NULL)->rc, OW_OK);
	ck_assert_str_eq(mock_call(m, 0)->origin.proxy, "http://user:pw@proxy:3128");
	static const char *const good[] = {"http://proxy", "http://[::1]:8080/", "HTTP://p:1"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char yaml[128];
		snprintf(yaml, sizeof(yaml), URL "proxy: \"%s\"\n", good[i]);
		ck_assert_str_eq(complaints(yaml), "");
	}
}
END_TEST

START_TEST(proxies_that_are_none)
{
	static const struct {
		const char *proxy, *complaint;
	} bad[] = {
	    {"https://hunter2@proxy", "2:8: error: proxies are spoken to without TLS"},
	    {"hunter2@proxy:3128", "must begin with http://"},
	    {"http://hunter2@proxy:3128/path", "a proxy has no path"},
	    {"http://proxy:port", "must be http://host:port"},
	    {"http://proxy:65536", "must be http://host:port"},
	    {"http://proxy:0", "must be http://host:port"},
	    {"http://hunter2@", "must be http://host:port"},
	    {"http://[::1:80", "must be http://host:port"},
	    {"http://a b@proxy", "must be percent-encoded"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char yaml[128];
		snprintf(yaml, sizeof(yaml), URL "proxy: \"%s\"\n", bad[i].proxy);
		expect_complaint(yaml, bad[i].complaint);
		ck_assert_ptr_null(strstr(complaints(yaml), "hunter2"));
	}
}
END_TEST

START_TEST(one_writer_of_each_header)
{
	expect_complaint(URL "bearer: abc\nheaders: {authorization: x}\n",
	    "`Authorization` is written by bearer");
	expect_complaint(URL "hmac: {secret: s, header: X-Sig}\nheaders: {x-sig: x}\n",
	    "`X-Sig` stands in headers too");
	expect_complaint(
	    URL "header: {name: idempotency-key, value: x}\n", "is written by onceway itself");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sink_http");
	TCase *t = tcase_create("http");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, request_is_the_event);
	tcase_add_test(t, request_is_made_of_the_event);
	tcase_add_test(t, nothing_is_sent_without_what_is_required);
	tcase_add_test(t, templates_that_make_no_sense);
	tcase_add_test(t, tls_options_are_passed_on);
	tcase_add_test(t, tls_options_that_make_no_sense);
	tcase_add_test(t, without_a_key_nothing_is_said_to_be_the_same);
	tcase_add_test(t, keys_that_no_header_can_have);
	tcase_add_test(t, statuses);
	tcase_add_test(t, retry_after_is_told);
	tcase_add_test(t, failures);
	tcase_add_test(t, only_what_retry_on_says);
	tcase_add_test(t, cancelled);
	tcase_add_test(t, retry_after_in_all_forms);
	suite_add_tcase(s, t);
	t = tcase_create("credentials");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_token_is_sent);
	tcase_add_test(t, no_token_is_no_refusal);
	tcase_add_test(t, waits_for_a_token_and_is_cancelled);
	tcase_add_test(t, too_many_wait_for_a_token);
	tcase_add_test(t, stale_tokens_are_no_refusal);
	tcase_add_test(t, the_name_of_a_message);
	tcase_add_test(t, a_proxy);
	tcase_add_test(t, proxies_that_are_none);
	tcase_add_test(t, one_writer_of_each_header);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
