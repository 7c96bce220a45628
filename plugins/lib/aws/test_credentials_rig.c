#include "lib/aws/test_credentials_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char rig_folder[] = "/tmp/onceway-test-XXXXXX";

void rig_home(void)
{
	rig_open();
	strcpy(rig_folder + sizeof(rig_folder) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig_folder));
}

void rig_home_end(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -r %s", rig_folder);
	ck_assert_int_eq(system(command), 0);
	rig_close();
}

const char *rig_file(const char *name, const char *text)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", rig_folder, name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	return path;
}

void rig_script(int status, const char *body)
{
	mock_script_answer(rig.m, status, NULL, body);
}

void rig_expect_signed(size_t index, const char *key)
{
	char part[128];
	snprintf(part, sizeof(part), "Credential=%s/", key);
	ck_assert_msg(strstr(rig_header(index, "Authorization"), part) != NULL, "not %s: %s",
	    key, rig_header(index, "Authorization"));
}

void rig_expect_denied(const char *why)
{
	const struct rig_result *r = rig_called();
	ck_assert_int_eq(r->outcome, AWS_DENIED);
	ck_assert_msg(strstr(r->why, why) != NULL, "no \"%s\" in \"%s\"", why, r->why);
	ck_assert_int_eq(r->status, 0);
}

const char *rig_json(const char *key, const char *expiration)
{
	static char text[256];
	snprintf(text, sizeof(text),
	    "{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s/%s\","
	    "\"Token\":\"t/%s\",\"Expiration\":\"%s\"}",
	    key, key, key, expiration);
	return text;
}

const char *rig_xml(const char *key, const char *expiration)
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
