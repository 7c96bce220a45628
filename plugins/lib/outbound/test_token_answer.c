#include "lib/outbound/token_answer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct token_answer answer;

static void read_answer(int status, const char *body)
{
	token_answer_fini(&answer);
	token_answer_read(status, (struct ow_text){body, strlen(body)}, &answer);
}

static void teardown(void)
{
	token_answer_fini(&answer);
}

START_TEST(a_token)
{
	static const struct {
		const char *body;
		int64_t life_ms;
		bool odd;
	} cases[] = {
	    {"{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":1800}", 1800000,
		false},
	    {"{\"access_token\":\"t\",\"token_type\":\"bEARER\",\"expires_in\":\"3599\"}",
		3599000, false},
	    {"{\"access_token\":\"t\",\"expires_in\":1.5}", 1500, false},
	    {"{\"access_token\":\"t\"}", 0, false},
	    {"{\"access_token\":\"t\",\"expires_in\":null}", 0, false},
	    {"{\"access_token\":\"t\",\"expires_in\":0}", 0, true},
	    {"{\"access_token\":\"t\",\"expires_in\":-1}", 0, true},
	    {"{\"access_token\":\"t\",\"expires_in\":\"soon\"}", 0, true},
	    {"{\"access_token\":\"t\",\"expires_in\":\"\"}", 0, true},
	    {"{\"access_token\":\"t\",\"expires_in\":\" 7\"}", 0, true},
	    {"{\"access_token\":\"t\",\"expires_in\":true}", 0, true},
	    {"{\"access_token\":\"t\",\"expires_in\":[1800]}", 0, true},
	    {"{\"access_token\":\"t\",\"expires_in\":86401}", TOKEN_LIFE_MAX_MS, false},
	    {"{\"access_token\":\"t\",\"expires_in\":1e300}", TOKEN_LIFE_MAX_MS, false},
	    {"{\"access_token\":\"t\",\"expires_in\":9223372036854775807}", TOKEN_LIFE_MAX_MS,
		false},
	    {"{\"access_token\":\"t\",\"expires_in\":\"999999999999999999\"}",
		TOKEN_LIFE_MAX_MS, false},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		read_answer(i % 2 ? 201 : 200, cases[i].body);
		ck_assert_msg(answer.token != NULL, "%s: %s", cases[i].body, answer.why);
		ck_assert_str_eq(answer.token, "t");
		ck_assert_int_eq(answer.life_ms, cases[i].life_ms);
		ck_assert_msg(answer.odd_life == cases[i].odd, "%s", cases[i].body);
		ck_assert(!answer.refused);
	}
}
END_TEST

START_TEST(no_token)
{
	static const struct {
		const char *body, *why;
	} cases[] = {
	    {"", "not a JSON object"},
	    {"<html>Sign in</html>", "not a JSON object"},
	    {"\"t\"", "not a JSON object"},
	    {"[]", "not a JSON object"},
	    {"null", "not a JSON object"},
	    {"{\"access_token\":\"t\"", "not a JSON object"},
	    {"{\"access_token\":\"t\"} x", "not a JSON object"},
	    {"{\"access_token\":\"\xff\"}", "not a JSON object"},
	    {"{}", "has no access_token"},
	    {"{\"access_token\":17}", "has no access_token"},
	    {"{\"access_token\":null}", "has no access_token"},
	    {"{\"access_token\":\"\"}", "is empty"},
	    {"{\"access_token\":\" t\"}", "cannot stand in a header"},
	    {"{\"access_token\":\"t\\r\\nX-Evil: 1\"}", "cannot stand in a header"},
	    {"{\"access_token\":\"t\\u0000\"}", "cannot stand in a header"},
	    {"{\"access_token\":\"\xc3\xa9\"}", "cannot stand in a header"},
	    {"{\"access_token\":\"t\",\"token_type\":\"mac\"}", "not Bearer"},
	    {"{\"access_token\":\"t\",\"token_type\":7}", "not Bearer"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		read_answer(200, cases[i].body);
		ck_assert_ptr_null(answer.token);
		ck_assert_msg(strstr(answer.why, cases[i].why) != NULL, "%s: %s", cases[i].body,
		    answer.why);
		ck_assert(!answer.refused);
	}
}
END_TEST

START_TEST(the_longest_token)
{
	for (size_t len = TOKEN_SIZE_MAX; len <= TOKEN_SIZE_MAX + 1; len++) {
		static const char before[] = "{\"access_token\":\"";
		char *body = malloc(len + 32);
		strcpy(body, before);
		memset(body + sizeof(before) - 1, 'x', len);
		strcpy(body + sizeof(before) - 1 + len, "\"}");
		read_answer(200, body);
		ck_assert_int_eq(answer.token != NULL, len == TOKEN_SIZE_MAX);
		free(body);
	}
}
END_TEST

START_TEST(what_to_check)
{
	static const struct {
		int status;
		const char *body, *why;
		bool refused;
	} cases[] = {
	    {400, "{\"error\":\"invalid_client\"}",
		"it answered 400 invalid_client: check oauth2.client_id, "
		"oauth2.client_secret and oauth2.client_auth",
		true},
	    {401, "{\"error\":\"invalid_client\",\"error_description\":\"No such client\"}",
		"it answered 401 invalid_client (No such client): check oauth2.client_id",
		true},
	    {400, "{\"error\":\"invalid_scope\"}", "invalid_scope: check oauth2.scope", true},
	    {400, "{\"error\":\"invalid_target\"}", "check oauth2.audience", true},
	    {400, "{\"error\":\"unauthorized_client\"}", "its rights at the endpoint", true},
	    {400, "{\"error\":\"unsupported_grant_type\"}", "check oauth2.token_url", true},
	    {400, "{\"error\":\"invalid_request\"}", "check oauth2.style", true},
	    {400, "Bad", "it answered 400: check oauth2.client_id, oauth2.client_secret", true},
	    {401, "", "it answered 401: check oauth2.client_id and oauth2.client_secret", true},
	    {403, "{}", "it answered 403: check oauth2.scope, and the rights", true},
	    {404, "", "it answered 404: check oauth2.token_url", true},
	    {302, "", "redirects are not followed: check oauth2.token_url", true},
	    {415, "", "it answered 415: check oauth2.style", true},
	    {200, "{\"error\":\"invalid_client\",\"access_token\":\"t\"}",
		"check oauth2.client_id", true},
	    {429, "", "it answered 429", false},
	    {500, "{\"error\":\"server_error\"}", "it answered 500 server_error", false},
	    {503, "<html>", "it answered 503", false},
	    {500, "{\"error\":{\"code\":7}}", "it answered 500", false},
	    {401, "{\"error\":\"a\\nb\\u0000c\\u00e9\"}", "it answered 401 a?b?c??: ", true},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		read_answer(cases[i].status, cases[i].body);
		ck_assert_ptr_null(answer.token);
		ck_assert_msg(strstr(answer.why, cases[i].why) != NULL, "%d %s: %s",
		    cases[i].status, cases[i].body, answer.why);
		ck_assert_msg(answer.refused == cases[i].refused, "%s", answer.why);
	}
}
END_TEST

/* However much they say, what to check comes through. */
START_TEST(a_talkative_endpoint)
{
	char body[2048];
	char talk[900];
	memset(talk, 'x', sizeof(talk) - 1);
	talk[sizeof(talk) - 1] = '\0';
	snprintf(
	    body, sizeof(body), "{\"error\":\"%s\",\"error_description\":\"%s\"}", talk, talk);
	read_answer(401, body);
	ck_assert_ptr_nonnull(
	    strstr(answer.why, "check oauth2.client_id and oauth2.client_secret"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("outbound/token_answer");
	TCase *t = tcase_create("answer");
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, a_token);
	tcase_add_test(t, no_token);
	tcase_add_test(t, the_longest_token);
	tcase_add_test(t, what_to_check);
	tcase_add_test(t, a_talkative_endpoint);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
