#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/aws/endpoint.h"
#include "lib/aws/test_rig.h"
#include "tests/unit/main.h"

#define WITH RIG_KEYS RIG_PLACE
#define HOST "sqs.eu-central-1.amazonaws.com"
#define SIGNED                                                                                 \
	"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-central-1/sqs/aws4_request, "
#define NAMES "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void script(int status, const char *const *headers, const char *body)
{
	mock_script_answer(rig.m, status, headers, body);
}

/* ---- what is sent ---- */

START_TEST(request_is_signed)
{
	rig_with(WITH);
	script(200, NULL, "{\"b\":2}");
	const struct rig_result *r = rig_called();
	ck_assert_int_eq(r->outcome, AWS_OK);
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "{\"b\":2}");
	ck_assert_str_eq(r->why, "");
	ck_assert_str_eq(rig_url(0), "https://" HOST);
	ck_assert_str_eq(rig_target(0), "/");
	ck_assert_str_eq(mock_call(rig.m, 0)->request.method, "POST");
	ck_assert_str_eq(mock_call(rig.m, 0)->request.body.data, "{\"a\":1}");
	ck_assert(mock_call(rig.m, 0)->request.repeatable);
	ck_assert_str_eq(rig_header(0, "Content-Type"), "application/x-amz-json-1.0");
	ck_assert_str_eq(rig_header(0, "X-Amz-Target"), "Test.Action");
	ck_assert_str_eq(rig_header(0, "X-Amz-Date"), "20260101T000000Z");
	ck_assert_str_eq(rig_header(0, "X-Amz-Security-Token"), "");
	ck_assert_str_eq(rig_header(0, "Authorization"), SIGNED NAMES
	    "Signature=05b9c7f19129c132e1a08b8b079375debb47591a76223d439787431a9e801794");
}
END_TEST

START_TEST(session_token)
{
	rig_with(WITH "session_token: the/token==\n");
	script(200, NULL, "{}");
	rig_called();
	ck_assert_str_eq(rig_header(0, "X-Amz-Security-Token"), "the/token==");
	ck_assert_ptr_nonnull(strstr(rig_header(0, "Authorization"),
	    "Signature=db26a9e933da49284c8b6732f533bee37dc1f5a5673765aad35572dbd7ca964b"));
}
END_TEST

/* Host as the HTTP client writes it: in lower case, with a port that is not the scheme's. */
START_TEST(endpoint_of_ones_own)
{
	rig_with(WITH "endpoint: http://LocalHost:4566/sub\n");
	script(200, NULL, "{}");
	rig_called();
	ck_assert_str_eq(rig_url(0), "http://LocalHost:4566/sub");
	ck_assert_str_eq(rig_target(0), "/sub");
	ck_assert_ptr_nonnull(strstr(rig_header(0, "Authorization"),
	    "Signature=4556f27b607e34be0be6c85d6fed0d60d82045a31c239ab267c0f7df0baa5aa8"));
}
END_TEST

static void expect_host(const char *url, const char *host)
{
	struct draft out = DRAFT_EMPTY;
	aws_host_write(&out, url);
	ck_assert_str_eq(out.data, host);
	draft_free(&out);
}

START_TEST(hosts)
{
	expect_host("https://A.example:443/x", "a.example");
	expect_host("http://a.example:80", "a.example");
	expect_host("http://a.example:443?x", "a.example:443");
	expect_host("https://a.example:80", "a.example:80");
	expect_host("http://[::1]:4566/", "[::1]:4566");
}
END_TEST

/* The partitions' suffixes, and where the FIPS endpoints are. */
static const struct {
	const char *region, *plain, *fips;
} regions[] = {
    {"us-east-1", "https://sqs.us-east-1.amazonaws.com",
	"https://sqs-fips.us-east-1.amazonaws.com"},
    {"cn-north-1", "https://sqs.cn-north-1.amazonaws.com.cn",
	"https://sqs-fips.cn-north-1.amazonaws.com.cn"},
    {"us-gov-west-1", "https://sqs.us-gov-west-1.amazonaws.com",
	"https://sqs.us-gov-west-1.amazonaws.com"},
    {"us-iso-east-1", "https://sqs.us-iso-east-1.c2s.ic.gov",
	"https://sqs-fips.us-iso-east-1.c2s.ic.gov"},
    {"us-isob-east-1", "https://sqs.us-isob-east-1.sc2s.sgov.gov",
	"https://sqs-fips.us-isob-east-1.sc2s.sgov.gov"},
};

START_TEST(regions_have_endpoints)
{
	char yaml[256];
	snprintf(yaml, sizeof(yaml), RIG_KEYS "region: %s\n", regions[_i].region);
	rig_with(yaml);
	ck_assert_str_eq(aws_client_endpoint(rig.client), regions[_i].plain);
	ck_assert_str_eq(aws_client_region(rig.client), regions[_i].region);
	strcat(yaml, "fips: true\n");
	rig_with(yaml);
	ck_assert_str_eq(aws_client_endpoint(rig.client), regions[_i].fips);
}
END_TEST

START_TEST(place_from_the_environment)
{
	setenv("AWS_DEFAULT_REGION", "us-west-1", 1);
	rig_with(RIG_KEYS);
	ck_assert_str_eq(aws_client_region(rig.client), "us-west-1");
	setenv("AWS_REGION", "us-west-2", 1);
	setenv("AWS_ENDPOINT_URL", "http://localhost:1", 1);
	rig_with(RIG_KEYS);
	ck_assert_str_eq(aws_client_region(rig.client), "us-west-2");
	ck_assert_str_eq(aws_client_endpoint(rig.client), "http://localhost:1");
	setenv("AWS_ENDPOINT_URL_SQS", "http://localhost:2", 1);
	rig_with(RIG_KEYS);
	ck_assert_str_eq(aws_client_endpoint(rig.client), "http://localhost:2");
	rig_with(WITH "endpoint: http://localhost:3\n");
	ck_assert_str_eq(aws_client_region(rig.client), "eu-central-1");
	ck_assert_str_eq(aws_client_endpoint(rig.client), "http://localhost:3");
}
END_TEST

START_TEST(place_that_is_no_good)
{
	ck_assert_ptr_nonnull(
	    strstr(rig_refused(RIG_KEYS), "the AWS region is not known: set"));
	setenv("AWS_REGION", "eu central", 1);
	ck_assert_ptr_nonnull(strstr(rig_refused(RIG_KEYS), "is not a region's name"));
	mock_refuse_pool(rig.m, "the port is no number");
	ck_assert_str_eq(rig_refused(WITH), "the port is no number");
}
END_TEST

/* ---- what an answer means ---- */

static const char *const json_error[] = {
    "x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender", NULL};
static const char *const error_type[] = {
    "X-Amzn-ErrorType", "InternalFailure:http://internal.amazon.com/x", NULL};
static const char *const throttled_query[] = {
    "x-amzn-query-error", "RequestThrottled;Sender", "Retry-After", "7", NULL};

static const struct {
	int status;
	const char *const *headers;
	const char *body;
	enum aws_outcome outcome;
	const char *code, *query_code, *why;
} answers[] = {
    {400, json_error,
	"{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"The specified queue "
	"does not exist.\"}",
	AWS_FAILED, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
	HOST " answered 400 QueueDoesNotExist: The specified queue does not exist."},
    {400, NULL, "{\"__type\":\"UnrecognizedClientException\",\"Message\":\"No.\"}", AWS_DENIED,
	"UnrecognizedClientException", "",
	HOST " answered 400 UnrecognizedClientException: No."},
    {400, NULL, "{\"__type\":\"com.amazonaws.sqs#KmsDisabled\"}", AWS_DENIED, "KmsDisabled", "",
	HOST " answered 400 KmsDisabled"},
    {403, NULL, "{\"__type\":\"SomethingNew\"}", AWS_DENIED, "SomethingNew", "",
	HOST " answered 403 SomethingNew"},
    {400, NULL, "{\"code\":\"ThrottlingException\"}", AWS_THROTTLED, "ThrottlingException", "",
	HOST " answered 400 ThrottlingException"},
    {403, throttled_query, "{}", AWS_THROTTLED, "RequestThrottled", "RequestThrottled",
	HOST " answered 403 RequestThrottled"},
    {403, throttled_query, "{\"__type\":\"AccessDenied\"}", AWS_THROTTLED, "AccessDenied",
	"RequestThrottled", HOST " answered 403 AccessDenied"},
    {500, NULL, "", AWS_RETRY, "", "", HOST " answered 500"},
    {408, NULL, "", AWS_RETRY, "", "", HOST " answered 408"},
    {401, NULL, "", AWS_DENIED, "", "", HOST " answered 401"},
    {429, NULL, "", AWS_THROTTLED, "", "", HOST " answered 429"},
    {503, NULL, "<html>no</html>", AWS_RETRY, "", "", HOST " answered 503"},
    {500, error_type, "{}", AWS_RETRY, "InternalFailure", "",
	HOST " answered 500 InternalFailure"},
    {400, error_type, "", AWS_RETRY, "InternalFailure", "",
	HOST " answered 400 InternalFailure"},
    {400, json_error, "[]", AWS_FAILED, "AWS.SimpleQueueService.NonExistentQueue",
	"AWS.SimpleQueueService.NonExistentQueue",
	HOST " answered 400 AWS.SimpleQueueService.NonExistentQueue"},
    {302, NULL, "", AWS_FAILED, "", "", HOST " answered 302"},
    {400, NULL, "{\"__type\":7,\"message\":\"a\\u0007b\\u00e9\\nc\"}", AWS_FAILED, "", "",
	HOST " answered 400: a?b??"},
    {413, NULL, "{\"__type\":\"a b\\nc#d e\"}", AWS_FAILED, "d", "", HOST " answered 413 d"},
};

START_TEST(answers_are_judged)
{
	rig_with(WITH);
	script(answers[_i].status, answers[_i].headers, answers[_i].body);
	const struct rig_result *r = rig_called();
	ck_assert_int_eq(r->outcome, answers[_i].outcome);
	ck_assert_int_eq(r->status, answers[_i].status);
	ck_assert_int_eq(r->maybe_done, answers[_i].status >= 500);
	ck_assert_str_eq(r->code, answers[_i].code);
	ck_assert_str_eq(r->query_code, answers[_i].query_code);
	ck_assert_str_eq(r->why, answers[_i].why);
	ck_assert_str_eq(r->body, answers[_i].body);
	ck_assert_int_eq(r->retry_after_ms, answers[_i].headers == throttled_query ? 7000 : 0);
	ck_assert_uint_eq(mock_calls(rig.m), 1);
}
END_TEST

START_TEST(no_answer)
{
	struct ow_http_response lost = {.end = OW_HTTP_TIMEOUT,
	    .maybe_received = true,
	    .why = "10.0.0.1:443: no answer in time"};
	rig_with(WITH);
	mock_script(rig.m, &lost);
	const struct rig_result *r = rig_called();
	ck_assert_int_eq(r->outcome, AWS_RETRY);
	ck_assert(r->maybe_done);
	ck_assert_int_eq(r->status, 0);
	ck_assert_str_eq(r->why, "10.0.0.1:443: no answer in time");
	lost.end = OW_HTTP_CONNECT;
	lost.maybe_received = false;
	mock_script(rig.m, &lost);
	r = rig_called();
	ck_assert_int_eq(r->outcome, AWS_RETRY);
	ck_assert(!r->maybe_done);
}
END_TEST

START_TEST(answer_too_long)
{
	rig_with(WITH);
	mock_script(rig.m, &(struct ow_http_response){.end = OW_HTTP_ANSWERED,
			       .status = 200,
			       .maybe_received = true,
			       .body_dropped = true});
	const struct rig_result *r = rig_called();
	ck_assert_int_eq(mock_call(rig.m, 0)->origin.max_response, 200);
	ck_assert_int_eq(r->outcome, AWS_FAILED);
	ck_assert(r->maybe_done);
	ck_assert_str_eq(r->why, HOST " answered with more than 200 bytes");
}
END_TEST

/* The lines behind the first quote what should have been signed. */
START_TEST(secrets_are_not_repeated)
{
	rig_with(WITH "session_token: the/token==\n");
	script(403, NULL,
	    "{\"__type\":\"SignatureDoesNotMatch\",\"message\":\"No match.\\n\\n"
	    "x-amz-security-token:the/token==\"}");
	ck_assert_str_eq(
	    rig_called()->why, HOST " answered 403 SignatureDoesNotMatch: No match.");
	script(403, NULL, "{\"__type\":\"X\",\"message\":\"What is the/token== good for?\"}");
	ck_assert_str_eq(rig_called()->why, HOST " answered 403 X: What is ...");
}
END_TEST

/* ---- once more ---- */

static const char *const hour_later[] = {"Date", "Thu, 01 Jan 2026 01:00:00 GMT", NULL};
static const char *const now_date[] = {"Date", "Thu, 01 Jan 2026 00:03:59 GMT", NULL};

static const char *const skew_codes[] = {"InvalidSignatureException", "SignatureDoesNotMatch",
    "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"};

START_TEST(clock_is_corrected_once)
{
	char body[64];
	snprintf(body, sizeof(body), "{\"__type\":\"%s\"}", skew_codes[_i]);
	rig_with(WITH);
	script(403, hour_later, body);
	script(200, NULL, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
	ck_assert_uint_eq(mock_calls(rig.m), 2);
	ck_assert_str_eq(rig_header(0, "X-Amz-Date"), "20260101T000000Z");
	ck_assert_str_eq(rig_header(1, "X-Amz-Date"), "20260101T010000Z");
	ck_assert_ptr_nonnull(strstr(rig_header(1, "Authorization"),
	    "Signature=5e9b82c3e602212d1b74d6e87110b6cd5d658ce3a2cc32bede5f13d579073784"));
	ck_assert(mock_logged(rig.m, "clock is 3600 s behind that of " HOST));
	/* It stays known. */
	script(200, NULL, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
	ck_assert_str_eq(rig_header(2, "X-Amz-Date"), "20260101T010000Z");
}
END_TEST

START_TEST(clock_is_not_corrected_twice)
{
	static const char *const still_later[] = {
	    "Date", "Thu, 01 Jan 2026 02:00:00 GMT", NULL};
	rig_with(WITH);
	script(403, hour_later, "{\"__type\":\"RequestTimeTooSkewed\"}");
	script(403, still_later, "{\"__type\":\"RequestTimeTooSkewed\"}");
	ck_assert_int_eq(rig_called()->outcome, AWS_DENIED);
	ck_assert_uint_eq(mock_calls(rig.m), 2);
}
END_TEST

START_TEST(right_clock_is_not_corrected)
{
	rig_with(WITH);
	script(403, now_date, "{\"__type\":\"SignatureDoesNotMatch\"}");
	ck_assert_int_eq(rig_called()->outcome, AWS_DENIED);
	script(403, NULL, "{\"__type\":\"SignatureDoesNotMatch\"}");
	ck_assert_int_eq(rig_called()->outcome, AWS_DENIED);
	/* Not a matter of the signature. */
	script(403, hour_later, "{\"__type\":\"AccessDenied\"}");
	ck_assert_int_eq(rig_called()->outcome, AWS_DENIED);
	ck_assert_uint_eq(mock_calls(rig.m), 3);
}
END_TEST

START_TEST(expired_credentials_are_looked_up_once)
{
	rig_with(RIG_PLACE);
	setenv("AWS_ACCESS_KEY_ID", "OLD", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "old", 1);
	script(200, NULL, "{}");
	rig_called();
	mock_advance(rig.m, 60000);
	setenv("AWS_ACCESS_KEY_ID", "NEW", 1);
	script(400, NULL, "{\"__type\":\"ExpiredTokenException\"}");
	script(200, NULL, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
	ck_assert_ptr_nonnull(strstr(rig_header(1, "Authorization"), "Credential=OLD/"));
	ck_assert_ptr_nonnull(strstr(rig_header(2, "Authorization"), "Credential=NEW/"));
	mock_advance(rig.m, 60000);
	script(400, NULL, "{\"__type\":\"ExpiredToken\"}");
	script(400, NULL, "{\"__type\":\"ExpiredToken\",\"message\":\"Too late.\"}");
	ck_assert_int_eq(rig_called()->outcome, AWS_DENIED);
	ck_assert_str_eq(rig.last.why, HOST " answered 400 ExpiredToken: Too late.");
	ck_assert_uint_eq(mock_calls(rig.m), 5);
}
END_TEST

/* ---- time, and the end ---- */

START_TEST(time_that_is_left)
{
	rig_with(WITH);
	rig_call();
	mock_run(rig.m);
	ck_assert_int_eq(mock_call(rig.m, 0)->request.total_ms, 10000);
	mock_advance(rig.m, 4000);
	script(403, hour_later, "{\"__type\":\"RequestTimeTooSkewed\"}");
	script(200, NULL, "{}");
	mock_run(rig.m);
	ck_assert_int_eq(rig.last.ended, 1);
	ck_assert_int_eq(mock_call(rig.m, 1)->request.total_ms, 6000);
}
END_TEST

START_TEST(cancelled)
{
	rig_with(WITH);
	struct aws_call *call = rig_call();
	mock_run(rig.m);
	mock_set_maybe_received(rig.m, true);
	ck_assert(aws_call_cancel(call));
	ck_assert_int_eq(mock_call(rig.m, 0)->state, MOCK_CALL_CANCELLED);
	/* One that waits for credentials has not been sent. */
	rig_with(RIG_PLACE);
	call = rig_call();
	mock_run(rig.m);
	ck_assert(!aws_call_cancel(call));
	script(500, NULL, ""); /* to the request for credentials */
	mock_run(rig.m);
	ck_assert_uint_eq(mock_calls(rig.m), 2);
	ck_assert_int_eq(mock_call(rig.m, 1)->state, MOCK_CALL_ANSWERED);
	ck_assert_int_eq(rig.results, 0);
}
END_TEST

START_TEST(freed_with_calls_under_way)
{
	rig_with(WITH);
	rig_call();
	rig_call();
	mock_run(rig.m);
	rig_call();
	mock_destroy(rig.instance);
	rig_with(RIG_PLACE);
	rig_call();
	rig_call();
	mock_run(rig.m);
	rig_call();
	mock_destroy(rig.instance);
	mock_run(rig.m);
	ck_assert_int_eq(rig.results, 0);
}
END_TEST

START_TEST(ready)
{
	const char *why;
	rig_with(WITH);
	ck_assert(aws_client_ready(rig.client, &why));
	mock_set_unreachable(rig.m, "10.0.0.1:443: refused");
	ck_assert(!aws_client_ready(rig.client, &why));
	ck_assert_str_eq(why, "10.0.0.1:443: refused");
	mock_set_unreachable(rig.m, NULL);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	rig_with(RIG_PLACE);
	ck_assert(aws_client_ready(rig.client, &why));
	ck_assert_int_eq(rig_called()->outcome, AWS_DENIED);
	ck_assert(!aws_client_ready(rig.client, &why));
	ck_assert_str_eq(why, rig.last.why);
}
END_TEST

/* ---- options ---- */

static const struct {
	const char *yaml, *complaint;
} wrong[] = {
    {"access_key_id: A\n", "test.yaml:1:16: error: needs the secret"},
    {"secret_access_key: a\n", "needs the key it belongs to: add access_key_id"},
    {"session_token: a\n", "needs the key it belongs to: add access_key_id"},
    {RIG_KEYS "profile: x\n", "is of no use with access_key_id: remove one"},
    {RIG_KEYS "web_identity_token_file: x\n", "is of no use with access_key_id: remove one"},
    {RIG_KEYS "role_arn: x\n", "a role cannot be taken on with access_key_id"},
    {"profile: x\nweb_identity_token_file: y\n", "is of no use with web_identity_token_file"},
    {"profile: x\nrole_arn: y\n", "a role cannot be taken on with profile; remove"},
    {"region: Frankfurt\n", "`Frankfurt` is not a region: give a name such as"},
    {"region: eu-\n", "`eu-` is not a region"},
    {"region: a\nfips: true\nendpoint: http://x\n", "remove it, or the endpoint"},
};

START_TEST(options_that_make_no_sense)
{
	const char *text = rig_complaints(wrong[_i].yaml);
	ck_assert_msg(strstr(text, wrong[_i].complaint) != NULL, "no \"%s\" in \"%s\"",
	    wrong[_i].complaint, text);
	ck_assert_str_eq(rig_complaints(WITH), "");
	ck_assert_str_eq(rig_complaints(""), "");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lib/aws/aws_client");
	TCase *t = tcase_create("aws_client");
	tcase_add_checked_fixture(t, rig_open, rig_close);
	tcase_add_test(t, request_is_signed);
	tcase_add_test(t, session_token);
	tcase_add_test(t, endpoint_of_ones_own);
	tcase_add_test(t, hosts);
	tcase_add_loop_test(t, regions_have_endpoints, 0, COUNT(regions));
	tcase_add_test(t, place_from_the_environment);
	tcase_add_test(t, place_that_is_no_good);
	tcase_add_loop_test(t, answers_are_judged, 0, COUNT(answers));
	tcase_add_test(t, no_answer);
	tcase_add_test(t, answer_too_long);
	tcase_add_test(t, secrets_are_not_repeated);
	tcase_add_loop_test(t, clock_is_corrected_once, 0, COUNT(skew_codes));
	tcase_add_test(t, clock_is_not_corrected_twice);
	tcase_add_test(t, right_clock_is_not_corrected);
	tcase_add_test(t, expired_credentials_are_looked_up_once);
	tcase_add_test(t, time_that_is_left);
	tcase_add_test(t, cancelled);
	tcase_add_test(t, freed_with_calls_under_way);
	tcase_add_test(t, ready);
	tcase_add_loop_test(t, options_that_make_no_sense, 0, COUNT(wrong));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
