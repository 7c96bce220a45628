#include "io/http_server.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/http_connection.h"
#include "io/timer.h"
#include "io/tls_store.h"

/* ---- accepting ---- */

#define REFUSED_RETRY_MS 1000

/*
 * One connection too many: says so and closes, without waiting for anything.
 * What the client has sent already is read first, else closing would reset the
 * connection and the reset could overtake the answer.
 */
static void refuse_connection(struct http_server *s, int fd)
{
	http_count(&s->stats.refused);
	if (s->tls) {
		close(fd); /* a handshake is what we have no room for */
		return;
	}
	struct buf out = BUF_INIT;
	struct http_answer answer = {.status = 503,
	    .content_type = text_of("application/json"),
	    .body = text_of("{\"detail\":\"Too many connections\"}"),
	    .retry_after_ms = REFUSED_RETRY_MS,
	    .close = true};
	struct http_answer_form form = {.common = &s->common, .minor = 1};
	char scrap[4096];
	http_common_fields_update(&s->common, clock_wall(s->clock));
	http_answer_write(&out, &answer, &form);
	for (int i = 0; i < 4 && recv(fd, scrap, sizeof(scrap), MSG_DONTWAIT) > 0; i++)
		;
	/* A fresh socket has room for it; if not, closing has to do. */
	if (send(fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		shutdown(fd, SHUT_WR);
	close(fd);
	buf_free(&out);
}

/* False: there are as many as there may be, on all workers together. */
static bool count_in(struct http_server *s)
{
	if (atomic_fetch_add(s->open, 1) < s->limits.max_connections)
		return true;
	atomic_fetch_sub(s->open, 1);
	return false;
}

/* Returns whether there was one; false with errno. */
static bool accept_one(struct http_server *s)
{
	struct address peer = {.len = sizeof(peer.v6)};
	int on = 1;
	int fd = accept4(s->fd, &peer.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	if (!count_in(s)) {
		refuse_connection(s, fd);
		return true;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	http_count(&s->stats.accepted);
	http_connection_new(s, fd, &peer);
	return true;
}

/* The next turn of the loop takes more: a storm of them must not keep the others waiting. */
#define ACCEPTS_AT_ONCE 64

/*
 * Out of file descriptors, most likely. The connection stays in the socket's
 * backlog, which stays readable: trying again at once would spin.
 */
#define ACCEPT_PAUSE_MS 250

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *s = arg;
	int taken = 0;
	(void)fd;
	(void)what;
	while (taken < ACCEPTS_AT_ONCE && accept_one(s))
		taken++;
	/* ECONNABORTED, EPROTO and the like: it was gone before it was taken. */
	if (taken == ACCEPTS_AT_ONCE ||
	    (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM))
		return;
	log_warning("listener", "cannot accept: %s; trying again in %d ms", strerror(errno),
	    ACCEPT_PAUSE_MS);
	event_del(s->acceptable);
	timer_start(s->accept_again, ACCEPT_PAUSE_MS);
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	http_server_accept(arg);
}

/* ---- connections that were held back ---- */

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *s = arg;
	struct list ready;
	(void)fd;
	(void)what;
	list_init(&ready);
	list_move_all(&ready, &s->resumed);
	while (!list_empty(&ready)) {
		struct http_connection *c =
		    list_entry(ready.next, struct http_connection, resume_link);
		list_remove(&c->resume_link);
		http_connection_work(c);
	}
}

/* ---- the listener ---- */

struct http_server *http_server_new(struct event_base *base, const struct clock *clock, int fd,
    const struct http_limits *limits)
{
	struct http_server *s = mem_zero(sizeof(*s));
	s->base = base;
	s->clock = clock;
	s->limits = *limits;
	s->open = limits->open ? limits->open : &s->own_open;
	s->common = HTTP_COMMON_FIELDS_INIT;
	s->paths = MAP_INIT;
	list_init(&s->connections);
	list_init(&s->resumed);
	http_connection_waits(limits, s->waits);
	wait_timer_init(&s->timer, base, clock, s->waits, WAITS);
	s->resume = event_new(base, -1, 0, on_resume, s);
	s->accept_again = evtimer_new(base, on_accept_again, s);
	s->fd = fd;
	s->acceptable = event_new(base, fd, EV_READ | EV_PERSIST, on_acceptable, s);
	return s;
}

void http_server_use_tls(struct http_server *s, struct tls_store *store,
    struct tls_context *context, const char *name)
{
	s->tls_store = store;
	s->tls = context;
	s->name = name;
}

void http_server_accept(struct http_server *s)
{
	if (s->acceptable)
		event_add(s->acceptable, NULL);
}

static char *allow_field(unsigned methods)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {{OW_HTTP_GET, "GET"}, {OW_HTTP_HEAD, "HEAD"}, {OW_HTTP_POST, "POST"},
	    {OW_HTTP_PUT, "PUT"}, {OW_HTTP_PATCH, "PATCH"}, {OW_HTTP_DELETE, "DELETE"}};
	struct buf b = BUF_INIT;
	buf_add_string(&b, "Allow:");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (methods & names[i].bit)
			buf_printf(
			    &b, "%s %s", b.data[b.len - 1] == ':' ? "" : ",", names[i].name);
	buf_add_string(&b, "\r\n");
	return buf_take(&b);
}

/* Keeps the longest first. */
static void add_below(struct http_server *s, struct http_path *p)
{
	struct http_path **at = &s->below;
	while (*at && (*at)->name.len >= p->name.len)
		at = &(*at)->next;
	p->next = *at;
	*at = p;
}

const struct http_path *http_server_path(const struct http_server *s, struct ow_text path)
{
	const struct http_path *p = map_get(&s->paths, path);
	if (p)
		return p;
	for (p = s->below; p; p = p->next)
		if (text_begins_with(path, text_span(p->name.data, p->name.len - 1)))
			return p;
	return NULL;
}

bool http_server_serve(struct http_server *s, const char *path, unsigned methods,
    ow_http_handler *handler, void *arg)
{
	if (map_get(&s->paths, text_of(path)))
		return false;
	struct http_path *p = mem_zero(sizeof(*p));
	p->name = text_of(mem_string(path));
	p->allow = allow_field(methods);
	p->methods = methods;
	p->handler = handler;
	p->arg = arg;
	map_put(&s->paths, p->name, p);
	if (text_ends_with(p->name, text_of("/*")))
		add_below(s, p);
	return true;
}

const struct http_server_stats *http_server_stats(const struct http_server *s)
{
	return &s->stats;
}

static void stop_accepting(struct http_server *s)
{
	if (!s->acceptable)
		return;
	event_free(s->acceptable);
	s->acceptable = NULL;
	close(s->fd);
}

/*
 * Closing a listening socket resets what waits in its backlog, requests and
 * all: take those in first.
 */
#define BACKLOG_MAX 1024

static void take_backlog(struct http_server *s)
{
	for (int i = 0; s->acceptable && i < BACKLOG_MAX && accept_one(s); i++)
		;
}

void http_server_drain(struct http_server *s)
{
	take_backlog(s);
	s->draining = true;
	stop_accepting(s);
	list_each(&s->connections, it)
	    http_connection_settle(list_entry(it, struct http_connection, link));
}

void http_server_free(struct http_server *s)
{
	struct http_path *p;
	if (!s)
		return;
	stop_accepting(s);
	list_each(&s->connections, it)
	    http_connection_close(list_entry(it, struct http_connection, link));
	for (size_t i = 0; (p = map_next(&s->paths, &i));) {
		free((char *)p->name.data);
		free(p->allow);
		free(p);
	}
	map_free(&s->paths);
	wait_timer_fini(&s->timer);
	event_free(s->resume);
	event_free(s->accept_again);
	if (s->tls)
		tls_store_release(s->tls_store, s->tls);
	free(s);
}
