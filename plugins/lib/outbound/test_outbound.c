/* What requests get that needs no token: passwords, headers, signatures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/outbound/test_rig.h"
#include "tests/unit/main.h"

#define SIGV4                                                                                  \
	"sigv4: {service: execute-api, region: eu-central-1, access_key_id: AKIDEXAMPLE, "     \
	"secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY}\n"

/* The one request that was sent with these options. */
static void sent_with(const char *yaml)
{
	const char *why = NULL;
	rig_with(yaml);
	ck_assert(rig_ready(&why));
	size_t number = rig_send();
	rig_answer(200, "{}");
	ck_assert_uint_eq(mock_calls(rig.m[0]), 1);
	ck_assert_int_eq(rig_result(number)->status, 200);
	ck_assert_str_eq(rig_header(0, "Content-Type"), "application/json");
	ck_assert_str_eq(rig_body(0), "{\"a\":1}");
}

START_TEST(nothing)
{
	sent_with("{}\n");
	ck_assert_uint_eq(mock_call(rig.m[0], 0)->request.headers, 1);
}
END_TEST

START_TEST(a_bearer)
{
	sent_with("bearer: abc.def\n");
	ck_assert_str_eq(rig_header(0, "Authorization"), "Bearer abc.def");
}
END_TEST

/* RFC 7617, 2. */
START_TEST(a_password)
{
	sent_with("basic: {user: Aladdin, password: open sesame}\n");
	ck_assert_str_eq(rig_header(0, "Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}
END_TEST

START_TEST(a_header_beside_a_bearer)
{
	sent_with("header: {name: X-API-Key, value: k}\nbearer: abc\n");
	ck_assert_str_eq(rig_header(0, "X-API-Key"), "k");
	ck_assert_str_eq(rig_header(0, "Authorization"), "Bearer abc");
}
END_TEST

/* As `openssl dgst -hmac key` has them. */
START_TEST(codes_over_the_body)
{
	static const struct {
		const char *options, *value;
	} cases[] = {
	    {"prefix: sha256=",
		"sha256=88a67f24bbcdaed0e6c997404bb79a743baf44c6bab2f4c27328e3009d22e342"},
	    {"encoding: base64", "iKZ/JLvNrtDmyZdAS7eadDuvRMa6svTCcyjjAJ0i40I="},
	    {"algorithm: sha1", "b5557a4b8f3cc308d19eb4f69f336392a31eef7b"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char yaml[160];
		snprintf(yaml, sizeof(yaml), "hmac: {secret: key, header: X-Signature, %s}\n",
		    cases[i].options);
		rig_with(yaml);
		size_t number = rig_send();
		rig_answer(200, "{}");
		ck_assert_int_eq(rig_result(number)->status, 200);
		ck_assert_str_eq(rig_header(i, "X-Signature"), cases[i].value);
	}
}
END_TEST

START_TEST(standard_webhooks)
{
	sent_with("standard_webhooks: {secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n");
	ck_assert_str_eq(rig_header(0, "webhook-id"), "cxone:dedup:k1");
	ck_assert_str_eq(rig_header(0, "webhook-timestamp"), "1767225600");
	ck_assert_str_eq(rig_header(0, "webhook-signature"),
	    "v1,PGNIWGS2vmfIgNZ4qcI8Xpf+uEVHs/qAkU0Q+C10g+4=");
}
END_TEST

/* Each request is signed when it is sent. */
START_TEST(the_time_of_signing)
{
	rig_with("standard_webhooks: {secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n");
	rig_send();
	mock_advance(rig.m[0], 90000);
	rig_send();
	ck_assert_str_eq(rig_header(1, "webhook-timestamp"), "1767225690");
	ck_assert_str_ne(
	    rig_header(0, "webhook-signature"), rig_header(1, "webhook-signature"));
	rig_answer(200, "");
	rig_answer(200, "");
}
END_TEST

/* ---- AWS: the signatures were computed by the steps of its documentation, in Python ---- */

START_TEST(signed_for_aws)
{
	sent_with(SIGV4);
	ck_assert_str_eq(rig_header(0, "X-Amz-Date"), "20260101T000000Z");
	ck_assert_str_eq(rig_header(0, "X-Amz-Content-Sha256"), "");
	ck_assert_str_eq(rig_header(0, "Authorization"),
	    "AWS4-HMAC-SHA256 "
	    "Credential=AKIDEXAMPLE/20260101/eu-central-1/execute-api/aws4_request, "
	    "SignedHeaders=content-type;host;x-amz-date, "
	    "Signature=6ac275786e109ab546d8903691b5fdb58be4f57b1ade0b5ca5b9799b5c3c34cf");
}
END_TEST

START_TEST(signed_for_s3)
{
	sent_with("sigv4: {service: s3, region: eu-central-1, access_key_id: AKIDEXAMPLE, "
		  "secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY, session_token: "
		  "session}\n");
	ck_assert_str_eq(rig_header(0, "X-Amz-Content-Sha256"),
	    "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
	ck_assert_str_eq(rig_header(0, "X-Amz-Security-Token"), "session");
	ck_assert_str_eq(rig_header(0, "Authorization"),
	    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-central-1/s3/aws4_request, "
	    "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;"
	    "x-amz-security-token, "
	    "Signature=624d897d47a4680e4fdc498cbcfbec336c7e1cef66de898e54f93a7bab8c67c2");
}
END_TEST

START_TEST(aws_says_expired)
{
	rig_with(SIGV4);
	size_t number = rig_send();
	mock_advance(rig.m[0], 2000);
	rig_answer(403, "{\"__type\":\"ExpiredTokenException\"}");
	ck_assert_uint_eq(mock_calls(rig.m[0]), 2);
	ck_assert_str_eq(rig_header(1, "X-Amz-Date"), "20260101T000002Z");
	rig_answer(403, "{\"__type\":\"ExpiredTokenException\"}");
	ck_assert_int_eq(rig_result(number)->status, 403);
	ck_assert(rig_result(number)->stale);
}
END_TEST

START_TEST(aws_refuses)
{
	rig_with(SIGV4);
	size_t number = rig_send();
	rig_answer(403, "{\"__type\":\"AccessDeniedException\"}");
	ck_assert_int_eq(rig_result(number)->status, 403);
	ck_assert(!rig_result(number)->stale);
	ck_assert_uint_eq(mock_calls(rig.m[0]), 1);
}
END_TEST

START_TEST(nobody_to_be_for_aws)
{
	const char *why = NULL;
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	rig_with("sigv4: {service: s3, region: eu-central-1}\n");
	size_t number = rig_send();
	mock_run(rig.m[0]);
	ck_assert_ptr_nonnull(strstr(rig_result(number)->why, "no AWS credentials: options: "));
	ck_assert(!rig_ready(&why));
	ck_assert_str_eq(why, rig_result(number)->why);
	unsetenv("AWS_EC2_METADATA_DISABLED");
}
END_TEST

START_TEST(no_region_for_aws)
{
	ck_assert_ptr_nonnull(strstr(rig_refused("sigv4: {service: s3}\n"), "region"));
}
END_TEST

static void setup(void)
{
	static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	    "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE",
	    "AWS_CONFIG_FILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN",
	    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "HOME"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	rig_open();
}

static Suite *suite(void)
{
	Suite *s = suite_create("outbound");
	TCase *t = tcase_create("outbound");
	tcase_add_checked_fixture(t, setup, rig_close);
	tcase_add_test(t, nothing);
	tcase_add_test(t, a_bearer);
	tcase_add_test(t, a_password);
	tcase_add_test(t, a_header_beside_a_bearer);
	tcase_add_test(t, codes_over_the_body);
	tcase_add_test(t, standard_webhooks);
	tcase_add_test(t, the_time_of_signing);
	tcase_add_test(t, signed_for_aws);
	tcase_add_test(t, signed_for_s3);
	tcase_add_test(t, aws_says_expired);
	tcase_add_test(t, aws_refuses);
	tcase_add_test(t, nobody_to_be_for_aws);
	tcase_add_test(t, no_region_for_aws);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
