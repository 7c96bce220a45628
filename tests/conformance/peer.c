#include "conformance/peer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "conformance/harness.h"
#include "io/http_listener.h"

#define CONNECTIONS_MAX 256

struct connection {
	int fd; /* -1: free */
	struct buf in;
};

struct peer {
	int listener, wake[2], port;
	pthread_t thread;
	_Atomic int mode, status;
	_Atomic unsigned requests;
	_Atomic bool saw_line;
	struct connection connections[CONNECTIONS_MAX];
};

static void drop(struct connection *c)
{
	close(c->fd);
	c->fd = -1;
	buf_free(&c->in);
}

static void send_all(struct connection *c, const char *text)
{
	size_t len = strlen(text);
	while (len > 0) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* Bytes of the first request in the buffer, 0 if it is not complete. */
static size_t complete(const struct connection *c)
{
	const char *end = c->in.len ? memmem(c->in.data, c->in.len, "\r\n\r\n", 4) : NULL;
	if (!end)
		return 0;
	size_t head = (size_t)(end - c->in.data) + 4, body = 0;
	for (const char *at = c->in.data; at < end; at++)
		if (*at == '\n' && strncasecmp(at + 1, "content-length:", 15) == 0)
			body = strtoul(at + 16, NULL, 10);
	return c->in.len >= head + body ? head + body : 0;
}

/* To most sinks the status says all; one that sends batches wants to read of each message. */
static const char answer_body[] =
    "{\"ok\":true,\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"},{\"Id\":\"2\"},{\"Id\":\"3\"},"
    "{\"Id\":\"4\"},{\"Id\":\"5\"},{\"Id\":\"6\"},{\"Id\":\"7\"},{\"Id\":\"8\"},{\"Id\":\"9\"}]"
    "}";

static void answer(struct peer *p, struct connection *c)
{
	char text[128 + sizeof(answer_body)];
	switch ((enum peer_mode)p->mode) {
	case PEER_HANGS:
		return;
	case PEER_CLOSES:
		drop(c);
		return;
	case PEER_BABBLES:
		send_all(c, "220 mail.example.com ready\r\n\r\n");
		drop(c);
		return;
	default:
		snprintf(text, sizeof(text),
		    "HTTP/1.1 %d Told\r\nContent-Type: application/json\r\n"
		    "Content-Length: %zu\r\n\r\n%s",
		    p->status, strlen(answer_body), answer_body);
		send_all(c, text);
	}
}

static void serve(struct peer *p, struct connection *c)
{
	char chunk[16384];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), 0);
	size_t len;
	if (n <= 0) {
		drop(c);
		return;
	}
	buf_add(&c->in, chunk, (size_t)n);
	while (c->fd >= 0 && (len = complete(c)) > 0) {
		const char *head_end = memmem(c->in.data, c->in.len, "\r\n\r\n", 4);
		const char *line = memmem(c->in.data, c->in.len, "\n" PEER_FORBIDDEN_LINE,
		    strlen("\n" PEER_FORBIDDEN_LINE));
		if (line && line < head_end)
			p->saw_line = true;
		p->requests++;
		memmove(c->in.data, c->in.data + len, c->in.len - len);
		c->in.len -= len;
		answer(p, c);
	}
}

static void take(struct peer *p)
{
	int fd = accept(p->listener, NULL, NULL);
	for (size_t i = 0; fd >= 0 && i < CONNECTIONS_MAX; i++) {
		if (p->connections[i].fd >= 0)
			continue;
		p->connections[i].fd = fd;
		return;
	}
	if (fd >= 0)
		close(fd);
}

static void *run(void *arg)
{
	struct peer *p = arg;
	struct pollfd polls[CONNECTIONS_MAX + 2];
	for (;;) {
		polls[0] = (struct pollfd){.fd = p->wake[0], .events = POLLIN};
		polls[1] = (struct pollfd){.fd = p->listener, .events = POLLIN};
		for (size_t i = 0; i < CONNECTIONS_MAX; i++)
			polls[i + 2] =
			    (struct pollfd){.fd = p->connections[i].fd, .events = POLLIN};
		if (poll(polls, CONNECTIONS_MAX + 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (polls[0].revents)
			return NULL;
		for (size_t i = 0; i < CONNECTIONS_MAX; i++)
			if (polls[i + 2].fd >= 0 && polls[i + 2].revents)
				serve(p, &p->connections[i]);
		if (polls[1].revents)
			take(p);
	}
}

struct peer *peer_new(void)
{
	char why[HTTP_LISTEN_WHY_SIZE];
	struct peer *p = mem_zero(sizeof(*p));
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		p->connections[i].fd = -1;
	p->listener = http_listen_socket("127.0.0.1:0", false, why);
	EXPECT(
	    p->listener >= 0 && pipe(p->wake) == 0, "the suite's peer can listen", "%s", why);
	p->port = http_socket_port(p->listener);
	p->status = 200;
	pthread_create(&p->thread, NULL, run, p);
	return p;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	close(p->wake[1]);
	pthread_join(p->thread, NULL);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (p->connections[i].fd >= 0)
			drop(&p->connections[i]);
	close(p->wake[0]);
	close(p->listener);
	free(p);
}

int peer_port(const struct peer *p)
{
	return p->port;
}

void peer_set(struct peer *p, enum peer_mode mode, int status)
{
	p->status = status;
	p->mode = mode;
}

unsigned peer_requests(struct peer *p)
{
	return p->requests;
}

bool peer_saw_line(struct peer *p)
{
	return p->saw_line;
}
