#include "tests/unit/io/http_rig.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/http_body.h"

struct rig rig;

/* ---- the listener ---- */

static void answer_with(struct ow_http_request *request, struct ow_text body)
{
	http_request_answer(
	    request, &(struct http_answer){
			 .status = 200, .content_type = text_of("text/plain"), .body = body});
}

static void echo(struct ow_http_request *request, void *arg)
{
	struct ow_text body = http_request_body(request);
	struct ow_text query = http_request_head(request)->query;
	(void)arg;
	rig.handled++;
	answer_with(request, body.len ? body : query);
}

static void hold(struct ow_http_request *request, void *arg)
{
	(void)arg;
	rig.handled++;
	ck_assert_uint_lt(rig.held_count, RIG_HELD_MAX);
	rig.held[rig.held_count++] = request;
}

static void measure(struct ow_http_request *request, void *arg)
{
	struct buf b = BUF_INIT;
	(void)arg;
	rig.handled++;
	buf_printf(&b, "%zu", http_request_body(request).len);
	answer_with(request, buf_text(&b));
	buf_free(&b);
}

void rig_init(void)
{
	rig = (struct rig){.limits = {.max_body = 1 << 20,
			       .max_headers = 16384,
			       .header_timeout_ms = 10,
			       .body_timeout_ms = 20,
			       .idle_timeout_ms = 40,
			       .max_connections = 100,
			       .max_pipelined = 16}};
	clock_init_manual(&rig.clock, RIG_START_MS);
	struct event_config *config = event_config_new();
	event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	rig.base = event_base_new_with_config(config);
	event_config_free(config);
}

void rig_start(void)
{
	char why[HTTP_LISTEN_WHY_SIZE];
	unsigned methods = OW_HTTP_POST | OW_HTTP_PUT | OW_HTTP_GET | OW_HTTP_HEAD;
	int fd = http_listen_socket("127.0.0.1:0", false, why);
	ck_assert_msg(fd >= 0, "%s", why);
	rig.port = http_socket_port(fd);
	rig.server = http_server_new(rig.base, &rig.clock, fd, &rig.limits);
	ck_assert(http_server_serve(rig.server, "/echo", methods, echo, NULL));
	ck_assert(http_server_serve(rig.server, "/hold", methods, hold, NULL));
	ck_assert(http_server_serve(rig.server, "/post", OW_HTTP_POST, measure, NULL));
	http_server_accept(rig.server);
}

void rig_fini(void)
{
	http_server_free(rig.server);
	rig.server = NULL;
	for (size_t i = 0; i < rig.held_count; i++)
		if (rig.held[i])
			rig_answer(i, "too late");
	event_base_free(rig.base);
	rig.base = NULL;
}

void rig_answer(size_t held, const char *body)
{
	struct ow_http_request *request = rig.held[held];
	ck_assert_ptr_nonnull(request);
	rig.held[held] = NULL;
	answer_with(request, text_of(body));
}

/* Waiting is short, and for nothing: it only leaves the processor to others. */
static void turn(void)
{
	event_base_loop(rig.base, EVLOOP_NONBLOCK);
	poll(NULL, 0, 1);
}

void rig_until_handled(size_t count)
{
	while (rig.handled < count)
		turn();
	ck_assert_uint_eq(rig.handled, count);
}

void rig_quiet(void)
{
	for (int i = 0; i < 20; i++)
		turn();
}

void rig_until_connections(int64_t count)
{
	while (atomic_load(&http_server_stats(rig.server)->connections) != count)
		turn();
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

void rig_advance(int64_t ms)
{
	bool fired = false;
	/* Longer than any limit of the rig: its timers have fired before. */
	struct timeval tv = {.tv_usec = 60 * 1000};
	clock_advance(&rig.clock, ms);
	event_base_once(rig.base, -1, EV_TIMEOUT, on_timer, &fired, &tv);
	while (!fired)
		event_base_loop(rig.base, EVLOOP_ONCE);
	turn();
}

/* ---- clients ---- */

struct client client_new(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)rig.port),
	    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	struct client c = {.fd = socket(AF_INET, SOCK_STREAM, 0), .in = BUF_INIT};
	int on = 1;
	ck_assert_int_eq(connect(c.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	/* What a test has sent is there, not waiting for company. */
	setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return c;
}

void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_free(&c->in);
}

void client_send_bytes(struct client *c, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN) {
			c->reset = true;
			return;
		}
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
	}
}

void client_send(struct client *c, const char *text)
{
	client_send_bytes(c, text, strlen(text));
}

void client_receive(struct client *c)
{
	char bytes[65536];
	ssize_t n;
	while ((n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		buf_add(&c->in, bytes, (size_t)n);
	if (n == 0)
		c->ended = true;
	else if (errno != EAGAIN)
		c->reset = c->ended = true;
}

static void drop(struct client *c, size_t len)
{
	memmove(c->in.data, c->in.data + len, c->in.len - len);
	c->in.len -= len;
	c->in.data[c->in.len] = '\0';
}

static void receive_head(struct client *c, const char *method, struct answer *a)
{
	const char *problem;
	int64_t len;
	while ((len = http_head_end(buf_text(&c->in).data, c->in.len, 0)) == 0) {
		ck_assert_msg(!c->ended, "closed after \"%s\"", buf_text(&c->in).data);
		turn();
		client_receive(c);
	}
	ck_assert_int_gt(len, 0);
	a->block = mem_copy(c->in.data, (size_t)len);
	ck_assert_msg(http_parse_response(
			  text_span(a->block, (size_t)len), method, &a->head, &problem) == 0,
	    "%s", problem);
	drop(c, (size_t)len);
}

struct answer client_answer(struct client *c, const char *method)
{
	struct answer a = {.body = BUF_INIT};
	struct http_body body;
	enum http_body_result result;
	size_t used;
	receive_head(c, method, &a);
	http_body_init(&body, a.head.body, a.head.content_length, INT64_MAX);
	while ((result = http_body_feed(&body, buf_text(&c->in).data, c->in.len, &used)) ==
	       HTTP_BODY_MORE) {
		ck_assert_msg(!c->ended, "closed inside the body");
		drop(c, used);
		turn();
		client_receive(c);
	}
	ck_assert_int_eq(result, HTTP_BODY_COMPLETE);
	if (used)
		drop(c, used);
	a.body = body.bytes;
	return a;
}

void answer_fini(struct answer *a)
{
	http_head_fini(&a->head);
	free(a->block);
	buf_free(&a->body);
}

static void expect(struct client *c, int status, const char *body, bool keep_alive)
{
	struct answer a = client_answer(c, "GET");
	ck_assert_msg(a.head.status == status, "%d, not %d: %s", a.head.status, status,
	    buf_text(&a.body).data);
	if (body)
		ck_assert_str_eq(buf_text(&a.body).data, body);
	ck_assert_int_eq(a.head.keep_alive, keep_alive);
	answer_fini(&a);
}

void client_expect(struct client *c, int status, const char *body)
{
	expect(c, status, body, true);
}

void client_expect_last(struct client *c, int status, const char *body)
{
	expect(c, status, body, false);
	client_expect_end(c);
}

void client_expect_end(struct client *c)
{
	while (!c->ended) {
		turn();
		client_receive(c);
	}
	ck_assert_msg(!c->reset, "reset");
	ck_assert_str_eq(buf_text(&c->in).data, "");
}

void client_expect_nothing(struct client *c)
{
	rig_quiet();
	client_receive(c);
	ck_assert_msg(!c->ended, "closed");
	ck_assert_str_eq(buf_text(&c->in).data, "");
}
