#include "source_sqs/unwrap.h"

#include <string.h>

#include "tests/unit/main.h"

#define ENVELOPE(message)                                                                      \
	"{\"Type\" : \"Notification\", \"MessageId\" : \"d88d\", "                             \
	"\"TopicArn\" : \"arn:aws:sns:eu-west-1:1:t\", \"Message\" : " message                 \
	", \"SignatureVersion\" : \"1\"}"
#define EVENT                                                                                  \
	"{\"version\":\"0\",\"id\":\"6\",\"detail-type\":\"v2.x\",\"source\":\"aws.partner\"," \
	"\"detail\":{\"TopicArn\":\"no\"}}"

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* It is an event, taken out of that topic's envelope if topic is not NULL. */
static void expect(
    enum unwrap_mode mode, const char *body, const char *event, const char *topic)
{
	struct unwrapped out;
	ck_assert_ptr_null(unwrap(mode, text(body), &out));
	ck_assert_uint_eq(out.body.len, strlen(event));
	ck_assert_int_eq(memcmp(out.body.data, event, out.body.len), 0);
	if (topic)
		ck_assert_str_eq(out.topic, topic);
	else
		ck_assert_ptr_null(out.topic);
	unwrapped_fini(&out);
}

static void expect_problem(enum unwrap_mode mode, const char *body, const char *problem)
{
	struct unwrapped out;
	const char *said = unwrap(mode, text(body), &out);
	ck_assert_ptr_nonnull(said);
	ck_assert_msg(strstr(said, problem) != NULL, "%s", said);
	unwrapped_fini(&out);
}

START_TEST(takes_events_out_of_envelopes)
{
	const char *envelope = ENVELOPE("\"{\\\"id\\\": \\\"\\u00e9\\\"}\"");
	const char *topic = "arn:aws:sns:eu-west-1:1:t";
	expect(UNWRAP_AUTO, envelope, "{\"id\": \"\xc3\xa9\"}", topic);
	expect(UNWRAP_SNS, envelope, "{\"id\": \"\xc3\xa9\"}", topic);
	expect(UNWRAP_RAW, envelope, envelope, NULL);
	/* What a person wrote into the topic is no event; the engine will say so. */
	expect(UNWRAP_AUTO, ENVELOPE("\"hello\""), "hello", topic);
}
END_TEST

START_TEST(leaves_the_rest_as_it_is)
{
	static const char *const bodies[] = {EVENT, "{\"id\":\"1\"}", "", "no JSON", "[1]",
	    "{\"TopicArn\":\"a\",\"Message\":\"b\"}",
	    "{\"Type\":\"Notification\",\"TopicArn\":\"a\"}", ENVELOPE("{\"id\":1}"),
	    "{\"Type\":\"SubscriptionConfirmation\",\"TopicArn\":\"a\",\"Message\":\"b\"}"};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		expect(UNWRAP_AUTO, bodies[i], bodies[i], NULL);
		expect(UNWRAP_RAW, bodies[i], bodies[i], NULL);
		expect_problem(UNWRAP_SNS, bodies[i], "SNS envelope");
	}
}
END_TEST

START_TEST(demands_eventbridge_events)
{
	expect(UNWRAP_EVENTBRIDGE, EVENT, EVENT, NULL);
	expect_problem(UNWRAP_EVENTBRIDGE, "{\"id\":\"1\"}", "EventBridge");
	expect_problem(UNWRAP_EVENTBRIDGE,
	    "{\"source\":\"a\",\"detail-type\":\"b\",\"detail\":\"{}\"}", "EventBridge");
	expect_problem(UNWRAP_EVENTBRIDGE, "{\"source\":\"a\",\"detail\":{}}", "detail-type");
	expect_problem(UNWRAP_EVENTBRIDGE, "no JSON", "EventBridge");
}
END_TEST

/* What the engine takes for an event must not end in a dead-letter queue here. */
START_TEST(large_numbers_are_no_fault)
{
	const char *event =
	    "{\"source\":\"a\",\"detail-type\":\"b\",\"detail\":"
	    "{\"n\":123456789012345678901234567890,\"m\":[-9223372036854775809]}}";
	expect(UNWRAP_EVENTBRIDGE, event, event, NULL);
	expect(UNWRAP_AUTO, event, event, NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("unwrap");
	TCase *t = tcase_create("unwrap");
	tcase_add_test(t, takes_events_out_of_envelopes);
	tcase_add_test(t, leaves_the_rest_as_it_is);
	tcase_add_test(t, demands_eventbridge_events);
	tcase_add_test(t, large_numbers_are_no_fault);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
