#include "conformance/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool client_open(struct client *c, int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	c->in = BUF_INIT;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return true;
	client_close(c);
	return false;
}

void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_free(&c->in);
}

void client_send(struct client *c, struct ow_text bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(c->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		bytes.data += n;
		bytes.len -= (size_t)n;
	}
}

static bool receive(struct client *c, int flags)
{
	char chunk[16384];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), flags);
	if (n > 0)
		buf_add(&c->in, chunk, (size_t)n);
	return n > 0;
}

/* The listener always says how long an answer is. */
static size_t body_length(const char *head, const char *end)
{
	for (const char *at = head; at < end; at++)
		if (*at == '\n' && strncasecmp(at + 1, "content-length:", 15) == 0)
			return strtoul(at + 16, NULL, 10);
	return 0;
}

int client_answer(struct client *c, struct buf *body)
{
	for (;;) {
		const char *end =
		    c->in.len ? memmem(c->in.data, c->in.len, "\r\n\r\n", 4) : NULL;
		size_t head = end ? (size_t)(end - c->in.data) + 4 : 0;
		size_t len = end ? body_length(c->in.data, end) : 0;
		if (end && c->in.len >= head + len) {
			int status = (int)strtol(c->in.data + strlen("HTTP/1.1 "), NULL, 10);
			buf_clear(body);
			buf_add(body, c->in.data + head, len);
			c->in.len -= head + len;
			memmove(c->in.data, c->in.data + head + len, c->in.len);
			return status;
		}
		if (!receive(c, 0))
			return 0;
	}
}

bool client_has_more(struct client *c)
{
	return c->in.len > 0 || receive(c, MSG_DONTWAIT);
}
