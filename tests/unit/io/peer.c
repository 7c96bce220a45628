#include "tests/unit/io/peer.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void end(struct peer_connection *connection)
{
	if (connection->readable)
		event_free(connection->readable);
	connection->readable = NULL;
	connection->ended = true;
}

/* Length of the first complete request of a text, 0 if there is none. */
static size_t request_length(const char *text)
{
	const char *empty = strstr(text, "\r\n\r\n");
	const char *length = strstr(text, "Content-Length: ");
	if (!empty)
		return 0;
	size_t size = (size_t)(empty - text) + 4;
	if (length && length < empty)
		size += strtoul(length + 16, NULL, 10);
	return strlen(text) >= size ? size : 0;
}

static void answer_all(struct peer_connection *connection)
{
	struct peer *peer = connection->peer;
	size_t size;
	while (peer->answer && connection->fd >= 0 && connection->got.len > 0 &&
	       (size = request_length(connection->got.data + connection->answered))) {
		connection->answered += size;
		peer->requests++;
		peer_say(connection, peer->answer);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer_connection *connection = arg;
	char data[65536];
	(void)what;
	ssize_t n = recv(fd, data, sizeof(data), 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end(connection);
		return;
	}
	buf_add(&connection->got, data, (size_t)n);
	answer_all(connection);
}

/* By the kernel's word: that the client has closed may not have been read yet. */
static size_t count_open(const struct peer *peer)
{
	size_t open = 0;
	for (size_t i = 0; i < peer->accepted; i++) {
		struct tcp_info info;
		socklen_t len = sizeof(info);
		if (peer->connections[i].fd >= 0 &&
		    getsockopt(peer->connections[i].fd, IPPROTO_TCP, TCP_INFO, &info, &len) ==
			0)
			open += info.tcpi_state == TCP_ESTABLISHED;
	}
	return open;
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	(void)what;
	int accepted = accept(fd, NULL, NULL);
	if (accepted < 0)
		return;
	ck_assert_uint_lt(peer->accepted, PEER_MAX);
	struct peer_connection *connection = &peer->connections[peer->accepted++];
	evutil_make_socket_nonblocking(accepted);
	connection->peer = peer;
	connection->fd = accepted;
	connection->readable =
	    event_new(peer->base, accepted, EV_READ | EV_PERSIST, on_readable, connection);
	if (!peer->deaf)
		event_add(connection->readable, NULL);
	size_t open = count_open(peer);
	if (open > peer->most_open)
		peer->most_open = open;
}

static int bind_socket(uint32_t host, int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(host)};
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void peer_open(struct peer *peer, struct event_base *base)
{
	peer_open_at(peer, base, INADDR_LOOPBACK, 0);
}

void peer_open_at(struct peer *peer, struct event_base *base, uint32_t host, int port)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	*peer = (struct peer){.base = base, .host = host, .fd = bind_socket(host, port)};
	ck_assert_int_eq(getsockname(peer->fd, (struct sockaddr *)&address, &len), 0);
	peer->port = ntohs(address.sin_port);
}

void peer_listen(struct peer *peer)
{
	ck_assert_int_eq(listen(peer->fd, 64), 0);
	peer->acceptable =
	    event_new(peer->base, peer->fd, EV_READ | EV_PERSIST, on_acceptable, peer);
	event_add(peer->acceptable, NULL);
}

void peer_refuse(struct peer *peer)
{
	event_free(peer->acceptable);
	peer->acceptable = NULL;
	close(peer->fd);
	peer->fd = bind_socket(peer->host, peer->port);
}

void peer_stall(struct peer *peer)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)peer->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ck_assert_int_eq(listen(peer->fd, 0), 0);
	for (size_t i = 0; i < 4; i++) {
		struct peer_connection *filler = &peer->connections[peer->accepted++];
		filler->peer = peer;
		filler->ended = true;
		filler->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(filler->fd, (struct sockaddr *)&address, sizeof(address));
	}
}

void peer_close(struct peer *peer)
{
	for (size_t i = 0; i < peer->accepted; i++) {
		peer_hang_up(&peer->connections[i]);
		buf_free(&peer->connections[i].got);
	}
	if (peer->acceptable)
		event_free(peer->acceptable);
	close(peer->fd);
}

void peer_say_bytes(struct peer_connection *connection, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(connection->fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			loop_turn(connection->peer->base);
			continue;
		}
		ck_assert_int_gt(n, 0);
		data += n;
		len -= (size_t)n;
	}
}

void peer_say(struct peer_connection *connection, const char *text)
{
	peer_say_bytes(connection, text, strlen(text));
}

void peer_hang_up(struct peer_connection *connection)
{
	end(connection);
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
}

void peer_reset(struct peer_connection *connection)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	peer_hang_up(connection);
}

/* ---- the loop ---- */

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static struct event *beat;

struct event_base *loop_new(void)
{
	struct timeval tv = {.tv_usec = 1000};
	signal(SIGPIPE, SIG_IGN);
	struct event_config *config = event_config_new();
	event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	struct event_base *base = event_base_new_with_config(config);
	event_config_free(config);
	beat = event_new(base, -1, EV_PERSIST, on_beat, NULL);
	event_add(beat, &tv);
	return base;
}

void loop_free(struct event_base *base)
{
	event_free(beat);
	loop_calm(base);
	event_base_free(base);
}

void loop_turn(struct event_base *base)
{
	event_base_loop(base, EVLOOP_ONCE);
}

void loop_calm(struct event_base *base)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}
