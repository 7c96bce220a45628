/* What a listener bounds: sizes, times, numbers. */
#include "tests/unit/main.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/io/http_rig.h"

#define HOST   "Host: a\r\n"
#define GET(q) "GET /echo?" q " HTTP/1.1\r\n" HOST "\r\n"
#define HELD   "GET /hold HTTP/1.1\r\n" HOST "\r\n"

static struct client c;

/* Answers with as many bytes as the query says. */
static void big(struct ow_http_request *request, void *arg)
{
	int64_t len = 0;
	(void)arg;
	rig.handled++;
	text_number(http_request_head(request)->query, 1 << 30, &len);
	char *bytes = mem_zero((size_t)len);
	memset(bytes, 'x', (size_t)len);
	http_request_answer(request,
	    &(struct http_answer){.status = 200, .body = text_span(bytes, (size_t)len)});
	free(bytes);
}

static void start(void)
{
	rig_start();
	http_server_serve(rig.server, "/big", OW_HTTP_GET, big, NULL);
	c = client_new();
}

static void setup(void)
{
	rig_init();
	c = (struct client){.fd = -1, .in = BUF_INIT};
}

static void teardown(void)
{
	client_close(&c);
	rig_fini();
}

static const struct http_server_stats *stats(void)
{
	return http_server_stats(rig.server);
}

/* ---- sizes ---- */

/* A request whose head has so many bytes. */
static void send_head(size_t len, const char *before, const char *after)
{
	struct buf b = BUF_INIT;
	buf_add_string(&b, before);
	while (b.len + strlen(after) < len)
		buf_add_char(&b, 'x');
	buf_add_string(&b, after);
	client_send_bytes(&c, b.data, b.len);
	buf_free(&b);
}

START_TEST(size_of_a_head)
{
	rig.limits.max_headers = 200;
	start();
	send_head(200, "GET /echo?q HTTP/1.1\r\n" HOST "X: ", "\r\n\r\n");
	client_expect(&c, 200, "q");
	send_head(201, "GET /echo?q HTTP/1.1\r\n" HOST "X: ", "\r\n\r\n");
	client_expect_last(&c, 431, NULL);
}
END_TEST

START_TEST(size_of_a_request_line)
{
	rig.limits.max_headers = 200;
	start();
	send_head(300, "GET /echo?", " HTTP/1.1\r\n" HOST "\r\n");
	client_expect_last(&c, 414, NULL);
}
END_TEST

START_TEST(size_of_a_head_that_never_ends)
{
	start();
	client_send(&c, "GET /echo HTTP/1.1\r\n" HOST);
	for (int i = 0; i < 100000 && !c.ended; i++) {
		client_send(&c, "X: y\r\n");
		client_receive(&c);
	}
	client_expect_last(&c, 431, NULL);
}
END_TEST

START_TEST(number_of_fields)
{
	struct buf b = BUF_INIT;
	start();
	buf_add_string(&b, "GET /echo HTTP/1.1\r\n" HOST);
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		buf_add_string(&b, "X: y\r\n");
	buf_add_string(&b, "\r\n");
	client_send_bytes(&c, b.data, b.len);
	client_expect_last(&c, 431, NULL);
	buf_free(&b);
}
END_TEST

#define TOO_LARGE "{\"detail\":\"Request body too large: at most 10 bytes\"}"

START_TEST(size_of_an_announced_body)
{
	rig.limits.max_body = 10;
	start();
	client_send(&c, "POST /post HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789");
	client_expect(&c, 200, "10");
	client_send(&c, "POST /post HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n");
	client_expect_last(&c, 413, TOO_LARGE);
	ck_assert_uint_eq(rig.handled, 1);
}
END_TEST

START_TEST(size_of_a_chunked_body)
{
	rig.limits.max_body = 10;
	start();
	client_send(&c, "POST /post HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
			"5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n");
	client_expect(&c, 200, "10");
	client_send(&c, "POST /post HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
			"5\r\n01234\r\n6\r\n");
	client_expect_last(&c, 413, TOO_LARGE);
}
END_TEST

START_TEST(size_of_a_denied_body)
{
	rig.limits.max_body = 10;
	start();
	client_send(&c, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n");
	client_expect_last(&c, 404, NULL);
	client_close(&c);
	c = client_new();
	client_send(
	    &c, "POST /none HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nb\r\n");
	client_expect(&c, 404, NULL);
	client_expect_end(&c);
}
END_TEST

/* A client that reads only when it has sent everything is told all the same. */
START_TEST(refusal_reaches_a_busy_sender)
{
	static char bytes[65536];
	start();
	client_send(&c, "POST /post HTTP/1.1\r\n" HOST "Content-Length: 3145728\r\n\r\n");
	for (int i = 0; i < 48; i++) {
		client_send_bytes(&c, bytes, sizeof(bytes));
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
	}
	client_expect_last(&c, 413, NULL);
}
END_TEST

START_TEST(but_not_for_ever)
{
	static char bytes[1 << 20];
	start();
	client_send(&c, "nonsense\r\n\r\n");
	for (int i = 0; i < 100 && stats()->connections > 0; i++)
		client_send_bytes(&c, bytes, sizeof(bytes));
	rig_until_connections(0);
}
END_TEST

/* ---- times: limits are 10 ms for a head, 20 for a body, 40 without either ---- */

START_TEST(time_for_a_head_counts_from_its_first_byte)
{
	start();
	rig_advance(30); /* idle before: does not count */
	for (const char *p = "GET /echo"; *p; p++) {
		client_send_bytes(&c, p, 1);
		rig_quiet();
		clock_advance(&rig.clock, 1);
	}
	client_expect_nothing(&c);
	rig_advance(1);
	client_expect_last(&c, 408, "{\"detail\":\"request not complete in time\"}");
	ck_assert_uint_eq(stats()->timeouts, 1);
}
END_TEST

START_TEST(time_for_a_second_head)
{
	start();
	client_send(&c, "GET /echo?1 HTTP/1.1\r\n");
	rig_quiet();
	clock_advance(&rig.clock, 9);
	client_send(&c, HOST "\r\nGET /echo?2 HTT");
	client_expect(&c, 200, "1");
	rig_advance(9);
	client_expect_nothing(&c);
	rig_advance(1);
	client_expect_last(&c, 408, NULL);
}
END_TEST

START_TEST(time_for_a_body_counts_from_its_progress)
{
	static char step[16385];
	memset(step, 'x', sizeof(step) - 1);
	rig.limits.max_body = 100000;
	start();
	client_send(&c, "POST /post HTTP/1.1\r\n" HOST "Content-Length: 50000\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		rig_advance(19);
		client_send(&c, step);
		rig_quiet();
	}
	/* A byte now and then is no progress. */
	for (int i = 0; i < 19; i++) {
		rig_advance(1);
		client_send(&c, "x");
		rig_quiet();
	}
	client_expect_nothing(&c);
	rig_advance(1);
	client_expect_last(&c, 408, NULL);
	ck_assert_uint_eq(rig.handled, 0);
}
END_TEST

START_TEST(time_for_a_denied_body)
{
	start();
	client_send(&c, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n12345");
	client_expect(&c, 404, NULL);
	rig_advance(20);
	client_expect_end(&c);
}
END_TEST

START_TEST(time_between_requests)
{
	start();
	client_send(&c, GET("x"));
	client_expect(&c, 200, "x");
	rig_advance(39);
	client_expect_nothing(&c);
	client_send(&c, GET("x"));
	client_expect(&c, 200, "x");
	rig_advance(39);
	client_expect_nothing(&c);
	client_send(&c, "\r\n"); /* this is nothing */
	rig_quiet();
	rig_advance(1);
	client_expect_end(&c);
	ck_assert_uint_eq(stats()->timeouts, 0);
}
END_TEST

START_TEST(no_time_limit_while_we_are_to_answer)
{
	start();
	client_send(&c, HELD);
	rig_until_handled(1);
	rig_advance(1000);
	rig_answer(0, "late");
	client_expect(&c, 200, "late");
	rig_advance(39);
	client_expect_nothing(&c);
	rig_advance(1);
	client_expect_end(&c);
}
END_TEST

START_TEST(time_for_the_peer_to_close)
{
	start();
	client_send(&c, "nonsense\r\n\r\n");
	client_expect_last(&c, 400, NULL);
	rig_advance(39);
	ck_assert_int_eq(stats()->connections, 1);
	rig_advance(1);
	rig_until_connections(0);
}
END_TEST

/* ---- peers that do not read ---- */

static void small_window(struct client *client)
{
	int size = 128 * 1024;
	client_close(client);
	*client = client_new();
	setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

START_TEST(a_peer_that_reads_nothing_is_closed)
{
	start();
	small_window(&c);
	client_send(&c, "GET /big?30000000 HTTP/1.1\r\n" HOST "\r\n");
	rig_until_handled(1);
	for (int i = 0; i < 20 && stats()->connections > 0; i++) {
		rig_quiet();
		rig_advance(40);
	}
	ck_assert_int_eq(stats()->connections, 0);
	ck_assert_uint_eq(stats()->timeouts, 1);
}
END_TEST

START_TEST(a_peer_that_reads_slowly_is_not)
{
	/* More than its system keeps for it, so that some of it is new. */
	static char bytes[512 * 1024];
	start();
	small_window(&c);
	client_send(&c, "GET /big?30000000 HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 10; i++) {
		rig_quiet();
		for (size_t len = 0; len < sizeof(bytes);) {
			ssize_t n = recv(c.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
			len += n > 0 ? (size_t)n : 0;
			event_base_loop(rig.base, EVLOOP_NONBLOCK);
		}
		rig_advance(40);
		ck_assert_int_eq(stats()->connections, 1);
	}
}
END_TEST

/* Requests whose answers nobody reads must not pile up in memory. */
START_TEST(unread_answers_are_bounded)
{
	enum {
		REQUESTS = 600
	};
	start();
	small_window(&c);
	for (int i = 0; i < REQUESTS; i++)
		client_send(&c, "GET /big?65536 HTTP/1.1\r\n" HOST "\r\n");
	rig_quiet();
	/* The kernel's buffers hold some megabytes beyond our own limit. */
	ck_assert_uint_lt(rig.handled, 300);
	for (int i = 0; i < REQUESTS; i++) {
		struct answer a = client_answer(&c, "GET");
		ck_assert_uint_eq(a.body.len, 65536);
		answer_fini(&a);
	}
	ck_assert_uint_eq(rig.handled, REQUESTS);
}
END_TEST

/* ---- numbers ---- */

START_TEST(number_of_unanswered_requests)
{
	rig.limits.max_pipelined = 4;
	start();
	for (int i = 0; i < 10; i++)
		client_send(&c, HELD);
	rig_quiet();
	rig_until_handled(4);
	rig_answer(1, "x"); /* cannot be sent yet, so it still counts */
	rig_quiet();
	rig_until_handled(4);
	rig_answer(0, "x");
	rig_until_handled(6);
	client_expect(&c, 200, "x");
	client_expect(&c, 200, "x");
	for (size_t i = 2; i < 10; i++) {
		rig_until_handled(i + 4 < 10 ? i + 4 : 10);
		rig_answer(i, "x");
		client_expect(&c, 200, "x");
	}
	client_expect_nothing(&c);
}
END_TEST

START_TEST(answers_at_once_are_not_unanswered)
{
	struct buf b = BUF_INIT;
	rig.limits.max_pipelined = 4;
	start();
	for (int i = 0; i < 100; i++)
		buf_add_string(&b, GET("x"));
	client_send_bytes(&c, b.data, b.len);
	for (int i = 0; i < 100; i++)
		client_expect(&c, 200, "x");
	buf_free(&b);
}
END_TEST

START_TEST(reading_stops_with_unanswered_requests)
{
	static char bytes[1 << 20];
	size_t sent = 0;
	start();
	for (int i = 0; i < 16; i++)
		client_send(&c, HELD);
	rig_until_handled(16);
	for (int idle = 0; idle < 20 && sent < (size_t)100 << 20;) {
		ssize_t n = send(c.fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		rig_quiet();
	}
	ck_assert_uint_lt(sent, (size_t)100 << 20);
	ck_assert_uint_eq(stats()->bad_requests, 0);
}
END_TEST

START_TEST(number_of_connections)
{
	rig.limits.max_connections = 2;
	start();
	struct client second = client_new();
	rig_until_connections(2);
	struct client third = client_new();
	struct answer a = client_answer(&third, "GET");
	ck_assert_int_eq(a.head.status, 503);
	ck_assert(text_equal(http_head_field(&a.head, "retry-after"), text_of("1")));
	answer_fini(&a);
	client_expect_end(&third);
	ck_assert_uint_eq(stats()->refused, 1);
	ck_assert_uint_eq(stats()->accepted, 2);
	client_send(&c, GET("x"));
	client_expect(&c, 200, "x");
	client_close(&second);
	rig_until_connections(1);
	client_close(&third);
	third = client_new();
	client_send(&third, GET("y"));
	client_expect(&third, 200, "y");
	client_close(&third);
}
END_TEST

/* Listeners of several workers share one count. */
START_TEST(number_of_connections_of_all)
{
	_Atomic int64_t open = 2; /* of others */
	rig.limits.max_connections = 3;
	rig.limits.open = &open;
	start();
	rig_until_connections(1);
	ck_assert_int_eq(open, 3);
	struct client second = client_new();
	struct answer a = client_answer(&second, "GET");
	ck_assert_int_eq(a.head.status, 503);
	answer_fini(&a);
	client_close(&second);
	ck_assert_int_eq(open, 3);
	client_close(&c);
	rig_until_connections(0);
	ck_assert_int_eq(open, 2);
	http_server_free(rig.server); /* `open` ends before the fixture does */
	rig.server = NULL;
}
END_TEST

/* However many come at once, others get their turn in between. */
START_TEST(a_storm_of_connections)
{
	enum {
		STORM = 300
	};
	static struct client storm[STORM];
	rig.limits.max_connections = 1000;
	start();
	for (int i = 0; i < STORM; i++)
		storm[i] = client_new();
	event_base_loop(rig.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	ck_assert_uint_gt(stats()->accepted, 0);
	ck_assert_uint_lt(stats()->accepted, 150);
	rig_until_connections(STORM + 1);
	for (int i = 0; i < STORM; i++)
		client_close(&storm[i]);
}
END_TEST

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

START_TEST(no_file_descriptors)
{
	struct rlimit old, low;
	int fds[64];
	size_t count = 0;
	start(); /* c is in the backlog: the loop has not run yet */
	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &low);
	while (count < 64 && (fds[count] = dup(c.fd)) >= 0)
		count++;
	int64_t began = now_ms();
	event_base_loop(rig.base, EVLOOP_ONCE);
	ck_assert_uint_eq(stats()->accepted, 0);
	while (count > 0)
		close(fds[--count]);
	setrlimit(RLIMIT_NOFILE, &old);
	/* valgrind's accept() drops the connection that it says it has no room for. */
	client_close(&c);
	c = client_new();
	/* It does not try again before its pause is over, and then it works. */
	while (stats()->accepted == 0)
		event_base_loop(rig.base, EVLOOP_ONCE);
	ck_assert_int_ge(now_ms() - began, 200);
	client_send(&c, GET("x"));
	client_expect(&c, 200, "x");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_limits");
	TCase *t = tcase_create("limits");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, size_of_a_head);
	tcase_add_test(t, size_of_a_request_line);
	tcase_add_test(t, size_of_a_head_that_never_ends);
	tcase_add_test(t, number_of_fields);
	tcase_add_test(t, size_of_an_announced_body);
	tcase_add_test(t, size_of_a_chunked_body);
	tcase_add_test(t, size_of_a_denied_body);
	tcase_add_test(t, refusal_reaches_a_busy_sender);
	tcase_add_test(t, but_not_for_ever);
	tcase_add_test(t, time_for_a_head_counts_from_its_first_byte);
	tcase_add_test(t, time_for_a_second_head);
	tcase_add_test(t, time_for_a_body_counts_from_its_progress);
	tcase_add_test(t, time_for_a_denied_body);
	tcase_add_test(t, time_between_requests);
	tcase_add_test(t, no_time_limit_while_we_are_to_answer);
	tcase_add_test(t, time_for_the_peer_to_close);
	tcase_add_test(t, a_peer_that_reads_nothing_is_closed);
	tcase_add_test(t, a_peer_that_reads_slowly_is_not);
	tcase_add_test(t, unread_answers_are_bounded);
	tcase_add_test(t, number_of_unanswered_requests);
	tcase_add_test(t, answers_at_once_are_not_unanswered);
	tcase_add_test(t, reading_stops_with_unanswered_requests);
	tcase_add_test(t, number_of_connections);
	tcase_add_test(t, number_of_connections_of_all);
	tcase_add_test(t, a_storm_of_connections);
	tcase_add_test(t, no_file_descriptors);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
