#include "io/url.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"

#define HOST_MAX  253
#define LABEL_MAX 63

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' ||
	       c == '_';
}

static bool take_scheme(struct ow_text *rest, const char *scheme)
{
	struct ow_text want = text_of(scheme);
	if (rest->len < want.len || !text_equal_nocase(text_span(rest->data, want.len), want))
		return false;
	*rest = text_span(rest->data + want.len, rest->len - want.len);
	return true;
}

static bool is_plain_ascii(struct ow_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	return true;
}

/* A name whose last label is a number can only be meant as an IPv4 address. */
static const char *check_name(const char *host)
{
	struct in_addr address;
	const char *label = host;
	if (inet_pton(AF_INET, host, &address) == 1)
		return NULL;
	for (;;) {
		size_t len = strcspn(label, ".");
		if (len == 0 || len > LABEL_MAX)
			return "the host name has an empty or overlong part";
		for (size_t i = 0; i < len; i++)
			if (!is_host_char(label[i]))
				return "the host name has a character that names cannot have";
		if (label[len] == '\0' || label[len + 1] == '\0')
			return strspn(label, "0123456789") == len
				   ? "the host is neither a name nor an IPv4 address"
				   : NULL;
		label += len + 1;
	}
}

static const char *parse_port(struct ow_text text, int *port)
{
	int64_t number;
	if (!text_number(text, 65535, &number) || number == 0)
		return "the port must be a number from 1 to 65535";
	*port = (int)number;
	return NULL;
}

static char *lower_copy(struct arena *arena, struct ow_text text)
{
	char *copy = arena_string_of(arena, text.data, text.len);
	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	return copy;
}

/* host, host:port, [v6], [v6]:port */
static const char *parse_authority(struct ow_text text, struct arena *arena, struct url *out)
{
	bool bracket = text.len > 0 && text.data[0] == '[';
	const char *end = text.len ? memchr(text.data, bracket ? ']' : ':', text.len) : NULL;
	struct ow_text host = text, rest = {text.data + text.len, 0};
	if (bracket && !end)
		return "the IPv6 address lacks its closing bracket";
	if (end) {
		const char *start = text.data + (bracket ? 1 : 0);
		const char *after = end + (bracket ? 1 : 0);
		host = text_span(start, (size_t)(end - start));
		rest = text_span(after, text.len - (size_t)(after - text.data));
	}
	if (host.len == 0)
		return "the host is missing";
	if (host.len > HOST_MAX)
		return "the host name is too long";
	out->host = lower_copy(arena, host);

	struct in6_addr v6;
	const char *problem = NULL;
	if (bracket && inet_pton(AF_INET6, out->host, &v6) != 1)
		problem = "the brackets do not hold an IPv6 address";
	else if (!bracket)
		problem = check_name(out->host);
	if (!problem && rest.len > 0)
		problem = rest.data[0] == ':'
			      ? parse_port(text_span(rest.data + 1, rest.len - 1), &out->port)
			      : "only a port may follow the host";
	if (problem)
		return problem;

	const char *open = bracket ? "[" : "", *close = bracket ? "]" : "";
	out->authority =
	    out->port == (out->tls ? 443 : 80)
		? arena_printf(arena, "%s%s%s", open, out->host, close)
		: arena_printf(arena, "%s%s%s:%d", open, out->host, close, out->port);
	return NULL;
}

const char *url_parse(const char *text, struct arena *arena, struct url *out)
{
	struct ow_text rest = text_of(text);
	*out = (struct url){0};
	if (take_scheme(&rest, "https://"))
		out->tls = true;
	else if (!take_scheme(&rest, "http://"))
		return "must begin with http:// or https://";
	if (!is_plain_ascii(rest))
		return "has a space, a control character or a byte outside ASCII";
	if (memchr(rest.data, '#', rest.len))
		return "must not have a #fragment";
	out->port = out->tls ? 443 : 80;

	size_t host_len = strcspn(rest.data, "/?");
	struct ow_text authority = text_span(rest.data, host_len);
	if (memchr(authority.data, '@', authority.len))
		return "must not hold a user name or password";
	const char *problem = parse_authority(authority, arena, out);
	if (problem)
		return problem;

	const char *target = rest.data + host_len;
	out->target =
	    *target == '/' ? arena_string(arena, target) : arena_printf(arena, "/%s", target);
	return NULL;
}
