#include <stdio.h>
#include <string.h>

#include "source_sqs/test_rig.h"

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

static Suite *suite(void)
{
	Suite *s = suite_create("source_sqs_visibility");
	TCase *t = tcase_create("sqs");
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
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
