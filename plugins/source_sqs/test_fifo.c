#include <stdio.h>
#include <string.h>

#include "source_sqs/test_rig.h"

/* Receipts given back at once, of all open changes of visibility, in order. */
static const char *given_back(void)
{
	static char text[200];
	text[0] = '\0';
	while (rig_open(SQS_VISIBILITY)) {
		size_t call = rig_find(SQS_VISIBILITY);
		for (size_t i = 0; i < rig_entries(call); i++)
			if (rig_visible(call, i) == 0)
				strcat(text, rig_receipt(call, i));
		rig_answer_batch(call);
	}
	return text;
}

START_TEST(one_of_each_group_at_a_time)
{
	rig_start(FIFO_URL, "");
	ck_assert_ptr_nonnull(json_object_get(rig_call(0)->request, "ReceiveRequestAttemptId"));
	rig_receive("aAbBcC");
	ck_assert_str_eq(rig_emitted(), "aA");
	rig_settle('A', OW_DELIVERED);
	ck_assert_str_eq(rig_emitted(), "aB");
	rig_settle('a', OW_DUPLICATE);
	rig_settle('b', OW_DELIVERED);
	rig_settle('B', OW_DELIVERED);
	ck_assert_str_eq(rig_emitted(), "cC");
	rig_settle('c', OW_DELIVERED);
	rig_settle('C', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_deleted_total", NULL), 6);
	/* The next one of a group that had ended begins at once. */
	rig_receive("d");
	ck_assert_str_eq(rig_emitted(), "d");
	rig_settle('d', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

static const enum ow_outcome failures[] = {OW_FAILED, OW_INVALID, OW_REJECTED};

START_TEST(a_failure_holds_its_group_back)
{
	rig_start(FIFO_URL, "");
	rig_receive("abAcB");
	rig_settle('a', failures[_i]);
	ck_assert_str_eq(rig_emitted(), "A");
	mock_advance(rig_mock, 100);
	ck_assert_str_eq(given_back(), "c1b1");
	rig_settle('A', OW_DELIVERED);
	ck_assert_str_eq(rig_emitted(), "B");
	rig_settle('B', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	ck_assert_str_eq(rig_batch(SQS_DELETE), "A1 B1");
	mock_advance(rig_mock, 5000);
	rig_receive("abc");
	ck_assert_str_eq(rig_emitted(), "a");
	rig_settle('a', OW_DELIVERED);
	rig_settle('b', OW_DELIVERED);
	rig_settle('c', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

/* It is no event, but it has its place. */
START_TEST(a_fault_holds_its_group_back_too)
{
	rig_start(FIFO_URL, "");
#define M(id, md5)                                                                             \
	"{\"MessageId\":\"" id "\",\"ReceiptHandle\":\"" id                                    \
	"1\",\"Body\":\"{}\",\"MD5OfBody\":\"" md5                                             \
	"\",\"Attributes\":{\"MessageGroupId\":\"g\"}}"
	rig_answer(0, "{\"Messages\":[" M("a", "99914b932bd37a50b983c5e7c90ae93b") "," M(
			  "b", "00000000000000000000000000000000") "," M("c",
			  "99914b932bd37a50b983c5e7c90ae93b") "]}");
	ck_assert_str_eq(rig_emitted(), "a");
	rig_settle('a', OW_DELIVERED);
	ck_assert_str_eq(rig_emitted(), "");
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	ck_assert_str_eq(given_back(), "c1");
	ck_assert_int_eq(mock_gauge(rig_mock, "sqs_in_hand"), 0);
	/* And when it is the first. */
	rig_answer(rig_find(SQS_RECEIVE),
	    "{\"Messages\":[" M("b", "00000000000000000000000000000000") "," M(
		"c", "99914b932bd37a50b983c5e7c90ae93b") "]}");
	ck_assert_str_eq(rig_emitted(), "");
	mock_advance(rig_mock, 100);
	ck_assert_str_eq(given_back(), "c1");
	rig_end();
}
END_TEST

START_TEST(those_that_wait_stay_hidden)
{
	rig_start(FIFO_URL, "");
	rig_receive("ab");
	mock_advance(rig_mock, 10100);
	ck_assert_str_eq(rig_batch(SQS_VISIBILITY), "a1 b1");
	rig_settle('a', OW_DELIVERED);
	rig_settle('b', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

static const char *attempt(size_t call)
{
	return json_string_value(
	    json_object_get(rig_call(call)->request, "ReceiveRequestAttemptId"));
}

/* But not one that SQS is known to have refused. */
START_TEST(a_lost_receipt_is_asked_for_again)
{
	rig_start(FIFO_URL, "");
	rig_fail(0, AWS_RETRY, "X");
	mock_advance(rig_mock, 2000);
	ck_assert_str_eq(attempt(0), attempt(1));
	rig_receive("a");
	ck_assert_str_ne(attempt(0), attempt(2));
	rig_fail(2, AWS_THROTTLED, "X");
	mock_advance(rig_mock, 6000);
	ck_assert_str_ne(attempt(2), attempt(3));
	rig_settle('a', OW_DELIVERED);
	mock_advance(rig_mock, 100);
	rig_answer_all(SQS_DELETE);
	rig_end();
}
END_TEST

START_TEST(a_drain_gives_back_what_waits)
{
	rig_start(FIFO_URL, "");
	rig_receive("abcA");
	struct ow_op *drain = mock_drain(rig_source);
	mock_run(rig_mock);
	ck_assert_uint_eq(strlen(given_back()), 4); /* b1 and c1 */
	rig_receive("d");
	ck_assert_str_eq(given_back(), "d1");
	ck_assert_str_eq(rig_emitted(), "aA");
	rig_settle('a', OW_DELIVERED);
	ck_assert_str_eq(rig_emitted(), "A");
	rig_settle('A', OW_FAILED);
	ck_assert_str_eq(given_back(), "A1");
	ck_assert(!mock_finished(drain));
	rig_answer_all(SQS_DELETE);
	ck_assert_int_eq(mock_rc(drain), OW_OK);
	rig_end();
}
END_TEST

/* Groups come and go: what is left of them is found by the sanitizers. */
START_TEST(freed_with_groups_in_hand)
{
	rig_start(FIFO_URL, "");
	rig_receive("abcAB");
	rig_settle('a', OW_DELIVERED);
	rig_settle('b', OW_DELIVERED);
	rig_settle('c', OW_FAILED);
	rig_settle('A', OW_FAILED);
	rig_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("fifo");
	TCase *t = tcase_create("fifo");
	tcase_add_test(t, one_of_each_group_at_a_time);
	tcase_add_loop_test(t, a_failure_holds_its_group_back, 0, 3);
	tcase_add_test(t, a_fault_holds_its_group_back_too);
	tcase_add_test(t, those_that_wait_stay_hidden);
	tcase_add_test(t, a_lost_receipt_is_asked_for_again);
	tcase_add_test(t, a_drain_gives_back_what_waits);
	tcase_add_test(t, freed_with_groups_in_hand);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
