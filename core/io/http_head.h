/*
 * The head of an HTTP/1.1 message (RFC 9112), parsed strictly: one parser for
 * requests and responses.
 *
 * Strict, because two parsers that read one message differently are how
 * requests are smuggled: bare CR or LF, obs-fold, white space before the
 * colon, bytes outside the field grammar, Content-Length together with
 * Transfer-Encoding, repeated or malformed lengths, any transfer coding but a
 * single `chunked`, and a missing or doubled Host are errors, never guessed
 * at.
 */
#ifndef IO_HTTP_HEAD_H
#define IO_HTTP_HEAD_H

#include <onceway/event.h>

enum http_body_kind {
	HTTP_BODY_NONE = 0, /* no body */
	HTTP_BODY_LENGTH,   /* content_length bytes */
	HTTP_BODY_CHUNKED,
	HTTP_BODY_UNTIL_CLOSE, /* responses only */
};

struct http_field {
	struct ow_text name;  /* as received */
	struct ow_text value; /* without white space around it */
};

#define HTTP_FIELDS_MAX 128

/*
 * A parsed head. All texts point into the block that was parsed, or to static
 * text. One allocation holds fields; free with http_head_fini().
 */
struct http_head {
	/* request */
	struct ow_text method;
	struct ow_text target; /* as received */
	struct ow_text path;   /* target up to `?`, without scheme and authority */
	struct ow_text query;  /* without the `?`; data NULL: none */
	/* response */
	int status;
	/* both */
	int minor;		   /* HTTP/1.x */
	struct http_field *fields; /* owned */
	size_t count;
	bool keep_alive;      /* by version and Connection */
	bool expect_continue; /* requests of HTTP/1.1 with `Expect: 100-continue` */
	enum http_body_kind body;
	int64_t content_length; /* with HTTP_BODY_LENGTH */
};

void http_head_fini(struct http_head *head);

/*
 * Looks for the end of a head in data, of which the first `seen` bytes were
 * looked at before. Returns the head's length with its final empty line; 0 if
 * it is not complete (call again with more, seen = len); -1 for a bare CR, a
 * bare LF or a NUL: whatever follows, this is no head. Empty lines before a
 * request are the caller's to skip.
 */
int64_t http_head_end(const char *data, size_t len, size_t seen);

/*
 * Parses a complete head as found by http_head_end(). Returns 0, or the status
 * to refuse a request with (400, 417, 431, 501, 505) and *problem, a static
 * phrase that is safe inside a JSON string. On failure head needs no fini.
 *
 * 501 is for what is well-formed but not spoken here: CONNECT, and any
 * Transfer-Encoding but a single `chunked` (so also `xchunked` and
 * `chunked, chunked`). A transfer coding in HTTP/1.0, a repeated or an empty
 * one is 400.
 */
int http_parse_request(struct ow_text block, struct http_head *head, const char **problem);

/*
 * The same for a response to a request of that method (HEAD has no body).
 * Returns 0 or -1 with *problem. Interim responses (1xx) are heads like any.
 */
int http_parse_response(struct ow_text block, const char *request_method,
    struct http_head *head, const char **problem);

/* Value of the first field of that name, any case; data NULL: none. */
struct ow_text http_head_field(const struct http_head *head, const char *name);

/* A byte that may stand in a method or a field name (RFC 9110 section 5.6.2). */
bool http_is_token(char c);
/* A byte that may stand in a field value: no control byte but the tab. */
bool http_is_text(char c);
bool http_is_all_text(struct ow_text text);

/* The standard phrase of a status: 404 -> "Not Found"; "Unknown" if there is none. */
const char *http_reason(int status);

#endif
