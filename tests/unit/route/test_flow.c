/* One event after the other: what is asked, in which order, and what is answered. */
#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static void start_usual(void)
{
	rig_start(rig_usual());
}

static void check_sent(const struct sent *s, enum ow_outcome outcome, int status)
{
	ck_assert_uint_eq(s->settled, 1);
	ck_assert_int_eq(s->outcome, outcome);
	ck_assert_int_eq(s->status, status);
}

/* ---- new and duplicate ---- */

START_TEST(a_new_event_is_delivered_committed_and_then_acknowledged)
{
	struct sent *s = rig_emit("a");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200");
	ck_assert(s->acknowledge);
	ck_assert_int_eq(s->result_status, 200);
	ck_assert_str_eq(s->body, "delivered key=a why=the sink accepted it result={\"n\":1}");
	ck_assert_str_eq(s->content_type, "text/plain");
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 1);
	ck_assert_int_eq(rig_metric("onceway_sink_attempts_total", "code", "200"), 1);
	ck_assert_int_eq(rig_metric("onceway_event_seconds", NULL, NULL), 1);
	ck_assert_int_eq(rig_metric("onceway_store_seconds", "op", "claim"), 1);
	ck_assert_int_eq(rig_metric("onceway_store_seconds", "op", "commit"), 1);
	ck_assert_int_eq(rig_metric("onceway_lease_lost_total", NULL, NULL), 0);
}
END_TEST

START_TEST(a_finished_key_is_a_duplicate_with_the_first_one_s_result)
{
	rig_emit("a");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200");
	struct sent *s = rig_emit("a");
	rig_expect("claim a, settle a duplicate 200");
	ck_assert(s->acknowledge);
	ck_assert_int_eq(s->result_status, 200);
	ck_assert_str_eq(
	    s->body, "duplicate key=a why=it was delivered before result={\"n\":1}");
	ck_assert_int_eq(rig_outcomes(OW_DUPLICATE), 1);
	ck_assert_uint_eq(rig.made[CALL_DELIVER], 1);
}
END_TEST

START_TEST(every_answer_may_come_later)
{
	const struct step later = {.later = true};
	for (int k = 0; k < CALL_KINDS; k++)
		if (k != CALL_RENEW && k != CALL_RELEASE)
			rig_script((enum call_kind)k, later);
	struct sent *s = rig_emit("a");
	rig_expect("claim a");
	call_answer(rig_call(CALL_CLAIM, 0), (struct step){0});
	rig_expect("deliver a");
	ck_assert_uint_eq(s->settled, 0);
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){0});
	rig_expect("commit a");
	ck_assert_uint_eq(s->settled, 0);
	call_answer(rig_call(CALL_COMMIT, 0), (struct step){0});
	rig_expect("settle a delivered 200");
}
END_TEST

START_TEST(different_keys_do_not_wait_for_each_other)
{
	rig_script(CALL_DELIVER, (struct step){.later = true});
	rig_emit("a");
	rig_emit("b");
	rig_expect("claim a, claim b, deliver a, deliver b, commit b, settle b delivered 200");
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){0});
	rig_expect("commit a, settle a delivered 200");
}
END_TEST

START_TEST(the_age_of_a_duplicate_is_observed)
{
	rig_script(CALL_CLAIM, (struct step){.state = OW_CLAIM_DONE, .age_ms = 1500});
	rig_script(CALL_CLAIM, (struct step){.state = OW_CLAIM_DONE, .age_ms = -1});
	rig_emit("a");
	struct sent *s = rig_emit("b");
	rig_expect("claim a, claim b, settle a duplicate 200, settle b duplicate 200");
	ck_assert_int_eq(s->result_status, -1); /* the store kept no result */
	ck_assert_int_eq(rig_metric("onceway_duplicate_age_seconds", NULL, NULL), 1);
}
END_TEST

START_TEST(duplicates_are_counted_under_their_label)
{
	rig_emit_body("{\"id\":\"a\",\"label\":\"L\\u00e9\"}");
	rig_spin();
	ck_assert_uint_eq(rig.labels_counted, 0);
	rig_emit_body("{\"id\":\"a\",\"label\":\"L\\u00e9\"}");
	rig_emit("a"); /* no label */
	rig_spin();
	ck_assert_int_eq(
	    rig_metric("onceway_duplicates_by_label_total", "label", "L\xc3\xa9"), 1);
	ck_assert_uint_eq(rig.labels_counted, 1);
}
END_TEST

START_TEST(the_window_is_the_route_s_or_the_keyer_s)
{
	/* The rig's store compares each claim's window with the policy, or with 300 s. */
	rig_stop();
	struct rig_setup setup = rig_usual();
	setup.policy.window_ms = 12345;
	rig_start(setup);
	rig_emit("a");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200");
}
END_TEST

/* ---- what the source is answered ---- */

static struct sent *first_and_duplicate(struct rig_setup setup, struct sent **first)
{
	rig_stop();
	rig_start(setup);
	*first = rig_emit("a");
	rig_spin();
	struct sent *second = rig_emit("a");
	rig_spin();
	check_sent(*first, OW_DELIVERED, (*first)->status);
	check_sent(second, OW_DUPLICATE, second->status);
	return second;
}

START_TEST(on_duplicate_ack_replays_nothing)
{
	struct rig_setup setup = rig_usual();
	struct sent *first;
	setup.policy.on_duplicate = ON_DUPLICATE_ACK;
	struct sent *second = first_and_duplicate(setup, &first);
	ck_assert_str_eq(second->body, "duplicate key=a why=it was delivered before");
	setup.policy.respond = RESPOND_SINK;
	second = first_and_duplicate(setup, &first);
	ck_assert_str_eq(first->body, "{\"n\":1}");
	ck_assert_str_eq(second->body, "{\"status\":\"duplicate\",\"key\":\"a\"}");
}
END_TEST

START_TEST(respond_plain)
{
	struct rig_setup setup = rig_usual();
	struct sent *first;
	setup.policy.respond = RESPOND_PLAIN;
	struct sent *second = first_and_duplicate(setup, &first);
	ck_assert_str_eq(first->body, "{\"status\":\"delivered\",\"key\":\"a\"}");
	ck_assert_str_eq(second->body, "{\"status\":\"duplicate\",\"key\":\"a\"}");
	ck_assert_str_eq(first->content_type, "application/json");
}
END_TEST

START_TEST(a_keyer_without_replies_gets_plain_ones)
{
	struct rig_setup setup = rig_usual();
	struct sent *first;
	setup.no_reply = true;
	first_and_duplicate(setup, &first);
	ck_assert_str_eq(first->body, "{\"status\":\"delivered\",\"key\":\"a\"}");
}
END_TEST

START_TEST(respond_sink)
{
	struct ow_result created = {.size = sizeof(created),
	    .status = 201,
	    .content_type = {"text/csv", 8},
	    .body = {"1;2", 3}};
	struct rig_setup setup = rig_usual();
	setup.policy.respond = RESPOND_SINK;
	rig_stop();
	rig_start(setup);
	rig_script(CALL_DELIVER, (struct step){.result = &created});
	for (int i = 0; i < 2; i++) {
		struct sent *s = rig_emit("a");
		rig_spin();
		check_sent(s, i == 0 ? OW_DELIVERED : OW_DUPLICATE, 201);
		ck_assert_str_eq(s->content_type, "text/csv");
		ck_assert_str_eq(s->body, "1;2");
	}
}
END_TEST

/* A sink without answers (a log, a queue): its duplicates look like the first one. */
START_TEST(respond_sink_without_an_answer)
{
	struct rig_setup setup = rig_usual();
	setup.policy.respond = RESPOND_SINK;
	rig_stop();
	rig_start(setup);
	rig_script(CALL_DELIVER, (struct step){.result = NULL});
	struct sent *first = rig_emit("a");
	rig_spin();
	struct sent *second = rig_emit("a");
	rig_spin();
	check_sent(first, OW_DELIVERED, 200);
	check_sent(second, OW_DUPLICATE, 200);
	ck_assert_str_eq(first->body, second->body);
	ck_assert_str_eq(first->content_type, second->content_type);
	ck_assert_int_eq(first->result_status, 200);
	ck_assert_int_eq(second->result_status, 200);
}
END_TEST

START_TEST(respond_sink_says_failures_in_plain_words)
{
	const struct ow_result refused = {.size = sizeof(refused), .status = 422};
	struct rig_setup setup = rig_usual();
	setup.policy.respond = RESPOND_SINK;
	rig_stop();
	rig_start(setup);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT, .result = &refused});
	struct sent *s = rig_emit("a");
	rig_spin();
	check_sent(s, OW_FAILED, 502);
	ck_assert_str_eq(
	    s->body, "{\"status\":\"failed\",\"error\":\"the sink answered 422\"}");
	ck_assert_int_eq(s->result_status, 422);
}
END_TEST

/* ---- what cannot be keyed ---- */

static void check_invalid(
    enum ow_outcome outcome, const char *body, int status, const char *why)
{
	struct sent *s = rig_emit_body(body);
	rig_spin();
	check_sent(s, outcome, status);
	ck_assert_msg(strncmp(s->why, why, strlen(why)) == 0, "%s", s->why);
	ck_assert(!s->acknowledge);
}

START_TEST(invalid_events_never_reach_the_store)
{
	check_invalid(OW_INVALID, "{\"id\":", 422, "the body is not valid JSON: ");
	check_invalid(OW_INVALID, "", 422, "the body is not valid JSON: ");
	check_invalid(OW_INVALID, "{\"id\":\"\xff\"}", 400, "the body is not UTF-8: ");
	check_invalid(OW_MISSING_KEY, "{\"no\":\"id\"}", 422, "id is missing");
	check_invalid(OW_INVALID, "{\"id\":7}", 422, "the event has no key");
	ck_assert_uint_eq(rig.made[CALL_CLAIM], 0);
	ck_assert_int_eq(rig_outcomes(OW_INVALID), 4);
	ck_assert_int_eq(rig_outcomes(OW_MISSING_KEY), 1);
}
END_TEST

START_TEST(the_keyer_s_reply_is_told_what_is_wrong)
{
	struct sent *s = rig_emit_body("{}");
	rig_spin();
	ck_assert_str_eq(s->body, "invalid key= why=id is missing field=id");
}
END_TEST

START_TEST(an_event_of_another_source_has_no_route)
{
	const char *why;
	struct ow_instance *usual = rig.source;
	rig.source =
	    instance_new(rig.worker, instance_component(usual), "elsewhere", NULL, &why);
	struct sent *s = rig_emit("a");
	rig_expect("settle a unrouted 404");
	ck_assert_str_eq(
	    s->body, "{\"status\":\"unrouted\",\"error\":\"no route takes this event\"}");
	ck_assert(!s->acknowledge);
	instance_free(rig.source);
	rig.source = usual;
}
END_TEST

/* ---- too many ---- */

START_TEST(max_inflight_refuses_the_latest)
{
	struct rig_setup setup = rig_usual();
	setup.policy.max_inflight = 2;
	rig_stop();
	rig_start(setup);
	rig_script(CALL_DELIVER, (struct step){.later = true});
	rig_script(CALL_DELIVER, (struct step){.later = true});
	rig_emit("a");
	rig_emit("b");
	struct sent *s = rig_emit("c");
	rig_expect("claim a, claim b, settle c rejected 503, deliver a, deliver b");
	ck_assert_int_eq(s->retry_after_ms, 1000);
	ck_assert(!s->acknowledge);
	ck_assert_int_eq(rig_metric("onceway_inflight", NULL, NULL), 2);
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){0});
	rig_expect("commit a, settle a delivered 200");
	rig_emit("c"); /* there is room again */
	rig_expect("claim c, deliver c, commit c, settle c delivered 200");
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){0});
	rig_expect("commit b, settle b delivered 200");
}
END_TEST

/* Whoever is settled may send the next event from within settle(). */
static void emit_again(struct sent *s)
{
	rig.on_settle = NULL;
	rig_emit(s->name);
}

START_TEST(a_source_may_emit_while_it_is_told)
{
	rig.on_settle = emit_again;
	rig_emit("a");
	rig_expect("claim a, deliver a, commit a, settle a delivered 200, claim a, "
		   "settle a duplicate 200");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/flow");
	TCase *t = tcase_create("one after the other");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start_usual, rig_stop);
	tcase_add_test(t, a_new_event_is_delivered_committed_and_then_acknowledged);
	tcase_add_test(t, a_finished_key_is_a_duplicate_with_the_first_one_s_result);
	tcase_add_test(t, every_answer_may_come_later);
	tcase_add_test(t, different_keys_do_not_wait_for_each_other);
	tcase_add_test(t, the_age_of_a_duplicate_is_observed);
	tcase_add_test(t, duplicates_are_counted_under_their_label);
	tcase_add_test(t, the_window_is_the_route_s_or_the_keyer_s);
	tcase_add_test(t, on_duplicate_ack_replays_nothing);
	tcase_add_test(t, respond_plain);
	tcase_add_test(t, a_keyer_without_replies_gets_plain_ones);
	tcase_add_test(t, respond_sink);
	tcase_add_test(t, respond_sink_without_an_answer);
	tcase_add_test(t, respond_sink_says_failures_in_plain_words);
	tcase_add_test(t, invalid_events_never_reach_the_store);
	tcase_add_test(t, the_keyer_s_reply_is_told_what_is_wrong);
	tcase_add_test(t, an_event_of_another_source_has_no_route);
	tcase_add_test(t, max_inflight_refuses_the_latest);
	tcase_add_test(t, a_source_may_emit_while_it_is_told);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
