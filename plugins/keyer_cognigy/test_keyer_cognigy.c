#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tests/plugin/keyertest.h"
#include "tests/unit/main.h"

#define VECTORS	     SOURCE_DIR "/tests/data/cognigy-keys.jsonl"
#define VECTOR_COUNT 33

static void setup(void)
{
	keyer_begin("cognigy");
	keyer_with(NULL);
}

/* ---- keys ---- */

static const char basic[] = "{\"dialogId\":\"dlg-1\",\"nodeId\":\"node-9\",\"sequence\":3,"
			    "\"variables\":{\"name\":\"Ada\"}}";
#define BASIC_KEY "01b46cac0d9dc54428a52f9ec7bb9ee3446775ad726bae44c1b450a004126504"

START_TEST(vectors)
{
	key_vectors_check("cognigy:fp:", VECTORS, VECTOR_COUNT, NULL);
}
END_TEST

START_TEST(describes_itself)
{
	const struct ow_keyer_ops *ops = component->ops;
	ck_assert_int_eq(ops->invalid_status, 400);
	ck_assert_int_eq(ops->window_ms, 300000);
	ck_assert_str_eq(mock_conf_complaints(mock, component, component->example), "");
	ck_assert_str_eq(
	    mock_conf_complaints(mock, component, "dialog: \"\"\nsequence: \"\"\n"),
	    "test.yaml:1:9: error: must name a member such as /id: "
	    "empty is the whole document\n"
	    "test.yaml:2:11: error: must name a member such as "
	    "/id: empty is the whole document\n");
}
END_TEST

START_TEST(optional_fields)
{
	assert_text(key_of(basic)->label, "node-9");
	assert_text(key_of("{\"dialogId\":\"dlg-1\",\"nodeId\":\"node-9\",\"sequence\":3,"
			   "\"variables\":null,\"locale\":null}")
			->text,
	    BASIC_KEY);
	assert_text(
	    key_of("{\"dialogId\":\"dlg-1\",\"nodeId\":\"node-9\",\"sequence\":\" +0_3.0\\n\"}")
		->text,
	    BASIC_KEY);
}
END_TEST

/* Memory kept from one event to the next must not show. */
START_TEST(events_do_not_touch_each_other)
{
	for (int i = 0; i < 3; i++) {
		assert_text(key_of(basic)->text, BASIC_KEY);
		key_of("{\"dialogId\":\"a long one, and more of it\",\"nodeId\":\"n\","
		       "\"sequence\":[]}");
		key_of("{\"dialogId\":1}");
	}
}
END_TEST

START_TEST(faults)
{
	static const struct {
		const char *body, *field, *problem;
		bool missing;
	} cases[] = {
	    {"[]", "body", "must be a JSON object", false},
	    {"{}", "dialogId", "is missing", true},
	    {"{\"dialogId\":\"d\"}", "nodeId", "is missing", true},
	    {"{\"dialogId\":\"d\",\"nodeId\":\"n\"}", "sequence", "is missing", true},
	    {"{\"dialogId\":null,\"nodeId\":\"n\",\"sequence\":1}", "dialogId",
		"must be a string", false},
	    {"{\"dialogId\":\"d\",\"nodeId\":5,\"sequence\":1}", "nodeId", "must be a string",
		false},
	    {"{\"dialogId\":\"d\",\"nodeId\":\"n\",\"sequence\":1.5}", "sequence",
		"must be an integer", false},
	    {"{\"dialogId\":\"d\",\"nodeId\":\"n\",\"sequence\":1,\"variables\":\"x\"}",
		"variables", "must be an object", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_refused(
		    cases[i].body, cases[i].field, cases[i].problem, cases[i].missing);
}
END_TEST

/* What pydantic 2 takes for an integer, and what it makes of it. */
START_TEST(sequences)
{
	static const char *const cases[][2] = {
	    {"0", "0"},
	    {"-0", "0"},
	    {"-7", "-7"},
	    {"-3.0", "-3"},
	    {"123456789012345678901234567890", "123456789012345678901234567890"},
	    {"1e15", "1000000000000000"},
	    {"false", "0"},
	    {"\"00\"", "0"},
	    {"\"-00\"", "0"},
	    {"\"-007\"", "-7"},
	    {"\"0_0\"", "0"},
	    {"\"00_1\"", "1"},
	    {"\"-1_0\"", "-10"},
	    {"\"1_0.00\"", "10"},
	    {"\"\\t5\\u000b\\f\"", "5"},
	    {"\"-123456789012345678901234567890.00\"", "-123456789012345678901234567890"},
	    {"1e16", NULL},
	    {"1e-3", NULL},
	    {"{}", NULL},
	    {"\"- 5\"", NULL},
	    {"\"+-5\"", NULL},
	    {"\"--5\"", NULL},
	    {"\"+\"", NULL},
	    {"\".0\"", NULL},
	    {"\"5.01\"", NULL},
	    {"\"1__0\"", NULL},
	    {"\"_1\"", NULL},
	    {"\"1_\"", NULL},
	    {"\"0_\"", NULL},
	    {"\"1.0_0\"", NULL},
	    {"\"1_.0\"", NULL},
	    {"\"1e3\"", NULL},
	    {"\"0x10\"", NULL},
	    {"\"5 5\"", NULL},
	    {"\"5\\u0000\"", NULL},
	    {"\"\\u00a05\"", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf body = BUF_INIT, canonical = BUF_INIT;
		buf_printf(&body, "{\"dialogId\":\"d\",\"nodeId\":\"n\",\"sequence\":%s}",
		    cases[i][0]);
		struct ow_key *key = mock_key(keyer, mock_event(mock, body.data), true);
		ck_assert_msg((key->rc == OW_OK) == (cases[i][1] != NULL), "%s", cases[i][0]);
		buf_printf(&canonical, "d:n:%s", cases[i][1] ? cases[i][1] : "");
		if (cases[i][1])
			assert_text(key->canonical, canonical.data);
		buf_free(&body);
		buf_free(&canonical);
	}
}
END_TEST

START_TEST(paths_are_options)
{
	keyer_with("dialog: /sessionId\nnode: /active/nodeId\nsequence: /meta/n\n"
		   "variables: /context\nprefix: \"c:\"\n");
	struct ow_key *key =
	    key_of("{\"sessionId\":\"dlg-1\",\"active\":{\"nodeId\":\"node-9\"},"
		   "\"meta\":{\"n\":3},\"variables\":5}");
	assert_text(key->text, BASIC_KEY);
	ck_assert_str_eq(key->prefix, "c:");
	key = key_of("{\"sessionId\":\"dlg-1\",\"active\":{\"nodeId\":\"node-9\"}}");
	ck_assert_str_eq(key->invalid_field, "meta/n");
	key = key_of("{\"sessionId\":\"dlg-1\",\"active\":{\"nodeId\":\"node-9\"},"
		     "\"meta\":{\"n\":3},\"context\":5}");
	ck_assert_str_eq(key->invalid_field, "context");
}
END_TEST

START_TEST(inputs_have_ids)
{
	keyer_with("sequence: /inputId\nsequence_type: text\n");
	struct ow_key *key = mock_key(keyer,
	    mock_event(mock, "{\"dialogId\":\"d\",\"nodeId\":\"n\",\"inputId\":\"007\"}"),
	    true);
	assert_text(key->canonical, "d:n:007");
	key = key_of("{\"dialogId\":\"d\",\"nodeId\":\"n\",\"inputId\":7}");
	ck_assert_str_eq(key->invalid_problem, "must be a string");
}
END_TEST

START_TEST(colons_can_be_told_apart)
{
	static const char a[] = "{\"dialogId\":\"a:b\",\"nodeId\":\"c\",\"sequence\":1}";
	static const char b[] = "{\"dialogId\":\"a\",\"nodeId\":\"b:c\",\"sequence\":\"1\"}";
	static const char c[] = "{\"dialogId\":\"a\",\"nodeId\":\"b:c\",\"sequence\":1.0}";
	ck_assert(text_equal(key_of(a)->text, key_of(b)->text));
	keyer_with("encoding: unambiguous\n");
	ck_assert(!text_equal(key_of(a)->text, key_of(b)->text));
	ck_assert(text_equal(key_of(b)->text, key_of(c)->text));
	struct ow_key *key = mock_key(keyer, mock_event(mock, b), true);
	assert_text(key->canonical, "[\"a\",\"b:c\",1]");
	keyer_with("encoding: unambiguous\nsequence_type: text\n");
	key = mock_key(keyer, mock_event(mock, b), true);
	assert_text(key->canonical, "[\"a\",\"b:c\",\"1\"]");
}
END_TEST

START_TEST(explains)
{
	static const char *const fields[][2] = {
	    {"dialog", "\"dlg-1\" from /dialogId"},
	    {"node", "\"node-9\" from /nodeId"},
	    {"sequence", "3 from /sequence"},
	};
	assert_explained(basic, fields, sizeof(fields) / sizeof(*fields), "dlg-1:node-9:3");
}
END_TEST

/* ---- replies ---- */

#define FINGERPRINT ",\"fingerprint\":\"cognigy:fp:" BASIC_KEY "\"}"

START_TEST(results_are_replayed)
{
	struct ow_result result = {.size = sizeof(result),
	    .status = 200,
	    .body = text_of(" {\"a\": 1.0, \"a\":2 }\n")};
	struct ow_reply_request request = {
	    .outcome = OW_DELIVERED, .status = 200, .why = "delivered", .result = &result};
	assert_reply(basic, &request,
	    "{\"status\":\"success\",\"data\": {\"a\": 1.0, \"a\":2 }\n" FINGERPRINT);
	request.outcome = OW_DUPLICATE;
	assert_reply(basic, &request,
	    "{\"status\":\"cached\",\"data\": {\"a\": 1.0, \"a\":2 }\n" FINGERPRINT);
	request.waited = true;
	assert_reply(basic, &request,
	    "{\"status\":\"cached\",\"data\": {\"a\": 1.0, \"a\":2 }\n" FINGERPRINT);
}
END_TEST

/* Whatever the sink says, the reply is JSON and the flow reads it as a value. */
START_TEST(answers_are_not_trusted)
{
	static const struct {
		const char *body, *data;
		size_t len; /* 0: a text */
	} cases[] = {
	    {"", "null", 0},
	    {"null", "null", 0},
	    {"5", "5", 0},
	    {"\"x\"", "\"x\"", 0},
	    {"[1,2]", "[1,2]", 0},
	    {" ", "\" \"", 0},
	    {"OK", "\"OK\"", 0},
	    {"<a href=\"x\"/>\n", "\"<a href=\\\"x\\\"/>\\n\"", 0},
	    {"{\"a\":1},\"fingerprint\":\"mine\"",
		"\"{\\\"a\\\":1},\\\"fingerprint\\\":\\\"mine\\\"\"", 0},
	    {"1,2", "\"1,2\"", 0},
	    {"NaN", "\"NaN\"", 0},
	    {"1e400", "\"1e400\"", 0},
	    {"\"\\ud800\"", "\"\\\"\\\\ud800\\\"\"", 0},
	    {"\xef\xbb\xbf{}", "\"\xef\xbb\xbf{}\"", 0},
	    {"\xff", "\"\xef\xbf\xbd\"", 0},
	    {"{}\0", "\"{}\\u0000\"", 3},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = cases[i].len ? cases[i].len : strlen(cases[i].body);
		struct ow_result result = {
		    .size = sizeof(result), .body = text_span(cases[i].body, len)};
		struct ow_reply_request request = {
		    .outcome = OW_DELIVERED, .status = 200, .why = "x", .result = &result};
		struct buf expected = BUF_INIT;
		buf_printf(&expected, "{\"status\":\"success\",\"data\":%s" FINGERPRINT,
		    cases[i].data);
		assert_reply(basic, &request, expected.data);
		buf_free(&expected);
	}
}
END_TEST

START_TEST(without_a_result)
{
	struct ow_reply_request request = {
	    .outcome = OW_DUPLICATE, .status = 200, .why = "duplicate"};
	assert_reply(basic, &request, "{\"status\":\"cached\",\"data\":null" FINGERPRINT);
	request.outcome = OW_DELIVERED;
	assert_reply(
	    "{}", &request, "{\"status\":\"success\",\"data\":null,\"fingerprint\":null}");
}
END_TEST

START_TEST(failures)
{
	static const char malformed[] =
	    "{\"detail\":\"Missing or malformed Cognigy.AI payload\"}";
	struct ow_reply_request request = {
	    .outcome = OW_INVALID, .status = 400, .why = "x is wrong"};
	assert_reply("{", &request, malformed);
	assert_reply("{\"dialogId\":\"\xff\"}", &request, malformed);
	assert_reply("[]", &request, malformed);
	assert_reply("{}", &request, malformed);
	request.status = 202;
	ck_assert(!reply_for("{}", &request)->begun);
	request.outcome = OW_FAILED;
	request.status = 502;
	request.why = "the sink answered \"500\"";
	assert_reply(basic, &request, "{\"detail\":\"the sink answered \\\"500\\\"\"}");
	request.outcome = OW_REJECTED;
	assert_reply(basic, &request, "{\"detail\":\"the sink answered \\\"500\\\"\"}");
	request.store_failed = true;
	assert_reply(basic, &request, "{\"detail\":\"Cache service unavailable\"}");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("keyer_cognigy");
	TCase *t = tcase_create("keys");
	tcase_add_checked_fixture(t, setup, keyer_end);
	tcase_add_test(t, vectors);
	tcase_add_test(t, describes_itself);
	tcase_add_test(t, optional_fields);
	tcase_add_test(t, events_do_not_touch_each_other);
	tcase_add_test(t, faults);
	tcase_add_test(t, sequences);
	tcase_add_test(t, paths_are_options);
	tcase_add_test(t, inputs_have_ids);
	tcase_add_test(t, colons_can_be_told_apart);
	tcase_add_test(t, explains);
	suite_add_tcase(s, t);
	t = tcase_create("replies");
	tcase_add_checked_fixture(t, setup, keyer_end);
	tcase_add_test(t, results_are_replayed);
	tcase_add_test(t, answers_are_not_trusted);
	tcase_add_test(t, without_a_result);
	tcase_add_test(t, failures);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
