/* What a route counts under texts that come from outside. */
#include "route/route.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static struct route *route;

static void start(void)
{
	rig_start(rig_usual());
	route = route_new(&(struct route_parts){.name = "r",
	    .policy = &rig.setup.policy,
	    .source = "so",
	    .keyer = rig.keyer,
	    .store = rig.store,
	    .sink = rig.sink,
	    .retry = rig.setup.retry});
}

static void stop(void)
{
	route_free(route);
	route_free(NULL);
	rig_stop();
}

static int64_t labelled(const char *label)
{
	return rig_metric("onceway_duplicates_by_label_total", "label", label);
}

START_TEST(labels_are_counted_apart)
{
	route_count_label(route, text_of("x"));
	route_count_label(route, text_of("y"));
	route_count_label(route, text_span("xyz", 1));
	route_count_label(route, text_of(""));
	route_count_label(route, TEXT_NONE); /* no label at all */
	ck_assert_int_eq(labelled("x"), 2);
	ck_assert_int_eq(labelled("y"), 1);
	ck_assert_int_eq(labelled(""), 1);
	ck_assert_int_eq(labelled("other"), 0);
}
END_TEST

START_TEST(labels_are_bounded_in_number)
{
	char label[16];
	for (int i = 0; i < METRIC_SERIES_MAX + 50; i++) {
		snprintf(label, sizeof(label), "l%d", i);
		route_count_label(route, text_of(label));
	}
	route_count_label(route, text_of("l7")); /* still counted apart */
	ck_assert_int_eq(labelled("l7"), 2);
	ck_assert_int_eq(labelled("other"), 50);
	ck_assert_uint_le(route->labels.entries.count, METRIC_SERIES_MAX + 1);
}
END_TEST

START_TEST(labels_are_bounded_in_length)
{
	char label[2000];
	memset(label, 'x', sizeof(label));
	route_count_label(route, text_span(label, sizeof(label)));
	route_count_label(route, text_span(label, 129));
	route_count_label(route, text_span(label, 128));
	ck_assert_int_eq(labelled("other"), 2);
	label[128] = '\0';
	ck_assert_int_eq(labelled(label), 1);
}
END_TEST

START_TEST(codes_are_bounded_too)
{
	char code[16];
	for (int i = 0; i < METRIC_SERIES_MAX + 50; i++) {
		snprintf(code, sizeof(code), "c%d", i);
		route_count_attempt(route, code);
	}
	ck_assert_int_eq(rig_metric("onceway_sink_attempts_total", "code", "c0"), 1);
	ck_assert_int_eq(rig_metric("onceway_sink_attempts_total", "code", "other"), 50);
}
END_TEST

START_TEST(every_outcome_has_a_name)
{
	for (int o = OW_DELIVERED; o < OUTCOMES; o++)
		ck_assert_ptr_nonnull(outcome_name((enum ow_outcome)o));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/route");
	TCase *t = tcase_create("counters");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, labels_are_counted_apart);
	tcase_add_test(t, labels_are_bounded_in_number);
	tcase_add_test(t, labels_are_bounded_in_length);
	tcase_add_test(t, codes_are_bounded_too);
	tcase_add_test(t, every_outcome_has_a_name);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
