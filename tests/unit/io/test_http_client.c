/* One exchange after the other: what is written, what is taken for an answer. */
#include "tests/unit/io/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/main.h"

/* Sends a GET on a new pool's first connection, has the peer say text, and hang up if told. */
static void exchange(const char *text, bool hang_up)
{
	size_t i = world.peer.accepted;
	world_new_pool(NULL);
	send_and_arrive(&out[0], i);
	peer_say(connection(i), text);
	if (hang_up)
		peer_hang_up(connection(i));
	until(out[0].called);
	ck_assert_int_eq(out[0].called, 1);
	out[0].called = 0;
}

static void check_answer(int status, const char *body)
{
	ck_assert_msg(out[0].end == OW_HTTP_ANSWERED, "%s", out[0].why);
	ck_assert_int_eq(out[0].status, status);
	ck_assert_str_eq(out[0].body.data ? out[0].body.data : "", body);
	ck_assert(out[0].maybe_received);
	buf_clear(&out[0].body);
}

static void answers(const char *text, int status, const char *body)
{
	exchange(text, false);
	check_answer(status, body);
}

static void answers_at_end(const char *text, int status, const char *body)
{
	exchange(text, true);
	check_answer(status, body);
	ck_assert_uint_eq(http_pool_connections(world.pool), 0);
}

static void loses_its_body(const char *text)
{
	answers(text, 200, "");
	ck_assert_uint_eq(http_pool_connections(world.pool), 0);
}

static void fails(const char *text, bool hang_up, enum ow_http_end end, const char *why)
{
	exchange(text, hang_up);
	ck_assert_int_eq(out[0].end, end);
	ck_assert(out[0].maybe_received);
	ck_assert_msg(strstr(out[0].why, why) != NULL, "%s", out[0].why);
	ck_assert_msg(strncmp(out[0].why, "127.0.0.1:", 10) == 0, "%s", out[0].why);
	ck_assert_uint_eq(http_pool_connections(world.pool), 0);
}

START_TEST(request_and_answer)
{
	struct ow_text names[] = {text_of("Content-Type"), text_of("X-Key")};
	struct ow_text values[] = {text_of("application/json"), text_of("")};
	char want[256];
	world.post.names = names;
	world.post.values = values;
	world.post.headers = 2;
	world.post.target = text_of("/in?a=1");
	send_post(&out[0]);
	until(arrived(0));
	snprintf(want, sizeof(want),
	    "POST /in?a=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
	    "Content-Type: application/json\r\nX-Key: \r\nContent-Length: 7\r\n\r\n{\"n\":1}",
	    world.peer.port);
	until(connection(0)->got.len >= strlen(want));
	ck_assert_str_eq(connection(0)->got.data, want);

	peer_say(connection(0),
	    "HTTP/1.1 201 Made\r\nContent-Length: 4\r\nA: b \r\na:c\r\n\r\ndone");
	until(out[0].called);
	check_answer(201, "done");
	ck_assert_str_eq(out[0].headers.data, "Content-Length=4;A=b;a=c;");
}
END_TEST

START_TEST(length_of_empty_bodies)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "GET", "DELETE", "HEAD"};
	for (size_t i = 0; i < 6; i++) {
		size_t before;
		world.get.method = methods[i];
		world.peer.answer = OK_ANSWER;
		before = world.peer.accepted;
		exchange("", false);
		ck_assert_int_eq(
		    strstr(connection(before)->got.data, "Content-Length: 0\r\n") != NULL,
		    i < 3);
	}
}
END_TEST

START_TEST(requests_that_are_not_sent)
{
	static const struct {
		const char *method, *target, *name, *value;
	} bad[] = {
	    {"GET", "/", "X", "a\r\nEvil: 1"},
	    {"GET", "/", "X", "a\nb"},
	    {"GET", "/", "X", "a\rb"},
	    {"GET", "/", "X\r\nEvil", "1"},
	    {"GET", "/", "X Y", "1"},
	    {"GET", "/", "X:", "1"},
	    {"GET", "/", "", "1"},
	    {"GET", "/", "host", "elsewhere"},
	    {"GET", "/", "CONTENT-LENGTH", "0"},
	    {"GET", "/", "Transfer-encoding", "chunked"},
	    {"GET", "/", "connection", "close"},
	    {"GET", "/ HTTP/1.1\r\nX: ", "X", "1"},
	    {"GET", "/a b", "X", "1"},
	    {"GET", "/\x7f", "X", "1"},
	    {"GET", "/\xc3\xa9", "X", "1"},
	    {"GET", "", "X", "1"},
	    {"GET", "http://other/", "X", "1"},
	    {"GET /", "/", "X", "1"},
	    {"", "/", "X", "1"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ow_text name = text_of(bad[i].name), value = text_of(bad[i].value);
		world.get.method = bad[i].method;
		world.get.target = text_of(bad[i].target);
		world.get.names = &name;
		world.get.values = &value;
		world.get.headers = 1;
		out[0].called = 0;
		send_get(&out[0]);
		until(out[0].called);
		ck_assert_msg(out[0].end == OW_HTTP_PROTOCOL, "number %zu", i);
		ck_assert(!out[0].maybe_received);
		ck_assert_ptr_nonnull(strstr(out[0].why, "not sent"));
	}
	struct ow_text name = text_of("X"), value = text_span("a\0b", 3);
	world.get = world.post;
	world.get.names = &name;
	world.get.values = &value;
	world.get.headers = 1;
	out[0].called = 0;
	send_get(&out[0]);
	until(out[0].called);
	ck_assert_int_eq(out[0].end, OW_HTTP_PROTOCOL);
	ck_assert_uint_eq(world.peer.accepted, 0);
}
END_TEST

START_TEST(bodies)
{
	answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello");
	answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "");
	answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n",
	    200, "hello");
	answers("HTTP/1.1 204 None\r\n\r\n", 204, "");
	answers("HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n", 304, "");
	ck_assert_uint_eq(http_pool_connections(world.pool), 1);
	answers_at_end("HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, "until the end");
	answers_at_end("HTTP/1.0 200 OK\r\n\r\n", 200, "");
	world.get.method = "HEAD";
	answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, "");
	ck_assert_uint_eq(http_pool_connections(world.pool), 1);
}
END_TEST

START_TEST(byte_by_byte)
{
	static const char text[] =
	    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
	    "X: 1\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
	send_and_arrive(&out[0], 0);
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		ck_assert_int_eq(out[0].called, 0);
		peer_say_bytes(connection(0), text + i, 1);
		loop_calm(world.base);
	}
	until(out[0].called);
	check_answer(200, "hello world");
	ck_assert_str_eq(out[0].headers.data, "Transfer-Encoding=chunked;X=1;");
	ck_assert_uint_eq(http_pool_connections(world.pool), 1);
}
END_TEST

START_TEST(interim_answers)
{
	char many[4096] = "";
	answers("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" OK_ANSWER,
	    200, "ok");
	ck_assert_str_eq(out[0].headers.data, "Content-Length=2;");
	fails("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", false, OW_HTTP_PROTOCOL,
	    "protocol that was not asked for");
	for (int i = 0; i < 17; i++)
		strcat(many, "HTTP/1.1 102 Processing\r\n\r\n");
	fails(many, false, OW_HTTP_PROTOCOL, "too many interim");
	fails("HTTP/1.1 100 Continue\r\n\r\n", true, OW_HTTP_BROKEN, "in the middle");
}
END_TEST

START_TEST(connections_kept_and_not)
{
	static const struct {
		const char *answer;
		bool kept;
	} cases[] = {
	    {OK_ANSWER, true},
	    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false},
	    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
	    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true},
	    /* nobody asked for a second answer: it must not become the next request's */
	    {OK_ANSWER OK_ANSWER, false},
	    {OK_ANSWER "\r\n", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answers(cases[i].answer, 200, "ok");
		ck_assert_msg(
		    http_pool_connections(world.pool) == cases[i].kept, "number %zu", i);
	}
	exchange(OK_ANSWER, false);
	peer_say(connection(world.peer.accepted - 1), OK_ANSWER);
	until(http_pool_connections(world.pool) == 0);
}
END_TEST

START_TEST(one_connection_for_many)
{
	world.peer.answer = OK_ANSWER;
	for (int i = 0; i < 20; i++) {
		send_get(&out[i]);
		until(out[i].called);
		ck_assert_int_eq(out[i].end, OW_HTTP_ANSWERED);
	}
	ck_assert_uint_eq(world.peer.accepted, 1);
	ck_assert_uint_eq(world.peer.requests, 20);
}
END_TEST

START_TEST(what_is_no_answer)
{
	fails("GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, OW_HTTP_PROTOCOL, "not an answer");
	fails(
	    "HTTP/1.1 200 OK\nContent-Length: 0\n\n", false, OW_HTTP_PROTOCOL, "bare CR or LF");
	fails("\x16\x03\x01\r\n\r\n", false, OW_HTTP_PROTOCOL, "not an answer");
	fails("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", false,
	    OW_HTTP_PROTOCOL, "not an answer");
	fails("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
	    false, OW_HTTP_PROTOCOL, "chunks");
	fails("HTTP/2 200\r\n\r\n", false, OW_HTTP_PROTOCOL, "not an answer");
}
END_TEST

START_TEST(too_large)
{
	struct buf text = BUF_INIT;
	world.origin.max_response = 10;
	answers("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", 200, "0123456789");
	/* What was done is done: the status counts, the body is dropped with the connection. */
	loses_its_body("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
	loses_its_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
		       "chunked\r\n\r\n6\r\n012345\r\n5\r\n67890\r\n");
	loses_its_body("HTTP/1.1 200 OK\r\n\r\n01234567890");

	buf_add_string(&text, "HTTP/1.1 200 OK\r\nX: ");
	while (text.len < 16384)
		buf_add_char(&text, 'x');
	fails(text.data, false, OW_HTTP_PROTOCOL, "head is too large");
	/* Each head is small enough, all of them are not. */
	buf_clear(&text);
	for (int i = 0; i < 9; i++) {
		size_t start = text.len;
		buf_add_string(&text, "HTTP/1.1 102 Wait\r\nX: ");
		while (text.len - start < 8000)
			buf_add_char(&text, 'x');
		buf_add_string(&text, "\r\n\r\n");
	}
	fails(text.data, false, OW_HTTP_PROTOCOL, "heads are too large");
	buf_free(&text);
}
END_TEST

START_TEST(cut_off)
{
	fails("", true, OW_HTTP_BROKEN, "before an answer: closed by the peer");
	fails("HTTP/1.1 200 OK\r\nContent-Le", true, OW_HTTP_BROKEN, "in the middle");
	fails("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true, OW_HTTP_BROKEN,
	    "in the middle");
	fails("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true,
	    OW_HTTP_BROKEN, "in the middle");

	send_and_arrive(&out[1], world.peer.accepted);
	peer_reset(connection(world.peer.accepted - 1));
	until(out[1].called);
	ck_assert_int_eq(out[1].end, OW_HTTP_BROKEN);
	ck_assert(out[1].maybe_received);
	ck_assert_ptr_nonnull(strstr(out[1].why, "Connection reset by peer"));

	/* A reset is not how a body ends, even one that ends with its connection. */
	send_and_arrive(&out[2], world.peer.accepted);
	peer_say(connection(world.peer.accepted - 1), "HTTP/1.1 200 OK\r\n\r\nhalf");
	loop_calm(world.base);
	peer_reset(connection(world.peer.accepted - 1));
	until(out[2].called);
	ck_assert_int_eq(out[2].end, OW_HTTP_BROKEN);
}
END_TEST

static size_t large; /* more than the kernel takes */

static char *large_body(void)
{
	large = (size_t)(getenv("TEST_WRAPPER") ? 12 : 32) << 20;
	char *body = mem_alloc(large);
	for (size_t i = 0; i < large; i++)
		body[i] = (char)('a' + i % 23);
	world.post.body = text_span(body, large);
	return body;
}

START_TEST(large_both_ways)
{
	char *body = large_body();
	char head[128];
	world.origin.max_response = (int64_t)large;
	world_new_pool(NULL);
	send_post(&out[0]);
	until(arrived(0));
	until(connection(0)->got.len >= large);
	const char *start = strstr(connection(0)->got.data, "\r\n\r\n") + 4;
	until(connection(0)->got.len == large + (size_t)(start - connection(0)->got.data));
	start = strstr(connection(0)->got.data, "\r\n\r\n") + 4;
	ck_assert_int_eq(memcmp(start, body, large), 0);

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", large);
	peer_say(connection(0), head);
	peer_say_bytes(connection(0), body, large);
	until(out[0].called);
	ck_assert_int_eq(out[0].end, OW_HTTP_ANSWERED);
	ck_assert_uint_eq(out[0].body.len, large);
	ck_assert_int_eq(memcmp(out[0].body.data, body, large), 0);
	ck_assert_uint_eq(http_pool_connections(world.pool), 1);
	free(body);
}
END_TEST

/* The peer refuses at once, and goes on reading or not. */
START_TEST(answer_before_the_request_is_out)
{
	char *body = large_body();
	world.peer.deaf = true;
	send_post(&out[0]);
	until(world.peer.accepted == 1);
	peer_say(connection(0), "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
	until(out[0].called);
	ck_assert_int_eq(out[0].end, OW_HTTP_ANSWERED);
	ck_assert_int_eq(out[0].status, 413);
	ck_assert(!out[0].maybe_received);
	ck_assert_uint_eq(http_pool_connections(world.pool), 0);

	/* The kernel resets it, since bytes are unread: writing may fail before we read. */
	world.peer.deaf = false;
	leave_one_idle();
	event_del(connection(1)->readable);
	send_post(&out[1]);
	loop_calm(world.base);
	peer_say(connection(1), "HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\nno!");
	peer_hang_up(connection(1));
	until(out[1].called);
	ck_assert_msg(out[1].end == OW_HTTP_ANSWERED, "%s", out[1].why);
	ck_assert_int_eq(out[1].status, 503);
	free(body);
}
END_TEST

/* Some bytes stayed here, so the peer cannot have got the whole request. */
START_TEST(lost_before_the_request_is_out)
{
	char *body = large_body();
	world.peer.deaf = true;
	send_post(&out[0]);
	until(world.peer.accepted == 1);
	loop_calm(world.base);
	peer_reset(connection(0));
	until(out[0].called);
	ck_assert_int_eq(out[0].end, OW_HTTP_BROKEN);
	ck_assert(!out[0].maybe_received);

	send_post(&out[1]);
	until(world.peer.accepted == 2);
	loop_calm(world.base);
	pass(TOTAL_MS);
	until(out[1].called);
	ck_assert_int_eq(out[1].end, OW_HTTP_TIMEOUT);
	ck_assert(!out[1].maybe_received);
	ck_assert_ptr_nonnull(strstr(out[1].why, "did not take the request"));
	free(body);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_client");
	TCase *t = tcase_create("exchanges");
	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, request_and_answer);
	tcase_add_test(t, length_of_empty_bodies);
	tcase_add_test(t, requests_that_are_not_sent);
	tcase_add_test(t, bodies);
	tcase_add_test(t, byte_by_byte);
	tcase_add_test(t, interim_answers);
	tcase_add_test(t, connections_kept_and_not);
	tcase_add_test(t, one_connection_for_many);
	tcase_add_test(t, what_is_no_answer);
	tcase_add_test(t, too_large);
	tcase_add_test(t, cut_off);
	tcase_add_test(t, large_both_ways);
	tcase_add_test(t, answer_before_the_request_is_out);
	tcase_add_test(t, lost_before_the_request_is_out);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
