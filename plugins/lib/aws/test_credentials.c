#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/aws/test_rig.h"
#include "tests/unit/main.h"

#define METADATA "http://169.254.169.254"
#define ROLES	 "/latest/meta-data/iam/security-credentials/"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* A folder for the files of one test. */
static char folder[] = "/tmp/onceway-test-XXXXXX";

static void setup(void)
{
	rig_open();
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
	rig_close();
}

/* The path is good until the next call. */
static const char *file(const char *name, const char *text)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static void script(int status, const char *body)
{
	mock_script_answer(rig.m, status, NULL, body);
}

/* Signed with that key. */
static void expect_signed(size_t index, const char *key)
{
	char part[128];
	snprintf(part, sizeof(part), "Credential=%s/", key);
	ck_assert_msg(strstr(rig_header(index, "Authorization"), part) != NULL, "not %s: %s",
	    key, rig_header(index, "Authorization"));
}

static void expect_denied(const char *why)
{
	const struct rig_result *r = rig_called();
	ck_assert_int_eq(r->outcome, AWS_DENIED);
	ck_assert_msg(strstr(r->why, why) != NULL, "no \"%s\" in \"%s\"", why, r->why);
	ck_assert_int_eq(r->status, 0);
}

/* What an endpoint answers; the mock's clock begins at 2026-01-01T00:00:00Z. */
static const char *json(const char *key, const char *expiration)
{
	static char text[256];
	snprintf(text, sizeof(text),
	    "{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s/%s\","
	    "\"Token\":\"t/%s\",\"Expiration\":\"%s\"}",
	    key, key, key, expiration);
	return text;
}

static const char *xml(const char *key, const char *expiration)
{
	static char text[1024];
	snprintf(text, sizeof(text),
	    "<AssumeRoleWithWebIdentityResponse "
	    "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
	    "  <AssumeRoleWithWebIdentityResult>\n"
	    "    <AssumedRoleUser><Arn>arn:aws:sts::1:x</Arn></AssumedRoleUser>\n"
	    "    <Credentials>\n"
	    "      <SessionToken a='>' b=\">\">t/%s</SessionToken>\n"
	    "      <SecretAccessKey>s/%s</SecretAccessKey>\n"
	    "      <Expiration>%s</Expiration>\n"
	    "      <AccessKeyId>%s</AccessKeyId>\n"
	    "    </Credentials>\n"
	    "    <Provider>p</Provider><Empty/>\n"
	    "  </AssumeRoleWithWebIdentityResult>\n"
	    "</AssumeRoleWithWebIdentityResponse>\n",
	    key, key, expiration, key);
	return text;
}

/* ---- who is asked ---- */

START_TEST(nobody_has_any)
{
	setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1);
	setenv("HOME", folder, 1);
	rig_with(RIG_PLACE);
	expect_denied("no AWS credentials: options: access_key_id is not set; environment: "
		      "AWS_ACCESS_KEY_ID is not set; web identity: AWS_WEB_IDENTITY_TOKEN_FILE "
		      "is not set; profile: there is no profile `default` (/tmp/onceway-test-");
	ck_assert_ptr_nonnull(strstr(rig.last.why,
	    "/.aws/config: No such file or directory); container: neither "
	    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is "
	    "set; instance: AWS_EC2_METADATA_DISABLED is set"));
	ck_assert_uint_eq(mock_calls(rig.m), 0);
}
END_TEST

START_TEST(order)
{
	/* From the last to the first, each before those that were there. */
	rig_with(RIG_PLACE);
	script(200, "token");
	script(200, "role");
	script(200, json("INSTANCE", "2026-01-01T06:00:00Z"));
	script(200, "{}");
	rig_called();
	expect_signed(3, "INSTANCE");

	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x", 1);
	rig_with(RIG_PLACE);
	script(200, json("CONTAINER", "2026-01-01T06:00:00Z"));
	script(200, "{}");
	rig_called();
	expect_signed(5, "CONTAINER");

	setenv("AWS_SHARED_CREDENTIALS_FILE",
	    file("credentials",
		"[default]\naws_access_key_id = PROFILE\naws_secret_access_key = x\n"),
	    1);
	rig_with(RIG_PLACE);
	script(200, "{}");
	rig_called();
	expect_signed(6, "PROFILE");

	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file("token", "jwt"), 1);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", 1);
	rig_with(RIG_PLACE);
	script(200, xml("WEB", "2026-01-01T06:00:00Z"));
	script(200, "{}");
	rig_called();
	expect_signed(8, "WEB");

	setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENT", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
	rig_with(RIG_PLACE);
	script(200, "{}");
	rig_called();
	expect_signed(9, "ENVIRONMENT");

	rig_with(RIG_PLACE RIG_KEYS);
	script(200, "{}");
	rig_called();
	expect_signed(10, "AKIDEXAMPLE");
}
END_TEST

START_TEST(environment_with_token)
{
	setenv("AWS_ACCESS_KEY_ID", "ID", 1);
	rig_with(RIG_PLACE);
	expect_denied(
	    "environment: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
	setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
	setenv("AWS_SESSION_TOKEN", "tok", 1);
	rig_with(RIG_PLACE);
	script(200, "{}");
	rig_called();
	ck_assert_str_eq(rig_header(0, "X-Amz-Security-Token"), "tok");
	/* What the options say is somebody else. */
	rig_with(RIG_PLACE "profile: nobody\n");
	expect_denied(
	    "environment: not asked, for the options say who to be; web identity: not "
	    "asked, for `profile` is set; profile: there is no profile `nobody`");
	setenv("AWS_ACCESS_KEY_ID", "two\nlines", 1);
	rig_with(RIG_PLACE);
	expect_denied("environment: the access key is empty or has a character");
}
END_TEST

/* ---- profiles ---- */

#define KEYS_OF(name) "aws_access_key_id=" name "\naws_secret_access_key = s\n"

static const char credentials_file[] = "# comment\n"
				       "[other]\n"
				       "aws_access_key_id=OTHER\n"
				       "aws_secret_access_key=s\r\n"
				       "\r\n"
				       "[ mine ] ; comment\n"
				       "  aws_access_key_id = NESTED\n"
				       "aws_access_key_id = MI#NE # not this\n"
				       "aws_secret_access_key = s\n"
				       "aws_session_token = tok\n";
static const char config_file[] = "[mine]\n"
				  "region = eu-west-9\n"
				  "[profile mine]\n"
				  "region = eu-west-3\n"
				  "aws_access_key_id = LATER\n"
				  "[profile sso]\n"
				  "sso_session = x\n"
				  "[profile role]\n"
				  "role_arn = r\n"
				  "source_profile = mine\n"
				  "aws_access_key_id = R\n"
				  "aws_secret_access_key = s\n"
				  "[profile none]\n"
				  "output = json\n"
				  "[profile half]\n"
				  "aws_access_key_id = H\n";

START_TEST(profiles)
{
	setenv("AWS_SHARED_CREDENTIALS_FILE", file("credentials", credentials_file), 1);
	setenv("AWS_CONFIG_FILE", file("config", config_file), 1);
	rig_with("profile: mine\n");
	ck_assert_str_eq(aws_client_region(rig.client), "eu-west-3");
	script(200, "{}");
	rig_called();
	expect_signed(0, "MI#NE");
	ck_assert_str_eq(rig_header(0, "X-Amz-Security-Token"), "tok");
	setenv("AWS_PROFILE", "other", 1);
	rig_with(RIG_PLACE);
	script(200, "{}");
	rig_called();
	expect_signed(1, "OTHER");
	rig_with(RIG_PLACE "profile: sso\n");
	expect_denied(
	    "profile: profile `sso` gets its credentials by sso_session, which is not "
	    "supported: give it keys, or a web_identity_token_file");
	rig_with(RIG_PLACE "profile: role\n");
	expect_denied("profile `role` gets its credentials by source_profile, which is not");
	rig_with(RIG_PLACE "profile: half\n");
	expect_denied("profile `half` has no aws_secret_access_key");
	setenv("AWS_PROFILE", "a\nb", 1);
	rig_with(RIG_PLACE);
	expect_denied("there is no profile `a?b`");
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	rig_with(RIG_PLACE "profile: none\n");
	expect_denied("profile: profile `none` has no credentials; container: ");
	ck_assert_str_eq(rig_refused("profile: none\n"),
	    "the AWS region is not known: set `region`, AWS_REGION, or region in the profile");
}
END_TEST

START_TEST(profile_in_the_home)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/.aws", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	file(".aws/credentials", "[default]\n" KEYS_OF("HOME"));
	file("config", "[default]\nregion = eu-west-1");
	setenv("HOME", folder, 1);
	setenv("AWS_CONFIG_FILE", "~/config", 1);
	rig_with("");
	ck_assert_str_eq(aws_client_region(rig.client), "eu-west-1");
	script(200, "{}");
	rig_called();
	expect_signed(0, "HOME");
}
END_TEST

START_TEST(profile_files_that_cannot_be_read)
{
	setenv("AWS_SHARED_CREDENTIALS_FILE", folder, 1);
	rig_with(RIG_PLACE);
	expect_denied(": is not a regular file, .aws/config: HOME is not set)");
	char pipe[128];
	snprintf(pipe, sizeof(pipe), "%s/pipe", folder);
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	setenv("AWS_SHARED_CREDENTIALS_FILE", pipe, 1);
	rig_with(RIG_PLACE);
	expect_denied("/pipe: is not a regular file");
	char *large = malloc(300000);
	memset(large, '#', 299999);
	large[299999] = '\0';
	setenv("AWS_SHARED_CREDENTIALS_FILE", file("large", large), 1);
	free(large);
	rig_with(RIG_PLACE);
	expect_denied("/large: is longer than 256 KiB");
}
END_TEST

START_TEST(profile_with_a_web_identity)
{
	char text[512];
	snprintf(text, sizeof(text),
	    "[profile pod]\nrole_arn = arn:aws:iam::1:role/p\nrole_session_name = me\n"
	    "web_identity_token_file = %s\n",
	    file("token", "jwt"));
	setenv("AWS_CONFIG_FILE", file("config", text), 1);
	rig_with(RIG_PLACE "profile: pod\n");
	script(200, xml("WEB", "2026-01-01T06:00:00Z"));
	script(200, "{}");
	rig_called();
	expect_signed(1, "WEB");
	ck_assert_ptr_nonnull(
	    strstr(mock_call(rig.m, 0)->request.body.data, "&RoleSessionName=me&"));
}
END_TEST

/* ---- web identity ---- */

START_TEST(web_identity)
{
	char yaml[512];
	snprintf(yaml, sizeof(yaml),
	    "region: cn-north-1\nrole_arn: arn:aws-cn:iam::1:role/r\nweb_identity_token_file: "
	    "%s\n",
	    file("token", "a.b+c\n"));
	setenv("AWS_ROLE_ARN", "other", 1);
	rig_with(yaml);
	script(200, xml("WEB", "2026-01-01T06:00:00Z"));
	script(200, "{}");
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
	file("token", "second");
	mock_advance(rig.m, 6 * 3600000);
	script(200, xml("WEB2", "2026-01-01T12:00:00Z"));
	script(200, "{}");
	rig_called();
	ck_assert_ptr_nonnull(
	    strstr(mock_call(rig.m, 2)->request.body.data, "WebIdentityToken=second"));
	expect_signed(3, "WEB2");
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
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file("token", "jwt"), 1);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", 1);
	setenv("AWS_ENDPOINT_URL_STS", "http://localhost:9", 1);
	rig_with(RIG_PLACE);
	script(sts_answers[_i].status, sts_answers[_i].body);
	expect_denied(sts_answers[_i].why);
	ck_assert_str_eq(rig_url(0), "http://localhost:9");
	/* What comes behind might be somebody else. */
	ck_assert_uint_eq(mock_calls(rig.m), 1);
}
END_TEST

START_TEST(web_identity_that_is_not_whole)
{
	rig_with(RIG_PLACE "role_arn: r\n");
	expect_denied("role_arn is set, but there is no token: set web_identity_token_file");
	rig_with(RIG_PLACE "web_identity_token_file: /nowhere/token\n");
	expect_denied("there is a token file, but no role: set role_arn or AWS_ROLE_ARN");
	rig_with(RIG_PLACE "role_arn: r\nweb_identity_token_file: /nowhere/token\n");
	expect_denied("token file /nowhere/token: No such file or directory");
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file("token", " \n"), 1);
	rig_with(RIG_PLACE "role_arn: r\n");
	expect_denied("/token: is empty");
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
	script(200, json("ECS", "2026-01-01T06:00:00Z"));
	script(200, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
	ck_assert_str_eq(rig_url(0), "http://169.254.170.2/v2/credentials/id?x=1");
	ck_assert_str_eq(rig_target(0), "/v2/credentials/id?x=1");
	ck_assert_str_eq(mock_call(rig.m, 0)->request.method, "GET");
	ck_assert_str_eq(rig_header(0, "Authorization"), "Basic abc");
	expect_signed(1, "ECS");
	/* EKS Pod Identity: the file counts, and is read anew each time. */
	unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file("token", "one\n"), 1);
	rig_with(RIG_PLACE);
	script(200, json("EKS", "2026-01-01T01:00:00Z"));
	script(200, "{}");
	rig_called();
	ck_assert_str_eq(rig_header(2, "Authorization"), "one");
	expect_signed(3, "EKS");
	file("token", "two");
	mock_advance(rig.m, 3600000);
	script(200, json("EKS2", "2026-01-01T02:00:00Z"));
	script(200, "{}");
	rig_called();
	ck_assert_str_eq(rig_header(4, "Authorization"), "two");
	expect_signed(5, "EKS2");
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
		script(200, json("C", "2026-01-01T06:00:00Z"));
		script(200, "{}");
		ck_assert_int_eq(rig_called()->outcome, AWS_OK);
		ck_assert_str_eq(rig_url(0), container_urls[_i].url);
	} else {
		expect_denied(
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
	script(json_answers[_i].status, json_answers[_i].body);
	expect_denied(json_answers[_i].why);
	ck_assert_uint_eq(mock_calls(rig.m), 1);
}
END_TEST

START_TEST(container_that_is_not_whole)
{
	struct ow_http_response refused = {
	    .end = OW_HTTP_CONNECT, .why = "127.0.0.1:1: refused"};
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "x", 1);
	rig_with(RIG_PLACE);
	expect_denied("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with /");
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\nb", 1);
	rig_with(RIG_PLACE);
	expect_denied("container: authorization token: it has a line break or a NUL");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nowhere/token", 1);
	rig_with(RIG_PLACE);
	expect_denied("container: authorization token: No such file or directory");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	rig_with(RIG_PLACE);
	mock_script(rig.m, &refused);
	expect_denied("container: 127.0.0.1:1: refused");
	rig_with(RIG_PLACE);
	mock_refuse_pool(rig.m, "the URL is no good");
	expect_denied("container: the URL is no good");
}
END_TEST

/* ---- the instance ---- */

START_TEST(instance)
{
	rig_with(RIG_PLACE);
	script(200, "the-token");
	script(200, "my-role_1\n");
	script(200, json("INSTANCE", "2026-01-01T06:00:00Z"));
	script(200, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
	ck_assert_str_eq(rig_url(0), METADATA "/latest/api/token");
	ck_assert_str_eq(mock_call(rig.m, 0)->request.method, "PUT");
	ck_assert_str_eq(rig_header(0, "X-aws-ec2-metadata-token-ttl-seconds"), "21600");
	ck_assert_str_eq(rig_url(1), METADATA ROLES);
	ck_assert_str_eq(mock_call(rig.m, 1)->request.method, "GET");
	ck_assert_str_eq(rig_header(1, "X-aws-ec2-metadata-token"), "the-token");
	ck_assert_str_eq(rig_url(2), METADATA ROLES "my-role_1");
	ck_assert_str_eq(rig_header(2, "X-aws-ec2-metadata-token"), "the-token");
	expect_signed(3, "INSTANCE");
	ck_assert_str_eq(rig_header(3, "X-Amz-Security-Token"), "t/INSTANCE");
}
END_TEST

START_TEST(instance_elsewhere)
{
	struct ow_http_response none = {.end = OW_HTTP_CONNECT, .why = "it is not there"};
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6", 1);
	rig_with(RIG_PLACE);
	mock_script(rig.m, &none);
	expect_denied("; instance: it is not there");
	ck_assert_str_eq(rig_url(0), "http://[fd00:ec2::254]/latest/api/token");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/", 1);
	rig_with(RIG_PLACE);
	mock_script(rig.m, &none);
	expect_denied("; instance: it is not there");
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
	script(instances[_i].token_status, instances[_i].token);
	if (instances[_i].role_status)
		script(instances[_i].role_status, instances[_i].role);
	if (instances[_i].status)
		script(instances[_i].status, "");
	expect_denied(instances[_i].why);
}
END_TEST

/* ---- renewal ---- */

static void script_instance(const char *key, const char *expiration)
{
	script(200, "token");
	script(200, "role");
	script(200, json(key, expiration));
}

START_TEST(one_request_for_all_who_wait)
{
	rig_with(RIG_PLACE);
	rig_call();
	rig_call();
	mock_run(rig.m);
	rig_call();
	mock_run(rig.m);
	ck_assert_uint_eq(mock_calls(rig.m), 1);
	script_instance("A", "2026-01-01T06:00:00Z");
	for (int i = 0; i < 3; i++)
		script(200, "{}");
	mock_run(rig.m);
	ck_assert_int_eq(rig.results, 3);
	ck_assert_uint_eq(mock_calls(rig.m), 6);
}
END_TEST

/* Five minutes before they end one call has new ones fetched, and goes on with the old. */
START_TEST(renewed_ahead)
{
	rig_with(RIG_PLACE);
	script_instance("A", "2026-01-01T06:00:00Z");
	script(200, "{}");
	rig_called();
	mock_advance(rig.m, 6 * 3600000 - 300001);
	script(200, "{}");
	rig_called();
	ck_assert_uint_eq(mock_calls(rig.m), 5);
	mock_advance(rig.m, 1);
	script(200, "{}");
	script_instance("B", "2026-01-01T12:00:00Z");
	rig_called();
	expect_signed(5, "A");
	ck_assert_uint_eq(mock_calls(rig.m), 9);
	script(200, "{}");
	rig_called();
	expect_signed(9, "B");
}
END_TEST

/* The service has no newer ones yet: asked again later, not again and again. */
START_TEST(renewed_with_the_same)
{
	rig_with(RIG_PLACE);
	script_instance("A", "2026-01-01T01:00:00Z");
	script(200, "{}");
	rig_called();
	mock_advance(rig.m, 3600000 - 240000);
	script(200, "{}");
	script_instance("A", "2026-01-01T01:00:00Z");
	rig_called();
	size_t calls = mock_calls(rig.m);
	/* Four minutes are left: not before a quarter of that. */
	mock_advance(rig.m, 120000);
	script(200, "{}");
	rig_called();
	ck_assert_uint_eq(mock_calls(rig.m), calls + 1);
	mock_advance(rig.m, 60000);
	script(200, "{}");
	script_instance("B", "2026-01-01T07:00:00Z");
	rig_called();
	script(200, "{}");
	rig_called();
	expect_signed(mock_calls(rig.m) - 1, "B");
}
END_TEST

/* What cannot be renewed is used to its end, and not a moment longer. */
START_TEST(renewal_fails)
{
	rig_with(RIG_PLACE);
	script_instance("A", "2026-01-01T01:00:00Z");
	script(200, "{}");
	rig_called();
	mock_advance(rig.m, 3600000 - 2000);
	script(200, "{}");
	script(500, "");
	rig_called();
	expect_signed(4, "A");
	ck_assert(mock_logged(rig.m, "warning: cannot renew the AWS credentials: options: "));
	ck_assert_uint_eq(mock_calls(rig.m), 6);
	/* Not tried again before a second has passed. */
	mock_advance(rig.m, 999);
	script(200, "{}");
	rig_called();
	ck_assert_uint_eq(mock_calls(rig.m), 7);
	mock_advance(rig.m, 1001);
	script(500, "");
	expect_denied("no AWS credentials: ");
	ck_assert_uint_eq(mock_calls(rig.m), 8);
}
END_TEST

/* The pause grows from one second to ten; whoever asks meanwhile is told at once. */
START_TEST(pauses_after_failures)
{
	static const int64_t pauses[] = {1000, 2000, 4000, 8000, 10000, 10000};
	rig_with(RIG_PLACE);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		script(500, "");
		expect_denied("the metadata service answered 500");
		ck_assert_uint_eq(mock_calls(rig.m), i + 1);
		mock_advance(rig.m, pauses[i] - 1);
		expect_denied("the metadata service answered 500");
		ck_assert_uint_eq(mock_calls(rig.m), i + 1);
		mock_advance(rig.m, 1);
	}
	script_instance("A", "2026-01-01T06:00:00Z");
	script(200, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
}
END_TEST

/* This machine's clock must be wrong, for nobody gives away what has expired. */
START_TEST(expired_when_it_comes)
{
	rig_with(RIG_PLACE);
	script_instance("A", "2025-12-31T06:00:00Z");
	script(200, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
	expect_signed(3, "A");
	ck_assert(mock_logged(rig.m, "have expired: is the clock right?"));
}
END_TEST

START_TEST(service_says_expired)
{
	rig_with(RIG_PLACE);
	script_instance("A", "2026-01-01T06:00:00Z");
	script(200, "{}");
	rig_called();
	mock_advance(rig.m, 1000);
	script(400, "{\"__type\":\"ExpiredTokenException\"}");
	script_instance("B", "2026-01-01T06:00:00Z");
	/* But they have been fetched just now: not yet again. */
	script(400, "{\"__type\":\"ExpiredTokenException\"}");
	ck_assert_int_eq(rig_called()->outcome, AWS_DENIED);
	expect_signed(4, "A");
	expect_signed(8, "B");
	ck_assert_uint_eq(mock_calls(rig.m), 9);
	script(400, "{\"__type\":\"ExpiredTokenException\"}");
	expect_denied(
	    "the AWS credentials have expired, and were fetched less than a second ago");
	ck_assert_uint_eq(mock_calls(rig.m), 10);
}
END_TEST

static void answer(size_t index, int status, const char *body)
{
	mock_respond(rig.m, index,
	    &(struct ow_http_response){.end = OW_HTTP_ANSWERED,
		.status = status,
		.maybe_received = true,
		.body = {body, strlen(body)}});
}

/* Those that were sent with the old ones are told late; the new ones stay. */
START_TEST(several_are_told_that_they_expired)
{
	static const char expired[] = "{\"__type\":\"ExpiredToken\"}";
	rig_with(RIG_PLACE);
	script_instance("A", "2026-01-01T06:00:00Z");
	script(200, "{}");
	rig_called();
	mock_advance(rig.m, 60000);
	rig_call();
	rig_call();
	mock_run(rig.m);
	ck_assert_uint_eq(mock_calls(rig.m), 6);
	answer(4, 400, expired);
	mock_run(rig.m);
	answer(6, 200, "token");
	answer(7, 200, "role");
	answer(8, 200, json("B", "2026-01-01T12:00:00Z"));
	expect_signed(9, "B");
	answer(5, 400, expired);
	expect_signed(10, "B");
	script(200, "{}");
	script(200, "{}");
	mock_run(rig.m);
	ck_assert_int_eq(rig.results, 3);
	ck_assert_uint_eq(mock_calls(rig.m), 11);
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
	rig_with(RIG_PLACE);
	rig_call();
	mock_run(rig.m);
	mock_advance(rig.m, 9999);
	ck_assert_int_eq(rig.last.ended, 0);
	mock_advance(rig.m, 1);
	ck_assert_int_eq(rig.last.ended, 1);
	ck_assert_int_eq(rig.last.outcome, AWS_RETRY);
	ck_assert(!rig.last.maybe_done);
	ck_assert_str_eq(rig.last.why, "no AWS credentials came in time");
}
END_TEST

/* Then the request has what is left of the call's time. */
START_TEST(patience_ends_with_the_wait)
{
	rig_with(RIG_PLACE);
	rig_call();
	mock_advance(rig.m, 4000);
	script_instance("A", "2026-01-01T06:00:00Z");
	mock_run(rig.m);
	ck_assert_int_eq(mock_call(rig.m, 3)->request.total_ms, 6000);
	mock_advance(rig.m, 60000);
	ck_assert_int_eq(rig.last.ended, 0);
	script(200, "{}");
	mock_run(rig.m);
	ck_assert_int_eq(rig.last.outcome, AWS_OK);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lib/aws/credentials");
	TCase *t = tcase_create("credentials");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nobody_has_any);
	tcase_add_test(t, order);
	tcase_add_test(t, environment_with_token);
	tcase_add_test(t, profiles);
	tcase_add_test(t, profile_in_the_home);
	tcase_add_test(t, profile_files_that_cannot_be_read);
	tcase_add_test(t, profile_with_a_web_identity);
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
	tcase_add_test(t, one_request_for_all_who_wait);
	tcase_add_test(t, renewed_ahead);
	tcase_add_test(t, renewed_with_the_same);
	tcase_add_test(t, renewal_fails);
	tcase_add_test(t, pauses_after_failures);
	tcase_add_test(t, expired_when_it_comes);
	tcase_add_test(t, service_says_expired);
	tcase_add_test(t, several_are_told_that_they_expired);
	tcase_add_test(t, nobody_waits_for_ever);
	tcase_add_test(t, patience_ends_with_the_wait);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
