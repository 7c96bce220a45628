#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/unit/main.h"

#define TIME "2026-01-01T00:00:00.000Z"

static struct clock manual;
static FILE *file;
static char got[1 << 20];

static void setup(void)
{
	file = tmpfile();
	ck_assert_ptr_nonnull(file);
	clock_init_manual(&manual, 1767225600000);
	/* Without forks the log still knows the places of earlier tests: leave them behind. */
	static int64_t hours;
	manual.manual_mono_us += 3600000000 * ++hours;
}

static void teardown(void)
{
	log_flush();
	log_init(STDERR_FILENO, OW_LOG_INFO, LOG_TEXT, NULL);
	fclose(file);
}

static void begin(enum ow_level level, enum log_format format)
{
	log_init(fileno(file), level, format, &manual);
}

/* All that was written so far. */
static const char *written(void)
{
	ssize_t n = pread(fileno(file), got, sizeof(got) - 1, 0);
	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	return got;
}

static size_t lines(void)
{
	size_t n = 0;
	for (const char *at = written(); (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

START_TEST(writes_text)
{
	begin(OW_LOG_INFO, LOG_TEXT);
	log_info("core", "started with %d workers", 2);
	clock_advance(&manual, 1500);
	log_error("sink crm", "gone");
	log_write(OW_LOG_WARNING, "route cxone",
	    (struct log_field[]){
		{"key", text_of("abc")}, {"trace", text_of("")}, {NULL, TEXT_NONE}},
	    "late");
	ck_assert_str_eq(written(), TIME " info    core: started with 2 workers\n"
					 "2026-01-01T00:00:01.500Z error   sink crm: gone\n"
					 "2026-01-01T00:00:01.500Z warning route cxone: late "
					 "key=abc trace=\n");
}
END_TEST

START_TEST(writes_json)
{
	begin(OW_LOG_INFO, LOG_JSON);
	log_write(OW_LOG_WARNING, "route \"x\"",
	    (struct log_field[]){{"key", text_span("a\0\xff", 3)}, {NULL, TEXT_NONE}}, "a\nb%d",
	    1);
	ck_assert_str_eq(written(), "{\"time\":\"" TIME "\",\"level\":\"warning\","
				    "\"from\":\"route \\\"x\\\"\",\"message\":\"a\\nb1\","
				    "\"key\":\"a\\u0000\xef\xbf\xbd\"}\n");
}
END_TEST

START_TEST(a_line_stays_a_line)
{
	begin(OW_LOG_INFO, LOG_TEXT);
	log_write(OW_LOG_INFO, "core",
	    (struct log_field[]){{"key", text_span("x\ny\0\x1b[0m\x7f", 9)}, {NULL, TEXT_NONE}},
	    "one\r\n%s error core: forged", TIME);
	ck_assert_str_eq(written(),
	    TIME " info    core: one\\x0d\\x0a" TIME
		 " error core: forged key=\"x\\ny\\u0000\\u001b[0m\\x7f\"\n");
}
END_TEST

START_TEST(a_value_forges_no_field)
{
	static const char *const values[][2] = {{"a:b\\c'\xc3\xa4", "a:b\\c'\xc3\xa4"},
	    {"k trace=x", "\"k trace=x\""}, {"k y", "\"k y\""}, {"k=y", "\"k=y\""},
	    {"\"k\"", "\"\\\"k\\\"\""}, {"k\ty", "\"k\\ty\""}, {"k\x7fy", "\"k\\x7fy\""}};
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		char expected[100];
		ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
		lseek(fileno(file), 0, SEEK_SET);
		begin(OW_LOG_INFO, LOG_TEXT);
		log_write(OW_LOG_INFO, "core",
		    (struct log_field[]){{"key", text_of(values[i][0])},
			{"trace", text_of("t")}, {NULL, TEXT_NONE}},
		    "late");
		snprintf(expected, sizeof(expected),
		    TIME " info    core: late key=%s trace=t\n", values[i][1]);
		ck_assert_str_eq(written(), expected);
	}
}
END_TEST

START_TEST(keeps_to_its_level)
{
	static const enum ow_level levels[] = {
	    OW_LOG_ERROR, OW_LOG_WARNING, OW_LOG_INFO, OW_LOG_DEBUG};
	for (size_t i = 0; i < 4; i++) {
		begin(levels[i], LOG_TEXT);
		ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
		lseek(fileno(file), 0, SEEK_SET);
		clock_advance(&manual, 10000);
		log_error("core", "an error");
		log_warning("core", "a warning");
		log_info("core", "an info");
		log_debug("core", "a detail");
		ck_assert_uint_eq(lines(), i + 1);
		for (size_t k = 0; k < 4; k++)
			ck_assert_int_eq(log_enabled(levels[k]), k <= i);
	}
}
END_TEST

START_TEST(long_messages_are_cut)
{
	static char text[100000];
	memset(text, 'x', sizeof(text) - 1);
	begin(OW_LOG_INFO, LOG_TEXT);
	log_info("core", "%s", text);
	ck_assert_uint_eq(lines(), 1);
	ck_assert_uint_gt(strlen(got), 8000);
	ck_assert_uint_lt(strlen(got), 8400);
}
END_TEST

static void fail_in_a_loop(int times)
{
	for (int i = 0; i < times; i++)
		log_error("sink crm", "failed again");
}

START_TEST(a_place_is_limited)
{
	begin(OW_LOG_INFO, LOG_TEXT);
	fail_in_a_loop(10000);
	size_t first = lines();
	ck_assert_uint_ge(first, 1);
	ck_assert_uint_lt(first, 100);
	/* Others are not. */
	log_error("core", "something else");
	ck_assert_uint_eq(lines(), first + 1);
	clock_advance(&manual, 999);
	fail_in_a_loop(1);
	ck_assert_uint_eq(lines(), first + 1);
	clock_advance(&manual, 1);
	fail_in_a_loop(2);
	ck_assert_uint_eq(lines(), first + 3);
	char expected[100];
	snprintf(expected, sizeof(expected), "failed again (%zu like this left out)\n",
	    10001 - first);
	ck_assert_ptr_nonnull(strstr(got, expected));
	/* The second line of the new period has nothing to tell. */
	ck_assert_str_eq(got + strlen(got) - 13, "failed again\n");
}
END_TEST

/* Also if it stops before its period is over. */
START_TEST(what_was_left_out_is_told_in_the_end)
{
	begin(OW_LOG_INFO, LOG_TEXT);
	log_flush();
	ck_assert_uint_eq(lines(), 0);
	fail_in_a_loop(100);
	size_t first = lines();
	log_flush();
	ck_assert_uint_eq(lines(), first + 1);
	char expected[100];
	snprintf(expected, sizeof(expected),
	    "error   sink crm: %zu more like this were left out: failed again\n", 100 - first);
	ck_assert_ptr_nonnull(strstr(got, expected));
	log_flush();
	ck_assert_uint_eq(lines(), first + 1);
	/* It is told once. */
	clock_advance(&manual, 1000);
	fail_in_a_loop(1);
	written();
	ck_assert_str_eq(got + strlen(got) - 13, "failed again\n");
}
END_TEST

START_TEST(places_that_share_a_slot_lose_no_count)
{
	char who[32];
	unsigned told = 0;
	size_t whole = 0;
	begin(OW_LOG_INFO, LOG_TEXT);
	/* More names than there are slots. */
	for (int i = 0; i < 400; i++) {
		snprintf(who, sizeof(who), "route %d", i);
		for (int n = 0; n < 25; n++)
			log_error(who, "failed");
	}
	log_flush();
	written();
	for (char *line = strtok(got, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned n = 0;
		const char *more = strstr(line, ": ");
		if (more && strstr(line, "more like this were left out") &&
		    sscanf(more, ": %u", &n) == 1)
			told += n;
		else
			whole++;
	}
	ck_assert_uint_eq(whole + told, 400 * 25);
}
END_TEST

START_TEST(what_was_asked_for_is_not_limited)
{
	begin(OW_LOG_INFO, LOG_TEXT);
	for (int i = 0; i < 1000; i++)
		log_info("sink log", "delivered %d", i);
	ck_assert_uint_eq(lines(), 1000);
}
END_TEST

START_TEST(what_is_told_seldom_is_limited_at_any_level)
{
	begin(OW_LOG_INFO, LOG_TEXT);
	for (int i = 0; i < 1000; i++) {
		log_write_seldom(OW_LOG_INFO, "observed", "route x", NULL, "observed %d", i);
		log_write_seldom(OW_LOG_DEBUG, "asked", "route x", NULL, "not asked for");
	}
	ck_assert_uint_ge(lines(), 1);
	ck_assert_uint_lt(lines(), 100);
	ck_assert_ptr_nonnull(strstr(got, "observed 0"));
	ck_assert_ptr_null(strstr(got, "not asked for"));
}
END_TEST

START_TEST(a_noisy_one_hides_no_other)
{
	begin(OW_LOG_INFO, LOG_TEXT);
	fail_in_a_loop(100);
	size_t first = lines();
	log_error("sink other", "failed again");
	ck_assert_uint_gt(lines(), first);
	ck_assert_ptr_nonnull(strstr(got, "sink other: failed again\n"));
	/* The same place in the code, as routes have it. */
	for (int i = 0; i < 100; i++)
		log_error(i < 99 ? "route a" : "route b", "%s", "broken");
	ck_assert_ptr_nonnull(strstr(written(), "route b: broken\n"));
}
END_TEST

/* Nor another thing that the same line of code tells, nor another level. */
START_TEST(a_noisy_reason_hides_no_other)
{
	static const char busy[] = "busy", store[] = "store";
	begin(OW_LOG_INFO, LOG_TEXT);
	for (int i = 0; i < 1000; i++)
		log_write_place(OW_LOG_WARNING, busy, "route a", NULL, "%s %d", "busy", i);
	size_t first = lines();
	ck_assert_uint_ge(first, 1);
	ck_assert_uint_lt(first, 100);
	log_write_place(OW_LOG_WARNING, store, "route a", NULL, "%s %d", "disk full", 1);
	log_write_place(OW_LOG_ERROR, busy, "route a", NULL, "%s %d", "worse", 1);
	ck_assert_uint_ge(lines(), first + 2);
	ck_assert_ptr_nonnull(strstr(got, "warning route a: disk full 1\n"));
	ck_assert_ptr_nonnull(strstr(got, "error   route a: worse 1\n"));
}
END_TEST

START_TEST(nobody_waits_for_a_reader)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	clock_init_manual(&manual, 0);
	log_init(ends[1], OW_LOG_INFO, LOG_TEXT, &manual);
	for (int i = 0; i < 10000; i++)
		log_info("core", "a line that nobody reads"); /* hangs here if it waits */
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	while (read(ends[0], got, 4096) > 0)
		;
	log_info("core", "read again");
	ssize_t n = read(ends[0], got, sizeof(got) - 1);
	ck_assert_int_gt(n, 0);
	got[n] = '\0';
	ck_assert_ptr_nonnull(strstr(got, "read again ("));
	ck_assert_ptr_nonnull(strstr(got, " like this left out)"));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(json_tells_what_was_left_out)
{
	begin(OW_LOG_INFO, LOG_JSON);
	fail_in_a_loop(100);
	size_t first = lines();
	clock_advance(&manual, 1000);
	fail_in_a_loop(1);
	char expected[100];
	written();
	snprintf(expected, sizeof(expected), "\"message\":\"failed again\",\"left_out\":%zu}\n",
	    100 - first);
	ck_assert_ptr_nonnull(strstr(got, expected));
}
END_TEST

static void *write_lines(void *arg)
{
	for (int i = 0; i < 10; i++)
		log_info("core", "%s", (const char *)arg);
	return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
	static char texts[2][4000];
	pthread_t threads[2];
	begin(OW_LOG_INFO, LOG_TEXT);
	for (int i = 0; i < 2; i++) {
		memset(texts[i], 'a' + i, sizeof(texts[i]) - 1);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, texts[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(lines(), 20);
	for (char *line = strtok(got, "\n"); line; line = strtok(NULL, "\n")) {
		const char *text = line + strlen(TIME " info    core: ");
		ck_assert_str_eq(text, texts[*text - 'a']);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, writes_text);
	tcase_add_test(t, writes_json);
	tcase_add_test(t, a_line_stays_a_line);
	tcase_add_test(t, a_value_forges_no_field);
	tcase_add_test(t, keeps_to_its_level);
	tcase_add_test(t, long_messages_are_cut);
	tcase_add_test(t, a_place_is_limited);
	tcase_add_test(t, what_was_left_out_is_told_in_the_end);
	tcase_add_test(t, places_that_share_a_slot_lose_no_count);
	tcase_add_test(t, what_was_asked_for_is_not_limited);
	tcase_add_test(t, what_is_told_seldom_is_limited_at_any_level);
	tcase_add_test(t, a_noisy_one_hides_no_other);
	tcase_add_test(t, a_noisy_reason_hides_no_other);
	tcase_add_test(t, nobody_waits_for_a_reader);
	tcase_add_test(t, json_tells_what_was_left_out);
	tcase_add_test(t, lines_of_threads_do_not_mix);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
