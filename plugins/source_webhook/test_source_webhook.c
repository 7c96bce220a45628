#include <stdio.h>
#include <string.h>

#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define WHERE	     "listener: public\npath: /hook\n"
#define KEY	     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static struct mock *m;
static struct ow_instance *source;

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static const struct ow_component *webhook(void)
{
	return mock_component(OW_MODULE_SYMBOL(), "webhook");
}

/* auth: what stands under that option. */
static void with(const char *auth)
{
	char yaml[500];
	m = mock_new();
	snprintf(yaml, sizeof(yaml), WHERE "%s%s\n", auth ? "auth: " : "", auth ? auth : "");
	source = mock_instance(m, webhook(), "in", mock_conf(m, webhook(), yaml));
	ck_assert_int_eq(mock_rc(mock_start(source)), OW_OK);
}

static void done(void)
{
	mock_free(m);
	m = NULL;
	source = NULL;
}

static struct ow_http_request *post(const char *name, const char *value, const char *body)
{
	const char *const headers[] = {name, value, NULL};
	return mock_request(m, "public", "POST", "/hook", name ? headers : NULL, text(body));
}

/* Settles the event that was emitted last and expects that its request is answered. */
static void settle_last(const struct ow_http_request *request)
{
	size_t last = mock_emitted(m) - 1;
	mock_settle(m, last,
	    &(struct ow_settlement){.size = sizeof(struct ow_settlement),
		.outcome = OW_DELIVERED,
		.status = 200,
		.content_type = text("text/plain"),
		.body = text("done")});
	ck_assert_int_eq(mock_answer(request)->status, 200);
	ck_assert_str_eq(mock_answer(request)->body.data, "done");
}

static void expect_unauthorized(const struct ow_http_request *request, const char *challenge)
{
	const struct mock_answer *answer = mock_answer(request);
	ck_assert_ptr_nonnull(answer);
	ck_assert_int_eq(answer->status, 401);
	ck_assert_str_eq(answer->content_type.data, "application/json");
	ck_assert_str_eq(answer->body.data, "{\"detail\":\"Unauthorized\"}");
	ck_assert_int_eq(answer->retry_after_ms, 0);
	ck_assert_pstr_eq(mock_answer_header(request, "WWW-Authenticate").data, challenge);
}

START_TEST(options_are_sound)
{
	m = mock_new();
	ck_assert_str_eq(mock_conf_complaints(m, webhook(), WHERE), "");
	ck_assert_ptr_nonnull(strstr(mock_conf_complaints(m, webhook(), "listener: public\n"),
	    "option `path` is missing"));
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, webhook(), "{listener: public, path: hook}"),
		"must begin with `/`"));
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, webhook(), "{listener: public, path: /a?b}"),
		"must be a path alone"));
	done();
}
END_TEST

START_TEST(a_star_stands_at_the_end)
{
	static const struct {
		const char *path;
		bool good;
	} paths[] = {{"/w/*", true}, {"/*", true}, {"/w*", false}, {"/w/*/x", false},
	    {"/w/**", false}, {"/*/w/*", false}, {"/w/*x", false}};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char yaml[64];
		m = mock_new();
		snprintf(yaml, sizeof(yaml), "{listener: public, path: \"%s\"}", paths[i].path);
		const char *printed = mock_conf_complaints(m, webhook(), yaml);
		ck_assert_msg(!strstr(printed, "can have `*` only at its end") == paths[i].good,
		    "%s: %s", paths[i].path, printed);
		done();
	}
}
END_TEST

static const struct {
	const char *auth, *complaint; /* NULL: none */
} configurations[] = {
    {"{mode: none}", NULL},
    {"{mode: bearer, secrets: [a, b]}", NULL},
    {"{mode: bearer, secrets: a}", NULL},
    {"{mode: basic, secrets: ['user:pass word', 'user:a:b']}", NULL},
    {"{mode: header, secrets: [a b], header: X-Api-Key}", NULL},
    {"{mode: hmac, secrets: [a], header: X-S}", NULL},
    {"{mode: hmac, secrets: [a], header: X-S, algorithm: sha1, encoding: base64, prefix: v=}",
	NULL},
    {"{mode: standard_webhooks, secrets: [" KEY "], tolerance: 1m}", NULL},
    {"{mode: hmac, secrets: [a], header: Authorization, prefix: 'HMAC '}", NULL},
    /* What is missing. */
    {"{mode: bearer}", "is missing: mode `bearer` needs it"},
    {"{mode: bearer, secrets: }", "is missing: mode `bearer` needs it"},
    {"{mode: standard_webhooks}", "is missing: mode `standard_webhooks` needs it"},
    {"{mode: header, secrets: [s3cret]}", "is missing: mode `header` needs it"},
    {"{mode: hmac, secrets: [s3cret]}", "is missing: mode `hmac` needs it"},
    {"{mode: bearer, secrets: []}", "must have between 1 and 16 items, not 0"},
    /* What does nothing, be it the default. */
    {"{secrets: [s3cret]}", "does nothing without a mode"},
    {"{mode: none, secrets: [s3cret]}", "does nothing without a mode"},
    {"{tolerance: 5m}", "does nothing without a mode"},
    {"{mode: bearer, secrets: [s3cret], header: X}", "is not used in mode `bearer`: remove it"},
    {"{mode: basic, secrets: ['a:s3cret'], algorithm: sha256}", "is not used in mode `basic`"},
    {"{mode: header, header: X, secrets: [s3cret], prefix: ''}", "not used in mode `header`"},
    {"{mode: header, header: X, secrets: [s3cret], encoding: hex}",
	"not used in mode `header`"},
    {"{mode: hmac, header: X, secrets: [s3cret], tolerance: 5m}", "not used in mode `hmac`"},
    {"{mode: standard_webhooks, secrets: [" KEY "], header: X}",
	"not used in mode `standard_webhooks`"},
    /* What cannot be. */
    {"{mode: bearer, secrets: [a, '']}", "each item must not be empty"},
    {"{mode: bearer, secrets: [a, ' s3cret']}", "item 2 can never be received"},
    {"{mode: bearer, secrets: ['s3cret ']}", "item 1 can never be received"},
    {"{mode: header, header: X, secrets: [\"s3cret\\r\\nX: y\"]}", "can never be received"},
    {"{mode: basic, secrets: [s3cret]}", "item 1 must be `user:password`"},
    {"{mode: basic, secrets: [':s3cret']}", "item 1 must be `user:password`"},
    {"{mode: basic, secrets: ['s3cret:']}", "item 1 must be `user:password`"},
    {"{mode: basic, secrets: [\"a:s3cret\\n\"]}", "has a line break"},
    {"{mode: standard_webhooks, secrets: [" KEY ", s3cret]}", "item 2 must be `whsec_`"},
    {"{mode: standard_webhooks, secrets: [whsec_s3cret]}", "item 1 must be `whsec_`"},
    {"{mode: standard_webhooks, secrets: [whsec_]}", "item 1 must be `whsec_`"},
    {"{mode: standard_webhooks, secrets: [whsec_s3creta=]}", "item 1 must be `whsec_`"},
    {"{mode: standard_webhooks, secrets: [whsec_s3cretMfKQ9r8GKYqrTwjUPD8ILP]}",
	"of 24 bytes or more"},
    {"{mode: standard_webhooks, secrets: [" KEY "], tolerance: 2d}", "between 1s and 1d"},
    {"{mode: header, secrets: [s3cret], header: 'X Y'}", "`X Y` is not a header name"},
    {"{mode: header, secrets: [s3cret], header: ''}", "`` is not a header name"},
    {"{mode: hmac, secrets: [s3cret], header: X, prefix: \"a\\nb\"}", "can never be received"},
    {"{mode: hmac, secrets: [s3cret], header: X, prefix: ' a'}", "can never be received"},
    {"{mode: hmac, secrets: [s3cret], header: X, algorithm: md5}", "must be one of `sha256`"},
};

START_TEST(rules_of_authentication)
{
	char yaml[500];
	const char *complaint = configurations[_i].complaint;
	m = mock_new();
	snprintf(yaml, sizeof(yaml), WHERE "auth: %s\n", configurations[_i].auth);
	const char *printed = mock_conf_complaints(m, webhook(), yaml);
	if (complaint)
		ck_assert_msg(strstr(printed, complaint) != NULL, "%s", printed);
	else
		ck_assert_str_eq(printed, "");
	ck_assert_ptr_null(strstr(printed, "s3cret"));
	done();
}
END_TEST

START_TEST(without_authentication)
{
	with(NULL);
	struct ow_http_request *request = post(NULL, NULL, "{}");
	ck_assert_uint_eq(mock_emitted(m), 1);
	ck_assert_ptr_null(mock_answer(request));
	settle_last(request);
	done();
}
END_TEST

START_TEST(content_types)
{
	static const char *const good[] = {"application/json",
	    "APPLICATION/JSON; charset=utf-8", "application/json ;x=y",
	    "application/cloudevents+json"};
	static const char *const bad[] = {
	    "text/plain", "application/jsonp", "xapplication/json", "", "json"};
	with(NULL);
	for (int i = 0; i < COUNT(good); i++)
		settle_last(post("Content-Type", good[i], "{}"));
	for (int i = 0; i < COUNT(bad); i++)
		ck_assert_int_eq(mock_answer(post("Content-Type", bad[i], "{}"))->status, 415);
	ck_assert_uint_eq(mock_emitted(m), COUNT(good));
	done();
}
END_TEST

START_TEST(the_sink_s_refusal_may_be_passed_on)
{
	for (int pass = 0; pass < 2; pass++) {
		struct ow_result result = {.size = sizeof(result),
		    .status = 404,
		    .content_type = text("text/x"),
		    .body = text("no such contact")};
		m = mock_new();
		source = mock_instance(m, webhook(), "in",
		    mock_conf(m, webhook(), pass ? WHERE "pass_client_errors: true\n" : WHERE));
		ck_assert_int_eq(mock_rc(mock_start(source)), OW_OK);
		struct ow_http_request *request = post(NULL, NULL, "{}");
		mock_settle(m, 0,
		    &(struct ow_settlement){.size = sizeof(struct ow_settlement),
			.outcome = OW_FAILED,
			.status = 502,
			.body = text("failed"),
			.result = &result});
		ck_assert_int_eq(mock_answer(request)->status, pass ? 404 : 502);
		ck_assert_str_eq(
		    mock_answer(request)->body.data, pass ? "no such contact" : "failed");
		done();
	}
}
END_TEST

START_TEST(drains_when_all_is_answered)
{
	with(NULL);
	struct ow_http_request *request = post(NULL, NULL, "{}");
	struct ow_op *drain = mock_drain(source);
	ck_assert(!mock_finished(drain));
	settle_last(request);
	ck_assert_int_eq(mock_rc(drain), OW_OK);
	done();
}
END_TEST

START_TEST(starts_only_with_its_path)
{
	m = mock_new();
	source = mock_instance(m, webhook(), "in", mock_conf(m, webhook(), WHERE));
	mock_refuse_serve(m, "the path is taken");
	struct ow_op *start = mock_start(source);
	ck_assert_int_eq(mock_rc(start), OW_FAIL);
	ck_assert_str_eq(mock_why(start), "path /hook on listener public: the path is taken");
	done();
}
END_TEST

/* Refused: no event, one count, one line that tells the reason and nothing of the request. */
START_TEST(refuses_strangers)
{
	with("{mode: bearer, secrets: [right-token, other-token]}");
	expect_unauthorized(
	    post("Authorization", "Bearer wrong-token", "{}"), "Bearer realm=\"onceway\"");
	expect_unauthorized(post(NULL, NULL, "{}"), "Bearer realm=\"onceway\"");
	ck_assert_uint_eq(mock_emitted(m), 0);
	ck_assert_uint_eq(mock_counter(m, "auth_failures_total", NULL), 2);
	ck_assert_uint_eq(mock_log_lines(m), 2);
	ck_assert_str_eq(mock_log_line(m, 0), "warning: a request was refused with 401: its "
					      "credentials are none of the known");
	ck_assert(mock_logged(m, "it has no header Authorization"));
	ck_assert(!mock_logged(m, "wrong-token"));
	ck_assert(!mock_logged(m, "right-token"));

	struct ow_http_request *request = post("Authorization", "Bearer other-token", "{}");
	ck_assert_uint_eq(mock_emitted(m), 1);
	settle_last(request);
	ck_assert_uint_eq(mock_counter(m, "auth_failures_total", NULL), 2);
	ck_assert_uint_eq(mock_log_lines(m), 2);
	done();
}
END_TEST

/* A stranger is not told what else is wrong with his request. */
START_TEST(authentication_comes_first)
{
	with("{mode: basic, secrets: ['user:password']}");
	expect_unauthorized(post("Content-Type", "text/plain", ""),
	    "Basic realm=\"onceway\", charset=\"UTF-8\"");
	done();
}
END_TEST

START_TEST(other_modes_have_no_challenge)
{
	with("{mode: header, header: X-Gate, secrets: [right]}");
	expect_unauthorized(post("X-Gate", "wrong", "{}"), NULL);
	struct ow_http_request *let_in = post("x-gate", "right", "{}");
	ck_assert_str_eq(mock_event_secret_header(mock_emission(m, 0)->event), "X-Gate");
	settle_last(let_in);
	done();
	with("{mode: standard_webhooks, secrets: [" KEY "]}");
	expect_unauthorized(post("webhook-id", "msg_1", "{}"), NULL);
	done();
}
END_TEST

/* The bytes that were signed are the bytes of the event, whatever JSON says of them. */
START_TEST(signatures_are_over_the_body_as_received)
{
	with("{mode: hmac, header: X-S, prefix: sha1=, algorithm: sha1, secrets: [new, old]}");
	expect_unauthorized(
	    post("X-S", "sha1=d01d0837d0d1a20265d79d28983adee61d6715a1", "{\"a\": 1}"), NULL);
	struct ow_http_request *request =
	    post("X-S", "sha1=d01d0837d0d1a20265d79d28983adee61d6715a1", "{\"a\":1}");
	ck_assert_uint_eq(mock_emitted(m), 1);
	ck_assert_str_eq(mock_host()->event_body(mock_emission(m, 0)->event).data, "{\"a\":1}");
	settle_last(request);
	done();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("source_webhook");
	TCase *t = tcase_create("webhook");
	tcase_add_test(t, options_are_sound);
	tcase_add_loop_test(t, rules_of_authentication, 0, COUNT(configurations));
	tcase_add_test(t, without_authentication);
	tcase_add_test(t, content_types);
	tcase_add_test(t, the_sink_s_refusal_may_be_passed_on);
	tcase_add_test(t, drains_when_all_is_answered);
	tcase_add_test(t, starts_only_with_its_path);
	tcase_add_test(t, a_star_stands_at_the_end);
	tcase_add_test(t, refuses_strangers);
	tcase_add_test(t, authentication_comes_first);
	tcase_add_test(t, other_modes_have_no_challenge);
	tcase_add_test(t, signatures_are_over_the_body_as_received);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
