#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/aws/test_credentials_rig.h"

/* ---- web identity ---- */

START_TEST(web_identity)
{
	char yaml[512];
	snprintf(yaml, sizeof(yaml),
	    "region: cn-north-1\nrole_arn: arn:aws-cn:iam::1:role/r\nweb_identity_token_file: "
	    "%s\n",
	    rig_file("token", "a.b+c\n"));
	setenv("AWS_ROLE_ARN", "other", 1);
	rig_with(yaml);
	rig_script(200, rig_xml("WEB", "2026-01-01T06:00:00Z"));
	rig_script(200, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
	ck_assert_str_eq(rig_url(0), "https://sts.cn-north-1.amazonaws.com.cn");
	ck_assert_str_eq(mock_call(rig.m, 0)->request.method, "POST");
	ck_assert_str_eq(rig_target(0), "/");
	ck_assert_str_eq(rig_header(0, "Content-Type"), "application/x-www-form-urlencoded");
	ck_assert_str_eq(rig_header(0, "Authorization"), "");
	ck_assert_str_eq(mock_call(rig.m, 0)->request.body.data,
	    "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
	    "RoleArn=arn%3Aaws-cn%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=onceway&"
	    "WebIdentityToken=a.b%2Bc");
	ck_assert_str_eq(rig_header(1, "X-Amz-Security-Token"), "t/WEB");
	/* The token file is read anew each time. */
	rig_file("token", "second");
	mock_advance(rig.m, 6 * 3600000);
	rig_script(200, rig_xml("WEB2", "2026-01-01T12:00:00Z"));
	rig_script(200, "{}");
	rig_called();
	ck_assert_ptr_nonnull(
	    strstr(mock_call(rig.m, 2)->request.body.data, "WebIdentityToken=second"));
	rig_expect_signed(3, "WEB2");
}
END_TEST

static const struct {
	int status;
	const char *body, *why;
} sts_answers[] = {
    {403,
	"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not "
	"you.</Message></Error></ErrorResponse>",
	"web identity: STS answered 403 AccessDenied: Not you."},
    {400, "<E><Error><Code>ExpiredToken</Code><Message>&lt;</Message></Error></E>",
	"STS answered 400 ExpiredToken"},
    {500, "no", "STS answered 500"},
    {200, "", "STS: the answer is not the XML that STS writes"},
    {200, "{}", "STS: the answer is not the XML that STS writes"},
    {200, "<!DOCTYPE a><a></a>", "STS: the answer is not the XML"},
    {200, "<a><Credentials><AccessKeyId>A</AccessKeyId></a></Credentials>", "is not the XML"},
    {200, "<a></a><b></b>", "is not the XML"},
    {200, "<a></a", "is not the XML"},
    {200, "<a><b c='>'></b", "is not the XML"},
    {200, "<a><!-- x --></a>", "is not the XML"},
    {200, "<a><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey></a>",
	"STS: the answer has no AccessKeyId or no SecretAccessKey"},
    {200,
	"<?xml version='1.0'?><a><Credentials x='>'><AccessKeyId>A</AccessKeyId "
	"><SecretAccessKey>"
	"s</SecretAccessKey><SessionToken/></Credentials></a>",
	"STS: the answer has no session token"},
    {200,
	"<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
	"<SessionToken>t</SessionToken><Expiration>soon</Expiration></Credentials>",
	"STS: the answer's Expiration is not a time"},
    {200,
	"<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s t</SecretAccessKey>"
	"<SessionToken>t</SessionToken></Credentials>",
	"web identity: the secret access key is empty or has a character"},
};

START_TEST(sts_that_gives_none)
{
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", rig_file("token", "jwt"), 1);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", 1);
	setenv("AWS_ENDPOINT_URL_STS", "http://localhost:9", 1);
	rig_with(RIG_PLACE);
	rig_script(sts_answers[_i].status, sts_answers[_i].body);
	rig_expect_denied(sts_answers[_i].why);
	ck_assert_str_eq(rig_url(0), "http://localhost:9");
	/* What comes behind might be somebody else. */
	ck_assert_uint_eq(mock_calls(rig.m), 1);
}
END_TEST

START_TEST(web_identity_that_is_not_whole)
{
	rig_with(RIG_PLACE "role_arn: r\n");
	rig_expect_denied(
	    "role_arn is set, but there is no token: set web_identity_token_file");
	rig_with(RIG_PLACE "web_identity_token_file: /nowhere/token\n");
	rig_expect_denied("there is a token file, but no role: set role_arn or AWS_ROLE_ARN");
	rig_with(RIG_PLACE "role_arn: r\nweb_identity_token_file: /nowhere/token\n");
	rig_expect_denied("token file /nowhere/token: No such file or directory");
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", rig_file("token", " \n"), 1);
	rig_with(RIG_PLACE "role_arn: r\n");
	rig_expect_denied("/token: is empty");
	ck_assert_uint_eq(mock_calls(rig.m), 0);
}
END_TEST

/* ---- containers ---- */

START_TEST(container)
{
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://elsewhere/", 1);
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/id?x=1", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc", 1);
	rig_with(RIG_PLACE);
	rig_script(200, rig_json("ECS", "2026-01-01T06:00:00Z"));
	rig_script(200, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
	ck_assert_str_eq(rig_url(0), "http://169.254.170.2/v2/credentials/id?x=1");
	ck_assert_str_eq(rig_target(0), "/v2/credentials/id?x=1");
	ck_assert_str_eq(mock_call(rig.m, 0)->request.method, "GET");
	ck_assert_str_eq(rig_header(0, "Authorization"), "Basic abc");
	rig_expect_signed(1, "ECS");
	/* EKS Pod Identity: the file counts, and is read anew each time. */
	unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", rig_file("token", "one\n"), 1);
	rig_with(RIG_PLACE);
	rig_script(200, rig_json("EKS", "2026-01-01T01:00:00Z"));
	rig_script(200, "{}");
	rig_called();
	ck_assert_str_eq(rig_header(2, "Authorization"), "one");
	rig_expect_signed(3, "EKS");
	rig_file("token", "two");
	mock_advance(rig.m, 3600000);
	rig_script(200, rig_json("EKS2", "2026-01-01T02:00:00Z"));
	rig_script(200, "{}");
	rig_called();
	ck_assert_str_eq(rig_header(4, "Authorization"), "two");
	rig_expect_signed(5, "EKS2");
}
END_TEST

static const struct {
	const char *url;
	bool allowed;
} container_urls[] = {
    {"http://127.0.0.1:1/a", true},
    {"http://127.9.9.9", true},
    {"http://localhost:8080/a", true},
    {"http://[::1]:80/a", true},
    {"http://169.254.170.2/a", true},
    {"http://169.254.170.23?a", true},
    {"http://[fd00:ec2::23]/a", true},
    {"https://elsewhere.example/a", true},
    {"http://elsewhere.example/a", false},
    {"http://169.254.169.254/a", false},
    {"http://127.0.0.1.example/a", false},
    {"http://localhost.example/a", false},
    {"http://localhost@elsewhere.example/a", false},
    {"http://[::1", true}, /* which the HTTP client refuses */
    {"http://[fd00:ec2::24]/a", false},
    {"http://10.0.0.1/a", false},
    {"ftp://localhost/a", false},
    {"localhost", false},
};

START_TEST(container_hosts)
{
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", container_urls[_i].url, 1);
	rig_with(RIG_PLACE);
	if (container_urls[_i].allowed) {
		rig_script(200, rig_json("C", "2026-01-01T06:00:00Z"));
		rig_script(200, "{}");
		ck_assert_int_eq(rig_called()->outcome, AWS_OK);
		ck_assert_str_eq(rig_url(0), container_urls[_i].url);
	} else {
		rig_expect_denied(
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or lead to this");
		ck_assert_uint_eq(mock_calls(rig.m), 0);
	}
}
END_TEST

static const struct {
	int status;
	const char *body, *why;
} json_answers[] = {
    {500, "", "container: the endpoint answered 500"},
    {200, "", "container: the answer is not a JSON object"},
    {200, "[1]", "the answer is not a JSON object"},
    {200, "{\"AccessKeyId\":\"A\"}", "the answer has no AccessKeyId or no SecretAccessKey"},
    {200, "{\"AccessKeyId\":7,\"SecretAccessKey\":\"s\"}", "the answer has no AccessKeyId or"},
    {200, "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}",
	"the answer says that the role cannot be used"},
    {200, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":\"x\"}",
	"the answer's Expiration is not a time"},
    {200, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"a\\nb\"}",
	"the session token has a character that tokens cannot have"},
};

START_TEST(container_that_gives_none)
{
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x", 1);
	rig_with(RIG_PLACE);
	rig_script(json_answers[_i].status, json_answers[_i].body);
	rig_expect_denied(json_answers[_i].why);
	ck_assert_uint_eq(mock_calls(rig.m), 1);
}
END_TEST

START_TEST(container_that_is_not_whole)
{
	struct ow_http_response refused = {
	    .end = OW_HTTP_CONNECT, .why = "127.0.0.1:1: refused"};
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "x", 1);
	rig_with(RIG_PLACE);
	rig_expect_denied("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with /");
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\nb", 1);
	rig_with(RIG_PLACE);
	rig_expect_denied("container: authorization token: it has a line break or a NUL");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nowhere/token", 1);
	rig_with(RIG_PLACE);
	rig_expect_denied("container: authorization token: No such file or directory");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	rig_with(RIG_PLACE);
	mock_script(rig.m, &refused);
	rig_expect_denied("container: 127.0.0.1:1: refused");
	rig_with(RIG_PLACE);
	mock_refuse_pool(rig.m, "the URL is no good");
	rig_expect_denied("container: the URL is no good");
}
END_TEST

/* ---- the instance ---- */

START_TEST(instance)
{
	rig_with(RIG_PLACE);
	rig_script(200, "the-token");
	rig_script(200, "my-role_1\n");
	rig_script(200, rig_json("INSTANCE", "2026-01-01T06:00:00Z"));
	rig_script(200, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
	ck_assert_str_eq(rig_url(0), METADATA "/latest/api/token");
	ck_assert_str_eq(mock_call(rig.m, 0)->request.method, "PUT");
	ck_assert_str_eq(rig_header(0, "X-aws-ec2-metadata-token-ttl-seconds"), "21600");
	ck_assert_str_eq(rig_url(1), METADATA ROLES);
	ck_assert_str_eq(mock_call(rig.m, 1)->request.method, "GET");
	ck_assert_str_eq(rig_header(1, "X-aws-ec2-metadata-token"), "the-token");
	ck_assert_str_eq(rig_url(2), METADATA ROLES "my-role_1");
	ck_assert_str_eq(rig_header(2, "X-aws-ec2-metadata-token"), "the-token");
	rig_expect_signed(3, "INSTANCE");
	ck_assert_str_eq(rig_header(3, "X-Amz-Security-Token"), "t/INSTANCE");
}
END_TEST

START_TEST(instance_elsewhere)
{
	struct ow_http_response none = {.end = OW_HTTP_CONNECT, .why = "it is not there"};
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6", 1);
	rig_with(RIG_PLACE);
	mock_script(rig.m, &none);
	rig_expect_denied("; instance: it is not there");
	ck_assert_str_eq(rig_url(0), "http://[fd00:ec2::254]/latest/api/token");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/", 1);
	rig_with(RIG_PLACE);
	mock_script(rig.m, &none);
	rig_expect_denied("; instance: it is not there");
	ck_assert_str_eq(rig_url(1), "http://127.0.0.1:1338/latest/api/token");
}
END_TEST

static const struct {
	int token_status;
	const char *token;
	int role_status;
	const char *role;
	int status;
	const char *why;
} instances[] = {
    {403, "", 0, "", 0, "the session token (IMDSv2): the metadata service answered 403"},
    {200, "", 0, "", 0, "instance: what was answered is not a token"},
    {200, "a\nb", 0, "", 0, "instance: what was answered is not a token"},
    {200, "t", 404, "", 0, "instance: the instance has no role"},
    {200, "t", 500, "", 0, "the role's name: the metadata service answered 500"},
    {200, "t", 200, "", 0, "instance: what was answered is not a role's name"},
    {200, "t", 200, "../x", 0, "instance: what was answered is not a role's name"},
    {200, "t", 200, "r", 404, "the role's credentials: the metadata service answered 404"},
};

START_TEST(instance_that_gives_none)
{
	rig_with(RIG_PLACE);
	rig_script(instances[_i].token_status, instances[_i].token);
	if (instances[_i].role_status)
		rig_script(instances[_i].role_status, instances[_i].role);
	if (instances[_i].status)
		rig_script(instances[_i].status, "");
	rig_expect_denied(instances[_i].why);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lib/aws/providers");
	TCase *t = tcase_create("credentials");
	tcase_add_checked_fixture(t, rig_home, rig_home_end);
	tcase_add_test(t, web_identity);
	tcase_add_loop_test(t, sts_that_gives_none, 0, COUNT(sts_answers));
	tcase_add_test(t, web_identity_that_is_not_whole);
	tcase_add_test(t, container);
	tcase_add_loop_test(t, container_hosts, 0, COUNT(container_urls));
	tcase_add_loop_test(t, container_that_gives_none, 0, COUNT(json_answers));
	tcase_add_test(t, container_that_is_not_whole);
	tcase_add_test(t, instance);
	tcase_add_test(t, instance_elsewhere);
	tcase_add_loop_test(t, instance_that_gives_none, 0, COUNT(instances));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
