#include "io/http_wire.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/http_incoming.h"
#include "io/http_proxy.h"
#include "io/tls_client.h"
#include "io/tls_stream.h"

/* Requests up to this size go into one TLS record with their head. */
#define ONE_RECORD ((size_t)16000)

/* While a proxy is asked for a way to the peer. */
struct http_tunnel {
	struct event_base *base;
	struct ow_tls *tls; /* to be spoken inside */
	const char *host;
	const char *connect;
	struct http_incoming answer;
};

static void tunnel_answered(struct http_wire *wire, struct evbuffer *input);

static void on_readable(struct bufferevent *stream, void *arg)
{
	struct http_wire *wire = arg;
	if (wire->tunnel) {
		tunnel_answered(wire, bufferevent_get_input(stream));
		return;
	}
	if (wire->tls)
		tls_stream_of(stream)->served = true;
	wire->events->readable(wire, bufferevent_get_input(stream));
}

const char *http_wire_why(const struct http_wire_end *end)
{
	if (end->why)
		return end->why;
	return end->error ? strerror(end->error) : "closed by the peer";
}

static struct http_wire_end end_of(struct http_wire *wire, short what)
{
	struct http_wire_end end = {.error = what & BEV_EVENT_EOF ? 0 : EVUTIL_SOCKET_ERROR()};
	if (wire->tunnel && (what & BEV_EVENT_EOF))
		end.why = "the proxy closed the connection before it answered";
	if (!wire->tls || (what & BEV_EVENT_EOF))
		return end;
	const struct tls_stream *t = tls_stream_of(wire->stream);
	end.why = tls_client_problem(wire->tls, wire->stream);
	end.error = t->error;
	end.cut = tls_stream_cut(wire->stream);
	end.refused = tls_client_refused_late(wire->stream);
	if (end.cut && t->open)
		end.why = NULL; /* as many servers close */
	return end;
}

/*
 * A failed write does not end the connection: a server that refuses a large
 * body answers, closes, and leaves the rest unread. Its answer is read first;
 * the end of the stream follows by itself.
 */
static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct http_wire *wire = arg;
	struct http_wire_end end = {.error = 0};
	if (!(what & BEV_EVENT_CONNECTED))
		end = end_of(wire, what);
	if ((what & BEV_EVENT_CONNECTED) && wire->tunnel) {
		bufferevent_enable(stream, EV_READ);
		bufferevent_write(stream, wire->tunnel->connect, strlen(wire->tunnel->connect));
	} else if (what & BEV_EVENT_CONNECTED) {
		wire->established = true;
		if (wire->tls)
			tls_stream_opened(stream);
		bufferevent_enable(stream, EV_READ);
		wire->events->connected(wire);
	} else if (!wire->established) {
		wire->events->refused(wire, &end);
	} else if ((what & BEV_EVENT_WRITING) && end.error) {
		wire->write_error = end.error;
		if (wire->tls) /* libevent has stopped reading too */
			bufferevent_enable(stream, EV_READ);
	} else {
		wire->events->lost(wire, &end);
	}
}

/*
 * The one place that knows what a connection is made of. Either tells by
 * itself when the socket is connected; TLS, after its handshake too.
 */
static bool make_stream(struct http_wire *wire, struct event_base *base, const char *host)
{
	if (wire->tls)
		wire->stream = tls_client_stream(wire->tls, wire->fd, host);
	else
		wire->stream = bufferevent_socket_new(base, wire->fd, 0);
	if (wire->stream)
		bufferevent_setcb(wire->stream, on_readable, NULL, on_event, wire);
	return wire->stream != NULL;
}

static int open_socket(const struct address *peer)
{
	int on = 1;
	int fd = socket(peer->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, &peer->any, peer->len) == 0 || errno == EINPROGRESS)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static struct http_tunnel *tunnel_new(
    struct event_base *base, const struct http_wire_target *target)
{
	struct http_tunnel *tunnel = mem_zero(sizeof(*tunnel));
	*tunnel = (struct http_tunnel){
	    .base = base, .tls = target->tls, .host = target->host, .connect = target->connect};
	/* As for HEAD: there is a head, and behind it is nothing that is an answer's. */
	http_incoming_init(&tunnel->answer, "HEAD", 0);
	return tunnel;
}

static void tunnel_free(struct http_tunnel *tunnel)
{
	if (!tunnel)
		return;
	http_incoming_fini(&tunnel->answer);
	free(tunnel);
}

int http_wire_open(struct http_wire *wire, struct event_base *base,
    const struct http_wire_target *target, const struct http_wire_events *events)
{
	int fd = open_socket(target->peer);
	*wire = (struct http_wire){.events = events, .fd = fd, .peer = *target->peer};
	if (fd < 0)
		return errno;
	if (target->connect)
		wire->tunnel = tunnel_new(base, target);
	else
		wire->tls = target->tls;
	if (!make_stream(wire, base, target->host)) {
		tunnel_free(wire->tunnel);
		wire->tunnel = NULL;
		close(fd);
		return ENOMEM;
	}
	if (!wire->tls)
		bufferevent_socket_connect(
		    wire->stream, NULL, 0); /* no address: it is under way */
	return 0;
}

/*
 * The socket is closed here and not by libevent, which keeps a bufferevent
 * until its running callback returns: a pool that opens another one in that
 * callback would for a moment have more sockets than it may.
 */
void http_wire_close(struct http_wire *wire)
{
	if (!wire->stream)
		return;
	bufferevent_disable(wire->stream, EV_READ | EV_WRITE);
	if (wire->tls)
		tls_stream_shutdown(wire->stream);
	else
		bufferevent_setfd(wire->stream, -1);
	bufferevent_free(wire->stream);
	tunnel_free(wire->tunnel);
	close(wire->fd);
	wire->stream = NULL;
	wire->tunnel = NULL;
	wire->fd = -1;
	wire->established = false;
}

/* ---- a tunnel ---- */

static void tunnel_refused(struct http_wire *wire, const char *why)
{
	const struct http_wire_end end = {.why = why};
	wire->events->refused(wire, &end);
}

/* From here on the proxy only passes bytes on; the handshake is with the peer. */
static void tunnel_made(struct http_wire *wire)
{
	struct http_tunnel *tunnel = wire->tunnel;
	struct bufferevent *plain = wire->stream;
	bufferevent_disable(plain, EV_READ | EV_WRITE);
	bufferevent_setfd(plain, -1);
	wire->tls = tunnel->tls;
	if (!make_stream(wire, tunnel->base, tunnel->host)) {
		wire->tls = NULL;
		wire->stream = plain;
		tunnel_refused(wire, "TLS cannot begin: out of memory");
		return;
	}
	wire->tunnel = NULL;
	bufferevent_free(plain);
	tunnel_free(tunnel);
}

static void tunnel_answered(struct http_wire *wire, struct evbuffer *input)
{
	struct http_incoming *answer = &wire->tunnel->answer;
	enum http_incoming_result result = http_incoming_feed(answer, input);
	struct buf why = BUF_INIT;
	if (result == HTTP_INCOMING_MORE)
		return;
	int status = answer->head.status;
	if (result == HTTP_INCOMING_BAD)
		buf_printf(&why, "the proxy's answer is none: %s", answer->problem);
	else if (status < 200 || status > 299)
		http_proxy_refusal(status, &why);
	else if (evbuffer_get_length(input) > 0)
		buf_add_string(&why, "the proxy sends what nobody has asked for");
	if (why.len)
		tunnel_refused(wire, why.data);
	else
		tunnel_made(wire);
	buf_free(&why);
}

/*
 * Most requests fit into the socket's buffer: written at once, they cost one
 * system call, without waiting for the loop to say that the socket is
 * writable. An error is left for the bufferevent to find again.
 */
static void send_plain(struct http_wire *wire, struct ow_text head, struct ow_text body)
{
	struct iovec parts[2] = {
	    {.iov_base = (void *)(uintptr_t)head.data, .iov_len = head.len},
	    {.iov_base = (void *)(uintptr_t)body.data, .iov_len = body.len},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = body.len ? 2 : 1};
	ssize_t n = sendmsg(wire->fd, &message, MSG_NOSIGNAL);
	size_t sent = n > 0 ? (size_t)n : 0;
	if (sent == head.len + body.len)
		return;

	struct evbuffer *output = bufferevent_get_output(wire->stream);
	size_t in_body = sent > head.len ? sent - head.len : 0;
	if (sent < head.len)
		evbuffer_add(output, head.data + sent, head.len - sent);
	if (in_body < body.len)
		evbuffer_add_reference(
		    output, body.data + in_body, body.len - in_body, NULL, NULL);
}

/* One piece in the buffer becomes one record, and one packet, if it can be. */
static void send_tls(struct http_wire *wire, struct ow_text head, struct ow_text body)
{
	struct evbuffer *output = bufferevent_get_output(wire->stream);
	bool together = head.len + body.len <= ONE_RECORD;
	evbuffer_expand(output, together ? head.len + body.len : head.len);
	evbuffer_add(output, head.data, head.len);
	if (together)
		evbuffer_add(output, body.data, body.len);
	else
		evbuffer_add_reference(output, body.data, body.len, NULL, NULL);
}

void http_wire_send(struct http_wire *wire, struct ow_text head, struct ow_text body)
{
	if (wire->tls)
		send_tls(wire, head, body);
	else
		send_plain(wire, head, body);
}

bool http_wire_sent(const struct http_wire *wire)
{
	return evbuffer_get_length(bufferevent_get_output(wire->stream)) == 0;
}

bool http_wire_has_input(const struct http_wire *wire)
{
	return evbuffer_get_length(bufferevent_get_input(wire->stream)) > 0;
}
