/* The rest of the host table: the log, time, timers, counters, and requests as events. */
#include "plugin/host.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "io/http_listener.h"
#include "io/http_server.h"
#include "plugin/event.h"
#include "tests/unit/main.h"
#include "tests/unit/plugin/fixture.h"

START_TEST(the_table_is_whole)
{
	/* Every member behind the header is a function: none may be missing. */
	const char *bytes = (const char *)fixture.host;
	void *none = NULL;
	for (size_t at = offsetof(struct ow_host, log); at < sizeof(struct ow_host);
	     at += sizeof(none))
		ck_assert_msg(
		    memcmp(bytes + at, &none, sizeof(none)) != 0, "at offset %zu", at);
	ck_assert_uint_eq(fixture.host->size, sizeof(struct ow_host));
	ck_assert_int_eq(fixture.host->major, OW_ABI_MAJOR);
	ck_assert_int_eq(fixture.host->minor, OW_ABI_MINOR);
}
END_TEST

START_TEST(log_lines_name_the_instance)
{
	fixture_watch_log();
	fixture.host->log(fixture.sink, OW_LOG_WARNING, "%d %s", 7, "dwarfs");
	char *text = fixture_logged();
	ck_assert_ptr_nonnull(strstr(text, "warning"));
	ck_assert_ptr_nonnull(strstr(text, "sink crm: 7 dwarfs"));
	free(text);
}
END_TEST

/* "open sesame" is the fixture's. */
START_TEST(log_lines_show_no_secret)
{
	fixture_watch_log();
	fixture.host->log(fixture.sink, OW_LOG_WARNING, "say %s, please", "open sesame");
	char *text = fixture_logged();
	ck_assert_ptr_nonnull(strstr(text, "sink crm: say the value given, please"));
	ck_assert_ptr_null(strstr(text, "sesame"));
	free(text);
}
END_TEST

START_TEST(time_and_randomness_are_the_worker_s)
{
	unsigned char a[16], b[16];
	random_init_seeded(worker_random(fixture.worker), 1);
	fixture.host->random(fixture.sink, a, sizeof(a));
	random_init_seeded(worker_random(fixture.worker), 1);
	fixture.host->random(fixture.sink, b, sizeof(b));
	ck_assert_int_eq(memcmp(a, b, sizeof(a)), 0);
	int64_t mono = fixture.host->mono_ms(fixture.sink);
	clock_advance(&fixture.clock, 1234);
	ck_assert_int_eq(fixture.host->mono_ms(fixture.sink), mono + 1234);
	ck_assert_int_eq(fixture.host->wall_ms(fixture.sink), 1700000000000 + 1234);
	ck_assert_ptr_eq(fixture.host->base(fixture.sink), worker_base(fixture.worker));
}
END_TEST

START_TEST(randomness_got_ahead_is_forgotten)
{
	unsigned char a[16], b[16];
	struct random *random = worker_random(fixture.worker);
	fixture.host->random(fixture.sink, a, sizeof(a));
	struct random copy = *random;
	fixture.host->random_refresh(fixture.sink);
	fixture.host->random(fixture.sink, a, sizeof(a));
	random_fill(&copy, b, sizeof(b));
	ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
}
END_TEST

/* ---- timers ---- */

static struct ow_timer *timer;
static int fired;

static void set_again(void *arg)
{
	ck_assert_ptr_eq(arg, &fired);
	if (++fired < 3)
		fixture.host->timer_set(timer, 1);
}

START_TEST(a_timer_fires_once_and_may_be_set_again)
{
	fired = 0;
	timer = fixture.host->timer_new(fixture.sink, set_again, &fired);
	fixture_spin();
	ck_assert_int_eq(fired, 0); /* nobody set it */
	fixture.host->timer_set(timer, 0);
	ck_assert_int_eq(fired, 0);
	fixture_until(fired == 3);
	for (int i = 0; i < 10; i++)
		fixture_turn();
	ck_assert_int_eq(fired, 3);
	fixture.host->timer_free(timer);
	fixture.host->timer_free(NULL);
}
END_TEST

START_TEST(a_stopped_timer_does_not_fire)
{
	fired = 0;
	timer = fixture.host->timer_new(fixture.sink, set_again, &fired);
	fixture.host->timer_set(timer, 2);
	fixture.host->timer_set(timer, -1);
	for (int i = 0; i < 10; i++)
		fixture_turn();
	ck_assert_int_eq(fired, 0);
	fixture.host->timer_set(timer, 2); /* freed while it runs */
	fixture.host->timer_free(timer);
	for (int i = 0; i < 10; i++)
		fixture_turn();
	ck_assert_int_eq(fired, 0);
}
END_TEST

static void free_itself(void *arg)
{
	(void)arg;
	fired++;
	fixture.host->timer_free(timer);
}

START_TEST(a_timer_may_be_freed_by_its_own_callback)
{
	fired = 0;
	timer = fixture.host->timer_new(fixture.sink, free_itself, NULL);
	fixture.host->timer_set(timer, 1);
	fixture_until(fired == 1);
}
END_TEST

/* ---- metrics ---- */

START_TEST(counters_and_gauges)
{
	const struct ow_host *host = fixture.host;
	struct ow_counter *a =
	    host->counter(fixture.sink, "tries_total", "Tries.", "code", text_of("200"));
	struct ow_counter *b =
	    host->counter(fixture.sink, "plain_total", "Plain.", NULL, TEXT_NONE);
	struct ow_counter *g = host->gauge(fixture.sink, "depth", "Depth.");
	struct buf out = BUF_INIT;
	host->count(a, 2);
	host->count(a, 1);
	host->count(b, 5);
	host->gauge_set(g, 9);
	host->gauge_set(g, -4);
	metrics_render(fixture.common.metrics, &out);
	ck_assert_ptr_nonnull(
	    strstr(out.data, "\nonceway_tries_total{sink=\"crm\",code=\"200\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "\nonceway_plain_total{sink=\"crm\"} 5\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "\nonceway_depth{sink=\"crm\"} -4\n"));
	buf_free(&out);
}
END_TEST

/* ---- requests ---- */

static struct ow_instance *source;
static struct ow_event *received;
static struct ow_http_request *pending;

static void take_request(struct ow_http_request *request, void *arg)
{
	const struct ow_host *host = fixture.host;
	ck_assert_ptr_eq(arg, &received);
	ck_assert(text_equal(host->request_header(request, "x-one"), text_of("1")));
	ck_assert(text_equal(host->request_body(request), text_of("{\"a\":1}")));
	received = host->event_from_request(source, request);
	ck_assert_ptr_null(host->request_header(request, "x-one").data);
	ck_assert_uint_eq(host->request_body(request).len, 0);
	pending = request;
}

static const struct http_limits limits = {.max_body = 1000,
    .max_headers = 4096,
    .header_timeout_ms = 10000,
    .body_timeout_ms = 10000,
    .idle_timeout_ms = 10000,
    .max_connections = 10,
    .max_pipelined = 4};

static int connect_to(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static int listen_as(const char *name)
{
	char why[HTTP_LISTEN_WHY_SIZE];
	int fd = http_listen_socket("127.0.0.1:0", false, why);
	ck_assert_msg(fd >= 0, "%s", why);
	struct http_server *server =
	    http_server_new(worker_base(fixture.worker), &fixture.clock, fd, &limits);
	worker_add_listener(fixture.worker, name, server);
	return http_socket_port(fd);
}

START_TEST(paths_are_served_once_on_a_listener_that_is_there)
{
	const struct ow_host *host = fixture.host;
	const char *why = NULL;
	listen_as("public");
	source = fixture_instance(fixture_component(OW_SOURCE), "hook");
	ck_assert_int_eq(
	    host->http_serve(source, "none", "/a", OW_HTTP_POST, take_request, NULL, &why), -1);
	ck_assert_str_eq(why, "there is no such listener");
	ck_assert_int_eq(
	    host->http_serve(source, "public", "/a", OW_HTTP_POST, take_request, NULL, &why),
	    0);
	ck_assert_int_eq(
	    host->http_serve(source, "public", "/a", OW_HTTP_GET, take_request, NULL, &why),
	    -1);
	ck_assert_str_eq(why, "another source has this path on this listener");
	instance_free(source);
}
END_TEST

START_TEST(an_event_takes_over_what_its_request_has)
{
	static const char request[] =
	    "POST /hook?x=1 HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nContent-Length: 7\r\n"
	    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
	    "\r\n{\"a\":1}";
	const struct ow_host *host = fixture.host;
	const char *why;
	char answer[600] = "";
	int port = listen_as("public");
	source = fixture_instance(fixture_component(OW_SOURCE), "hook");
	received = NULL;
	ck_assert_int_eq(host->http_serve(source, "public", "/hook", OW_HTTP_POST, take_request,
			     &received, &why),
	    0);
	worker_open_listeners(fixture.worker);
	int fd = connect_to(port);
	ck_assert_int_eq(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
	fixture_until(received);
	ck_assert(text_equal(host->event_path(received), text_of("/hook")));
	ck_assert(text_equal(host->event_header(received, "X-ONE"), text_of("1")));
	ck_assert(text_equal(host->event_body(received), text_of("{\"a\":1}")));
	ck_assert_str_eq(host->event_trace(received), "4bf92f3577b34da6a3ce929d0e0e4736");
	host->request_answer(pending, 429, text_of("text/x"), text_of("later"), 1500);
	/* The event outlives its request. */
	fixture_until(recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT) > 0);
	ck_assert(text_equal(host->event_header(received, "x-one"), text_of("1")));
	ck_assert_int_eq(strncmp(answer, "HTTP/1.1 429 ", 13), 0);
	ck_assert_ptr_nonnull(strstr(answer, "\r\nRetry-After: 2\r\n"));
	ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\nlater"));
	host->event_unref(received);
	close(fd);
	instance_free(source);
}
END_TEST

static void refuse_request(struct ow_http_request *request, void *arg)
{
	static const struct ow_text names[] = {
	    {"WWW-Authenticate", 16}, {"X-Split", 7}, {"No Token", 8}, {"", 0}, {"X-Last", 6}};
	static const struct ow_text values[] = {
	    {"Bearer", 6}, {"a\r\nSet-Cookie: b", 16}, {"a", 1}, {"a", 1}, {"", 0}};
	(void)arg;
	fixture.host->request_answer_with(
	    request, &(struct ow_http_answer){.size = sizeof(struct ow_http_answer),
			 .status = 401,
			 .content_type = text_of("text/plain"),
			 .body = text_of("no"),
			 .retry_after_ms = 2000,
			 .names = names,
			 .values = values,
			 .headers = 5});
}

START_TEST(an_answer_may_have_fields_of_its_own)
{
	static const char request[] =
	    "POST /hook HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
	const char *why;
	char answer[600] = "";
	int port = listen_as("public");
	source = fixture_instance(fixture_component(OW_SOURCE), "hook");
	ck_assert_int_eq(fixture.host->http_serve(source, "public", "/hook", OW_HTTP_POST,
			     refuse_request, NULL, &why),
	    0);
	worker_open_listeners(fixture.worker);
	int fd = connect_to(port);
	ck_assert_int_eq(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
	fixture_until(recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT) > 0);
	ck_assert_int_eq(strncmp(answer, "HTTP/1.1 401 ", 13), 0);
	ck_assert_ptr_nonnull(strstr(answer, "\r\nContent-Type: text/plain\r\n"));
	ck_assert_ptr_nonnull(strstr(answer, "\r\nRetry-After: 2\r\n"));
	ck_assert_ptr_nonnull(strstr(answer, "\r\nWWW-Authenticate: Bearer\r\n"));
	/* What is no field, or more than one, is left out. */
	ck_assert_ptr_null(strstr(answer, "X-Split"));
	ck_assert_ptr_null(strstr(answer, "Set-Cookie"));
	ck_assert_ptr_null(strstr(answer, "No Token"));
	ck_assert_ptr_null(strstr(answer, "\r\n: a"));
	ck_assert_ptr_nonnull(strstr(answer, "\r\nX-Last: \r\n\r\nno"));
	close(fd);
	instance_free(source);
}
END_TEST

START_TEST(an_answer_must_say_its_size)
{
	fixture.host->request_answer_with(NULL, &(struct ow_http_answer){.status = 401});
}
END_TEST

START_TEST(a_pool_needs_a_url)
{
	const char *why = NULL;
	struct ow_http_origin origin = {.size = sizeof(origin),
	    .url = "nonsense",
	    .max_connections = 1,
	    .connect_ms = 1000,
	    .idle_ms = 1000,
	    .max_response = 1000};
	ck_assert_ptr_null(fixture.host->http_pool_new(fixture.sink, &origin, &why));
	ck_assert_ptr_nonnull(why);
	origin.url = "http://127.0.0.1:1/";
	struct ow_http_pool *pool = fixture.host->http_pool_new(fixture.sink, &origin, &why);
	ck_assert_ptr_nonnull(pool);
	ck_assert(fixture.host->http_reachable(pool, &why));
	fixture.host->http_pool_free(pool);
	fixture.host->http_pool_free(NULL);
}
END_TEST

/* ---- TLS ---- */

START_TEST(tls_files_that_are_missing_are_named)
{
	const struct ow_tls_options options = {
	    .size = sizeof(options), .ca = "/nonexistent/ca.pem"};
	const char *why = NULL;
	ck_assert_ptr_null(fixture.host->tls_new(fixture.sink, &options, &why));
	ck_assert_str_eq(why, "tls.ca: `/nonexistent/ca.pem`: No such file or directory");
}
END_TEST

static void note_event(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	*(short *)arg = what;
}

/* A peer that speaks something else; handshakes that succeed are tested in io. */
START_TEST(a_tls_stream_says_what_is_wrong)
{
	int ends[2];
	short what = 0;
	const char *why = NULL;
	struct ow_tls *tls = fixture.host->tls_new(fixture.sink, NULL, &why);
	ck_assert_msg(tls != NULL, "%s", why);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	struct bufferevent *stream = fixture.host->tls_stream(tls, ends[0], "redis.example");
	bufferevent_setcb(stream, NULL, NULL, note_event, &what);
	ck_assert_int_eq(send(ends[1], "-ERR unknown command\r\n", 22, 0), 22);
	while (!what)
		fixture_turn();
	ck_assert(what & BEV_EVENT_ERROR);
	ck_assert_str_eq(fixture.host->tls_problem(tls, stream), "it does not speak TLS");
	bufferevent_free(stream);
	close(ends[0]);
	close(ends[1]);
	fixture_spin();
	fixture.host->tls_free(tls);
	fixture.host->tls_free(NULL);
}
END_TEST

struct found {
	unsigned calls;
	size_t count;
	char address[64];
	const char *why;
};

static void on_found(const struct ow_addresses *found, void *arg)
{
	struct found *f = arg;
	f->calls++;
	f->count = found->count;
	f->why = found->why;
	ck_assert_uint_ge(found->size, sizeof(*found));
	if (found->count > 0 && found->at[0]->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)found->at[0];
		ck_assert_uint_eq(found->lengths[0], sizeof(*v4));
		ck_assert_int_eq(ntohs(v4->sin_port), 6379);
		inet_ntop(AF_INET, &v4->sin_addr, f->address, sizeof(f->address));
	}
}

START_TEST(literal_addresses_are_found_later)
{
	struct found found = {0}, cancelled = {0};
	struct ow_query *query =
	    fixture.host->resolve(fixture.sink, "192.0.2.7", 6379, on_found, &cancelled);
	fixture.host->resolve(fixture.sink, "192.0.2.7", 6379, on_found, &found);
	ck_assert_uint_eq(found.calls, 0);
	fixture.host->resolve_cancel(query);
	fixture.host->resolve_cancel(NULL);
	fixture_spin();
	ck_assert_uint_eq(found.calls, 1);
	ck_assert_uint_eq(found.count, 1);
	ck_assert_ptr_null(found.why);
	ck_assert_str_eq(found.address, "192.0.2.7");
	ck_assert_uint_eq(cancelled.calls, 0);
}
END_TEST

START_TEST(a_name_can_be_given_up)
{
	struct found found = {0};
	fixture.host->resolve_cancel(
	    fixture.host->resolve(fixture.sink, "nowhere.invalid", 6379, on_found, &found));
	fixture_spin();
	ck_assert_uint_eq(found.calls, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("plugin/host");
	TCase *t = tcase_create("the host table");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, fixture_start, fixture_stop);
	tcase_add_test(t, the_table_is_whole);
	tcase_add_test(t, log_lines_name_the_instance);
	tcase_add_test(t, log_lines_show_no_secret);
	tcase_add_test(t, time_and_randomness_are_the_worker_s);
	tcase_add_test(t, randomness_got_ahead_is_forgotten);
	tcase_add_test(t, a_timer_fires_once_and_may_be_set_again);
	tcase_add_test(t, a_stopped_timer_does_not_fire);
	tcase_add_test(t, a_timer_may_be_freed_by_its_own_callback);
	tcase_add_test(t, counters_and_gauges);
	tcase_add_test(t, paths_are_served_once_on_a_listener_that_is_there);
	tcase_add_test(t, an_event_takes_over_what_its_request_has);
	tcase_add_test(t, an_answer_may_have_fields_of_its_own);
	if (fixture_can_abort())
		tcase_add_test_raise_signal(t, an_answer_must_say_its_size, SIGABRT);
	tcase_add_test(t, a_pool_needs_a_url);
	tcase_add_test(t, tls_files_that_are_missing_are_named);
	tcase_add_test(t, a_tls_stream_says_what_is_wrong);
	tcase_add_test(t, literal_addresses_are_found_later);
	tcase_add_test(t, a_name_can_be_given_up);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
