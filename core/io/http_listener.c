#include "io/http_listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/address.h"

#define BACKLOG 1024

static void complain(char *why, const char *address, const char *problem)
{
	snprintf(why, HTTP_LISTEN_WHY_SIZE, "address %s: %s", address, problem);
}

/* Splits `host:port` or `[v6]:port`. host is to be freed; false: it is neither. */
static bool split(const char *address, char **host, const char **port)
{
	const char *colon = strrchr(address, ':');
	int64_t number;
	if (!colon || !text_number(text_of(colon + 1), 65535, &number))
		return false;
	const char *start = address, *end = colon;
	if (*start == '[') {
		start++;
		end--;
		if (end <= start || *end != ']')
			return false;
	} else if (memchr(start, ':', (size_t)(end - start))) {
		return false; /* an IPv6 address needs its brackets: where would the port begin?
			       */
	}
	if (end == start)
		return false;
	*host = mem_string_of(start, (size_t)(end - start));
	*port = colon + 1;
	return true;
}

static bool set_option(int fd, int level, int option)
{
	int on = 1;
	return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

/* Returns -1 with errno. */
static int open_socket(const struct address *address, bool reuse_port)
{
	int family = address->any.sa_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* V6ONLY: else [::] would depend on a system setting, and clash with 0.0.0.0. */
	if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR) ||
	    (reuse_port && !set_option(fd, SOL_SOCKET, SO_REUSEPORT)) ||
	    (family == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) ||
	    bind(fd, &address->any, address->len) != 0 || listen(fd, BACKLOG) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/*
 * Literal addresses and `localhost` need no system file, which a minimal
 * container may lack. Returns NULL, or what is wrong.
 */
static const char *find_addresses(struct addresses *list, const char *host, const char *port)
{
	struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	if (addresses_of_literal(list, host, (int)strtol(port, NULL, 10)))
		return NULL;
	int error = getaddrinfo(host, port, &wanted, &found);
	if (error)
		return gai_strerror(error);
	for (const struct addrinfo *i = found; i; i = i->ai_next)
		if (!addresses_add(list, i->ai_addr, i->ai_addrlen))
			break;
	freeaddrinfo(found);
	return list->count > 0 ? NULL : "no address that can be listened on";
}

int http_listen_socket(const char *address, bool reuse_port, char *why)
{
	char *host;
	const char *port;
	struct addresses list = {.count = 0};
	int fd = -1;
	if (!split(address, &host, &port)) {
		complain(why, address, "must be host:port or [v6]:port");
		return -1;
	}
	const char *problem = find_addresses(&list, host, port);
	if (problem)
		complain(why, address, problem);
	for (size_t i = 0; i < list.count && fd < 0; i++) {
		fd = open_socket(&list.at[i], reuse_port);
		if (fd < 0)
			complain(why, address, strerror(errno));
	}
	free(host);
	return fd;
}

int http_socket_port(int fd)
{
	struct sockaddr_storage bound = {0};
	socklen_t len = sizeof(bound);
	if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0)
		return -1;
	if (bound.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&bound)->sin_port);
	if (bound.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
	return -1;
}
