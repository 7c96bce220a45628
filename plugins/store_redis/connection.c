#include "store_redis/connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "store_redis/greeting.h"

#define ADDRESSES_MAX 8
#define WHY_SIZE      (FAULT_TEXT_SIZE + 440)

/* A reply beyond this is none that we asked for. */
#define REPLY_MAX ((size_t)64 << 20)

enum state {
	STATE_WAITING = 1, /* for the next try */
	STATE_RESOLVING,
	STATE_CONNECTING,
	STATE_GREETING,
	STATE_READY,
};

struct connection {
	struct connection_parts parts;
	enum state state;
	struct ow_timer *timer;
	bool idle;	/* the timer waits for the health check and not for an answer */
	bool patient;	/* not ready, but requests are held for the try that is under way */
	bool proven;	/* it answered a request since it was opened */
	bool opened;	/* at least once */
	unsigned tries; /* since it last proved itself */

	/* finding it */
	struct ow_query *query;
	struct sockaddr_storage addresses[ADDRESSES_MAX];
	socklen_t lengths[ADDRESSES_MAX];
	size_t address, address_count;

	/* talking to it */
	int fd;
	struct bufferevent *stream;
	struct event *flush;
	bool flushing;
	struct command out;  /* not written yet; held while it is not ready */
	redisReader *reader; /* of this stream */
	size_t unread;	     /* bytes fed since the last whole reply */
	struct redisReply *replies[REQUEST_REPLIES_MAX];
	unsigned reply_count;
	struct request greeting, health;

	struct request *first, **last; /* without answer, in the order sent */
	size_t pending;
	bool distrusted; /* given up as soon as the callback has returned, for this reason: */
	char distrust[FAULT_TEXT_SIZE];
	char why[WHY_SIZE];
};

static void begin(struct connection *c);
static void lose(struct connection *c, const char *why);

static const struct ow_host *host_of(const struct connection *c)
{
	return c->parts.host;
}

static int64_t now_of(const struct connection *c)
{
	return host_of(c)->mono_ms(c->parts.self);
}

/* ---- the queue ---- */

static void append(struct connection *c, struct request *request)
{
	request->next = NULL;
	request->written = false;
	request->sent_ms = now_of(c);
	*c->last = request;
	c->last = &request->next;
	c->pending++;
}

static struct request *take_first(struct connection *c)
{
	struct request *request = c->first;
	c->first = request->next;
	if (!c->first)
		c->last = &c->first;
	c->pending--;
	return request;
}

static void free_replies(struct connection *c)
{
	while (c->reply_count > 0)
		freeReplyObject(c->replies[--c->reply_count]);
}

/* ---- opening ---- */

static void close_stream(struct connection *c)
{
	host_of(c)->resolve_cancel(c->query);
	c->query = NULL;
	if (c->stream) {
		bufferevent_disable(c->stream, EV_READ | EV_WRITE);
		if (!c->parts.tls)
			bufferevent_setfd(c->stream, -1);
		bufferevent_free(c->stream);
		close(c->fd);
		c->stream = NULL;
	}
	event_del(c->flush);
	c->flushing = false;
	free_replies(c);
	if (c->reader)
		redisReaderFree(c->reader);
	c->reader = NULL;
	c->unread = 0;
}

/* From half of it to all of it, so that many processes do not come back together. */
static int64_t jittered(const struct connection *c, int64_t ms)
{
	uint32_t dice;
	host_of(c)->random(c->parts.self, &dice, sizeof(dice));
	return ms / 2 + (int64_t)((uint64_t)ms * dice >> 33) + 1;
}

static int64_t backoff(const struct connection *c)
{
	const struct connection_limits *limits = &c->parts.limits;
	int64_t ms = limits->base_ms;
	for (unsigned i = 1; i < c->tries && ms < limits->max_ms; i++)
		ms *= 2;
	return jittered(c, ms < limits->max_ms ? ms : limits->max_ms);
}

static void finish_all(struct request *request, const char *why)
{
	while (request) {
		struct request *next = request->next;
		request->done(request, NULL, why);
		request = next;
	}
}

/*
 * The connection is gone. If it had served, the next try begins now, and
 * requests wait for it: servers and what stands between close idle ones.
 */
static void lose(struct connection *c, const char *why)
{
	char text[WHY_SIZE];
	bool at_once = c->state == STATE_READY && c->proven && !c->distrusted;
	struct request *pending = c->first;
	snprintf(text, sizeof(text), "%s: %s", c->parts.url->name, why);
	if (c->state == STATE_READY)
		host_of(c)->count(c->parts.losses, 1);
	/* Told once for each reason, not for each try. */
	host_of(c)->log(c->parts.self,
	    strcmp(text, c->why) == 0 ? OW_LOG_DEBUG : OW_LOG_WARNING, "%s", text);
	memcpy(c->why, text, sizeof(text));
	close_stream(c);
	c->first = NULL;
	c->last = &c->first;
	c->pending = 0;
	command_clear(&c->out);
	c->distrusted = false;
	c->proven = false;
	c->patient = at_once;
	c->state = STATE_WAITING;
	if (at_once) {
		begin(c);
	} else {
		c->tries++;
		host_of(c)->timer_set(c->timer, backoff(c));
	}
	finish_all(pending, text);
	c->parts.lost(c->parts.arg);
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

static void on_readable(struct bufferevent *stream, void *arg);
static void on_event(struct bufferevent *stream, short what, void *arg);

/* With TLS the handshake begins by itself, once the socket is connected. */
static void make_stream(struct connection *c)
{
	if (c->parts.tls)
		c->stream = host_of(c)->tls_stream(c->parts.tls, c->fd, c->parts.url->host);
	else
		c->stream = bufferevent_socket_new(host_of(c)->base(c->parts.self), c->fd, 0);
	alloc_checked(c->stream);
	bufferevent_setcb(c->stream, on_readable, NULL, on_event, c);
	if (!c->parts.tls) /* no address: it is under way */
		bufferevent_socket_connect(c->stream, NULL, 0);
}

/* Tries the addresses from the present one on. */
static void connect_next(struct connection *c)
{
	int error = 0;
	for (; c->address < c->address_count; c->address++) {
		c->fd = open_socket(
		    (struct sockaddr *)&c->addresses[c->address], c->lengths[c->address]);
		if (c->fd >= 0)
			break;
		error = errno;
	}
	if (c->address == c->address_count) {
		lose(c, error ? strerror(error) : "no address to connect to");
		return;
	}
	c->state = STATE_CONNECTING;
	make_stream(c);
}

static void on_resolved(const struct ow_addresses *found, void *arg)
{
	struct connection *c = arg;
	c->query = NULL;
	if (found->why) {
		lose(c, found->why);
		return;
	}
	for (size_t i = 0; i < found->count && i < ADDRESSES_MAX; i++) {
		if (found->lengths[i] > sizeof(c->addresses[0]))
			continue;
		memcpy(&c->addresses[c->address_count], found->at[i], found->lengths[i]);
		c->lengths[c->address_count++] = found->lengths[i];
	}
	connect_next(c);
}

static void use_path(struct connection *c)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&c->addresses[0];
	address->sun_family = AF_UNIX;
	/* That it fits was checked with the configuration. */
	snprintf(address->sun_path, sizeof(address->sun_path), "%s", c->parts.url->path);
	c->lengths[0] = sizeof(*address);
	c->address_count = 1;
}

/* One try: name, connection, greeting; all of it within the connect timeout. */
static void begin(struct connection *c)
{
	const struct redis_url *url = c->parts.url;
	c->address = c->address_count = 0;
	host_of(c)->timer_set(c->timer, c->parts.limits.connect_ms);
	if (url->path) {
		use_path(c);
		connect_next(c);
		return;
	}
	c->state = STATE_RESOLVING;
	c->query = host_of(c)->resolve(c->parts.self, url->host, url->port, on_resolved, c);
}

/* ---- writing ---- */

/*
 * Straight into the socket, unless TLS is in between: what fits costs one
 * system call, and the loop need not be asked whether the socket is writable.
 * An error is left for the bufferevent to find.
 */
static void write_out(struct connection *c)
{
	size_t sent = 0;
	if (!c->parts.tls && evbuffer_get_length(bufferevent_get_output(c->stream)) == 0) {
		ssize_t n = send(c->fd, c->out.bytes, c->out.len, MSG_NOSIGNAL);
		sent = n > 0 ? (size_t)n : 0;
	}
	if (sent < c->out.len)
		bufferevent_write(c->stream, c->out.bytes + sent, c->out.len - sent);
	command_clear(&c->out);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	(void)fd, (void)what;
	c->flushing = false;
	if (c->out.len)
		write_out(c);
}

/* At the end of this turn of the loop, with all that comes until then. */
static void flush_later(struct connection *c)
{
	if (c->flushing)
		return;
	c->flushing = true;
	event_active(c->flush, EV_TIMEOUT, 0);
}

static void watch_answers(struct connection *c)
{
	c->idle = false;
	host_of(c)->timer_set(c->timer, c->parts.limits.timeout_ms);
}

bool connection_send(struct connection *c, struct request *request,
    const struct command *commands, const char **why)
{
	if (c->state != STATE_READY && !c->patient) {
		*why = c->why;
		return false;
	}
	if (c->pending >= (size_t)c->parts.limits.max_queue) {
		*why = "too many commands wait for Redis (max_queue)";
		return false;
	}
	request->replies = commands->count;
	append(c, request);
	command_add(&c->out, commands);
	if (c->state == STATE_READY) {
		request->written = true;
		flush_later(c);
		if (c->idle)
			watch_answers(c);
	}
	return true;
}

/* ---- greeting ---- */

static void on_greeted(
    struct request *request, struct redisReply *const *replies, const char *why_lost)
{
	struct connection *c =
	    (struct connection *)(void *)((char *)request -
					  offsetof(struct connection, greeting));
	char why[FAULT_TEXT_SIZE];
	(void)why_lost;
	if (!replies)
		return;
	if (!greeting_read(&c->parts, replies, why)) {
		lose(c, why);
		return;
	}
	c->state = STATE_READY;
	c->patient = false;
	c->why[0] = '\0';
	host_of(c)->count(c->parts.connects, 1);
	host_of(c)->log(c->parts.self, OW_LOG_INFO, "%s to %s",
	    c->opened ? "connected again" : "connected", c->parts.url->name);
	c->opened = true;
	for (struct request *it = c->first; it; it = it->next)
		it->written = true;
	if (c->out.len)
		flush_later(c);
	watch_answers(c);
	c->parts.opened(c->parts.arg);
}

/* Goes before what is held: its request stands at the head of the queue. */
static void greet(struct connection *c)
{
	struct command commands = {0};
	greeting_write(&c->parts, &commands);
	c->greeting.done = on_greeted;
	c->greeting.replies = commands.count;
	c->greeting.sent_ms = now_of(c);
	c->greeting.next = c->first;
	c->first = &c->greeting;
	if (!c->greeting.next)
		c->last = &c->greeting.next;
	c->pending++;
	c->state = STATE_GREETING;
	bufferevent_write(c->stream, commands.bytes, commands.len);
	explicit_bzero(commands.bytes, commands.len); /* it holds the password */
	command_fini(&commands);
}

/* ---- reading ---- */

/* What ended it; errno is as the event left it. *reached: it was there, but is not trusted. */
static const char *end_of(struct connection *c, short what, bool *reached)
{
	const char *problem = NULL;
	if (what & BEV_EVENT_EOF)
		return "closed the connection";
	if (c->parts.tls)
		problem = host_of(c)->tls_problem(c->parts.tls, c->stream);
	*reached = problem != NULL;
	if (problem)
		return problem;
	int error = EVUTIL_SOCKET_ERROR();
	return error ? strerror(error) : "closed the connection";
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct connection *c = arg;
	bool reached = false;
	if (what & BEV_EVENT_CONNECTED) {
		c->reader = redisReaderCreate();
		alloc_checked(c->reader);
		bufferevent_enable(stream, EV_READ);
		greet(c);
		return;
	}
	const char *why = end_of(c, what, &reached);
	if (c->state == STATE_CONNECTING && !reached && c->address + 1 < c->address_count) {
		close_stream(c);
		c->address++;
		connect_next(c);
	} else {
		lose(c, why);
	}
}

/* A whole reply. False: the connection is gone. */
static bool take_reply(struct connection *c, struct redisReply *reply)
{
	c->unread = 0;
	c->replies[c->reply_count++] = reply;
	if (!c->first) {
		lose(c, "answered without being asked");
		return false;
	}
	if (c->reply_count < c->first->replies)
		return true;
	struct request *request = take_first(c);
	if (request != &c->greeting) {
		c->proven = true;
		c->tries = 0;
	}
	/* The callback may lose this connection, and with it what it holds. */
	redisReader *reader = c->reader;
	struct redisReply *replies[REQUEST_REPLIES_MAX];
	unsigned count = c->reply_count;
	memcpy(replies, c->replies, sizeof(replies[0]) * count);
	c->reply_count = 0;
	request->done(request, replies, NULL);
	while (count > 0)
		freeReplyObject(replies[--count]);
	if (c->reader == reader && c->distrusted)
		lose(c, c->distrust);
	return c->reader == reader;
}

/* False: the connection is gone. */
static bool take_replies(struct connection *c)
{
	for (;;) {
		void *reply = NULL;
		if (redisReaderGetReply(c->reader, &reply) != REDIS_OK) {
			lose(c, "does not speak the Redis protocol");
			return false;
		}
		if (!reply)
			return true;
		if (!take_reply(c, reply))
			return false;
	}
}

static void on_readable(struct bufferevent *stream, void *arg)
{
	struct connection *c = arg;
	struct evbuffer *input = bufferevent_get_input(stream);
	for (;;) {
		struct evbuffer_iovec part;
		if (evbuffer_peek(input, -1, NULL, &part, 1) < 1 || part.iov_len == 0)
			return;
		c->unread += part.iov_len;
		if (redisReaderFeed(c->reader, part.iov_base, part.iov_len) != REDIS_OK) {
			lose(c, "does not speak the Redis protocol");
			return;
		}
		evbuffer_drain(input, part.iov_len);
		if (!take_replies(c))
			return;
		if (c->unread > REPLY_MAX) {
			lose(c, "answers with more than 64 MiB at once");
			return;
		}
	}
}

/* ---- time ---- */

static void on_healthy(
    struct request *request, struct redisReply *const *replies, const char *why)
{
	struct connection *c =
	    (struct connection *)(void *)((char *)request -
					  offsetof(struct connection, health));
	char text[FAULT_TEXT_SIZE];
	(void)why;
	if (!replies)
		return;
	if (replies[0]->type == REDIS_REPLY_ERROR &&
	    fault_of((struct ow_text){replies[0]->str, replies[0]->len}, text) == FAULT_SERVER)
		connection_distrust(c, text);
}

static void ask_health(struct connection *c)
{
	struct command ping = {0};
	const char *why;
	command_begin(&ping, "PING", 0);
	c->health.done = on_healthy;
	connection_send(c, &c->health, &ping, &why);
	command_fini(&ping);
}

/*
 * While there is traffic the timer looks every `timeout` whether the oldest
 * request is too old, so that sending one costs no timer; after a quiet while
 * it waits for the health check.
 */
static void watch(struct connection *c)
{
	const struct connection_limits *limits = &c->parts.limits;
	int64_t now = now_of(c);
	if (c->first) {
		int64_t left = c->first->sent_ms + limits->timeout_ms - now;
		if (left > 0) {
			host_of(c)->timer_set(c->timer, left);
			return;
		}
		c->distrusted = true;
		lose(c, "did not answer in time (timeout)");
	} else if (!c->idle) {
		c->idle = true;
		host_of(c)->timer_set(c->timer, limits->health_ms ? limits->health_ms : -1);
	} else {
		ask_health(c);
	}
}

static void on_timer(void *arg)
{
	struct connection *c = arg;
	switch (c->state) {
	case STATE_WAITING:
		begin(c);
		break;
	case STATE_RESOLVING:
		lose(c, "its name was not found in time (connect_timeout)");
		break;
	case STATE_CONNECTING:
		lose(c, "could not be reached in time (connect_timeout)");
		break;
	case STATE_GREETING:
		lose(c, "was reached but did not answer in time (connect_timeout)");
		break;
	case STATE_READY:
		watch(c);
		break;
	}
}

/* ---- life ---- */

struct connection *connection_new(const struct connection_parts *parts)
{
	struct connection *c = alloc_zero(1, sizeof(*c));
	c->parts = *parts;
	c->state = STATE_WAITING;
	c->patient = true;
	c->last = &c->first;
	snprintf(c->why, sizeof(c->why), "%s: not connected yet", parts->url->name);
	c->timer = parts->host->timer_new(parts->self, on_timer, c);
	c->flush = event_new(parts->host->base(parts->self), -1, 0, on_flush, c);
	alloc_checked(c->flush);
	return c;
}

void connection_open(struct connection *c)
{
	begin(c);
}

void connection_free(struct connection *c)
{
	if (!c)
		return;
	close_stream(c);
	finish_all(c->first, "shutting down");
	host_of(c)->timer_free(c->timer);
	event_free(c->flush);
	command_fini(&c->out);
	free(c);
}

void connection_distrust(struct connection *c, const char *why)
{
	if (c->state != STATE_READY || c->distrusted)
		return;
	snprintf(c->distrust, sizeof(c->distrust), "%s", why);
	c->distrusted = true;
}

bool connection_ready(const struct connection *c)
{
	return c->state == STATE_READY;
}

const char *connection_why(const struct connection *c)
{
	return c->why;
}

size_t connection_pending(const struct connection *c)
{
	return c->pending;
}
