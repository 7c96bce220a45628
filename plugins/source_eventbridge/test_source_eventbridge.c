/* The options, and `mode: http`. */
#include <stdio.h>
#include <string.h>

#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define WHERE	     "listener: public\npath: /events\n"

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

static void with(const char *options)
{
	char yaml[500];
	m = mock_new();
	snprintf(yaml, sizeof(yaml), WHERE "%s", options);
	source = mock_instance(m, eventbridge(), "in", mock_conf(m, eventbridge(), yaml));
	ck_assert_int_eq(mock_rc(mock_start(source)), OW_OK);
}

static void end(void)
{
	mock_free(m);
	m = NULL;
}

static struct ow_http_request *post_as(const char *key, const char *body)
{
	/* As AWS documents what an API destination sends. */
	const char *const headers[] = {"User-Agent", "Amazon/EventBridge/ApiDestinations",
	    "Content-Type", "application/json; charset=utf-8", "Range", "bytes=0-1048575",
	    "Accept-Encoding", "gzip,deflate", "Connection", "close", "X-Api-Key", key, NULL};
	return mock_request(m, "public", "POST", "/events", headers, text(body));
}

static struct ow_http_request *post(const char *body)
{
	return post_as("right", body);
}

static void settle_last(void)
{
	mock_settle(m, mock_emitted(m) - 1,
	    &(struct ow_settlement){.size = sizeof(struct ow_settlement),
		.outcome = OW_REJECTED,
		.status = 503,
		.retry_after_ms = 2000,
		.content_type = text("application/json"),
		.body = text("{\"status\":\"rejected\"}"),
		.why = "the test says so"});
}

/* ---- envelopes ---- */

/* The members of an envelope, each as it may be; the order is that of the check. */
static const struct {
	const char *name, *value;
	const char *other, *problem; /* a value of another type, and what is said of it */
} members[] = {
    {"version", "\"0\"", "0", "must be a string"},
    {"id", "\"e-1\"", "[]", "must be a string"},
    {"source", "\"aws.partner/genesys.com\"", "null", "must be a string"},
    {"account", "\"123456789012\"", "123456789012", "must be a string"},
    {"time", "\"2022-04-06T09:30:44Z\"", "true", "must be a time"},
    {"region", "\"us-east-1\"", "{}", "must be a string"},
    {"resources", "[\"arn\"]", "\"arn\"", "must be an array"},
    {"detail-type", "\"v2.x\"", "1", "must be a string"},
    {"detail", "{\"a\":1}", "\"{}\"", "must be an object"},
};

/* An envelope without member `without`, and with `value` in place of member `with`'s. */
static const char *envelope(int without, int with_other, const char *value)
{
	static char out[1000];
	size_t len = 0;
	out[len++] = '{';
	for (int i = 0; i < COUNT(members); i++)
		if (i != without)
			len += (size_t)snprintf(out + len, sizeof(out) - len, "%s\"%s\":%s",
			    len > 1 ? "," : "", members[i].name,
			    i == with_other ? value : members[i].value);
	snprintf(out + len, sizeof(out) - len, "}");
	return out;
}

static void expect_refused(const char *body, const char *field, const char *problem)
{
	char expected[200], line[200];
	struct ow_http_request *request = post(body);
	snprintf(expected, sizeof(expected),
	    "{\"error\":\"Invalid event structure\",\"field\":\"%s\",\"problem\":\"%s\"}",
	    field, problem);
	snprintf(line, sizeof(line), ": %s %s", field, problem);
	ck_assert_ptr_nonnull(mock_answer(request));
	ck_assert_int_eq(mock_answer(request)->status, 400);
	ck_assert_str_eq(mock_answer(request)->body.data, expected);
	ck_assert_str_eq(mock_answer(request)->content_type.data, "application/json");
	ck_assert_uint_eq(mock_emitted(m), 0);
	ck_assert(mock_logged(m, line));
}

START_TEST(each_member_is_needed)
{
	with("");
	expect_refused(envelope(_i, -1, NULL), members[_i].name, "is missing");
	expect_refused(
	    envelope(-1, _i, members[_i].other), members[_i].name, members[_i].problem);
	ck_assert_uint_eq(mock_counter(m, "eventbridge_invalid_total", NULL), 2);
	end();
}
END_TEST

START_TEST(what_is_whole_is_an_event)
{
	static const char *const others[][2] = {
	    {"time", "1649237444949"}, {"resources", "[]"}, {"detail", "{}"}};
	with("");
	struct ow_http_request *request = post(envelope(-1, -1, NULL));
	ck_assert_uint_eq(mock_emitted(m), 1);
	ck_assert_ptr_null(mock_answer(request));
	ck_assert_str_eq(
	    mock_host()->event_body(mock_emission(m, 0)->event).data, envelope(-1, -1, NULL));
	settle_last();
	ck_assert_int_eq(mock_answer(request)->status, 503);
	ck_assert_int_eq(mock_answer(request)->retry_after_ms, 2000);
	ck_assert_str_eq(mock_answer(request)->body.data, "{\"status\":\"rejected\"}");
	for (int i = 0; i < COUNT(others); i++)
		for (int n = 0; n < COUNT(members); n++)
			if (strcmp(members[n].name, others[i][0]) == 0) {
				post(envelope(-1, n, others[i][1]));
				settle_last();
			}
	ck_assert_uint_eq(mock_emitted(m), 4);
	end();
}
END_TEST

START_TEST(the_tutorial_s_name_of_the_type_does_too)
{
	char body[1000];
	with("");
	snprintf(body, sizeof(body), "{\"detailType\":\"t\",%s", envelope(7, -1, NULL) + 1);
	post(body);
	settle_last();
	ck_assert_uint_eq(mock_emitted(m), 1);
	end();
	with("");
	/* Where AWS' own is there, it is nobody's business what else is. */
	snprintf(body, sizeof(body), "{\"detailType\":7,%s", envelope(-1, -1, NULL) + 1);
	post(body);
	settle_last();
	ck_assert_uint_eq(mock_emitted(m), 1);
	end();
	with("");
	snprintf(body, sizeof(body), "{\"detailType\":7,%s", envelope(7, -1, NULL) + 1);
	expect_refused(body, "detailType", "must be a string");
	end();
}
END_TEST

START_TEST(other_documents_are_refused)
{
	static const char *const documents[] = {"[]", "\"x\"", "null", "7"};
	with("");
	for (int i = 0; i < COUNT(documents); i++)
		expect_refused(documents[i], "body", "must be a JSON object");
	expect_refused("{}", "version", "is missing");
	end();
}
END_TEST

/* The core refuses it, with the byte where it ends to be JSON, and counts it. */
START_TEST(what_is_not_json_is_the_core_s)
{
	with("");
	post("{");
	settle_last();
	ck_assert_uint_eq(mock_emitted(m), 1);
	ck_assert_uint_eq(mock_counter(m, "eventbridge_invalid_total", NULL), 0);
	end();
}
END_TEST

/* ---- replays ---- */

START_TEST(a_replay_is_what_the_option_says)
{
	static const struct {
		const char *options, *member;
		bool passes;
	} cases[] = {
	    {"", "\"replay-name\":\"again\",", false},
	    {"replays: dedup\n", "\"replay-name\":\"again\",", false},
	    {"replays: pass\n", "\"replay-name\":\"again\",", true},
	    {"replays: pass\n", "", false},
	    {"replays: pass\n", "\"replay-name\":\"\",", false},
	    {"replays: pass\n", "\"replay-name\":null,", false},
	    {"replays: pass\n", "\"detail2\":{\"replay-name\":\"again\"},", false},
	};
	for (int i = 0; i < COUNT(cases); i++) {
		char body[1000];
		with(cases[i].options);
		snprintf(
		    body, sizeof(body), "{%s%s", cases[i].member, envelope(-1, -1, NULL) + 1);
		post(body);
		ck_assert_int_eq(
		    mock_event_passes(mock_emission(m, 0)->event), cases[i].passes);
		settle_last();
		end();
	}
}
END_TEST

/* ---- the rest ---- */

START_TEST(strangers_are_told_nothing)
{
	with("auth: {mode: header, header: X-Api-Key, secrets: [right]}\n");
	struct ow_http_request *request = post_as("wrong", "{}");
	ck_assert_int_eq(mock_answer(request)->status, 401);
	ck_assert_str_eq(mock_answer(request)->body.data, "{\"detail\":\"Unauthorized\"}");
	ck_assert_uint_eq(mock_counter(m, "auth_failures_total", NULL), 1);
	ck_assert_uint_eq(mock_counter(m, "eventbridge_invalid_total", NULL), 0);
	post(envelope(-1, -1, NULL));
	settle_last();
	ck_assert_uint_eq(mock_emitted(m), 1);
	end();
}
END_TEST

START_TEST(drains_when_all_is_answered)
{
	with("");
	post(envelope(-1, -1, NULL));
	struct ow_op *drain = mock_drain(source);
	ck_assert(!mock_finished(drain));
	settle_last();
	ck_assert_int_eq(mock_rc(drain), OW_OK);
	end();
}
END_TEST

START_TEST(says_what_it_is)
{
	static const struct {
		const char *options;
		bool final_refusal;
		int64_t limit_ms;
	} natures[] = {{WHERE, true, 5000}, {"mode: lambda\n", true, 0},
	    {"mode: lambda\ninvalid: fail\n", false, 0}};
	const struct ow_source_ops *ops = eventbridge()->ops;
	m = mock_new();
	for (int i = 0; i < COUNT(natures); i++) {
		struct ow_source_nature nature = {.size = sizeof(nature), .queue = true};
		ops->nature(mock_conf(m, eventbridge(), natures[i].options), &nature);
		ck_assert(!nature.queue);
		ck_assert_int_eq(nature.final_refusal, natures[i].final_refusal);
		ck_assert_int_eq(nature.answer_limit_ms, natures[i].limit_ms);
	}
	mock_free(m);
}
END_TEST

static const struct {
	const char *options, *complaint; /* NULL: fine */
} configurations[] = {
    {WHERE, NULL},
    {WHERE "mode: http\nauth: {mode: bearer, secrets: [s3cret]}\nreplays: pass", NULL},
    {"mode: lambda", NULL},
    {"mode: lambda\ninvalid: fail\ndeadline_margin: 0s\nreplays: pass", NULL},
    {"path: /x", "is missing: mode `http` needs it"},
    {"listener: public", "is missing: mode `http` needs it"},
    {"listener: public\npath: events", "must begin with `/`: `/events`"},
    {"listener: public\npath: /a*b", "can have `*` only at its end"},
    {WHERE "auth: {mode: bearer}", "is missing: mode `bearer` needs it"},
    {WHERE "invalid: fail", "3:10: error: is not used in mode `http`: remove it"},
    {WHERE "deadline_margin: 1s", "3:18: error: is not used in mode `http`"},
    {"mode: lambda\nlistener: public", "2:11: error: is not used in mode `lambda`: remove it"},
    {"mode: lambda\npath: /x", "2:7: error: is not used in mode `lambda`: remove it"},
    {"mode: lambda\nauth: {mode: bearer, secrets: [s3cret]}",
	"2:31: error: is not used in mode `lambda`"},
    {"mode: lambda\nauth: {tolerance: 5m}", "2:19: error: is not used in mode `lambda`"},
};

START_TEST(rules_across_the_options)
{
	m = mock_new();
	const char *printed =
	    mock_conf_complaints(m, eventbridge(), configurations[_i].options);
	if (configurations[_i].complaint)
		ck_assert_msg(
		    strstr(printed, configurations[_i].complaint) != NULL, "%s", printed);
	else
		ck_assert_str_eq(printed, "");
	ck_assert_ptr_null(strstr(printed, "s3cret"));
	end();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("source_eventbridge");
	TCase *t = tcase_create("eventbridge");
	tcase_add_loop_test(t, each_member_is_needed, 0, COUNT(members));
	tcase_add_test(t, what_is_whole_is_an_event);
	tcase_add_test(t, the_tutorial_s_name_of_the_type_does_too);
	tcase_add_test(t, other_documents_are_refused);
	tcase_add_test(t, what_is_not_json_is_the_core_s);
	tcase_add_test(t, a_replay_is_what_the_option_says);
	tcase_add_test(t, strangers_are_told_nothing);
	tcase_add_test(t, drains_when_all_is_answered);
	tcase_add_test(t, says_what_it_is);
	tcase_add_loop_test(t, rules_across_the_options, 0, COUNT(configurations));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
