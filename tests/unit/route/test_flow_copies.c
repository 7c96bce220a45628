/* Copies of an event that come while the first one is under way, here or elsewhere. */
#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

#define COPIES 64

static const struct step later = {.later = true};
static const struct step fine = {.rc = OW_OK};
static const struct step refuse = {.rc = OW_REJECT, .why = "no"};
/* Fails the event, too, but not for good: beyond its deadline it could go well. */
static const struct step not_now = {.rc = OW_RETRY, .why = "later", .retry_after_ms = 90000};

static void start_with(int in_progress)
{
	struct rig_setup setup = rig_usual();
	setup.policy.in_progress = in_progress;
	rig_start(setup);
}

static void start_waiting(void)
{
	start_with(IN_PROGRESS_WAIT);
}

static void restart(struct rig_setup setup)
{
	rig_stop();
	rig_start(setup);
}

static void check_sent(const struct sent *s, enum ow_outcome outcome, int status)
{
	ck_assert_uint_eq(s->settled, 1);
	ck_assert_int_eq(s->outcome, outcome);
	ck_assert_int_eq(s->status, status);
}

static struct sent *sent(unsigned n)
{
	struct list *at = rig.sent.next;
	while (n-- > 0)
		at = at->next;
	return list_entry(at, struct sent, link);
}

static void emit_copies(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		rig_emit("a");
	rig_spin();
}

static int64_t waiting(void)
{
	return rig_metric("onceway_waiting", NULL, NULL);
}

/* ---- the first one is here ---- */

START_TEST(copies_at_once_are_delivered_once_and_answered_alike)
{
	struct rig_setup setup = rig_usual();
	setup.policy.respond = RESPOND_SINK;
	restart(setup);
	rig_script(CALL_DELIVER, later);
	emit_copies(COPIES);
	ck_assert_int_eq(waiting(), COPIES - 1);
	const struct ow_result answer = {.size = sizeof(answer),
	    .status = 202,
	    .content_type = {"text/plain", 10},
	    .body = {"taken", 5}};
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.result = &answer});
	rig_spin();
	for (unsigned i = 0; i < COPIES; i++) {
		check_sent(sent(i), i == 0 ? OW_DELIVERED : OW_DUPLICATE, 202);
		ck_assert(sent(i)->acknowledge);
		ck_assert_str_eq(sent(i)->body, "taken");
		ck_assert_str_eq(sent(i)->content_type, "text/plain");
	}
	ck_assert_uint_eq(rig.made[CALL_CLAIM], 1);
	ck_assert_uint_eq(rig.made[CALL_DELIVER], 1);
	ck_assert_uint_eq(rig.made[CALL_COMMIT], 1);
	ck_assert_int_eq(rig_outcomes(OW_DUPLICATE), COPIES - 1);
}
END_TEST

START_TEST(the_keyer_is_told_that_a_copy_waited)
{
	rig_script(CALL_DELIVER, later);
	emit_copies(2);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect(
	    "claim a, deliver a, commit a, settle a delivered 200, settle a duplicate 200");
	ck_assert_str_eq(
	    sent(1)->body, "duplicate waited key=a why=the sink accepted it result=");
}
END_TEST

/* Copies wait behind the commit too: they are told only what the store has. */
START_TEST(copies_wait_for_the_commit)
{
	rig_script(CALL_COMMIT, later);
	emit_copies(2);
	rig_expect("claim a, deliver a, commit a");
	rig_emit("a");
	rig_spin();
	ck_assert_int_eq(waiting(), 2);
	call_answer(rig_call(CALL_COMMIT, 0), fine);
	rig_expect("settle a delivered 200, settle a duplicate 200, settle a duplicate 200");
}
END_TEST

START_TEST(copies_of_a_finished_key_share_its_claim)
{
	rig_emit("a");
	rig_spin();
	rig_script(CALL_CLAIM, later);
	emit_copies(3);
	ck_assert_uint_eq(rig_open(CALL_CLAIM), 1);
	call_answer(rig_call(CALL_CLAIM, 0), fine);
	rig_spin();
	for (unsigned i = 1; i <= 3; i++) {
		check_sent(sent(i), OW_DUPLICATE, 200);
		ck_assert_str_eq(sent(i)->body,
		    "duplicate key=a why=it was delivered before result={\"n\":1}");
	}
}
END_TEST

START_TEST(the_first_waiter_takes_over_after_a_failure)
{
	rig_script(CALL_DELIVER, later);
	emit_copies(4);
	call_answer(rig_call(CALL_DELIVER, 0), not_now);
	rig_expect("claim a, deliver a, release a, settle a failed 502, "
		   "claim a, deliver a, commit a, settle a delivered 200, "
		   "settle a duplicate 200, settle a duplicate 200");
	check_sent(sent(0), OW_FAILED, 502);
	check_sent(sent(1), OW_DELIVERED, 200);
	check_sent(sent(2), OW_DUPLICATE, 200);
	check_sent(sent(3), OW_DUPLICATE, 200);
	ck_assert(!sent(0)->acknowledge);
	ck_assert(model_is_done("k:a"));
}
END_TEST

START_TEST(each_waiter_gets_its_own_try)
{
	for (int i = 0; i < 3; i++)
		rig_script(CALL_DELIVER, not_now);
	rig_script(CALL_CLAIM, later);
	emit_copies(3);
	call_answer(rig_call(CALL_CLAIM, 0), fine);
	rig_expect("claim a, deliver a, release a, settle a failed 502, "
		   "claim a, deliver a, release a, settle a failed 502, "
		   "claim a, deliver a, release a, settle a failed 502");
	ck_assert(!model_is_claimed("k:a"));
}
END_TEST

/* What the sink refused for good it would refuse again. */
START_TEST(a_refusal_for_good_is_every_copy_s)
{
	const enum ow_rc rcs[] = {OW_REJECT, OW_FAIL};
	const struct ow_result answer = {.size = sizeof(answer), .status = 400};
	for (int i = 0; i < 2; i++) {
		restart(rig_usual());
		rig_script(CALL_DELIVER, later);
		emit_copies(3);
		call_answer(
		    rig_call(CALL_DELIVER, 0), (struct step){.rc = rcs[i], .result = &answer});
		rig_expect("claim a, deliver a, release a, settle a failed 502, "
			   "settle a failed 502, settle a failed 502");
		for (unsigned n = 0; n < 3; n++) {
			ck_assert(!sent(n)->acknowledge);
			ck_assert_int_eq(sent(n)->result_status, 400);
		}
		rig_emit("a"); /* the vendor's retry is tried */
		rig_expect("claim a, deliver a, commit a, settle a delivered 200");
	}
}
END_TEST

/* One that comes while the taker-over is at work waits for that one. */
START_TEST(new_copies_join_whoever_took_over)
{
	rig_script(CALL_DELIVER, later);
	rig_script(CALL_DELIVER, later);
	emit_copies(2);
	call_answer(rig_call(CALL_DELIVER, 0), not_now);
	rig_spin();
	rig_emit("a");
	rig_spin();
	ck_assert_int_eq(waiting(), 1);
	ck_assert_uint_eq(rig.made[CALL_CLAIM], 2);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_spin();
	check_sent(sent(1), OW_DELIVERED, 200);
	check_sent(sent(2), OW_DUPLICATE, 200);
}
END_TEST

START_TEST(a_store_that_fails_fails_all_copies)
{
	rig_script(CALL_CLAIM, later);
	emit_copies(3);
	call_answer(rig_call(CALL_CLAIM, 0), (struct step){.rc = OW_FAIL, .why = "down"});
	rig_expect(
	    "claim a, settle a rejected 503, settle a rejected 503, settle a rejected 503");
	ck_assert_int_eq(sent(2)->retry_after_ms, 1000);
}
END_TEST

START_TEST(a_kept_failure_is_every_copy_s)
{
	struct rig_setup setup = rig_usual();
	setup.policy.on_failure = ON_FAILURE_KEEP;
	restart(setup);
	rig_script(CALL_DELIVER, later);
	emit_copies(2);
	call_answer(rig_call(CALL_DELIVER, 0), refuse);
	rig_expect("claim a, deliver a, commit a failed, settle a failed 502, "
		   "settle a duplicate 502");
	rig_emit("a");
	rig_expect("claim a, settle a duplicate 502");
	for (unsigned i = 0; i < 3; i++)
		ck_assert(!sent(i)->acknowledge);
	ck_assert_str_eq(sent(2)->body,
	    "failed key=a why=this event failed before and its key is kept result=");
}
END_TEST

/* If the store does not take it, a failure is not kept, and a copy is tried. */
START_TEST(a_failure_that_could_not_be_kept_is_taken_over)
{
	struct rig_setup setup = rig_usual();
	setup.policy.on_failure = ON_FAILURE_KEEP;
	restart(setup);
	rig_script(CALL_DELIVER, later);
	rig_script(CALL_COMMIT, (struct step){.rc = OW_REJECT});
	emit_copies(2);
	model_expire("k:a");
	call_answer(rig_call(CALL_DELIVER, 0), not_now);
	rig_expect("claim a, deliver a, commit a failed, settle a failed 502, "
		   "claim a, deliver a, commit a, settle a delivered 200");
	ck_assert_int_eq(rig_metric("onceway_lease_lost_total", NULL, NULL), 1);
}
END_TEST

START_TEST(a_copy_waits_until_its_deadline)
{
	struct rig_setup setup = rig_usual();
	setup.policy.deadline_ms = 20;
	restart(setup);
	rig_freeze();
	rig_script(CALL_DELIVER, (struct step){.later = true, .stubborn = true});
	emit_copies(2);
	rig_until(sent(1)->settled);
	check_sent(sent(1), OW_REJECTED, 409);
	ck_assert_int_eq(sent(1)->retry_after_ms, 1000);
	ck_assert_int_eq(waiting(), 0);
	rig_until(rig.cancels == 1);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_spin();
	check_sent(sent(0), OW_DELIVERED, 200);
}
END_TEST

START_TEST(in_progress_reject)
{
	rig_stop();
	start_with(IN_PROGRESS_REJECT);
	rig_script(CALL_DELIVER, later);
	emit_copies(2);
	rig_expect("claim a, settle a rejected 409, deliver a");
	ck_assert_int_eq(sent(1)->retry_after_ms, 1000);
	ck_assert(!sent(1)->acknowledge);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("commit a, settle a delivered 200");
}
END_TEST

START_TEST(in_progress_ack)
{
	rig_stop();
	start_with(IN_PROGRESS_ACK);
	rig_script(CALL_DELIVER, later);
	emit_copies(2);
	rig_expect("claim a, settle a duplicate 200, deliver a");
	ck_assert(sent(1)->acknowledge);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("commit a, settle a delivered 200");
}
END_TEST

/* Before the claim is answered nobody knows that the key is in progress: it may be finished. */
START_TEST(copies_of_a_finished_key_are_duplicates_whatever_in_progress_says)
{
	for (int policy = IN_PROGRESS_REJECT; policy <= IN_PROGRESS_ACK; policy++) {
		rig_stop();
		start_with(policy);
		rig_emit("a");
		rig_spin();
		rig_script(CALL_CLAIM, later);
		emit_copies(2);
		ck_assert_uint_eq(sent(2)->settled, 0);
		call_answer(rig_call(CALL_CLAIM, 0), fine);
		rig_spin();
		check_sent(sent(1), OW_DUPLICATE, 200);
		check_sent(sent(2), OW_DUPLICATE, 200);
	}
}
END_TEST

START_TEST(copies_of_a_claim_that_fails_are_not_acknowledged)
{
	rig_stop();
	start_with(IN_PROGRESS_ACK);
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL, .why = "down"});
	emit_copies(2);
	rig_expect("claim a, settle a rejected 503, settle a rejected 503");
}
END_TEST

START_TEST(a_copy_that_waits_for_a_claim_is_turned_away_at_its_deadline)
{
	struct rig_setup setup = rig_usual();
	setup.policy.in_progress = IN_PROGRESS_ACK;
	setup.policy.deadline_ms = 10;
	restart(setup);
	rig_freeze();
	rig_script(CALL_CLAIM, later);
	emit_copies(2);
	rig_until(sent(1)->settled);
	check_sent(sent(1), OW_REJECTED, 409);
	call_answer(rig_call(CALL_CLAIM, 0), fine);
	rig_until(sent(0)->settled);
}
END_TEST

/* ---- the first one is elsewhere ---- */

static const struct ow_result elsewhere = {.size = sizeof(elsewhere), .status = 200};

START_TEST(a_copy_of_another_process_s_event_waits_for_its_result)
{
	model_take("k:a");
	rig_emit("a");
	rig_until(rig.made[CALL_CLAIM] >= 2);
	ck_assert_int_eq(waiting(), 1);
	model_finish("k:a", &elsewhere);
	rig_until(sent(0)->settled);
	check_sent(sent(0), OW_DUPLICATE, 200);
	ck_assert_uint_eq(rig.made[CALL_DELIVER], 0);
}
END_TEST

START_TEST(a_copy_of_another_process_s_event_is_delivered_if_that_one_fails)
{
	model_take("k:a");
	rig_emit("a");
	rig_until(rig.made[CALL_CLAIM] >= 2);
	model_expire("k:a");
	rig_until(sent(0)->settled);
	check_sent(sent(0), OW_DELIVERED, 200);
	ck_assert_uint_eq(rig.made[CALL_DELIVER], 1);
	ck_assert(model_is_done("k:a"));
}
END_TEST

START_TEST(one_copy_asks_for_all)
{
	model_take("k:a");
	emit_copies(5);
	ck_assert_int_eq(waiting(), 5);
	model_finish("k:a", &elsewhere);
	rig_until(sent(4)->settled);
	for (unsigned i = 0; i < 5; i++)
		check_sent(sent(i), OW_DUPLICATE, 200);
}
END_TEST

START_TEST(whoever_asks_gives_up_at_its_deadline_and_the_next_goes_on)
{
	struct rig_setup setup = rig_usual();
	setup.policy.deadline_ms = 10000;
	restart(setup);
	rig_freeze();
	model_take("k:a");
	rig_emit("a");
	rig_until(rig.made[CALL_CLAIM] >= 1);
	clock_advance(&rig.clock, 9000);
	rig_emit("a");
	rig_spin();
	clock_advance(&rig.clock, 1000); /* the first one's deadline */
	rig_until(sent(0)->settled);
	check_sent(sent(0), OW_REJECTED, 409);
	ck_assert_uint_eq(sent(1)->settled, 0);
	model_finish("k:a", &elsewhere);
	rig_until(sent(1)->settled);
	check_sent(sent(1), OW_DUPLICATE, 200);
}
END_TEST

START_TEST(in_progress_elsewhere_reject_tells_when_to_come_again)
{
	rig_stop();
	start_with(IN_PROGRESS_REJECT);
	rig_script(
	    CALL_CLAIM, (struct step){.state = OW_CLAIM_IN_PROGRESS, .remaining_ms = 4321});
	rig_script(
	    CALL_CLAIM, (struct step){.state = OW_CLAIM_IN_PROGRESS, .remaining_ms = -1});
	rig_emit("a");
	rig_emit("b");
	rig_expect("claim a, claim b, settle a rejected 409, settle b rejected 409");
	ck_assert_int_eq(sent(0)->retry_after_ms, 4321);
	ck_assert_int_eq(sent(1)->retry_after_ms, 1000);
}
END_TEST

START_TEST(in_progress_elsewhere_ack)
{
	rig_stop();
	start_with(IN_PROGRESS_ACK);
	model_take("k:a");
	rig_emit("a");
	rig_expect("claim a, settle a duplicate 200");
	ck_assert(sent(0)->acknowledge);
}
END_TEST

/* Each claim has a token of its own: an answer to an old one must not own a new one. */
static unsigned char tokens[3][OW_TOKEN_SIZE];

static void note_token(const struct call *call, struct step *step)
{
	(void)step;
	if (call->kind == CALL_CLAIM && rig.made[CALL_CLAIM] <= 3)
		memcpy(tokens[rig.made[CALL_CLAIM] - 1], call->claim->token, OW_TOKEN_SIZE);
}

START_TEST(each_claim_has_its_own_token)
{
	rig.improvise = note_token;
	model_take("k:a");
	rig_emit("a");
	rig_until(rig.made[CALL_CLAIM] >= 3);
	ck_assert_int_ne(memcmp(tokens[0], tokens[1], OW_TOKEN_SIZE), 0);
	ck_assert_int_ne(memcmp(tokens[1], tokens[2], OW_TOKEN_SIZE), 0);
	model_finish("k:a", &elsewhere);
	rig_until(sent(0)->settled);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/flow, copies");
	TCase *t = tcase_create("copies");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start_waiting, rig_stop);
	tcase_add_test(t, copies_at_once_are_delivered_once_and_answered_alike);
	tcase_add_test(t, the_keyer_is_told_that_a_copy_waited);
	tcase_add_test(t, copies_wait_for_the_commit);
	tcase_add_test(t, copies_of_a_finished_key_share_its_claim);
	tcase_add_test(t, the_first_waiter_takes_over_after_a_failure);
	tcase_add_test(t, each_waiter_gets_its_own_try);
	tcase_add_test(t, a_refusal_for_good_is_every_copy_s);
	tcase_add_test(t, new_copies_join_whoever_took_over);
	tcase_add_test(t, a_store_that_fails_fails_all_copies);
	tcase_add_test(t, a_kept_failure_is_every_copy_s);
	tcase_add_test(t, a_failure_that_could_not_be_kept_is_taken_over);
	tcase_add_test(t, a_copy_waits_until_its_deadline);
	tcase_add_test(t, in_progress_reject);
	tcase_add_test(t, in_progress_ack);
	tcase_add_test(t, copies_of_a_finished_key_are_duplicates_whatever_in_progress_says);
	tcase_add_test(t, copies_of_a_claim_that_fails_are_not_acknowledged);
	tcase_add_test(t, a_copy_that_waits_for_a_claim_is_turned_away_at_its_deadline);
	tcase_add_test(t, a_copy_of_another_process_s_event_waits_for_its_result);
	tcase_add_test(t, a_copy_of_another_process_s_event_is_delivered_if_that_one_fails);
	tcase_add_test(t, one_copy_asks_for_all);
	tcase_add_test(t, whoever_asks_gives_up_at_its_deadline_and_the_next_goes_on);
	tcase_add_test(t, in_progress_elsewhere_reject_tells_when_to_come_again);
	tcase_add_test(t, in_progress_elsewhere_ack);
	tcase_add_test(t, each_claim_has_its_own_token);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
