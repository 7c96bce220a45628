/* Operations: finished exactly once, told of after the plugin's call, cancelled once. */
#include "plugin/op.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/plugin/fixture.h"

static struct ow_op op;
static unsigned calls;

static void called(struct ow_op *finished, void *arg)
{
	ck_assert_ptr_eq(finished, &op);
	ck_assert(!op_running(finished));
	ck_assert_ptr_eq(arg, &calls);
	calls++;
}

static void start(void)
{
	fixture_start();
	op_init(&op);
	calls = 0;
}

static void stop(void)
{
	op_fini(&op);
	fixture_stop();
}

static void begin(enum op_kind kind)
{
	op_begin(&op, kind, fixture.sink, called, &calls);
}

static void spin_and_count(unsigned expected)
{
	fixture_spin();
	ck_assert_uint_eq(calls, expected);
}

/* ---- finishing ---- */

START_TEST(finishing_at_once_is_told_later)
{
	begin(OP_PLAIN);
	ck_assert(op_running(&op));
	fixture.host->op_done(&op, OW_REJECT, "no");
	ck_assert(op_running(&op));
	ck_assert_uint_eq(calls, 0);
	spin_and_count(1);
	ck_assert_int_eq(op.rc, OW_REJECT);
	ck_assert_str_eq(op.why, "no");
	spin_and_count(1);
}
END_TEST

START_TEST(finishing_later)
{
	begin(OP_PLAIN);
	spin_and_count(0);
	fixture.host->op_done(&op, OW_OK, NULL);
	spin_and_count(1);
	ck_assert_int_eq(op.rc, OW_OK);
	ck_assert_str_eq(op.why, "");
}
END_TEST

START_TEST(how_long_it_took)
{
	begin(OP_PLAIN);
	clock_advance(&fixture.clock, 1500);
	fixture.host->op_done(&op, OW_OK, NULL);
	spin_and_count(1);
	ck_assert_double_eq(op_seconds(&op), 1.5);
}
END_TEST

/* A reason goes into the log, /status and answers. "open sesame" is the fixture's. */
START_TEST(reasons_show_no_secret)
{
	begin(OP_PLAIN);
	fixture.host->op_done(&op, OW_FAIL, "the cave wants open sesame");
	spin_and_count(1);
	ck_assert_str_eq(op.why, "the cave wants the value given");
}
END_TEST

START_TEST(an_operation_is_used_again)
{
	for (unsigned i = 1; i <= 3; i++) {
		begin(OP_PLAIN);
		ck_assert_ptr_null(fixture.host->op_get(&op));
		fixture.host->op_set(&op, &i);
		ck_assert_ptr_eq(fixture.host->op_get(&op), &i);
		fixture.host->op_done(&op, OW_OK, NULL);
		spin_and_count(i);
	}
}
END_TEST

static void begin_again(struct ow_op *finished, void *arg)
{
	(void)arg;
	if (++calls < 3) {
		op_begin(finished, OP_PLAIN, fixture.sink, begin_again, NULL);
		fixture.host->op_done(finished, OW_OK, NULL);
	}
}

START_TEST(the_callback_may_begin_it_again)
{
	op_begin(&op, OP_PLAIN, fixture.sink, begin_again, NULL);
	fixture.host->op_done(&op, OW_OK, NULL);
	spin_and_count(3);
}
END_TEST

START_TEST(a_long_reason_is_cut)
{
	char why[1000];
	memset(why, 'x', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	begin(OP_PLAIN);
	fixture.host->op_done(&op, OW_FAIL, why);
	memset(why, 'y', sizeof(why) - 1);
	spin_and_count(1);
	ck_assert_uint_eq(strlen(op.why), sizeof(op.why) - 1);
	ck_assert_int_eq(op.why[0], 'x');
}
END_TEST

/* ---- answers outlive the call that passed them ---- */

START_TEST(a_delivery_s_texts_are_copied)
{
	char type[] = "text/x", body[] = "body", code[] = "418", why[] = "teapot";
	struct ow_result result = {.size = sizeof(result),
	    .status = 418,
	    .content_type = text_of(type),
	    .body = text_of(body)};
	begin(OP_DELIVER);
	fixture.host->deliver_done(
	    &op, &(struct ow_delivery){.size = sizeof(struct ow_delivery),
		     .rc = OW_REJECT,
		     .why = why,
		     .code = code,
		     .retry_after_ms = 7,
		     .timed_out = true,
		     .busy = true,
		     .result = &result});
	memset(type, '-', sizeof(type) - 1);
	memset(body, '-', sizeof(body) - 1);
	memset(code, '-', sizeof(code) - 1);
	memset(why, '-', sizeof(why) - 1);
	memset(&result, 0, sizeof(result));
	spin_and_count(1);
	ck_assert_int_eq(op.rc, OW_REJECT);
	ck_assert_str_eq(op.why, "teapot");
	ck_assert_str_eq(op.delivery.why, "teapot");
	ck_assert_str_eq(op.code, "418");
	ck_assert_int_eq(op.delivery.retry_after_ms, 7);
	ck_assert(op.delivery.timed_out && op.delivery.busy);
	ck_assert_int_eq(op.delivery.result->status, 418);
	ck_assert(text_equal(op.delivery.result->content_type, text_of("text/x")));
	ck_assert(text_equal(op.delivery.result->body, text_of("body")));
}
END_TEST

START_TEST(a_delivery_without_code_and_result)
{
	begin(OP_DELIVER);
	fixture.host->deliver_done(
	    &op, &(struct ow_delivery){.size = sizeof(struct ow_delivery), .rc = OW_OK});
	spin_and_count(1);
	ck_assert_str_eq(op.code, "unknown");
	ck_assert_ptr_null(op.delivery.result);
	ck_assert_int_eq(op.kept.result.status, 0);
}
END_TEST

START_TEST(a_claim_s_answer_is_copied)
{
	unsigned char digest[OW_DIGEST_SIZE] = {1, 2, 3};
	char body[] = "kept";
	struct ow_result result = {
	    .size = sizeof(result), .status = 200, .body = text_of(body)};
	begin(OP_CLAIM);
	fixture.host->claim_done(
	    &op, &(struct ow_claim_answer){.size = sizeof(struct ow_claim_answer),
		     .rc = OW_OK,
		     .state = OW_CLAIM_DONE,
		     .age_ms = 5,
		     .result = &result,
		     .digest = digest});
	memset(digest, 0xff, sizeof(digest));
	memset(body, '-', sizeof(body) - 1);
	spin_and_count(1);
	ck_assert_int_eq(op.answer.state, OW_CLAIM_DONE);
	ck_assert_int_eq(op.answer.age_ms, 5);
	ck_assert_int_eq(op.answer.digest[0], 1);
	ck_assert_int_eq(op.answer.digest[2], 3);
	ck_assert(text_equal(op.answer.result->body, text_of("kept")));
	ck_assert_uint_eq(op.answer.result->content_type.len, 0);
	/* Another answer in the same operation leaves nothing of this one. */
	begin(OP_CLAIM);
	fixture.host->claim_done(
	    &op, &(struct ow_claim_answer){
		     .size = sizeof(struct ow_claim_answer), .rc = OW_FAIL, .why = "down"});
	spin_and_count(2);
	ck_assert_ptr_null(op.answer.result);
	ck_assert_ptr_null(op.answer.digest);
	ck_assert_str_eq(op.why, "down");
}
END_TEST

/* What a plugin of a later minor knows more of is not read, nor passed on. */
START_TEST(answers_of_a_newer_plugin)
{
	struct {
		struct ow_result result;
		char more[64];
	} result = {.result = {.size = sizeof(result), .status = 200}};
	struct {
		struct ow_delivery delivery;
		char more[64];
	} delivery = {.delivery = {.size = sizeof(delivery),
			  .rc = OW_OK,
			  .code = "200",
			  .result = &result.result}};
	memset(result.more, 0xaa, sizeof(result.more));
	memset(delivery.more, 0xaa, sizeof(delivery.more));
	begin(OP_DELIVER);
	fixture.host->deliver_done(&op, &delivery.delivery);
	spin_and_count(1);
	ck_assert_int_eq(op.rc, OW_OK);
	ck_assert_str_eq(op.code, "200");
	ck_assert_uint_eq(op.delivery.result->size, sizeof(struct ow_result));
}
END_TEST

/* ---- cancelling ---- */

START_TEST(cancel_asks_the_plugin_once)
{
	begin(OP_DELIVER);
	op_cancel(&op);
	op_cancel(&op);
	ck_assert_uint_eq(fixture.cancels, 1);
	ck_assert(op.cancelled);
	spin_and_count(0); /* the plugin still uses what it borrowed */
	fixture.host->deliver_done(
	    &op, &(struct ow_delivery){.size = sizeof(struct ow_delivery), .rc = OW_OK});
	spin_and_count(1);
	ck_assert_int_eq(op.rc, OW_OK); /* it was in time after all */
	ck_assert(op.cancelled);
}
END_TEST

static void finish_delivery(struct ow_op *cancelled)
{
	fixture.host->deliver_done(cancelled,
	    &(struct ow_delivery){.size = sizeof(struct ow_delivery), .rc = OW_UNKNOWN});
}

START_TEST(cancel_may_finish_it_at_once)
{
	fixture.on_cancel = finish_delivery;
	begin(OP_DELIVER);
	op_cancel(&op);
	ck_assert_uint_eq(calls, 0);
	spin_and_count(1);
	ck_assert_int_eq(op.rc, OW_UNKNOWN);
}
END_TEST

START_TEST(cancel_does_nothing_when_it_is_not_running)
{
	op_cancel(&op);
	begin(OP_PLAIN);
	fixture.host->op_done(&op, OW_OK, NULL);
	op_cancel(&op);
	spin_and_count(1);
	op_cancel(&op);
	ck_assert_uint_eq(fixture.cancels, 0);
	ck_assert(!op.cancelled);
}
END_TEST

START_TEST(a_source_s_operation_has_nobody_to_ask)
{
	struct ow_instance *source = fixture_instance(fixture_component(OW_SOURCE), "s");
	op_begin(&op, OP_PLAIN, source, called, &calls);
	op_cancel(&op);
	fixture.host->op_done(&op, OW_OK, NULL);
	spin_and_count(1);
	instance_free(source);
}
END_TEST

/* ---- limits ---- */

START_TEST(a_limit_cancels)
{
	fixture.on_cancel = finish_delivery;
	begin(OP_DELIVER);
	op_limit(&op, 3);
	fixture_until(calls == 1);
	ck_assert_uint_eq(fixture.cancels, 1);
	ck_assert(op.cancelled);
}
END_TEST

START_TEST(what_is_finished_in_time_is_not_cancelled)
{
	begin(OP_PLAIN);
	op_limit(&op, 5);
	fixture.host->op_done(&op, OW_OK, NULL);
	spin_and_count(1);
	/* Nor is the next one, by the first one's limit. */
	begin(OP_PLAIN);
	for (int i = 0; i < 20; i++)
		fixture_turn();
	ck_assert_uint_eq(fixture.cancels, 0);
	fixture.host->op_done(&op, OW_OK, NULL);
	spin_and_count(2);
}
END_TEST

START_TEST(no_limit)
{
	begin(OP_PLAIN);
	op_limit(&op, 0);
	ck_assert_ptr_null(op.limit);
	fixture.host->op_done(&op, OW_OK, NULL);
	op_limit(&op, 1); /* finished during the call: too late to limit it */
	ck_assert_ptr_null(op.limit);
	spin_and_count(1);
}
END_TEST

START_TEST(a_plugin_that_ignores_cancel_is_named_in_the_log)
{
	fixture_watch_log();
	begin(OP_DELIVER);
	op_cancel(&op);
	event_active(op.limit, EV_TIMEOUT, 0); /* as if the grace was over */
	spin_and_count(0);
	char *logged = fixture_logged();
	ck_assert_ptr_nonnull(strstr(logged,
	    "sink crm: plugin bug: an operation is not finished 5 s after it was cancelled"));
	ck_assert_uint_eq(fixture.cancels, 1);
	finish_delivery(&op); /* and is still waited for */
	spin_and_count(1);
	free(logged);
}
END_TEST

/* ---- bugs of a plugin end the process ---- */

START_TEST(finished_twice)
{
	begin(OP_PLAIN);
	fixture.host->op_done(&op, OW_OK, NULL);
	fixture.host->op_done(&op, OW_OK, NULL);
}
END_TEST

START_TEST(finished_after_the_callback)
{
	begin(OP_PLAIN);
	fixture.host->op_done(&op, OW_OK, NULL);
	fixture_spin();
	fixture.host->op_done(&op, OW_OK, NULL);
}
END_TEST

START_TEST(finished_but_not_started)
{
	fixture.host->op_done(&op, OW_OK, NULL);
}
END_TEST

START_TEST(a_delivery_finished_as_a_plain_operation)
{
	begin(OP_DELIVER);
	fixture.host->op_done(&op, OW_OK, NULL);
}
END_TEST

START_TEST(a_plain_operation_finished_as_a_claim)
{
	begin(OP_PLAIN);
	fixture.host->claim_done(
	    &op, &(struct ow_claim_answer){.size = sizeof(struct ow_claim_answer)});
}
END_TEST

START_TEST(a_claim_finished_as_a_delivery)
{
	begin(OP_CLAIM);
	finish_delivery(&op);
}
END_TEST

START_TEST(a_delivery_without_its_size)
{
	begin(OP_DELIVER);
	fixture.host->deliver_done(&op, &(struct ow_delivery){.rc = OW_FAIL});
}
END_TEST

START_TEST(a_claim_s_answer_without_its_size)
{
	begin(OP_CLAIM);
	fixture.host->claim_done(&op, &(struct ow_claim_answer){.rc = OW_FAIL});
}
END_TEST

START_TEST(a_result_without_its_size)
{
	begin(OP_DELIVER);
	fixture.host->deliver_done(
	    &op, &(struct ow_delivery){.size = sizeof(struct ow_delivery),
		     .result = &(struct ow_result){.status = 200}});
}
END_TEST

START_TEST(begun_while_it_runs)
{
	begin(OP_PLAIN);
	begin(OP_PLAIN);
}
END_TEST

static TCase *aborting(void)
{
	TCase *t = tcase_create("bugs");
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test_raise_signal(t, finished_twice, SIGABRT);
	tcase_add_test_raise_signal(t, finished_after_the_callback, SIGABRT);
	tcase_add_test_raise_signal(t, finished_but_not_started, SIGABRT);
	tcase_add_test_raise_signal(t, a_delivery_finished_as_a_plain_operation, SIGABRT);
	tcase_add_test_raise_signal(t, a_plain_operation_finished_as_a_claim, SIGABRT);
	tcase_add_test_raise_signal(t, a_claim_finished_as_a_delivery, SIGABRT);
	tcase_add_test_raise_signal(t, a_delivery_without_its_size, SIGABRT);
	tcase_add_test_raise_signal(t, a_claim_s_answer_without_its_size, SIGABRT);
	tcase_add_test_raise_signal(t, a_result_without_its_size, SIGABRT);
	tcase_add_test_raise_signal(t, begun_while_it_runs, SIGABRT);
	return t;
}

static Suite *suite(void)
{
	Suite *s = suite_create("plugin/op");
	TCase *t = tcase_create("operations");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, finishing_at_once_is_told_later);
	tcase_add_test(t, finishing_later);
	tcase_add_test(t, how_long_it_took);
	tcase_add_test(t, reasons_show_no_secret);
	tcase_add_test(t, an_operation_is_used_again);
	tcase_add_test(t, the_callback_may_begin_it_again);
	tcase_add_test(t, a_long_reason_is_cut);
	tcase_add_test(t, a_delivery_s_texts_are_copied);
	tcase_add_test(t, a_delivery_without_code_and_result);
	tcase_add_test(t, a_claim_s_answer_is_copied);
	tcase_add_test(t, answers_of_a_newer_plugin);
	tcase_add_test(t, cancel_asks_the_plugin_once);
	tcase_add_test(t, cancel_may_finish_it_at_once);
	tcase_add_test(t, cancel_does_nothing_when_it_is_not_running);
	tcase_add_test(t, a_source_s_operation_has_nobody_to_ask);
	tcase_add_test(t, a_limit_cancels);
	tcase_add_test(t, what_is_finished_in_time_is_not_cancelled);
	tcase_add_test(t, no_limit);
	tcase_add_test(t, a_plugin_that_ignores_cancel_is_named_in_the_log);
	suite_add_tcase(s, t);
	if (fixture_can_abort())
		suite_add_tcase(s, aborting());
	return s;
}

TEST_MAIN(suite)
