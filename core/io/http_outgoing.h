/* The head of a request that a caller wants sent: checked, then written. */
#ifndef IO_HTTP_OUTGOING_H
#define IO_HTTP_OUTGOING_H

#include <onceway/host.h>

#include "base/buf.h"

/*
 * NULL, or a static phrase: why this may not be put on a connection. Values
 * come from events, so a line break inside one would let whoever sent the
 * event write headers, or a second request.
 */
const char *http_outgoing_check(const struct ow_http_outgoing *request);

struct http_proxy;

/*
 * Writes the head to out, which is cleared first. host is the line's value.
 * proxy: one that takes the request itself, and so wants to know whereto (RFC
 * 9112, 3.2.2); NULL: whoever reads it is the origin.
 * Content-Length is written for every method that defines a body, even when
 * it is empty. No Connection: keep-alive is what HTTP/1.1 means.
 */
void http_outgoing_write(const struct ow_http_outgoing *request, struct ow_text host,
    const struct http_proxy *proxy, struct buf *out);

#endif
