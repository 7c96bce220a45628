/*
 * Names as the fake core looks them up: literal addresses and `localhost` lead
 * somewhere, `first.test` to 127.0.0.1 and then 127.0.0.2, `second.test` to
 * the same the other way round, everything else does not exist. The answer comes with the next
 * mock_run().
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/plugin/mockstate.h"

struct ow_query {
	ow_resolve_callback *fn;
	void *arg;
	struct sockaddr_in addresses[2];
	size_t count;
	bool cancelled;
};

static void answer(void *arg)
{
	struct ow_query *q = arg;
	struct ow_query copy = *q;
	const struct sockaddr *at[2];
	uint32_t lengths[2];
	for (size_t i = 0; i < 2; i++) {
		at[i] = (const struct sockaddr *)&copy.addresses[i];
		lengths[i] = sizeof(copy.addresses[i]);
	}
	free(q);
	if (copy.cancelled)
		return;
	copy.fn(&(struct ow_addresses){.size = sizeof(struct ow_addresses),
		    .why = copy.count ? NULL : "no such host",
		    .at = at,
		    .lengths = lengths,
		    .count = copy.count},
	    copy.arg);
}

static void find(struct ow_query *q, const char *address, int port)
{
	struct sockaddr_in *room = &q->addresses[q->count];
	room->sin_family = AF_INET;
	room->sin_port = htons((uint16_t)port);
	q->count += inet_pton(AF_INET, address, &room->sin_addr) == 1;
}

struct ow_query *mock_host_resolve(
    struct ow_instance *self, const char *host, int port, ow_resolve_callback *fn, void *arg)
{
	struct ow_query *q = mem_zero(sizeof(*q));
	*q = (struct ow_query){.fn = fn, .arg = arg};
	bool first = strcmp(host, "first.test") == 0, second = strcmp(host, "second.test") == 0;
	if (second)
		find(q, "127.0.0.2", port);
	find(q, first || second || strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port);
	if (first)
		find(q, "127.0.0.2", port);
	mock_host()->post(self, answer, q);
	return q;
}

void mock_host_resolve_cancel(struct ow_query *query)
{
	if (query)
		query->cancelled = true;
}
