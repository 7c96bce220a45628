/* Rounds and pages on the mock host, before a server that answers what the test says. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/plugin/folder.h"
#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

#define URL    "url: \"http://api.example/v1/list?q=1\"\n"
#define CURSOR URL "paging: cursor\ncursor: /next\nrecords: /data\n"

static struct mock *m;
static struct ow_instance *source;

static const struct ow_component *poll_component(void)
{
	return mock_component(OW_MODULE_SYMBOL(), "poll");
}

static struct ow_op *begin(const char *yaml)
{
	m = mock_new();
	source =
	    mock_instance(m, poll_component(), "list", mock_conf(m, poll_component(), yaml));
	struct ow_op *op = mock_start(source);
	for (mock_run(m); !mock_finished(op); mock_run(m))
		usleep(1000);
	return op;
}

static void with(const char *yaml)
{
	struct ow_op *op = begin(yaml);
	ck_assert_msg(mock_rc(op) == OW_OK, "%s", mock_why(op));
}

static void with_state(const char *yaml)
{
	char text[400];
	snprintf(text, sizeof(text), "%sstate: %s\n", yaml, path);
	with(text);
}

static void end(void)
{
	struct ow_op *op = mock_drain(source);
	for (mock_run(m); !mock_finished(op); mock_run(m))
		usleep(1000);
	ck_assert_int_eq(mock_rc(op), OW_OK);
	mock_free(m);
}

/* Fails the test unless the request of that number, the last one, is for that target. */
static void must_ask(size_t number, const char *target)
{
	for (int i = 0; i < 5000 && mock_calls(m) < number + 1; i++) {
		usleep(1000); /* the state is being written */
		mock_run(m);
	}
	ck_assert_uint_eq(mock_calls(m), number + 1);
	ck_assert_str_eq(mock_call(m, number)->request.target.data, target);
	ck_assert_str_eq(mock_call(m, number)->request.method, "GET");
}

static void answer(const char *body)
{
	mock_script_answer(m, 200, NULL, body);
	mock_run(m);
}

static void settle(size_t index, enum ow_outcome outcome, bool acknowledge)
{
	mock_settle(m, index,
	    &(struct ow_settlement){.size = sizeof(struct ow_settlement),
		.outcome = outcome,
		.acknowledge = acknowledge,
		.status = acknowledge ? 200 : 503,
		.why = "the test says so"});
	mock_run(m);
}

static void must_emit(size_t index, const char *body)
{
	ck_assert_uint_gt(mock_emitted(m), index);
	struct ow_event *event = mock_emission(m, index)->event;
	struct ow_text text = mock_host()->event_body(event);
	ck_assert_msg(text.len == strlen(body) && memcmp(text.data, body, text.len) == 0,
	    "%.*s", (int)text.len, text.data);
	struct ow_text type = mock_host()->event_header(event, "Content-Type");
	ck_assert_int_eq((int)type.len, 16);
}

START_TEST(records_are_forwarded_byte_by_byte)
{
	with(URL);
	must_ask(0, "/v1/list?q=1");
	ck_assert_str_eq(mock_call_header(mock_call(m, 0), "Accept").data, "application/json");
	answer(" [ {\"a\" : 1.50, \"b\":\"\\u00e9]\"},7, {\"a\":2} ] ");
	ck_assert_uint_eq(mock_emitted(m), 2);
	must_emit(0, "{\"a\" : 1.50, \"b\":\"\\u00e9]\"}");
	must_emit(1, "{\"a\":2}");
	ck_assert(mock_logged(m, "a record is left out: it is not an object"));
	settle(1, OW_DELIVERED, true);
	mock_advance(m, 600000);
	must_ask(0, "/v1/list?q=1"); /* not before the other one is settled */
	settle(0, OW_DUPLICATE, true);
	mock_advance(m, 59999);
	must_ask(0, "/v1/list?q=1");
	mock_advance(m, 1);
	must_ask(1, "/v1/list?q=1");
	answer("[]");
	end();
}
END_TEST

START_TEST(a_cursor_leads_from_page_to_page)
{
	with(CURSOR);
	must_ask(0, "/v1/list?q=1");
	answer("{\"data\":[{\"a\":1}],\"next\":\"x/y=\"}");
	must_ask(0, "/v1/list?q=1");
	settle(0, OW_DELIVERED, true);
	must_ask(1, "/v1/list?q=1&cursor=x%2Fy%3D");
	answer("{\"data\":[],\"next\":42}");
	must_ask(2, "/v1/list?q=1&cursor=42");
	answer("{\"data\":[],\"next\":null}");
	must_ask(2, "/v1/list?q=1&cursor=42");
	mock_advance(m, 60000);
	must_ask(3, "/v1/list?q=1&cursor=42"); /* the last page may have grown */
	end();
}
END_TEST

START_TEST(at_the_end_it_may_begin_anew)
{
	with(CURSOR "at_end: begin\n");
	answer("{\"data\":[],\"next\":\"2\"}");
	must_ask(1, "/v1/list?q=1&cursor=2");
	answer("{\"data\":[],\"next\":false}");
	mock_advance(m, 60000);
	must_ask(2, "/v1/list?q=1");
	end();
}
END_TEST

START_TEST(links_lead_on)
{
	static const char *const headers[] = {"link", "</v1/list?p=2>; rel=\"next\"", NULL};
	with(URL "paging: link\n");
	mock_script_answer(m, 200, headers, "[]");
	mock_run(m);
	must_ask(1, "/v1/list?p=2");
	end();
	static const char *const several[] = {
	    "Link", "</style.css>; rel=preload", "Link", "</v1/list?p=3>; rel=next", NULL};
	with(URL "paging: link\n");
	mock_script_answer(m, 200, several, "[]");
	mock_run(m);
	must_ask(1, "/v1/list?p=3");
	end();
	with(URL "paging: next\nnext: /links/next\nrecords: /data\n");
	answer("{\"data\":[],\"links\":{\"next\":\"http://api.example/v1/list?p=2\"}}");
	must_ask(1, "/v1/list?p=2");
	answer("{\"data\":[],\"links\":{\"next\":\"http://evil.example/v1/list?p=3\"}}");
	ck_assert_uint_eq(mock_calls(m), 2);
	ck_assert(mock_logged(m, "error: a page cannot be used: the next page is of another"));
	end();
}
END_TEST

START_TEST(pages_and_offsets_count)
{
	with(URL "paging: page\npage_size: 2\npage_size_parameter: per_page\n");
	must_ask(0, "/v1/list?q=1&per_page=2&page=1");
	answer("[1,2]");
	must_ask(1, "/v1/list?q=1&per_page=2&page=2");
	answer("[3]");
	mock_advance(m, 60000);
	must_ask(2, "/v1/list?q=1&per_page=2&page=2");
	end();
	with(URL "paging: offset\nparameter: skip\n");
	must_ask(0, "/v1/list?q=1&skip=0");
	answer("[1,2,3]");
	must_ask(1, "/v1/list?q=1&skip=3");
	answer("[]");
	mock_advance(m, 60000);
	must_ask(2, "/v1/list?q=1&skip=3");
	end();
}
END_TEST

/* An empty page says nothing of the one before it, which may have had room for more. */
START_TEST(the_page_before_an_empty_one_is_read_again)
{
	with(URL "paging: page\n");
	must_ask(0, "/v1/list?q=1&page=1");
	answer("[1,2]");
	must_ask(1, "/v1/list?q=1&page=2");
	answer("[3]");
	must_ask(2, "/v1/list?q=1&page=3");
	answer("[]");
	mock_advance(m, 60000);
	must_ask(3, "/v1/list?q=1&page=2");
	answer("[3,4]");
	must_ask(4, "/v1/list?q=1&page=3");
	answer("[]");
	end();
	with(URL "paging: page\nfirst_page: 0\n");
	answer("[]");
	mock_advance(m, 60000);
	must_ask(1, "/v1/list?q=1&page=0");
	end();
}
END_TEST

START_TEST(what_is_given_back_is_read_again)
{
	with(CURSOR);
	answer("{\"data\":[{\"a\":1},{\"a\":2},{\"a\":3}],\"next\":\"2\"}");
	settle(0, OW_DELIVERED, true);
	settle(1, OW_FAILED, false);
	settle(2, OW_DELIVERED, true);
	must_ask(0, "/v1/list?q=1");
	ck_assert_uint_eq(mock_counter(m, "poll_returned_total", NULL), 1);
	mock_advance(m, 1000);
	must_ask(1, "/v1/list?q=1");
	answer("{\"data\":[{\"a\":2}],\"next\":\"2\"}");
	settle(3, OW_DELIVERED, true);
	must_ask(2, "/v1/list?q=1&cursor=2");
	end();
}
END_TEST

START_TEST(turned_away_it_hands_out_no_more)
{
	with(URL "max_inflight: 2\n");
	answer("[{\"a\":1},{\"a\":2},{\"a\":3},{\"a\":4}]");
	ck_assert_uint_eq(mock_emitted(m), 2);
	settle(0, OW_REJECTED, false);
	settle(1, OW_DELIVERED, true);
	ck_assert_uint_eq(mock_emitted(m), 2);
	mock_advance(m, 1000);
	must_ask(1, "/v1/list?q=1");
	end();
}
END_TEST

START_TEST(the_invalid_are_left_out_or_held)
{
	with(URL);
	answer("[{\"a\":1}]");
	settle(0, OW_INVALID, false);
	ck_assert_uint_eq(mock_counter(m, "poll_skipped_total", NULL), 1);
	mock_advance(m, 59999);
	must_ask(0, "/v1/list?q=1");
	end();
	with(URL "hold_invalid: true\n");
	answer("[{\"a\":1}]");
	settle(0, OW_INVALID, false);
	mock_advance(m, 1000);
	must_ask(1, "/v1/list?q=1");
	end();
}
END_TEST

static void must_fail(const char *yaml, int status, const char *body, const char *problem)
{
	with(yaml);
	mock_script_answer(m, status, NULL, body);
	mock_run(m);
	ck_assert_msg(mock_logged(m, problem), "%s", mock_log_line(m, mock_log_lines(m) - 1));
	ck_assert_uint_eq(mock_counter(m, "poll_errors_total", NULL), 1);
	ck_assert_int_eq(mock_gauge(m, "poll_failing"), 1);
	mock_advance(m, 1000);
	must_ask(1, "/v1/list?q=1");
	/* Once is enough said. */
	size_t lines = mock_log_lines(m);
	mock_script_answer(m, status, NULL, body);
	mock_run(m);
	ck_assert_uint_eq(mock_log_lines(m), lines);
	mock_advance(m, 2000);
	answer("{\"data\":[]}");
	ck_assert(mock_logged(m, "pages can be read again"));
	ck_assert_int_eq(mock_gauge(m, "poll_failing"), 0);
	end();
}

START_TEST(answers_that_cannot_be_used)
{
	must_fail(CURSOR, 200, "{\"data\":[{]", "its body is not JSON");
	must_fail(CURSOR, 200, "{\"dat\":[]}", "nothing where `records` points to");
	must_fail(CURSOR, 200, "{\"data\":{}}", "is not an array");
	must_fail(CURSOR, 200, "{\"data\":[],\"next\":{}}", "neither a text nor a number");
	must_fail(CURSOR, 200, "{\"data\":[],\"next\":true}", "neither a text nor a number");
	must_fail(CURSOR, 302, "", "the answer is 302: redirects are not followed");
	must_fail(CURSOR, 404, "", "the answer is 404: check `url`");
	must_fail(CURSOR, 500, "", "the answer is 500");
	must_fail(CURSOR, 204, "", "the answer is 204");
}
END_TEST

START_TEST(a_page_over_the_limit)
{
	with(URL);
	mock_script(m, &(struct ow_http_response){.size = sizeof(struct ow_http_response),
			   .end = OW_HTTP_ANSWERED,
			   .status = 200,
			   .body_dropped = true});
	mock_run(m);
	ck_assert(mock_logged(m, "larger than max_response"));
	end();
}
END_TEST

START_TEST(retry_after_is_the_least_wait)
{
	static const char *const headers[] = {"Retry-After", "120", NULL};
	with(URL);
	mock_script_answer(m, 429, headers, "");
	mock_run(m);
	mock_advance(m, 120000);
	must_ask(0, "/v1/list?q=1");
	mock_advance(m, 1000);
	must_ask(1, "/v1/list?q=1");
	end();
}
END_TEST

START_TEST(waits_grow)
{
	with(URL "retry: {base: 1s, max: 8s}\n");
	for (size_t i = 0; i < 6; i++) {
		int64_t least = 500 << (i < 3 ? i : 3);
		mock_script_answer(m, 500, NULL, "");
		mock_run(m);
		mock_advance(m, least - 1);
		must_ask(i, "/v1/list?q=1");
		mock_advance(m, least + 1);
		must_ask(i + 1, "/v1/list?q=1");
	}
	end();
}
END_TEST

START_TEST(circles_and_endless_lists_end)
{
	with(CURSOR);
	answer("{\"data\":[],\"next\":\"a\"}");
	answer("{\"data\":[],\"next\":\"b\"}");
	answer("{\"data\":[],\"next\":\"a\"}");
	must_ask(2, "/v1/list?q=1&cursor=b");
	ck_assert(mock_logged(m, "pages go in a circle"));
	end();
	with(CURSOR "max_pages: 3\n");
	for (int i = 0; i < 3; i++) {
		char body[40];
		snprintf(body, sizeof(body), "{\"data\":[],\"next\":\"%d\"}", i);
		answer(body);
	}
	must_ask(2, "/v1/list?q=1&cursor=1");
	mock_advance(m, 60000);
	must_ask(3, "/v1/list?q=1&cursor=2");
	end();
}
END_TEST

START_TEST(a_restart_goes_on_behind_what_was_acknowledged)
{
	make_directory();
	with_state(CURSOR);
	answer("{\"data\":[{\"a\":1}],\"next\":\"2\"}");
	settle(0, OW_DELIVERED, true);
	must_ask(1, "/v1/list?q=1&cursor=2");
	answer("{\"data\":[{\"a\":2},{\"a\":3}],\"next\":\"3\"}");
	/* In the middle of a page: it is read again. */
	struct ow_op *op = mock_drain(source);
	settle(1, OW_DELIVERED, true);
	ck_assert(!mock_finished(op));
	settle(2, OW_FAILED, false);
	ck_assert_int_eq(mock_rc(op), OW_OK);
	mock_free(m);
	with_state(CURSOR);
	must_ask(0, "/v1/list?q=1&cursor=2");
	end();
	remove_directory();
}
END_TEST

static void must_not_start(const char *yaml, const char *problem)
{
	char text[400];
	snprintf(text, sizeof(text), "%sstate: %s\n", yaml, path);
	struct ow_op *op = begin(text);
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_msg(
	    strstr(mock_why(op), problem) && strstr(mock_why(op), path), "%s", mock_why(op));
	ck_assert_uint_eq(mock_calls(m), 0);
	end();
}

START_TEST(a_state_that_cannot_be_used_starts_nothing)
{
	make_directory();
	with_state(CURSOR);
	answer("{\"data\":[],\"next\":\"2\"}");
	must_ask(1, "/v1/list?q=1&cursor=2");
	end();
	char text[300], damaged[300];
	FILE *file = fopen(path, "r");
	size_t len = fread(text, 1, sizeof(text), file);
	fclose(file);
	ck_assert_uint_lt(len, sizeof(text));
	for (size_t i = 0; i < len; i++) {
		memcpy(damaged, text, len);
		damaged[i] ^= 0x05;
		file = fopen(path, "w");
		fwrite(damaged, 1, len, file);
		fclose(file);
		must_not_start(CURSOR, "move it away to begin with the first page");
	}
	file = fopen(path, "w");
	fwrite(text, 1, len, file);
	fclose(file);
	must_not_start("url: \"http://api.example/other\"\n", "it is of another `url`");
	file = fopen(path, "w");
	fclose(file);
	must_not_start(CURSOR, "it is not a state");
	remove_directory();
	must_not_start(CURSOR, "cannot create");
}
END_TEST

/* Reading goes on; what was not written is written as soon as that can be done. */
START_TEST(a_state_that_cannot_be_written)
{
	make_directory();
	char text[400], beside[300];
	snprintf(beside, sizeof(beside), "%s.tmp", path);
	with_state(CURSOR);
	ck_assert_int_eq(mkdir(beside, 0700), 0);
	answer("{\"data\":[],\"next\":\"2\"}");
	must_ask(1, "/v1/list?q=1&cursor=2");
	snprintf(text, sizeof(text), "cannot write %s: Is a directory", path);
	ck_assert(mock_logged(m, text));
	ck_assert_uint_eq(mock_counter(m, "poll_errors_total", NULL), 1);
	ck_assert_int_eq(rmdir(beside), 0);
	answer("{\"data\":[],\"next\":null}");
	end();
	with_state(CURSOR);
	must_ask(0, "/v1/list?q=1&cursor=2");
	end();
	remove_directory();
}
END_TEST

START_TEST(two_sources_cannot_share_a_state)
{
	make_directory();
	with_state(CURSOR);
	struct mock *first = m;
	struct ow_instance *of_first = source;
	must_not_start(CURSOR, "is in use by another onceway or another source");
	m = first;
	source = of_first;
	end();
	remove_directory();
}
END_TEST

START_TEST(one_worker_polls)
{
	m = mock_new();
	struct mock *other = mock_new_worker(m);
	const void *conf = mock_conf(m, poll_component(), URL);
	source = mock_instance(m, poll_component(), "list", conf);
	struct ow_instance *second = mock_instance(other, poll_component(), "list", conf);
	ck_assert_int_eq(mock_rc(mock_start(source)), OW_OK);
	ck_assert_int_eq(mock_rc(mock_start(second)), OW_OK);
	mock_run(other);
	ck_assert_uint_eq(mock_calls(other), 0);
	must_ask(0, "/v1/list?q=1");
	ck_assert_int_eq(mock_rc(mock_drain(second)), OW_OK);
	mock_free(other);
	end();
}
END_TEST

START_TEST(who_we_are)
{
	with(URL "bearer: hunter2\nheaders: {X-Tenant: a, Accept: text/json}\n");
	const struct mock_call *call = mock_call(m, 0);
	ck_assert_str_eq(mock_call_header(call, "Authorization").data, "Bearer hunter2");
	ck_assert_str_eq(mock_call_header(call, "X-Tenant").data, "a");
	ck_assert_str_eq(mock_call_header(call, "Accept").data, "text/json");
	mock_script_answer(m, 401, NULL, "");
	mock_run(m);
	ck_assert(mock_logged(m, "the answer is 401: check who we say we are"));
	end();
}
END_TEST

static void must_complain(const char *yaml, const char *complaint)
{
	const char *complaints = mock_conf_complaints(m, poll_component(), yaml);
	ck_assert_msg(strstr(complaints, complaint) != NULL, "%s", complaints);
}

START_TEST(options_that_do_not_fit_together)
{
	m = mock_new();
	must_complain(URL "paging: cursor\n", "where in the body the next cursor is");
	must_complain(URL "paging: next\n", "where in the body the next page's URL is");
	must_complain(URL "cursor: /x\n", "is of use with `paging: cursor` only");
	must_complain(URL "next: /x\n", "is of use with `paging: next` only");
	must_complain(URL "paging: link\nparameter: x\n", "cursor, page or offset");
	must_complain(URL "page_size: 10\n", "page or offset");
	must_complain(URL "page_size_parameter: n\n", "what `n` is to be");
	must_complain(URL "state: /x/\n", "must name a file");
	must_complain(URL "headers: {\"X y\": 1}\n", "`X y` is not a header name");
	must_complain(URL "headers: {host: x}\n", "`host` is written by onceway itself");
	must_complain(
	    URL "headers: {X-A: \"a\\nB: c\"}\n", "`X-A` has a line break in its value");
	must_complain(URL "retry: {base: 10s, max: 5s}\n", "must not be longer than retry.max");
	mock_free(m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("source_poll");
	TCase *t = tcase_create("source_poll");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, records_are_forwarded_byte_by_byte);
	tcase_add_test(t, a_cursor_leads_from_page_to_page);
	tcase_add_test(t, at_the_end_it_may_begin_anew);
	tcase_add_test(t, links_lead_on);
	tcase_add_test(t, pages_and_offsets_count);
	tcase_add_test(t, the_page_before_an_empty_one_is_read_again);
	tcase_add_test(t, what_is_given_back_is_read_again);
	tcase_add_test(t, turned_away_it_hands_out_no_more);
	tcase_add_test(t, the_invalid_are_left_out_or_held);
	tcase_add_test(t, answers_that_cannot_be_used);
	tcase_add_test(t, a_page_over_the_limit);
	tcase_add_test(t, retry_after_is_the_least_wait);
	tcase_add_test(t, waits_grow);
	tcase_add_test(t, circles_and_endless_lists_end);
	tcase_add_test(t, a_restart_goes_on_behind_what_was_acknowledged);
	tcase_add_test(t, a_state_that_cannot_be_used_starts_nothing);
	tcase_add_test(t, a_state_that_cannot_be_written);
	tcase_add_test(t, two_sources_cannot_share_a_state);
	tcase_add_test(t, one_worker_polls);
	tcase_add_test(t, who_we_are);
	tcase_add_test(t, options_that_do_not_fit_together);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
