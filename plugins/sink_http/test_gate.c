/* The breaker and the rate as the sink uses them, on one worker and on two. */
#include <string.h>

#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

#define URL "url: http://127.0.0.1:9/in\n"

static struct mock *m, *m2;
static struct ow_instance *sink, *sink2;

static void setup(void)
{
	m = mock_new();
	m2 = mock_new_worker(m);
}

static void teardown(void)
{
	mock_free(m2);
	mock_free(m);
}

static void with(const char *yaml)
{
	const struct ow_component *http = mock_component(OW_MODULE_SYMBOL(), "http");
	sink = mock_instance(m, http, "crm", mock_conf(m, http, yaml));
	sink2 = mock_instance(m2, http, "crm", mock_conf(m2, http, yaml));
}

static struct ow_op *deliver(struct ow_instance *to)
{
	return mock_deliver(to, mock_event(to == sink ? m : m2, "{}"), NULL);
}

/* One request that is answered with that status, or not at all for want of a connection. */
static const struct ow_delivery *ask(struct ow_instance *to, int status)
{
	struct mock *of = to == sink ? m : m2;
	struct ow_op *op = deliver(to);
	const struct ow_http_response refused = {.size = sizeof(refused),
	    .end = OW_HTTP_CONNECT,
	    .why = "connect to 127.0.0.1:9: Connection refused"};
	ck_assert(!mock_finished(op));
	if (status)
		mock_script_answer(of, status, NULL, "");
	else
		mock_script(of, &refused);
	mock_run(of);
	return mock_delivered(op);
}

/* One that is not sent at all. */
static void turned_away(struct ow_instance *to, const char *code, int64_t wait_ms)
{
	struct mock *of = to == sink ? m : m2;
	size_t calls = mock_calls(of);
	const struct ow_delivery *d = mock_delivered(deliver(to));
	ck_assert_uint_eq(mock_calls(of), calls);
	ck_assert_int_eq(d->rc, OW_RETRY);
	ck_assert_str_eq(d->code, code);
	ck_assert(d->busy);
	ck_assert_int_eq(d->retry_after_ms, wait_ms);
}

static int64_t gauge(void)
{
	return mock_gauge(m, "breaker_open") + mock_gauge(m2, "breaker_open");
}

static bool is_ready(struct ow_instance *of, const char **why)
{
	const struct ow_sink_ops *ops = mock_component(OW_MODULE_SYMBOL(), "http")->ops;
	return ops->ready(mock_state(of), why);
}

START_TEST(opens_and_closes_for_all_workers)
{
	const char *why = "";
	with(URL "breaker: {failures: 3, cooldown: 30s}\n");
	ask(sink, 0);
	ask(sink2, 503);
	ck_assert_int_eq(gauge(), 0);
	ck_assert(is_ready(sink, &why));
	ask(sink, 0);
	ck_assert_int_eq(gauge(), 1);
	turned_away(sink, "open", 30000);
	mock_advance(m, 10000);
	turned_away(sink2, "open", 20000);
	ck_assert(!is_ready(sink2, &why));
	ck_assert_str_eq(why, "its breaker is open for another 20 s: connect to 127.0.0.1:9: "
			      "Connection refused");
	ck_assert(
	    mock_logged(m, "warning: the breaker opens after 3 failures in a row, nothing "
			   "is sent for 30000 ms: connect to 127.0.0.1:9"));

	/* Whoever comes first after that is the probe, on whichever worker. */
	mock_advance(m, 20000);
	ck_assert(is_ready(sink, &why));
	struct ow_op *probe = deliver(sink2);
	turned_away(sink, "open", 1000);
	turned_away(sink2, "open", 1000);
	mock_script_answer(m2, 200, NULL, "");
	mock_run(m2);
	ck_assert_int_eq(mock_delivered(probe)->rc, OW_OK);
	ck_assert_int_eq(gauge(), 0);
	ck_assert(mock_logged(m2, "info: the breaker closes after 30000 ms"));
	ck_assert_int_eq(ask(sink, 200)->rc, OW_OK);
}
END_TEST

START_TEST(a_probe_that_fails_says_so_now_and_then)
{
	with(URL "breaker: {failures: 1, cooldown: 1s}\n");
	ask(sink, 500);
	mock_log_clear(m);
	for (int i = 0; i < 200; i++) {
		mock_advance(m, 1000);
		ask(sink, 500);
	}
	ck_assert_int_eq(gauge(), 1);
	ck_assert_uint_eq(mock_log_lines(m), 3);
	ck_assert_str_eq(mock_log_line(m, 0),
	    "warning: the breaker stays open, for the probe failed: the sink answered 500");
}
END_TEST

/* The system behind is well, or was not asked. */
START_TEST(what_does_not_open_it)
{
	static const int statuses[] = {200, 301, 400, 401, 404, 429};
	const struct ow_http_response full = {
	    .size = sizeof(full), .end = OW_HTTP_POOL_FULL, .why = "the line is full"};
	with(URL "breaker: {failures: 1}\nrequire: [/id]\n");
	for (int i = 0; i < 60; i++) {
		struct ow_op *op = mock_deliver(sink, mock_event(m, "{\"id\":1}"), NULL);
		if (i % 7 == 6)
			mock_script(m, &full);
		else
			mock_script_answer(m, statuses[i % 7], NULL, "");
		mock_run(m);
		ck_assert_str_ne(mock_delivered(op)->code, "open");
		ck_assert(mock_delivered(deliver(sink))->invalid);
	}
	ck_assert_int_eq(gauge(), 0);
}
END_TEST

START_TEST(what_opens_it)
{
	static const struct {
		enum ow_http_end end;
		int status;
	} cases[] = {{OW_HTTP_ANSWERED, 500}, {OW_HTTP_ANSWERED, 503}, {OW_HTTP_RESOLVE, 0},
	    {OW_HTTP_CONNECT, 0}, {OW_HTTP_TIMEOUT, 0}, {OW_HTTP_BROKEN, 0},
	    {OW_HTTP_PROTOCOL, 0}};
	const int count = sizeof(cases) / sizeof(cases[0]);
	with(URL "breaker: {failures: 8, cooldown: 1s}\n");
	for (int i = 0; i < count; i++) {
		const struct ow_http_response r = {.size = sizeof(r),
		    .end = cases[i].end,
		    .status = cases[i].status,
		    .maybe_received = true,
		    .why = "x"};
		struct ow_op *op = deliver(sink);
		mock_script(m, &r);
		mock_run(m);
		ck_assert(mock_finished(op));
	}
	ck_assert_int_eq(gauge(), 0);
	struct ow_op *slow = deliver(sink);
	mock_cancel(slow);
	ck_assert_int_eq(gauge(), 1);
}
END_TEST

START_TEST(off)
{
	with(URL);
	for (int i = 0; i < 1000; i++)
		ask(sink, 500);
	ck_assert_int_eq(ask(sink, 200)->rc, OW_OK);
}
END_TEST

START_TEST(the_rate_is_of_all_workers)
{
	with(URL "rate: {limit: 10}\n");
	struct ow_op *ops[4];
	for (int i = 0; i < 4; i++)
		ops[i] = deliver(i % 2 ? sink2 : sink);
	ck_assert_uint_eq(mock_calls(m), 1);
	ck_assert_uint_eq(mock_calls(m2), 0);
	ck_assert_int_eq(mock_call(m, 0)->request.total_ms, 30000);
	mock_advance(m2, 99);
	ck_assert_uint_eq(mock_calls(m2), 0);
	mock_advance(m2, 1);
	ck_assert_uint_eq(mock_calls(m2), 1);
	/* What it waited is part of the attempt's time. */
	ck_assert_int_eq(mock_call(m2, 0)->request.total_ms, 29900);
	mock_advance(m, 100);
	mock_advance(m2, 100);
	ck_assert_uint_eq(mock_calls(m), 2);
	ck_assert_uint_eq(mock_calls(m2), 2);
	for (int i = 0; i < 2; i++) {
		mock_script_answer(m, 200, NULL, "");
		mock_script_answer(m2, 200, NULL, "");
	}
	mock_run(m);
	mock_run(m2);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(mock_delivered(ops[i])->rc, OW_OK);
}
END_TEST

START_TEST(no_waiting_beyond_the_attempts_time)
{
	struct ow_attempt attempt = {
	    .size = sizeof(attempt), .number = 1, .key = {"k", 1}, .limit_ms = 250};
	with(URL "rate: {limit: 10, burst: 2}\n");
	struct ow_op *ops[4];
	for (int i = 0; i < 4; i++)
		ops[i] = mock_deliver(sink, mock_event(m, "{}"), &attempt);
	const struct ow_delivery *d =
	    mock_delivered(mock_deliver(sink, mock_event(m, "{}"), &attempt));
	ck_assert_str_eq(d->code, "rate");
	ck_assert_int_eq(d->rc, OW_RETRY);
	ck_assert(d->busy);
	ck_assert_int_eq(d->retry_after_ms, 300);
	ck_assert_uint_eq(mock_calls(m), 2);
	/* One that is given up while it waits: nothing was sent, and nothing will be. */
	mock_cancel(ops[3]);
	ck_assert_int_eq(mock_delivered(ops[3])->rc, OW_RETRY);
	mock_advance(m, 1000);
	ck_assert_uint_eq(mock_calls(m), 3);
	for (int i = 0; i < 3; i++)
		mock_script_answer(m, 200, NULL, "");
	mock_run(m);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(mock_delivered(ops[i])->rc, OW_OK);
}
END_TEST

/* Those that wait for their turn when it opens are not sent into it. */
START_TEST(opens_while_others_wait)
{
	with(URL "rate: {limit: 10}\nbreaker: {failures: 1, cooldown: 5s}\n");
	struct ow_op *first = deliver(sink), *second = deliver(sink);
	mock_script_answer(m, 500, NULL, "");
	mock_run(m);
	ck_assert_int_eq(mock_delivered(first)->rc, OW_RETRY);
	mock_advance(m, 100);
	ck_assert_uint_eq(mock_calls(m), 1);
	ck_assert_str_eq(mock_delivered(second)->code, "open");
	ck_assert_int_eq(mock_delivered(second)->retry_after_ms, 4900);
}
END_TEST

/* The probe that never had its turn leaves its place to another. */
START_TEST(a_probe_that_is_given_up)
{
	with(URL "rate: {limit: 1, per: 10s}\nbreaker: {failures: 1, cooldown: 1s}\n");
	const struct ow_attempt hurried = {
	    .size = sizeof(hurried), .number = 1, .key = {"k", 1}, .limit_ms = 500};
	ask(sink, 500);
	mock_advance(m, 1000);
	struct ow_op *late = mock_deliver(sink, mock_event(m, "{}"), &hurried);
	ck_assert_str_eq(mock_delivered(late)->code, "rate");
	struct ow_op *probe = deliver(sink);
	turned_away(sink, "open", 1000);
	mock_cancel(probe);
	ck_assert_int_eq(mock_delivered(probe)->rc, OW_RETRY);
	struct ow_op *next = deliver(sink);
	mock_advance(m, 30000);
	mock_script_answer(m, 200, NULL, "");
	mock_run(m);
	ck_assert_int_eq(mock_delivered(next)->rc, OW_OK);
	ck_assert_int_eq(gauge(), 0);
}
END_TEST

START_TEST(options_that_make_no_sense)
{
	const char *text = mock_conf_complaints(
	    m, mock_component(OW_MODULE_SYMBOL(), "http"), URL "rate: {per: 60s, burst: 5}\n");
	ck_assert_ptr_nonnull(
	    strstr(text, "test.yaml:2:13: error: is of no use without rate.limit"));
	ck_assert_ptr_nonnull(
	    strstr(text, "test.yaml:2:25: error: is of no use without rate.limit"));
	text = mock_conf_complaints(
	    m, mock_component(OW_MODULE_SYMBOL(), "http"), URL "breaker: {cooldown: 60s}\n");
	ck_assert_ptr_nonnull(
	    strstr(text, "test.yaml:2:21: error: is of no use without breaker.failures"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sink_http/gate");
	TCase *t = tcase_create("breaker");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, opens_and_closes_for_all_workers);
	tcase_add_test(t, a_probe_that_fails_says_so_now_and_then);
	tcase_add_test(t, what_does_not_open_it);
	tcase_add_test(t, what_opens_it);
	tcase_add_test(t, off);
	suite_add_tcase(s, t);
	t = tcase_create("rate");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_rate_is_of_all_workers);
	tcase_add_test(t, no_waiting_beyond_the_attempts_time);
	tcase_add_test(t, opens_while_others_wait);
	tcase_add_test(t, a_probe_that_is_given_up);
	tcase_add_test(t, options_that_make_no_sense);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
