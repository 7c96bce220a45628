/*
 * A stream of HTTP messages, cut into pieces in several ways: what is read from
 * it must not depend on the cuts. The first byte says which way the messages
 * go and how long their bodies may be; the rest is what arrives.
 *
 *	clang -fsanitize=fuzzer,address,undefined -g -O1 -D_GNU_SOURCE -pthread \
 *	    -I. -Icore -Icore/include tests/fuzz/fuzz_http.c core/io/http_head.c \
 *	    core/io/http_body.c core/base/x.c            (with * for x)
 *	./a.out -max_len=2000 new-inputs tests/fuzz/corpus/http
 */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/http_body.h"

enum {
	RESPONSES = 1,
	TO_HEAD = 2,
	SMALL = 4,
	DROP = 8
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* One reading of the stream. */
struct reader {
	unsigned flags;
	struct buf in; /* arrived and not yet used */
	size_t seen;
	bool in_body, dead;
	struct http_body body;
	struct buf story; /* all that was read, to be compared */
};

static void check_inside(struct ow_text block, struct ow_text part)
{
	bool root = part.len == 1 && part.data[0] == '/'; /* may be static text */
	require(part.len == 0 || root ||
		(part.data >= block.data && part.data + part.len <= block.data + block.len));
}

static void tell_text(struct reader *r, struct ow_text block, struct ow_text part)
{
	check_inside(block, part);
	buf_printf(&r->story, " %zu:", part.len);
	buf_add_text(&r->story, part);
}

/* What the grammar promises to everybody who is given a head. */
static void check_fields(const struct http_head *head)
{
	require(head->count <= HTTP_FIELDS_MAX);
	for (size_t i = 0; i < head->count; i++) {
		struct ow_text name = head->fields[i].name, value = head->fields[i].value;
		require(name.len > 0);
		for (size_t at = 0; at < name.len; at++)
			require(http_is_token(name.data[at]));
		for (size_t at = 0; at < value.len; at++)
			require(http_is_text(value.data[at]));
		require(text_trim(value).len == value.len);
	}
}

static void check_framing(const struct http_head *head)
{
	bool length = http_head_field(head, "Content-Length").data != NULL;
	bool coding = http_head_field(head, "Transfer-Encoding").data != NULL;
	require(!length || !coding);
	require(!coding || head->body == HTTP_BODY_CHUNKED || head->body == HTTP_BODY_NONE);
	require(head->body != HTTP_BODY_CHUNKED || (coding && head->minor > 0));
	require(head->body != HTTP_BODY_LENGTH || (length && head->content_length >= 0));
	require(head->body != HTTP_BODY_UNTIL_CLOSE || !head->keep_alive);
}

static void tell_head(struct reader *r, struct ow_text block, const struct http_head *head)
{
	check_fields(head);
	check_framing(head);
	tell_text(r, block, head->method);
	tell_text(r, block, head->target);
	tell_text(r, block, head->path);
	tell_text(r, block, head->query);
	for (size_t i = 0; i < head->count; i++) {
		tell_text(r, block, head->fields[i].name);
		tell_text(r, block, head->fields[i].value);
	}
	buf_printf(&r->story,
	    " status %d minor %d keep %d expect %d body %d length %" PRId64 "\n", head->status,
	    head->minor, head->keep_alive, head->expect_continue, head->body,
	    head->content_length);
}

static void use(struct reader *r, size_t len)
{
	struct buf rest = BUF_INIT;
	buf_add(&rest, r->in.data + len, r->in.len - len);
	buf_free(&r->in);
	r->in = rest;
}

/* False: more is needed, or it is over. */
static bool read_head(struct reader *r)
{
	int64_t len = http_head_end(buf_text(&r->in).data, r->in.len, r->seen);
	r->seen = len > 0 ? 0 : r->in.len;
	if (len <= 0) {
		r->dead = len < 0;
		return false;
	}
	/* A copy of just its size, so that a sanitizer sees a read beyond the end. */
	char *copy = mem_copy(r->in.data, (size_t)len);
	struct ow_text block = text_span(copy, (size_t)len);
	struct http_head head;
	const char *problem;
	int status = r->flags & RESPONSES
			 ? http_parse_response(
			       block, r->flags & TO_HEAD ? "HEAD" : "GET", &head, &problem)
			 : http_parse_request(block, &head, &problem);
	if (status) {
		buf_printf(&r->story, "refused %d: %s\n", status, problem);
		r->dead = true;
	} else {
		tell_head(r, block, &head);
		http_body_init(
		    &r->body, head.body, head.content_length, r->flags & SMALL ? 20 : 100000);
		r->body.drop = (r->flags & DROP) != 0;
		r->in_body = true;
		http_head_fini(&head);
	}
	free(copy);
	use(r, (size_t)len);
	return !r->dead;
}

static void end_body(struct reader *r, enum http_body_result result)
{
	require(r->body.size <= r->body.limit);
	require(r->body.bytes.len == (r->body.drop ? 0 : (size_t)r->body.size));
	buf_printf(&r->story, "body %d of %" PRId64 ": ", result, r->body.size);
	buf_add_text(&r->story, buf_text(&r->body.bytes));
	http_body_fini(&r->body);
	r->in_body = false;
	r->dead = result != HTTP_BODY_COMPLETE;
}

static bool read_body(struct reader *r)
{
	size_t used;
	enum http_body_result result =
	    http_body_feed(&r->body, buf_text(&r->in).data, r->in.len, &used);
	require(used <= r->in.len);
	require(result != HTTP_BODY_MORE || used == r->in.len);
	use(r, used);
	if (result != HTTP_BODY_MORE)
		end_body(r, result);
	return result == HTTP_BODY_COMPLETE;
}

/* Reads the stream in pieces of 1 to `most` bytes. */
static struct buf story_of(unsigned flags, const uint8_t *data, size_t size, size_t most)
{
	struct reader r = {.flags = flags, .in = BUF_INIT, .story = BUF_INIT};
	uint32_t chance = (uint32_t)size;
	for (size_t at = 0, piece; at < size && !r.dead; at += piece) {
		chance = chance * 1664525 + 1013904223;
		piece = 1 + (chance >> 16) % most;
		if (piece > size - at || most == size)
			piece = size - at;
		buf_add(&r.in, data + at, piece);
		while (r.in_body ? read_body(&r) : read_head(&r))
			;
	}
	if (r.in_body)
		end_body(&r, http_body_eof(&r.body));
	buf_printf(&r.story, "\ndead %d", r.dead);
	buf_free(&r.in);
	return r.story;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 3, 40};
	if (size < 2)
		return 0;
	unsigned flags = data[0];
	struct buf whole = story_of(flags, data + 1, size - 1, size - 1);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct buf cut = story_of(flags, data + 1, size - 1, pieces[i]);
		require(text_equal(buf_text(&whole), buf_text(&cut)));
		buf_free(&cut);
	}
	buf_free(&whole);
	return 0;
}
