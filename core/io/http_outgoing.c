#include "io/http_outgoing.h"

#include <string.h>

#include "base/text.h"
#include "io/http_head.h"
#include "io/http_proxy.h"

static bool is_token(struct ow_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!http_is_token(text.data[i]))
			return false;
	return text.len > 0;
}

#define ALL(byte) (UINT64_MAX / 255 * (byte))

/* Eight bytes at a time: almost no value has a control byte, and every event's pass here. */
static bool has_control(const char *data)
{
	uint64_t x;
	memcpy(&x, data, sizeof(x));
	return ((x - ALL(0x20)) & ~x & ALL(0x80)) != 0;
}

static bool is_value(struct ow_text text)
{
	size_t i = 0;
	while (text.len - i >= sizeof(uint64_t) && !has_control(text.data + i))
		i += sizeof(uint64_t);
	for (; i < text.len; i++)
		if (text.data[i] == '\r' || text.data[i] == '\n' || text.data[i] == '\0')
			return false;
	return true;
}

static bool is_target(struct ow_text text)
{
	if (text.len == 0 || text.data[0] != '/')
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	return true;
}

/* Fields that frame the message or name its receiver. */
static bool is_ours(struct ow_text name)
{
	switch (name.len) {
	case 4:
		return text_equal_nocase(name, text_of("Host"));
	case 10:
		return text_equal_nocase(name, text_of("Connection"));
	case 14:
		return text_equal_nocase(name, text_of("Content-Length"));
	case 17:
		return text_equal_nocase(name, text_of("Transfer-Encoding"));
	default:
		return false;
	}
}

const char *http_outgoing_check(const struct ow_http_outgoing *request)
{
	if (!is_token(text_of(request->method)))
		return "the method is not a token";
	if (!is_target(request->target))
		return "the target does not begin with '/' or has a byte that must be escaped";
	for (size_t i = 0; i < request->headers; i++) {
		if (!is_token(request->names[i]))
			return "a header's name is not a token";
		if (!is_value(request->values[i]))
			return "a header's value has a line break or a NUL";
		if (is_ours(request->names[i]))
			return "a header is set that the client writes itself";
	}
	return NULL;
}

static bool defines_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

static char *put(char *at, struct ow_text text)
{
	if (text.len)
		memcpy(at, text.data, text.len);
	return at + text.len;
}

static char *put_number(char *at, size_t number)
{
	char digits[24], *first = digits + sizeof(digits);
	do {
		*--first = (char)('0' + number % 10);
	} while (number /= 10);
	return put(at, text_span(first, (size_t)(digits + sizeof(digits) - first)));
}

#define PUT(at, literal) put((at), text_span("" literal, sizeof(literal) - 1))

#define FIXED_MAX 128 /* everything but method, target, host, names and values */

void http_outgoing_write(const struct ow_http_outgoing *request, struct ow_text host,
    const struct http_proxy *proxy, struct buf *out)
{
	struct ow_text method = text_of(request->method);
	struct ow_text origin = text_of(proxy ? proxy->origin : NULL);
	struct ow_text authorization = text_of(proxy ? proxy->authorization : NULL);
	size_t room = FIXED_MAX + method.len + origin.len + request->target.len + host.len +
		      authorization.len;
	for (size_t i = 0; i < request->headers; i++)
		room += request->names[i].len + request->values[i].len + 4;
	buf_clear(out);
	buf_reserve(out, room);

	char *at = put(out->data, method);
	at = PUT(at, " ");
	at = put(at, origin);
	at = put(at, request->target);
	at = PUT(at, " HTTP/1.1\r\nHost: ");
	at = put(at, host);
	if (authorization.len) {
		at = PUT(at, "\r\nProxy-Authorization: ");
		at = put(at, authorization);
	}
	for (size_t i = 0; i < request->headers; i++) {
		at = PUT(at, "\r\n");
		at = put(at, request->names[i]);
		at = PUT(at, ": ");
		at = put(at, request->values[i]);
	}
	if (request->body.len > 0 || defines_body(request->method)) {
		at = PUT(at, "\r\nContent-Length: ");
		at = put_number(at, request->body.len);
	}
	at = PUT(at, "\r\n\r\n");
	out->len = (size_t)(at - out->data);
}
