/* The bytes of an answer. */
#ifndef IO_HTTP_ANSWER_H
#define IO_HTTP_ANSWER_H

#include "base/buf.h"
#include "base/clock.h"

/* What a handler answers. All borrowed for the call. */
struct http_answer {
	int status;
	struct ow_text content_type; /* len 0: none */
	struct ow_text body;
	int64_t retry_after_ms; /* > 0: Retry-After, rounded up to whole seconds */
	const char *extra;	/* more fields, `Name: value\r\n` each; may be NULL */
	bool close;		/* close the connection after it */
};

/* The fields that every answer has, made anew once a second. */
struct http_common_fields {
	int64_t second; /* since 1970; what text says */
	size_t len;
	char text[64];
};

#define HTTP_COMMON_FIELDS_INIT ((struct http_common_fields){.second = -1})

/* `Date` (RFC 9110 section 5.6.7) and `Server`. */
void http_common_fields_update(struct http_common_fields *fields, int64_t wall_ms);

/* What of an answer depends on its request. */
struct http_answer_form {
	const struct http_common_fields *common;
	int minor; /* of the request: HTTP/1.0 must be told that a connection stays */
	bool head; /* the request was HEAD: no bytes of the body */
};

void http_answer_write(
    struct buf *out, const struct http_answer *answer, const struct http_answer_form *form);

#endif
