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
    {"queue_url: \"" STANDARD_URL "\"\nbackoff: {base: 2m, max: 1m}", "backoff.base"},
    {"queue_url: \"http://localhost:1/0/q\"\ntls: {ca: /x}", "of no use with http://"},
    {"queue_url: \"" STANDARD_URL "\"\nendpoint: \"http://localhost:1\"\ntls: {ca: /x}",
	"of no use with http://"},
    {"wait_time: 1s", "queue_url"},
};

START_TEST(complains)
{
	struct mock *m = mock_new();
	const struct ow_component *sqs = mock_component(ow_module(), "sqs");
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
	    "{\"DataType\":\"String\",\"StringValue\":\"a\\r\\nX: y\"}}}]}");
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

/* ---- visibility ---- */

START_TEST(what_is_in_hand_stays_hidden)
{
	int64_t hidden_until = 30000;
	rig_start(STANDARD_URL, "");
	rig_receive("ab");
	for (int64_t now = 0; now < 200000; now += 1000) {
		ck_assert_int_lt(now, hidden_until);
		if (rig_open(SQS_VISIBILITY)) {
			size_t call = rig_find(SQS_VISIBILITY);
			ck_assert_uint_eq(rig_entries(call), 2);
			ck_assert_int_eq(rig_visible(call, 0), 30);
			rig_answer_batch(call);
			hidden_until = now + 30000;
		}
		mock_advance(rig_mock, 1000);
	}
	ck_assert_uint_ge(mock_counter(rig_mock, "sqs_extended_total", NULL), 14);
	rig_settle('a', OW_DELIVERED);
	rig_settle('b', OW_FAILED);
	mock_advance(rig_mock, 100);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a1");
	while (rig_open(SQS_VISIBILITY))
		rig_answer_batch(rig_find(SQS_VISIBILITY));
	size_t before = rig_calls();
	mock_advance(rig_mock, 60000);
	ck_assert_uint_eq(rig_calls(), before); /* what is gone is not extended */
	rig_end();
}
END_TEST

START_TEST(an_extension_that_fails_is_tried_again_in_time)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	mock_advance(rig_mock, 10100);
	rig_fail(rig_find(SQS_VISIBILITY), AWS_RETRY, "X");
	mock_advance(rig_mock, 1000);
	rig_answer_all(SQS_VISIBILITY);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_extended_total", NULL), 1);
	/* And so is the next one, after one that was given up. */
	for (int i = 0; i < 5; i++) {
		while (!rig_open(SQS_VISIBILITY))
			mock_advance(rig_mock, 100);
		rig_fail(rig_find(SQS_VISIBILITY), AWS_DENIED, "AccessDenied");
	}
	ck_assert(mock_logged(rig_mock, "could not be extended (AccessDenied)"));
	mock_advance(rig_mock, 10100);
	ck_assert_uint_eq(rig_open(SQS_VISIBILITY), 1);
	rig_answer_all(SQS_VISIBILITY);
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

START_TEST(an_expired_receipt_stops_nothing)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	mock_advance(rig_mock, 10100);
	rig_answer(rig_find(SQS_VISIBILITY),
	    "{\"Successful\":[],\"Failed\":[{\"Id\":\"0\",\"SenderFault\":true,\"Code\":"
	    "\"ReceiptHandleIsInvalid\"}]}");
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_expired_total", NULL), 1);
	ck_assert(mock_logged(rig_mock, "info: the receipt of message a has expired"));
	mock_advance(rig_mock, 60000);
	ck_assert_uint_eq(rig_open(SQS_VISIBILITY), 0);
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a1");
	rig_end();
}
END_TEST

START_TEST(twelve_hours_are_the_end)
{
	rig_start(STANDARD_URL, "visibility_timeout: 6h\n");
	rig_receive("a");
	mock_advance(rig_mock, 2 * 3600 * 1000 + 100);
	ck_assert_int_eq(rig_visible(rig_find(SQS_VISIBILITY), 0), 6 * 3600);
	rig_answer_all(SQS_VISIBILITY);
	for (int hour = 3; hour < 12; hour++) {
		mock_advance(rig_mock, 3600 * 1000);
		if (rig_open(SQS_VISIBILITY)) {
			ck_assert_int_le(rig_visible(rig_find(SQS_VISIBILITY), 0),
			    12 * 3600 - (hour - 1) * 3600);
			rig_answer_all(SQS_VISIBILITY);
		}
	}
	mock_advance(rig_mock, 12 * 3600 * 1000LL);
	ck_assert_uint_eq(rig_open(SQS_VISIBILITY), 0);
	ck_assert(mock_logged(rig_mock, "for 12 hours"));
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

/* It would take effect after the return, and hide the message. */
START_TEST(a_return_waits_for_an_extension_under_way)
{
	rig_start(STANDARD_URL, "backoff: {base: 1s, max: 1s}\n");
	rig_receive("a");
	mock_advance(rig_mock, 10100);
	size_t extension = rig_find(SQS_VISIBILITY);
	rig_settle('a', OW_FAILED);
	mock_advance(rig_mock, 500);
	ck_assert_uint_eq(rig_open(SQS_VISIBILITY), 1);
	rig_answer_batch(extension);
	mock_advance(rig_mock, 100);
	ck_assert_int_eq(rig_visible(rig_find(SQS_VISIBILITY), 0), 1);
	rig_answer_all(SQS_VISIBILITY);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_returned_total", NULL), 1);
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	rig_end();
}
END_TEST

START_TEST(a_return_does_not_wait_for_further_tries)
{
	rig_start(STANDARD_URL, "backoff: {base: 2s, max: 2s}\n");
	rig_receive("a");
	mock_advance(rig_mock, 11000);
	size_t extension = rig_find(SQS_VISIBILITY);
	rig_settle('a', OW_FAILED);
	rig_fail(extension, AWS_RETRY, "ServiceUnavailable");
	mock_advance(rig_mock, 5000);
	ck_assert_int_le(rig_visible(rig_find(SQS_VISIBILITY), 0), 2);
	ck_assert_str_eq(rig_batch(SQS_VISIBILITY), "a1");
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	rig_end();
}
END_TEST

START_TEST(what_is_deleted_is_not_extended_again)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	mock_advance(rig_mock, 11000);
	size_t extension = rig_find(SQS_VISIBILITY);
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_fail(extension, AWS_RETRY, "ServiceUnavailable");
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	mock_advance(rig_mock, 5000);
	ck_assert_uint_eq(rig_open(SQS_VISIBILITY), 0);
	rig_end();
}
END_TEST

START_TEST(a_deletion_does_not_end_under_an_extension)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	mock_advance(rig_mock, 10100);
	size_t extension = rig_find(SQS_VISIBILITY);
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 500);
	rig_answer_all(SQS_DELETE);
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 1);
	rig_answer(extension, "{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":true,\"Code\":"
			      "\"ReceiptHandleIsInvalid\"}]}");
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_expired_total", NULL), 0);
	rig_end();
}
END_TEST

#define EXPIRED                                                                                \
	"{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":true,\"Code\":\"ReceiptHandleIsInvalid\"}" \
	"]}"

/* The deletion took effect first: nobody need know. */
START_TEST(an_extension_may_come_after_the_deletion)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	mock_advance(rig_mock, 10100);
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 500);
	rig_answer(rig_find(SQS_VISIBILITY), EXPIRED);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_expired_total", NULL), 0);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

START_TEST(a_newer_receipt_is_extended)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	mock_advance(rig_mock, 10100);
	size_t extension = rig_find(SQS_VISIBILITY);
	rig_receive("a");
	rig_answer(extension, EXPIRED);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_expired_total", NULL), 0);
	mock_advance(rig_mock, 10100);
	ck_assert_str_eq(rig_batch(SQS_VISIBILITY), "a2");
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

/* ---- received twice ---- */

START_TEST(one_in_hand_is_no_second_event)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	rig_receive("ab");
	ck_assert_str_eq(rig_emitted(), "ab");
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_repeated_total", NULL), 1);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_received_total", NULL), 3);
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a2"); /* the newest receipt */
	rig_settle('b', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

START_TEST(one_that_is_being_deleted_is_deleted_again)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_receive("a");
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a1");
	mock_advance(rig_mock, 100);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a2");
	ck_assert_uint_eq(mock_emitted(rig_mock), 1);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_deleted_total", NULL), 1);
	rig_end();
}
END_TEST

START_TEST(one_that_is_given_back_is_a_new_event)
{
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	rig_settle('a', OW_FAILED);
	mock_advance(rig_mock, 100);
	rig_receive("a");
	ck_assert_str_eq(rig_emitted(), "a");
	ck_assert_uint_eq(mock_emitted(rig_mock), 2);
	rig_answer_all(SQS_VISIBILITY);
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a2");
	rig_end();
}
END_TEST

/* ---- receiving ---- */

START_TEST(an_empty_answer_is_asked_again_at_once)
{
	rig_start(STANDARD_URL, "");
	mock_advance(rig_mock, 20000);
	rig_answer(0, "{}");
	ck_assert_uint_eq(rig_calls(), 2);
	/* But not one that did not wait: that would be asked a thousand times a second. */
	rig_answer(1, "{}");
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	mock_advance(rig_mock, 1000);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 1);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_receives_total", "empty"), 2);
	rig_end();
}
END_TEST

/* How long until the next receive. */
static int64_t fails(enum aws_outcome outcome)
{
	int64_t waited = 0;
	rig_fail(rig_find(SQS_RECEIVE), outcome, "SomeCode");
	for (; rig_open(SQS_RECEIVE) == 0; waited += 100) {
		ck_assert_int_lt(waited, 200000);
		mock_advance(rig_mock, 100);
	}
	return waited;
}

START_TEST(errors_back_off)
{
	rig_start(STANDARD_URL, "");
	int64_t full = 1000;
	for (int i = 0; i < 10; i++) {
		int64_t waited = fails(AWS_RETRY);
		ck_assert_int_ge(waited, full / 2);
		ck_assert_int_le(waited, full + 100);
		full = full * 2 > 60000 ? 60000 : full * 2;
	}
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_receivers_failing"), 1);
	size_t lines = 0;
	for (size_t i = 0; i < mock_log_lines(rig_mock); i++)
		lines += strstr(mock_log_line(rig_mock, i), "SomeCode") != NULL;
	ck_assert_uint_eq(lines, 1);
	rig_receive("a");
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_receivers_failing"), 0);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_receives_total", "error"), 10);
	ck_assert_int_ge(fails(AWS_THROTTLED), 2500);
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

START_TEST(the_service_s_least_wait_is_kept)
{
	rig_start(STANDARD_URL, "");
	rig_throttle(0, 90000);
	mock_advance(rig_mock, 89000);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	mock_advance(rig_mock, 2000);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 1);
	rig_end();
}
END_TEST

START_TEST(an_answer_that_is_none_backs_off_too)
{
	rig_start(STANDARD_URL, "");
	rig_answer(0, "{\"Messages\":[{}]}");
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	ck_assert(mock_logged(rig_mock, "lacks MessageId"));
	mock_advance(rig_mock, 2000);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 1);
	rig_end();
}
END_TEST

START_TEST(nothing_is_received_beyond_max_messages)
{
	rig_start(STANDARD_URL, "max_messages: 15\n");
	rig_receive("abcdefghij");
	mock_advance(rig_mock, 200);
	ck_assert_int_eq(rig_number(rig_find(SQS_RECEIVE), "MaxNumberOfMessages"), 5);
	rig_receive("klmno");
	mock_advance(rig_mock, 1000);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	/* What is being deleted is still in hand. */
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 1000);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	rig_answer_all(SQS_DELETE);
	mock_advance(rig_mock, 200);
	ck_assert_int_eq(rig_number(rig_find(SQS_RECEIVE), "MaxNumberOfMessages"), 1);
	for (const char *letter = "bcdefghijklmno"; *letter; letter++)
		rig_settle(*letter, OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

START_TEST(what_is_turned_away_holds_receiving_back)
{
	rig_start(STANDARD_URL, "receivers: 2\n");
	rig_receive("ab");
	rig_receive("c");
	rig_settle('a', OW_REJECTED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_VISIBILITY);
	ck_assert(mock_logged(rig_mock, "held back"));
	/* The polls under way were begun before. */
	rig_answer(rig_find(SQS_RECEIVE), "{}");
	rig_answer(rig_find(SQS_RECEIVE), "{}");
	rig_settle('b', OW_REJECTED);
	rig_settle('c', OW_REJECTED);
	mock_advance(rig_mock, 400);
	rig_answer_all(SQS_VISIBILITY);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	mock_advance(rig_mock, 2000);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 1);
	ck_assert_int_eq(rig_number(rig_find(SQS_RECEIVE), "MaxNumberOfMessages"), 1);
	rig_receive("d");
	mock_advance(rig_mock, 2000);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	rig_settle('d', OW_DELIVERED);
	mock_advance(rig_mock, 2000);
	ck_assert(mock_logged(rig_mock, "no longer held back"));
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 2);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

/* All that were received together are one reason to wait, not ten. */
START_TEST(malformed_ones_say_nothing_of_the_store)
{
	const struct ow_settlement down = {
	    .size = sizeof(down), .outcome = OW_REJECTED, .status = 503};
	rig_start(STANDARD_URL, "");
	rig_receive("a");
	rig_settle_as('a', &down);
	rig_receive(""); /* the poll that was under way */
	mock_advance(rig_mock, 1100);
	rig_answer_all(SQS_VISIBILITY);
	ck_assert_int_eq(rig_number(rig_find(SQS_RECEIVE), "MaxNumberOfMessages"), 1);
	rig_receive("b");
	rig_settle('b', OW_INVALID);
	ck_assert_int_eq(rig_number(rig_find(SQS_RECEIVE), "MaxNumberOfMessages"), 1);
	rig_receive("c");
	rig_settle('c', OW_DELIVERED);
	ck_assert_int_eq(rig_number(rig_find(SQS_RECEIVE), "MaxNumberOfMessages"), 10);
	rig_end();
}
END_TEST

START_TEST(it_is_held_back_once_for_all)
{
	rig_start(STANDARD_URL, "");
	rig_receive("abcdefghij");
	rig_answer(rig_find(SQS_RECEIVE), "{}");
	for (const char *letter = "abcdefghij"; *letter; letter++)
		rig_settle(*letter, OW_REJECTED);
	rig_answer_all(SQS_VISIBILITY);
	mock_advance(rig_mock, 1100);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 1);
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
	tcase_add_test(t, what_is_in_hand_stays_hidden);
	tcase_add_test(t, an_extension_that_fails_is_tried_again_in_time);
	tcase_add_test(t, an_expired_receipt_stops_nothing);
	tcase_add_test(t, twelve_hours_are_the_end);
	tcase_add_test(t, a_return_waits_for_an_extension_under_way);
	tcase_add_test(t, a_return_does_not_wait_for_further_tries);
	tcase_add_test(t, what_is_deleted_is_not_extended_again);
	tcase_add_test(t, a_deletion_does_not_end_under_an_extension);
	tcase_add_test(t, an_extension_may_come_after_the_deletion);
	tcase_add_test(t, a_newer_receipt_is_extended);
	tcase_add_test(t, one_in_hand_is_no_second_event);
	tcase_add_test(t, one_that_is_being_deleted_is_deleted_again);
	tcase_add_test(t, one_that_is_given_back_is_a_new_event);
	tcase_add_test(t, an_empty_answer_is_asked_again_at_once);
	tcase_add_test(t, errors_back_off);
	tcase_add_test(t, the_service_s_least_wait_is_kept);
	tcase_add_test(t, an_answer_that_is_none_backs_off_too);
	tcase_add_test(t, nothing_is_received_beyond_max_messages);
	tcase_add_test(t, what_is_turned_away_holds_receiving_back);
	tcase_add_test(t, malformed_ones_say_nothing_of_the_store);
	tcase_add_test(t, it_is_held_back_once_for_all);
	tcase_add_test(t, drains);
	tcase_add_test(t, drains_after_the_last_poll);
	tcase_add_test(t, drains_at_once_when_nothing_is_under_way);
	tcase_add_test(t, is_freed_in_any_state);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
