#include "io/http_proxy.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/text.h"
#include "io/http_head.h"

static const char scheme[] = "http://";

/* Percent-decodes; false: a percent sign without two digits, or a NUL. */
static bool decode(struct ow_text text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if (c == '%') {
			bool whole = text.len - i > 2;
			int high = whole ? text_hex_digit(text.data[i + 1]) : -1;
			int low = whole ? text_hex_digit(text.data[i + 2]) : -1;
			if (high < 0 || low < 0 || high + low == 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		buf_add(out, &c, 1);
	}
	return true;
}

/* RFC 7617: user:password in base64. The user may have no colon, be it encoded. */
static const char *read_user(struct ow_text user, struct arena *arena, struct http_proxy *out)
{
	static const char no_good[] =
	    "its user and password must be user:password, with %3A and "
	    "so on for special characters";
	struct buf plain = BUF_INIT;
	const char *colon = memchr(user.data, ':', user.len);
	size_t name = colon ? (size_t)(colon - user.data) : user.len;
	const char *problem = NULL;
	if (name == 0 || !decode(text_span(user.data, name), &plain) ||
	    memchr(plain.data, ':', plain.len))
		problem = no_good;
	buf_add(&plain, ":", 1);
	if (!problem && colon && !decode(text_span(colon + 1, user.len - name - 1), &plain))
		problem = no_good;
	if (!problem) {
		char *encoded = arena_alloc(arena, 4 * (plain.len / 3 + 1) + 1);
		EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)plain.data,
		    (int)plain.len);
		out->authorization = arena_printf(arena, "Basic %s", encoded);
	}
	buf_free(&plain);
	return problem;
}

static void write_connect(const struct url *origin, struct arena *arena, struct http_proxy *out)
{
	const char *place = arena_printf(
	    arena, strchr(origin->host, ':') ? "[%s]:%d" : "%s:%d", origin->host, origin->port);
	out->connect = arena_printf(arena, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n",
	    place, place, out->authorization ? "Proxy-Authorization: " : "",
	    out->authorization ? out->authorization : "", out->authorization ? "\r\n" : "");
}

const char *http_proxy_parse(
    const char *text, const struct url *origin, struct arena *arena, struct http_proxy *out)
{
	const char *start = text + sizeof(scheme) - 1;
	const char *problem = NULL;
	*out = (struct http_proxy){.connect = NULL};
	if (!text_begins_with_nocase(text_of(text), text_of(scheme)))
		return "a proxy's URL must begin with http://";
	struct ow_text authority = text_span(start, strcspn(start, "/?#"));
	const char *at = memrchr(authority.data, '@', authority.len);
	if (at)
		problem = read_user(text_span(start, (size_t)(at - start)), arena, out);
	if (!problem)
		problem = url_parse(
		    arena_printf(arena, "%s%s", scheme, at ? at + 1 : start), arena, &out->url);
	if (!problem && strcmp(out->url.target, "/") != 0)
		problem = "a proxy's URL ends with its port";
	if (problem)
		return problem;
	if (origin->tls)
		write_connect(origin, arena, out);
	else
		out->origin = arena_printf(arena, "%s%s", scheme, origin->authority);
	return NULL;
}

void http_proxy_refusal(int status, struct buf *out)
{
	if (status == 407)
		buf_add_string(out, "the proxy wants a user and password, or others than those "
				    "given (407): check `proxy`");
	else
		buf_printf(out, "the proxy answered %d %s", status, http_reason(status));
}
