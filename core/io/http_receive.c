#include "io/http_receive.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/http_connection.h"

/* RFC 9112 section 2.2 has us skip an empty line before a request; a few, not a stream of them.
 */
#define EMPTY_LINES_MAX 4

/* ---- answers of the listener's own ---- */

static void answer_error(
    struct ow_http_request *r, int status, const char *detail, const char *extra)
{
	char body[160];
	int len = snprintf(body, sizeof(body), "{\"detail\":\"%s\"}", detail);
	http_request_answer(r, &(struct http_answer){.status = status,
				   .content_type = text_of("application/json"),
				   .body = text_span(body, (size_t)len),
				   .extra = extra});
}

void http_refuse(struct http_connection *c, int status, const char *detail)
{
	struct ow_http_request *r = c->current ? c->current : http_request_new(c);
	log_debug("listener", "%s: refused with %d: %s", c->peer, status, detail);
	http_count(&c->server->stats.bad_requests);
	c->current = NULL;
	http_connection_stop(c);
	http_request_queue(r);
	r->close = true;
	answer_error(r, status, detail, NULL);
}

static void refuse_too_large(struct http_connection *c)
{
	char detail[80];
	snprintf(detail, sizeof(detail), "Request body too large: at most %" PRId64 " bytes",
	    c->server->limits.max_body);
	http_refuse(c, 413, detail);
}

/*
 * 404 or 405. The body is read and dropped, to keep the connection; unless the
 * client waits to be asked for it, or says that it is larger than we read.
 */
static void deny(struct http_connection *c, int status, const char *extra)
{
	struct ow_http_request *r = c->current;
	bool body = r->head.body == HTTP_BODY_CHUNKED || r->head.content_length > 0;
	if (body &&
	    (r->head.expect_continue || r->head.content_length > c->server->limits.max_body))
		r->close = true;
	c->current = NULL;
	c->body.drop = true;
	http_request_queue(r);
	if (r->close)
		http_connection_stop(c);
	else
		c->state = CONNECTION_SKIP;
	answer_error(r, status, http_reason(status), extra);
}

/* ---- heads ---- */

static unsigned method_bit(struct ow_text method)
{
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = {{"POST", OW_HTTP_POST}, {"GET", OW_HTTP_GET}, {"HEAD", OW_HTTP_HEAD},
	    {"PUT", OW_HTTP_PUT}, {"PATCH", OW_HTTP_PATCH}, {"DELETE", OW_HTTP_DELETE}};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (text_equal(method, text_of(known[i].name)))
			return known[i].bit;
	return 0;
}

/* A well-formed head: is there somebody to take the request? */
static void admit(struct http_connection *c)
{
	struct ow_http_request *r = c->current;
	const struct http_head *head = &r->head;
	r->minor = head->minor;
	r->head_only = text_equal(head->method, text_of("HEAD"));
	r->close = !head->keep_alive;
	http_count(&c->server->stats.requests);
	http_body_init(&c->body, head->body, head->content_length, c->server->limits.max_body);
	if (!c->usual || !text_equal(c->usual->name, head->path))
		c->usual = http_server_path(c->server, head->path);
	r->path = c->usual;
	if (!r->path) {
		deny(c, 404, NULL);
	} else if (!(r->path->methods & method_bit(head->method))) {
		deny(c, 405, r->path->allow);
	} else {
		c->state = CONNECTION_BODY;
		c->owes_continue = head->expect_continue;
	}
}

static void take_head(struct http_connection *c, size_t len)
{
	struct ow_http_request *r = http_request_new(c);
	const char *problem;
	r->block = mem_alloc(len);
	evbuffer_remove(http_connection_input(c), r->block, len);
	c->current = r;
	c->seen = c->skipped = 0;
	c->advanced = true;
	int status = http_parse_request(text_span(r->block, len), &r->head, &problem);
	if (status)
		http_refuse(c, status, problem);
	else
		admit(c);
}

/*
 * What http_head_end() says of the input. The first piece usually holds it
 * all; only if it does not, pieces are joined.
 */
static int64_t find_end(struct http_connection *c, size_t len)
{
	struct evbuffer *input = http_connection_input(c);
	size_t piece = evbuffer_get_contiguous_space(input);
	int64_t end = 0;
	if (piece < len) {
		end = http_head_end(
		    (char *)evbuffer_pullup(input, (ssize_t)piece), piece, c->seen);
		c->seen = piece;
	}
	if (end == 0) {
		end = http_head_end((char *)evbuffer_pullup(input, (ssize_t)len), len, c->seen);
		c->seen = len;
	}
	return end;
}

static char first_byte(struct evbuffer *input)
{
	return (char)*evbuffer_pullup(input, 1);
}

/* False: too many. */
static bool skip_empty_lines(struct http_connection *c)
{
	struct evbuffer *input = http_connection_input(c);
	char start[2];
	while (evbuffer_copyout(input, start, 2) == 2 && start[0] == '\r' && start[1] == '\n') {
		evbuffer_drain(input, 2);
		c->seen = 0;
		c->skipped += 2;
		if (c->skipped > EMPTY_LINES_MAX * 2)
			return false;
	}
	return true;
}

static bool receive_head(struct http_connection *c)
{
	struct evbuffer *input = http_connection_input(c);
	size_t len = evbuffer_get_length(input), limit = (size_t)c->server->limits.max_headers;
	if (len == 0)
		return false;
	if (c->seen <= 1 && first_byte(input) == '\r') {
		if (!skip_empty_lines(c)) {
			http_refuse(c, 400, "empty lines instead of a request");
			return true;
		}
		len = evbuffer_get_length(input);
		if (len == 0)
			return false;
	}
	if (!http_connection_may_take(c)) {
		c->blocked = true;
		return false;
	}
	int64_t end = find_end(c, len < limit ? len : limit);
	if (end > 0)
		take_head(c, (size_t)end);
	else if (end < 0)
		http_refuse(c, 400, "bare CR, bare LF or NUL in the head");
	else if (len >= limit && !memchr(evbuffer_pullup(input, (ssize_t)limit), '\n', limit))
		http_refuse(c, 414, "request line too long");
	else if (len >= limit)
		http_refuse(c, 431, "headers too large");
	else
		return false;
	return true;
}

/* ---- bodies ---- */

static void complete(struct http_connection *c)
{
	struct ow_http_request *r = c->current;
	c->owes_continue = false;
	c->progress = 0;
	if (c->state == CONNECTION_SKIP) {
		c->state = CONNECTION_HEAD;
		return;
	}
	r->body = c->body.bytes;
	c->body.bytes = BUF_INIT;
	c->current = NULL;
	c->state = r->close ? CONNECTION_LAST : CONNECTION_HEAD;
	http_request_queue(r);
	r->path->handler(r, r->path->arg);
}

/*
 * A byte now and then is no progress: else one peer could hold a connection,
 * and a thousand of them all there are, for as long as they like.
 */
#define BODY_STEP ((size_t)16384)

static void note_progress(struct http_connection *c, size_t used)
{
	c->progress += used;
	if (c->progress >= BODY_STEP) {
		c->progress = 0;
		c->advanced = true;
	}
}

static bool receive_body(struct http_connection *c)
{
	struct evbuffer *input = http_connection_input(c);
	size_t len = evbuffer_get_contiguous_space(input), used;
	const char *data = len ? (char *)evbuffer_pullup(input, (ssize_t)len) : "";
	enum http_body_result result = http_body_feed(&c->body, data, len, &used);
	if (used) {
		evbuffer_drain(input, used);
		note_progress(c, used);
		c->owes_continue = false; /* it did not wait for our word */
	}
	if (result == HTTP_BODY_MORE)
		return evbuffer_get_length(input) > 0;
	if (result == HTTP_BODY_COMPLETE)
		complete(c);
	else if (c->state == CONNECTION_SKIP)
		http_connection_stop(c);
	else if (result == HTTP_BODY_TOO_LARGE)
		refuse_too_large(c);
	else
		http_refuse(c, 400, "malformed chunk in the body");
	return true;
}

bool http_receive(struct http_connection *c)
{
	size_t len;
	switch (c->state) {
	case CONNECTION_HEAD:
		return receive_head(c);
	case CONNECTION_BODY:
	case CONNECTION_SKIP:
		return receive_body(c);
	case CONNECTION_CLOSED:
		return false;
	default:
		len = evbuffer_get_length(http_connection_input(c));
		evbuffer_drain(http_connection_input(c), len);
		c->lingered += len;
		return false;
	}
}
