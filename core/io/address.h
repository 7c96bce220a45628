/* Socket addresses: where a name leads to, in the order they are tried. */
#ifndef IO_ADDRESS_H
#define IO_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct address {
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

#define ADDRESSES_MAX 8

struct addresses {
	size_t count;
	struct address at[ADDRESSES_MAX];
};

/* Room for "[v6]:port". */
#define ADDRESS_TEXT_SIZE (INET6_ADDRSTRLEN + 8)

/* False: neither IPv4 nor IPv6, or the list is full. */
bool addresses_add(struct addresses *list, const struct sockaddr *address, socklen_t len);

/*
 * What can be told without asking anybody: literal addresses, and `localhost`,
 * which RFC 6761 binds to the loopback whatever the system's files say.
 */
bool addresses_of_literal(struct addresses *list, const char *host, int port);

/* Moves an address to the front: it worked, so the next connection tries it first. */
void addresses_prefer(struct addresses *list, const struct address *good);

/* "127.0.0.1:80" or "[::1]:80". */
void address_print(const struct address *address, char out[ADDRESS_TEXT_SIZE]);

#endif
