/* on_missing, on_mismatch, window_mode and observe. */
#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static const struct step later = {.later = true};
static const struct step fine = {.rc = OW_OK};
static const struct step down = {.rc = OW_FAIL, .why = "down"};
static const char no_key[] = "{\"no\":\"id\"}";

static struct rig_setup setup;

static void start(void)
{
	setup = rig_usual();
	rig_start(setup);
}

/* With what the test has put into setup. */
static void restart(void)
{
	rig_stop();
	rig_start(setup);
}

static struct sent *sent(unsigned n)
{
	struct list *at = rig.sent.next;
	while (n-- > 0)
		at = at->next;
	return list_entry(at, struct sent, link);
}

static int64_t observed(enum ow_outcome outcome)
{
	return rig_metric("onceway_observed_total", "outcome", outcome_name(outcome));
}

/* ---- on_missing ---- */

START_TEST(an_event_that_lacks_what_the_key_needs_is_rejected)
{
	struct sent *s = rig_emit_body(no_key);
	rig_expect("settle {\"no\":\"id\"} missing_key 422");
	ck_assert(!s->acknowledge);
	ck_assert_str_eq(s->body, "invalid key= why=id is missing field=id");
	ck_assert_int_eq(rig_outcomes(OW_MISSING_KEY), 1);
	ck_assert_int_eq(rig_outcomes(OW_INVALID), 0);
}
END_TEST

START_TEST(an_event_that_lacks_what_the_key_needs_is_passed)
{
	setup.policy.on_missing = ON_MISSING_PASS;
	restart();
	rig_emit_body(no_key);
	struct sent *s = rig_emit_body(no_key);
	rig_expect("deliver -, deliver -, settle {\"no\":\"id\"} passed 200, "
		   "settle {\"no\":\"id\"} passed 200");
	ck_assert(s->acknowledge);
	ck_assert_str_eq(
	    s->body, "delivered key= why=the sink accepted it result={\"n\":1} field=id");
	ck_assert_int_eq(rig_outcomes(OW_PASSED), 2);
	/* Only what is missing: the rest is as invalid as ever. */
	rig_emit_body("{\"id\":7}");
	rig_emit_body("{");
	rig_expect("settle {\"id\":7} invalid 422, settle { invalid 422");
}
END_TEST

START_TEST(what_is_passed_is_retried_and_fails_like_any_other)
{
	setup.policy.on_missing = ON_MISSING_PASS;
	setup.policy.on_failure = ON_FAILURE_KEEP;
	setup.retry.attempts = 2;
	restart();
	for (int i = 0; i < 2; i++)
		rig_script(CALL_DELIVER, (struct step){.rc = OW_RETRY});
	struct sent *s = rig_emit_body(no_key);
	rig_until(s->settled);
	rig_expect("deliver -, deliver - #2, settle {\"no\":\"id\"} failed 502");
	ck_assert(!s->acknowledge);
}
END_TEST

START_TEST(what_is_passed_is_aborted_like_any_other)
{
	setup.policy.on_missing = ON_MISSING_PASS;
	restart();
	rig_script(CALL_DELIVER, later);
	struct sent *s = rig_emit_body(no_key);
	rig_spin();
	engine_abort(rig.engine);
	rig_spin();
	ck_assert_int_eq(s->outcome, OW_REJECTED);
	ck_assert_int_eq(s->retry_after_ms, 1000);
}
END_TEST

/* ---- what its source wants delivered again ---- */

START_TEST(a_repetition_is_delivered_without_dedup)
{
	rig_emit("a");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200");
	rig.repeats = true;
	struct sent *s = rig_emit("a");
	rig_emit("a");
	rig_expect("deliver -, deliver -, settle a passed 200, settle a passed 200");
	rig.repeats = false;
	rig_emit("a");
	rig_expect("claim a, settle a duplicate 200");
	ck_assert(s->acknowledge);
	ck_assert_str_eq(s->body, "delivered key=a why=the sink accepted it result={\"n\":1}");
}
END_TEST

/* What is malformed the first time is so the second time; and no more than fit are taken. */
START_TEST(a_repetition_is_judged_like_any_other)
{
	setup.policy.max_inflight = 1;
	restart();
	rig.repeats = true;
	rig_emit_body("{");
	rig_expect("settle { invalid 422");
	rig_script(CALL_DELIVER, later);
	rig_emit("a");
	struct sent *s = rig_emit("b");
	rig_expect("deliver -, settle b rejected 503");
	ck_assert(!s->acknowledge);
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_REJECT});
	rig_spin();
	rig_expect("settle a failed 502");
}
END_TEST

/* ---- on_mismatch ---- */

START_TEST(payloads_are_not_looked_at_unless_wanted)
{
	rig_emit_with("a", "1"); /* the rig checks that the claim has no digest */
	rig_emit_with("a", "2");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200, "
		   "settle a duplicate 200");
}
END_TEST

START_TEST(the_digest_is_the_sha_256_of_the_body)
{
	/* printf '{"id":"a"}' | sha256sum */
	static const unsigned char expected[OW_DIGEST_SIZE] = {0x84, 0x89, 0xa5, 0xde, 0xb4,
	    0x54, 0xa3, 0x60, 0x34, 0x5c, 0x78, 0x68, 0xbc, 0xa8, 0x67, 0x2d, 0xe9, 0x2b, 0x44,
	    0x6c, 0xaf, 0x3d, 0x3b, 0x01, 0x4a, 0xf6, 0xa5, 0x6e, 0x3d, 0x54, 0x9d, 0x30};
	setup.policy.on_mismatch = ON_MISMATCH_REJECT;
	restart();
	rig_script(CALL_CLAIM, later);
	rig_emit("a");
	rig_spin();
	struct call *claim = rig_call(CALL_CLAIM, 0);
	ck_assert_mem_eq(claim->claim->digest, expected, OW_DIGEST_SIZE);
	call_answer(claim, fine);
	rig_expect("claim a, deliver a, commit a, settle a delivered 200");
}
END_TEST

START_TEST(another_payload_under_a_known_key_is_rejected)
{
	setup.policy.on_mismatch = ON_MISMATCH_REJECT;
	restart();
	rig_emit_with("a", "1");
	rig_spin();
	struct sent *other = rig_emit_with("a", "2");
	rig_spin();
	rig_emit_with("a", "1");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200, "
		   "claim a, settle a mismatch 422, claim a, settle a duplicate 200");
	ck_assert(!other->acknowledge);
	ck_assert_int_eq(other->retry_after_ms, 0);
	ck_assert_str_eq(
	    other->body, "rejected key=a why=its key is known with another payload");
}
END_TEST

START_TEST(another_payload_under_a_known_key_is_passed)
{
	setup.policy.on_mismatch = ON_MISMATCH_PASS;
	restart();
	rig_emit_with("a", "1");
	rig_spin();
	struct sent *other = rig_emit_with("a", "2");
	rig_spin();
	rig_emit_with("a", "1"); /* the key is what it was */
	/* Without a key: the sink would take it for a copy of what it has. */
	rig_expect("claim a, deliver a, commit a, settle a delivered 200, "
		   "claim a, deliver -, settle a passed 200, claim a, settle a duplicate 200");
	ck_assert(other->acknowledge);
}
END_TEST

START_TEST(a_store_that_knows_no_digest_knows_no_mismatch)
{
	setup.policy.on_mismatch = ON_MISMATCH_REJECT;
	restart();
	rig_script(CALL_CLAIM, (struct step){.state = OW_CLAIM_DONE});
	rig_emit_with("a", "1");
	rig_expect("claim a, settle a duplicate 200");
}
END_TEST

/* Those that wait on this worker are compared with the one they wait for. */
START_TEST(waiting_copies_are_judged_one_by_one)
{
	for (int pass = 0; pass < 2; pass++) {
		setup.policy.on_mismatch = pass ? ON_MISMATCH_PASS : ON_MISMATCH_REJECT;
		restart();
		rig_script(CALL_DELIVER, later);
		rig_emit_with("a", "1");
		rig_emit_with("a", "2");
		rig_emit_with("a", "1");
		rig_expect("claim a, deliver a");
		call_answer(rig_call(CALL_DELIVER, 0), fine);
		if (pass)
			rig_expect("commit a, settle a delivered 200, deliver -, "
				   "settle a duplicate 200, settle a passed 200");
		else
			rig_expect("commit a, settle a delivered 200, settle a mismatch 422, "
				   "settle a duplicate 200");
	}
}
END_TEST

/* The one that asked is another payload itself; those behind it may be true copies. */
START_TEST(copies_behind_a_mismatch_are_judged_one_by_one)
{
	for (int pass = 0; pass < 2; pass++) {
		setup.policy.on_mismatch = pass ? ON_MISMATCH_PASS : ON_MISMATCH_REJECT;
		restart();
		rig_emit_with("a", "1");
		rig_expect("claim a, deliver a, commit a, settle a delivered 200");
		rig_script(CALL_CLAIM, later);
		rig_emit_with("a", "2");
		rig_emit_with("a", "1");
		rig_emit_with("a", "2");
		rig_expect("claim a");
		call_answer(rig_call(CALL_CLAIM, 0), fine);
		if (pass)
			rig_expect("settle a duplicate 200, deliver -, deliver -, "
				   "settle a passed 200, settle a passed 200");
		else
			rig_expect("settle a duplicate 200, settle a mismatch 422, "
				   "settle a mismatch 422");
		rig_emit_with("a", "1"); /* nobody holds the key any more */
		rig_expect("claim a, settle a duplicate 200");
	}
}
END_TEST

/* A sink that refused one payload may take another one. */
START_TEST(a_refusal_for_good_is_not_another_payload_s)
{
	setup.policy.on_mismatch = ON_MISMATCH_REJECT;
	restart();
	rig_script(CALL_DELIVER, later);
	rig_emit_with("a", "1");
	rig_emit_with("a", "2");
	rig_emit_with("a", "1");
	rig_spin();
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_REJECT});
	rig_expect("claim a, deliver a, release a, settle a failed 502, settle a failed 502, "
		   "claim a, deliver a, commit a, settle a delivered 200");
	ck_assert_int_eq(sent(1)->outcome, OW_DELIVERED);
}
END_TEST

/* ---- window_mode: the rig compares each claim with the policy ---- */

START_TEST(a_sliding_window_is_asked_for)
{
	setup.policy.window_mode = WINDOW_SLIDING;
	restart();
	rig_emit("a");
	rig_spin();
	rig_emit("a");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200, "
		   "claim a, settle a duplicate 200");
}
END_TEST

/* ---- observe ---- */

static void observe(void)
{
	setup.policy.observe = true;
	restart();
}

START_TEST(a_dry_run_delivers_duplicates)
{
	observe();
	rig_emit("a");
	rig_spin();
	struct sent *s = rig_emit("a");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200, "
		   "claim a, deliver -, settle a passed 200");
	ck_assert(s->acknowledge);
	ck_assert_str_eq(s->body, "delivered key=a why=the sink accepted it result={\"n\":1}");
	ck_assert_int_eq(observed(OW_DUPLICATE), 1);
	ck_assert_int_eq(rig_outcomes(OW_PASSED), 1);
	ck_assert_int_eq(rig_outcomes(OW_DUPLICATE), 0);
}
END_TEST

START_TEST(a_dry_run_delivers_what_is_invalid)
{
	static const char broken[] = "{\"id\"";
	observe();
	rig_emit_body(no_key);
	rig_emit_body("{\"id\":7}");
	struct sent *s = rig_emit_body(broken);
	rig_expect("deliver -, deliver -, deliver -, settle {\"no\":\"id\"} passed 200, "
		   "settle {\"id\":7} passed 200, settle {\"id\" passed 200");
	ck_assert_int_eq(observed(OW_MISSING_KEY), 1);
	ck_assert_int_eq(observed(OW_INVALID), 2);
	ck_assert_str_eq(s->body, "{\"status\":\"delivered\"}");
	ck_assert_str_eq(
	    sent(1)->body, "delivered key= why=the sink accepted it result={\"n\":1}");
}
END_TEST

START_TEST(a_dry_run_waits_for_nobody)
{
	for (int policy = IN_PROGRESS_WAIT; policy <= IN_PROGRESS_ACK; policy++) {
		bool reject = policy == IN_PROGRESS_REJECT;
		setup.policy.in_progress = policy;
		observe();
		rig_script(CALL_DELIVER, fine);
		rig_script(CALL_DELIVER, later);
		rig_emit("a");
		rig_emit("a");
		rig_expect("claim a, deliver -, deliver a, settle a passed 200");
		call_answer(rig_call(CALL_DELIVER, 0), fine);
		rig_expect("commit a, settle a delivered 200");
		model_take("k:b"); /* elsewhere */
		rig_emit("b");
		rig_expect("claim b, deliver -, settle b passed 200");
		ck_assert_int_eq(observed(reject ? OW_REJECTED : OW_DUPLICATE), 2);
	}
}
END_TEST

START_TEST(a_dry_run_delivers_other_payloads)
{
	setup.policy.on_mismatch = ON_MISMATCH_REJECT;
	observe();
	rig_script(CALL_DELIVER, fine);
	rig_script(CALL_DELIVER, later);
	rig_emit_with("a", "1");
	rig_emit_with("a", "2");
	rig_spin();
	call_answer(rig_call(CALL_DELIVER, 0), fine);
	rig_spin();
	rig_emit_with("a", "2");
	rig_expect("claim a, deliver -, deliver a, settle a passed 200, commit a, "
		   "settle a delivered 200, claim a, deliver -, settle a passed 200");
	ck_assert_int_eq(observed(OW_MISMATCH), 2);
}
END_TEST

START_TEST(a_dry_run_delivers_without_a_store)
{
	observe();
	rig_script(CALL_CLAIM, down);
	rig_emit("a");
	rig_expect("claim a, deliver a, settle a passed 200");
	ck_assert_int_eq(observed(OW_REJECTED), 1);
	rig_stop();
	setup.policy.on_store_error = ON_STORE_ERROR_PASS;
	rig_start(setup);
	rig_script(CALL_CLAIM, down);
	rig_emit("a");
	rig_expect("claim a, deliver a, settle a passed 200");
	ck_assert_int_eq(observed(OW_REJECTED), 0); /* it would have been delivered */
}
END_TEST

/* Routes that share a store: copies of a real one, behind a dry run, ask for themselves. */
START_TEST(those_behind_a_dry_run_ask_for_themselves)
{
	observe();
	rig_second_route(false);
	rig.second_policy.observe = false;
	rig_script(CALL_CLAIM, later);
	rig_emit("a");
	rig_spin();
	rig_emit_second("a");
	rig_emit_second("a");
	rig_expect("claim a");
	rig_script(CALL_CLAIM, later);
	call_answer(rig_call(CALL_CLAIM, 0), (struct step){.state = OW_CLAIM_IN_PROGRESS});
	while (rig.made[CALL_CLAIM] < 2)
		rig_turn();
	call_answer(rig_call(CALL_CLAIM, 0), (struct step){.state = OW_CLAIM_DONE});
	rig_expect("claim a, deliver -, settle a passed 200, settle a duplicate 200, "
		   "settle a duplicate 200");
	ck_assert_int_eq(sent(0)->outcome, OW_PASSED);
	ck_assert_int_eq(sent(1)->outcome, OW_DUPLICATE);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/flow_policy");
	TCase *t = tcase_create("policies");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, rig_stop);
	tcase_add_test(t, an_event_that_lacks_what_the_key_needs_is_rejected);
	tcase_add_test(t, an_event_that_lacks_what_the_key_needs_is_passed);
	tcase_add_test(t, what_is_passed_is_retried_and_fails_like_any_other);
	tcase_add_test(t, what_is_passed_is_aborted_like_any_other);
	tcase_add_test(t, a_repetition_is_delivered_without_dedup);
	tcase_add_test(t, a_repetition_is_judged_like_any_other);
	tcase_add_test(t, payloads_are_not_looked_at_unless_wanted);
	tcase_add_test(t, the_digest_is_the_sha_256_of_the_body);
	tcase_add_test(t, another_payload_under_a_known_key_is_rejected);
	tcase_add_test(t, another_payload_under_a_known_key_is_passed);
	tcase_add_test(t, a_store_that_knows_no_digest_knows_no_mismatch);
	tcase_add_test(t, waiting_copies_are_judged_one_by_one);
	tcase_add_test(t, copies_behind_a_mismatch_are_judged_one_by_one);
	tcase_add_test(t, a_refusal_for_good_is_not_another_payload_s);
	tcase_add_test(t, a_sliding_window_is_asked_for);
	tcase_add_test(t, a_dry_run_delivers_duplicates);
	tcase_add_test(t, a_dry_run_delivers_what_is_invalid);
	tcase_add_test(t, a_dry_run_waits_for_nobody);
	tcase_add_test(t, a_dry_run_delivers_other_payloads);
	tcase_add_test(t, a_dry_run_delivers_without_a_store);
	tcase_add_test(t, those_behind_a_dry_run_ask_for_themselves);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
