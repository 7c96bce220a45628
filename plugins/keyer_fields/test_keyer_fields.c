#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tests/plugin/keyertest.h"
#include "tests/unit/main.h"

#define VECTORS	     SOURCE_DIR "/tests/data/fields-keys.jsonl"
#define VECTOR_COUNT 29

static void setup(void)
{
	keyer_begin("fields");
}

START_TEST(vectors)
{
	key_vectors_check("fields:", VECTORS, VECTOR_COUNT, NULL);
}
END_TEST

START_TEST(describes_itself)
{
	const struct ow_keyer_ops *ops = component->ops;
	ck_assert_int_eq(ops->invalid_status, 400);
	ck_assert_int_eq(ops->window_ms, 300000);
	ck_assert_str_eq(mock_conf_complaints(mock, component, component->example), "");
}
END_TEST

START_TEST(complaints)
{
	static const struct {
		const char *yaml, *complaint;
	} cases[] = {
	    {"from: [id]", "test.yaml:1:7: error: is a list: item 1 must be a JSON "
			   "pointer such as /data/id, `header:NAME` or `body`, not `id`\n"},
	    {"{from: [/a, \"header:\"], optional: [\"header:a b\", /~2]}",
		"test.yaml:1:8: error: is a list: item 2 must be a JSON "
		"pointer such as /data/id, `header:NAME` or `body`, not `header:`\n"
		"test.yaml:1:35: error: is a list: item 1 must be a "
		"JSON pointer such as /data/id, `header:NAME` or `body`, not `header:a b`\n"
		"test.yaml:1:35: error: is a list: item 2 must be a "
		"JSON pointer such as /data/id, `header:NAME` or `body`, not `/~2`\n"},
	    {"{from: [/a], round: {field: /t, to: 1m}}",
		"test.yaml:1:29: error: must stand in `from` too, "
		"or in `optional`\n"},
	    {"{from: [/a], round: {field: /a}}",
		"test.yaml:1:29: error: needs round.to: say how "
		"coarsely, as in `to: 1m`\n"},
	    {"{from: [/a], round: {to: 1m}}", "test.yaml:1:26: error: does nothing without "
					      "round.field: say which time is rounded\n"},
	    {"{from: [/a, /b], encoding: plain}",
		"test.yaml:1:28: error: is for one field with "
		"`plain`: use `json`, so that several cannot be mixed up\n"},
	    {"{from: [/a], optional: [/b], encoding: plain}",
		"test.yaml:1:40: error: is for one field with "
		"`plain`: use `json`, so that several cannot be mixed up\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_str_eq(
		    mock_conf_complaints(mock, component, cases[i].yaml), cases[i].complaint);
}
END_TEST

/* The key's text, of an event with this header. */
static struct ow_text with_header(const char *name, const char *value)
{
	struct ow_event *event = mock_event(mock, "{\"a\":\"x\"}");
	mock_event_header(event, name, value);
	return mock_key(keyer, event, false)->text;
}

START_TEST(headers)
{
	keyer_with("{from: [header:Webhook-Id, /a], hash: none}");
	assert_text(with_header("webhook-id", "msg_1"), "[\"msg_1\",\"x\"]");
	assert_text(
	    with_header("WEBHOOK-ID", "a\"\\b\t\x7f"), "[\"a\\\"\\\\b\\t\\u007f\",\"x\"]");
	/* Whatever bytes come, they are characters one by one. */
	assert_text(
	    with_header("webhook-id", "\xc3\xa9\xff"), "[\"\\u00c3\\u00a9\\u00ff\",\"x\"]");
	keyer_with("{from: [header:webhook-id], hash: none, encoding: plain}");
	assert_text(with_header("webhook-id", "msg_1"), "msg_1");
	struct ow_event *event = mock_event(mock, "{}");
	mock_event_header(event, "webhook-id", "");
	const struct ow_key *key = mock_key(keyer, event, false);
	ck_assert_int_eq(key->rc, OW_REJECT);
	ck_assert_str_eq(key->invalid_field, "header:webhook-id");
	ck_assert(key->missing);
}
END_TEST

static struct ow_text member_key(const char *a, const char *b)
{
	struct buf body = BUF_INIT;
	buf_printf(&body, "{\"a\":%s,\"b\":%s}", a, b);
	struct ow_key *key = mock_key(keyer, mock_event(mock, body.data), false);
	ck_assert_msg(key->rc == OW_OK, "%s", body.data);
	buf_free(&body);
	return key->text;
}

/* No two pairs of different values may give one key, wherever their borders seem to be. */
START_TEST(values_cannot_be_mixed_up)
{
	static const char *const values[] = {"1", "1.0", "\"1\"", "true", "\"true\"", "[]",
	    "{}", "\"[]\"", "\",\"", "\"\\\",\\\"\"", "\"\\\\\"", "\"\\\\\\\"\"", "\"]\"",
	    "[\",\"]", "{\"a\":1}", "\"a\"", "\"a,b\"", "\"b\"", "\"\\u0000\"", "\"\\\\u0000\"",
	    "-0.0", "0", "0.0", "[1,2]", "[[1],2]", "[1,[2]]"};
	size_t count = sizeof(values) / sizeof(*values);
	static const char *const options[] = {
	    "{from: [/a, /b], hash: none}", "{from: [/a, /b]}"};
	struct ow_text seen[sizeof(values) / sizeof(*values)][sizeof(values) / sizeof(*values)];
	for (size_t o = 0; o < 2; o++) {
		keyer_with(options[o]);
		for (size_t i = 0; i < count * count; i++)
			seen[i / count][i % count] =
			    member_key(values[i / count], values[i % count]);
		for (size_t i = 0; i < count * count; i++)
			for (size_t j = 0; j < i; j++)
				if (text_equal(
					seen[i / count][i % count], seen[j / count][j % count]))
					ck_abort_msg("%s %s and %s %s", values[i / count],
					    values[i % count], values[j / count],
					    values[j % count]);
	}
}
END_TEST

/* The same event has the same key, whatever came before it. */
START_TEST(keys_are_pure)
{
	keyer_with("{from: [/a, /b], hash: none}");
	assert_text(member_key("\"x\"", "{\"z\":1, \"y\":2}"), "[\"x\",{\"y\":2,\"z\":1}]");
	member_key("[1,2,3,4,5,6,7]", "\"a long text that needs more room than the last one\"");
	assert_refused("{\"a\":\"half of a key\"}", "b", "is missing", true);
	assert_text(member_key("\"x\"", "{ \"y\":2,\"z\":1}"), "[\"x\",{\"y\":2,\"z\":1}]");
}
END_TEST

START_TEST(labels)
{
	keyer_with("{from: [/a], label: /type}");
	struct ow_key *key =
	    mock_key(keyer, mock_event(mock, "{\"a\":1,\"type\":\"t\"}"), false);
	assert_text(key->label, "t");
	key = mock_key(keyer, mock_event(mock, "{\"a\":1,\"type\":5}"), false);
	ck_assert_ptr_null(key->label.data);
}
END_TEST

START_TEST(explains)
{
	static const char *const shown[][2] = {
	    {"/a", "{\"b\":1}"}, {"/t", "1714564800000"}, {"/none", "null"}};
	keyer_with("{from: [/a, /t], optional: [/none], round: {field: /t, to: 1m}}");
	assert_explained("{\"a\":{ \"b\":1},\"t\":1714564801}", shown,
	    sizeof(shown) / sizeof(*shown), "[{\"b\":1},1714564800000,null]");
}
END_TEST

START_TEST(replies)
{
	struct ow_reply_request request = {
	    .outcome = OW_INVALID, .status = 400, .why = "a \"is\" missing"};
	keyer_with("from: [/a]");
	ck_assert(!reply_for("{}", &request)->begun);
	keyer_with("{from: [/a], status: 422}");
	const struct ow_reply *reply = reply_for("{}", &request);
	ck_assert_int_eq(reply->status, 422);
	assert_text(reply->body, "{\"status\":\"invalid\",\"error\":\"a \\\"is\\\" missing\"}");
	request.status = 202;
	ck_assert(!reply_for("{}", &request)->begun);
	request.outcome = OW_DELIVERED;
	request.status = 200;
	ck_assert(!reply_for("{\"a\":1}", &request)->begun);
	request.outcome = OW_FAILED;
	request.status = 502;
	ck_assert(!reply_for("{\"a\":1}", &request)->begun);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("keyer_fields");
	TCase *t = tcase_create("keys");
	tcase_add_checked_fixture(t, setup, keyer_end);
	tcase_add_test(t, vectors);
	tcase_add_test(t, describes_itself);
	tcase_add_test(t, complaints);
	tcase_add_test(t, headers);
	tcase_add_test(t, values_cannot_be_mixed_up);
	tcase_add_test(t, keys_are_pure);
	tcase_add_test(t, labels);
	tcase_add_test(t, explains);
	tcase_add_test(t, replies);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
