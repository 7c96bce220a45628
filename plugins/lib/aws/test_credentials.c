#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/aws/test_credentials_rig.h"

/* ---- who is asked ---- */

START_TEST(nobody_has_any)
{
	setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1);
	setenv("HOME", rig_folder, 1);
	rig_with(RIG_PLACE);
	rig_expect_denied(
	    "no AWS credentials: options: access_key_id is not set; environment: "
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
	rig_script(200, "token");
	rig_script(200, "role");
	rig_script(200, rig_json("INSTANCE", "2026-01-01T06:00:00Z"));
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(3, "INSTANCE");

	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x", 1);
	rig_with(RIG_PLACE);
	rig_script(200, rig_json("CONTAINER", "2026-01-01T06:00:00Z"));
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(5, "CONTAINER");

	setenv("AWS_SHARED_CREDENTIALS_FILE",
	    rig_file("credentials",
		"[default]\naws_access_key_id = PROFILE\naws_secret_access_key = x\n"),
	    1);
	rig_with(RIG_PLACE);
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(6, "PROFILE");

	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", rig_file("token", "jwt"), 1);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", 1);
	rig_with(RIG_PLACE);
	rig_script(200, rig_xml("WEB", "2026-01-01T06:00:00Z"));
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(8, "WEB");

	setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENT", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
	rig_with(RIG_PLACE);
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(9, "ENVIRONMENT");

	rig_with(RIG_PLACE RIG_KEYS);
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(10, "AKIDEXAMPLE");
}
END_TEST

START_TEST(environment_with_token)
{
	setenv("AWS_ACCESS_KEY_ID", "ID", 1);
	rig_with(RIG_PLACE);
	rig_expect_denied(
	    "environment: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
	setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
	setenv("AWS_SESSION_TOKEN", "tok", 1);
	rig_with(RIG_PLACE);
	rig_script(200, "{}");
	rig_called();
	ck_assert_str_eq(rig_header(0, "X-Amz-Security-Token"), "tok");
	/* What the options say is somebody else. */
	rig_with(RIG_PLACE "profile: nobody\n");
	rig_expect_denied(
	    "environment: not asked, for the options say who to be; web identity: not "
	    "asked, for `profile` is set; profile: there is no profile `nobody`");
	setenv("AWS_ACCESS_KEY_ID", "two\nlines", 1);
	rig_with(RIG_PLACE);
	rig_expect_denied("environment: the access key is empty or has a character");
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
	setenv("AWS_SHARED_CREDENTIALS_FILE", rig_file("credentials", credentials_file), 1);
	setenv("AWS_CONFIG_FILE", rig_file("config", config_file), 1);
	rig_with("profile: mine\n");
	ck_assert_str_eq(aws_client_region(rig.client), "eu-west-3");
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(0, "MI#NE");
	ck_assert_str_eq(rig_header(0, "X-Amz-Security-Token"), "tok");
	setenv("AWS_PROFILE", "other", 1);
	rig_with(RIG_PLACE);
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(1, "OTHER");
	rig_with(RIG_PLACE "profile: sso\n");
	rig_expect_denied(
	    "profile: profile `sso` gets its credentials by sso_session, which is not "
	    "supported: give it keys, or a web_identity_token_file");
	rig_with(RIG_PLACE "profile: role\n");
	rig_expect_denied(
	    "profile `role` gets its credentials by source_profile, which is not");
	rig_with(RIG_PLACE "profile: half\n");
	rig_expect_denied("profile `half` has no aws_secret_access_key");
	setenv("AWS_PROFILE", "a\nb", 1);
	rig_with(RIG_PLACE);
	rig_expect_denied("there is no profile `a?b`");
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	rig_with(RIG_PLACE "profile: none\n");
	rig_expect_denied("profile: profile `none` has no credentials; container: ");
	ck_assert_str_eq(rig_refused("profile: none\n"),
	    "the AWS region is not known: set `region`, AWS_REGION, or region in the profile");
}
END_TEST

START_TEST(profile_in_the_home)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/.aws", rig_folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	rig_file(".aws/credentials", "[default]\n" KEYS_OF("HOME"));
	rig_file("config", "[default]\nregion = eu-west-1");
	setenv("HOME", rig_folder, 1);
	setenv("AWS_CONFIG_FILE", "~/config", 1);
	rig_with("");
	ck_assert_str_eq(aws_client_region(rig.client), "eu-west-1");
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(0, "HOME");
}
END_TEST

START_TEST(profile_files_that_cannot_be_read)
{
	setenv("AWS_SHARED_CREDENTIALS_FILE", rig_folder, 1);
	rig_with(RIG_PLACE);
	rig_expect_denied(": is not a regular file, .aws/config: HOME is not set)");
	char pipe[128];
	snprintf(pipe, sizeof(pipe), "%s/pipe", rig_folder);
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	setenv("AWS_SHARED_CREDENTIALS_FILE", pipe, 1);
	rig_with(RIG_PLACE);
	rig_expect_denied("/pipe: is not a regular file");
	char *large = malloc(300000);
	memset(large, '#', 299999);
	large[299999] = '\0';
	setenv("AWS_SHARED_CREDENTIALS_FILE", rig_file("large", large), 1);
	free(large);
	rig_with(RIG_PLACE);
	rig_expect_denied("/large: is longer than 256 KiB");
}
END_TEST

START_TEST(profile_with_a_web_identity)
{
	char text[512];
	snprintf(text, sizeof(text),
	    "[profile pod]\nrole_arn = arn:aws:iam::1:role/p\nrole_session_name = me\n"
	    "web_identity_token_file = %s\n",
	    rig_file("token", "jwt"));
	setenv("AWS_CONFIG_FILE", rig_file("config", text), 1);
	rig_with(RIG_PLACE "profile: pod\n");
	rig_script(200, rig_xml("WEB", "2026-01-01T06:00:00Z"));
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(1, "WEB");
	ck_assert_ptr_nonnull(
	    strstr(mock_call(rig.m, 0)->request.body.data, "&RoleSessionName=me&"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lib/aws/credentials");
	TCase *t = tcase_create("credentials");
	tcase_add_checked_fixture(t, rig_home, rig_home_end);
	tcase_add_test(t, nobody_has_any);
	tcase_add_test(t, order);
	tcase_add_test(t, environment_with_token);
	tcase_add_test(t, profiles);
	tcase_add_test(t, profile_in_the_home);
	tcase_add_test(t, profile_files_that_cannot_be_read);
	tcase_add_test(t, profile_with_a_web_identity);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
