#include "base/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"

#define LABEL(n, v) ((struct metric_label[]){{(n), text_of(v)}, {NULL, TEXT_NONE}})

static struct metrics *m;
static struct buf out;

static void setup(void)
{
	m = metrics_new(2);
	out = BUF_INIT;
}

static void teardown(void)
{
	metrics_free(m);
	buf_free(&out);
}

static const char *rendered(void)
{
	buf_clear(&out);
	metrics_render(m, &out);
	return out.data ? out.data : "";
}

START_TEST(starts_empty)
{
	ck_assert_str_eq(rendered(), "");
	ck_assert_int_eq(metrics_total(m, "onceway_x", NULL), 0);
	metrics_family_is_shared(m, "onceway_x");
	metrics_free(NULL);
}
END_TEST

START_TEST(families_are_sorted_and_series_summed)
{
	struct metric_cell *b0 = metrics_cell(m, 0, METRIC_COUNTER, "b_total", "Bees.", NULL);
	struct metric_cell *b1 = metrics_cell(m, 1, METRIC_COUNTER, "b_total", "Bees.", NULL);
	struct metric_cell *a = metrics_cell(m, 0, METRIC_GAUGE, "a", "Ays.", NULL);
	ck_assert_ptr_ne(b0, b1);
	metric_add(b0, 1);
	metric_add(b1, 41);
	metric_set(a, -5);
	metric_move(a, 2);
	ck_assert_str_eq(rendered(),
	    "# HELP a Ays.\n# TYPE a gauge\na -3\n"
	    "# HELP b_total Bees.\n# TYPE b_total counter\nb_total 42\n");
	ck_assert_int_eq(metrics_total(m, "b_total", NULL), 42);
	ck_assert_int_eq(metrics_total(m, "a", NULL), -3);
	ck_assert_uint_eq(metric_value(b1), 41);
	/* Asked for again it is the same cell. */
	ck_assert_ptr_eq(
	    metrics_cell(m, 1, METRIC_COUNTER, "b_total", "Other help.", NULL), b1);
}
END_TEST

START_TEST(labels_tell_series_apart)
{
	struct metric_label two[] = {
	    {"route", text_of("r")}, {"outcome", text_of("delivered")}, {NULL, TEXT_NONE}};
	metric_add(metrics_cell(m, 0, METRIC_COUNTER, "x_total", "X.", LABEL("k", "1")), 1);
	metric_add(metrics_cell(m, 0, METRIC_COUNTER, "x_total", "X.", LABEL("k", "2")), 2);
	metric_add(metrics_cell(m, 0, METRIC_COUNTER, "x_total", "X.", two), 3);
	ck_assert_str_eq(rendered(), "# HELP x_total X.\n# TYPE x_total counter\n"
				     "x_total{k=\"1\"} 1\nx_total{k=\"2\"} 2\n"
				     "x_total{route=\"r\",outcome=\"delivered\"} 3\n");
	ck_assert_int_eq(metrics_total(m, "x_total", LABEL("k", "2")), 2);
	ck_assert_int_eq(metrics_total(m, "x_total", LABEL("k", "3")), 0);
	ck_assert_int_eq(metrics_total(m, "x_total", NULL), 0);
}
END_TEST

/* Whatever a vendor puts into a label, the text format stays the text format. */
START_TEST(label_values_are_escaped)
{
	struct metric_label hostile[] = {
	    {"k", text_span("a\"b\\c\nd\0e\x7f\xc3\xa9", 12)}, {NULL, TEXT_NONE}};
	metric_add(metrics_cell(m, 0, METRIC_COUNTER, "x_total", "X.", hostile), 1);
	ck_assert_str_eq(rendered(),
	    "# HELP x_total X.\n# TYPE x_total counter\n"
	    "x_total{k=\"a\\\"b\\\\c\\nd\\\\x00e\\\\x7f\xc3\xa9\"} 1\n");
}
END_TEST

START_TEST(series_are_bounded)
{
	char value[16];
	for (int i = 0; i < METRIC_SERIES_MAX + 500; i++) {
		struct metric_label labels[] = {
		    {"kind", text_of("x")}, {"k", TEXT_NONE}, {NULL, TEXT_NONE}};
		snprintf(value, sizeof(value), "%d", i);
		labels[1].value = text_of(value);
		metric_add(
		    metrics_cell_bounded(m, 0, METRIC_COUNTER, "x_total", "X.", labels), 1);
	}
	struct metric_label other[] = {
	    {"kind", text_of("x")}, {"k", text_of("other")}, {NULL, TEXT_NONE}};
	ck_assert_int_eq(metrics_total(m, "x_total", other), 500);
	size_t count = 0;
	for (const char *at = rendered(); (at = strstr(at, "\nx_total{")); at++)
		count++;
	ck_assert_uint_eq(count, METRIC_SERIES_MAX + 1);
	/* Those that were there before stay themselves. */
	struct metric_label known[] = {
	    {"kind", text_of("x")}, {"k", text_of("7")}, {NULL, TEXT_NONE}};
	metric_add(metrics_cell(m, 1, METRIC_COUNTER, "x_total", "X.", known), 1);
	ck_assert_int_eq(metrics_total(m, "x_total", known), 2);
}
END_TEST

/* Routes, listeners and their like are as many as the configuration says. */
START_TEST(series_of_the_core_are_all_there)
{
	char value[16];
	struct metric_label labels[] = {{"route", TEXT_NONE}, {NULL, TEXT_NONE}};
	for (int i = 0; i < 2 * METRIC_SERIES_MAX + 1; i++) {
		snprintf(value, sizeof(value), "%d", i);
		labels[0].value = text_of(value);
		metric_add(
		    metrics_cell(m, 0, METRIC_COUNTER, "x_total", "X.", labels), (uint64_t)i);
	}
	for (int i = 0; i < 2 * METRIC_SERIES_MAX + 1; i++) {
		snprintf(value, sizeof(value), "%d", i);
		labels[0].value = text_of(value);
		ck_assert_int_eq(metrics_total(m, "x_total", labels), i);
	}
	ck_assert_ptr_null(strstr(rendered(), "other"));
}
END_TEST

START_TEST(a_shared_gauge_is_the_greatest)
{
	struct metric_cell *first = metrics_cell(m, 0, METRIC_GAUGE, "keys", "Keys.", NULL);
	struct metric_cell *second = metrics_cell(m, 1, METRIC_GAUGE, "keys", "Keys.", NULL);
	metric_set(first, 100);
	metric_set(second, 99);
	ck_assert_int_eq(metrics_total(m, "keys", NULL), 199);
	metrics_family_is_shared(m, "keys");
	ck_assert_int_eq(metrics_total(m, "keys", NULL), 100);
	ck_assert_ptr_nonnull(strstr(rendered(), "\nkeys 100\n"));
}
END_TEST

/* The count in the bucket with that upper bound, summed as the format has it. */
static unsigned long bucket(const char *le)
{
	char name[64];
	snprintf(name, sizeof(name), "\nt_seconds_bucket{le=\"%s\"} ", le);
	const char *at = strstr(rendered(), name);
	ck_assert_msg(at != NULL, "no bucket %s", le);
	return strtoul(at + strlen(name), NULL, 10);
}

START_TEST(histograms_are_cumulative)
{
	struct metric_cell *first =
	    metrics_cell(m, 0, METRIC_HISTOGRAM, "t_seconds", "T.", NULL);
	struct metric_cell *second =
	    metrics_cell(m, 1, METRIC_HISTOGRAM, "t_seconds", "T.", NULL);
	metric_observe(first, 0);
	metric_observe(first, 0.001); /* a bound belongs to its bucket */
	metric_observe(second, 0.0011);
	metric_observe(second, 2);
	metric_observe(first, 1e6);
	ck_assert_uint_eq(bucket("0.0005"), 1);
	ck_assert_uint_eq(bucket("0.001"), 2);
	ck_assert_uint_eq(bucket("0.0025"), 3);
	ck_assert_uint_eq(bucket("1"), 3);
	ck_assert_uint_eq(bucket("2.5"), 4);
	ck_assert_uint_eq(bucket("3600"), 4);
	ck_assert_uint_eq(bucket("+Inf"), 5);
	ck_assert_ptr_nonnull(strstr(rendered(), "\nt_seconds_count 5\n"));
	ck_assert_ptr_nonnull(strstr(rendered(), "\nt_seconds_sum 1000002\n"));
	ck_assert_ptr_nonnull(strstr(rendered(), "# TYPE t_seconds histogram\n"));
	ck_assert_int_eq(metrics_total(m, "t_seconds", NULL), 5);
}
END_TEST

START_TEST(histograms_have_labels_too)
{
	metric_observe(
	    metrics_cell(m, 0, METRIC_HISTOGRAM, "t_seconds", "T.", LABEL("op", "claim")),
	    0.25);
	const char *text = rendered();
	ck_assert_ptr_nonnull(strstr(text, "\nt_seconds_bucket{op=\"claim\",le=\"0.25\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nt_seconds_bucket{op=\"claim\",le=\"+Inf\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nt_seconds_sum{op=\"claim\"} 0.25\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nt_seconds_count{op=\"claim\"} 1\n"));
}
END_TEST

START_TEST(histograms_of_sizes_have_whole_bounds)
{
	struct metric_cell *cell = metrics_cell(m, 0, METRIC_SIZES, "t_batch", "T.", NULL);
	metric_observe(cell, 1);
	metric_observe(cell, 50000);
	metric_observe(cell, 50001);
	const char *text = rendered();
	ck_assert_ptr_nonnull(strstr(text, "# TYPE t_batch histogram\n"
					   "t_batch_bucket{le=\"1\"} 1\n"
					   "t_batch_bucket{le=\"2\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nt_batch_bucket{le=\"50000\"} 2\n"
					   "t_batch_bucket{le=\"+Inf\"} 3\n"
					   "t_batch_sum 100002\nt_batch_count 3\n"));
}
END_TEST

/* Each worker writes its own cells while another thread reads and makes new ones. */
static void *count_up(void *arg)
{
	for (int i = 0; i < 100000; i++)
		metric_add(arg, 1);
	return NULL;
}

START_TEST(workers_count_at_the_same_time)
{
	pthread_t threads[2];
	char value[16];
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up,
				     metrics_cell(m, i, METRIC_COUNTER, "x_total", "X.", NULL)),
		    0);
	for (int i = 0; i < 50; i++) {
		snprintf(value, sizeof(value), "%d", i);
		metrics_cell(m, 0, METRIC_COUNTER, "y_total", "Y.", LABEL("k", value));
		rendered();
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(metrics_total(m, "x_total", NULL), 200000);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("metrics");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, starts_empty);
	tcase_add_test(t, families_are_sorted_and_series_summed);
	tcase_add_test(t, labels_tell_series_apart);
	tcase_add_test(t, label_values_are_escaped);
	tcase_add_test(t, series_are_bounded);
	tcase_add_test(t, series_of_the_core_are_all_there);
	tcase_add_test(t, a_shared_gauge_is_the_greatest);
	tcase_add_test(t, histograms_are_cumulative);
	tcase_add_test(t, histograms_have_labels_too);
	tcase_add_test(t, histograms_of_sizes_have_whole_bounds);
	tcase_add_test(t, workers_count_at_the_same_time);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
