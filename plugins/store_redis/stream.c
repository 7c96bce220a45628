#include "store_redis/stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/alloc.h"

#define ADDRESSES_MAX 8

struct stream {
	struct stream_parts parts;
	const struct stream_place *place;
	struct ow_query *query; /* NULL: not looking up */
	struct sockaddr_storage addresses[ADDRESSES_MAX];
	socklen_t lengths[ADDRESSES_MAX];
	size_t address, address_count;
	int fd;
	struct bufferevent *events; /* NULL: no socket */
	bool connected;
};

static const struct ow_host *host_of(const struct stream *s)
{
	return s->parts.host;
}

static void end(struct stream *s, const char *why)
{
	s->parts.ended(s->parts.arg, why);
}

/* ---- opening ---- */

static void close_socket(struct stream *s)
{
	if (!s->events)
		return;
	bufferevent_disable(s->events, EV_READ | EV_WRITE);
	if (!s->parts.tls)
		bufferevent_setfd(s->events, -1);
	bufferevent_free(s->events);
	close(s->fd);
	s->events = NULL;
}

static int open_socket(const struct sockaddr *address, socklen_t len)
{
	int on = 1;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (address->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, address, len) == 0 || errno == EINPROGRESS)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void on_readable(struct bufferevent *events, void *arg);
static void on_event(struct bufferevent *events, short what, void *arg);

/* With TLS the handshake begins by itself, once the socket is connected. */
static void watch_socket(struct stream *s)
{
	if (s->parts.tls)
		s->events = host_of(s)->tls_stream(s->parts.tls, s->fd, s->place->host);
	else
		s->events = bufferevent_socket_new(host_of(s)->base(s->parts.self), s->fd, 0);
	alloc_checked(s->events);
	bufferevent_setcb(s->events, on_readable, NULL, on_event, s);
	if (!s->parts.tls) /* no address: it is under way */
		bufferevent_socket_connect(s->events, NULL, 0);
}

/* Tries the addresses from the present one on. */
static void connect_next(struct stream *s)
{
	int error = 0;
	for (; s->address < s->address_count; s->address++) {
		s->fd = open_socket(
		    (struct sockaddr *)&s->addresses[s->address], s->lengths[s->address]);
		if (s->fd >= 0)
			break;
		error = errno;
	}
	if (s->address == s->address_count)
		end(s, error ? strerror(error) : "no address to connect to");
	else
		watch_socket(s);
}

static void on_resolved(const struct ow_addresses *found, void *arg)
{
	struct stream *s = arg;
	s->query = NULL;
	if (found->why) {
		end(s, found->why);
		return;
	}
	for (size_t i = 0; i < found->count && i < ADDRESSES_MAX; i++) {
		size_t at = (s->place->turn + i) % found->count;
		if (found->lengths[at] > sizeof(s->addresses[0]))
			continue;
		memcpy(&s->addresses[s->address_count], found->at[at], found->lengths[at]);
		s->lengths[s->address_count++] = found->lengths[at];
	}
	connect_next(s);
}

static void use_path(struct stream *s)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&s->addresses[0];
	address->sun_family = AF_UNIX;
	/* That it fits was checked with the configuration. */
	snprintf(address->sun_path, sizeof(address->sun_path), "%s", s->place->path);
	s->lengths[0] = sizeof(*address);
	s->address_count = 1;
}

void stream_open(struct stream *s, const struct stream_place *place)
{
	s->place = place;
	s->address = s->address_count = 0;
	if (place->path) {
		use_path(s);
		connect_next(s);
		return;
	}
	s->query = host_of(s)->resolve(s->parts.self, place->host, place->port, on_resolved, s);
}

void stream_close(struct stream *s)
{
	host_of(s)->resolve_cancel(s->query);
	s->query = NULL;
	close_socket(s);
	s->connected = false;
}

/* ---- while it is open ---- */

/* What ended it; errno is as the event left it. *reached: it was there, but is not trusted. */
static const char *end_of(struct stream *s, short what, bool *reached)
{
	const char *problem = NULL;
	if (what & BEV_EVENT_EOF)
		return "closed the connection";
	if (s->parts.tls)
		problem = host_of(s)->tls_problem(s->parts.tls, s->events);
	*reached = problem != NULL;
	if (problem)
		return problem;
	int error = EVUTIL_SOCKET_ERROR();
	return error ? strerror(error) : "closed the connection";
}

static void on_event(struct bufferevent *events, short what, void *arg)
{
	struct stream *s = arg;
	bool reached = false;
	if (what & BEV_EVENT_CONNECTED) {
		s->connected = true;
		bufferevent_enable(events, EV_READ);
		s->parts.connected(s->parts.arg);
		return;
	}
	const char *why = end_of(s, what, &reached);
	if (!s->connected && !reached && s->address + 1 < s->address_count) {
		close_socket(s);
		s->address++;
		connect_next(s);
	} else {
		end(s, why);
	}
}

static void on_readable(struct bufferevent *events, void *arg)
{
	struct stream *s = arg;
	s->parts.readable(s->parts.arg, bufferevent_get_input(events));
}

/*
 * Straight into the socket, unless TLS is in between: what fits costs one
 * system call, and the loop need not be asked whether the socket is writable.
 * An error is left for the bufferevent to find.
 */
void stream_write(struct stream *s, const char *bytes, size_t len)
{
	size_t sent = 0;
	if (!s->parts.tls && evbuffer_get_length(bufferevent_get_output(s->events)) == 0) {
		ssize_t n = send(s->fd, bytes, len, MSG_NOSIGNAL);
		sent = n > 0 ? (size_t)n : 0;
	}
	if (sent < len)
		bufferevent_write(s->events, bytes + sent, len - sent);
}

bool stream_resolving(const struct stream *s)
{
	return s->query != NULL;
}

bool stream_connected(const struct stream *s)
{
	return s->connected;
}

/* ---- life ---- */

struct stream *stream_new(const struct stream_parts *parts)
{
	struct stream *s = alloc_zero(1, sizeof(*s));
	s->parts = *parts;
	return s;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	stream_close(s);
	free(s);
}
