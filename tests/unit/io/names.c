#include "tests/unit/io/names.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void answer(struct evdns_server_request *request, void *arg)
{
	struct names *names = arg;
	unsigned char two[8] = {127, 0, 0, 2, 127, 0, 0, 1};
	const struct evdns_server_question *question = request->questions[0];
	bool is_two = strcasecmp(question->name, "two.test") == 0;
	bool is_one = strcasecmp(question->name, "one.test") == 0;
	bool v4 = question->type == EVDNS_TYPE_A;
	names->queries += v4;
	if (strcasecmp(question->name, "silent.test") == 0) {
		evdns_server_request_drop(request);
		return;
	}
	if (v4 && is_two)
		evdns_server_request_add_a_reply(request, question->name, 2, two, 60);
	if (v4 && is_one)
		evdns_server_request_add_a_reply(request, question->name, 1, two + 4, 60);
	evdns_server_request_respond(
	    request, is_one || is_two ? DNS_ERR_NONE : DNS_ERR_NOTEXIST);
}

void names_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void make_file(char path[64], const char *text)
{
	strcpy(path, "/tmp/onceway-test-XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	names_write(path, text);
}

void names_point_to(const char *resolv_conf, const struct names *names)
{
	char text[64];
	snprintf(text, sizeof(text), "nameserver 127.0.0.1:%d\n", names->port);
	names_write(resolv_conf, text);
}

void names_open(struct names *names, struct event_base *base)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	*names = (struct names){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
	ck_assert_int_eq(bind(names->fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(getsockname(names->fd, (struct sockaddr *)&address, &len), 0);
	names->port = ntohs(address.sin_port);
	names->server = evdns_add_server_port_with_base(base, names->fd, 0, answer, names);
	make_file(names->resolv_conf, "");
	names_point_to(names->resolv_conf, names);
	make_file(names->hosts, "127.0.0.2 file.test\n127.0.0.1 file.test\n");
}

struct resolver *names_resolver(struct names *names, struct event_base *base)
{
	return resolver_new(base, names->resolv_conf, names->hosts);
}

void names_close(struct names *names)
{
	evdns_close_server_port(names->server);
	close(names->fd);
	unlink(names->resolv_conf);
	unlink(names->hosts);
}
