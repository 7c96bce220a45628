/* An HTTP proxy that requests go through: where it is, and what it is told. */
#ifndef IO_HTTP_PROXY_H
#define IO_HTTP_PROXY_H

#include "base/buf.h"
#include "io/url.h"

struct http_proxy {
	struct url url;		   /* where it is */
	const char *authorization; /* "Basic ...", of Proxy-Authorization; NULL: none */
	/* For an https origin: the request for a tunnel to it. Else "http://" and the origin,
	 */
	const char *connect; /* which stand before each target. The other is NULL. */
	const char *origin;
};

/*
 * Strings come from arena. text: http://[user:password@]host[:port], both
 * percent-encoded where they have to be. Returns NULL, or a static phrase that
 * says what is wrong, without a word of it: it may hold a password.
 */
const char *http_proxy_parse(
    const char *text, const struct url *origin, struct arena *arena, struct http_proxy *out);

/* Why there is no tunnel, or no answer of the origin: the proxy answered with that status. */
void http_proxy_refusal(int status, struct buf *out);

#endif
