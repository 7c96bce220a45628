#include "source_eventbridge/invocation.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define ROOT	     "Root=1-5759e988-bd862e3fe1be46a994272793"

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* ---- what comes ---- */

static bool read_headers(
    const char *const (*headers)[2], size_t count, struct invocation *invocation)
{
	static struct ow_text names[8], values[8];
	for (size_t i = 0; i < count; i++) {
		names[i] = text(headers[i][0]);
		values[i] = text(headers[i][1]);
	}
	return invocation_read(
	    &(struct ow_http_response){.size = sizeof(struct ow_http_response),
		.end = OW_HTTP_ANSWERED,
		.status = 200,
		.names = names,
		.values = values,
		.headers = count},
	    invocation);
}

START_TEST(reads_what_lambda_sends)
{
	static const char *const headers[][2] = {{"Content-Type", "application/json"},
	    {"lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"},
	    {"Lambda-Runtime-Deadline-Ms", "1542409706888"},
	    {"Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:x"},
	    {"Lambda-Runtime-Trace-Id", ROOT ";Parent=53995c3f42cd8ad8;Sampled=1"}};
	struct invocation i;
	ck_assert(read_headers(headers, COUNT(headers), &i));
	ck_assert_uint_eq(i.id.len, 36);
	ck_assert(memcmp(i.id.data, "8476a536", 8) == 0);
	ck_assert_int_eq(i.deadline_ms, 1542409706888);
	ck_assert_uint_eq(i.trace.len, strlen(headers[4][1]));
	ck_assert(read_headers(headers, 2, &i));
	ck_assert_int_eq(i.deadline_ms, 0);
	ck_assert_uint_eq(i.trace.len, 0);
	ck_assert(!read_headers(headers, 1, &i));
}
END_TEST

#define DIGITS "01234567890123456789012345678901234567890123456789012345678901234"

static const char *const no_ids[] = {
    "", "a/b", "../x", "a b", "a?b", "\xc3\xa9", "a\r\nb", (DIGITS DIGITS)};

START_TEST(an_id_is_part_of_a_path)
{
	const char *const headers[][2] = {{"Lambda-Runtime-Aws-Request-Id", no_ids[_i]}};
	struct invocation i;
	ck_assert(!read_headers(headers, 1, &i));
}
END_TEST

START_TEST(a_deadline_that_is_no_number_is_none)
{
	static const char *const none[] = {
	    "", "soon", "-1", "1542409706888.5", "9999999999999999", "0x10"};
	for (int n = 0; n < COUNT(none); n++) {
		const char *const headers[][2] = {{"Lambda-Runtime-Aws-Request-Id", "a"},
		    {"Lambda-Runtime-Deadline-Ms", none[n]}};
		struct invocation i;
		ck_assert(read_headers(headers, 2, &i));
		ck_assert_int_eq(i.deadline_ms, 0);
	}
}
END_TEST

/* ---- traces ---- */

static const struct {
	const char *trace, *traceparent; /* NULL: none */
} traces[] = {
    {ROOT ";Parent=53995c3f42cd8ad8;Sampled=1",
	"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"},
    {ROOT ";Parent=53995c3f42cd8ad8;Sampled=0;Lineage=a87bd80c:0",
	"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00"},
    {"Sampled=1;Self=1-x;Parent=53995c3f42cd8ad8;" ROOT,
	"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"},
    {ROOT ";Parent=53995c3f42cd8ad8",
	"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00"},
    {"", NULL},
    {";;;", NULL},
    {ROOT, NULL},
    {ROOT ";Parent=", NULL},
    {ROOT ";Parent=53995c3f42cd8ad", NULL},
    {ROOT ";Parent=53995c3f42cd8adZ", NULL},
    {ROOT ";Parent=53995c3f42cd8ad8a", NULL},
    {ROOT ";XParent=53995c3f42cd8ad8", NULL},
    {"Root=1-5759e988-bd862e3fe1be46a99427279;Parent=53995c3f42cd8ad8", NULL},
    {"Root=1-5759e988-bd862e3fe1be46a994272793a;Parent=53995c3f42cd8ad8", NULL},
    {"Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", NULL},
    {"Root=1-5759E988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", NULL},
    {"Root=1-5759e988xbd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", NULL},
    {"Parent=53995c3f42cd8ad8;Sampled=1", NULL},
};

START_TEST(a_trace_goes_on)
{
	char out[INVOCATION_TRACEPARENT_SIZE] = "";
	char *trace = strdup(traces[_i].trace); /* of its very size, for the sanitizers */
	bool is = invocation_traceparent((struct ow_text){trace, strlen(trace)}, out);
	ck_assert_int_eq(is, traces[_i].traceparent != NULL);
	if (is)
		ck_assert_str_eq(out, traces[_i].traceparent);
	free(trace);
}
END_TEST

/* ---- what goes ---- */

static const struct {
	int status;
	struct ow_text body;
	const char *answer;
} answers[] = {
    {200, {"{\"status\":\"success\"}", 20},
	"{\"statusCode\":200,\"body\":\"{\\\"status\\\":\\\"success\\\"}\"}"},
    {400, {NULL, 0}, "{\"statusCode\":400,\"body\":\"\"}"},
    {202, {"caf\xc3\xa9\n", 6}, "{\"statusCode\":202,\"body\":\"caf\\u00E9\\n\"}"},
    {200, {"a\0b", 3}, "{\"statusCode\":200,\"body\":\"a\\u0000b\"}"},
    {200, {"\xff\x00x", 3}, "{\"statusCode\":200,\"body\":\"/wB4\",\"isBase64Encoded\":true}"},
};

START_TEST(an_answer_is_a_status_and_a_text)
{
	char *answer = invocation_answer(answers[_i].status, answers[_i].body);
	ck_assert_str_eq(answer, answers[_i].answer);
	free(answer);
}
END_TEST

START_TEST(an_error_is_a_type_and_a_message)
{
	char *error = invocation_error("Onceway.Failed", "the sink \"crm\" answered 500");
	ck_assert_str_eq(error, "{\"errorMessage\":\"the sink \\\"crm\\\" answered 500\","
				"\"errorType\":\"Onceway.Failed\",\"stackTrace\":[]}");
	free(error);
	error = invocation_error("Onceway.Failed", "\xff");
	ck_assert_str_eq(error, "{\"errorMessage\":\"not UTF-8; see the log\","
				"\"errorType\":\"Onceway.Failed\",\"stackTrace\":[]}");
	free(error);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("source_eventbridge/invocation");
	TCase *t = tcase_create("invocation");
	tcase_add_test(t, reads_what_lambda_sends);
	tcase_add_loop_test(t, an_id_is_part_of_a_path, 0, COUNT(no_ids));
	tcase_add_test(t, a_deadline_that_is_no_number_is_none);
	tcase_add_loop_test(t, a_trace_goes_on, 0, COUNT(traces));
	tcase_add_loop_test(t, an_answer_is_a_status_and_a_text, 0, COUNT(answers));
	tcase_add_test(t, an_error_is_a_type_and_a_message);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
