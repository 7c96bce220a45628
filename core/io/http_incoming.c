#include "io/http_incoming.h"

#include <event2/buffer.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

void http_incoming_init(struct http_incoming *in, const char *method, int64_t max_body)
{
	*in = (struct http_incoming){.method = method, .max_body = max_body};
}

void http_incoming_fini(struct http_incoming *in)
{
	if (in->has_head) {
		http_head_fini(&in->head);
		http_body_fini(&in->body);
		free(in->block);
		in->block = NULL;
		in->has_head = false;
	}
}

static enum http_incoming_result bad(struct http_incoming *in, const char *problem)
{
	in->problem = problem;
	return HTTP_INCOMING_BAD;
}

/* An interim answer says nothing about how the final one will be. */
static enum http_incoming_result skip_interim(struct http_incoming *in)
{
	int status = in->head.status;
	http_head_fini(&in->head);
	if (status == 101)
		return bad(in, "it switches to a protocol that was not asked for");
	if (++in->interim > HTTP_INCOMING_INTERIM_MAX)
		return bad(in, "too many interim answers");
	return HTTP_INCOMING_MORE;
}

static enum http_incoming_result parse_head(struct http_incoming *in, char *block, size_t len)
{
	const char *problem;
	if (http_parse_response(text_span(block, len), in->method, &in->head, &problem) != 0) {
		free(block);
		return bad(in, problem);
	}
	if (in->head.status < 200) {
		enum http_incoming_result result = skip_interim(in);
		free(block);
		return result;
	}
	in->block = block;
	in->has_head = true;
	http_body_init(&in->body, in->head.body, in->head.content_length, in->max_body);
	return HTTP_INCOMING_MORE;
}

/* Takes one head; MORE with seen > 0: it is not all there yet. */
static enum http_incoming_result take_head(struct http_incoming *in, struct evbuffer *input)
{
	size_t len = evbuffer_get_length(input);
	size_t look = len < HTTP_INCOMING_HEAD_MAX ? len : HTTP_INCOMING_HEAD_MAX;
	const char *data = (const char *)evbuffer_pullup(input, (ssize_t)look);
	int64_t end = http_head_end(data, look, in->seen);
	if (end < 0)
		return bad(in, "its head has a bare CR or LF, or a NUL");
	if (end == 0) {
		in->seen = look;
		return look < HTTP_INCOMING_HEAD_MAX ? HTTP_INCOMING_MORE
						     : bad(in, "its head is too large");
	}
	in->heads += (size_t)end;
	in->seen = 0;
	if (in->heads > HTTP_INCOMING_HEADS_MAX)
		return bad(in, "its heads are too large");
	char *block = mem_copy(data, (size_t)end);
	evbuffer_drain(input, (size_t)end);
	return parse_head(in, block, (size_t)end);
}

static enum http_incoming_result body_result(
    struct http_incoming *in, enum http_body_result result)
{
	switch (result) {
	case HTTP_BODY_COMPLETE:
		in->complete = true;
		return HTTP_INCOMING_COMPLETE;
	case HTTP_BODY_TOO_LARGE:
		/* What was done is done: the status counts, whatever else they send. */
		buf_clear(&in->body.bytes);
		in->body_dropped = true;
		in->complete = true;
		return HTTP_INCOMING_COMPLETE;
	case HTTP_BODY_BAD:
		return bad(in, "its body's chunks are malformed");
	case HTTP_BODY_MORE:
		break;
	}
	return HTTP_INCOMING_MORE;
}

/* Without input too: a body may be empty, or be announced as too large. */
static enum http_incoming_result take_body(struct http_incoming *in, struct evbuffer *input)
{
	struct evbuffer_iovec piece;
	enum http_incoming_result result;
	do {
		size_t used = 0;
		if (evbuffer_peek(input, -1, NULL, &piece, 1) < 1)
			piece = (struct evbuffer_iovec){.iov_base = "", .iov_len = 0};
		result = body_result(
		    in, http_body_feed(&in->body, piece.iov_base, piece.iov_len, &used));
		if (used > 0)
			evbuffer_drain(input, used);
	} while (result == HTTP_INCOMING_MORE && piece.iov_len > 0);
	return result;
}

enum http_incoming_result http_incoming_feed(struct http_incoming *in, struct evbuffer *input)
{
	while (!in->has_head) {
		if (evbuffer_get_length(input) == 0)
			return HTTP_INCOMING_MORE;
		in->begun = true;
		enum http_incoming_result result = take_head(in, input);
		if (result != HTTP_INCOMING_MORE || in->seen > 0)
			return result;
	}
	return take_body(in, input);
}

bool http_incoming_eof(struct http_incoming *in)
{
	if (in->has_head && http_body_eof(&in->body) == HTTP_BODY_COMPLETE)
		in->complete = true;
	return in->complete;
}

bool http_incoming_keeps_alive(const struct http_incoming *in)
{
	return in->complete && in->head.keep_alive && !in->body_dropped;
}
