#include <stdio.h>
#include <string.h>

#include "source_sqs/test_rig.h"

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
	rig_answer(0, "{\"Messages\":{}}");
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	ck_assert(mock_logged(rig_mock, "is not a list"));
	mock_advance(rig_mock, 2000);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 1);
	rig_end();
}
END_TEST

START_TEST(one_that_cannot_be_read_does_not_stop_the_others)
{
	rig_start(STANDARD_URL, "");
	rig_answer(0, "{\"Messages\":[{\"MessageId\":\"x\",\"ReceiptHandle\":\"x1\"},{"
		      "\"MessageId\":\"a\","
		      "\"ReceiptHandle\":\"a1\",\"Body\":\"{}\"}]}");
	ck_assert_str_eq(rig_emitted(), "a");
	ck_assert(mock_logged(rig_mock, "1 messages of an answer are left"));
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_unreadable_total", NULL), 1);
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "a1");
	/* None that can be read: not asked again and again. */
	rig_answer(rig_find(SQS_RECEIVE), "{\"Messages\":[{},7]}");
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_unreadable_total", NULL), 3);
	ck_assert_uint_eq(rig_open(SQS_RECEIVE), 0);
	mock_advance(rig_mock, 1000);
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

static Suite *suite(void)
{
	Suite *s = suite_create("source_sqs_receiving");
	TCase *t = tcase_create("sqs");
	tcase_add_test(t, an_empty_answer_is_asked_again_at_once);
	tcase_add_test(t, errors_back_off);
	tcase_add_test(t, the_service_s_least_wait_is_kept);
	tcase_add_test(t, an_answer_that_is_none_backs_off_too);
	tcase_add_test(t, one_that_cannot_be_read_does_not_stop_the_others);
	tcase_add_test(t, nothing_is_received_beyond_max_messages);
	tcase_add_test(t, what_is_turned_away_holds_receiving_back);
	tcase_add_test(t, malformed_ones_say_nothing_of_the_store);
	tcase_add_test(t, it_is_held_back_once_for_all);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
