/* What a listener says and does; its limits are in test_http_limits.c. */
#include "tests/unit/main.h"

#include <netinet/in.h>
#include <stdio.h>

#include "base/text.h"
#include "tests/unit/io/http_rig.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define HOST	     "Host: a\r\n"

static struct client c;

static void setup(void)
{
	rig_init();
	rig_start();
	c = client_new();
}

static void teardown(void)
{
	client_close(&c);
	rig_fini();
}

static void again(void)
{
	client_close(&c);
	c = client_new();
}

/* ---- one request after the other ---- */

START_TEST(bytes_of_an_answer)
{
	static const char expected[] = "HTTP/1.1 200 OK\r\n"
				       "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
				       "Server: onceway\r\n"
				       "Content-Type: text/plain\r\n"
				       "Content-Length: 5\r\n\r\nhello";
	client_send(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
	while (c.in.len < sizeof(expected) - 1) {
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
		client_receive(&c);
	}
	ck_assert_str_eq(c.in.data, expected);
}
END_TEST

START_TEST(keeps_the_connection)
{
	for (int i = 0; i < 3; i++) {
		client_send(
		    &c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
		client_expect(&c, 200, "hello");
	}
	client_expect_nothing(&c);
	const struct http_server_stats *stats = http_server_stats(rig.server);
	ck_assert_uint_eq(stats->accepted, 1);
	ck_assert_uint_eq(stats->requests, 3);
	ck_assert_uint_eq(stats->bad_requests, 0);
	ck_assert_int_eq(stats->connections, 1);
}
END_TEST

START_TEST(date_follows_the_clock)
{
	clock_advance(&rig.clock, 61000);
	client_send(&c, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	struct answer a = client_answer(&c, "GET");
	ck_assert(text_equal(
	    http_head_field(&a.head, "date"), text_of("Sun, 06 Nov 1994 08:50:38 GMT")));
	answer_fini(&a);
}
END_TEST

START_TEST(byte_by_byte)
{
	static const char text[] =
	    "POST /echo?q HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
	for (const char *p = text; *p; p++) {
		client_send_bytes(&c, p, 1);
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
	}
	client_expect(&c, 200, "abcde");
}
END_TEST

START_TEST(large_bodies_both_ways)
{
	struct buf b = BUF_INIT;
	for (int i = 0; b.len < 1000000; i++)
		buf_printf(&b, "%d,", i);
	char head[128];
	snprintf(head, sizeof(head),
	    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", b.len);
	client_send(&c, head);
	client_send_bytes(&c, b.data, b.len);
	client_expect(&c, 200, b.data);
	buf_free(&b);
}
END_TEST

START_TEST(head_has_no_body)
{
	client_send(&c, "HEAD /echo?0123456789 HTTP/1.1\r\n" HOST "\r\n"
			"GET /echo?x HTTP/1.1\r\n" HOST "\r\n");
	struct answer a = client_answer(&c, "HEAD");
	ck_assert_int_eq(a.head.content_length, 10);
	answer_fini(&a);
	client_expect(&c, 200, "x");
	client_send(
	    &c, "HEAD /none HTTP/1.1\r\n" HOST "\r\nGET /echo?x HTTP/1.1\r\n" HOST "\r\n");
	a = client_answer(&c, "HEAD");
	ck_assert_int_eq(a.head.status, 404);
	ck_assert_int_eq(a.head.content_length, 22);
	answer_fini(&a);
	client_expect(&c, 200, "x");
}
END_TEST

START_TEST(closes_when_asked_to)
{
	client_send(&c, "GET /echo?x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
			"GET /echo?y HTTP/1.1\r\n" HOST "\r\n");
	client_expect_last(&c, 200, "x");
	ck_assert_uint_eq(rig.handled, 1);
	again();
	client_send(&c, "GET /hold HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
			"GET /echo?y HTTP/1.1\r\n" HOST "\r\n");
	client_expect_nothing(&c);
	ck_assert_uint_eq(rig.handled, 2);
	rig_answer(0, "x");
	client_expect_last(&c, 200, "x");
}
END_TEST

START_TEST(http_1_0)
{
	client_send(&c, "GET /echo?x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	struct answer a = client_answer(&c, "GET");
	ck_assert(text_equal(http_head_field(&a.head, "connection"), text_of("keep-alive")));
	answer_fini(&a);
	client_send(&c, "GET /echo?y HTTP/1.0\r\n\r\n");
	client_expect_last(&c, 200, "y");
}
END_TEST

START_TEST(targets)
{
	client_send(&c, "GET http://a:80/echo?x HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&c, 200, "x");
	client_send(&c, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&c, 404, "{\"detail\":\"Not Found\"}");
	client_send(&c, "GET /echo/ HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&c, 404, NULL);
	client_send(&c, "GET /ech%6f HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&c, 404, NULL);
}
END_TEST

START_TEST(empty_lines_before_a_request)
{
	client_send(&c, "\r\n\r\nGET /echo?x HTTP/1.1\r\n" HOST "\r\n\r\n");
	client_expect(&c, 200, "x");
	client_send(&c, "\r");
	client_expect_nothing(&c);
	client_send(&c, "\nGET /echo?y HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&c, 200, "y");
	for (int i = 0; i < 4; i++) { /* bounded for each request, not for all */
		client_send(&c, "\r\n\r\n\r\n\r\nGET /echo?z HTTP/1.1\r\n" HOST "\r\n");
		client_expect(&c, 200, "z");
	}
	client_send(&c, "\r\n\r\n\r\n\r\n\r\nGET /echo?z HTTP/1.1\r\n" HOST "\r\n");
	client_expect_last(&c, 400, NULL);
}
END_TEST

/* ---- no such path, no such method ---- */

START_TEST(no_such_path)
{
	client_send(&c, "GET /none HTTP/1.1\r\n" HOST "\r\n");
	struct answer a = client_answer(&c, "GET");
	ck_assert_int_eq(a.head.status, 404);
	ck_assert_str_eq(a.body.data, "{\"detail\":\"Not Found\"}");
	ck_assert(
	    text_equal(http_head_field(&a.head, "content-type"), text_of("application/json")));
	answer_fini(&a);
}
END_TEST

START_TEST(no_such_method)
{
	static const struct {
		const char *method, *path, *allow;
	} wrong[] = {{"GET", "/post", "POST"}, {"BREW", "/post", "POST"},
	    {"post", "/post", "POST"}, {"DELETE", "/echo", "GET, HEAD, POST, PUT"},
	    {"OPTIONS", "/echo", "GET, HEAD, POST, PUT"}};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		char text[128];
		snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\n" HOST "\r\n", wrong[i].method,
		    wrong[i].path);
		client_send(&c, text);
		struct answer a = client_answer(&c, wrong[i].method);
		ck_assert_int_eq(a.head.status, 405);
		ck_assert_str_eq(a.body.data, "{\"detail\":\"Method Not Allowed\"}");
		ck_assert(
		    text_equal(http_head_field(&a.head, "allow"), text_of(wrong[i].allow)));
		answer_fini(&a);
	}
	ck_assert_uint_eq(rig.handled, 0);
}
END_TEST

START_TEST(a_denied_body_is_dropped)
{
	client_send(&c, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 30\r\n\r\n");
	client_expect(&c, 404, NULL); /* the answer does not wait for it */
	client_send(&c, "GET /echo?no HTTP/1.1\r\nHost: a");
	client_send(&c, "GET /echo?x HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&c, 200, "x");
	client_send(&c, "BREW /post HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
			"3\r\nabc\r\n0\r\n\r\n"
			"GET /echo?y HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&c, 405, NULL);
	client_expect(&c, 200, "y");
	ck_assert_uint_eq(rig.handled, 2);
	client_send(&c, "POST /none HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz");
	client_expect(&c, 404, NULL);
	client_expect_end(&c);
}
END_TEST

START_TEST(nothing_is_accepted_too_early)
{
	client_close(&c);
	http_server_free(rig.server);
	char why[HTTP_LISTEN_WHY_SIZE];
	int fd = http_listen_socket("127.0.0.1:0", false, why);
	rig.port = http_socket_port(fd);
	rig.server = http_server_new(rig.base, &rig.clock, fd, &rig.limits);
	c = client_new();
	client_send(&c, "GET /late HTTP/1.1\r\n" HOST "\r\n");
	client_expect_nothing(&c);
	http_server_accept(rig.server);
	client_expect(&c, 404, NULL);
}
END_TEST

START_TEST(paths_are_taken_once)
{
	ck_assert(!http_server_serve(rig.server, "/echo", OW_HTTP_GET, NULL, NULL));
}
END_TEST

/* Answers with the path it was registered for. */
static void say_path(struct ow_http_request *request, void *arg)
{
	http_request_answer(request,
	    &(struct http_answer){
		.status = 200, .content_type = text_of("text/plain"), .body = text_of(arg)});
}

static void serve_path(const char *path)
{
	ck_assert(http_server_serve(
	    rig.server, path, OW_HTTP_GET, say_path, (void *)(uintptr_t)path));
}

/* An exact path before all others, then the longest of those with a star. */
START_TEST(paths_below_one)
{
	static const struct {
		const char *target, *found;
	} asked[] = {{"/w/a", "/w/*"}, {"/w/", "/w/*"}, {"/w/deep/er", "/w/deep/*"},
	    {"/w/deep/exact", "/w/deep/exact"}, {"/w/deep/exact/", "/w/deep/*"},
	    {"/w/deep/exact?x=/y", "/w/deep/exact"}, {"/w/dee", "/w/*"}, {"/w/*", "/w/*"},
	    {"/w/**", "/w/*"}, {"/w/slash/", "/w/slash/"}, {"/w", NULL}, {"/wa", NULL},
	    {"/W/a", NULL}, {"/x/w/a", NULL}};
	serve_path("/w/*");
	serve_path("/w/deep/exact");
	serve_path("/w/deep/*");
	serve_path("/w/slash/*");
	serve_path("/w/slash/");
	ck_assert(!http_server_serve(rig.server, "/w/*", OW_HTTP_GET, say_path, NULL));
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < COUNT(asked); i++) {
			char text[128];
			snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n",
			    asked[i].target);
			client_send(&c, text);
			client_expect(&c, asked[i].found ? 200 : 404,
			    asked[i].found ? asked[i].found : "{\"detail\":\"Not Found\"}");
		}
		serve_path(turn ? "/*" : "/unused/*");
	}
	client_send(&c, "GET /anything HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&c, 200, "/*");
}
END_TEST

/* ---- pipelining ---- */

START_TEST(answers_in_order)
{
	client_send(&c,
	    "GET /hold?1 HTTP/1.1\r\n" HOST "\r\nGET /hold?2 HTTP/1.1\r\n" HOST "\r\n"
	    "GET /echo?3 HTTP/1.1\r\n" HOST "\r\nGET /none HTTP/1.1\r\n" HOST "\r\n"
	    "GET /hold?5 HTTP/1.1\r\n" HOST "\r\n");
	rig_until_handled(4);
	rig_answer(2, "5");
	rig_answer(1, "2");
	client_expect_nothing(&c);
	rig_answer(0, "1");
	client_expect(&c, 200, "1");
	client_expect(&c, 200, "2");
	client_expect(&c, 200, "3");
	client_expect(&c, 404, NULL);
	client_expect(&c, 200, "5");
	client_expect_nothing(&c);
}
END_TEST

START_TEST(handled_in_order)
{
	client_send(&c,
	    "GET /hold?1 HTTP/1.1\r\n" HOST "\r\nGET /hold?2 HTTP/1.1\r\n" HOST "\r\n"
	    "GET /hold?3 HTTP/1.1\r\n" HOST "\r\n");
	rig_until_handled(3);
	for (size_t i = 0; i < 3; i++) {
		struct ow_text query = http_request_head(rig.held[i])->query;
		ck_assert_uint_eq(query.len, 1);
		ck_assert_int_eq(query.data[0], (char)('1' + i));
	}
}
END_TEST

START_TEST(a_refusal_waits_for_its_turn)
{
	client_send(&c, "GET /hold HTTP/1.1\r\n" HOST "\r\nnonsense\r\n\r\n");
	rig_until_handled(1);
	client_expect_nothing(&c);
	rig_answer(0, "1");
	client_expect(&c, 200, "1");
	client_expect_last(&c, 400, "{\"detail\":\"malformed request line\"}");
}
END_TEST

/* The handler's word is the last one, also for what was handed over already. */
START_TEST(a_handler_may_close)
{
	client_send(&c,
	    "GET /hold?1 HTTP/1.1\r\n" HOST "\r\nGET /hold?2 HTTP/1.1\r\n" HOST "\r\n"
	    "GET /hold?3 HTTP/1.1\r\n" HOST "\r\nPOST /echo HTTP/1.1\r\n");
	rig_until_handled(3);
	rig_answer(2, "3");
	http_request_answer(rig.held[1],
	    &(struct http_answer){.status = 200, .body = text_of("2"), .close = true});
	rig.held[1] = NULL;
	client_send(&c, HOST "Content-Length: 0\r\n\r\nGET /echo HTTP/1.1\r\n" HOST "\r\n");
	client_expect_nothing(&c);
	ck_assert_uint_eq(rig.handled, 3);
	rig_answer(0, "1");
	client_expect(&c, 200, "1");
	client_expect_last(&c, 200, "2");
}
END_TEST

static void answer_all_held(struct ow_http_request *request, void *arg)
{
	(void)arg;
	rig.handled++;
	for (size_t i = 0; i < rig.held_count; i++)
		rig_answer(i, "together");
	http_request_answer(request, &(struct http_answer){.status = 200});
}

START_TEST(answers_from_inside_another_handler)
{
	struct client others[3];
	ck_assert(http_server_serve(rig.server, "/all", OW_HTTP_GET, answer_all_held, NULL));
	for (size_t i = 0; i < 3; i++) {
		others[i] = client_new();
		client_send(&others[i], "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	}
	client_send(&c, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	rig_until_handled(4);
	client_send(&c, "GET /all HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&c, 200, "together");
	client_expect(&c, 200, "");
	for (size_t i = 0; i < 3; i++) {
		client_expect(&others[i], 200, "together");
		client_close(&others[i]);
	}
}
END_TEST

/* ---- Expect: 100-continue ---- */

#define EXPECT "Expect: 100-continue\r\n"

static void expect_continue(void)
{
	struct answer a = client_answer(&c, "POST");
	ck_assert_int_eq(a.head.status, 100);
	answer_fini(&a);
}

START_TEST(continue_when_all_is_fine)
{
	client_send(&c, "POST /echo HTTP/1.1\r\n" HOST EXPECT "Content-Length: 3\r\n\r\n");
	expect_continue();
	client_send(&c, "abc");
	client_expect(&c, 200, "abc");
	client_send(
	    &c, "POST /echo HTTP/1.1\r\n" HOST EXPECT "Transfer-Encoding: chunked\r\n\r\n");
	expect_continue();
	client_send(&c, "1\r\na\r\n0\r\n\r\n");
	client_expect(&c, 200, "a");
}
END_TEST

START_TEST(no_continue_for_a_body_that_came_or_is_none)
{
	client_send(&c, "POST /echo HTTP/1.1\r\n" HOST EXPECT "Content-Length: 3\r\n\r\nabc");
	client_expect(&c, 200, "abc");
	client_send(&c, "POST /echo HTTP/1.1\r\n" HOST EXPECT "Content-Length: 3\r\n\r\nab");
	client_expect_nothing(&c);
	client_send(&c, "c");
	client_expect(&c, 200, "abc");
	client_send(&c, "GET /echo?x HTTP/1.1\r\n" HOST EXPECT "\r\n");
	client_expect(&c, 200, "x");
	client_send(&c, "POST /echo?x HTTP/1.1\r\n" HOST EXPECT "Content-Length: 0\r\n\r\n");
	client_expect(&c, 200, "x");
	client_send(&c, "GET /none HTTP/1.1\r\n" HOST EXPECT "\r\n");
	client_expect(&c, 404, NULL);
	client_send(&c, "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n" EXPECT
			"Content-Length: 3\r\n\r\n");
	client_expect_nothing(&c);
	client_send(&c, "abc");
	client_expect(&c, 200, "abc");
}
END_TEST

START_TEST(continue_waits_for_earlier_answers)
{
	client_send(&c, "GET /hold HTTP/1.1\r\n" HOST "\r\n"
			"POST /echo HTTP/1.1\r\n" HOST EXPECT "Content-Length: 3\r\n\r\n");
	rig_until_handled(1);
	client_expect_nothing(&c);
	/* Nor is the client's time counted while we keep it waiting. */
	rig_advance(1000);
	client_expect_nothing(&c);
	rig_answer(0, "first");
	client_expect(&c, 200, "first");
	expect_continue();
	client_send(&c, "abc");
	client_expect(&c, 200, "abc");
}
END_TEST

START_TEST(final_status_instead_of_continue)
{
	static const struct {
		const char *text;
		int status;
	} refused[] = {{"POST /none HTTP/1.1\r\n" HOST EXPECT "Content-Length: 3\r\n\r\n", 404},
	    {"PATCH /echo HTTP/1.1\r\n" HOST EXPECT "Content-Length: 3\r\n\r\n", 405},
	    {"POST /none HTTP/1.1\r\n" HOST EXPECT "Transfer-Encoding: chunked\r\n\r\n", 404},
	    {"POST /echo HTTP/1.1\r\n" HOST EXPECT "Content-Length: 1048577\r\n\r\n", 413},
	    {"POST /echo HTTP/1.1\r\n" HOST "Expect: more\r\nContent-Length: 3\r\n\r\n", 417}};
	for (size_t i = 0; i < COUNT(refused); i++) {
		again();
		client_send(&c, refused[i].text);
		client_expect_last(&c, refused[i].status, NULL);
	}
	ck_assert_uint_eq(rig.handled, 0);
}
END_TEST

/* ---- what is no request ---- */

/* The tables of test_http_head.c and test_http_body.c are longer; here it is who gets what. */
static const struct {
	int status;
	const char *text;
} refused[] = {
    {400, "POST /echo HTTP/1.1\r\n" HOST
	  "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nContent-Length: 4\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +4\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "X: a\r\n folded\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "X : a\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Host: b\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\n"},
    {400, "POST /echo HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"},
    {400, "POST /ec ho HTTP/1.1\r\n" HOST "\r\n"},
    {400, "\x16\x03\x01\x02\x01\xfc\x03\r\n\r\n"},
    {501, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n"},
    {501, "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n"},
    {505, "PRI * HTTP/2.0\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"},
};

START_TEST(refuses_and_closes)
{
	client_send(&c, refused[_i].text);
	/* What follows must not become a request, whoever wrote it. */
	client_send(&c, "GET /echo?smuggled HTTP/1.1\r\n" HOST "\r\n");
	client_expect_last(&c, refused[_i].status, NULL);
	ck_assert_uint_eq(rig.handled, 0);
	ck_assert_uint_eq(http_server_stats(rig.server)->bad_requests, 1);
}
END_TEST

START_TEST(a_nul_needs_no_waiting_for_the_rest)
{
	client_send_bytes(&c, "GET /\0", 6);
	client_expect_last(&c, 400, NULL);
}
END_TEST

/* ---- the handle ---- */

START_TEST(what_a_handler_sees)
{
	struct http_head head;
	char *block, *body, peer[32];
	size_t len;
	client_send(&c, "PUT /hold?q HTTP/1.1\r\n" HOST "X: y\r\nContent-Length: 3\r\n\r\nabc");
	rig_until_handled(1);
	struct ow_http_request *r = rig.held[0];
	struct sockaddr_in own;
	socklen_t own_len = sizeof(own);
	getsockname(c.fd, (struct sockaddr *)&own, &own_len);
	snprintf(peer, sizeof(peer), "127.0.0.1:%d", ntohs(own.sin_port));
	ck_assert_str_eq(http_request_peer(r), peer);
	ck_assert(text_equal(http_request_body(r), text_of("abc")));
	ck_assert(text_equal(http_request_head(r)->method, text_of("PUT")));
	http_request_take(r, &head, &block, &body, &len);
	ck_assert_uint_eq(http_request_head(r)->count, 0);
	ck_assert_uint_eq(http_request_body(r).len, 0);
	rig_answer(0, "taken");
	client_expect(&c, 200, "taken");
	ck_assert(text_equal(http_head_field(&head, "x"), text_of("y")));
	ck_assert_uint_eq(len, 3);
	ck_assert_str_eq(body, "abc");
	http_head_fini(&head);
	free(block);
	free(body);
}
END_TEST

START_TEST(taking_an_empty_body)
{
	struct http_head head;
	char *block, *body;
	size_t len;
	client_send(&c, "HEAD /hold HTTP/1.1\r\n" HOST "\r\n");
	rig_until_handled(1);
	http_request_take(rig.held[0], &head, &block, &body, &len);
	ck_assert_uint_eq(len, 0);
	ck_assert_ptr_nonnull(body);
	http_head_fini(&head);
	free(block);
	free(body);
	rig_answer(0, "four"); /* that it was HEAD is still known */
	struct answer a = client_answer(&c, "HEAD");
	ck_assert_int_eq(a.head.content_length, 4);
	answer_fini(&a);
	client_expect_nothing(&c);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_server");
	TCase *t = tcase_create("listener");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, bytes_of_an_answer);
	tcase_add_test(t, keeps_the_connection);
	tcase_add_test(t, date_follows_the_clock);
	tcase_add_test(t, byte_by_byte);
	tcase_add_test(t, large_bodies_both_ways);
	tcase_add_test(t, head_has_no_body);
	tcase_add_test(t, closes_when_asked_to);
	tcase_add_test(t, http_1_0);
	tcase_add_test(t, targets);
	tcase_add_test(t, empty_lines_before_a_request);
	tcase_add_test(t, no_such_path);
	tcase_add_test(t, no_such_method);
	tcase_add_test(t, a_denied_body_is_dropped);
	tcase_add_test(t, nothing_is_accepted_too_early);
	tcase_add_test(t, paths_are_taken_once);
	tcase_add_test(t, paths_below_one);
	tcase_add_test(t, answers_in_order);
	tcase_add_test(t, handled_in_order);
	tcase_add_test(t, a_refusal_waits_for_its_turn);
	tcase_add_test(t, a_handler_may_close);
	tcase_add_test(t, answers_from_inside_another_handler);
	tcase_add_test(t, continue_when_all_is_fine);
	tcase_add_test(t, no_continue_for_a_body_that_came_or_is_none);
	tcase_add_test(t, continue_waits_for_earlier_answers);
	tcase_add_test(t, final_status_instead_of_continue);
	tcase_add_loop_test(t, refuses_and_closes, 0, COUNT(refused));
	tcase_add_test(t, a_nul_needs_no_waiting_for_the_rest);
	tcase_add_test(t, what_a_handler_sees);
	tcase_add_test(t, taking_an_empty_body);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
