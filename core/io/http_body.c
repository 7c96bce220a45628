#include "io/http_body.h"

#include "base/text.h"

/* Room made at once for an announced body; beyond, it grows as bytes come. */
#define FIRST_ROOM 65536

#define SIZE_DIGITS_MAX 15 /* keeps a size within int64_t */

/* Where in a chunked body the next byte stands. */
enum {
	CHUNK_SIZE = 0,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_START,
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	LAST_LF,
	DONE,
};

void http_body_init(
    struct http_body *body, enum http_body_kind kind, int64_t length, int64_t limit)
{
	*body = (struct http_body){.kind = kind, .limit = limit, .bytes = BUF_INIT};
	if (kind == HTTP_BODY_LENGTH)
		body->left = length;
}

void http_body_fini(struct http_body *body)
{
	buf_free(&body->bytes);
}

static void keep(struct http_body *body, const char *data, size_t len)
{
	body->size += (int64_t)len;
	if (!body->drop)
		buf_add(&body->bytes, data, len);
}

static size_t at_most(size_t len, int64_t left)
{
	return left < (int64_t)len ? (size_t)left : len;
}

static enum http_body_result feed_length(
    struct http_body *body, const char *data, size_t len, size_t *used)
{
	if (body->left > body->limit - body->size)
		return HTTP_BODY_TOO_LARGE;
	if (body->size == 0 && len && !body->drop)
		buf_reserve(&body->bytes, at_most(FIRST_ROOM, body->left));
	*used = at_most(len, body->left);
	keep(body, data, *used);
	body->left -= (int64_t)*used;
	return body->left == 0 ? HTTP_BODY_COMPLETE : HTTP_BODY_MORE;
}

static enum http_body_result feed_rest(
    struct http_body *body, const char *data, size_t len, size_t *used)
{
	*used = at_most(len, body->limit - body->size);
	keep(body, data, *used);
	return *used < len ? HTTP_BODY_TOO_LARGE : HTTP_BODY_MORE;
}

static enum http_body_result step(struct http_body *body, int next)
{
	body->state = next;
	return HTTP_BODY_MORE;
}

static enum http_body_result expect(struct http_body *body, char c, char wanted, int next)
{
	return c == wanted ? step(body, next) : HTTP_BODY_BAD;
}

static enum http_body_result size_byte(struct http_body *body, char c)
{
	int digit = text_hex_digit(c);
	if (digit >= 0) {
		if (++body->digits > SIZE_DIGITS_MAX)
			return HTTP_BODY_BAD;
		body->left = body->left * 16 + digit;
		return HTTP_BODY_MORE;
	}
	/* RFC 9112 lets a size be followed by white space; nobody sends it, so it is a trick.
	 */
	if (body->digits == 0)
		return HTTP_BODY_BAD;
	if (c == ';')
		return step(body, CHUNK_EXTENSION);
	return expect(body, c, '\r', CHUNK_SIZE_LF);
}

/* A byte of an extension or of a trailer's value. */
static enum http_body_result extra_byte(struct http_body *body, char c, int after)
{
	if (c == '\r')
		return step(body, after);
	if (!http_is_text(c) || ++body->extra > HTTP_BODY_EXTRA_MAX)
		return HTTP_BODY_BAD;
	return HTTP_BODY_MORE;
}

static enum http_body_result size_end(struct http_body *body, char c)
{
	if (c != '\n')
		return HTTP_BODY_BAD;
	body->digits = 0;
	if (body->left > body->limit - body->size)
		return HTTP_BODY_TOO_LARGE;
	return step(body, body->left ? CHUNK_DATA : TRAILER_START);
}

static enum http_body_result trailer_name_byte(struct http_body *body, char c)
{
	if (c == ':' && body->state == TRAILER_NAME)
		return step(body, TRAILER_VALUE);
	if (!http_is_token(c) || ++body->extra > HTTP_BODY_EXTRA_MAX)
		return HTTP_BODY_BAD;
	return step(body, TRAILER_NAME);
}

/* One byte of framing. MORE also for the last one, with state DONE. */
static enum http_body_result framing_byte(struct http_body *body, char c)
{
	switch (body->state) {
	case CHUNK_SIZE:
		return size_byte(body, c);
	case CHUNK_EXTENSION:
		return extra_byte(body, c, CHUNK_SIZE_LF);
	case CHUNK_SIZE_LF:
		return size_end(body, c);
	case CHUNK_DATA_CR:
		return expect(body, c, '\r', CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		return expect(body, c, '\n', CHUNK_SIZE);
	case TRAILER_START:
		return c == '\r' ? step(body, LAST_LF) : trailer_name_byte(body, c);
	case TRAILER_NAME:
		return trailer_name_byte(body, c);
	case TRAILER_VALUE:
		return extra_byte(body, c, TRAILER_LF);
	case TRAILER_LF:
		return expect(body, c, '\n', TRAILER_START);
	default:
		return expect(body, c, '\n', DONE);
	}
}

static enum http_body_result feed_chunked(
    struct http_body *body, const char *data, size_t len, size_t *used)
{
	size_t at = 0;
	enum http_body_result result = HTTP_BODY_MORE;
	while (at < len && body->state != DONE && result == HTTP_BODY_MORE) {
		if (body->state != CHUNK_DATA) {
			result = framing_byte(body, data[at++]);
			continue;
		}
		size_t n = at_most(len - at, body->left);
		keep(body, data + at, n);
		at += n;
		body->left -= (int64_t)n;
		if (body->left == 0)
			body->state = CHUNK_DATA_CR;
	}
	*used = at;
	return body->state == DONE ? HTTP_BODY_COMPLETE : result;
}

enum http_body_result http_body_feed(
    struct http_body *body, const char *data, size_t len, size_t *used)
{
	*used = 0;
	switch (body->kind) {
	case HTTP_BODY_LENGTH:
		return feed_length(body, data, len, used);
	case HTTP_BODY_CHUNKED:
		return feed_chunked(body, data, len, used);
	case HTTP_BODY_UNTIL_CLOSE:
		return feed_rest(body, data, len, used);
	case HTTP_BODY_NONE:
		break;
	}
	return HTTP_BODY_COMPLETE;
}

enum http_body_result http_body_eof(struct http_body *body)
{
	return body->kind == HTTP_BODY_UNTIL_CLOSE ? HTTP_BODY_COMPLETE : HTTP_BODY_BAD;
}
