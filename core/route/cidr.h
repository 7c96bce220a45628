/* Blocks of IP addresses, as in 10.0.0.0/24 and 2001:db8::/32. */
#ifndef ROUTE_CIDR_H
#define ROUTE_CIDR_H

#include <stdbool.h>

#include <onceway/event.h>

struct cidr {
	int family; /* AF_INET or AF_INET6 */
	unsigned bits;
	unsigned char address[16];
};

/* What stands behind the bits does not count. False: text is no block. */
bool cidr_parse(const char *text, struct cidr *out);

/* False too for what is no address. An IPv4 address is in no block of IPv6. */
bool cidr_contains(const struct cidr *c, struct ow_text address);

#endif
