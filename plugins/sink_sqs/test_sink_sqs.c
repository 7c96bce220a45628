#include <stdio.h>
#include <string.h>

#include "sink_sqs/test_rig.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define TRACE	     "00-" MOCK_TRACE "-00f067aa0ba902b7-01"

static struct ow_attempt under_key(const char *key)
{
	return (struct ow_attempt){.size = sizeof(struct ow_attempt),
	    .number = 1,
	    .key = {key, strlen(key)},
	    .limit_ms = 15000};
}

/* Until the request is there, which holds that one message. */
static void until_sent(void)
{
	mock_advance(rig_mock, 5);
}

/* ---- options ---- */

START_TEST(asks_as_configured)
{
	rig_start(STANDARD_URL, "");
	ck_assert_str_eq(rig_config()->service, "sqs");
	ck_assert_str_eq(rig_config()->place->region, "eu-central-1");
	ck_assert_ptr_null(rig_config()->place->endpoint);
	ck_assert_int_eq(rig_config()->max_connections, 8);
	ck_assert_int_eq(rig_config()->connect_ms, 3000);
	rig_end();
	rig_start("http://localhost:4566/000000000000/q",
	    "region: us-east-1\ntimeout: {total: 2s}\n"
	    "pool: {max_connections: 3}\n");
	ck_assert_str_eq(rig_config()->place->endpoint, "http://localhost:4566");
	ck_assert_int_eq(rig_config()->max_connections, 3);
	ck_assert_int_eq(rig_config()->connect_ms, 2000);
	rig_end();
}
END_TEST

static const struct {
	const char *options, *complaint;
} wrong[] = {
    {"batch_wait: 1s", "queue_url"},
    {"queue_url: \"https://sqs.eu-west-1.amazonaws.com/q\"", "must end in /ACCOUNT/NAME"},
    {"queue_url: \"https://sqs.eu-west-1.amazonaws.com/1/q\"\nregion: us-east-1",
	"is us-east-1, but the queue is in eu-west-1"},
    {"queue_url: \"" FIFO_URL "\"", "add group, such as"},
    {"queue_url: \"" STANDARD_URL "\"\ngroup: id", "JSON pointer"},
    {"queue_url: \"" FIFO_URL "\"\ngroup_default: a b", "without spaces"},
    {"queue_url: \"" FIFO_URL "\"\ngroup_default: \"\"", "of 1 to 128"},
    {"queue_url: \"" STANDARD_URL "\"\nkey_attribute: a b", "not a name of a message attr"},
    {"queue_url: \"" STANDARD_URL "\"\nkey_attribute: aws.key", "not a name of a message attr"},
    {"queue_url: \"" STANDARD_URL "\"\nkey_attribute: Amazon.key", "not a name of"},
    {"queue_url: \"" STANDARD_URL "\"\nkey_attribute: a..b", "not a name of a message attr"},
    {"queue_url: \"" STANDARD_URL "\"\nkey_attribute: .a", "not a name of a message attr"},
    {"queue_url: \"" STANDARD_URL "\"\nkey_attribute: a.", "not a name of a message attr"},
    {"queue_url: \"" STANDARD_URL "\"\nkey_attribute: traceparent", "by onceway itself"},
    {"queue_url: \"" STANDARD_URL "\"\nkey_attribute: Content-Type", "by onceway itself"},
    {"queue_url: \"" STANDARD_URL "\"\nmax_message: 1MiB\nbatch_wait: 11s", "batch_wait"},
    {"queue_url: \"" STANDARD_URL "\"\nmax_message: 1025KiB", "max_message"},
    {"queue_url: \"" STANDARD_URL "\"\nmax_message: 1000", "max_message"},
    {"queue_url: \"" STANDARD_URL "\"\nbatch_wait: 2s\ntimeout: {total: 1s}",
	"is longer than timeout.total"},
    {"queue_url: \"" STANDARD_URL "\"\ntimeout: {total: 1s, connect: 2s}",
	"is longer than timeout.total"},
    {"queue_url: \"" STANDARD_URL "\"\npool: {max_waiting: 9}", "pool.max_waiting"},
    {"queue_url: \"http://localhost:1/0/q\"\ntls: {ca: /x}", "of no use with http://"},
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

START_TEST(policy_is_configured)
{
	struct mock *m = mock_new();
	const struct ow_component *sqs = mock_component(OW_MODULE_SYMBOL(), "sqs");
	const struct ow_sink_ops *ops = sqs->ops;
	struct ow_sink_policy p = {.size = sizeof(p)};
	ops->policy(mock_conf(m, sqs,
			"queue_url: \"" STANDARD_URL
			"\"\ntimeout: {total: 7s}\nretry: {attempts: 3, base: "
			"2s, max: 9s, jitter: none}\n"),
	    &p);
	ck_assert_int_eq(p.attempts, 3);
	ck_assert_int_eq(p.base_ms, 2000);
	ck_assert_int_eq(p.max_ms, 9000);
	ck_assert_int_eq(p.jitter, OW_JITTER_NONE);
	ck_assert_int_eq(p.attempt_ms, 7000);
	mock_free(m);
}
END_TEST

START_TEST(ready_as_its_client)
{
	const char *why = NULL;
	rig_start(STANDARD_URL, "");
	const struct ow_sink_ops *ops = mock_component(OW_MODULE_SYMBOL(), "sqs")->ops;
	ck_assert(ops->ready(mock_state(rig_sink), &why));
	rig_unready = "no credentials";
	ck_assert(!ops->ready(mock_state(rig_sink), &why));
	ck_assert_str_eq(why, "no credentials");
	rig_end();
}
END_TEST

/* ---- what is sent ---- */

START_TEST(a_message_is_the_event)
{
	rig_start(STANDARD_URL, "");
	struct ow_event *event =
	    mock_event(rig_mock, "{ \"text\": \"\\u00e9 \xc3\xa9 \xf0\x9f\x98\x80\t\" }\n");
	mock_event_header(event, "Content-Type", "application/vnd.x+json; charset=utf-8");
	struct ow_op *op = mock_deliver(rig_sink, event, NULL);
	until_sent();
	ck_assert_str_eq(rig_call(0)->target, "AmazonSQS.SendMessageBatch");
	ck_assert_str_eq(
	    json_string_value(json_object_get(rig_call(0)->request, "QueueUrl")), STANDARD_URL);
	ck_assert_str_eq(rig_member(0, 0, "MessageBody"),
	    "{ \"text\": \"\\u00e9 \xc3\xa9 \xf0\x9f\x98\x80\t\" }\n");
	ck_assert_str_eq(rig_member(0, 0, "Id"), "0");
	ck_assert_str_eq(rig_member(0, 0, "MessageGroupId"), "");
	ck_assert_str_eq(rig_member(0, 0, "MessageDeduplicationId"), "");
	ck_assert_str_eq(
	    rig_attribute(0, 0, "Content-Type"), "application/vnd.x+json; charset=utf-8");
	ck_assert_str_eq(rig_attribute(0, 0, "traceparent"), TRACE);
	ck_assert_str_eq(rig_attribute(0, 0, "Idempotency-Key"), "test:key-1");
	rig_answer_batch(0);
	ck_assert_int_eq(mock_rc(op), OW_OK);
	ck_assert_str_eq(mock_delivered(op)->code, "200");
	rig_end();
}
END_TEST

START_TEST(attributes_that_are_none)
{
	rig_start(STANDARD_URL, "key_attribute: \"\"\n");
	struct ow_event *event = mock_event(rig_mock, "{}");
	mock_event_header(event, "Content-Type", "text/\xff");
	struct ow_attempt attempt = under_key("k");
	mock_deliver(rig_sink, event, &attempt);
	until_sent();
	ck_assert_ptr_null(json_object_get(rig_entry(0, 0), "MessageAttributes"));
	rig_answer_batch(0);
	rig_end();
}
END_TEST

START_TEST(a_content_type_is_bounded)
{
	char type[300];
	rig_start(STANDARD_URL, "");
	for (size_t len = 256; len <= 257; len++) {
		struct ow_event *event = mock_event(rig_mock, "{}");
		memset(type, 't', len);
		type[len] = '\0';
		mock_event_header(event, "Content-Type", type);
		mock_deliver(rig_sink, event, NULL);
	}
	until_sent();
	ck_assert_uint_eq(strlen(rig_attribute(0, 0, "Content-Type")), 256);
	ck_assert_uint_eq(strlen(rig_attribute(0, 1, "Content-Type")), 0);
	rig_answer_batch(0);
	rig_end();
}
END_TEST

/* printf ... | sha256sum */
static const struct {
	const char *key, *id;
} keys[] = {
    {"onceway:!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
	"onceway:!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
    {"test:\xc3\xa9", "d02bd9b3e33ee0605b2482086b953c6a76b6bf5ebf17f5c25f4882db1d2c897d"},
    {"a b", "c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65"},
    {"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
     "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
	"9094034fb2d0ce2e407c9b260f2806ab2efb352e200722fd6296d9cf1cf7e6f5"},
};

START_TEST(keys_are_deduplication_ids)
{
	struct ow_attempt attempt = under_key(keys[_i].key);
	rig_start(FIFO_URL, "group_default: all\n");
	rig_deliver_body("{}", &attempt);
	until_sent();
	ck_assert_str_eq(rig_member(0, 0, "MessageDeduplicationId"), keys[_i].id);
	ck_assert_str_eq(rig_attribute(0, 0, "Idempotency-Key"), keys[_i].id);
	rig_answer_batch(0);
	rig_end();
}
END_TEST

/* Passed without dedup: nothing by which SQS or a receiver could take it for a copy. */
START_TEST(without_a_key_nothing_is_said_to_be_the_same)
{
	struct ow_attempt attempt = under_key("");
	rig_start(FIFO_URL, "group_default: all\n");
	struct ow_op *op = rig_deliver_body("{}", &attempt);
	rig_deliver_body("{}", &attempt);
	until_sent();
	ck_assert_uint_eq(strlen(rig_member(0, 0, "MessageDeduplicationId")), 64);
	ck_assert_str_ne(rig_member(0, 0, "MessageDeduplicationId"),
	    rig_member(0, 1, "MessageDeduplicationId"));
	ck_assert_str_eq(rig_attribute(0, 0, "Idempotency-Key"), "");
	ck_assert(!rig_call(0)->repeatable);
	rig_answer_as(0, &(struct aws_result){.outcome = AWS_RETRY,
			     .maybe_done = true,
			     .code = "",
			     .why = "closed the connection"});
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	rig_end();
}
END_TEST

static const struct {
	const char *options, *body, *group, *why;
} groups[] = {
    {"group: /g\n", "{\"g\":\"blue\"}", "blue", NULL},
    {"group: /g/h\n", "{\"g\":{\"h\":17}}", "17", NULL},
    {"group: /g\n", "{\"g\":\"a b\"}",
	"c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65", NULL},
    {"group: /g\n", "{}", NULL, "/g is not a string or an integer"},
    {"group: /g\n", "{\"g\":null}", NULL, "/g is not a string or an integer"},
    {"group: /g\n", "{\"g\":\"\"}", NULL, "/g is not a string or an integer"},
    {"group: /g\n", "{\"g\":1.5}", NULL, "/g is not a string or an integer"},
    {"group: /g\n", "{\"g\":[]}", NULL, "/g is not a string or an integer"},
    {"group: /g\ngroup_default: rest\n", "{}", "rest", NULL},
    {"group: /g\ngroup_default: rest\n", "{\"g\":\"red\"}", "red", NULL},
    {"group_default: rest\n", "{\"g\":\"red\"}", "rest", NULL},
};

START_TEST(groups_of_a_fifo_queue)
{
	rig_start(FIFO_URL, groups[_i].options);
	struct ow_op *op = rig_deliver_body(groups[_i].body, NULL);
	until_sent();
	if (groups[_i].group) {
		ck_assert_str_eq(rig_member(0, 0, "MessageGroupId"), groups[_i].group);
		rig_answer_batch(0);
	} else {
		ck_assert_int_eq(mock_rc(op), OW_REJECT);
		ck_assert_msg(strstr(mock_why(op), groups[_i].why), "%s", mock_why(op));
		ck_assert_uint_eq(rig_calls(), 0);
	}
	rig_end();
}
END_TEST

START_TEST(groups_of_a_standard_queue)
{
	rig_start(STANDARD_URL, "group: /g\n");
	rig_deliver_body("{\"g\":\"blue\"}", NULL);
	rig_deliver_body("{}", NULL);
	until_sent();
	ck_assert_str_eq(rig_member(0, 0, "MessageGroupId"), "blue");
	ck_assert_str_eq(rig_member(0, 1, "MessageGroupId"), "");
	rig_answer_batch(0);
	rig_end();
}
END_TEST

static const struct {
	const char *body;
	size_t len;
	const char *why;
} unfit[] = {
    {"", 0, "the body is empty"},
    {"{\"a\":\"\xff\"}", 9, "the body is not UTF-8"},
    {"a\0b", 3, "the body has a control character"},
    {"\"\xef\xbf\xbf\"", 5, "the body has U+FFFE or U+FFFF"},
};

START_TEST(bodies_that_sqs_does_not_take)
{
	rig_start(STANDARD_URL, "");
	struct ow_op *op = mock_deliver(
	    rig_sink, mock_event_of(rig_mock, unfit[_i].body, unfit[_i].len), NULL);
	ck_assert_int_eq(mock_rc(op), OW_REJECT);
	ck_assert_msg(strstr(mock_why(op), unfit[_i].why), "%s", mock_why(op));
	ck_assert_str_eq(mock_delivered(op)->code, "refused");
	until_sent();
	ck_assert_uint_eq(rig_calls(), 0);
	rig_end();
}
END_TEST

/* ---- what was answered ---- */

/* Of {"id":"a","group":"lower"} */
#define MD5_RIGHT "ce9cfc2169c27798ca31fad2ce9a83d0"

static const struct {
	const char *answer;
	char end;
	const char *code, *why;
} answers[] = {
    {"{\"Successful\":[{\"Id\":\"0\",\"MessageId\":\"m-1\",\"MD5OfMessageBody\":"
     "\"d1ff31742a6e3e3ae6c2ac5ff2b5d1ac\"}]}",
	'U', "damaged", "MD5OfMessageBody"},
    {"{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":true,\"Code\":\"InvalidMessageContents\","
     "\"Message\":\"No.\"}]}",
	'J', "refused", "SQS says InvalidMessageContents: No."},
    {"{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":false,\"Code\":\"InternalError\"}]}", 'r',
	"error", "SQS says InternalError"},
    {"{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":true,\"Code\":\"RequestThrottled\"}]}", 'r',
	"throttled", "RequestThrottled"},
    {"{\"Failed\":[{\"Id\":\"0\"}]}", 'r', "error", "that it failed"},
    {"{\"Successful\":[]}", 'U', "protocol", "does not mention"},
    {"{\"Successful\":[{\"Id\":\"1\"}]}", 'U', "protocol", "does not mention"},
    {"{}", 'U', "protocol", "not that of a batch"},
    {"<html>", 'U', "protocol", "not that of a batch"},
};

START_TEST(answers_to_an_entry)
{
	rig_start(STANDARD_URL, "");
	rig_deliver("a");
	until_sent();
	rig_answer(0, answers[_i].answer);
	ck_assert_msg(rig_ends("a")[0] == answers[_i].end, "%s", rig_ends("a"));
	ck_assert_str_eq(mock_delivered(rig_op('a'))->code, answers[_i].code);
	ck_assert_msg(
	    strstr(mock_why(rig_op('a')), answers[_i].why), "%s", mock_why(rig_op('a')));
	rig_end();
}
END_TEST

START_TEST(each_entry_has_its_own_end)
{
	rig_start(STANDARD_URL, "");
	rig_deliver("abcd");
	until_sent();
	rig_answer(0,
	    "{\"Successful\":[{\"Id\":\"3\"},{\"Id\":\"0\"}],\"Failed\":[{\"Id\":\"1\","
	    "\"SenderFault\":true,\"Code\":\"X\"},{\"Id\":\"2\",\"SenderFault\":false,"
	    "\"Code\":\"Y\"}]}");
	ck_assert_str_eq(rig_ends("abcd"), "OJrO");
	rig_end();
}
END_TEST

START_TEST(the_message_id_is_the_result)
{
	rig_start(STANDARD_URL, "");
	rig_deliver("ab");
	until_sent();
	rig_answer(0,
	    "{\"Successful\":[{\"Id\":\"0\",\"MessageId\":\"f2f7-1\",\"MD5OfMessageBody\":"
	    "\"" MD5_RIGHT "\"},{\"Id\":\"1\",\"MessageId\":\"a\\\"b\"}]}");
	ck_assert_str_eq(rig_ends("ab"), "OO");
	const struct ow_result *result = mock_delivered(rig_op('a'))->result;
	ck_assert_int_eq(result->status, 200);
	ck_assert_str_eq(result->content_type.data, "application/json");
	ck_assert_str_eq(result->body.data, "{\"MessageId\":\"f2f7-1\"}");
	ck_assert_uint_eq(mock_delivered(rig_op('b'))->result->body.len, 0);
	rig_end();
}
END_TEST

static const struct {
	struct aws_result result;
	char end;
	const char *code;
} failures[] = {
    {{.outcome = AWS_THROTTLED, .status = 400, .retry_after_ms = 7000}, 'r', "throttled"},
    {{.outcome = AWS_RETRY, .status = 503, .maybe_done = true, .retry_after_ms = 9000}, 'r',
	"error"},
    {{.outcome = AWS_RETRY, .status = 500, .maybe_done = true}, 'r', "error"},
    {{.outcome = AWS_RETRY}, 'r', "connect"},
    {{.outcome = AWS_RETRY, .maybe_done = true}, 'U', "broken"},
    {{.outcome = AWS_DENIED, .status = 403}, 'r', "denied"},
    {{.outcome = AWS_DENIED}, 'r', "denied"},
    {{.outcome = AWS_FAILED, .status = 400}, 'J', "refused"},
    {{.outcome = AWS_FAILED, .status = 400, .code = "QueueDoesNotExist"}, 'r', "missing"},
    {{.outcome = AWS_FAILED, .status = 400, .code = "AWS.SimpleQueueService.NonExistentQueue"},
	'r', "missing"},
    {{.outcome = AWS_FAILED, .status = 200, .maybe_done = true}, 'U', "protocol"},
};

START_TEST(calls_that_did_not_work)
{
	struct aws_result result = failures[_i].result;
	result.code = result.code ? result.code : "";
	result.query_code = "";
	result.why = "so it was";
	rig_start(STANDARD_URL, "");
	rig_deliver("a");
	until_sent();
	ck_assert(rig_call(0)->repeatable);
	rig_answer_as(0, &result);
	ck_assert_msg(rig_ends("a")[0] == failures[_i].end, "%s", rig_ends("a"));
	const struct ow_delivery *d = mock_delivered(rig_op('a'));
	ck_assert_str_eq(d->code, failures[_i].code);
	ck_assert_int_eq(d->retry_after_ms, result.retry_after_ms);
	ck_assert_str_eq(mock_why(rig_op('a')), "so it was");
	rig_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sink_sqs");
	TCase *t = tcase_create("sqs");
	tcase_add_test(t, asks_as_configured);
	tcase_add_loop_test(t, complains, 0, COUNT(wrong));
	tcase_add_test(t, policy_is_configured);
	tcase_add_test(t, ready_as_its_client);
	tcase_add_test(t, a_message_is_the_event);
	tcase_add_test(t, attributes_that_are_none);
	tcase_add_test(t, a_content_type_is_bounded);
	tcase_add_loop_test(t, keys_are_deduplication_ids, 0, COUNT(keys));
	tcase_add_test(t, without_a_key_nothing_is_said_to_be_the_same);
	tcase_add_loop_test(t, groups_of_a_fifo_queue, 0, COUNT(groups));
	tcase_add_test(t, groups_of_a_standard_queue);
	tcase_add_loop_test(t, bodies_that_sqs_does_not_take, 0, COUNT(unfit));
	tcase_add_loop_test(t, answers_to_an_entry, 0, COUNT(answers));
	tcase_add_test(t, each_entry_has_its_own_end);
	tcase_add_test(t, the_message_id_is_the_result);
	tcase_add_loop_test(t, calls_that_did_not_work, 0, COUNT(failures));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
