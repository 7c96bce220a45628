#include "lib/aws/test_credentials_rig.h"

/* ---- renewal ---- */

static void script_instance(const char *key, const char *expiration)
{
	rig_script(200, "token");
	rig_script(200, "role");
	rig_script(200, rig_json(key, expiration));
}

START_TEST(one_request_for_all_who_wait)
{
	rig_with(RIG_PLACE);
	rig_call();
	rig_call();
	mock_run(rig.m);
	rig_call();
	mock_run(rig.m);
	ck_assert_uint_eq(mock_calls(rig.m), 1);
	script_instance("A", "2026-01-01T06:00:00Z");
	for (int i = 0; i < 3; i++)
		rig_script(200, "{}");
	mock_run(rig.m);
	ck_assert_int_eq(rig.results, 3);
	ck_assert_uint_eq(mock_calls(rig.m), 6);
}
END_TEST

/* Five minutes before they end one call has new ones fetched, and goes on with the old. */
START_TEST(renewed_ahead)
{
	rig_with(RIG_PLACE);
	script_instance("A", "2026-01-01T06:00:00Z");
	rig_script(200, "{}");
	rig_called();
	mock_advance(rig.m, 6 * 3600000 - 300001);
	rig_script(200, "{}");
	rig_called();
	ck_assert_uint_eq(mock_calls(rig.m), 5);
	mock_advance(rig.m, 1);
	rig_script(200, "{}");
	script_instance("B", "2026-01-01T12:00:00Z");
	rig_called();
	rig_expect_signed(5, "A");
	ck_assert_uint_eq(mock_calls(rig.m), 9);
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(9, "B");
}
END_TEST

/* The service has no newer ones yet: asked again later, not again and again. */
START_TEST(renewed_with_the_same)
{
	rig_with(RIG_PLACE);
	script_instance("A", "2026-01-01T01:00:00Z");
	rig_script(200, "{}");
	rig_called();
	mock_advance(rig.m, 3600000 - 240000);
	rig_script(200, "{}");
	script_instance("A", "2026-01-01T01:00:00Z");
	rig_called();
	size_t calls = mock_calls(rig.m);
	/* Four minutes are left: not before a quarter of that. */
	mock_advance(rig.m, 120000);
	rig_script(200, "{}");
	rig_called();
	ck_assert_uint_eq(mock_calls(rig.m), calls + 1);
	mock_advance(rig.m, 60000);
	rig_script(200, "{}");
	script_instance("B", "2026-01-01T07:00:00Z");
	rig_called();
	rig_script(200, "{}");
	rig_called();
	rig_expect_signed(mock_calls(rig.m) - 1, "B");
}
END_TEST

/* What cannot be renewed is used to its end, and not a moment longer. */
START_TEST(renewal_fails)
{
	rig_with(RIG_PLACE);
	script_instance("A", "2026-01-01T01:00:00Z");
	rig_script(200, "{}");
	rig_called();
	mock_advance(rig.m, 3600000 - 2000);
	rig_script(200, "{}");
	rig_script(500, "");
	rig_called();
	rig_expect_signed(4, "A");
	ck_assert(mock_logged(rig.m, "warning: cannot renew the AWS credentials: options: "));
	ck_assert_uint_eq(mock_calls(rig.m), 6);
	/* Not tried again before a second has passed. */
	mock_advance(rig.m, 999);
	rig_script(200, "{}");
	rig_called();
	ck_assert_uint_eq(mock_calls(rig.m), 7);
	mock_advance(rig.m, 1001);
	rig_script(500, "");
	rig_expect_denied("no AWS credentials: ");
	ck_assert_uint_eq(mock_calls(rig.m), 8);
}
END_TEST

/* The pause grows from one second to ten; whoever asks meanwhile is told at once. */
START_TEST(pauses_after_failures)
{
	static const int64_t pauses[] = {1000, 2000, 4000, 8000, 10000, 10000};
	rig_with(RIG_PLACE);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		rig_script(500, "");
		rig_expect_denied("the metadata service answered 500");
		ck_assert_uint_eq(mock_calls(rig.m), i + 1);
		mock_advance(rig.m, pauses[i] - 1);
		rig_expect_denied("the metadata service answered 500");
		ck_assert_uint_eq(mock_calls(rig.m), i + 1);
		mock_advance(rig.m, 1);
	}
	script_instance("A", "2026-01-01T06:00:00Z");
	rig_script(200, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
}
END_TEST

/* This machine's clock must be wrong, for nobody gives away what has expired. */
START_TEST(expired_when_it_comes)
{
	rig_with(RIG_PLACE);
	script_instance("A", "2025-12-31T06:00:00Z");
	rig_script(200, "{}");
	ck_assert_int_eq(rig_called()->outcome, AWS_OK);
	rig_expect_signed(3, "A");
	ck_assert(mock_logged(rig.m, "have expired: is the clock right?"));
}
END_TEST

START_TEST(service_says_expired)
{
	rig_with(RIG_PLACE);
	script_instance("A", "2026-01-01T06:00:00Z");
	rig_script(200, "{}");
	rig_called();
	mock_advance(rig.m, 1000);
	rig_script(400, "{\"__type\":\"ExpiredTokenException\"}");
	script_instance("B", "2026-01-01T06:00:00Z");
	/* But they have been fetched just now: not yet again. */
	rig_script(400, "{\"__type\":\"ExpiredTokenException\"}");
	ck_assert_int_eq(rig_called()->outcome, AWS_DENIED);
	rig_expect_signed(4, "A");
	rig_expect_signed(8, "B");
	ck_assert_uint_eq(mock_calls(rig.m), 9);
	rig_script(400, "{\"__type\":\"ExpiredTokenException\"}");
	rig_expect_denied(
	    "the AWS credentials have expired, and were fetched less than a second ago");
	ck_assert_uint_eq(mock_calls(rig.m), 10);
}
END_TEST

static void answer(size_t index, int status, const char *body)
{
	mock_respond(rig.m, index,
	    &(struct ow_http_response){.end = OW_HTTP_ANSWERED,
		.status = status,
		.maybe_received = true,
		.body = {body, strlen(body)}});
}

/* Those that were sent with the old ones are told late; the new ones stay. */
START_TEST(several_are_told_that_they_expired)
{
	static const char expired[] = "{\"__type\":\"ExpiredToken\"}";
	rig_with(RIG_PLACE);
	script_instance("A", "2026-01-01T06:00:00Z");
	rig_script(200, "{}");
	rig_called();
	mock_advance(rig.m, 60000);
	rig_call();
	rig_call();
	mock_run(rig.m);
	ck_assert_uint_eq(mock_calls(rig.m), 6);
	answer(4, 400, expired);
	mock_run(rig.m);
	answer(6, 200, "token");
	answer(7, 200, "role");
	answer(8, 200, rig_json("B", "2026-01-01T12:00:00Z"));
	rig_expect_signed(9, "B");
	answer(5, 400, expired);
	rig_expect_signed(10, "B");
	rig_script(200, "{}");
	rig_script(200, "{}");
	mock_run(rig.m);
	ck_assert_int_eq(rig.results, 3);
	ck_assert_uint_eq(mock_calls(rig.m), 11);
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
	rig_with(RIG_PLACE);
	rig_call();
	mock_run(rig.m);
	mock_advance(rig.m, 9999);
	ck_assert_int_eq(rig.last.ended, 0);
	mock_advance(rig.m, 1);
	ck_assert_int_eq(rig.last.ended, 1);
	ck_assert_int_eq(rig.last.outcome, AWS_RETRY);
	ck_assert(!rig.last.maybe_done);
	ck_assert_str_eq(rig.last.why, "no AWS credentials came in time");
}
END_TEST

/* Then the request has what is left of the call's time. */
START_TEST(patience_ends_with_the_wait)
{
	rig_with(RIG_PLACE);
	rig_call();
	mock_advance(rig.m, 4000);
	script_instance("A", "2026-01-01T06:00:00Z");
	mock_run(rig.m);
	ck_assert_int_eq(mock_call(rig.m, 3)->request.total_ms, 6000);
	mock_advance(rig.m, 60000);
	ck_assert_int_eq(rig.last.ended, 0);
	rig_script(200, "{}");
	mock_run(rig.m);
	ck_assert_int_eq(rig.last.outcome, AWS_OK);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lib/aws/renewal");
	TCase *t = tcase_create("credentials");
	tcase_add_checked_fixture(t, rig_home, rig_home_end);
	tcase_add_test(t, one_request_for_all_who_wait);
	tcase_add_test(t, renewed_ahead);
	tcase_add_test(t, renewed_with_the_same);
	tcase_add_test(t, renewal_fails);
	tcase_add_test(t, pauses_after_failures);
	tcase_add_test(t, expired_when_it_comes);
	tcase_add_test(t, service_says_expired);
	tcase_add_test(t, several_are_told_that_they_expired);
	tcase_add_test(t, nobody_waits_for_ever);
	tcase_add_test(t, patience_ends_with_the_wait);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
