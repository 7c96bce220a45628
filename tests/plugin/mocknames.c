/*
 * Names as the fake core looks them up: literal addresses and `localhost` lead
 * somewhere, everything else does not exist. The answer comes with the next
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
	struct sockaddr_in address;
	bool found, cancelled;
};

static void answer(void *arg)
{
	struct ow_query *q = arg;
	struct ow_query copy = *q;
	const struct sockaddr *at[] = {(const struct sockaddr *)&copy.address};
	uint32_t length = sizeof(copy.address);
	free(q);
	if (copy.cancelled)
		return;
	copy.fn(&(struct ow_addresses){.size = sizeof(struct ow_addresses),
		    .why = copy.found ? NULL : "no such host",
		    .at = at,
		    .lengths = &length,
		    .count = copy.found},
	    copy.arg);
}

struct ow_query *mock_host_resolve(
    struct ow_instance *self, const char *host, int port, ow_resolve_callback *fn, void *arg)
{
	struct ow_query *q = mem_zero(sizeof(*q));
	*q = (struct ow_query){.fn = fn, .arg = arg};
	q->address.sin_family = AF_INET;
	q->address.sin_port = htons((uint16_t)port);
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	q->found = inet_pton(AF_INET, host, &q->address.sin_addr) == 1;
	mock_host()->post(self, answer, q);
	return q;
}

void mock_host_resolve_cancel(struct ow_query *query)
{
	if (query)
		query->cancelled = true;
}
