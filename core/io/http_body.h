/*
 * A message body as it arrives, incrementally: by length, chunked (RFC 9112
 * section 7.1, strict: hexadecimal sizes of at most 15 digits, CRLF only,
 * trailers checked and dropped, extensions bounded and dropped), or until the
 * connection closes. Collects it, up to a limit.
 */
#ifndef IO_HTTP_BODY_H
#define IO_HTTP_BODY_H

#include "base/buf.h"
#include "io/http_head.h"

enum http_body_result {
	HTTP_BODY_MORE = 0,  /* all of data was used; more is needed */
	HTTP_BODY_COMPLETE,  /* *used bytes belonged to this message */
	HTTP_BODY_TOO_LARGE, /* over the limit */
	HTTP_BODY_BAD,	     /* not the grammar */
};

struct http_body {
	enum http_body_kind kind;
	int state;	  /* of the chunk reader; private */
	int64_t left;	  /* bytes left of the length or the chunk */
	int64_t limit;
	size_t line;	  /* bytes of the current size or trailer line(s); private */
	int digits;	  /* of the chunk size; private */
	struct buf bytes; /* what was collected */
};

/* For a head's body kind. An announced length over the limit is told at once by feed(). */
void http_body_init(struct http_body *body, enum http_body_kind kind, int64_t length,
    int64_t limit);
void http_body_fini(struct http_body *body);

enum http_body_result http_body_feed(struct http_body *body, const char *data, size_t len,
    size_t *used);
/* The connection ended cleanly: COMPLETE for until-close, else BAD. */
enum http_body_result http_body_eof(struct http_body *body);

#endif
