/*
 * A message body as it arrives, incrementally: by length, chunked (RFC 9112
 * section 7.1), or until the connection closes. Collects it, up to a limit.
 *
 * Chunked is read strictly: hexadecimal sizes of at most 15 digits and nothing
 * around them, CRLF only. Extensions and trailers are checked and dropped;
 * those of one message may have HTTP_BODY_EXTRA_MAX bytes together, so that
 * nobody can keep us reading what never counts as body.
 */
#ifndef IO_HTTP_BODY_H
#define IO_HTTP_BODY_H

#include "base/buf.h"
#include "io/http_head.h"

#define HTTP_BODY_EXTRA_MAX 16384

enum http_body_result {
	HTTP_BODY_MORE = 0,  /* all of data was used; more is needed */
	HTTP_BODY_COMPLETE,  /* *used bytes belonged to this message */
	HTTP_BODY_TOO_LARGE, /* over the limit */
	HTTP_BODY_BAD,	     /* not the grammar */
};

struct http_body {
	enum http_body_kind kind;
	bool drop;    /* may be set after init: count the bytes, do not keep them */
	int state;    /* of the chunk reader; private */
	int digits;   /* of the chunk size; private */
	int64_t left; /* bytes left of the length or the chunk */
	int64_t size; /* bytes so far, never over limit */
	int64_t limit;
	size_t extra;	  /* bytes of extensions and trailers; private */
	struct buf bytes; /* what was collected */
};

/* For a head's body kind. An announced length over the limit is told at once by feed(). */
void http_body_init(
    struct http_body *body, enum http_body_kind kind, int64_t length, int64_t limit);
void http_body_fini(struct http_body *body);

/*
 * However the bytes are cut into pieces, the result is the same. After any
 * other result than MORE the rest of data is not this body's.
 */
enum http_body_result http_body_feed(
    struct http_body *body, const char *data, size_t len, size_t *used);
/* The connection ended cleanly: COMPLETE for until-close, else BAD. */
enum http_body_result http_body_eof(struct http_body *body);

#endif
