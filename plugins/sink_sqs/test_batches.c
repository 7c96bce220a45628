#include <stdio.h>
#include <string.h>

#include "sink_sqs/test_rig.h"

/* ---- together ---- */

START_TEST(what_is_there_together_goes_together)
{
	rig_start(STANDARD_URL, "");
	rig_deliver("a");
	mock_advance(rig_mock, 4);
	rig_deliver("bc");
	ck_assert_uint_eq(rig_calls(), 0);
	mock_advance(rig_mock, 1);
	ck_assert_uint_eq(rig_calls(), 1);
	ck_assert_str_eq(rig_letters(0), "abc");
	ck_assert_str_eq(rig_member(0, 2, "Id"), "2");
	ck_assert_str_eq(rig_ends("abc"), "...");
	rig_answer_batch(0);
	ck_assert_str_eq(rig_ends("abc"), "OOO");
	ck_assert_uint_eq(mock_counter(rig_mock, "sqs_send_requests_total", NULL), 1);
	rig_end();
}
END_TEST

START_TEST(ten_go_at_once)
{
	rig_start(STANDARD_URL, "batch_wait: 10s\n");
	rig_deliver("abcdefghijk");
	ck_assert_uint_eq(rig_calls(), 1);
	ck_assert_str_eq(rig_letters(0), "abcdefghij");
	rig_answer_batch(0);
	ck_assert_str_eq(rig_ends("ajk"), "OO.");
	ck_assert_uint_eq(rig_calls(), 1);
	mock_advance(rig_mock, 7500);
	ck_assert_str_eq(rig_letters(1), "k");
	rig_answer_batch(1);
	rig_end();
}
END_TEST

START_TEST(without_a_wait_what_is_there_goes)
{
	rig_start(STANDARD_URL, "batch_wait: 0s\n");
	rig_deliver("ab");
	ck_assert_uint_eq(rig_calls(), 0);
	mock_run(rig_mock);
	ck_assert_str_eq(rig_letters(0), "ab");
	rig_deliver("c");
	mock_run(rig_mock);
	ck_assert_str_eq(rig_letters(1), "c");
	rig_answer_all(SQS_SEND);
	ck_assert_str_eq(rig_ends("abc"), "OOO");
	rig_end();
}
END_TEST

/* A wait that used up the attempt would leave nothing for SQS to answer in. */
START_TEST(half_of_an_attempt_is_left)
{
	rig_start(STANDARD_URL, "batch_wait: 10s\n");
	rig_deliver_body("{}", &(struct ow_attempt){.size = sizeof(struct ow_attempt),
				   .number = 1,
				   .key = {"k", 1},
				   .limit_ms = 100});
	mock_advance(rig_mock, 49);
	ck_assert_uint_eq(rig_calls(), 0);
	mock_advance(rig_mock, 1);
	ck_assert_uint_eq(rig_calls(), 1);
	/* It is the core that ends an attempt, and not the call before it. */
	ck_assert_int_gt(rig_call(0)->timeout_ms, 50);
	rig_answer_batch(0);
	rig_end();
}
END_TEST

/* "{...}" of that many bytes with its attribute; a letter's own body. */
static struct ow_op *deliver_large(size_t bytes)
{
	static char body[2000];
	size_t rest = strlen("Idempotency-Key") + strlen("String") + strlen("k") + 55 +
		      strlen("traceparent") + strlen("String");
	ck_assert_uint_lt(bytes, sizeof(body));
	memset(body, 'x', bytes - rest);
	body[bytes - rest] = '\0';
	return rig_deliver_body(body,
	    &(struct ow_attempt){.size = sizeof(struct ow_attempt),
		.number = 1,
		.key = {"k", 1},
		.traceparent = {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", 55},
		.limit_ms = 15000});
}

START_TEST(a_request_has_its_size)
{
	rig_start(STANDARD_URL, "max_message: 1KiB\n");
	struct ow_op *first = deliver_large(600), *second = deliver_large(424);
	struct ow_op *third = deliver_large(1024), *fourth = deliver_large(1025);
	ck_assert_int_eq(mock_rc(fourth), OW_REJECT);
	ck_assert_ptr_nonnull(strstr(mock_why(fourth), "1025 bytes"));
	ck_assert_ptr_nonnull(strstr(mock_why(fourth), "max_message (1024)"));
	/* Nothing more fits beside the first two: they need not wait. */
	ck_assert_uint_eq(rig_calls(), 1);
	ck_assert_uint_eq(rig_entries(0), 2);
	mock_advance(rig_mock, 5);
	ck_assert_uint_eq(rig_entries(1), 1);
	rig_answer_all(SQS_SEND);
	ck_assert_int_eq(mock_rc(first), OW_OK);
	ck_assert_int_eq(mock_rc(second), OW_OK);
	ck_assert_int_eq(mock_rc(third), OW_OK);
	rig_end();
}
END_TEST

/* One byte too many, and it is one of an attribute. */
START_TEST(attributes_count)
{
	rig_start(STANDARD_URL, "max_message: 1KiB\n");
	deliver_large(600);
	deliver_large(425);
	mock_advance(rig_mock, 5);
	ck_assert_uint_eq(rig_calls(), 2);
	ck_assert_uint_eq(rig_entries(0), 1);
	ck_assert_uint_eq(rig_entries(1), 1);
	rig_answer_all(SQS_SEND);
	rig_end();
}
END_TEST

/* ---- bounds ---- */

START_TEST(requests_are_bounded)
{
	rig_start(STANDARD_URL, "pool: {max_connections: 2}\nbatch_wait: 0s\n");
	for (const char *letter = "abcdef"; *letter; letter++) {
		rig_deliver((char[]){*letter, '\0'});
		mock_run(rig_mock);
	}
	ck_assert_uint_eq(rig_open(SQS_SEND), 2);
	rig_answer_batch(0);
	/* What had to wait has waited long enough, and goes together. */
	ck_assert_uint_eq(rig_calls(), 3);
	ck_assert_str_eq(rig_letters(2), "cdef");
	rig_answer_all(SQS_SEND);
	ck_assert_str_eq(rig_ends("abcdef"), "OOOOOO");
	ck_assert_int_eq(rig_config()->max_connections, 2);
	rig_end();
}
END_TEST

START_TEST(what_waits_is_bounded)
{
	rig_start(STANDARD_URL, "pool: {max_connections: 1, max_waiting: 12}\n");
	rig_deliver("abcdefghij");
	rig_deliver("klmnopqrstuv");
	ck_assert_str_eq(rig_ends("klmnopqrstuv"), "............");
	rig_deliver("w");
	ck_assert_str_eq(rig_ends("w"), "r");
	ck_assert(mock_delivered(rig_op('w'))->busy);
	ck_assert_str_eq(mock_delivered(rig_op('w'))->code, "busy");
	rig_answer_batch(0);
	ck_assert_str_eq(rig_letters(1), "klmnopqrst");
	rig_answer_batch(1);
	mock_advance(rig_mock, 5);
	ck_assert_str_eq(rig_letters(2), "uv");
	rig_answer_batch(2);
	rig_end();
}
END_TEST

/* ---- order ---- */

START_TEST(a_group_has_one_request_at_a_time)
{
	rig_start(FIFO_URL, "group: /group\nbatch_wait: 0s\n");
	rig_deliver("ab");
	mock_run(rig_mock);
	rig_deliver("cAdB");
	mock_run(rig_mock);
	ck_assert_uint_eq(rig_calls(), 2);
	ck_assert_str_eq(rig_letters(0), "ab");
	ck_assert_str_eq(rig_letters(1), "AB");
	rig_answer_batch(1);
	ck_assert_uint_eq(rig_calls(), 2);
	rig_answer_batch(0);
	ck_assert_str_eq(rig_letters(2), "cd");
	rig_deliver("e");
	mock_advance(rig_mock, 1000);
	ck_assert_uint_eq(rig_calls(), 3);
	rig_answer(2, "{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":false,\"Code\":\"Error\"}]}");
	ck_assert_str_eq(rig_ends("abcdAB"), "OOrUOO");
	ck_assert_str_eq(rig_letters(3), "e");
	rig_answer_batch(3);
	rig_end();
}
END_TEST

START_TEST(many_of_one_group_stay_in_order)
{
	rig_start(FIFO_URL, "group: /group\n");
	rig_deliver("abcdefghijklm");
	mock_advance(rig_mock, 100);
	ck_assert_uint_eq(rig_calls(), 1);
	ck_assert_str_eq(rig_letters(0), "abcdefghij");
	rig_answer_batch(0);
	ck_assert_str_eq(rig_letters(1), "klm");
	rig_answer_batch(1);
	ck_assert_str_eq(rig_ends("abcdefghijklm"), "OOOOOOOOOOOOO");
	rig_end();
}
END_TEST

/* ---- a request that is refused as a whole ---- */

START_TEST(one_that_is_refused_has_no_neighbours_to_harm)
{
	rig_start(FIFO_URL, "group: /group\n");
	rig_deliver("abc");
	mock_advance(rig_mock, 5);
	rig_deliver("d");
	rig_fail(0, AWS_FAILED, "InvalidParameterValue");
	ck_assert_str_eq(rig_ends("abc"), "...");
	/* Of one group, so one after the other, and before what came later. */
	ck_assert_str_eq(rig_letters(1), "a");
	ck_assert_uint_eq(rig_calls(), 2);
	rig_answer_batch(1);
	ck_assert_str_eq(rig_letters(2), "b");
	rig_fail(2, AWS_FAILED, "InvalidParameterValue");
	ck_assert_str_eq(rig_letters(3), "c");
	rig_answer_batch(3);
	ck_assert_str_eq(rig_ends("abc"), "OJO");
	mock_advance(rig_mock, 5);
	ck_assert_str_eq(rig_letters(4), "d");
	rig_answer_batch(4);
	rig_end();
}
END_TEST

/* Alone they would fare no better. */
START_TEST(without_the_queue_none_is_tried_alone)
{
	rig_start(STANDARD_URL, "");
	rig_deliver("abc");
	mock_advance(rig_mock, 5);
	rig_fail(0, AWS_FAILED, "QueueDoesNotExist");
	ck_assert_str_eq(rig_ends("abc"), "rrr");
	ck_assert_uint_eq(rig_calls(), 1);
	rig_end();
}
END_TEST

START_TEST(what_may_have_been_done_is_not_sent_again)
{
	rig_start(STANDARD_URL, "");
	rig_deliver("ab");
	mock_advance(rig_mock, 5);
	rig_fail(0, AWS_RETRY, "InternalError");
	ck_assert_str_eq(rig_ends("ab"), "rr");
	ck_assert_uint_eq(rig_calls(), 1);
	rig_deliver("cd");
	mock_advance(rig_mock, 5);
	rig_answer_as(1, &(struct aws_result){.outcome = AWS_FAILED,
			     .status = 200,
			     .maybe_done = true,
			     .code = "",
			     .why = "answered with too much"});
	ck_assert_str_eq(rig_ends("cd"), "UU");
	ck_assert_uint_eq(rig_calls(), 2);
	rig_end();
}
END_TEST

START_TEST(those_that_are_given_up_meanwhile_are_not_tried_alone)
{
	rig_start(STANDARD_URL, "");
	rig_deliver("ab");
	mock_advance(rig_mock, 5);
	mock_cancel(rig_op('a'));
	rig_fail(0, AWS_FAILED, "Whatever");
	ck_assert_uint_eq(rig_calls(), 2);
	ck_assert_str_eq(rig_letters(1), "b");
	rig_answer_batch(1);
	ck_assert_str_eq(rig_ends("ab"), "UO");
	rig_end();
}
END_TEST

/* ---- cancelled ---- */

START_TEST(what_was_not_sent_is_not_unknown)
{
	rig_start(STANDARD_URL, "batch_wait: 10s\n");
	rig_deliver("ab");
	mock_cancel(rig_op('a'));
	ck_assert_str_eq(rig_ends("ab"), "r.");
	ck_assert(mock_delivered(rig_op('a'))->timed_out);
	mock_advance(rig_mock, 7500);
	ck_assert_str_eq(rig_letters(0), "b");
	rig_answer_batch(0);
	rig_end();
}
END_TEST

START_TEST(the_batch_goes_on_without_one)
{
	rig_start(FIFO_URL, "group: /group\n");
	rig_deliver("ab");
	mock_advance(rig_mock, 5);
	mock_cancel(rig_op('a'));
	ck_assert_str_eq(rig_ends("ab"), "U.");
	ck_assert(mock_delivered(rig_op('a'))->timed_out);
	ck_assert_uint_eq(rig_open(SQS_SEND), 1);
	/* Its next attempt does not overtake the first one. */
	rig_deliver("a");
	mock_advance(rig_mock, 100);
	ck_assert_uint_eq(rig_calls(), 1);
	rig_answer_batch(0);
	ck_assert_str_eq(rig_ends("b"), "O");
	ck_assert_str_eq(rig_letters(1), "a");
	rig_answer_batch(1);
	ck_assert_str_eq(rig_ends("a"), "O");
	rig_end();
}
END_TEST

START_TEST(a_call_that_nobody_waits_for_is_dropped)
{
	rig_start(FIFO_URL, "group: /group\npool: {max_connections: 1}\n");
	rig_deliver("ab");
	mock_advance(rig_mock, 5);
	rig_deliver("c");
	mock_advance(rig_mock, 5);
	mock_cancel(rig_op('b'));
	mock_cancel(rig_op('a'));
	ck_assert_str_eq(rig_ends("ab"), "UU");
	ck_assert(!rig_call(0)->open);
	ck_assert_str_eq(rig_letters(1), "c");
	rig_answer_batch(1);
	rig_end();
}
END_TEST

/* ---- the end ---- */

START_TEST(drains)
{
	rig_start(STANDARD_URL, "batch_wait: 10s\npool: {max_connections: 1}\n");
	rig_deliver("abcdefghijkl");
	ck_assert_uint_eq(rig_calls(), 1);
	struct ow_op *drain = mock_drain(rig_sink);
	ck_assert(!mock_finished(drain));
	rig_answer_batch(0);
	/* Nothing waits for company any more. */
	ck_assert_str_eq(rig_letters(1), "kl");
	ck_assert(!mock_finished(drain));
	rig_answer_batch(1);
	ck_assert_int_eq(mock_rc(drain), OW_OK);
	ck_assert_str_eq(rig_ends("abcdefghijkl"), "OOOOOOOOOOOO");
	rig_end();
}
END_TEST

START_TEST(drains_when_all_is_cancelled)
{
	rig_start(STANDARD_URL, "");
	rig_deliver("a");
	mock_advance(rig_mock, 5);
	struct ow_op *drain = mock_drain(rig_sink);
	ck_assert(!mock_finished(drain));
	mock_cancel(rig_op('a'));
	ck_assert_int_eq(mock_rc(drain), OW_OK);
	rig_end();
}
END_TEST

START_TEST(drains_at_once_when_idle)
{
	rig_start(STANDARD_URL, "");
	ck_assert_int_eq(mock_rc(mock_drain(rig_sink)), OW_OK);
	ck_assert_uint_eq(mock_timers_set(rig_mock), 0);
	rig_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sink_sqs_batches");
	TCase *t = tcase_create("batches");
	tcase_add_test(t, what_is_there_together_goes_together);
	tcase_add_test(t, ten_go_at_once);
	tcase_add_test(t, without_a_wait_what_is_there_goes);
	tcase_add_test(t, half_of_an_attempt_is_left);
	tcase_add_test(t, a_request_has_its_size);
	tcase_add_test(t, attributes_count);
	tcase_add_test(t, requests_are_bounded);
	tcase_add_test(t, what_waits_is_bounded);
	tcase_add_test(t, a_group_has_one_request_at_a_time);
	tcase_add_test(t, many_of_one_group_stay_in_order);
	tcase_add_test(t, one_that_is_refused_has_no_neighbours_to_harm);
	tcase_add_test(t, without_the_queue_none_is_tried_alone);
	tcase_add_test(t, what_may_have_been_done_is_not_sent_again);
	tcase_add_test(t, those_that_are_given_up_meanwhile_are_not_tried_alone);
	tcase_add_test(t, what_was_not_sent_is_not_unknown);
	tcase_add_test(t, the_batch_goes_on_without_one);
	tcase_add_test(t, a_call_that_nobody_waits_for_is_dropped);
	tcase_add_test(t, drains);
	tcase_add_test(t, drains_when_all_is_cancelled);
	tcase_add_test(t, drains_at_once_when_idle);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
