/* A call's ways: repeated on a new connection, cancelled, and what its callback may do. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/io/client.h"
#include "tests/unit/main.h"

/* ---- stale connections ---- */

/* Sends on an idle connection that the peer ends when the request is there. */
static struct ow_http_call *send_to_stale(const struct ow_http_outgoing *request)
{
	leave_one_idle();
	size_t before = connection(0)->got.len;
	struct ow_http_call *call = send_to(world.pool, request, &out[0]);
	until(connection(0)->got.len > before);
	return call;
}

START_TEST(stale_is_repeated)
{
	world.post.repeatable = true;
	send_to_stale(&world.post);
	peer_hang_up(connection(0));
	until(arrived(1));
	ck_assert_int_eq(out[0].called, 0);
	ck_assert_uint_eq(world.peer.accepted, 2);
	ck_assert_ptr_nonnull(strstr(connection(1)->got.data, "{\"n\":1}"));
	peer_say(connection(1), OK_ANSWER);
	until(out[0].called);
	check_end(0, OW_HTTP_ANSWERED, true, "");
	check_idle(1);
}
END_TEST

START_TEST(stale_before_it_was_noticed)
{
	leave_one_idle();
	peer_reset(connection(0)); /* the client's loop has not turned since */
	send_get(&out[0]);
	until(arrived(1));
	peer_say(connection(1), OK_ANSWER);
	until(out[0].called);
	check_end(0, OW_HTTP_ANSWERED, true, "");
}
END_TEST

START_TEST(stale_is_repeated_once)
{
	send_to_stale(&world.get);
	peer_hang_up(connection(0));
	until(arrived(1));
	peer_hang_up(connection(1));
	until(out[0].called);
	check_end(0, OW_HTTP_BROKEN, true, "before an answer");
	loop_calm(world.base);
	ck_assert_uint_eq(world.peer.accepted, 2);
}
END_TEST

START_TEST(stale_but_not_repeatable)
{
	send_to_stale(&world.post);
	peer_hang_up(connection(0));
	until(out[0].called);
	check_end(0, OW_HTTP_BROKEN, true, "before an answer: closed by the peer");
	loop_calm(world.base);
	ck_assert_uint_eq(world.peer.accepted, 1);
}
END_TEST

START_TEST(not_stale_once_it_answers)
{
	send_to_stale(&world.get);
	peer_say(connection(0), "H");
	loop_calm(world.base);
	peer_hang_up(connection(0));
	until(out[0].called);
	check_end(0, OW_HTTP_BROKEN, true, "in the middle of the answer");
	ck_assert_uint_eq(world.peer.accepted, 1);
}
END_TEST

START_TEST(new_connections_are_not_stale)
{
	send_and_arrive(&out[0], 0);
	peer_hang_up(connection(0));
	until(out[0].called);
	check_end(0, OW_HTTP_BROKEN, true, "before an answer");
	ck_assert_uint_eq(world.peer.accepted, 1);
}
END_TEST

/* Another idle connection may be as stale: the repetition must not take it. */
START_TEST(repeated_on_a_new_one)
{
	for (size_t i = 0; i < 2; i++)
		send_and_arrive(&out[i], i);
	for (size_t i = 0; i < 2; i++)
		peer_say(connection(i), OK_ANSWER);
	until(out[0].called && out[1].called);
	size_t before = connection(0)->got.len + connection(1)->got.len;
	send_get(&out[2]);
	until(connection(0)->got.len + connection(1)->got.len > before);
	size_t i = connection(0)->got.len > before / 2 ? 0 : 1;
	peer_hang_up(connection(i));
	until(arrived(2));
	ck_assert_uint_eq(requests_on(1 - i), 1);
	peer_say(connection(2), OK_ANSWER);
	until(out[2].called);
	check_idle(2);
}
END_TEST

/* It may have been received the first time, so this is not "could not connect". */
START_TEST(stale_then_refused)
{
	send_to_stale(&world.get);
	peer_refuse(&world.peer);
	peer_hang_up(connection(0));
	until(out[0].called);
	check_end(0, OW_HTTP_BROKEN, true,
	    "connection was lost before an answer, then: connect to 127.0.0.1:");
}
END_TEST

START_TEST(stale_then_too_late)
{
	world.get.total_ms = 500;
	send_to_stale(&world.get);
	peer_refuse(&world.peer);
	peer_stall(&world.peer);
	peer_hang_up(connection(0));
	until(http_pool_waiting(world.pool) == 1);
	pass(500);
	check_end(0, OW_HTTP_TIMEOUT, true, "still connecting");
}
END_TEST

START_TEST(stale_then_cancelled)
{
	struct ow_http_call *call = send_to_stale(&world.get);
	peer_refuse(&world.peer);
	peer_stall(&world.peer);
	peer_hang_up(connection(0));
	until(http_pool_waiting(world.pool) == 1);
	ck_assert(http_call_cancel(call));
}
END_TEST

/* ---- cancelling ---- */

START_TEST(cancel_at_each_stage)
{
	world.origin.max_connections = 1;
	world_new_pool(NULL);
	ck_assert(!http_call_cancel(send_get(&out[0]))); /* connecting */
	check_idle(http_pool_connections(world.pool));
	until(world.peer.accepted == 1);
	check_idle(1);
	struct ow_http_call *sent = send_and_arrive(&out[1], 0);
	ck_assert(!http_call_cancel(send_get(&out[2]))); /* in line */
	struct ow_http_call *next = send_get(&out[3]);
	ck_assert(http_call_cancel(sent)); /* waiting for its answer */
	ck_assert_uint_eq(http_pool_connections(world.pool), 1);
	until(arrived(1));
	peer_say(connection(1), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
	loop_calm(world.base);
	ck_assert(http_call_cancel(next)); /* in the middle of it */
	check_idle(0);
	until(connection(0)->ended && connection(1)->ended);

	world.get.target = text_of("no");
	ck_assert(!http_call_cancel(send_get(&out[4]))); /* finished, not told */
	loop_calm(world.base);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(out[i].called, 0);
}
END_TEST

START_TEST(cancel_what_is_half_sent)
{
	size_t size = 32u << 20;
	char *body = calloc(size, 1);
	world.peer.deaf = true;
	world.post.body = (struct ow_text){body, size};
	struct ow_http_call *call = send_post(&out[0]);
	until(world.peer.accepted == 1);
	loop_calm(world.base);
	ck_assert(!http_call_cancel(call));
	free(body);
	check_idle(0);
}
END_TEST

/* ---- callbacks ---- */

static struct ow_http_call *calls[4];

static void cancel_others(struct outcome *end)
{
	(void)end;
	for (int i = 1; i < 4; i++)
		ck_assert(!http_call_cancel(calls[i]));
}

START_TEST(callback_cancels_the_rest)
{
	peer_refuse(&world.peer);
	out[0].then = cancel_others;
	for (int i = 0; i < 4; i++)
		calls[i] = send_get(&out[i]);
	until(out[0].called);
	loop_calm(world.base);
	for (int i = 1; i < 4; i++)
		ck_assert_int_eq(out[i].called, 0);
}
END_TEST

static void cancel_and_free(struct outcome *end)
{
	cancel_others(end);
	http_pool_free(world.pool);
	world.pool = NULL;
}

START_TEST(callback_frees_the_pool)
{
	/* all of them finished in one turn of the loop */
	world.get.target = text_of("no");
	out[0].then = cancel_and_free;
	for (int i = 0; i < 4; i++)
		calls[i] = send_get(&out[i]);
	until(out[0].called);
	loop_calm(world.base);
	ck_assert_int_eq(out[1].called, 0);
}
END_TEST

static void send_next(struct outcome *end)
{
	end[1].then = end[0].then;
	if (end - out < 9)
		send_get(&end[1]);
}

START_TEST(callback_sends_the_next)
{
	world.peer.answer = OK_ANSWER;
	out[0].then = send_next;
	send_get(&out[0]);
	until(out[9].called);
	for (int i = 0; i < 10; i++)
		check_end(i, OW_HTTP_ANSWERED, true, "");
	ck_assert_uint_eq(world.peer.accepted, 1);
}
END_TEST

/* What fails at once, again and again, must leave room for everything else. */
static void send_again(struct outcome *end)
{
	if (end->called < 1000)
		send_get(end);
}

START_TEST(callback_sends_what_fails)
{
	world.get.target = text_of("no");
	out[0].then = send_again;
	send_get(&out[0]);
	loop_turn(world.base);
	ck_assert_int_lt(out[0].called, 100);
	until(out[0].called == 1000);
}
END_TEST

static void drop_connection(struct outcome *end)
{
	ck_assert(http_call_cancel(send_get(&out[10])));
	ck_assert_str_eq(end->body.data, "ok");
}

/* The answer must outlive the connection it came on, for as long as it is told. */
START_TEST(callback_drops_its_connection)
{
	send_and_arrive(&out[0], 0);
	out[0].then = drop_connection;
	peer_say(connection(0), OK_ANSWER);
	until(out[0].called);
	check_idle(0);
	ck_assert_int_eq(out[10].called, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_call");
	TCase *t = tcase_create("calls");
	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, stale_is_repeated);
	tcase_add_test(t, stale_before_it_was_noticed);
	tcase_add_test(t, stale_is_repeated_once);
	tcase_add_test(t, stale_but_not_repeatable);
	tcase_add_test(t, not_stale_once_it_answers);
	tcase_add_test(t, new_connections_are_not_stale);
	tcase_add_test(t, repeated_on_a_new_one);
	tcase_add_test(t, stale_then_refused);
	tcase_add_test(t, stale_then_too_late);
	tcase_add_test(t, stale_then_cancelled);
	tcase_add_test(t, cancel_at_each_stage);
	tcase_add_test(t, cancel_what_is_half_sent);
	tcase_add_test(t, callback_cancels_the_rest);
	tcase_add_test(t, callback_frees_the_pool);
	tcase_add_test(t, callback_sends_the_next);
	tcase_add_test(t, callback_sends_what_fails);
	tcase_add_test(t, callback_drops_its_connection);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
