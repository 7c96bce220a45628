/* What fails: the sink, the store, the time. */
#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step fine = {.rc = OW_OK};
static const struct step again = {.rc = OW_RETRY, .why = "try again", .code = "503"};

static void start_usual(void)
{
	rig_start(rig_usual());
}

static void restart(struct rig_setup setup)
{
	rig_stop();
	rig_start(setup);
}

static struct sent *emit_and_wait(void)
{
	struct sent *s = rig_emit("a");
	rig_until(s->settled);
	return s;
}

static int64_t store_errors(void)
{
	return rig_metric("onceway_store_errors_total", NULL, NULL);
}

/* ---- the sink ---- */

START_TEST(retry_and_unknown_are_tried_again)
{
	rig_script(CALL_DELIVER, again);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_UNKNOWN, .code = "timeout"});
	struct sent *s = emit_and_wait();
	rig_expect("claim a, deliver a, deliver a #2, deliver a #3, commit a, "
		   "settle a delivered 200");
	ck_assert(s->acknowledge);
	ck_assert_int_eq(rig_metric("onceway_sink_attempts_total", "code", "503"), 1);
	ck_assert_int_eq(rig_metric("onceway_sink_attempts_total", "code", "timeout"), 1);
	ck_assert_int_eq(rig_metric("onceway_sink_attempts_total", "code", "200"), 1);
	ck_assert_int_eq(rig_metric("onceway_delivery_seconds", NULL, NULL), 3);
}
END_TEST

START_TEST(reject_and_fail_are_final)
{
	const enum ow_rc final[] = {OW_REJECT, OW_FAIL};
	for (int i = 0; i < 2; i++) {
		rig_script(CALL_DELIVER, (struct step){.rc = final[i], .why = "secret place"});
		struct sent *s = emit_and_wait();
		rig_expect("claim a, deliver a, release a, settle a failed 502");
		ck_assert(!s->acknowledge);
		ck_assert_str_eq(s->why, "the sink did not accept it");
		ck_assert_str_eq(s->body, "failed key=a why=the sink did not accept it");
	}
	ck_assert_int_eq(rig_outcomes(OW_FAILED), 2);
}
END_TEST

START_TEST(a_failed_event_is_delivered_when_it_comes_again)
{
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT});
	emit_and_wait();
	emit_and_wait();
	rig_expect("claim a, deliver a, release a, settle a failed 502, "
		   "claim a, deliver a, commit a, settle a delivered 200");
}
END_TEST

START_TEST(attempts_are_limited)
{
	const struct ow_result broken = {.size = sizeof(broken), .status = 500};
	for (int i = 0; i < 5; i++)
		rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .result = &broken});
	struct sent *s = emit_and_wait();
	rig_expect("claim a, deliver a, deliver a #2, deliver a #3, deliver a #4, "
		   "deliver a #5, release a, settle a failed 502");
	ck_assert_str_eq(s->why, "the sink answered 500");
	ck_assert_int_eq(s->result_status, 500);
}
END_TEST

/* The answer of an attempt that is not the last one is not the event's. */
START_TEST(only_the_last_answer_counts)
{
	const struct ow_result broken = {.size = sizeof(broken), .status = 500};
	struct rig_setup setup = rig_usual();
	setup.retry.attempts = 2;
	restart(setup);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .result = &broken});
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .why = "connect"});
	struct sent *s = emit_and_wait();
	ck_assert_str_eq(s->why, "the sink did not accept it");
	ck_assert_int_eq(s->result_status, -1);
}
END_TEST

START_TEST(retry_after_is_the_least_wait)
{
	int64_t before = clock_mono(&rig.clock);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .retry_after_ms = 40});
	emit_and_wait();
	ck_assert_int_ge(clock_mono(&rig.clock) - before, 40);
	rig_expect("claim a, deliver a, deliver a #2, commit a, settle a delivered 200");
}
END_TEST

START_TEST(retry_after_beyond_the_deadline_fails_at_once)
{
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .retry_after_ms = 90000});
	struct sent *s = rig_emit("a");
	rig_expect("claim a, deliver a, release a, settle a failed 502");
	ck_assert_int_eq(s->retry_after_ms, 90000);
}
END_TEST

START_TEST(a_busy_sink_is_overload)
{
	struct rig_setup setup = rig_usual();
	setup.retry.attempts = 1;
	restart(setup);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .busy = true, .code = "busy"});
	struct sent *s = rig_emit("a");
	rig_expect("claim a, deliver a, release a, settle a failed 503");
	ck_assert_int_eq(s->retry_after_ms, 1000);
	ck_assert_str_eq(s->why, "the sink is busy");
}
END_TEST

START_TEST(a_delivery_that_hangs_is_cancelled_at_the_deadline)
{
	struct rig_setup setup = rig_usual();
	setup.policy.deadline_ms = 20;
	restart(setup);
	rig_freeze();
	rig_script(CALL_DELIVER, (struct step){.later = true, .advance_ms = 20});
	struct sent *s = emit_and_wait();
	rig_expect("claim a, deliver a, cancel deliver, release a, settle a failed 504");
	ck_assert_str_eq(s->why, "the sink did not answer in time");
	ck_assert(!model_is_claimed("k:a"));
}
END_TEST

START_TEST(a_source_that_cannot_wait_as_long_as_the_route_sets_the_limit)
{
	rig_freeze();
	rig.limit_ms = 20;
	rig_script(CALL_DELIVER, (struct step){.later = true, .advance_ms = 20});
	emit_and_wait();
	rig_expect("claim a, deliver a, cancel deliver, release a, settle a failed 504");
}
END_TEST

/* Only the plugin knows when it no longer uses the event: the core waits for it. */
START_TEST(a_cancelled_delivery_is_waited_for)
{
	struct rig_setup setup = rig_usual();
	setup.policy.deadline_ms = 10;
	restart(setup);
	rig_freeze();
	rig_script(CALL_DELIVER, (struct step){.later = true, .stubborn = true});
	struct sent *s = rig_emit("a");
	rig_until(rig.cancels == 1);
	rig_expect("claim a, deliver a, cancel deliver");
	ck_assert_uint_eq(s->settled, 0);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("commit a, settle a delivered 200");
}
END_TEST

START_TEST(an_attempt_has_a_limit_of_its_own)
{
	struct rig_setup setup = rig_usual();
	setup.retry.attempt_ms = 10;
	restart(setup);
	rig_script(CALL_DELIVER, later);
	struct sent *s = emit_and_wait();
	rig_expect("claim a, deliver a, cancel deliver, deliver a #2, commit a, "
		   "settle a delivered 200");
	ck_assert(s->acknowledge);
}
END_TEST

START_TEST(nothing_starts_past_the_deadline)
{
	rig_freeze();
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .retry_after_ms = 30});
	struct sent *s = rig_emit("a");
	rig_until(rig.made[CALL_DELIVER] == 1);
	rig_turn(); /* the answer is taken, the wait begins */
	clock_advance(&rig.clock, 61000);
	rig_until(s->settled);
	rig_expect("claim a, deliver a, release a, settle a failed 504");
}
END_TEST

START_TEST(a_claim_that_comes_too_late_is_given_back)
{
	for (int keep = 0; keep < 2; keep++) {
		struct rig_setup setup = rig_usual();
		setup.policy.on_failure = keep ? ON_FAILURE_KEEP : ON_FAILURE_RELEASE;
		restart(setup);
		rig_script(CALL_CLAIM, (struct step){.advance_ms = 61000});
		struct sent *s = rig_emit("a");
		rig_expect("claim a, release a, settle a failed 504");
		ck_assert_str_eq(s->why, "there was no time left for it");
	}
}
END_TEST

/* ---- on_failure: keep ---- */

START_TEST(keep_remembers_the_failure)
{
	struct rig_setup setup = rig_usual();
	setup.policy.on_failure = ON_FAILURE_KEEP;
	restart(setup);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT});
	struct sent *first = emit_and_wait();
	struct sent *second = emit_and_wait();
	rig_expect("claim a, deliver a, commit a failed, settle a failed 502, "
		   "claim a, settle a duplicate 502");
	ck_assert(!first->acknowledge && !second->acknowledge);
}
END_TEST

START_TEST(keep_does_not_keep_what_was_told_to_come_again)
{
	struct rig_setup setup = rig_usual();
	setup.policy.on_failure = ON_FAILURE_KEEP;
	setup.retry.attempts = 1;
	restart(setup);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .busy = true});
	emit_and_wait();
	rig_expect("claim a, deliver a, release a, settle a failed 503");
}
END_TEST

/* ---- the store ---- */

START_TEST(a_store_that_cannot_claim_is_503)
{
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL, .why = "down"});
	struct sent *s = rig_emit("a");
	rig_expect("claim a, settle a rejected 503");
	ck_assert_int_eq(s->retry_after_ms, 1000);
	ck_assert_str_eq(s->why, "the store cannot take its key");
	ck_assert_str_eq(s->body, "rejected store key=a why=the store cannot take its key");
	ck_assert_int_eq(store_errors(), 1);
}
END_TEST

START_TEST(a_claim_state_that_does_not_exist_is_503)
{
	rig_script(CALL_CLAIM, (struct step){.state = (enum ow_claim_state)99});
	rig_emit("a");
	rig_expect("claim a, settle a rejected 503");
	ck_assert_int_eq(store_errors(), 1);
}
END_TEST

static const struct step down = {.rc = OW_FAIL, .why = "down"};

/* The source waits meanwhile, and so do copies. */
START_TEST(a_commit_that_fails_is_tried_again)
{
	rig_script(CALL_COMMIT, down);
	rig_script(CALL_COMMIT, down);
	struct sent *s = rig_emit("a"), *copy = rig_emit("a");
	rig_until(rig.made[CALL_COMMIT] == 2);
	ck_assert_uint_eq(s->settled + copy->settled, 0);
	rig_until(s->settled);
	rig_expect("claim a, deliver a, commit a, commit a, commit a, settle a delivered 200, "
		   "settle a duplicate 200");
	ck_assert(s->acknowledge);
	ck_assert(model_is_done("k:a"));
	ck_assert_int_eq(store_errors(), 2);
	ck_assert_int_eq(rig_metric("onceway_lease_lost_total", NULL, NULL), 0);
}
END_TEST

/* The sink has it: whatever the store says, it must not come again. */
START_TEST(what_cannot_be_committed_until_the_deadline_is_still_acknowledged)
{
	rig_freeze();
	rig_script(CALL_COMMIT, down);
	rig_script(CALL_COMMIT, down);
	rig_script(
	    CALL_COMMIT, (struct step){.rc = OW_FAIL, .why = "down", .advance_ms = 60000});
	struct sent *s = emit_and_wait();
	rig_expect("claim a, deliver a, commit a, commit a, commit a, settle a delivered 200");
	ck_assert(s->acknowledge);
	ck_assert_int_eq(store_errors(), 3);
	model_expire("k:a");
}
END_TEST

START_TEST(a_commit_past_the_deadline_is_tried_once_more)
{
	rig_freeze();
	rig_script(
	    CALL_COMMIT, (struct step){.rc = OW_FAIL, .why = "down", .advance_ms = 60000});
	emit_and_wait();
	rig_expect("claim a, deliver a, commit a, commit a, settle a delivered 200");
	ck_assert(model_is_done("k:a"));
	rig_script(
	    CALL_COMMIT, (struct step){.rc = OW_FAIL, .why = "down", .advance_ms = 60000});
	rig_script(CALL_COMMIT, down);
	struct sent *s = rig_emit("b");
	rig_until(s->settled);
	rig_expect("claim b, deliver b, commit b, commit b, settle b delivered 200");
}
END_TEST

/* Only FAIL means that it may work later. */
START_TEST(a_commit_is_retried_under_its_lease)
{
	struct rig_setup setup = rig_usual();
	setup.policy.lock_ms = 30;
	restart(setup);
	rig_script(CALL_COMMIT, down);
	rig_script(CALL_COMMIT, later);
	struct sent *s = rig_emit("a");
	rig_until(rig.made[CALL_COMMIT] == 2);
	unsigned renewed = rig.made[CALL_RENEW];
	rig_until(rig.made[CALL_RENEW] >= renewed + 2);
	ck_assert_uint_eq(s->settled, 0);
	call_answer(rig_call(CALL_COMMIT, 0), fine);
	rig_until(s->settled);
	ck_assert(model_is_done("k:a"));
}
END_TEST

START_TEST(a_failure_to_be_kept_is_committed_again_too)
{
	struct rig_setup setup = rig_usual();
	setup.policy.on_failure = ON_FAILURE_KEEP;
	restart(setup);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT});
	rig_script(CALL_COMMIT, down);
	emit_and_wait();
	rig_expect("claim a, deliver a, commit a failed, commit a failed, settle a failed 502");
	ck_assert(model_is_done("k:a"));
}
END_TEST

START_TEST(an_abort_ends_the_waits_of_a_commit)
{
	rig_script(CALL_COMMIT, down);
	struct sent *s = rig_emit("a");
	rig_until(store_errors() == 1);
	/* On a machine that slow the next one may be under way by now. */
	bool waits = rig.made[CALL_COMMIT] == 1;
	engine_abort(rig.engine);
	rig_until(s->settled);
	if (waits)
		rig_expect("claim a, deliver a, commit a, settle a delivered 200");
	ck_assert_int_eq(s->outcome, OW_DELIVERED);
	ck_assert(s->acknowledge);
}
END_TEST

START_TEST(a_commit_that_is_refused_is_a_lost_lease)
{
	rig_script(CALL_DELIVER, later);
	struct sent *s = rig_emit("a");
	rig_spin();
	model_take("k:a"); /* somebody else's now */
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_expect("claim a, deliver a, commit a, settle a delivered 200");
	ck_assert(s->acknowledge);
	ck_assert_int_eq(rig_metric("onceway_lease_lost_total", NULL, NULL), 1);
	ck_assert_int_eq(store_errors(), 0);
	ck_assert(model_is_claimed("k:a"));
}
END_TEST

START_TEST(a_release_that_is_refused_is_a_lost_lease)
{
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	model_take("k:a");
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_REJECT});
	rig_expect("claim a, deliver a, release a, settle a failed 502");
	ck_assert_int_eq(rig_metric("onceway_lease_lost_total", NULL, NULL), 1);
	ck_assert(model_is_claimed("k:a"));
}
END_TEST

START_TEST(a_release_that_fails_is_counted)
{
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT});
	rig_script(CALL_RELEASE, (struct step){.rc = OW_FAIL, .why = "down"});
	rig_emit("a");
	rig_expect("claim a, deliver a, release a, settle a failed 502");
	ck_assert_int_eq(store_errors(), 1);
}
END_TEST

/* ---- Retry-After ---- */

/* Each brings about one 503 or 409; the rig refuses any that does not say when to come again.
 */

static void beyond_max_inflight(void)
{
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL});
	rig_emit("b");
	rig_emit("a");
	rig_emit("a"); /* one too many */
}

static void store_down(void)
{
	rig_script(CALL_CLAIM, down);
	rig_emit("a");
}

static void store_too_slow(void)
{
	rig_script(CALL_CLAIM, (struct step){.later = true});
	rig_emit("a");
	rig_spin();
	op_cancel(rig_call(CALL_CLAIM, 0)->op);
}

static void sink_busy(void)
{
	for (int i = 0; i < 5; i++)
		rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .busy = true});
	rig_emit("a");
}

static void ends_while(enum call_kind kind)
{
	rig_script(kind, later);
	rig_emit("a");
	rig_emit("a"); /* waits */
	rig_spin();
	engine_abort(rig.engine);
}

static void ends_while_claiming(void)
{
	ends_while(CALL_CLAIM);
}

static void ends_while_delivering(void)
{
	ends_while(CALL_DELIVER);
}

static void ends_before_it_begins(void)
{
	rig_emit("a");
	engine_abort(rig.engine);
}

static void ends_while_polling(void)
{
	model_take("k:a");
	rig_emit("a");
	rig_until(rig_metric("onceway_waiting", NULL, NULL) == 1);
	engine_abort(rig.engine);
}

static void ends_while_backing_off(void)
{
	rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY, .retry_after_ms = 50000});
	rig_emit("a");
	rig_spin();
	engine_abort(rig.engine);
}

static void waits_until_its_deadline(void)
{
	rig_script(CALL_DELIVER, (struct step){.later = true, .stubborn = true});
	rig_emit("a");
	rig_emit("a");
	rig_until(rig_outcomes(OW_REJECTED) == 1);
	rig_until(rig.cancels == 1);
	call_answer(rig_call(CALL_DELIVER, 0), fine);
}

static void asks_until_its_deadline(void)
{
	model_take("k:a");
	rig_emit("a");
}

static void is_rejected_behind(void)
{
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	rig_spin();
	rig_emit("a");
	rig_spin();
	call_answer(rig_call(CALL_DELIVER, 0), fine);
}

static void is_rejected_elsewhere(void)
{
	rig_script(
	    CALL_CLAIM, (struct step){.state = OW_CLAIM_IN_PROGRESS, .remaining_ms = -1});
	rig_emit("a");
}

static const struct {
	void (*happen)(void);
	int status;
	int in_progress;
	int64_t deadline_ms, max_inflight; /* 0: the usual */
} comes_again[] = {
    {beyond_max_inflight, 503, IN_PROGRESS_WAIT, 0, 2},
    {store_down, 503, IN_PROGRESS_WAIT, 0, 0},
    {store_too_slow, 503, IN_PROGRESS_WAIT, 0, 0},
    {sink_busy, 503, IN_PROGRESS_WAIT, 0, 0},
    {ends_before_it_begins, 503, IN_PROGRESS_WAIT, 0, 0},
    {ends_while_claiming, 503, IN_PROGRESS_WAIT, 0, 0},
    {ends_while_delivering, 503, IN_PROGRESS_WAIT, 0, 0},
    {ends_while_polling, 503, IN_PROGRESS_WAIT, 0, 0},
    {ends_while_backing_off, 503, IN_PROGRESS_WAIT, 0, 0},
    {waits_until_its_deadline, 409, IN_PROGRESS_WAIT, 20, 0},
    {asks_until_its_deadline, 409, IN_PROGRESS_WAIT, 30, 0},
    {is_rejected_behind, 409, IN_PROGRESS_REJECT, 0, 0},
    {is_rejected_elsewhere, 409, IN_PROGRESS_REJECT, 0, 0},
};

START_TEST(every_503_and_409_says_when_to_come_again)
{
	struct rig_setup setup = rig_usual();
	setup.policy.in_progress = comes_again[_i].in_progress;
	if (comes_again[_i].deadline_ms)
		setup.policy.deadline_ms = comes_again[_i].deadline_ms;
	if (comes_again[_i].max_inflight)
		setup.policy.max_inflight = comes_again[_i].max_inflight;
	restart(setup);
	comes_again[_i].happen();
	rig_until(engine_unsettled(rig.engine) == 0);
	unsigned found = 0;
	list_each(&rig.sent, link)
	{
		const struct sent *s = list_entry(link, struct sent, link);
		found += s->status == comes_again[_i].status && s->retry_after_ms > 0;
	}
	ck_assert_uint_ge(found, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/flow, failures");
	TCase *t = tcase_create("failures");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start_usual, rig_stop);
	tcase_add_test(t, retry_and_unknown_are_tried_again);
	tcase_add_test(t, reject_and_fail_are_final);
	tcase_add_test(t, a_failed_event_is_delivered_when_it_comes_again);
	tcase_add_test(t, attempts_are_limited);
	tcase_add_test(t, only_the_last_answer_counts);
	tcase_add_test(t, retry_after_is_the_least_wait);
	tcase_add_test(t, retry_after_beyond_the_deadline_fails_at_once);
	tcase_add_test(t, a_busy_sink_is_overload);
	tcase_add_test(t, a_delivery_that_hangs_is_cancelled_at_the_deadline);
	tcase_add_test(t, a_cancelled_delivery_is_waited_for);
	tcase_add_test(t, a_source_that_cannot_wait_as_long_as_the_route_sets_the_limit);
	tcase_add_test(t, an_attempt_has_a_limit_of_its_own);
	tcase_add_test(t, nothing_starts_past_the_deadline);
	tcase_add_test(t, a_claim_that_comes_too_late_is_given_back);
	tcase_add_test(t, keep_remembers_the_failure);
	tcase_add_test(t, keep_does_not_keep_what_was_told_to_come_again);
	tcase_add_test(t, a_store_that_cannot_claim_is_503);
	tcase_add_test(t, a_claim_state_that_does_not_exist_is_503);
	tcase_add_test(t, a_commit_that_fails_is_tried_again);
	tcase_add_test(t, what_cannot_be_committed_until_the_deadline_is_still_acknowledged);
	tcase_add_test(t, a_commit_past_the_deadline_is_tried_once_more);
	tcase_add_test(t, a_commit_is_retried_under_its_lease);
	tcase_add_test(t, a_failure_to_be_kept_is_committed_again_too);
	tcase_add_test(t, an_abort_ends_the_waits_of_a_commit);
	tcase_add_test(t, a_commit_that_is_refused_is_a_lost_lease);
	tcase_add_test(t, a_release_that_is_refused_is_a_lost_lease);
	tcase_add_test(t, a_release_that_fails_is_counted);
	tcase_add_loop_test(t, every_503_and_409_says_when_to_come_again, 0,
	    sizeof(comes_again) / sizeof(comes_again[0]));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
