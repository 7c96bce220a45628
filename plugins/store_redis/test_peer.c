#include "store_redis/test_peer.h"
#include "store_redis/script.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/main.h"

void peer_listen(struct peer *p)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(p->listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(p->listener, 8), 0);
	getsockname(p->listener, (struct sockaddr *)&address, &len);
	p->port = ntohs(address.sin_port);
	p->fd = -1;
	p->heard_len = 0;
}

void peer_close(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	close(p->listener);
}

bool peer_accepted(struct peer *p)
{
	if (p->fd < 0) {
		p->fd = accept(p->listener, NULL, NULL);
		if (p->fd >= 0)
			fcntl(p->fd, F_SETFL, O_NONBLOCK);
	}
	return p->fd >= 0;
}

void peer_hang_up(struct peer *p)
{
	close(p->fd);
	p->fd = -1;
	p->heard_len = 0;
}

bool peer_hung_up(struct peer *p)
{
	char byte;
	return recv(p->fd, &byte, 1, MSG_PEEK) == 0;
}

static void listen_more(struct peer *p)
{
	ssize_t n =
	    recv(p->fd, p->heard + p->heard_len, sizeof(p->heard) - 1 - p->heard_len, 0);
	if (n > 0)
		p->heard_len += (size_t)n;
	p->heard[p->heard_len] = '\0';
}

bool peer_told(struct peer *p, const char *part)
{
	listen_more(p);
	char *found = memmem(p->heard, p->heard_len, part, strlen(part));
	if (!found)
		return false;
	size_t end = (size_t)(found - p->heard) + strlen(part);
	memmove(p->heard, p->heard + end, p->heard_len - end);
	p->heard_len -= end;
	return true;
}

void peer_say(struct peer *p, const char *text)
{
	ck_assert_int_eq(send(p->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

void peer_say_greeting(struct peer *p, const char *pong)
{
	peer_say(p, "+OK\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
	for (int i = 0; i < SCRIPTS; i++)
		peer_say(p, "$40\r\n0123456789012345678901234567890123456789\r\n");
	peer_say(p, pong);
}
