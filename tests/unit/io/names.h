/*
 * A scripted name server on the loopback, and a hosts file, for tests that
 * look names up. The server knows:
 *
 *   two.test     127.0.0.2, 127.0.0.1
 *   one.test     127.0.0.1
 *   silent.test  never answered
 *
 * and says of all others that they do not exist. The hosts file has
 * file.test: 127.0.0.2, 127.0.0.1.
 */
#ifndef TESTS_UNIT_IO_NAMES_H
#define TESTS_UNIT_IO_NAMES_H

#include <event2/event.h>

#include "io/resolve.h"

struct evdns_server_port;

struct names {
	int fd, port;
	struct evdns_server_port *server;
	char resolv_conf[64], hosts[64];
	int queries; /* for IPv4 addresses */
};

void names_open(struct names *names, struct event_base *base);
/* Another content for the files. */
void names_write(const char *path, const char *text);
void names_point_to(const char *resolv_conf, const struct names *names);
struct resolver *names_resolver(struct names *names, struct event_base *base);
void names_close(struct names *names);

#endif
