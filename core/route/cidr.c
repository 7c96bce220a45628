#include "route/cidr.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"

static bool parse_address(struct ow_text text, int *family, unsigned char *out)
{
	char copy[INET6_ADDRSTRLEN];
	if (text.len >= sizeof(copy) || memchr(text.data, '\0', text.len))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	*family = strchr(copy, ':') ? AF_INET6 : AF_INET;
	return inet_pton(*family, copy, out) == 1;
}

bool cidr_parse(const char *text, struct cidr *out)
{
	const char *slash = strchr(text, '/');
	int64_t bits;
	if (!slash ||
	    !parse_address(
		text_span(text, (size_t)(slash - text)), &out->family, out->address) ||
	    !text_number(text_of(slash + 1), out->family == AF_INET ? 32 : 128, &bits))
		return false;
	out->bits = (unsigned)bits;
	return true;
}

bool cidr_contains(const struct cidr *c, struct ow_text address)
{
	unsigned char bytes[16];
	unsigned whole = c->bits / 8, rest = c->bits % 8;
	int family;
	if (!parse_address(address, &family, bytes) || family != c->family ||
	    memcmp(bytes, c->address, whole) != 0)
		return false;
	return rest == 0 || (bytes[whole] ^ c->address[whole]) >> (8 - rest) == 0;
}
