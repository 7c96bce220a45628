#include "lib/sqs/batch_answer.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/main.h"

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

START_TEST(batches_are_read_entry_by_entry)
{
	struct sqs_entry_result r[5];
	ck_assert(sqs_batch_read(
	    text("{\"Successful\": [{\"Id\": \"0\"}, {\"Id\": \"7\"}, {\"Id\": \"x\"}], "
		 "\"Failed\": [{\"Id\": \"1\", \"SenderFault\": true, \"Code\": "
		 "\"ReceiptHandleIsInvalid\", \"Message\": \"The input receipt handle "
		 "\\\"garbage\\\" is not a valid receipt handle.\"}, {\"Id\": \"2\", "
		 "\"SenderFault\": false, \"Code\": \"InternalError\"}, {\"Id\": \"4\", "
		 "\"SenderFault\": true, \"Code\": \"AWS.SimpleQueueService.Nonsense\"}]}"),
	    r, 5));
	ck_assert_int_eq(r[0].end, SQS_ENTRY_OK);
	ck_assert_int_eq(r[1].end, SQS_ENTRY_GONE);
	ck_assert_str_eq(r[1].code, "ReceiptHandleIsInvalid");
	ck_assert_str_eq(
	    r[1].why, "The input receipt handle \"garbage\" is not a valid receipt handle.");
	ck_assert_int_eq(r[2].end, SQS_ENTRY_RETRY);
	ck_assert_str_eq(r[2].code, "InternalError");
	ck_assert_int_eq(r[3].end, SQS_ENTRY_RETRY); /* not mentioned */
	ck_assert_str_eq(r[3].code, "");
	ck_assert(r[0].mentioned && r[1].mentioned && r[2].mentioned && r[4].mentioned);
	ck_assert(!r[3].mentioned);
	ck_assert_int_eq(r[4].end, SQS_ENTRY_REFUSED);
}
END_TEST

START_TEST(failures_of_an_entry)
{
	static const struct {
		const char *entry;
		enum sqs_entry_end end;
	} cases[] = {
	    {"\"SenderFault\":true,\"Code\":\"AWS.SimpleQueueService.MessageNotInflight\"",
		SQS_ENTRY_GONE},
	    {"\"SenderFault\":true,\"Code\":\"InvalidParameterValue\",\"Message\":\"Value x "
	     "for "
	     "parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.\"",
		SQS_ENTRY_GONE},
	    {"\"SenderFault\":true,\"Code\":\"InvalidParameterValue\",\"Message\":\"Must be "
	     "between 0 and 43200.\"",
		SQS_ENTRY_REFUSED},
	    {"\"SenderFault\":true,\"Code\":\"RequestThrottled\"", SQS_ENTRY_RETRY},
	    {"\"SenderFault\":true", SQS_ENTRY_REFUSED},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sqs_entry_result r;
		char body[300];
		snprintf(
		    body, sizeof(body), "{\"Failed\":[{\"Id\":\"0\",%s}]}", cases[i].entry);
		ck_assert(sqs_batch_read(text(body), &r, 1));
		ck_assert_msg(r.end == cases[i].end, "%s: %d", cases[i].entry, (int)r.end);
	}
}
END_TEST

/* What is said of no entry of ours is said of none: nothing is taken for done by it. */
START_TEST(ids_that_nobody_gave)
{
	static const char *const ids[] = {
	    "", "x", "0x", " 0", "+0", "-0", "2", "99999999999999999999"};
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct sqs_entry_result r[2];
		char body[100];
		snprintf(body, sizeof(body), "{\"Successful\":[{\"Id\":\"%s\"},{\"Id\":0}]}",
		    ids[i]);
		ck_assert(sqs_batch_read(text(body), r, 2));
		ck_assert_msg(!r[0].mentioned && !r[1].mentioned, "%s", ids[i]);
	}
}
END_TEST

START_TEST(batches_that_are_none)
{
	struct sqs_entry_result r[2];
	ck_assert(!sqs_batch_read(text("{}"), r, 2));
	ck_assert_int_eq(r[1].end, SQS_ENTRY_RETRY);
	ck_assert(!sqs_batch_read(text("no JSON"), r, 2));
	ck_assert_int_eq(r[0].end, SQS_ENTRY_RETRY);
}
END_TEST

START_TEST(messages_that_were_sent)
{
	struct sqs_entry_result r[2];
	ck_assert(sqs_batch_read(
	    text("{\"Successful\":[{\"Id\":\"0\",\"MessageId\":\"f2f7-1\",\"MD5OfMessageBody\":"
		 "\"d41d8cd98f00b204e9800998ecf8427e\",\"SequenceNumber\":\"1\"},{\"Id\":\"1\","
		 "\"MessageId\":\"a b\\u0007\u00e9\"}]}"),
	    r, 2));
	ck_assert_str_eq(r[0].id, "f2f7-1");
	ck_assert_str_eq(r[0].md5, "d41d8cd98f00b204e9800998ecf8427e");
	/* What is no word is not passed on as one. */
	ck_assert_str_eq(r[1].id, "a?b???");
	ck_assert_str_eq(r[1].md5, "");
}
END_TEST

START_TEST(long_texts_are_cut)
{
	struct sqs_entry_result r;
	char body[2000], word[601];
	memset(word, 'x', 600);
	word[600] = '\0';
	snprintf(body, sizeof(body),
	    "{\"Failed\":[{\"Id\":\"0\",\"Code\":\"%s\",\"Message\":\"%s\"}]}", word, word);
	ck_assert(sqs_batch_read(text(body), &r, 1));
	ck_assert_uint_eq(strlen(r.code), SQS_CODE_SIZE - 1);
	ck_assert_uint_eq(strlen(r.why), SQS_WHY_SIZE - 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("batch_answer");
	TCase *t = tcase_create("batch_answer");
	tcase_add_test(t, batches_are_read_entry_by_entry);
	tcase_add_test(t, failures_of_an_entry);
	tcase_add_test(t, ids_that_nobody_gave);
	tcase_add_test(t, batches_that_are_none);
	tcase_add_test(t, messages_that_were_sent);
	tcase_add_test(t, long_texts_are_cut);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
