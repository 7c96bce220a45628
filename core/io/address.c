#include "io/address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

bool addresses_add(struct addresses *list, const struct sockaddr *address, socklen_t len)
{
	socklen_t want;
	if (address->sa_family == AF_INET)
		want = sizeof(struct sockaddr_in);
	else if (address->sa_family == AF_INET6)
		want = sizeof(struct sockaddr_in6);
	else
		return false;
	if (len < want || list->count == ADDRESSES_MAX)
		return false;
	struct address *slot = &list->at[list->count++];
	memset(slot, 0, sizeof(*slot)); /* compared as bytes */
	memcpy(&slot->v6, address, want);
	slot->len = want;
	return true;
}

static bool add_v4(struct addresses *list, const char *text, int port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	return inet_pton(AF_INET, text, &v4.sin_addr) == 1 &&
	       addresses_add(list, (struct sockaddr *)&v4, sizeof(v4));
}

static bool add_v6(struct addresses *list, const char *text, int port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	return inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 &&
	       addresses_add(list, (struct sockaddr *)&v6, sizeof(v6));
}

static bool is_localhost(struct ow_text host)
{
	struct ow_text name = text_of("localhost");
	if (host.len > 0 && host.data[host.len - 1] == '.')
		host.len--;
	if (host.len < name.len)
		return false;
	size_t before = host.len - name.len;
	return text_equal_nocase(text_span(host.data + before, name.len), name) &&
	       (before == 0 || host.data[before - 1] == '.');
}

bool addresses_of_literal(struct addresses *list, const char *host, int port)
{
	list->count = 0;
	if (is_localhost(text_of(host)))
		return add_v4(list, "127.0.0.1", port) && add_v6(list, "::1", port);
	return add_v4(list, host, port) || add_v6(list, host, port);
}

/* By what they mean: the bytes behind a shorter address are nobody's. */
static bool same(const struct address *a, const struct address *b)
{
	return a->len == b->len && memcmp(&a->any, &b->any, a->len) == 0;
}

void addresses_prefer(struct addresses *list, const struct address *good)
{
	for (size_t i = 0; i < list->count; i++) {
		if (same(&list->at[i], good)) {
			struct address copy = *good; /* may point into the list */
			memmove(&list->at[1], &list->at[0], i * sizeof(list->at[0]));
			list->at[0] = copy;
			return;
		}
	}
}

void address_print(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	char ip[INET6_ADDRSTRLEN] = "?";
	bool v6 = address->any.sa_family == AF_INET6;
	const void *bytes =
	    v6 ? (const void *)&address->v6.sin6_addr : (const void *)&address->v4.sin_addr;
	inet_ntop(address->any.sa_family, bytes, ip, sizeof(ip));
	int port = ntohs(v6 ? address->v6.sin6_port : address->v4.sin_port);
	snprintf(out, ADDRESS_TEXT_SIZE, v6 ? "[%s]:%d" : "%s:%d", ip, port);
}
