#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "tests/plugin/keyertest.h"
#include "tests/unit/main.h"

#define VECTORS	     SOURCE_DIR "/tests/data/cxone-keys.jsonl"
#define VECTOR_COUNT 75

static void setup(void)
{
	keyer_begin("cxone");
	keyer_with(NULL);
}

/* ---- the vectors ---- */

static void check_label(const char *name, struct ow_text event, const struct ow_key *key)
{
	json_t *parsed =
	    json_loadb(event.data, event.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
	const json_t *trigger = json_object_get(parsed, "triggerId");
	/* jansson refuses some valid numbers. */
	if (trigger)
		ck_assert_msg(text_equal(key->label, text_span(json_string_value(trigger),
							 json_string_length(trigger))),
		    "%s: label %.*s", name, (int)key->label.len, key->label.data);
	json_decref(parsed);
}

START_TEST(vectors)
{
	key_vectors_check("cxone:dedup:", VECTORS, VECTOR_COUNT, check_label);
}
END_TEST

/* ---- keys ---- */

static const char basic[] =
    "{\"triggerId\":\"trg-1\",\"entityId\":\"ent-1\",\"timestamp\":\"2024-05-01T12:00:00Z\","
    "\"data\":{\"eventType\":\"contact.created\",\"contactId\":\"c-100\",\"queueId\":\"q-7\"}}";
#define BASIC_KEY "58de200df13fa0fe728ebf9170bbe8657e164d327b69c78d8c7d97072d3ef8b5"

START_TEST(describes_itself)
{
	const struct ow_keyer_ops *ops = component->ops;
	ck_assert_int_eq(ops->invalid_status, 422);
	ck_assert_int_eq(ops->window_ms, 300000);
	ck_assert_str_eq(mock_conf_complaints(mock, component, component->example), "");
	ck_assert_str_eq(mock_conf_complaints(mock, component, "timestamp: \"\"\n"), "");
}
END_TEST

/* Memory kept from one event to the next must not show. */
START_TEST(events_do_not_touch_each_other)
{
	assert_text(key_of(basic)->text, BASIC_KEY);
	for (int i = 0; i < 3; i++) {
		key_of("{\"triggerId\":\"t\",\"entityId\":\"e\",\"timestamp\":\"x\","
		       "\"data\":{\"contactId\":{\"b\":[1,2,{\"z\":0}],\"a\":{}},\"queueId\":[]"
		       "}}");
		key_of("{\"triggerId\":1}");
		assert_text(key_of(basic)->text, BASIC_KEY);
	}
}
END_TEST

START_TEST(paths_are_options)
{
	keyer_with("trigger_id: /eventId\n"
		   "entity_id: /data/case/id\n"
		   "timestamp: \"\"\n"
		   "event_type: /eventType\n"
		   "contact_id: /data/a~1b\n"
		   "queue_id: /data/queues/0\n"
		   "prefix: \"cx:\"\n");
	struct ow_key *key = key_of(
	    "{\"eventId\":\"trg-1\",\"eventType\":\"contact.created\","
	    "\"data\":{\"case\":{\"id\":\"ent-1\"},\"a/b\":\"c-100\",\"queues\":[\"q-7\"]}}");
	assert_text(key->text, BASIC_KEY);
	assert_text(key->label, "trg-1");
	ck_assert_str_eq(key->prefix, "cx:");
}
END_TEST

START_TEST(faults_are_told_in_order)
{
	static const struct {
		const char *body, *field, *problem;
	} cases[] = {
	    {"{}", "triggerId", "is missing"},
	    {"{\"triggerId\":\"t\"}", "entityId", "is missing"},
	    {"{\"triggerId\":\"t\",\"entityId\":\"e\"}", "timestamp", "is missing"},
	    {"{\"triggerId\":\"t\",\"entityId\":\"e\",\"timestamp\":null}", "timestamp",
		"must be a string"},
	    {"{\"triggerId\":{},\"entityId\":5}", "triggerId", "must be a string"},
	    {"{\"triggerId\":\"t\",\"entityId\":\"e\",\"timestamp\":\"x\",\"data\":null}",
		"data", "must be an object"},
	    {"{\"triggerId\":\"t\",\"entityId\":\"e\",\"timestamp\":\"x\",\"data\":5}", "data",
		"must be an object"},
	    {"[]", "body", "must be a JSON object"},
	    {"5", "body", "must be a JSON object"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_refused(cases[i].body, cases[i].field, cases[i].problem,
		    strcmp(cases[i].problem, "is missing") == 0);
}
END_TEST

START_TEST(explains)
{
	static const char *const fields[][2] = {
	    {"contactId", "{\"a\":null,\"b\":1.0} from /data/contactId"},
	    {"entityId", "\"e\" from /entityId"},
	    {"eventType", "\"unknown\" as default, without /data/eventType"},
	    {"queueId", "\"\" as default, without /data/queueId"},
	    {"triggerId", "\"t\\u00e9\" from /triggerId"},
	    {"timestamp (not in the key)", "\"x\" from /timestamp"},
	};
	assert_explained("{\"triggerId\":\"t\\u00e9\",\"entityId\":\"e\",\"timestamp\":\"x\","
			 "\"data\":{\"contactId\":{\"b\":1.0,\"a\":null}}}",
	    fields, sizeof(fields) / sizeof(*fields),
	    "{\"contactId\":{\"a\":null,\"b\":1.0},\"entityId\":\"e\","
	    "\"eventType\":\"unknown\",\"queueId\":\"\",\"triggerId\":\"t\\u00e9\"}");
}
END_TEST

/* ---- replies ---- */

START_TEST(replies_of_accepted_events)
{
	struct ow_reply_request request = {
	    .outcome = OW_DELIVERED, .status = 200, .why = "delivered"};
	assert_reply(basic, &request, "{\"status\":\"routed\",\"triggerId\":\"trg-1\"}");
	request.outcome = OW_DUPLICATE;
	assert_reply(
	    basic, &request, "{\"status\":\"duplicate_discarded\",\"triggerId\":\"trg-1\"}");
	request.waited = true;
	assert_reply(basic, &request, "{\"status\":\"routed\",\"triggerId\":\"trg-1\"}");
	assert_reply("{\"triggerId\":\"\\\"\\u0000\\n\\ud83d\\ude00\",\"entityId\":\"e\","
		     "\"timestamp\":\"x\"}",
	    &request,
	    "{\"status\":\"routed\",\"triggerId\":\"\\\"\\u0000\\n\xf0\x9f\x98\x80\"}");
}
END_TEST

START_TEST(replies_of_invalid_events)
{
	struct ow_reply_request request = {
	    .outcome = OW_INVALID, .status = 422, .why = "x is wrong"};
	assert_reply("{\"triggerId\":\"t\",\"timestamp\":\"x\"}", &request,
	    "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"entityId\"],"
	    "\"msg\":\"Field required\"}]}");
	assert_reply("{\"triggerId\":5}", &request,
	    "{\"detail\":[{\"type\":\"string_type\",\"loc\":[\"body\",\"triggerId\"],"
	    "\"msg\":\"Input should be a valid string\"}]}");
	assert_reply("{\"triggerId\":\"t\",\"entityId\":\"e\",\"timestamp\":\"x\",\"data\":[]}",
	    &request,
	    "{\"detail\":[{\"type\":\"dict_type\",\"loc\":[\"body\",\"data\"],"
	    "\"msg\":\"Input should be a valid dictionary\"}]}");
	assert_reply("\"x\"", &request,
	    "{\"detail\":[{\"type\":\"model_attributes_type\",\"loc\":[\"body\"],"
	    "\"msg\":\"Input should be a valid dictionary or object to extract fields "
	    "from\"}]}");
	request.why = "expected a \"value\"";
	assert_reply("{\"triggerId\":", &request,
	    "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\"],\"msg\":\"JSON decode "
	    "error\",\"ctx\":{\"error\":\"expected a \\\"value\\\"\"}}]}");
	request.status = 400;
	assert_reply("{\"triggerId\":\"\xff\"}", &request,
	    "{\"detail\":\"There was an error parsing the body\"}");
}
END_TEST

START_TEST(replies_name_nested_paths)
{
	struct ow_reply_request request = {
	    .outcome = OW_INVALID, .status = 422, .why = "x is wrong"};
	keyer_with("trigger_id: /meta/a~1b/~01\n");
	assert_reply("{}", &request,
	    "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"meta\",\"a/b\",\"~1\"],"
	    "\"msg\":\"Field required\"}]}");
}
END_TEST

START_TEST(replies_of_other_outcomes)
{
	struct ow_reply_request request = {
	    .outcome = OW_FAILED, .status = 502, .why = "the sink answered \"500\""};
	assert_reply(basic, &request, "{\"detail\":\"the sink answered \\\"500\\\"\"}");
	request = (struct ow_reply_request){
	    .outcome = OW_REJECTED, .status = 503, .why = "store down"};
	assert_reply(basic, &request, "{\"detail\":\"store down\"}");
	request.outcome = OW_UNROUTED;
	assert_reply("{}", &request, "{\"detail\":\"store down\"}");
	request.outcome = OW_REJECTED;
	request.store_failed = true;
	assert_reply(basic, &request, "{\"detail\":\"State backend unavailable\"}");
	request = (struct ow_reply_request){.outcome = OW_FAILED, .status = 504, .why = "late"};
	assert_reply(basic, &request, "{\"detail\":\"Downstream routing timed out\"}");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("keyer_cxone");
	TCase *t = tcase_create("keys");
	tcase_add_checked_fixture(t, setup, keyer_end);
	tcase_add_test(t, vectors);
	tcase_add_test(t, describes_itself);
	tcase_add_test(t, events_do_not_touch_each_other);
	tcase_add_test(t, paths_are_options);
	tcase_add_test(t, faults_are_told_in_order);
	tcase_add_test(t, explains);
	suite_add_tcase(s, t);
	t = tcase_create("replies");
	tcase_add_checked_fixture(t, setup, keyer_end);
	tcase_add_test(t, replies_of_accepted_events);
	tcase_add_test(t, replies_of_invalid_events);
	tcase_add_test(t, replies_name_nested_paths);
	tcase_add_test(t, replies_of_other_outcomes);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
