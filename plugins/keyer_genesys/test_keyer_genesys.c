#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tests/plugin/keyertest.h"
#include "tests/unit/main.h"

#define VECTORS	     SOURCE_DIR "/tests/data/genesys-keys.jsonl"
#define VECTOR_COUNT 56

static void setup(void)
{
	keyer_begin("genesys");
	keyer_with(NULL);
}

/* An envelope with this id, these members more, and this detail. */
#define EVENT(id, more, detail)                                                                \
	"{\"version\":\"0\",\"id\":\"" id "\",\"source\":\"aws.partner/genesys.com/x\","       \
	"\"account\":\"1\",\"time\":\"2022-04-06T09:30:44Z\",\"region\":\"us-east-1\","        \
	"\"resources\":[],\"detail-type\":\"v2.detail.events.conversation.{id}.acd."           \
	"start\"" more ",\"detail\":" detail "}"

#define NOTIFICATION(topic, body)                                                              \
	"{\"topicName\":\"" topic "\",\"version\":\"2\",\"eventBody\":" body                   \
	",\"metadata\":{\"CorrelationId\":\"cor-1\"},\"timestamp\":\"x\"}"

#define TOPIC "v2.detail.events.conversation.c-1.acd.start"
#define ACD_START                                                                              \
	NOTIFICATION(TOPIC, "{\"eventTime\":1649237444949,\"conversationId\":\"c-1\","         \
			    "\"participantId\":\"p-1\",\"sessionId\":\"s-1\"}")

#define TUTORIAL(more)                                                                         \
	"{\"id\":\"evt-1\",\"eventType\":\"created\",\"timestamp\":\"x\"" more "}"

static bool same(const char *a, const char *b)
{
	const struct ow_key *x = key_of(a), *y = key_of(b);
	ck_assert_msg(x->rc == OW_OK && y->rc == OW_OK, "%s\n%s", a, b);
	return text_equal(x->text, y->text);
}

/* ---- keys ---- */

START_TEST(vectors)
{
	key_vectors_check("genesys_dedup:", VECTORS, VECTOR_COUNT, NULL);
}
END_TEST

START_TEST(describes_itself)
{
	const struct ow_keyer_ops *ops = component->ops;
	ck_assert_int_eq(ops->invalid_status, 400);
	ck_assert_int_eq(ops->window_ms, 3600000);
	ck_assert_str_eq(mock_conf_complaints(mock, component, component->example), "");
	ck_assert_str_eq(mock_conf_complaints(mock, component,
			     "identity: envelope\naction: true\nencoding: unambiguous\n"),
	    "test.yaml:2:9: error: does nothing with `identity: "
	    "envelope`: remove it\n"
	    "test.yaml:3:11: error: does nothing with `identity: "
	    "envelope`: remove it\n");
}
END_TEST

START_TEST(redelivered_and_published_again)
{
	static const char *const again[] = {
	    EVENT("e-1", "", ACD_START),
	    EVENT("e-2", "", ACD_START),
	    EVENT("e-3", ",\"replay-name\":\"r\"", ACD_START),
	    EVENT("e-4", ",\"time\":\"2022-04-06T09:59:59Z\"", ACD_START),
	    EVENT("e-5", "",
		NOTIFICATION(TOPIC,
		    "{\"sessionId\":\"s-1\",\"queueId\":\"later\",\"flowOutcomeId\":"
		    "null,\"participantId\":\"p-1\",\"conversationId\":\"c-1\","
		    "\"eventTime\":1649237444949}")),
	};
	for (size_t i = 1; i < sizeof(again) / sizeof(*again); i++)
		ck_assert_msg(same(again[0], again[i]), "%s", again[i]);
}
END_TEST

/* One conversation, one thing changed at a time. */
START_TEST(distinct_events_do_not_collide)
{
#define BODY(time, participant, session, more)                                                 \
	"{\"eventTime\":" time ",\"conversationId\":\"c-1\",\"participantId\":\"" participant  \
	"\",\"sessionId\":\"" session "\"" more "}"
	static const char *const events[] = {
	    EVENT("e", "", NOTIFICATION(TOPIC, BODY("1", "p", "s", ""))),
	    EVENT("e", "", NOTIFICATION("v2.c-1.acd.end", BODY("1", "p", "s", ""))),
	    EVENT("e", "", NOTIFICATION(TOPIC, BODY("2", "p", "s", ""))),
	    EVENT("e", "", NOTIFICATION(TOPIC, BODY("\"1\"", "p", "s", ""))),
	    EVENT("e", "", NOTIFICATION(TOPIC, BODY("1", "q", "s", ""))),
	    EVENT("e", "", NOTIFICATION(TOPIC, BODY("1", "p", "t", ""))),
	    EVENT("e", "",
		NOTIFICATION(TOPIC, BODY("1", "p", "s", ",\"communicationId\":\"x\""))),
	    EVENT(
		"e", "", NOTIFICATION(TOPIC, BODY("1", "p", "s", ",\"flowOutcomeId\":\"x\""))),
	    EVENT(
		"e", "", NOTIFICATION(TOPIC, BODY("1", "p", "s", ",\"flowOutcomeId\":\"y\""))),
	    EVENT("e", "",
		NOTIFICATION(
		    TOPIC, BODY("1", "p", "s", ",\"transcripts\":[{\"utteranceId\":\"u\"}]"))),
	    EVENT("e", "",
		NOTIFICATION(
		    TOPIC, BODY("1", "p", "s", ",\"transcripts\":[{\"utteranceId\":\"v\"}]"))),
	    EVENT("e", "",
		NOTIFICATION(TOPIC, BODY("1", "p", "s",
					",\"transcripts\":[{\"utteranceId\":\"u\"},{},"
					"{\"utteranceId\":\"v\"}]"))),
	    EVENT("e", "",
		NOTIFICATION(TOPIC, "{\"eventTime\":1,\"conversationId\":\"p\","
				    "\"participantId\":\"c-1\",\"sessionId\":\"s\"}")),
	    EVENT("e", "", NOTIFICATION(TOPIC, "{}")),
	    EVENT("f", "", NOTIFICATION(TOPIC, "{}")),
	    EVENT("e", "", NOTIFICATION(TOPIC, "{\"conversationId\":\"c-1\"}")),
	    EVENT("f", "", NOTIFICATION(TOPIC, "{\"conversationId\":\"c-1\"}")),
	    EVENT("e", "", TUTORIAL("")),
	};
	size_t count = sizeof(events) / sizeof(*events);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++)
			ck_assert_msg(same(events[i], events[j]) == (i == j), "%s\n%s",
			    events[i], events[j]);
}
END_TEST

START_TEST(labels_are_few)
{
	assert_text(key_of(EVENT("e", "", ACD_START))->label,
	    "v2.detail.events.conversation.{id}.acd.start");
	assert_text(key_of(EVENT("e", ",\"detailType\":5", ACD_START))->label,
	    "v2.detail.events.conversation.{id}.acd.start");
	assert_text(key_of(EVENT("e", "", TUTORIAL("")))->label, "created");
	keyer_with("identity: envelope\n");
	assert_text(key_of(EVENT("e", "", "{}"))->label,
	    "v2.detail.events.conversation.{id}.acd.start");
}
END_TEST

START_TEST(replays_are_an_option)
{
	static const char live[] = EVENT("e", "", ACD_START);
	static const char replayed[] = EVENT("e", ",\"replay-name\":\"r-1\"", ACD_START);
	static const char again[] = EVENT("e", ",\"replay-name\":\"r-2\"", ACD_START);
	static const char nameless[] = EVENT("e", ",\"replay-name\":\"\"", ACD_START);
	static const char *const options[] = {"identity: business", "identity: correlation",
	    "identity: envelope", "encoding: unambiguous"};
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		struct buf yaml = BUF_INIT;
		buf_printf(&yaml, "%s\nreplays: deliver\n", options[i]);
		keyer_with(yaml.data);
		buf_free(&yaml);
		ck_assert(!same(live, replayed));
		ck_assert(!same(replayed, again));
		ck_assert(same(replayed, replayed));
		ck_assert(same(live, nameless));
		keyer_with(options[i]);
		ck_assert(same(live, replayed));
	}
	keyer_with("replays: deliver\n");
	assert_text(key_of(EVENT("e", ",\"replay-name\":\"r-1\"", TUTORIAL("")))->text,
	    "created_e_r-1");
}
END_TEST

START_TEST(identities)
{
	keyer_with("identity: correlation\n");
	ck_assert(same(EVENT("e", "", ACD_START), EVENT("f", "", NOTIFICATION(TOPIC, "{}"))));
	ck_assert(!same(EVENT("e", "", ACD_START),
	    EVENT("e", "", NOTIFICATION("v2.other", "{\"eventTime\":1649237444949}"))));
	assert_refused(
	    EVENT("e", "", TUTORIAL("")), "detail/metadata/CorrelationId", "is missing", true);
	assert_refused(
	    EVENT("e", "", "{\"topicName\":\"t\",\"metadata\":{\"CorrelationId\":\"\"}}"),
	    "detail/metadata/CorrelationId", "is missing", true);
	keyer_with("identity: envelope\n");
	assert_text(key_of(EVENT("e-1", "", "{}"))->text, "e-1");
	assert_refused(EVENT("", "", "{}"), "id", "is missing", true);
}
END_TEST

/* What is empty makes no two events equal. */
START_TEST(empty_ids_are_missing)
{
	static const char *const timeless[] = {"{}", "{\"conversationId\":\"c-1\"}",
	    "{\"eventTime\":null}", "{\"eventTime\":\"\"}",
	    "{\"transcripts\":[{\"utteranceId\":\"\"}]}"};
	for (size_t i = 0; i < sizeof(timeless) / sizeof(*timeless); i++) {
		struct buf event[3] = {BUF_INIT, BUF_INIT, BUF_INIT};
		for (int k = 0; k < 3; k++)
			buf_printf(&event[k], EVENT("%s", "", NOTIFICATION(TOPIC, "%s")),
			    k == 0   ? ""
			    : k == 1 ? "e"
				     : "f",
			    timeless[i]);
		assert_refused(event[0].data, "id", "is missing", true);
		ck_assert(!same(event[1].data, event[2].data));
		for (int k = 0; k < 3; k++)
			buf_free(&event[k]);
	}
	/* Not where others tell the events apart. */
	ck_assert(same(EVENT("", "", ACD_START), EVENT("e", "", ACD_START)));
	static const char topicless[] =
	    EVENT("e", "", NOTIFICATION("", "{\"eventTime\":1,\"conversationId\":\"c-1\"}"));
	assert_refused(topicless, "detail/topicName", "is missing", true);
	keyer_with("identity: correlation\n");
	assert_refused(topicless, "detail/topicName", "is missing", true);
	keyer_with("encoding: unambiguous\n");
	assert_refused(EVENT("", "", TUTORIAL("")), "id", "is missing", true);
	ck_assert_int_eq(
	    key_of(EVENT("", "", TUTORIAL(",\"conversationId\":\"c-1\"")))->rc, OW_OK);
}
END_TEST

START_TEST(underscores_can_be_told_apart)
{
#define TYPED(type, conversation)                                                              \
	EVENT("e", "",                                                                         \
	    "{\"id\":\"x\",\"eventType\":\"" type "\",\"timestamp\":\"x\","                    \
	    "\"conversationId\":\"" conversation "\"}")
	ck_assert(same(TYPED("a_b", "c"), TYPED("a", "b_c")));
	keyer_with("encoding: unambiguous\n");
	ck_assert(!same(TYPED("a_b", "c"), TYPED("a", "b_c")));
	/* The conversation of one is the event id of the other. */
	ck_assert(!same(TYPED("a", "e"), TYPED("a", "")));
}
END_TEST

START_TEST(faults)
{
	static const struct {
		const char *body, *field, *problem;
		bool missing;
	} cases[] = {
	    {"[]", "body", "must be a JSON object", false},
	    {"{}", "version", "is missing", true},
	    {EVENT("e", ",\"id\":5", TUTORIAL("")), "id", "must be a string", false},
	    {EVENT("e", ",\"time\":null", TUTORIAL("")), "time", "must be a time", false},
	    {EVENT("e", ",\"resources\":{}", TUTORIAL("")), "resources", "must be an array",
		false},
	    {EVENT("e", ",\"detail-type\":[]", TUTORIAL("")), "detail-type", "must be a string",
		false},
	    {EVENT("e", "", "\"text\""), "detail", "must be an object", false},
	    {EVENT("e", "", "{}"), "detail/topicName", "is missing", true},
	    {EVENT("e", "", "{\"topicName\":null}"), "detail/topicName", "must be a string",
		false},
	    {EVENT("e", "", "{\"eventType\":null,\"id\":\"x\"}"), "detail/eventType",
		"must be a string", false},
	    {EVENT("e", "", "{\"eventType\":\"t\"}"), "detail/id", "is missing", true},
	    {EVENT("e", "", "{\"eventType\":\"t\",\"id\":\"x\"}"), "detail/timestamp",
		"is missing", true},
	    {EVENT("e", "", TUTORIAL(",\"conversationId\":5")), "detail/conversationId",
		"must be a string", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_refused(
		    cases[i].body, cases[i].field, cases[i].problem, cases[i].missing);
}
END_TEST

START_TEST(explains)
{
	static const char *const taken[][2] = {
	    {"conversationId", "\"c-1\" from /detail/eventBody/conversationId"},
	    {"topicName", "\"t\" from /detail/topicName"},
	    {"utteranceId", "\"u\" from /detail/eventBody/transcripts/1/utteranceId"},
	    {"replay-name (not in the key)", "\"r\" from /replay-name"},
	};
	assert_explained(
	    EVENT("e", ",\"replay-name\":\"r\"",
		NOTIFICATION("t", "{\"conversationId\":\"c-1\",\"transcripts\":[{},"
				  "{\"utteranceId\":\"u\"}]}")),
	    taken, sizeof(taken) / sizeof(*taken),
	    "{\"conversationId\":\"c-1\",\"topicName\":\"t\",\"utteranceIds\":[\"u\"]}");
	static const char *const tutorial[][2] = {
	    {"action", "true from /detail/action"},
	    {"eventType", "\"created\" from /detail/eventType"},
	    {"id", "\"e\" from /id"},
	};
	keyer_with("action: true\n");
	assert_explained(EVENT("e", "", TUTORIAL(",\"action\":true")), tutorial,
	    sizeof(tutorial) / sizeof(*tutorial), "created_True_e");
}
END_TEST

/* ---- replies ---- */

START_TEST(replies_of_accepted_events)
{
	struct ow_reply_request request = {
	    .outcome = OW_DELIVERED, .status = 200, .why = "delivered"};
	assert_reply(EVENT("e", "", TUTORIAL(",\"conversationId\":\"c\\\"\"")), &request,
	    "{\"status\":\"success\",\"processed_event_id\":\"evt-1\","
	    "\"conversation_id\":\"c\\\"\"}");
	assert_reply(EVENT("e", "", TUTORIAL(",\"conversationId\":null")), &request,
	    "{\"status\":\"success\",\"processed_event_id\":\"evt-1\","
	    "\"conversation_id\":null}");
	assert_reply(EVENT("e", "", ACD_START), &request,
	    "{\"status\":\"success\",\"processed_event_id\":\"e\","
	    "\"conversation_id\":\"c-1\"}");
	request.outcome = OW_DUPLICATE;
	assert_reply(EVENT("e", "", TUTORIAL("")), &request,
	    "{\"status\":\"duplicate\",\"key\":\"created_e\"}");
}
END_TEST

START_TEST(replies_of_others)
{
	struct ow_reply_request request = {
	    .outcome = OW_INVALID, .status = 400, .why = "x is wrong"};
	assert_reply("{", &request, "{\"error\":\"Invalid event structure\"}");
	assert_reply("[]", &request, "{\"error\":\"Invalid event structure\"}");
	assert_reply("{}", &request, "{\"error\":\"Invalid event structure\"}");
	request.status = 202;
	ck_assert(!reply_for("{}", &request)->begun);
	request.outcome = OW_FAILED;
	request.status = 502;
	request.why = "the sink answered \"500\"";
	assert_reply(EVENT("e", "", ACD_START), &request,
	    "{\"error\":\"Processing failed\",\"details\":\"the sink answered \\\"500\\\"\"}");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("keyer_genesys");
	TCase *t = tcase_create("keys");
	tcase_add_checked_fixture(t, setup, keyer_end);
	tcase_add_test(t, vectors);
	tcase_add_test(t, describes_itself);
	tcase_add_test(t, redelivered_and_published_again);
	tcase_add_test(t, distinct_events_do_not_collide);
	tcase_add_test(t, labels_are_few);
	tcase_add_test(t, replays_are_an_option);
	tcase_add_test(t, identities);
	tcase_add_test(t, empty_ids_are_missing);
	tcase_add_test(t, underscores_can_be_told_apart);
	tcase_add_test(t, faults);
	tcase_add_test(t, explains);
	suite_add_tcase(s, t);
	t = tcase_create("replies");
	tcase_add_checked_fixture(t, setup, keyer_end);
	tcase_add_test(t, replies_of_accepted_events);
	tcase_add_test(t, replies_of_others);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
