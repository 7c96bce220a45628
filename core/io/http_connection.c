#include "io/http_connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/http_receive.h"
#include "io/tls_store.h"
#include "io/tls_stream.h"

/* Answers given to the socket with one call. */
#define GATHER 16

/* Unsent bytes beyond which a peer gets no further requests served. */
#define UNSENT_MAX ((size_t)256 * 1024)

/* Answers up to this size go into one TLS record together. */
#define ONE_RECORD ((size_t)16000)

/* How much a peer may still send after its last answer. */
#define LINGER_BYTES ((size_t)4 * 1024 * 1024)

struct evbuffer *http_connection_input(const struct http_connection *c)
{
	return bufferevent_get_input(c->stream);
}

static size_t unsent(const struct http_connection *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->stream));
}

/*
 * Bytes the peer's system has confirmed. Not those the socket took: it says
 * that it takes more only when a good part of its megabytes is free again, so
 * a slow reader would look like none.
 */
static uint64_t delivered(const struct http_connection *c)
{
	int queued = 0;
	ioctl(c->fd, SIOCOUTQ, &queued);
	if (c->tls)
		return tls_stream_written(c->stream) - (uint64_t)queued;
	return c->given - unsent(c) - (uint64_t)queued;
}

static size_t unread(const struct http_connection *c)
{
	return evbuffer_get_length(http_connection_input(c));
}

bool http_connection_may_take(const struct http_connection *c)
{
	return (int64_t)c->queued < c->server->limits.max_pipelined && unsent(c) <= UNSENT_MAX;
}

/* ---- its end ---- */

void http_connection_unref(struct http_connection *c)
{
	if (--c->refs == 0)
		free(c);
}

void http_connection_stop(struct http_connection *c)
{
	http_request_free(c->current);
	c->current = NULL;
	http_body_fini(&c->body);
	c->owes_continue = false;
	evbuffer_drain(http_connection_input(c), unread(c));
	c->state = CONNECTION_LAST;
}

/* libevent frees the rest when its callback has returned; the socket is ours. */
static void close_tls(struct http_connection *c)
{
	if (unsent(c) == 0)
		tls_stream_shutdown(c->stream);
	bufferevent_disable(c->stream, EV_READ | EV_WRITE);
	bufferevent_free(c->stream);
	close(c->fd);
}

void http_connection_close(struct http_connection *c)
{
	if (c->state == CONNECTION_CLOSED)
		return;
	http_connection_stop(c);
	c->state = CONNECTION_CLOSED;
	wait_end(&c->read_wait);
	wait_end(&c->write_wait);
	list_remove(&c->link);
	list_remove(&c->resume_link);
	list_each(&c->requests, it)
	{
		struct ow_http_request *r = list_entry(it, struct ow_http_request, link);
		list_remove(it);
		if (r->answered)
			http_request_free(r);
	}
	atomic_fetch_sub(&c->server->stats.connections, 1);
	atomic_fetch_sub(c->server->open, 1);
	if (c->tls)
		close_tls(c);
	else
		bufferevent_free(c->stream);
	c->stream = NULL;
	c->server = NULL;
	http_connection_unref(c);
}

/* ---- sending ---- */

/* One piece in the buffer becomes one record, and one packet, if it can be. */
static void transmit_tls(struct http_connection *c, const struct iovec *pieces, size_t count)
{
	struct evbuffer *output = bufferevent_get_output(c->stream);
	size_t total = 0;
	for (size_t i = 0; i < count; i++)
		total += pieces[i].iov_len;
	if (total <= ONE_RECORD)
		evbuffer_expand(output, total);
	for (size_t i = 0; i < count; i++)
		evbuffer_add(output, pieces[i].iov_base, pieces[i].iov_len);
}

/*
 * Gives bytes to the socket at once if none stand before them: going through
 * the event loop for every answer would cost two more system calls each. What
 * the socket does not take is left to the stream.
 */
static void transmit(struct http_connection *c, struct iovec *pieces, size_t count)
{
	size_t sent = 0;
	if (c->tls) {
		transmit_tls(c, pieces, count);
		return;
	}
	if (unsent(c) == 0) {
		struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
		ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			http_connection_close(c);
			return;
		}
		sent = n > 0 ? (size_t)n : 0;
	}
	for (size_t i = 0; i < count; i++) {
		size_t len = pieces[i].iov_len, done = sent < len ? sent : len;
		c->given += len;
		sent -= done;
		if (done < len)
			bufferevent_write(
			    c->stream, (char *)pieces[i].iov_base + done, len - done);
	}
}

/* Answers at the front of the queue, as many as go with one call. */
static size_t gather(const struct http_connection *c, struct iovec pieces[GATHER], bool *last)
{
	size_t count = 0;
	*last = false;
	list_each(&c->requests, it)
	{
		struct ow_http_request *r = list_entry(it, struct ow_http_request, link);
		if (!r->answered || count == GATHER || *last)
			break;
		pieces[count++] =
		    (struct iovec){.iov_base = r->answer.data, .iov_len = r->answer.len};
		*last = r->close;
	}
	return count;
}

/* It may close the connection. */
static void send_answers(struct http_connection *c)
{
	struct iovec pieces[GATHER];
	size_t count;
	bool last;
	while (c->state <= CONNECTION_LAST && (count = gather(c, pieces, &last)) > 0) {
		transmit(c, pieces, count);
		if (c->state == CONNECTION_CLOSED)
			return;
		while (count-- > 0)
			http_request_free(
			    list_entry(c->requests.next, struct ow_http_request, link));
		if (last)
			c->state = CONNECTION_ENDING;
	}
}

static void send_continue(struct http_connection *c)
{
	static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec piece = {.iov_base = text, .iov_len = sizeof(text) - 1};
	c->owes_continue = false;
	transmit(c, &piece, 1);
}

/* ---- what follows from the state ---- */

/* A handshake that has begun is as good as a request. */
static bool idle(const struct http_connection *c)
{
	return c->state == CONNECTION_HEAD && c->queued == 0 && unread(c) == 0 &&
	       unsent(c) == 0 && !(c->handshaking && tls_stream_of(c->stream)->received);
}

/* A request may be there that nobody has read yet: then it is none too late. */
static bool has_arrived(const struct http_connection *c)
{
	int bytes = 0;
	return ioctl(c->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/*
 * Ends the connection as far as it has come. Closing a socket while bytes of
 * the peer are unread makes the kernel reset the connection, and the reset can
 * overtake our answer. So we only say that no more comes, and read until the
 * peer closes too, within bounds.
 */
static void conclude(struct http_connection *c)
{
	if (c->state == CONNECTION_LAST && c->queued == 0)
		c->state = CONNECTION_ENDING;
	if (c->state == CONNECTION_ENDING && unsent(c) == 0) {
		if (c->tls)
			tls_stream_shutdown(c->stream);
		shutdown(c->fd, SHUT_WR);
		c->state = CONNECTION_LINGER;
	}
	if ((c->state == CONNECTION_LINGER && (c->ended || c->lingered > LINGER_BYTES)) ||
	    (c->server->draining && idle(c) && !has_arrived(c)))
		http_connection_close(c);
}

/* Goes on with a connection that was held back; not from here, which may be deep in a handler.
 */
static void unblock(struct http_connection *c)
{
	if (!c->blocked || !http_connection_may_take(c))
		return;
	c->blocked = false;
	list_remove(&c->resume_link);
	list_append(&c->server->resumed, &c->resume_link);
	event_active(c->server->resume, EV_TIMEOUT, 0);
}

static void set_reading(struct http_connection *c)
{
	bool wanted = !c->ended && (c->state == CONNECTION_LINGER ||
				       (c->state <= CONNECTION_SKIP && !c->blocked));
	if (wanted == c->reading)
		return;
	c->reading = wanted;
	if (wanted)
		bufferevent_enable(c->stream, EV_READ);
	else
		bufferevent_disable(c->stream, EV_READ);
}

/* What the peer is waited for; WAITS: it is our turn. */
static int awaited(const struct http_connection *c)
{
	if (c->handshaking)
		return WAIT_HEAD;
	switch (c->state) {
	case CONNECTION_HEAD:
		if (c->blocked)
			return WAITS;
		if (unread(c) > 0)
			return WAIT_HEAD;
		return idle(c) ? WAIT_IDLE : WAITS;
	case CONNECTION_BODY:
	case CONNECTION_SKIP:
		return c->owes_continue ? WAITS : WAIT_BODY;
	case CONNECTION_LINGER:
		return WAIT_LINGER;
	default:
		return WAITS;
	}
}

static void set_waits(struct http_connection *c)
{
	struct wait_queue *stall = &c->server->waits[WAIT_STALL];
	int kind = awaited(c);
	if (kind == WAITS)
		wait_end(&c->read_wait);
	else if (c->advanced || c->read_wait.queue != &c->server->waits[kind])
		wait_begin(&c->read_wait, &c->server->waits[kind]);
	c->advanced = false;
	if (unsent(c) == 0) {
		wait_end(&c->write_wait);
	} else if (!c->write_wait.queue) {
		c->delivered_mark = delivered(c);
		wait_begin(&c->write_wait, stall);
	}
}

void http_connection_settle(struct http_connection *c)
{
	c->refs++;
	send_answers(c);
	if (c->owes_continue && c->queued == 0)
		send_continue(c);
	if (c->state != CONNECTION_CLOSED)
		conclude(c);
	if (c->state != CONNECTION_CLOSED) {
		unblock(c);
		set_reading(c);
		set_waits(c);
	}
	http_connection_unref(c);
}

void http_connection_work(struct http_connection *c)
{
	c->refs++;
	c->working = true;
	while (http_receive(c))
		;
	c->working = false;
	http_connection_settle(c);
	http_connection_unref(c);
}

/* ---- what the stream tells ---- */

static void on_read(struct bufferevent *stream, void *arg)
{
	(void)stream;
	http_connection_work(arg);
}

/* Everything was sent. */
static void on_write(struct bufferevent *stream, void *arg)
{
	(void)stream;
	http_connection_settle(arg);
}

/* ---- TLS ---- */

static void handshake_done(struct http_connection *c)
{
	struct http_server_stats *stats = &c->server->stats;
	bool resumed = tls_server_resumed(c->stream);
	c->handshaking = false;
	tls_stream_opened(c->stream);
	http_count(resumed ? &stats->tls_resumed : &stats->tls_new);
	if (log_enabled(OW_LOG_DEBUG)) {
		struct buf text = BUF_INIT;
		tls_server_describe(c->stream, &text);
		log_debug(c->server->name, "%s: %s", c->peer, text.data);
		buf_free(&text);
	}
	http_connection_settle(c);
}

/*
 * What we said about it (an alert) must not be overtaken by a reset: what the
 * peer has sent behind its handshake is read first.
 */
static void handshake_failed(struct http_connection *c, enum tls_reason reason, const char *why)
{
	char scrap[4096];
	http_count(&c->server->stats.tls_failures[reason]);
	/* Whoever only looks whether the port is open is no news. */
	log_write(tls_stream_of(c->stream)->received ? OW_LOG_WARNING : OW_LOG_DEBUG,
	    c->server->name, NULL, "%s: no TLS handshake: %s", c->peer, why);
	shutdown(c->fd, SHUT_WR);
	for (int i = 0; i < 4 && recv(c->fd, scrap, sizeof(scrap), MSG_DONTWAIT) > 0; i++)
		;
	http_connection_close(c);
}

/* True: it is dealt with. */
static bool handshake_event(struct http_connection *c, short what)
{
	struct buf why = BUF_INIT;
	if (what & BEV_EVENT_CONNECTED) {
		handshake_done(c);
		return true;
	}
	tls_stream_failed(c->stream);
	if (!c->handshaking)
		return false;
	enum tls_reason reason = tls_server_problem(c->stream, &why);
	handshake_failed(c, reason, why.data);
	buf_free(&why);
	return true;
}

/*
 * libevent has stopped both directions of what ended in one. Requests tell
 * where they end: whether the peer said farewell does not matter.
 */
static short after_handshake(struct http_connection *c, short what)
{
	if (!(what & BEV_EVENT_EOF) && !tls_stream_cut(c->stream))
		return what;
	if (unsent(c) > 0)
		bufferevent_enable(c->stream, EV_WRITE);
	return BEV_EVENT_EOF | BEV_EVENT_READING;
}

/*
 * A peer that sends no more may still be waiting for its answers: whether it
 * only shut its sending side or is gone altogether shows when they are sent.
 */
static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct http_connection *c = arg;
	(void)stream;
	if (c->tls && handshake_event(c, what))
		return;
	if (c->tls)
		what = after_handshake(c, what);
	if (!(what & BEV_EVENT_EOF) || (what & BEV_EVENT_WRITING)) {
		http_connection_close(c);
		return;
	}
	c->ended = true;
	if (c->state <= CONNECTION_SKIP)
		http_connection_stop(c);
	http_connection_settle(c);
}

static struct bufferevent *make_stream(struct http_server *server, int fd)
{
	struct bufferevent *stream =
	    server->tls ? tls_server_accept(server->tls, server->base, fd)
			: bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!stream) {
		log_error("listener", "out of memory");
		abort();
	}
	return stream;
}

void http_connection_new(struct http_server *server, int fd, const struct address *peer)
{
	struct http_connection *c = mem_zero(sizeof(*c));
	c->tls = c->handshaking = server->tls != NULL;
	c->server = server;
	c->fd = fd;
	c->refs = 1;
	list_init(&c->link);
	list_init(&c->resume_link);
	list_init(&c->requests);
	wait_init(&c->read_wait);
	wait_init(&c->write_wait);
	address_print(peer, c->peer);
	c->stream = make_stream(server, fd);
	bufferevent_setcb(c->stream, on_read, on_write, on_event, c);
	list_append(&server->connections, &c->link);
	atomic_fetch_add(&server->stats.connections, 1);
	http_connection_settle(c);
}

/* ---- time limits ---- */

static struct http_connection *of_read_wait(struct wait *wait)
{
	return list_entry(wait, struct http_connection, read_wait);
}

static void close_silently(struct wait *wait)
{
	http_connection_close(of_read_wait(wait));
}

static void refuse_slow(struct wait *wait)
{
	struct http_connection *c = of_read_wait(wait);
	http_count(&c->server->stats.timeouts);
	if (c->handshaking) {
		handshake_failed(c, TLS_TIMEOUT, "it is not complete within header_timeout");
		return;
	}
	if (c->state != CONNECTION_SKIP) {
		http_refuse(c, 408, "request not complete in time");
		return;
	}
	/* It has its answer already. */
	http_connection_stop(c);
	http_connection_settle(c);
}

static void stalled(struct wait *wait)
{
	struct http_connection *c = list_entry(wait, struct http_connection, write_wait);
	uint64_t now = delivered(c);
	if (now == c->delivered_mark) {
		http_count(&c->server->stats.timeouts);
		http_connection_close(c);
		return;
	}
	c->delivered_mark = now;
	wait_begin(wait, &c->server->waits[WAIT_STALL]);
}

/* Long enough for a client across the world to read what it was told and close. */
#define LINGER_MS 3000

void http_connection_waits(const struct http_limits *limits, struct wait_queue waits[WAITS])
{
	waits[WAIT_IDLE].limit_ms = limits->idle_timeout_ms;
	waits[WAIT_IDLE].expired = close_silently;
	waits[WAIT_HEAD].limit_ms = limits->header_timeout_ms;
	waits[WAIT_HEAD].expired = refuse_slow;
	waits[WAIT_BODY].limit_ms = limits->body_timeout_ms;
	waits[WAIT_BODY].expired = refuse_slow;
	waits[WAIT_STALL].limit_ms = limits->idle_timeout_ms;
	waits[WAIT_STALL].expired = stalled;
	waits[WAIT_LINGER].limit_ms =
	    limits->idle_timeout_ms < LINGER_MS ? limits->idle_timeout_ms : LINGER_MS;
	waits[WAIT_LINGER].expired = close_silently;
}
