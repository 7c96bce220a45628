#include <stdio.h>
#include <string.h>

#include "source_sqs/test_rig.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Whether deletions were asked for, ever. */
static bool anything_deleted(void)
{
	for (size_t i = 0; i < rig_calls(); i++)
		if (strcmp(rig_call(i)->target, SQS_DELETE) == 0)
			return true;
	return false;
}

static const struct mock_emission *emission(size_t index)
{
	return mock_emission(rig_mock, index);
}

static void expect_header(size_t index, const char *name, const char *value)
{
	struct ow_text header = mock_host()->event_header(emission(index)->event, name);
	if (!value)
		ck_assert_ptr_null(header.data);
	else
		ck_assert_str_eq(header.data, value);
}

/* ---- options ---- */

START_TEST(asks_as_configured)
{
	rig_start(STANDARD_URL, "");
	ck_assert_uint_eq(rig_calls(), 1);
	ck_assert_str_eq(rig_call(0)->target, SQS_RECEIVE);
	ck_assert_int_eq(rig_number(0, "MaxNumberOfMessages"), 10);
	ck_assert_int_eq(rig_number(0, "WaitTimeSeconds"), 20);
	ck_assert_int_eq(rig_number(0, "VisibilityTimeout"), 30);
	ck_assert_int_gt(rig_call(0)->timeout_ms, 20000);
	ck_assert_ptr_null(json_object_get(rig_call(0)->request, "ReceiveRequestAttemptId"));
	ck_assert_str_eq(rig_config()->place->region, "eu-central-1");
	ck_assert_ptr_null(rig_config()->place->endpoint);
	rig_end();
	rig_start("http://localhost:4566/000000000000/q",
	    "region: us-east-1\nwait_time: 5s\nbatch_size: 3\nvisibility_timeout: 1m\n"
	    "receivers: 4\n");
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 4);
	ck_assert_int_eq(rig_number(3, "MaxNumberOfMessages"), 3);
	ck_assert_int_eq(rig_number(3, "WaitTimeSeconds"), 5);
	ck_assert_int_eq(rig_number(3, "VisibilityTimeout"), 60);
	ck_assert_str_eq(rig_config()->place->region, "us-east-1");
	ck_assert_str_eq(rig_config()->place->endpoint, "http://localhost:4566");
	ck_assert_int_ge(rig_config()->max_connections, 5);
	rig_end();
}
END_TEST

static const struct {
	const char *options, *complaint;
} wrong[] = {
    {"queue_url: \"https://sqs.eu-west-1.amazonaws.com/q\"", "must end in /ACCOUNT/NAME"},
    {"queue_url: \"https://sqs.eu-west-1.amazonaws.com/1/q\"\nregion: us-east-1",
	"is us-east-1, but the queue is in eu-west-1"},
    {"queue_url: \"" STANDARD_URL "\"\nwait_time: 1500ms", "must be whole seconds"},
    {"queue_url: \"" STANDARD_URL "\"\nvisibility_timeout: 30100ms", "must be whole seconds"},
    {"queue_url: \"" STANDARD_URL "\"\nwait_time: 21s", "wait_time"},
    {"queue_url: \"" STANDARD_URL "\"\nbatch_size: 11", "batch_size"},
    {"queue_url: \"" STANDARD_URL "\"\nbatch_size: 0", "batch_size"},
    {"queue_url: \"" STANDARD_URL "\"\nvisibility_timeout: 2s", "visibility_timeout"},
    {"queue_url: \"" STANDARD_URL "\"\nvisibility_timeout: 13h", "visibility_timeout"},
    {"queue_url: \"" STANDARD_URL "\"\nreceivers: 8\nmax_messages: 79", "at least 80"},
    {"queue_url: \"" STANDARD_URL "\"\nbackoff: {base: 2m, max: 1m}",
	"longer than backoff.max"},
    {"queue_url: \"http://localhost:1/0/q\"\ntls: {ca: /x}", "of no use with http://"},
    {"queue_url: \"" STANDARD_URL "\"\nendpoint: \"http://localhost:1\"\ntls: {ca: /x}",
	"of no use with http://"},
    {"wait_time: 1s", "queue_url"},
};

START_TEST(complains)
{
	struct mock *m = mock_new();
	const struct ow_component *sqs = mock_component(OW_MODULE_SYMBOL(), "sqs");
	const char *said = mock_conf_complaints(m, sqs, wrong[_i].options);
	ck_assert_msg(strstr(said, wrong[_i].complaint), "%s: %s", wrong[_i].options, said);
	mock_free(m);
}
END_TEST

/* ---- delivered ---- */

START_TEST(deletes_what_is_finished_and_nothing_before)
{
	rig_start(STANDARD_URL, "");
	rig_receive("abc");
	ck_assert_str_eq(rig_emitted(), "abc");
	ck_assert_str_eq(mock_host()->event_body(emission(1)->event).data, "{\"id\":\"b\"}");
	mock_advance(rig_mock, 1000);
	ck_assert(!anything_deleted());
	rig_settle('b', OW_DELIVERED);
	rig_settle('a', OW_DUPLICATE);
	mock_advance(rig_mock, 1000);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "b1 a1");
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_deleted_total", NULL), 2);
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 1);
	rig_settle('c', OW_PASSED);
	mock_advance(rig_mock, 1000);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "c1");
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_received_total", NULL), 3);
	rig_end();
}
END_TEST

START_TEST(a_full_batch_is_deleted_at_once)
{
	rig_start(STANDARD_URL, "receivers: 2\n");
	rig_receive("abcdefghij");
	rig_receive("k");
	for (const char *letter = "abcdefghijk"; *letter; letter++)
		rig_settle(*letter, OW_DELIVERED);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a1 b1 c1 d1 e1 f1 g1 h1 i1 j1");
	ck_assert_uint_eq(rig_open(SQS_DELETE), 0);
	mock_advance(rig_mock, 1000);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "k1");
	rig_end();
}
END_TEST

START_TEST(failed_entries_are_tried_again)
{
	rig_start(STANDARD_URL, "");
	rig_receive("abc");
	for (const char *letter = "abc"; *letter; letter++)
		rig_settle(*letter, OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer(rig_find(SQS_DELETE),
	    "{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":[{\"Id\":\"1\",\"SenderFault\":false,"
	    "\"Code\":\"InternalError\"},{\"Id\":\"2\",\"SenderFault\":true,\"Code\":"
	    "\"ReceiptHandleIsInvalid\"}]}");
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_deleted_total", NULL), 1);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_delete_failures_total", NULL), 1);
	ck_assert(mock_logged(rig_mock, "ReceiptHandleIsInvalid"));
	mock_advance(rig_mock, 1000);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "b1");
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_deleted_total", NULL), 2);
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	rig_end();
}
END_TEST

START_TEST(throttled_deletions_wait_as_long_as_the_service_asks)
{
	rig_start(STANDARD_URL, "");
	rig_receive("ab");
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_throttle(rig_find(SQS_DELETE), 20000);
	rig_settle('b', OW_DELIVERED);
	mock_advance(rig_mock, 19000);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "b1");
	ck_assert_uint_eq(rig_open(SQS_DELETE), 0);
	mock_advance(rig_mock, 2000);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a1");
	rig_end();
}
END_TEST

START_TEST(deletions_are_given_up_in_the_end)
{
	size_t tries = 0;
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	rig_settle('a', OW_DELIVERED);
	for (int64_t s = 0; s < 120; s++) {
		mock_advance(rig_mock, 1000);
		rig_answer_all(SQS_VISIBILITY);
		if (rig_open(SQS_DELETE)) {
			rig_fail(
			    rig_find(SQS_DELETE), tries % 2 ? AWS_RETRY : AWS_THROTTLED, "X");
			tries++;
		}
	}
	ck_assert_uint_eq(tries, 10);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_delete_failures_total", NULL), 1);
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	rig_end();
}
END_TEST

START_TEST(answers_that_are_none_delete_nothing)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer(rig_find(SQS_DELETE), "<html>");
	mock_advance(rig_mock, 1000);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a1");
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_deleted_total", NULL), 1);
	rig_end();
}
END_TEST

/* At most so many calls, each with as much as there is. */
START_TEST(calls_are_bounded)
{
	rig_start(STANDARD_URL, "");
	for (int round = 0; round < 6; round++) {
		char letters[11] = "";
		for (int i = 0; i < 10; i++)
			letters[i] = (char)(' ' + 2 + round * 10 + i);
		rig_receive(letters);
		for (int i = 0; i < 10; i++)
			rig_settle(letters[i], OW_DELIVERED);
	}
	ck_assert_uint_eq(rig_open(SQS_DELETE), 4);
	mock_advance(rig_mock, 500);
	ck_assert_uint_eq(rig_open(SQS_DELETE), 4);
	rig_answer_all(SQS_DELETE);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_deleted_total", NULL), 60);
	rig_end();
}
END_TEST

/* What waits for a free call does not wait any longer. */
START_TEST(what_is_overdue_goes_with_the_next_free_call)
{
	rig_start(STANDARD_URL, "receivers: 2\n");
	for (const char *letter = "abcd"; *letter; letter++) {
		rig_receive((char[]){*letter, '\0'});
		rig_settle(*letter, OW_DELIVERED);
		mock_advance(rig_mock, 100);
	}
	rig_receive("efg");
	for (const char *letter = "efg"; *letter; letter++)
		rig_settle(*letter, OW_DELIVERED);
	mock_advance(rig_mock, 100);
	ck_assert_uint_eq(rig_open(SQS_DELETE), 4);
	rig_answer_batch(rig_find(SQS_DELETE));
	ck_assert_uint_eq(rig_open(SQS_DELETE), 4);
	rig_answer_all(SQS_DELETE);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_deleted_total", NULL), 7);
	rig_end();
}
END_TEST

/* ---- not delivered ---- */

START_TEST(failures_are_seen_again_later_each_time)
{
	int64_t last = 0;
	rig_start(STANDARD_URL, "backoff: {base: 10s, max: 100s}\n");
	for (int i = 0; i < 8; i++) {
		rig_receive("a");
		rig_settle('a', OW_FAILED);
		mock_advance(rig_mock, 100);
		size_t call = rig_find(SQS_VISIBILITY);
		int64_t full = 10 << i > 100 ? 100 : 10 << i;
		ck_assert_int_ge(rig_visible(call, 0), full / 2);
		ck_assert_int_le(rig_visible(call, 0), full);
		last = rig_visible(call, 0);
		rig_answer_batch(call);
	}
	ck_assert_int_ge(last, 50);
	ck_assert(!anything_deleted());
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_returned_total", NULL), 8);
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	rig_end();
}
END_TEST

START_TEST(the_sink_s_least_wait_is_kept)
{
	rig_start(STANDARD_URL, "backoff: {base: 1s, max: 2s}\n");
	rig_receive("a");
	rig_settle_as('a', &(struct ow_settlement){.size = sizeof(struct ow_settlement),
			       .outcome = OW_FAILED,
			       .status = 502,
			       .retry_after_ms = 61500,
			       .why = "busy"});
	mock_advance(rig_mock, 100);
	ck_assert_int_eq(rig_visible(rig_find(SQS_VISIBILITY), 0), 62);
	rig_answer_all(SQS_VISIBILITY);
	rig_end();
}
END_TEST

static const enum ow_outcome left_alone[] = {
    OW_INVALID, OW_MISSING_KEY, OW_MISMATCH, OW_UNROUTED};

START_TEST(malformed_ones_are_left_to_the_redrive_policy)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	rig_settle('a', left_alone[_i]);
	mock_advance(rig_mock, 60000);
	ck_assert_uint_eq(rig_calls(), 2); /* two receives, and nothing else */
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_malformed_total", NULL), 1);
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	rig_end();
	rig_start(STANDARD_URL, "invalid_delay: 2s\n");
	rig_receive("a");
	rig_settle('a', left_alone[_i]);
	mock_advance(rig_mock, 100);
	ck_assert_int_eq(rig_visible(rig_find(SQS_VISIBILITY), 0), 2);
	rig_answer_all(SQS_VISIBILITY);
	rig_end();
}
END_TEST

START_TEST(bodies_that_are_not_as_expected_are_no_events)
{
	rig_start(STANDARD_URL, "unwrap: eventbridge\n");
	rig_receive("a");
	ck_assert_uint_eq(mock_emitted(rig_mock), 0);
	ck_assert(mock_logged(rig_mock, "not an EventBridge event"));
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_malformed_total", NULL), 1);
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	rig_end();
}
END_TEST

START_TEST(damaged_ones_are_received_anew)
{
	rig_start(STANDARD_URL, "");
	rig_answer(0,
	    "{\"Messages\":[{\"MessageId\":\"a\",\"ReceiptHandle\":\"a1\",\"MD5OfBody\":"
	    "\"a53afb2ff7847c549d0b67bd5c25683b\",\"Body\":\"{}\"},{\"MessageId\":\"b\","
	    "\"ReceiptHandle\":\"b1\",\"MD5OfBody\":"
	    "\"99914B932BD37A50B983C5E7C90AE93B\",\"Body\":\"{}\"}]}");
	ck_assert_str_eq(rig_emitted(), "b");
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_damaged_total", NULL), 1);
	mock_advance(rig_mock, 100);
	ck_assert_str_eq(rig_batch(SQS_VISIBILITY), "a1");
	rig_settle('b', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

/* ---- what events are told ---- */

START_TEST(attributes_are_headers)
{
	rig_start(STANDARD_URL, "");
	rig_answer(0,
	    "{\"Messages\":[{\"MessageId\":\"id-1\",\"ReceiptHandle\":\"r\",\"Body\":\"{"
	    "\\\"Type\\\":"
	    "\\\"Notification\\\",\\\"TopicArn\\\":\\\"arn:t\\\",\\\"MessageId\\\":\\\"sns-"
	    "1\\\","
	    "\\\"Message\\\":\\\"{}\\\"}\",\"Attributes\":{\"ApproximateReceiveCount\":\"4\","
	    "\"SentTimestamp\":\"1795222018183\",\"MessageGroupId\":\"g\","
	    "\"MessageDeduplicationId\":\"d\",\"SequenceNumber\":\"7\"},"
	    "\"MessageAttributes\":{\"order\":{\"DataType\":\"String\",\"StringValue\":\"o-1\"}"
	    ","
	    "\"traceparent\":{\"DataType\":\"String\",\"StringValue\":\"00-x\"},\"lines\":"
	    "{\"DataType\":\"String\",\"StringValue\":\"a\\r\\nX: y\"},"
	    "\"Content-Type\":{\"DataType\":\"String\",\"StringValue\":\"text/plain\"},"
	    "\"a.b_c-9\":{\"DataType\":\"String\",\"StringValue\":\"good\"},"
	    "\"a b\":{\"DataType\":\"String\",\"StringValue\":\"bad\"},"
	    "\"a\\r\\nInjected: 1\\r\\n\":{\"DataType\":\"String\",\"StringValue\":\"bad\"},"
	    "\"\":{\"DataType\":\"String\",\"StringValue\":\"bad\"}}}]}");
	ck_assert_str_eq(mock_host()->event_body(emission(0)->event).data, "{}");
	expect_header(0, "X-Sqs-Message-Id", "id-1");
	expect_header(0, "X-Sqs-Receive-Count", "4");
	expect_header(0, "X-Sqs-Sent-Timestamp", "1795222018183");
	expect_header(0, "X-Sqs-Message-Group-Id", "g");
	expect_header(0, "X-Sqs-Message-Deduplication-Id", "d");
	expect_header(0, "X-Sqs-Sequence-Number", "7");
	expect_header(0, "X-Sqs-Attribute-order", "o-1");
	expect_header(0, "X-Sns-Topic-Arn", "arn:t");
	expect_header(0, "X-Sns-Message-Id", "sns-1");
	expect_header(0, "traceparent", "00-x");
	expect_header(0, "X-Sqs-Attribute-lines", NULL);
	expect_header(0, "Content-Type", "text/plain");
	expect_header(0, "X-Sqs-Attribute-a.b_c-9", "good");
	expect_header(0, "X-Sqs-Attribute-a b", NULL);
	expect_header(0, "X-Sqs-Attribute-", NULL);
	expect_header(0, "X-Sqs-Attribute-a\r\nInjected: 1\r\n", NULL);
	mock_settle(rig_mock, 0,
	    &(struct ow_settlement){.size = sizeof(struct ow_settlement),
		.outcome = OW_DELIVERED,
		.acknowledge = true,
		.status = 200,
		.why = ""});
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

/* ---- the end ---- */

START_TEST(drains)
{
	rig_start(STANDARD_URL, "");
	rig_receive("ab");
	struct ow_op *drain = mock_drain(rig_source);
	mock_run(rig_mock);
	ck_assert(!mock_finished(drain));
	/* What a poll that was under way brings is given back at once. */
	rig_receive("cd");
	ck_assert_str_eq(rig_emitted(), "ab");
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	for (size_t given = 0; given < 2;) {
		size_t call = rig_find(SQS_VISIBILITY);
		for (size_t i = 0; i < rig_entries(call); i++, given++) {
			ck_assert_int_eq(rig_visible(call, i), 0);
			ck_assert(strchr("cd", rig_receipt(call, i)[0]));
		}
		rig_answer_batch(call);
	}
	rig_settle('a', OW_DELIVERED);
	rig_settle('b', OW_FAILED);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a1");
	ck_assert(!mock_finished(drain));
	ck_assert_int_eq(rig_visible(rig_find(SQS_VISIBILITY), 0), 0);
	rig_answer_all(SQS_VISIBILITY);
	ck_assert_int_eq(mock_rc(drain), OW_OK);
	mock_advance(rig_mock, 100000);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	rig_end();
}
END_TEST

START_TEST(drains_after_the_last_poll)
{
	rig_start(STANDARD_URL, "receivers: 2\n");
	rig_receive("a");
	struct ow_op *drain = mock_drain(rig_source);
	mock_run(rig_mock);
	rig_answer(rig_find(SQS_RECEIVE), "{}");
	rig_settle('a', OW_DELIVERED);
	rig_answer_all(SQS_DELETE);
	ck_assert(!mock_finished(drain));
	rig_answer(rig_find(SQS_RECEIVE), "{}");
	ck_assert_int_eq(mock_rc(drain), OW_OK);
	rig_end();
}
END_TEST

START_TEST(drains_at_once_when_nothing_is_under_way)
{
	rig_start(STANDARD_URL, "");
	rig_fail(0, AWS_RETRY, "X");
	struct ow_op *drain = mock_drain(rig_source);
	mock_run(rig_mock);
	ck_assert_int_eq(mock_rc(drain), OW_OK);
	mock_advance(rig_mock, 100000);
	ck_assert_uint_eq(rig_calls(), 1);
	rig_end();
}
END_TEST

/* As after the drain's time is up: whatever is under way is dropped. */
START_TEST(is_freed_in_any_state)
{
	rig_start(STANDARD_URL, "receivers: 2\n");
	rig_receive("abcd");
	rig_settle('a', OW_DELIVERED);
	rig_settle('b', OW_FAILED);
	mock_advance(rig_mock, 100);
	rig_settle('c', OW_DELIVERED);
	rig_settle('d', OW_FAILED);
	rig_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("source_sqs");
	TCase *t = tcase_create("sqs");
	tcase_add_test(t, asks_as_configured);
	tcase_add_loop_test(t, complains, 0, COUNT(wrong));
	tcase_add_test(t, deletes_what_is_finished_and_nothing_before);
	tcase_add_test(t, a_full_batch_is_deleted_at_once);
	tcase_add_test(t, failed_entries_are_tried_again);
	tcase_add_test(t, throttled_deletions_wait_as_long_as_the_service_asks);
	tcase_add_test(t, deletions_are_given_up_in_the_end);
	tcase_add_test(t, answers_that_are_none_delete_nothing);
	tcase_add_test(t, calls_are_bounded);
	tcase_add_test(t, what_is_overdue_goes_with_the_next_free_call);
	tcase_add_test(t, failures_are_seen_again_later_each_time);
	tcase_add_test(t, the_sink_s_least_wait_is_kept);
	tcase_add_loop_test(
	    t, malformed_ones_are_left_to_the_redrive_policy, 0, COUNT(left_alone));
	tcase_add_test(t, bodies_that_are_not_as_expected_are_no_events);
	tcase_add_test(t, damaged_ones_are_received_anew);
	tcase_add_test(t, attributes_are_headers);
	tcase_add_test(t, drains);
	tcase_add_test(t, drains_after_the_last_poll);
	tcase_add_test(t, drains_at_once_when_nothing_is_under_way);
	tcase_add_test(t, is_freed_in_any_state);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
