/* Several routes of one source: which of them takes an event, and what none takes. */
#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static struct match *first, *other;

/* A route for events that have "data": DATA. */
static struct match *match_data(const char *data)
{
	struct match *m = match_new();
	leaf_add_string(pattern_add_leaf(pattern_root(match_add_event(m)), "data"), data);
	return m;
}

/* A route for events of another path than these have: none at all. */
static struct match *match_path(void)
{
	struct match *m = match_new();
	leaf_add_string(match_add_path(m), "/a");
	return m;
}

static void start_with(struct rig_setup setup)
{
	setup.match = first;
	rig_start(setup);
}

static void start(void)
{
	first = match_data("x");
	start_with(rig_usual());
}

static void restart_with(struct rig_setup setup)
{
	rig_stop();
	start_with(setup);
}

static void stop(void)
{
	rig_stop();
	match_free(first);
	match_free(other);
	other = NULL;
}

static int64_t unrouted(void)
{
	const struct metric_label labels[] = {{"source", text_of("so")}, {NULL, TEXT_NONE}};
	return metrics_total(rig.common.metrics, "onceway_unrouted_total", labels);
}

START_TEST(the_first_that_matches_takes_it)
{
	other = match_data("y");
	rig_other_route("other", other);
	rig_emit_with("a", "x");
	rig_emit_with("b", "y");
	rig_spin();
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 1);
	ck_assert_int_eq(rig_outcomes_of("other", OW_DELIVERED), 1);
	ck_assert_int_eq(unrouted(), 0);
}
END_TEST

START_TEST(in_the_order_of_the_file)
{
	other = match_data("x");
	rig_other_route("other", other);
	rig_emit_with("a", "x");
	rig_spin();
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 1);
	ck_assert_int_eq(rig_outcomes_of("other", OW_DELIVERED), 0);
}
END_TEST

START_TEST(one_without_match_takes_the_rest)
{
	rig_other_route("other", NULL);
	rig_emit_with("a", "x");
	rig_emit_with("b", "z");
	rig_emit("c");
	rig_spin();
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 1);
	ck_assert_int_eq(rig_outcomes_of("other", OW_DELIVERED), 2);
}
END_TEST

START_TEST(what_none_takes_is_told_counted_and_not_held)
{
	struct rig_setup setup = rig_usual();
	setup.policy.max_inflight = 1;
	restart_with(setup);
	rig_script(CALL_DELIVER, (struct step){.later = true});
	rig_emit_with("a", "x");
	struct sent *s = rig_emit_with("b", "z");
	rig_expect("claim a, settle b unrouted 404, deliver a");
	ck_assert_str_eq(
	    s->body, "{\"status\":\"unrouted\",\"error\":\"no route takes this event\"}");
	ck_assert(!s->acknowledge);
	ck_assert_int_eq(unrouted(), 1);
	/* It does not count for the route's max_inflight, nor is it refused for that. */
	ck_assert_int_eq(rig_metric("onceway_inflight", NULL, NULL), 1);
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){.rc = OW_OK});
}
END_TEST

/* ---- a body that is not JSON ---- */

START_TEST(the_first_that_could_take_it_says_what_is_wrong)
{
	other = match_data("y");
	rig_other_route("other", other);
	struct sent *s = rig_emit_body("{\"id\"");
	rig_expect("settle {\"id\" invalid 422");
	ck_assert_ptr_nonnull(strstr(s->body, "the body is not valid JSON"));
	ck_assert_int_eq(rig_outcomes(OW_INVALID), 1);
	ck_assert_int_eq(rig_outcomes_of("other", OW_INVALID), 0);
	ck_assert_int_eq(unrouted(), 0);
}
END_TEST

START_TEST(one_that_looks_at_no_field_takes_it)
{
	rig_other_route("other", NULL);
	rig_emit_body("{\"id\"");
	rig_spin();
	ck_assert_int_eq(rig_outcomes(OW_INVALID), 0);
	ck_assert_int_eq(rig_outcomes_of("other", OW_INVALID), 1);
}
END_TEST

START_TEST(one_of_another_path_says_nothing)
{
	match_free(first);
	first = match_path();
	leaf_add_string(pattern_add_leaf(pattern_root(match_add_event(first)), "data"), "x");
	restart_with(rig_usual());
	rig_emit_body("{\"id\"");
	rig_expect("settle {\"id\" unrouted 404");
	ck_assert_int_eq(unrouted(), 1);
}
END_TEST

/* A dry run delivers everything; but this is not the route's to deliver. */
START_TEST(it_is_not_delivered_in_a_dry_run)
{
	struct rig_setup setup = rig_usual();
	setup.policy.observe = true;
	restart_with(setup);
	rig_emit_body("{\"id\"");
	rig_expect("settle {\"id\" invalid 422");
	ck_assert_int_eq(rig_outcomes(OW_INVALID), 1);
	rig_emit_with("a", "x");
	rig_spin();
	ck_assert_int_eq(rig_outcomes(OW_DELIVERED), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("matched");
	TCase *t = tcase_create("matched");
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, the_first_that_matches_takes_it);
	tcase_add_test(t, in_the_order_of_the_file);
	tcase_add_test(t, one_without_match_takes_the_rest);
	tcase_add_test(t, what_none_takes_is_told_counted_and_not_held);
	tcase_add_test(t, the_first_that_could_take_it_says_what_is_wrong);
	tcase_add_test(t, one_that_looks_at_no_field_takes_it);
	tcase_add_test(t, one_of_another_path_says_nothing);
	tcase_add_test(t, it_is_not_delivered_in_a_dry_run);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
