/* The loop of `mode: lambda`, against a Runtime API that the test is. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define NEXT	     "/2018-06-01/runtime/invocation/next"
#define RESPONSE     "/2018-06-01/runtime/invocation/req-1/response"
#define ERROR	     "/2018-06-01/runtime/invocation/req-1/error"
#define EVENT                                                                                  \
	"{\"version\":\"0\",\"id\":\"e-1\",\"detail-type\":\"t\",\"source\":\"s\","            \
	"\"account\":\"1\",\"time\":\"2026-01-01T00:00:00Z\",\"region\":\"r\","                \
	"\"resources\":[],\"detail\":{}}"
#define INVALID_ANSWER                                                                         \
	"{\"statusCode\":400,\"body\":\"{\\\"error\\\":\\\"Invalid event structure\\\"}\"}"

static struct mock *m;
static struct ow_instance *source;

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static const struct ow_component *eventbridge(void)
{
	return mock_component(OW_MODULE_SYMBOL(), "eventbridge");
}

static struct ow_instance *instance(struct mock *worker, const char *options)
{
	char yaml[200];
	snprintf(yaml, sizeof(yaml), "mode: lambda\n%s", options);
	return mock_instance(
	    worker, eventbridge(), "in", mock_conf(worker, eventbridge(), yaml));
}

static void begin(const char *options)
{
	setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001", 1);
	m = mock_new();
	source = instance(m, options);
}

static void with(const char *options)
{
	begin(options);
	ck_assert_int_eq(mock_rc(mock_start(source)), OW_OK);
}

static void end(void)
{
	ck_assert_int_eq(mock_rc(mock_drain(source)), OW_OK);
	mock_free(m);
	m = NULL;
}

static const struct mock_call *last_call(void)
{
	return mock_call(m, mock_calls(m) - 1);
}

/* The one call that is open is the last, and goes there. */
static void expect_call(const char *method, const char *target)
{
	size_t open = 0;
	for (size_t i = 0; i < mock_calls(m); i++)
		open += mock_call(m, i)->state == MOCK_CALL_OPEN;
	ck_assert_uint_eq(open, 1);
	ck_assert_int_eq(last_call()->state, MOCK_CALL_OPEN);
	ck_assert_str_eq(last_call()->request.method, method);
	ck_assert_str_eq(last_call()->request.target.data, target);
}

static void expect_posted(const char *target, const char *body)
{
	expect_call("POST", target);
	ck_assert_str_eq(last_call()->request.body.data, body);
	ck_assert_str_eq(
	    mock_call_header(last_call(), "Content-Type").data, "application/json");
}

static void expect_error(const char *type, const char *message)
{
	char body[400];
	snprintf(body, sizeof(body),
	    "{\"errorMessage\":\"%s\",\"errorType\":\"%s\",\"stackTrace\":[]}", message, type);
	expect_posted(ERROR, body);
	ck_assert_str_eq(
	    mock_call_header(last_call(), "Lambda-Runtime-Function-Error-Type").data, type);
}

static void respond(const struct ow_http_response *response)
{
	mock_respond(m, mock_calls(m) - 1, response);
	mock_run(m);
}

static void answer(int status)
{
	respond(&(struct ow_http_response){
	    .end = OW_HTTP_ANSWERED, .status = status, .body = text("{}")});
}

static void lose(enum ow_http_end how)
{
	respond(&(struct ow_http_response){.end = how, .why = "127.0.0.1:9001: refused"});
}

/* deadline: from now; 0: the header is not there. */
static void invoke(const char *body, int64_t deadline)
{
	char number[32];
	expect_call("GET", NEXT);
	snprintf(number, sizeof(number), "%lld", (long long)(mock_wall(m) + deadline));
	const struct ow_text names[] = {text("Lambda-Runtime-Aws-Request-Id"),
	    text("Lambda-Runtime-Trace-Id"), text("Lambda-Runtime-Deadline-Ms")};
	const struct ow_text values[] = {text("req-1"),
	    text("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"),
	    text(number)};
	respond(&(struct ow_http_response){.end = OW_HTTP_ANSWERED,
	    .status = 200,
	    .names = names,
	    .values = values,
	    .headers = deadline ? 3 : 2,
	    .body = text(body)});
}

static const struct ow_event *last_event(void)
{
	return mock_emission(m, mock_emitted(m) - 1)->event;
}

static void settle(enum ow_outcome outcome, bool acknowledge, int status, const char *body)
{
	mock_settle(m, mock_emitted(m) - 1,
	    &(struct ow_settlement){.size = sizeof(struct ow_settlement),
		.outcome = outcome,
		.acknowledge = acknowledge,
		.status = status,
		.content_type = text("application/json"),
		.body = text(body),
		.why = "because"});
	mock_run(m);
}

/* ---- invocations ---- */

START_TEST(an_invocation_is_an_event)
{
	with("");
	ck_assert_str_eq(last_call()->origin.url, "http://127.0.0.1:9001");
	/* Nothing may cut the waiting short: Lambda freezes the process for as long as it
	 * likes. */
	ck_assert_int_gt(last_call()->request.total_ms, INT64_C(30) * 86400000);
	ck_assert(last_call()->request.repeatable);
	invoke(EVENT, 10000);
	ck_assert_uint_eq(mock_emitted(m), 1);
	ck_assert_str_eq(mock_host()->event_body(last_event()).data, EVENT);
	ck_assert_str_eq(
	    mock_host()->event_header(last_event(), "Lambda-Runtime-Aws-Request-Id").data,
	    "req-1");
	ck_assert_str_eq(mock_host()->event_header(last_event(), "X-Amzn-Trace-Id").data,
	    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1");
	ck_assert_str_eq(mock_host()->event_header(last_event(), "traceparent").data,
	    "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01");
	ck_assert_int_eq(mock_event_limit(last_event()), 9500);
	ck_assert_uint_eq(mock_calls(m), 1); /* not before it is settled */
	settle(OW_DELIVERED, true, 200, "{\"status\":\"success\"}");
	expect_posted(
	    RESPONSE, "{\"statusCode\":200,\"body\":\"{\\\"status\\\":\\\"success\\\"}\"}");
	ck_assert_ptr_null(
	    mock_call_header(last_call(), "Lambda-Runtime-Function-Error-Type").data);
	answer(202);
	expect_call("GET", NEXT);
	end();
}
END_TEST

START_TEST(randomness_is_fresh_for_each_invocation)
{
	with("");
	for (unsigned n = 0; n < 3; n++) {
		ck_assert_uint_eq(mock_random_refreshes(m), n);
		invoke(EVENT, 10000);
		ck_assert_uint_eq(mock_random_refreshes(m), n + 1);
		settle(OW_DELIVERED, true, 200, "");
		answer(202);
	}
	end();
}
END_TEST

START_TEST(the_deadline_is_the_invocation_s)
{
	with("deadline_margin: 2s\n");
	invoke(EVENT, 3000);
	ck_assert_int_eq(mock_event_limit(last_event()), 1000);
	settle(OW_FAILED, false, 504, "");
	answer(202);
	invoke(EVENT, 1500); /* too late, but told in time */
	ck_assert_int_eq(mock_event_limit(last_event()), 1);
	settle(OW_FAILED, false, 504, "");
	answer(202);
	invoke(EVENT, 0);
	ck_assert_int_eq(mock_event_limit(last_event()), 0);
	settle(OW_DELIVERED, true, 200, "");
	answer(202);
	end();
}
END_TEST

static const struct {
	enum ow_outcome outcome;
	bool acknowledge;
	int status;
	const char *type; /* NULL: a response */
} outcomes[] = {
    {OW_DELIVERED, true, 200, NULL},
    {OW_DUPLICATE, true, 200, NULL},
    {OW_PASSED, true, 200, NULL},
    {OW_ACCEPTED, true, 202, NULL},
    {OW_FAILED, true, 202, NULL}, /* it is among the dead letters */
    {OW_INVALID, false, 400, NULL},
    {OW_MISSING_KEY, false, 400, NULL},
    {OW_MISMATCH, false, 422, NULL},
    {OW_DUPLICATE, false, 502, "Onceway.Failed"}, /* of one that failed and is kept */
    {OW_FAILED, false, 502, "Onceway.Failed"},
    {OW_REJECTED, false, 503, "Onceway.Rejected"},
    {OW_UNROUTED, false, 404, "Onceway.Unrouted"},
    {OW_UNSURE, false, 504, "Onceway.Unknown"},
    {99, false, 500, "Onceway.Failed"},
};

/* What is not acknowledged Lambda is to repeat: it must hear of an error. */
START_TEST(each_outcome_is_told)
{
	char body[100];
	with("");
	invoke(EVENT, 10000);
	settle(outcomes[_i].outcome, outcomes[_i].acknowledge, outcomes[_i].status, "the body");
	snprintf(body, sizeof(body), "{\"statusCode\":%d,\"body\":\"the body\"}",
	    outcomes[_i].status);
	if (outcomes[_i].type)
		expect_error(outcomes[_i].type, "because");
	else
		expect_posted(RESPONSE, body);
	answer(202);
	end();
}
END_TEST

START_TEST(what_is_at_fault_itself_may_be_told_as_an_error)
{
	static const enum ow_outcome faults[] = {OW_INVALID, OW_MISSING_KEY, OW_MISMATCH};
	with("invalid: fail\n");
	for (int i = 0; i < COUNT(faults); i++) {
		invoke(EVENT, 10000);
		settle(faults[i], false, 400, "");
		expect_error("Onceway.Invalid", "because");
		answer(202);
	}
	invoke("{}", 10000);
	expect_error("Onceway.Invalid", "version is missing");
	answer(202);
	end();
}
END_TEST

START_TEST(an_envelope_that_is_not_whole_is_answered_as_the_tutorial_does)
{
	with("");
	invoke("{\"version\":\"0\"}", 10000);
	ck_assert_uint_eq(mock_emitted(m), 0);
	expect_posted(RESPONSE, INVALID_ANSWER);
	ck_assert(mock_logged(m, "id is missing"));
	ck_assert_uint_eq(mock_counter(m, "eventbridge_invalid_total", NULL), 1);
	answer(202);
	invoke("not JSON", 10000); /* the core says so */
	ck_assert_uint_eq(mock_emitted(m), 1);
	settle(OW_INVALID, false, 400, "{\"error\":\"Invalid event structure\"}");
	expect_posted(RESPONSE, INVALID_ANSWER);
	answer(202);
	end();
}
END_TEST

START_TEST(an_event_that_is_too_large_is_an_error)
{
	const struct ow_text name = text("Lambda-Runtime-Aws-Request-Id"), id = text("req-1");
	with("");
	respond(&(struct ow_http_response){.end = OW_HTTP_ANSWERED,
	    .status = 200,
	    .names = &name,
	    .values = &id,
	    .headers = 1,
	    .body_dropped = true});
	ck_assert_uint_eq(mock_emitted(m), 0);
	expect_error("Onceway.Invalid", "the event is larger than Lambda allows");
	answer(202);
	end();
}
END_TEST

/* ---- a Runtime API that does not do as it should ---- */

START_TEST(what_fails_is_asked_again)
{
	with("");
	lose(OW_HTTP_CONNECT);
	ck_assert_uint_eq(mock_calls(m), 1);
	ck_assert(mock_logged(m, "cannot be asked: GET " NEXT ": 127.0.0.1:9001: refused"));
	mock_advance(m, 100);
	ck_assert_uint_eq(mock_calls(m), 2);
	answer(403);
	mock_advance(m, 199);
	ck_assert_uint_eq(mock_calls(m), 2);
	mock_advance(m, 1);
	ck_assert_uint_eq(mock_calls(m), 3);
	answer(200);
	ck_assert(mock_logged(m, "without an id of an invocation"));
	for (size_t n = 4; n < 20; n++) {
		mock_advance(m, 5000); /* never longer */
		ck_assert_uint_eq(mock_calls(m), n);
		lose(OW_HTTP_BROKEN);
	}
	mock_advance(m, 5000);
	invoke(EVENT, 10000);
	settle(OW_DELIVERED, true, 200, "");
	answer(202);
	lose(OW_HTTP_BROKEN); /* all was well in between: it begins anew */
	mock_advance(m, 100);
	expect_call("GET", NEXT);
	end();
}
END_TEST

START_TEST(an_answer_that_is_lost_is_sent_again)
{
	with("");
	invoke(EVENT, 10000);
	settle(OW_DELIVERED, true, 200, "x");
	for (int n = 0; n < 4; n++) {
		expect_posted(RESPONSE, "{\"statusCode\":200,\"body\":\"x\"}");
		lose(OW_HTTP_BROKEN);
		mock_advance(m, 5000);
	}
	expect_posted(RESPONSE, "{\"statusCode\":200,\"body\":\"x\"}");
	lose(OW_HTTP_BROKEN); /* but not for ever: Lambda has its own way with it */
	ck_assert(mock_logged(m, "invocation/req-1/response was not taken: 127.0.0.1:9001"));
	expect_call("GET", NEXT);
	end();
}
END_TEST

START_TEST(an_answer_that_is_not_taken_is_told)
{
	with("");
	invoke(EVENT, 10000);
	settle(OW_DELIVERED, true, 200, "x");
	respond(&(struct ow_http_response){
	    .end = OW_HTTP_ANSWERED, .status = 413, .body = text("too large")});
	ck_assert(mock_logged(m, "invocation/req-1/response was not taken: too large"));
	expect_call("GET", NEXT);
	end();
}
END_TEST

static volatile sig_atomic_t terminated;

static void on_sigterm(int number)
{
	terminated = number;
}

START_TEST(the_end_of_the_environment_is_the_end_of_the_process)
{
	signal(SIGTERM, on_sigterm);
	for (int after = 0; after < 2; after++) {
		terminated = 0;
		with("");
		if (after) {
			invoke(EVENT, 10000);
			settle(OW_DELIVERED, true, 200, "x");
		}
		size_t calls = mock_calls(m);
		answer(500);
		ck_assert_int_eq(terminated, SIGTERM);
		mock_advance(m, 60000);
		ck_assert_uint_eq(mock_calls(m), calls);
		end();
	}
}
END_TEST

/* A second SIGTERM would be "now": what the drain still has to do would not be done. */
START_TEST(a_process_that_ends_already_is_not_told_again)
{
	signal(SIGTERM, on_sigterm);
	terminated = 0;
	with("");
	invoke(EVENT, 10000);
	struct ow_op *drain = mock_drain(source);
	settle(OW_DELIVERED, true, 200, "x");
	answer(500);
	ck_assert_int_eq(mock_rc(drain), OW_OK);
	ck_assert_int_eq(terminated, 0);
	mock_free(m);
}
END_TEST

/* ---- beginning and end ---- */

START_TEST(outside_of_lambda_it_does_not_start)
{
	unsetenv("AWS_LAMBDA_RUNTIME_API");
	m = mock_new();
	source = instance(m, "");
	struct ow_op *start = mock_start(source);
	ck_assert_int_eq(mock_rc(start), OW_FAIL);
	ck_assert_ptr_nonnull(strstr(mock_why(start), "AWS_LAMBDA_RUNTIME_API is not set"));
	const struct ow_source_ops *ops = eventbridge()->ops;
	ops->start_failed(mock_state(source), mock_why(start)); /* there is nobody to tell */
	ck_assert_uint_eq(mock_calls(m), 0);
	end();
}
END_TEST

START_TEST(an_address_that_is_none_is_said)
{
	char address[400];
	const char *why = NULL;
	memset(address, 'a', sizeof(address) - 1);
	address[sizeof(address) - 1] = '\0';
	setenv("AWS_LAMBDA_RUNTIME_API", address, 1);
	m = mock_new();
	void *conf = mock_conf(m, eventbridge(), "mode: lambda\n");
	ck_assert_ptr_null(mock_try_instance(m, eventbridge(), "in", conf, &why));
	ck_assert_str_eq(why, "AWS_LAMBDA_RUNTIME_API is too long for an address");
	mock_refuse_pool(m, "the URL is no good");
	setenv("AWS_LAMBDA_RUNTIME_API", "x", 1);
	ck_assert_ptr_null(mock_try_instance(m, eventbridge(), "in", conf, &why));
	ck_assert_str_eq(why, "the URL is no good");
	mock_free(m);
}
END_TEST

START_TEST(a_start_that_failed_is_reported)
{
	const struct ow_source_ops *ops = eventbridge()->ops;
	for (int started = 0; started < 2; started++) {
		begin("");
		if (started) /* another source's start failed later */
			mock_start(source);
		ops->start_failed(mock_state(source), "store main: no such file");
		expect_posted("/2018-06-01/runtime/init/error",
		    "{\"errorMessage\":\"store main: no such file\",\"errorType\":"
		    "\"Onceway.StartFailed\",\"stackTrace\":[]}");
		ck_assert_str_eq(
		    mock_call_header(last_call(), "Lambda-Runtime-Function-Error-Type").data,
		    "Onceway.StartFailed");
		struct ow_op *drain = mock_drain(source);
		ck_assert(!mock_finished(drain));
		answer(202);
		ck_assert_int_eq(mock_rc(drain), OW_OK);
		ck_assert_uint_eq(mock_calls(m), 1 + (size_t)started);
		mock_free(m);
	}
}
END_TEST

START_TEST(one_worker_asks)
{
	with("");
	struct mock *other = mock_new_worker(m);
	struct ow_instance *idle = instance(other, "");
	ck_assert_int_eq(mock_rc(mock_start(idle)), OW_OK);
	ck_assert_uint_eq(mock_calls(other), 0);
	ck_assert(mock_logged(other, "set `onceway: {workers: 1}`"));
	ck_assert_int_eq(mock_rc(mock_drain(idle)), OW_OK);
	mock_free(other);
	end();
}
END_TEST

START_TEST(a_drain_between_invocations_is_at_once)
{
	with("");
	ck_assert_int_eq(mock_rc(mock_drain(source)), OW_OK);
	ck_assert_int_eq(last_call()->state, MOCK_CALL_CANCELLED);
	mock_free(m);
	with("");
	lose(OW_HTTP_CONNECT);
	ck_assert_int_eq(mock_rc(mock_drain(source)), OW_OK);
	mock_advance(m, 60000);
	ck_assert_uint_eq(mock_calls(m), 1);
	mock_free(m);
}
END_TEST

START_TEST(a_drain_waits_for_the_answer)
{
	with("");
	invoke(EVENT, 10000);
	struct ow_op *drain = mock_drain(source);
	ck_assert(!mock_finished(drain));
	settle(OW_DELIVERED, true, 200, "x");
	ck_assert(!mock_finished(drain));
	lose(OW_HTTP_BROKEN);
	ck_assert(!mock_finished(drain));
	mock_advance(m, 100);
	answer(202);
	ck_assert_int_eq(mock_rc(drain), OW_OK);
	ck_assert_uint_eq(mock_calls(m), 3); /* and no next one */
	mock_free(m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("source_eventbridge/runtime");
	TCase *t = tcase_create("runtime");
	tcase_add_test(t, an_invocation_is_an_event);
	tcase_add_test(t, randomness_is_fresh_for_each_invocation);
	tcase_add_test(t, the_deadline_is_the_invocation_s);
	tcase_add_loop_test(t, each_outcome_is_told, 0, COUNT(outcomes));
	tcase_add_test(t, what_is_at_fault_itself_may_be_told_as_an_error);
	tcase_add_test(t, an_envelope_that_is_not_whole_is_answered_as_the_tutorial_does);
	tcase_add_test(t, an_event_that_is_too_large_is_an_error);
	tcase_add_test(t, what_fails_is_asked_again);
	tcase_add_test(t, an_answer_that_is_lost_is_sent_again);
	tcase_add_test(t, an_answer_that_is_not_taken_is_told);
	tcase_add_test(t, the_end_of_the_environment_is_the_end_of_the_process);
	tcase_add_test(t, a_process_that_ends_already_is_not_told_again);
	tcase_add_test(t, outside_of_lambda_it_does_not_start);
	tcase_add_test(t, an_address_that_is_none_is_said);
	tcase_add_test(t, a_start_that_failed_is_reported);
	tcase_add_test(t, one_worker_asks);
	tcase_add_test(t, a_drain_between_invocations_is_at_once);
	tcase_add_test(t, a_drain_waits_for_the_answer);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
