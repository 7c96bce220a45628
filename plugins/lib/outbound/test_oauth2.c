/* Tokens: when they are fetched, by how many requests, and what happens when they are not. */
#include <stdio.h>
#include <string.h>

#include "lib/outbound/test_rig.h"
#include "tests/unit/main.h"

#define NAME "oauth_refreshes_total"

static size_t calls(void)
{
	return mock_calls(rig.m[0]);
}

static void pass(int64_t ms)
{
	mock_advance(rig.m[0], ms);
	if (rig.m[1])
		mock_run(rig.m[1]);
}

/* Started, and the first token is there. */
static void with_token(int seconds)
{
	rig_with(RIG_OAUTH2);
	rig_token("t1", seconds);
	ck_assert_uint_eq(calls(), 1);
}

/* One request, sent with that token. */
static void expect_sent(const char *token)
{
	char wanted[64];
	size_t before = calls(), number = rig_send();
	mock_run(rig.m[0]);
	snprintf(wanted, sizeof(wanted), "Bearer %s", token);
	ck_assert_uint_eq(calls(), before + 1);
	ck_assert_str_eq(rig_header(before, "Authorization"), wanted);
	rig_answer(200, "{}");
	ck_assert_int_eq(rig_result(number)->status, 200);
}

/* ---- what is asked ---- */

START_TEST(a_form)
{
	rig_with("oauth2: {token_url: \"https://login.example/token?v=2\", client_id: us, "
		 "client_secret: \"hunter2&+ \xc3\xa9\", scope: \"a:read b\", audience: "
		 "\"https://crm\", timeout: 7s, tls: {ca: ca.pem}}\n");
	mock_run(rig.m[0]);
	ck_assert_uint_eq(calls(), 1);
	const struct mock_call *call = mock_call(rig.m[0], 0);
	ck_assert_str_eq(call->origin.url, "https://login.example/token?v=2");
	ck_assert_str_eq(call->origin.proxy, "http://proxy");
	ck_assert_str_eq(call->origin.tls->ca, "ca.pem");
	ck_assert_str_eq(call->request.method, "POST");
	ck_assert_str_eq(call->request.target.data, "/token?v=2");
	ck_assert_int_eq(call->request.total_ms, 7000);
	ck_assert_str_eq(rig_header(0, "Content-Type"), "application/x-www-form-urlencoded");
	ck_assert_str_eq(rig_header(0, "Authorization"), "");
	ck_assert_str_eq(rig_body(0),
	    "grant_type=client_credentials&client_id=us&client_secret=hunter2%26%2B%20%C3%A9"
	    "&scope=a%3Aread%20b&audience=https%3A%2F%2Fcrm");
	rig_token("t1", 60);
}
END_TEST

START_TEST(a_json_document)
{
	rig_with("oauth2: {token_url: \"http://login.example\", client_id: us, client_secret: "
		 "'hun\"ter2', scope: a, style: json}\n");
	mock_run(rig.m[0]);
	ck_assert_str_eq(rig_header(0, "Content-Type"), "application/json");
	ck_assert_str_eq(mock_call(rig.m[0], 0)->request.target.data, "/");
	ck_assert_str_eq(rig_body(0),
	    "{\"grant_type\":\"client_credentials\",\"client_id\":\"us\",\"client_secret\":"
	    "\"hun\\\"ter2\",\"scope\":\"a\"}");
	rig_token("t1", 60);
}
END_TEST

/* RFC 6749, 2.3.1: us:p%2Bw in base64. */
START_TEST(in_a_header)
{
	rig_with("oauth2: {token_url: \"http://login.example/t\", client_id: us, "
		 "client_secret: p+w, client_auth: basic}\n");
	mock_run(rig.m[0]);
	ck_assert_str_eq(rig_header(0, "Authorization"), "Basic dXM6cCUyQnc=");
	ck_assert_str_eq(rig_body(0), "grant_type=client_credentials");
	rig_token("t1", 60);
}
END_TEST

/* ---- one token ---- */

START_TEST(fetched_at_the_start_and_used)
{
	with_token(1800);
	expect_sent("t1");
	expect_sent("t1");
	ck_assert_str_eq(rig_header(1, "Content-Type"), "application/json");
	ck_assert_uint_eq(mock_counter(rig.m[0], NAME, "ok"), 1);
}
END_TEST

START_TEST(one_fetch_for_all_who_wait)
{
	rig_with(RIG_OAUTH2);
	for (size_t i = 0; i < RIG_WAITING; i++)
		rig_send();
	mock_run(rig.m[0]);
	ck_assert_uint_eq(calls(), 1);
	size_t beyond = rig_send();
	mock_run(rig.m[0]);
	ck_assert(rig_result(beyond)->busy);
	rig_token("t1", 1800);
	ck_assert_uint_eq(calls(), 1 + RIG_WAITING);
	for (size_t i = 0; i < RIG_WAITING; i++) {
		ck_assert_str_eq(rig_header(1 + i, "Authorization"), "Bearer t1");
		rig_answer(200, "{}");
		ck_assert_int_eq(rig_result(i)->status, 200);
	}
	/* There is room again for those who wait. */
	pass(1800000);
	size_t next = rig_send();
	rig_token("t2", 1800);
	rig_answer(200, "{}");
	ck_assert_int_eq(rig_result(next)->status, 200);
}
END_TEST

START_TEST(time_is_up_while_it_waits)
{
	rig_with(RIG_OAUTH2);
	size_t number = rig_send();
	pass(RIG_TOTAL - 1);
	ck_assert_int_eq(rig.results[number].ended, 0);
	pass(1);
	ck_assert(rig_result(number)->timed_out);
	ck_assert_str_eq(rig_result(number)->why, "no OAuth 2 token came in time");
	rig_token("t1", 60);
	ck_assert_uint_eq(calls(), 1);
}
END_TEST

START_TEST(cancelled_while_it_waits)
{
	rig_with(RIG_OAUTH2);
	size_t number = rig_send();
	mock_set_maybe_received(rig.m[0], true);
	ck_assert(!outbound_cancel(rig_call(number)));
	rig_token("t1", 1800);
	ck_assert_uint_eq(calls(), 1);
	number = rig_send();
	ck_assert(outbound_cancel(rig_call(number)));
	ck_assert_int_eq(rig.results[number].ended, 0);
}
END_TEST

/* The limit of a request is that of its waiting and its sending together. */
START_TEST(what_is_left_of_its_time)
{
	rig_with(RIG_OAUTH2);
	rig_send();
	pass(4000);
	rig_token("t1", 1800);
	ck_assert_int_eq(mock_call(rig.m[0], 1)->request.total_ms, RIG_TOTAL - 4000);
	rig_answer(200, "{}");
}
END_TEST

/* ---- its life ---- */

START_TEST(renewed_ahead_while_the_old_one_serves)
{
	with_token(1800);
	pass(1499999);
	ck_assert_uint_eq(calls(), 1);
	pass(1);
	ck_assert_uint_eq(calls(), 2); /* by itself: nobody has sent anything */
	size_t number = rig_send();
	ck_assert_str_eq(rig_header(2, "Authorization"), "Bearer t1");
	rig_token("t2", 1800);
	rig_answer(200, "{}");
	ck_assert_int_eq(rig_result(number)->status, 200);
	expect_sent("t2");
}
END_TEST

START_TEST(a_short_life_is_used_for_three_quarters)
{
	with_token(40);
	pass(29999);
	ck_assert_uint_eq(calls(), 1);
	pass(1);
	ck_assert_uint_eq(calls(), 2);
	rig_token("t2", 40);
	expect_sent("t2");
}
END_TEST

START_TEST(counted_from_when_it_was_asked_for)
{
	rig_with(RIG_OAUTH2);
	mock_run(rig.m[0]);
	pass(5000);
	rig_token("t1", 40);
	pass(24999);
	ck_assert_uint_eq(calls(), 1);
	pass(1);
	ck_assert_uint_eq(calls(), 2);
	rig_token("t2", 40);
}
END_TEST

/* What has ended when it comes would be fetched again and again, and never be used. */
START_TEST(slower_than_its_tokens_live)
{
	rig_with(RIG_OAUTH2);
	size_t number = rig_send();
	mock_run(rig.m[0]);
	pass(9000);
	rig_token("t1", 8);
	ck_assert_uint_eq(calls(), 2);
	rig_answer(200, "{}");
	ck_assert_int_eq(rig_result(number)->status, 200);
}
END_TEST

START_TEST(not_used_at_its_very_end)
{
	with_token(40);
	pass(38999); /* its successor was asked for at 30 s, and does not come */
	ck_assert_uint_eq(calls(), 2);
	rig_send();
	ck_assert_str_eq(rig_header(2, "Authorization"), "Bearer t1");
	pass(1);
	rig_send();
	mock_run(rig.m[0]);
	ck_assert_uint_eq(calls(), 3);
	rig_token("t2", 40);
	ck_assert_str_eq(rig_header(3, "Authorization"), "Bearer t2");
	rig_answer(200, "{}");
	rig_answer(200, "{}");
}
END_TEST

START_TEST(a_failed_renewal_harms_nobody)
{
	const char *why = NULL;
	with_token(40);
	pass(30000);
	rig_answer(500, "");
	ck_assert(rig_ready(&why));
	size_t before = calls(), number = rig_send();
	ck_assert_str_eq(rig_header(before, "Authorization"), "Bearer t1");
	rig_answer(200, "{}");
	ck_assert_int_eq(rig_result(number)->status, 200);
	pass(1000);
	ck_assert_uint_eq(calls(), 4);
	rig_token("t2", 40);
	expect_sent("t2");
}
END_TEST

START_TEST(a_life_that_is_none)
{
	rig_with(RIG_OAUTH2);
	rig_token("t1", 0);
	ck_assert(mock_logged(rig.m[0], "expires_in is not a number of seconds above 0"));
	pass(3299999);
	expect_sent("t1");
	pass(1);
	ck_assert_uint_eq(calls(), 3);
	rig_answer(200, "{\"access_token\":\"t2\"}");
	expect_sent("t2");
}
END_TEST

/* ---- refused by the system behind ---- */

START_TEST(refused_once)
{
	with_token(1800);
	pass(5000);
	size_t number = rig_send();
	rig_answer(401, "");
	ck_assert_int_eq(rig.results[number].ended, 0);
	ck_assert_str_eq(rig_url(2), "http://login.example/token?v=2");
	rig_token("t2", 1800);
	ck_assert_str_eq(rig_header(3, "Authorization"), "Bearer t2");
	ck_assert_str_eq(rig_body(3), "{\"a\":1}");
	rig_answer(200, "{}");
	ck_assert_int_eq(rig_result(number)->status, 200);
	ck_assert_uint_eq(mock_counter(rig.m[0], NAME, "ok"), 2);
}
END_TEST

START_TEST(refused_twice)
{
	with_token(1800);
	pass(5000);
	size_t number = rig_send();
	rig_answer(401, "");
	rig_token("t2", 1800);
	rig_answer(401, "");
	ck_assert_int_eq(rig_result(number)->status, 401);
	ck_assert(!rig_result(number)->stale);
	ck_assert_uint_eq(calls(), 4);
	/* Nor is a token fetched for each request that such a system refuses. */
	for (int i = 0; i < 5; i++) {
		number = rig_send();
		rig_answer(401, "");
		ck_assert_int_eq(rig_result(number)->status, 401);
	}
	ck_assert_uint_eq(mock_counter(rig.m[0], NAME, "ok"), 2);
	/* But now and then: somebody may have put it right. */
	pass(10000);
	number = rig_send();
	rig_answer(401, "");
	rig_token("t3", 1800);
	rig_answer(200, "{}");
	ck_assert_int_eq(rig_result(number)->status, 200);
}
END_TEST

/* Tokens that live for less than they say are no reason to fail: each did serve. */
START_TEST(refused_after_it_was_accepted)
{
	with_token(1800);
	for (int i = 2; i < 6; i++) {
		char token[16];
		size_t number = rig_send();
		rig_answer(200, "{}");
		ck_assert_int_eq(rig_result(number)->status, 200);
		pass(1500);
		number = rig_send();
		rig_answer(401, "");
		snprintf(token, sizeof(token), "t%d", i);
		rig_token(token, 1800);
		rig_answer(200, "{}");
		ck_assert_int_eq(rig_result(number)->status, 200);
	}
	ck_assert_uint_eq(mock_counter(rig.m[0], NAME, "ok"), 5);
}
END_TEST

/* Others are served with the new token: it is the request that is refused, and no token's
 * fault. */
START_TEST(refused_while_others_are_served)
{
	with_token(1800);
	expect_sent("t1");
	pass(5000);
	size_t refused = rig_send();
	rig_answer(401, "");
	rig_token("t2", 1800);
	size_t served = rig_send();
	rig_respond(calls() - 1, 200, "{}");
	ck_assert_int_eq(rig_result(served)->status, 200);
	pass(5000);
	rig_answer(401, "");
	ck_assert_int_eq(rig_result(refused)->status, 401);
	ck_assert(!rig_result(refused)->stale);
	expect_sent("t2");
	ck_assert_uint_eq(mock_counter(rig.m[0], NAME, "ok"), 2);
}
END_TEST

START_TEST(signed_anew_when_it_is_sent_again)
{
	rig_with(
	    RIG_OAUTH2 "standard_webhooks: {secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n");
	rig_token("t1", 1800);
	pass(5000);
	size_t number = rig_send();
	ck_assert_str_eq(rig_header(1, "webhook-timestamp"), "1767225605");
	rig_answer(401, "");
	pass(2000);
	rig_token("t2", 1800);
	ck_assert_str_eq(rig_header(3, "webhook-timestamp"), "1767225607");
	ck_assert_str_eq(rig_header(3, "webhook-id"), "cxone:dedup:k1");
	ck_assert_str_ne(
	    rig_header(1, "webhook-signature"), rig_header(3, "webhook-signature"));
	rig_answer(200, "{}");
	ck_assert_int_eq(rig_result(number)->status, 200);
}
END_TEST

START_TEST(a_storm_of_refusals)
{
	with_token(1800);
	expect_sent("t1");
	pass(5000);
	size_t first = rig.sent;
	for (int i = 0; i < 20; i++)
		rig_send();
	ck_assert_uint_eq(calls(), 22);
	for (int i = 0; i < RIG_WAITING; i++)
		rig_answer(401, "");
	rig_respond(22, 200, "{\"access_token\":\"t2\",\"expires_in\":1800}");
	for (int i = RIG_WAITING; i < 20; i++)
		mock_script_answer(rig.m[0], 401, NULL, "");
	mock_run(rig.m[0]);
	for (int i = 0; i < 20; i++)
		mock_script_answer(rig.m[0], 200, NULL, "{}");
	mock_run(rig.m[0]);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(rig_result(first + (size_t)i)->status, 200);
	ck_assert_uint_eq(mock_counter(rig.m[0], NAME, "ok"), 2);
}
END_TEST

START_TEST(refused_with_no_time_left)
{
	with_token(1800);
	expect_sent("t1");
	size_t number = rig_send();
	mock_skip(rig.m[0], RIG_TOTAL);
	rig_answer(401, "");
	ck_assert_int_eq(rig_result(number)->status, 401);
	ck_assert(rig_result(number)->stale);
	mock_run(rig.m[0]);
	rig_token("t2", 1800);
	expect_sent("t2");
}
END_TEST

/* What is refused as fast as it is fetched costs the endpoint one request a second. */
START_TEST(refused_in_no_time)
{
	with_token(1800);
	size_t number = rig_send();
	rig_answer(401, "");
	ck_assert_uint_eq(calls(), 2);
	pass(999);
	ck_assert_uint_eq(calls(), 2);
	pass(1);
	ck_assert_uint_eq(calls(), 3);
	rig_token("t2", 1800);
	rig_answer(200, "{}");
	ck_assert_int_eq(rig_result(number)->status, 200);
}
END_TEST

/* ---- no token ---- */

START_TEST(endpoint_does_not_work)
{
	const char *why = NULL;
	rig_with(RIG_OAUTH2);
	size_t waiting = rig_send();
	rig_answer(500, "{\"error\":\"server_error\"}");
	ck_assert_int_eq(rig_result(waiting)->status, 0);
	ck_assert(!rig_result(waiting)->timed_out && !rig_result(waiting)->busy);
	ck_assert_str_eq(rig_result(waiting)->why,
	    "no OAuth 2 token from http://login.example/token?v=2: it answered 500 "
	    "server_error");
	ck_assert_int_ge(rig_result(waiting)->retry_after_ms, 500);
	ck_assert_int_le(rig_result(waiting)->retry_after_ms, 1000);
	ck_assert(!rig_ready(&why));
	ck_assert_str_eq(why, rig_result(waiting)->why);
	ck_assert(mock_logged(rig.m[0], "warning: no OAuth 2 token from http://login.example"));
	/* Whoever comes meanwhile is told at once: no request to the endpoint for each. */
	size_t meanwhile = rig_send();
	mock_run(rig.m[0]);
	ck_assert_str_eq(rig_result(meanwhile)->why, rig_result(waiting)->why);
	ck_assert_uint_eq(calls(), 1);
	/* It is tried again by itself: nobody sends to what is not ready. */
	pass(1000);
	ck_assert_uint_eq(calls(), 2);
	rig_token("t1", 1800);
	ck_assert(rig_ready(&why));
	expect_sent("t1");
	ck_assert_uint_eq(mock_counter(rig.m[0], NAME, "failed"), 1);
	ck_assert_uint_eq(mock_counter(rig.m[0], NAME, "refused"), 0);
}
END_TEST

START_TEST(endpoint_refuses)
{
	rig_with(RIG_OAUTH2);
	size_t number = rig_send();
	rig_answer(401, "{\"error\":\"invalid_client\"}");
	ck_assert_ptr_nonnull(strstr(rig_result(number)->why, "check oauth2.client_id"));
	ck_assert_int_ge(rig_result(number)->retry_after_ms, 2500);
	ck_assert_int_le(rig_result(number)->retry_after_ms, 5000);
	pass(5000);
	rig_token("t1", 1800);
	expect_sent("t1");
}
END_TEST

static int64_t wait_for_next(int status)
{
	int64_t start = mock_mono(rig.m[0]);
	size_t before = calls();
	rig_answer(status, "");
	while (calls() == before)
		pass(50);
	return mock_mono(rig.m[0]) - start;
}

START_TEST(waits_grow)
{
	rig_with(RIG_OAUTH2);
	mock_run(rig.m[0]);
	int64_t least = 500;
	for (int i = 0; i < 8; i++) {
		int64_t waited = wait_for_next(503);
		ck_assert_int_ge(waited, least);
		ck_assert_int_le(waited, 2 * least + 50);
		least = least < 15000 ? (least * 2 < 15000 ? least * 2 : 15000) : 15000;
	}
	/* Only somebody's hand helps here: it is asked less often. */
	ck_assert_int_ge(wait_for_next(401), 15000);
	ck_assert_int_ge(wait_for_next(401), 30000);
	ck_assert_int_le(wait_for_next(403), 60050);
	ck_assert_uint_eq(mock_counter(rig.m[0], NAME, "refused"), 3);
	rig_token("t1", 1800);
	expect_sent("t1");
}
END_TEST

START_TEST(the_endpoint_asks_for_time)
{
	static const char *const headers[] = {"Retry-After", "17", NULL};
	rig_with(RIG_OAUTH2);
	size_t number = rig_send();
	mock_run(rig.m[0]);
	mock_script_answer(rig.m[0], 429, headers, "");
	mock_run(rig.m[0]);
	ck_assert_int_eq(rig_result(number)->retry_after_ms, 17000);
	pass(16999);
	ck_assert_uint_eq(calls(), 1);
	pass(1);
	ck_assert_uint_eq(calls(), 2);
	rig_token("t1", 1800);
}
END_TEST

static void end_fetch(struct ow_http_response response)
{
	mock_run(rig.m[0]);
	mock_script(rig.m[0], &response);
	mock_run(rig.m[0]);
}

START_TEST(endpoint_cannot_be_asked)
{
	rig_with(RIG_OAUTH2);
	size_t number = rig_send();
	end_fetch((struct ow_http_response){
	    .end = OW_HTTP_CONNECT, .why = "connect to 127.0.0.1:9: Connection refused"});
	ck_assert_str_eq(rig_result(number)->why,
	    "no OAuth 2 token from http://login.example/token?v=2: connect to 127.0.0.1:9: "
	    "Connection refused");
	pass(1000);
	number = rig_send();
	end_fetch((struct ow_http_response){
	    .end = OW_HTTP_ANSWERED, .status = 200, .body_dropped = true});
	ck_assert_ptr_nonnull(strstr(rig_result(number)->why, "larger than 64 KiB"));
	pass(2000);
	rig_token("t1", 1800);
}
END_TEST

START_TEST(no_secret_is_shown)
{
	static const char *const echoes[] = {
	    "{\"error\":\"x\",\"error_description\":\"client_secret=hunter2 is wrong\"}",
	    "{\"error\":\"x\",\"error_description\":\"Basic dXM6aHVudGVyMg==\"}"};
	rig_with("oauth2: {token_url: \"http://login.example\", client_id: us, client_secret: "
		 "hunter2, client_auth: basic}\n");
	for (size_t i = 0; i < 2; i++) {
		size_t number = rig_send();
		rig_answer(500, echoes[i]);
		ck_assert_ptr_nonnull(strstr(rig_result(number)->why,
		    "it answered 500 and quotes our secret, so no more is shown: check"));
		pass(4000);
	}
	rig_token("secret-token", 1800);
	expect_sent("secret-token");
	for (size_t i = 0; i < mock_log_lines(rig.m[0]); i++) {
		ck_assert_ptr_null(strstr(mock_log_line(rig.m[0], i), "hunter2"));
		ck_assert_ptr_null(strstr(mock_log_line(rig.m[0], i), "dXM6"));
		ck_assert_ptr_null(strstr(mock_log_line(rig.m[0], i), "secret-token"));
	}
}
END_TEST

/* ---- two workers ---- */

START_TEST(two_workers_share_a_token)
{
	rig_with(RIG_OAUTH2);
	rig_with_second(RIG_OAUTH2);
	size_t here = rig_send(), there = rig_send_from(1);
	mock_run(rig.m[0]);
	mock_run(rig.m[1]);
	ck_assert_uint_eq(mock_calls(rig.m[0]) + mock_calls(rig.m[1]), 1);
	rig_token("t1", 1800);
	ck_assert_uint_eq(mock_calls(rig.m[1]), 1);
	ck_assert_str_eq(
	    mock_call_header(mock_call(rig.m[1], 0), "Authorization").data, "Bearer t1");
	rig_answer(200, "{}");
	rig_answer_to(1, 200, "{}");
	ck_assert_int_eq(rig_result(here)->status, 200);
	ck_assert_int_eq(rig_result(there)->status, 200);
}
END_TEST

START_TEST(one_worker_is_refused)
{
	rig_with(RIG_OAUTH2);
	rig_with_second(RIG_OAUTH2);
	rig_token("t1", 1800);
	pass(5000);
	size_t there = rig_send_from(1);
	rig_answer_to(1, 401, "");
	size_t here = rig_send(); /* it, too, waits for the new one */
	mock_run(rig.m[0]);
	size_t fetches = mock_calls(rig.m[0]) - 1 + mock_calls(rig.m[1]) - 1;
	ck_assert_uint_eq(fetches, 1);
	rig_answer_to(
	    mock_calls(rig.m[1]) == 2, 200, "{\"access_token\":\"t2\",\"expires_in\":1800}");
	rig_answer(200, "{}");
	rig_answer_to(1, 200, "{}");
	ck_assert_int_eq(rig_result(here)->status, 200);
	ck_assert_int_eq(rig_result(there)->status, 200);
	ck_assert_str_eq(rig_header(calls() - 1, "Authorization"), "Bearer t2");
}
END_TEST

START_TEST(the_worker_that_fetches_goes_away)
{
	rig_with(RIG_OAUTH2);
	rig_with_second(RIG_OAUTH2);
	mock_run(rig.m[0]);
	size_t there = rig_send_from(1);
	mock_run(rig.m[1]);
	ck_assert_uint_eq(mock_calls(rig.m[1]), 0);
	mock_destroy(rig.instance[0]);
	mock_advance(rig.m[1], 1000);
	ck_assert_uint_eq(mock_calls(rig.m[1]), 1);
	rig_answer_to(1, 200, "{\"access_token\":\"t1\",\"expires_in\":1800}");
	rig_answer_to(1, 200, "{}");
	ck_assert_int_eq(rig_result(there)->status, 200);
}
END_TEST

START_TEST(not_to_be_had)
{
	mock_refuse_pool(rig.m[0], "must begin with http://");
	ck_assert_str_eq(rig_refused(RIG_OAUTH2), "must begin with http://");
}
END_TEST

/* What is said of a connection quotes nobody, whatever letters are in it. */
START_TEST(a_short_secret_hides_no_other_fault)
{
	rig_with(
	    "oauth2: {token_url: \"http://login.example\", client_id: us, client_secret: e}\n");
	size_t number = rig_send();
	end_fetch((struct ow_http_response){
	    .end = OW_HTTP_CONNECT, .why = "connect: Connection refused"});
	ck_assert_ptr_nonnull(strstr(rig_result(number)->why, "Connection refused"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("outbound/oauth2");
	TCase *t = tcase_create("oauth2");
	tcase_add_checked_fixture(t, rig_open, rig_close);
	tcase_add_test(t, a_form);
	tcase_add_test(t, a_json_document);
	tcase_add_test(t, in_a_header);
	tcase_add_test(t, fetched_at_the_start_and_used);
	tcase_add_test(t, one_fetch_for_all_who_wait);
	tcase_add_test(t, time_is_up_while_it_waits);
	tcase_add_test(t, cancelled_while_it_waits);
	tcase_add_test(t, what_is_left_of_its_time);
	tcase_add_test(t, renewed_ahead_while_the_old_one_serves);
	tcase_add_test(t, a_short_life_is_used_for_three_quarters);
	tcase_add_test(t, counted_from_when_it_was_asked_for);
	tcase_add_test(t, slower_than_its_tokens_live);
	tcase_add_test(t, not_used_at_its_very_end);
	tcase_add_test(t, a_failed_renewal_harms_nobody);
	tcase_add_test(t, a_life_that_is_none);
	tcase_add_test(t, refused_once);
	tcase_add_test(t, refused_twice);
	tcase_add_test(t, refused_after_it_was_accepted);
	tcase_add_test(t, refused_while_others_are_served);
	tcase_add_test(t, signed_anew_when_it_is_sent_again);
	tcase_add_test(t, a_storm_of_refusals);
	tcase_add_test(t, refused_with_no_time_left);
	tcase_add_test(t, refused_in_no_time);
	tcase_add_test(t, endpoint_does_not_work);
	tcase_add_test(t, endpoint_refuses);
	tcase_add_test(t, waits_grow);
	tcase_add_test(t, the_endpoint_asks_for_time);
	tcase_add_test(t, endpoint_cannot_be_asked);
	tcase_add_test(t, no_secret_is_shown);
	tcase_add_test(t, a_short_secret_hides_no_other_fault);
	tcase_add_test(t, two_workers_share_a_token);
	tcase_add_test(t, one_worker_is_refused);
	tcase_add_test(t, the_worker_that_fetches_goes_away);
	tcase_add_test(t, not_to_be_had);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
