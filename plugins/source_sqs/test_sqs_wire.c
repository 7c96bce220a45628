#include "source_sqs/sqs_wire.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/main.h"

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static void expect_request(char *request, const char *expected)
{
	ck_assert_str_eq(request, expected);
	free(request);
}

START_TEST(requests)
{
	const struct sqs_entry entries[] = {{"r\"0", 30}, {"r1", 0}};
	expect_request(
	    sqs_receive_request(&(struct sqs_receive){
		.url = "https://q/1/n", .messages = 10, .wait_s = 20, .visible_s = 30}),
	    "{\"QueueUrl\":\"https://q/1/n\",\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":20,"
	    "\"VisibilityTimeout\":30,\"MessageSystemAttributeNames\":["
	    "\"ApproximateReceiveCount\",\"SentTimestamp\",\"MessageGroupId\","
	    "\"MessageDeduplicationId\",\"SequenceNumber\"],\"MessageAttributeNames\":["
	    "\"All\"]}");
	char *request =
	    sqs_receive_request(&(struct sqs_receive){.url = "u", .attempt = "abc"});
	ck_assert_ptr_nonnull(strstr(request, "\"ReceiveRequestAttemptId\":\"abc\""));
	free(request);
	expect_request(sqs_delete_request("u", entries, 2),
	    "{\"QueueUrl\":\"u\",\"Entries\":[{\"Id\":\"0\",\"ReceiptHandle\":\"r\\\"0\"},"
	    "{\"Id\":\"1\",\"ReceiptHandle\":\"r1\"}]}");
	expect_request(sqs_visibility_request("u", entries, 2),
	    "{\"QueueUrl\":\"u\",\"Entries\":[{\"Id\":\"0\",\"ReceiptHandle\":\"r\\\"0\","
	    "\"VisibilityTimeout\":30},{\"Id\":\"1\",\"ReceiptHandle\":\"r1\","
	    "\"VisibilityTimeout\":0}]}");
}
END_TEST

/* As an emulator answered, without what nobody reads. */
#define CAPTURED                                                                               \
	"{\"Messages\":[{\"MessageId\":\"c7b20c9b-3d5d-471c-8218-d8b92232f458\","              \
	"\"ReceiptHandle\":\"9ef418ab-2318-4f43-af4a-289c8e8e6fb7\","                          \
	"\"MD5OfBody\":\"a53afb2ff7847c549d0b67bd5c25683b\","                                  \
	"\"Body\":\"{\\\"version\\\": \\\"0\\\", \\\"detail\\\": {}}\","                       \
	"\"MD5OfMessageAttributes\":\"0a77b0642718c3d9dd47090567d11e0d\","                     \
	"\"MessageAttributes\":{\"k\":{\"DataType\":\"String\",\"StringValue\":\"v\"},"        \
	"\"b\":{\"DataType\":\"Binary\",\"BinaryValue\":\"AA==\"}},"                           \
	"\"Attributes\":{\"SenderId\":\"000000000000\",\"SentTimestamp\":\"1795222018183\","   \
	"\"ApproximateReceiveCount\":\"3\","                                                   \
	"\"ApproximateFirstReceiveTimestamp\":\"1795222018190\"}}]}"

START_TEST(received_messages)
{
	const char *why;
	struct sqs_received *r = sqs_received_read(text(CAPTURED), false, &why);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(sqs_received_count(r), 1);
	const struct sqs_message *m = sqs_received_message(r, 0);
	ck_assert_str_eq(m->id, "c7b20c9b-3d5d-471c-8218-d8b92232f458");
	ck_assert_str_eq(m->receipt, "9ef418ab-2318-4f43-af4a-289c8e8e6fb7");
	ck_assert_str_eq(m->md5, "a53afb2ff7847c549d0b67bd5c25683b");
	ck_assert_uint_eq(m->body.len, strlen("{\"version\": \"0\", \"detail\": {}}"));
	ck_assert_str_eq(m->body.data, "{\"version\": \"0\", \"detail\": {}}");
	ck_assert_uint_eq(m->receives, 3);
	ck_assert_str_eq(m->sent, "1795222018183");
	ck_assert_ptr_null(m->group);
	ck_assert_uint_eq(m->attribute_count, 1);
	ck_assert_str_eq(m->attributes[0].name, "k");
	ck_assert_str_eq(m->attributes[0].value, "v");
	sqs_received_free(r);
}
END_TEST

START_TEST(fifo_attributes)
{
	const char *why;
	struct sqs_received *r = sqs_received_read(
	    text("{\"Messages\":[{\"MessageId\":\"i\",\"ReceiptHandle\":\"r\",\"Body\":\"\","
		 "\"Attributes\":{\"MessageGroupId\":\"g\",\"MessageDeduplicationId\":\"d\","
		 "\"SequenceNumber\":\"18873177232222703872\"}}]}"),
	    true, &why);
	ck_assert_ptr_nonnull(r);
	const struct sqs_message *m = sqs_received_message(r, 0);
	ck_assert_str_eq(m->group, "g");
	ck_assert_str_eq(m->dedup, "d");
	ck_assert_str_eq(m->number, "18873177232222703872");
	ck_assert_ptr_null(m->md5);
	ck_assert_uint_eq(m->receives, 1);
	ck_assert_uint_eq(m->body.len, 0);
	sqs_received_free(r);
}
END_TEST

START_TEST(empty_receipts)
{
	static const char *const empty[] = {
	    "{}", "{\"Messages\":[]}", "{\"Messages\": null}", " { } "};
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		const char *why;
		struct sqs_received *r = sqs_received_read(text(empty[i]), true, &why);
		ck_assert_ptr_nonnull(r);
		ck_assert_uint_eq(sqs_received_count(r), 0);
		sqs_received_free(r);
	}
}
END_TEST

START_TEST(one_that_cannot_be_read_is_left_out)
{
#define GOOD(id) "{\"MessageId\":\"" id "\",\"ReceiptHandle\":\"r\",\"Body\":\"b\"}"
	static const char *const unreadable[] = {"1", "{\"MessageId\":\"i\",\"Body\":\"b\"}",
	    "{\"MessageId\":\"i\",\"ReceiptHandle\":\"r\"}",
	    "{\"ReceiptHandle\":\"r\",\"Body\":\"b\"}",
	    "{\"MessageId\":\"i\",\"ReceiptHandle\":\"r\",\"Body\":7}"};
	for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++) {
		const char *why;
		char body[300];
		snprintf(body, sizeof(body), "{\"Messages\":[" GOOD("a") ",%s," GOOD("b") "]}",
		    unreadable[i]);
		struct sqs_received *r = sqs_received_read(text(body), false, &why);
		ck_assert_uint_eq(sqs_received_count(r), 2);
		ck_assert_str_eq(sqs_received_message(r, 1)->id, "b");
		ck_assert_uint_eq(sqs_received_left_out(r), 1);
		sqs_received_free(r);
		/* What stands behind it would overtake it. */
		r = sqs_received_read(text(body), true, &why);
		ck_assert_uint_eq(sqs_received_count(r), 1);
		ck_assert_str_eq(sqs_received_message(r, 0)->id, "a");
		ck_assert_uint_eq(sqs_received_left_out(r), 2);
		sqs_received_free(r);
	}
}
END_TEST

START_TEST(answers_that_are_none)
{
#define M "{\"MessageId\":\"i\",\"ReceiptHandle\":\"r\",\"Body\":\"b\"}"
	static const char *const bad[] = {"", "<html>", "[]", "{\"Messages\":{}}",
	    "{\"Messages\":[" M "," M "," M "," M "," M "," M "," M "," M "," M "," M "," M
	    "]}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = NULL;
		ck_assert_ptr_null(sqs_received_read(text(bad[i]), false, &why));
		ck_assert_ptr_nonnull(why);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sqs_wire");
	TCase *t = tcase_create("sqs_wire");
	tcase_add_test(t, requests);
	tcase_add_test(t, received_messages);
	tcase_add_test(t, fifo_attributes);
	tcase_add_test(t, empty_receipts);
	tcase_add_test(t, one_that_cannot_be_read_is_left_out);
	tcase_add_test(t, answers_that_are_none);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
