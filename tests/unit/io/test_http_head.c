#include "tests/unit/main.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/http_head.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Text that may hold NUL bytes. */
#define BYTES(literal)                                                                         \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}

#define HOST "Host: a\r\n"

static struct http_head head;
static const char *problem;

static void teardown(void)
{
	http_head_fini(&head);
	problem = NULL;
}

/* Parses a copy of just the right size, so that the sanitizers see any byte too many. */
static char *block;

static struct ow_text exact(struct ow_text text)
{
	free(block);
	block = mem_copy(text.data, text.len);
	return text_span(block, text.len);
}

static void free_block(void)
{
	teardown();
	free(block);
	block = NULL;
}

static int request(struct ow_text text)
{
	teardown();
	return http_parse_request(exact(text), &head, &problem);
}

static int response(struct ow_text text, const char *method)
{
	teardown();
	return http_parse_response(exact(text), method, &head, &problem);
}

static void assert_text(struct ow_text text, const char *expected, const char *where)
{
	ck_assert_msg(text_equal(text, text_of(expected)), "%s: \"%.*s\", not \"%s\"", where,
	    (int)text.len, text.data, expected);
}

/* ---- the end of a head ---- */

START_TEST(end_is_found_however_it_arrives)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX-Long: "
				   "0123456789 0123456789\t0123456789\r\n\r\nbody\n";
	int64_t whole = (int64_t)(strstr(text, "body") - text);
	ck_assert_int_eq(http_head_end(text, sizeof(text) - 1, 0), whole);
	for (size_t len = 0; len < (size_t)whole; len++) {
		ck_assert_int_eq(http_head_end(text, len, 0), 0);
		for (size_t seen = 0; seen <= len; seen++) {
			ck_assert_int_eq(http_head_end(text, len, seen), 0);
			ck_assert_int_eq(http_head_end(text, (size_t)whole, seen), whole);
		}
	}
}
END_TEST

START_TEST(end_does_not_look_twice)
{
	/* What was seen is no head at all, so looking at it again would show. */
	char text[64];
	memset(text, '\n', sizeof(text));
	memcpy(text + 40, "\r\nX: y\r\n\r\n", 10);
	ck_assert_int_eq(http_head_end(text, 50, 42), 50);
	ck_assert_int_eq(http_head_end(text, 50, 0), -1);
}
END_TEST

START_TEST(end_refuses_bare_bytes)
{
	static const struct ow_text bad[] = {BYTES("GET / HTTP/1.1\nHost: a\r\n\r\n"),
	    BYTES("GET / HTTP/1.1\rHost: a\r\n\r\n"), BYTES("GET / HTTP/1.1\r\nHost: a\n\n"),
	    BYTES("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n"), BYTES("GET / HTTP/1.1\r\n\n"),
	    BYTES("GET / HTTP/1.1\r\nA: b\r\r\n\r\n"), BYTES("\n\r\n"), BYTES("\r\r\n")};
	for (size_t i = 0; i < COUNT(bad); i++) {
		size_t first = 0;
		while (http_head_end(bad[i].data, first, 0) == 0 && first < bad[i].len)
			first++;
		ck_assert_msg(http_head_end(bad[i].data, first, 0) == -1, "head %zu", i);
		for (size_t seen = 0; seen < first; seen++)
			ck_assert_msg(http_head_end(bad[i].data, first, seen) == -1,
			    "head %zu, seen %zu", i, seen);
	}
}
END_TEST

START_TEST(an_empty_first_line_ends_a_head)
{
	/* The caller skips empty lines before; here it is a head without a request. */
	ck_assert_int_eq(http_head_end("\r\n", 2, 0), 2);
	ck_assert_int_eq(http_head_end("\r\n", 2, 1), 2);
	ck_assert_int_eq(request(text_of("\r\n")), 400);
}
END_TEST

/* ---- requests that are fine ---- */

struct good_request {
	const char *text;
	const char *method, *target, *path, *query; /* query NULL: none */
	int minor;
	bool keep_alive, expect_continue;
	enum http_body_kind body;
	int64_t length;
};

static const struct good_request good_requests[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", "GET", "/", "/", NULL, 1, true, false, 0, 0},
    {"POST /a/b?c=d?e HTTP/1.1\r\nhOST: example.com:8080\r\ncontent-LENGTH: 7\r\n\r\n", "POST",
	"/a/b?c=d?e", "/a/b", "c=d?e", 1, true, false, HTTP_BODY_LENGTH, 7},
    {"POST /a? HTTP/1.1\r\n" HOST "\r\n", "POST", "/a?", "/a", "", 1, true, false, 0, 0},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "POST", "/", "/", NULL, 1, true,
	false, HTTP_BODY_LENGTH, 0},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n", "POST", "/", "/",
	NULL, 1, true, false, HTTP_BODY_LENGTH, INT64_MAX},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length:\t 007 \t\r\n\r\n", "POST", "/", "/", NULL, 1,
	true, false, HTTP_BODY_LENGTH, 7},
    {"PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "PUT", "/", "/", NULL, 1,
	true, false, HTTP_BODY_CHUNKED, 0},
    {"PUT / HTTP/1.1\r\n" HOST "TRANSFER-ENCODING: Chunked\r\n\r\n", "PUT", "/", "/", NULL, 1,
	true, false, HTTP_BODY_CHUNKED, 0},
    {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "GET", "/", "/", NULL, 1, false,
	false, 0, 0},
    {"GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\nConnection: x ,\tClose\r\n\r\n",
	"GET", "/", "/", NULL, 1, false, false, 0, 0},
    {"GET / HTTP/1.1\r\n" HOST "Connection: ,, closed,clos\r\n\r\n", "GET", "/", "/", NULL, 1,
	true, false, 0, 0},
    {"GET / HTTP/1.0\r\n\r\n", "GET", "/", "/", NULL, 0, false, false, 0, 0},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET", "/", "/", NULL, 0, true, false,
	0, 0},
    {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET", "/", "/", NULL, 0, false,
	false, 0, 0},
    {"GET / HTTP/1.7\r\n" HOST "\r\n", "GET", "/", "/", NULL, 7, true, false, 0, 0},
    {"POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", "POST",
	"/", "/", NULL, 1, true, true, HTTP_BODY_LENGTH, 1},
    {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "POST", "/", "/",
	NULL, 0, false, false, HTTP_BODY_LENGTH, 1},
    {"POST / HTTP/1.0\r\nExpect: tea\r\n\r\n", "POST", "/", "/", NULL, 0, false, false, 0, 0},
    {"GET http://example.com/a?b HTTP/1.1\r\n" HOST "\r\n", "GET", "http://example.com/a?b",
	"/a", "b", 1, true, false, 0, 0},
    {"GET HTTPS://[::1]:443 HTTP/1.1\r\n" HOST "\r\n", "GET", "HTTPS://[::1]:443", "/", NULL, 1,
	true, false, 0, 0},
    {"GET http://a?b HTTP/1.1\r\n" HOST "\r\n", "GET", "http://a?b", "/", "b", 1, true, false,
	0, 0},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS", "*", "*", NULL, 1, true, false, 0, 0},
    {"!#$%&'*+-.^_`|~09azAZ /~!$&'()*+,;=:@%20|{} HTTP/1.1\r\n" HOST "\r\n",
	"!#$%&'*+-.^_`|~09azAZ", "/~!$&'()*+,;=:@%20|{}", "/~!$&'()*+,;=:@%20|{}", NULL, 1,
	true, false, 0, 0},
    {"GET / HTTP/1.1\r\nHost: [2001:db8::7]:80\r\n\r\n", "GET", "/", "/", NULL, 1, true, false,
	0, 0},
    {"GET / HTTP/1.1\r\nHost: a_b-c.d~%41:\r\n\r\n", "GET", "/", "/", NULL, 1, true, false, 0,
	0},
    {"GET / HTTP/1.1\r\nHost:a\r\nX:\r\nY: \t \r\nZ: caf\xc3\xa9 \xff\r\n\r\n", "GET", "/", "/",
	NULL, 1, true, false, 0, 0},
};

START_TEST(good_request)
{
	const struct good_request *g = &good_requests[_i];
	int status = request(text_of(g->text));
	ck_assert_msg(status == 0, "%d %s: %s", status, problem, g->text);
	assert_text(head.method, g->method, g->text);
	assert_text(head.target, g->target, g->text);
	assert_text(head.path, g->path, g->text);
	ck_assert_msg((head.query.data == NULL) == (g->query == NULL), "%s", g->text);
	assert_text(head.query, g->query ? g->query : "", g->text);
	ck_assert_int_eq(head.minor, g->minor);
	ck_assert_msg(head.keep_alive == g->keep_alive, "keep_alive: %s", g->text);
	ck_assert_msg(head.expect_continue == g->expect_continue, "expect: %s", g->text);
	ck_assert_msg(head.body == g->body, "body %d: %s", head.body, g->text);
	ck_assert_int_eq(head.content_length, g->length);
}
END_TEST

START_TEST(fields_as_received)
{
	ck_assert_int_eq(request(text_of("GET / HTTP/1.1\r\nHost: a\r\nX-One:  two  three \r\n"
					 "x-one: four\r\nEmpty:\r\n\r\n")),
	    0);
	ck_assert_uint_eq(head.count, 4);
	assert_text(head.fields[1].name, "X-One", "name");
	assert_text(head.fields[1].value, "two  three", "value");
	assert_text(head.fields[2].name, "x-one", "name");
	assert_text(head.fields[2].value, "four", "value");
	assert_text(head.fields[3].value, "", "value");
}
END_TEST

START_TEST(first_field_of_a_name)
{
	ck_assert_int_eq(
	    request(text_of("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: 2\r\nEmpty:\r\n\r\n")), 0);
	assert_text(http_head_field(&head, "x"), "1", "x");
	assert_text(http_head_field(&head, "HOST"), "a", "host");
	ck_assert_ptr_nonnull(http_head_field(&head, "empty").data);
	ck_assert_ptr_null(http_head_field(&head, "y").data);
}
END_TEST

/* ---- requests that are refused ---- */

struct bad_request {
	int status;
	struct ow_text text;
};

#define LINE "POST / HTTP/1.1\r\n"

static const struct bad_request bad_requests[] = {
    /* the request line */
    {400, BYTES("")},
    {400, BYTES("\r\n")},
    {400, BYTES("GET\r\n\r\n")},
    {400, BYTES("GET /\r\n\r\n")},
    {400, BYTES("GET / \r\n" HOST "\r\n")},
    {400, BYTES("GET  / HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET /  HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET / HTTP/1.1 \r\n" HOST "\r\n")},
    {400, BYTES(" GET / HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET\t/\tHTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET /a b HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET /a\tb HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET /\x7f HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET /\0 HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET /a#b HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET a HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET * HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET http:///a HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET http://a:b/ HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("G(T / HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("G\xc3\xa9T / HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET: / HTTP/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET / http/1.1\r\n" HOST "\r\n")},
    {400, BYTES("GET / HTTP/1\r\n" HOST "\r\n")},
    {400, BYTES("GET / HTTP/1.10\r\n" HOST "\r\n")},
    {400, BYTES("GET / HTTP/11.1\r\n" HOST "\r\n")},
    {400, BYTES("GET / HTTP/1.x\r\n" HOST "\r\n")},
    {400, BYTES("GET / HTTPS/1.1\r\n" HOST "\r\n")},
    {505, BYTES("GET / HTTP/2.0\r\n" HOST "\r\n")},
    {505, BYTES("PRI * HTTP/2.0\r\n\r\n")},
    {505, BYTES("GET / HTTP/0.9\r\n\r\n")},
    {501, BYTES("CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n")},
    /* line ends */
    {400, BYTES("GET / HTTP/1.1\n" HOST "\r\n")},
    {400, BYTES("GET / HTTP/1.1\r" HOST "\r\n")},
    {400, BYTES(LINE "Host: a\n\r\n")},
    {400, BYTES(LINE "Host: a\r\r\n\r\n")},
    {400, BYTES(LINE "Host: a\rX: b\r\n\r\n")},
    {400, BYTES(LINE HOST "\n")},
    {400, BYTES(LINE HOST "\r")},
    {400, BYTES(LINE HOST)},
    {400, BYTES(LINE HOST "\r\nX")},
    /* fields */
    {400, BYTES(LINE HOST "X : b\r\n\r\n")},
    {400, BYTES(LINE HOST "X\t: b\r\n\r\n")},
    {400, BYTES(LINE HOST ": b\r\n\r\n")},
    {400, BYTES(LINE HOST "X\r\n\r\n")},
    {400, BYTES(LINE HOST "X Y: b\r\n\r\n")},
    {400, BYTES(LINE HOST "X(Y): b\r\n\r\n")},
    {400, BYTES(LINE HOST "X\xc3\xa9: b\r\n\r\n")},
    {400, BYTES(LINE HOST "X\0: b\r\n\r\n")},
    {400, BYTES(LINE HOST "X: a\r\n b\r\n\r\n")},
    {400, BYTES(LINE HOST "X: a\r\n\tb\r\n\r\n")},
    {400, BYTES(LINE " " HOST "\r\n")},
    {400, BYTES(LINE "\tX: y\r\n" HOST "\r\n")},
    {400, BYTES(LINE HOST "X: a\0b\r\n\r\n")},
    {400, BYTES(LINE HOST "X: a\x01\r\n\r\n")},
    {400, BYTES(LINE HOST "X: a\x0b\r\n\r\n")},
    {400, BYTES(LINE HOST "X: a\x1f\r\n\r\n")},
    {400, BYTES(LINE HOST "X: 0123456789a\x7f"
			  "0123456789\r\n\r\n")},
    {400, BYTES(LINE HOST "X: 0123456\x08"
			  "0123456789\r\n\r\n")},
    /* Host */
    {400, BYTES(LINE "\r\n")},
    {400, BYTES(LINE "Hos: a\r\n\r\n")},
    {400, BYTES(LINE HOST HOST "\r\n")},
    {400, BYTES(LINE HOST "host: b\r\n\r\n")},
    {400, BYTES("GET / HTTP/1.0\r\n" HOST HOST "\r\n")},
    {400, BYTES(LINE "Host:\r\n\r\n")},
    {400, BYTES(LINE "Host: :80\r\n\r\n")},
    {400, BYTES(LINE "Host: a b\r\n\r\n")},
    {400, BYTES(LINE "Host: a,b\r\n\r\n")},
    {400, BYTES(LINE "Host: a/b\r\n\r\n")},
    {400, BYTES(LINE "Host: a?b\r\n\r\n")},
    {400, BYTES(LINE "Host: u@a\r\n\r\n")},
    {400, BYTES(LINE "Host: a:b\r\n\r\n")},
    {400, BYTES(LINE "Host: a:80:80\r\n\r\n")},
    {400, BYTES(LINE "Host: a:65536\r\n\r\n")},
    {400, BYTES(LINE "Host: a:+8\r\n\r\n")},
    {400, BYTES(LINE "Host: ::1\r\n\r\n")},
    {400, BYTES(LINE "Host: [::1\r\n\r\n")},
    {400, BYTES(LINE "Host: []\r\n\r\n")},
    {400, BYTES(LINE "Host: [::1]a\r\n\r\n")},
    {400, BYTES(LINE "Host: [::1]]\r\n\r\n")},
    {400, BYTES(LINE "Host: [g::1]\r\n\r\n")},
    {400, BYTES(LINE "Host: caf\xc3\xa9\r\n\r\n")},
    {400, BYTES("GET / HTTP/1.0\r\nHost: a b\r\n\r\n")},
    /* lengths and codings */
    {400, BYTES(LINE HOST "Content-Length: 7\r\nContent-Length: 7\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: 7\r\nContent-Length: 8\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: 7\r\ncontent-length: 7\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: 7, 7\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: 7,\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: +7\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: -7\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: 0x7\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: 7 7\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: 7.0\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: \"7\"\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length:\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: 9223372036854775808\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: 99999999999999999999999\r\n\r\n")},
    {400, BYTES(LINE HOST "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {400, BYTES(LINE HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n")},
    {400, BYTES(LINE HOST "Transfer-Encoding: identity\r\nContent-Length: 7\r\n\r\n")},
    {400, BYTES(LINE HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {400, BYTES(LINE HOST "Transfer-Encoding:\r\n\r\n")},
    {400, BYTES("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n")},
    {501, BYTES(LINE HOST "Transfer-Encoding: xchunked\r\n\r\n")},
    {501, BYTES(LINE HOST "Transfer-Encoding: chunked, chunked\r\n\r\n")},
    {501, BYTES(LINE HOST "Transfer-Encoding: gzip, chunked\r\n\r\n")},
    {501, BYTES(LINE HOST "Transfer-Encoding: chunked, identity\r\n\r\n")},
    {501, BYTES(LINE HOST "Transfer-Encoding: identity\r\n\r\n")},
    {501, BYTES(LINE HOST "Transfer-Encoding: chunked;q=1\r\n\r\n")},
    {501, BYTES(LINE HOST "Transfer-Encoding: \"chunked\"\r\n\r\n")},
    {400, BYTES(LINE HOST "Transfer-Encoding: \x0b"
			  "chunked\r\n\r\n")},
    {400, BYTES(LINE HOST "Transfer-Encoding : chunked\r\n\r\n")},
    /* expectations */
    {417, BYTES(LINE HOST "Expect: tea\r\n\r\n")},
    {417, BYTES(LINE HOST "Expect:\r\n\r\n")},
    {417, BYTES(LINE HOST "Expect: 100-continue, tea\r\n\r\n")},
    {417, BYTES(LINE HOST "Expect: 100-continue\r\nExpect: tea\r\n\r\n")},
};

START_TEST(bad_request)
{
	const struct bad_request *b = &bad_requests[_i];
	int status = request(b->text);
	ck_assert_msg(status == b->status, "%d, not %d: %.*s", status, b->status,
	    (int)b->text.len, b->text.data);
	ck_assert_ptr_nonnull(problem);
	ck_assert_ptr_null(head.fields);
	/* It goes into the answer's JSON as it is. */
	ck_assert_ptr_null(strpbrk(problem, "\"\\\r\n"));
}
END_TEST

START_TEST(problems_are_named)
{
	ck_assert_int_eq(request(text_of(LINE HOST "X: a\r\n b\r\n\r\n")), 400);
	ck_assert_str_eq(problem, "folded header");
	ck_assert_int_eq(request(text_of(LINE HOST ": a\r\n\r\n")), 400);
	ck_assert_str_eq(problem, "empty header name");
	ck_assert_int_eq(request(text_of(LINE HOST "X : a\r\n\r\n")), 400);
	ck_assert_str_eq(problem, "malformed header name");
}
END_TEST

static void add_fields(struct buf *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(b, "X-%zu: y\r\n", i);
	buf_add_string(b, "\r\n");
}

START_TEST(number_of_fields_is_bounded)
{
	struct buf b = BUF_INIT;
	buf_add_string(&b, LINE HOST);
	add_fields(&b, HTTP_FIELDS_MAX - 1);
	ck_assert_int_eq(request(buf_text(&b)), 0);
	ck_assert_uint_eq(head.count, HTTP_FIELDS_MAX);
	buf_clear(&b);
	buf_add_string(&b, LINE HOST);
	add_fields(&b, HTTP_FIELDS_MAX);
	ck_assert_int_eq(request(buf_text(&b)), 431);
	buf_free(&b);
}
END_TEST

START_TEST(no_prefix_of_a_head_is_one)
{
	static const char text[] =
	    "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\nX: y\r\n\r\n";
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		ck_assert_int_eq(request(text_span(text, len)), 400);
	ck_assert_int_eq(request(text_of(text)), 0);
}
END_TEST

/* ---- responses ---- */

struct good_response {
	const char *method, *text;
	int status, minor;
	bool keep_alive;
	enum http_body_kind body;
	int64_t length;
};

static const struct good_response good_responses[] = {
    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", 200, 1, true, HTTP_BODY_LENGTH, 7},
    {"GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, 1, true, HTTP_BODY_LENGTH, 0},
    {"GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, 1, true, HTTP_BODY_LENGTH, 0},
    {"GET", "HTTP/1.1 404 N\xc3\xb6 such \t thing\r\nTransfer-Encoding: chunked\r\n\r\n", 404,
	1, true, HTTP_BODY_CHUNKED, 0},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", 200,
	1, false, HTTP_BODY_CHUNKED, 0},
    {"GET", "HTTP/1.1 200 OK\r\n\r\n", 200, 1, false, HTTP_BODY_UNTIL_CLOSE, 0},
    {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", 200, 0, false,
	HTTP_BODY_UNTIL_CLOSE, 0},
    {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n", 200, 0,
	true, HTTP_BODY_LENGTH, 1},
    {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", 200, 0, false, HTTP_BODY_LENGTH, 1},
    {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", 200, 1, true, HTTP_BODY_NONE, 7},
    {"HEAD", "HTTP/1.1 200 OK\r\n\r\n", 200, 1, true, HTTP_BODY_NONE, 0},
    {"POST", "HTTP/1.1 204 No Content\r\n\r\n", 204, 1, true, HTTP_BODY_NONE, 0},
    {"POST", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, 1, true,
	HTTP_BODY_NONE, 7},
    {"POST", "HTTP/1.1 100 Continue\r\n\r\n", 100, 1, true, HTTP_BODY_NONE, 0},
    {"POST", "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", 999, 1, true, HTTP_BODY_LENGTH,
	0},
};

START_TEST(good_response)
{
	const struct good_response *g = &good_responses[_i];
	int failed = response(text_of(g->text), g->method);
	ck_assert_msg(failed == 0, "%s: %s", problem, g->text);
	ck_assert_int_eq(head.status, g->status);
	ck_assert_int_eq(head.minor, g->minor);
	ck_assert_msg(head.keep_alive == g->keep_alive, "keep_alive: %s", g->text);
	ck_assert_msg(head.body == g->body, "body %d: %s", head.body, g->text);
	ck_assert_int_eq(head.content_length, g->length);
}
END_TEST

#define OK "HTTP/1.1 200 OK\r\n"

static const struct ow_text bad_responses[] = {
    BYTES(""),
    BYTES("\r\n"),
    BYTES("HTTP/1.1\r\n\r\n"),
    BYTES("HTTP/1.1 20 OK\r\n\r\n"),
    BYTES("HTTP/1.1 2000 OK\r\n\r\n"),
    BYTES("HTTP/1.1 2x0 OK\r\n\r\n"),
    BYTES("HTTP/1.1 099 OK\r\n\r\n"),
    BYTES("HTTP/1.1  200 OK\r\n\r\n"),
    BYTES("HTTP/1.1\t200 OK\r\n\r\n"),
    BYTES("HTTP/1.1 200\tOK\r\n\r\n"),
    BYTES("HTTP/1.1 200 O\x01K\r\n\r\n"),
    BYTES("HTTP/1.1 200 O\0K\r\n\r\n"),
    BYTES("HTTP/1.1 200 OK\n\r\n"),
    BYTES("HTTP/1.1 200 OK\r\r\n\r\n"),
    BYTES("HTTP/2.0 200 OK\r\n\r\n"),
    BYTES("HTTP/0.9 200 OK\r\n\r\n"),
    BYTES("http/1.1 200 OK\r\n\r\n"),
    BYTES("ICY 200 OK\r\n\r\n"),
    BYTES(OK),
    BYTES(OK "X : y\r\n\r\n"),
    BYTES(OK "X: a\r\n b\r\n\r\n"),
    BYTES(OK ": y\r\n\r\n"),
    BYTES(OK "X: a\x01\r\n\r\n"),
    BYTES(OK "Content-Length: 7\r\nContent-Length: 7\r\n\r\n"),
    BYTES(OK "Content-Length: 7, 7\r\n\r\n"),
    BYTES(OK "Content-Length: +7\r\n\r\n"),
    BYTES(OK "Content-Length:\r\n\r\n"),
    BYTES(OK "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BYTES(OK "Transfer-Encoding: xchunked\r\n\r\n"),
    BYTES(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    BYTES(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BYTES("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
};

START_TEST(bad_response)
{
	struct ow_text text = bad_responses[_i];
	ck_assert_msg(response(text, "GET") == -1, "was taken: %.*s", (int)text.len, text.data);
	ck_assert_ptr_nonnull(problem);
	ck_assert_ptr_null(head.fields);
}
END_TEST

START_TEST(reasons)
{
	ck_assert_str_eq(http_reason(200), "OK");
	ck_assert_str_eq(http_reason(405), "Method Not Allowed");
	ck_assert_str_eq(http_reason(599), "Unknown");
	/* All that the listener itself answers with. */
	static const int own[] = {
	    100, 400, 404, 405, 408, 413, 414, 417, 431, 500, 501, 503, 505};
	for (size_t i = 0; i < COUNT(own); i++)
		ck_assert_str_ne(http_reason(own[i]), "Unknown");
}
END_TEST

START_TEST(classes_of_bytes)
{
	for (int c = 0; c < 256; c++) {
		bool alnum =
		    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool token = alnum || (c && c < 128 && strchr("!#$%&'*+-.^_`|~", c));
		bool text = c == '\t' || (c >= ' ' && c != 127);
		ck_assert_msg(http_is_token((char)c) == token, "token %d", c);
		ck_assert_msg(http_is_text((char)c) == text, "text %d", c);
	}
}
END_TEST

/* Texts are looked at eight bytes at a time: every byte at every place must be seen. */
START_TEST(every_byte_is_looked_at)
{
	char line[32];
	for (size_t len = 1; len <= 20; len++) {
		for (size_t at = 0; at < len; at++) {
			for (int c = 0; c < 256; c++) {
				memset(line, '\x80', sizeof(line));
				line[at] = (char)c;
				ck_assert_msg(http_is_all_text(exact(text_span(line, len))) ==
						  http_is_text((char)c),
				    "%d at %zu of %zu", c, at, len);
			}
		}
	}
	ck_assert(http_is_all_text(TEXT_NONE));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_head");
	TCase *t = tcase_create("heads");
	tcase_add_checked_fixture(t, NULL, free_block);
	tcase_add_test(t, end_is_found_however_it_arrives);
	tcase_add_test(t, end_does_not_look_twice);
	tcase_add_test(t, end_refuses_bare_bytes);
	tcase_add_test(t, an_empty_first_line_ends_a_head);
	tcase_add_loop_test(t, good_request, 0, COUNT(good_requests));
	tcase_add_test(t, fields_as_received);
	tcase_add_test(t, first_field_of_a_name);
	tcase_add_loop_test(t, bad_request, 0, COUNT(bad_requests));
	tcase_add_test(t, problems_are_named);
	tcase_add_test(t, number_of_fields_is_bounded);
	tcase_add_test(t, no_prefix_of_a_head_is_one);
	tcase_add_loop_test(t, good_response, 0, COUNT(good_responses));
	tcase_add_loop_test(t, bad_response, 0, COUNT(bad_responses));
	tcase_add_test(t, reasons);
	tcase_add_test(t, classes_of_bytes);
	tcase_add_test(t, every_byte_is_looked_at);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
