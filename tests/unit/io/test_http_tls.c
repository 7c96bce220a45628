/* The HTTP client and the listener over TLS: what of it is not as it is without. */
#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/http_client.h"
#include "io/http_server.h"
#include "io/tls_server.h"
#include "io/tls_store.h"
#include "io/tls_stream.h"
#include "tests/tls/certificates.h"
#include "tests/unit/main.h"

#define LARGE ((size_t)8 * 1024 * 1024)

static char paths[4][128];

static struct {
	struct event_base *base;
	struct clock clock;
	struct tls_store *store;
	struct http_client *client;
	struct ow_http_pool *pool;
	struct http_server *server; /* ours, or: */
	struct evconnlistener *peer;
	struct tls_context *peer_tls;
	struct bufferevent *stream; /* of the last connection the peer accepted */
	int fd;
	size_t accepted;
	bool deaf;
	const char *answer; /* of the peer, to whatever comes */
	bool farewell;	    /* behind the answer */
	/* how the call ended */
	int called;
	enum ow_http_end end;
	bool maybe_received;
	char why[512];
	struct buf body;
} w;

static const char *file(int i, const char *name)
{
	snprintf(paths[i], sizeof(paths[i]), "%s/%s", certificates_directory(), name);
	return paths[i];
}

static struct tls_config serving(enum tls_asks asks)
{
	return (struct tls_config){.side = TLS_SERVER,
	    .certificate = file(0, "server.pem"),
	    .key = file(1, "server.key"),
	    .ca = asks ? file(2, "ca.pem") : NULL,
	    .asks = asks};
}

static struct tls_context *context(enum tls_asks asks)
{
	const char *why = NULL;
	struct tls_config c = serving(asks);
	struct tls_context *made = tls_store_get(w.store, &c, "listener public", &why);
	ck_assert_msg(made != NULL, "%s", why);
	return made;
}

static void setup(void)
{
	struct clock now;
	signal(SIGPIPE, SIG_IGN);
	log_init(STDERR_FILENO, (enum ow_level)0, LOG_TEXT, NULL);
	memset(&w, 0, sizeof(w));
	w.fd = -1;
	w.base = event_base_new();
	clock_init_system(&now);
	clock_init_manual(&w.clock, clock_wall(&now));
	w.store = tls_store_new(&w.clock);
	w.client = http_client_new(w.base, &w.clock);
	http_client_use_tls(w.client, w.store);
}

static void drop_stream(void)
{
	if (w.stream)
		bufferevent_free(w.stream);
	if (w.fd >= 0)
		close(w.fd);
	w.stream = NULL;
	w.fd = -1;
}

static void teardown(void)
{
	drop_stream();
	http_pool_free(w.pool);
	http_client_free(w.client);
	http_server_free(w.server);
	if (w.peer)
		evconnlistener_free(w.peer);
	tls_store_release(w.store, w.peer_tls);
	for (int i = 0; i < 5; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	tls_store_free(w.store);
	event_base_free(w.base);
	buf_free(&w.body);
}

#define until(condition)                                                                       \
	do {                                                                                   \
		for (int turns = 0; !(condition); turns++) {                                   \
			ck_assert_msg(turns < 40000, "never: %s", #condition);                 \
			event_base_loop(w.base, EVLOOP_NONBLOCK);                              \
			usleep(turns < 1000 ? 0 : 500);                                        \
		}                                                                              \
	} while (0)

static void make_pool(int port)
{
	char url[64];
	const char *why = NULL;
	const struct ow_tls_options tls = {.size = sizeof(tls), .ca = file(3, "ca.pem")};
	snprintf(url, sizeof(url), "https://localhost:%d", port);
	const struct ow_http_origin origin = {.size = sizeof(origin),
	    .url = url,
	    .max_connections = 4,
	    .max_waiting = 8,
	    .connect_ms = 3000,
	    .idle_ms = 60000,
	    .max_response = (int64_t)LARGE,
	    .tls = &tls};
	w.pool = http_pool_new(w.client, &origin, &why);
	ck_assert_msg(w.pool != NULL, "%s", why);
}

static void on_end(const struct ow_http_response *r, void *arg)
{
	(void)arg;
	w.called++;
	w.end = r->end;
	w.maybe_received = r->maybe_received;
	text_store(w.why, sizeof(w.why), r->why);
	buf_clear(&w.body);
	buf_add_text(&w.body, r->body);
}

static void post(struct ow_text body)
{
	const struct ow_http_outgoing request = {.size = sizeof(request),
	    .method = "POST",
	    .target = text_of("/echo"),
	    .body = body,
	    .total_ms = 10000};
	w.called = 0;
	http_pool_send(w.pool, &request, on_end, NULL);
}

static void expect(enum ow_http_end end, bool maybe_received, const char *why)
{
	until(w.called);
	ck_assert_msg(w.end == end, "%d: %s", (int)w.end, w.why);
	ck_assert_msg(strstr(w.why, why) != NULL, "%s", w.why);
	ck_assert_int_eq(w.maybe_received, maybe_received);
}

/* ---- against our own listener ---- */

static void echo(struct ow_http_request *request, void *arg)
{
	(void)arg;
	http_request_answer(request, &(struct http_answer){.status = 200,
					 .content_type = text_of("text/plain"),
					 .body = http_request_body(request)});
}

static void listen_at_server(enum tls_asks asks)
{
	static const struct http_limits limits = {.max_body = (int64_t)LARGE,
	    .max_headers = 16384,
	    .header_timeout_ms = 1000,
	    .body_timeout_ms = 1000,
	    .idle_timeout_ms = 1000,
	    .max_connections = 100,
	    .max_pipelined = 16};
	char why[HTTP_LISTEN_WHY_SIZE];
	int fd = http_listen_socket("127.0.0.1:0", false, why);
	ck_assert_msg(fd >= 0, "%s", why);
	int port = http_socket_port(fd);
	w.server = http_server_new(w.base, &w.clock, fd, &limits);
	http_server_use_tls(w.server, w.store, context(asks), "listener public");
	http_server_serve(w.server, "/echo", OW_HTTP_POST, echo, NULL);
	http_server_accept(w.server);
	make_pool(port);
}

START_TEST(bodies_of_all_sizes)
{
	static const size_t sizes[] = {0, 1, 15000, 15999, 16000, 16384, 16385, 100000, LARGE};
	char *data = mem_alloc(LARGE);
	for (size_t i = 0; i < LARGE; i++)
		data[i] = (char)('a' + i * i % 26);
	listen_at_server(TLS_ASKS_NONE);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		post(text_span(data, sizes[i]));
		expect(OW_HTTP_ANSWERED, true, "");
		ck_assert_uint_eq(w.body.len, sizes[i]);
		ck_assert(sizes[i] == 0 || memcmp(w.body.data, data, sizes[i]) == 0);
	}
	const struct http_server_stats *stats = http_server_stats(w.server);
	ck_assert_uint_eq(stats->tls_new, 1); /* one connection for all */
	ck_assert_uint_eq(stats->tls_resumed, 0);
	free(data);
}
END_TEST

START_TEST(a_late_refusal_is_no_lost_answer)
{
	const char *why = NULL;
	listen_at_server(TLS_ASKS_REQUIRE);
	post(text_of("hello"));
	expect(OW_HTTP_CONNECT, false, "it wants a client certificate");
	ck_assert(!http_pool_reachable(w.pool, &why));
	ck_assert_ptr_nonnull(strstr(why, "(localhost): it wants a client certificate"));
	until(http_server_stats(w.server)->tls_failures[TLS_NO_CERTIFICATE] == 1);
}
END_TEST

START_TEST(sessions_are_resumed)
{
	listen_at_server(TLS_ASKS_NONE);
	for (int i = 0; i < 3; i++) {
		post(text_of("hello"));
		expect(OW_HTTP_ANSWERED, true, "");
		clock_advance(&w.clock, 60001); /* the pool keeps no connection that long */
		http_pool_tick(w.pool);
		ck_assert_uint_eq(http_pool_connections(w.pool), 0);
	}
	ck_assert_uint_eq(http_server_stats(w.server)->tls_new, 1);
	ck_assert_uint_eq(http_server_stats(w.server)->tls_resumed, 2);
}
END_TEST

/* ---- against a scripted peer ---- */

static void on_request(struct bufferevent *stream, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(stream);
	(void)arg;
	evbuffer_drain(input, evbuffer_get_length(input));
	if (w.answer)
		bufferevent_write(stream, w.answer, strlen(w.answer));
	w.answer = NULL;
}

static void on_peer_event(struct bufferevent *stream, short what, void *arg)
{
	(void)arg;
	if (!(what & BEV_EVENT_CONNECTED))
		return;
	tls_stream_opened(stream);
	if (w.deaf)
		bufferevent_disable(stream, EV_READ);
}

static void on_sent(struct bufferevent *stream, void *arg)
{
	(void)arg;
	if (w.farewell)
		tls_stream_shutdown(stream);
	shutdown(w.fd, SHUT_WR);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int len, void *arg)
{
	(void)listener, (void)address, (void)len, (void)arg;
	drop_stream();
	w.fd = fd;
	w.accepted++;
	w.stream = tls_server_accept(w.peer_tls, w.base, fd);
	bufferevent_setcb(w.stream, on_request, on_sent, on_peer_event, NULL);
	bufferevent_enable(w.stream, EV_READ);
}

static void listen_at_peer(void)
{
	char why[HTTP_LISTEN_WHY_SIZE];
	int fd = http_listen_socket("127.0.0.1:0", false, why);
	ck_assert_msg(fd >= 0, "%s", why);
	w.peer_tls = context(TLS_ASKS_NONE);
	w.peer = evconnlistener_new(w.base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	make_pool(http_socket_port(fd));
}

START_TEST(an_end_without_a_farewell_is_no_answer)
{
	listen_at_peer();
	w.answer = "HTTP/1.1 200 OK\r\n\r\nhalf of";
	post(text_of("hello"));
	expect(OW_HTTP_BROKEN, true, "connection lost in the middle of the answer");
	w.answer = "HTTP/1.1 200 OK\r\n\r\nall of it";
	w.farewell = true;
	post(text_of("hello"));
	expect(OW_HTTP_ANSWERED, true, "");
	ck_assert_str_eq(w.body.data, "all of it");
	/* A length says it as well. */
	w.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
	w.farewell = false;
	post(text_of("hello"));
	expect(OW_HTTP_ANSWERED, true, "");
	ck_assert_str_eq(w.body.data, "ok");
}
END_TEST

START_TEST(what_may_have_been_received)
{
	char *data = mem_alloc(LARGE * 4);
	memset(data, 'x', LARGE * 4);
	w.deaf = true;
	listen_at_peer();
	post(text_span(data, LARGE * 4));
	until(w.accepted == 1);
	for (int i = 0; i < 2000; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	clock_advance(&w.clock, 10001);
	http_pool_tick(w.pool);
	expect(OW_HTTP_TIMEOUT, false, "did not take the request within 10000 ms");

	post(text_of("hello"));
	until(w.accepted == 2);
	for (int i = 0; i < 2000; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	clock_advance(&w.clock, 10001);
	http_pool_tick(w.pool);
	expect(OW_HTTP_TIMEOUT, true, "no answer within 10000 ms");
	free(data);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http over tls");
	TCase *t = tcase_create("http over tls");
	tcase_add_unchecked_fixture(t, certificates_set_up, certificates_tear_down);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, bodies_of_all_sizes);
	tcase_add_test(t, a_late_refusal_is_no_lost_answer);
	tcase_add_test(t, sessions_are_resumed);
	tcase_add_test(t, an_end_without_a_farewell_is_no_answer);
	tcase_add_test(t, what_may_have_been_received);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
