/* How connections and listeners end. */
#include "tests/unit/main.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/unit/io/http_rig.h"

#define HOST   "Host: a\r\n"
#define GET(q) "GET /echo?" q " HTTP/1.1\r\n" HOST "\r\n"
#define HELD   "GET /hold HTTP/1.1\r\n" HOST "\r\n"

static struct client c;

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

static void start(void)
{
	rig_start();
	c = client_new();
}

static int64_t connections(void)
{
	return http_server_stats(rig.server)->connections;
}

/* ---- clients that go away ---- */

static void reset(struct client *client)
{
	struct linger none = {.l_onoff = 1, .l_linger = 0};
	setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	client_close(client);
}

START_TEST(gone_at_any_point)
{
	static const char *const texts[] = {"", "\r", "GET /echo", HELD, HELD HELD GET("x"),
	    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n",
	    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabc",
	    "POST /none HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabc",
	    "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\na",
	    HELD "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabc",
	    "nonsense\r\n\r\n", HELD "nonsense\r\n\r\n"};
	start();
	for (size_t i = 0; i < 2 * sizeof(texts) / sizeof(*texts); i++) {
		struct client gone = client_new();
		client_send(&gone, texts[i / 2]);
		rig_quiet();
		if (i % 2)
			reset(&gone);
		else
			client_close(&gone);
		rig_quiet();
		/* Harmless, wherever the connection is by now. */
		for (size_t held = 0; held < rig.held_count; held++)
			rig_answer(held, "nobody there");
		rig.held_count = 0;
		rig_quiet();
		ck_assert_int_le(connections(), 1);
	}
	client_send(&c, GET("x"));
	client_expect(&c, 200, "x");
}
END_TEST

START_TEST(half_closed_clients_get_their_answers)
{
	start();
	client_send(&c, HELD GET("2") HELD "GET /ec");
	shutdown(c.fd, SHUT_WR);
	rig_until_handled(3);
	client_expect_nothing(&c);
	rig_answer(0, "1");
	client_expect(&c, 200, "1");
	client_expect(&c, 200, "2");
	rig_answer(1, "3");
	client_expect_last(&c, 200, "3");
	rig_until_connections(0);
}
END_TEST

/* ---- the listener goes away ---- */

START_TEST(freed_with_unanswered_requests)
{
	start();
	client_send(&c, HELD HELD);
	rig_until_handled(2);
	rig_answer(1, "never sent");
	http_server_free(rig.server);
	rig.server = NULL;
	client_expect_end(&c);
	ck_assert_uint_eq(http_request_head(rig.held[0])->count, 1);
	ck_assert_ptr_nonnull(strstr(http_request_peer(rig.held[0]), "127.0.0.1:"));
	rig_answer(0, "too late");
	http_server_free(NULL);
}
END_TEST

static void free_server(struct ow_http_request *request, void *arg)
{
	rig.handled++;
	if (arg)
		http_request_answer(request, &(struct http_answer){.status = 200});
	http_server_free(rig.server);
	rig.server = NULL;
	if (!arg)
		http_request_answer(request, &(struct http_answer){.status = 200});
}

START_TEST(freed_by_a_handler)
{
	start();
	http_server_serve(rig.server, "/free", OW_HTTP_GET, free_server, _i ? &rig : NULL);
	client_send(&c, GET("x") "GET /free HTTP/1.1\r\n" HOST "\r\n" GET("y"));
	while (rig.server)
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
	while (!c.ended) {
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
		client_receive(&c);
	}
	ck_assert_uint_eq(rig.handled, 2);
}
END_TEST

START_TEST(drained)
{
	start();
	struct client receiving = client_new(), unanswered = client_new();
	client_send(&receiving, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\na");
	client_send(&unanswered, HELD HELD);
	rig_until_handled(2);
	rig_until_connections(3);
	http_server_drain(rig.server);
	http_server_drain(rig.server);
	client_expect_end(&c); /* was idle */
	rig_until_connections(2);
	client_send(&receiving, "bc");
	client_expect_last(&receiving, 200, "abc");
	rig_answer(0, "1");
	client_expect(&unanswered, 200, "1");
	client_expect_nothing(&unanswered);
	rig_answer(1, "2");
	client_expect_last(&unanswered, 200, "2");
	client_close(&receiving);
	client_close(&unanswered);
	rig_until_connections(0);
	/* Nobody listens any more. */
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)rig.port),
	    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	close(fd);
}
END_TEST

START_TEST(drained_with_requests_in_line)
{
	rig.limits.max_pipelined = 1;
	start();
	client_send(&c, HELD HELD "GET /none HTTP/1.1\r\n" HOST "\r\n");
	rig_until_handled(1);
	rig_quiet();
	http_server_drain(rig.server);
	rig_answer(0, "1");
	client_expect(&c, 200, "1");
	rig_until_handled(2);
	rig_answer(1, "2");
	client_expect(&c, 200, "2");
	client_expect(&c, 404, NULL);
	client_expect_end(&c);
}
END_TEST

/* Bytes that the listener has had no chance to read. */
static void send_unseen(const struct client *client, const char *text)
{
	ssize_t len = (ssize_t)strlen(text);
	ck_assert_int_eq(send(client->fd, text, (size_t)len, MSG_NOSIGNAL), len);
}

START_TEST(drained_before_it_looked)
{
	start();
	client_send(&c, GET("x"));
	client_expect(&c, 200, "x");
	struct client waiting = client_new(), silent = client_new();
	send_unseen(&c, GET("1"));
	send_unseen(&waiting, GET("2"));
	http_server_drain(rig.server);
	client_expect_last(&c, 200, "1");
	client_expect_last(&waiting, 200, "2");
	client_expect_end(&silent);
	client_close(&waiting);
	client_close(&silent);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_ends");
	TCase *t = tcase_create("ends");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, gone_at_any_point);
	tcase_add_test(t, half_closed_clients_get_their_answers);
	tcase_add_test(t, freed_with_unanswered_requests);
	tcase_add_loop_test(t, freed_by_a_handler, 0, 2);
	tcase_add_test(t, drained);
	tcase_add_test(t, drained_with_requests_in_line);
	tcase_add_test(t, drained_before_it_looked);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
