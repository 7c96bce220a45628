#include "io/http_head.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/*
 * Heads are looked at eight bytes at a time: nearly all of their bytes are
 * neither a line's end nor forbidden, and this costs a fraction of asking for
 * each.
 */
#define ALL(byte) (UINT64_MAX / 255 * (uint64_t)(byte))

/* The first byte is the lowest. */
static uint64_t load8(const char *p)
{
	uint64_t x;
	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

/*
 * Marks the lowest byte of x that is below limit (at most 128) with its top
 * bit; bytes above it may be marked wrongly. 0: there is none.
 */
static uint64_t below(uint64_t x, unsigned limit)
{
	return (x - ALL(limit)) & ~x & ALL(0x80);
}

static size_t first_marked(uint64_t marks)
{
	return (size_t)__builtin_ctzll(marks) / 8;
}

bool http_is_token(char c)
{
	static const char token[256] = "0000000000000000"  /* control bytes */
				       "0000000000000000"  /* control bytes */
				       "0101111100110110"  /*   ! " # $ % & ' ( ) * + , - . / */
				       "1111111111000000"  /* 0-9 : ; < = > ? */
				       "0111111111111111"  /* @ A-O */
				       "1111111111100011"  /* P-Z [ \ ] ^ _ */
				       "1111111111111111"  /* ` a-o */
				       "1111111111101010"; /* p-z { | } ~ DEL */
	return token[(unsigned char)c] == '1';
}

bool http_is_text(char c)
{
	unsigned char u = (unsigned char)c;
	return (u >= 0x20 && u != 0x7f) || u == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What may stand in a request target: visible ASCII; a fragment is never sent. */
static bool is_target(char c)
{
	return c > 0x20 && c < 0x7f && c != '#';
}

/* The first byte of p that may not stand in a field value; end if there is none. */
static const char *text_end(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t x = load8(p), marks = below(x, 0x20) | below(x ^ ALL(0x7f), 1);
		p += marks ? first_marked(marks) : 8;
		if (marks && *p != '\t')
			return p;
		p += marks != 0;
	}
	while (p < end && http_is_text(*p))
		p++;
	return p;
}

bool http_is_all_text(struct ow_text text)
{
	return text.len == 0 ||
	       text_end(text.data, text.data + text.len) == text.data + text.len;
}

void http_head_fini(struct http_head *head)
{
	free(head->fields);
	*head = (struct http_head){.fields = NULL};
}

/* ---- the end of a head ---- */

int64_t http_head_end(const char *data, size_t len, size_t seen)
{
	if (seen > 0 && seen < len && data[seen - 1] == '\r' && data[seen] != '\n')
		return -1;
	for (size_t i = seen; i < len; i++) {
		uint64_t marks = 0;
		while (len - i >= 8 && (marks = below(load8(data + i), '\r' + 1)) == 0)
			i += 8;
		if (marks)
			i += first_marked(marks);
		if (i < len && data[i] == '\r' && ++i < len && data[i] != '\n')
			return -1;
		if (i == len)
			return 0;
		if (data[i] == '\0')
			return -1;
		if (data[i] != '\n')
			continue;
		if (i == 0 || data[i - 1] != '\r')
			return -1;
		if (i == 1 || data[i - 2] == '\n')
			return (int64_t)i + 1;
	}
	return 0;
}

/* ---- lines ---- */

/* Where the parser is. The block was copied or borrowed; nothing is written to it. */
struct reader {
	const char *at, *end;
	const char *problem;
};

static bool fail(struct reader *in, const char *problem)
{
	in->problem = problem;
	return false;
}

static bool at_line_end(const struct reader *in)
{
	return in->end - in->at >= 2 && in->at[0] == '\r' && in->at[1] == '\n';
}

/* `HTTP/1.x`; *minor is -1 for another major version. */
static bool read_version(struct reader *in, int *minor)
{
	const char *p = in->at;
	if (in->end - p < 8 || memcmp(p, "HTTP/", 5) != 0 || !is_digit(p[5]) || p[6] != '.' ||
	    !is_digit(p[7]))
		return fail(in, "malformed HTTP version");
	*minor = p[5] == '1' ? p[7] - '0' : -1;
	in->at += 8;
	return true;
}

static bool read_field(struct reader *in, struct http_field *field)
{
	const char *start = in->at, *p = start;
	while (p < in->end && http_is_token(*p))
		p++;
	if (p < in->end && p == start && (*p == ' ' || *p == '\t'))
		return fail(in, "folded header");
	if (p == in->end || *p != ':')
		return fail(in, "malformed header name");
	if (p == start)
		return fail(in, "empty header name");
	field->name = text_span(start, (size_t)(p - start));
	start = p + 1;
	in->at = text_end(start, in->end);
	if (!at_line_end(in))
		return fail(in, "forbidden byte in a header value");
	field->value = text_trim(text_span(start, (size_t)(in->at - start)));
	in->at += 2;
	return true;
}

/* ---- fields that say how the message is framed ---- */

/* What the fields said, before it is judged as a whole. */
struct framing {
	struct ow_text host, length, coding;
	unsigned hosts, lengths, codings;
	bool close, keep_alive;
	bool expect_continue, expect_other;
};

static bool is(struct ow_text text, const char *word)
{
	return text_equal_nocase(text, text_of(word));
}

/* For a field name of the same length as word: among tokens, bit 5 only tells the case. */
static bool is_named(const struct http_field *field, const char *word)
{
	unsigned differ = 0;
	for (size_t i = 0; i < field->name.len; i++)
		differ |= (unsigned)(field->name.data[i] ^ word[i]) & 0xdf;
	return differ == 0;
}

static void note_connection(struct framing *f, struct ow_text list)
{
	while (list.len) {
		const char *comma = memchr(list.data, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.data) : list.len;
		struct ow_text option = text_trim(text_span(list.data, len));
		if (is(option, "close"))
			f->close = true;
		else if (is(option, "keep-alive"))
			f->keep_alive = true;
		len += comma != NULL;
		list = text_span(list.data + len, list.len - len);
	}
}

static void note_field(struct framing *f, const struct http_field *field)
{
	switch (field->name.len) {
	case 4:
		if (is_named(field, "Host")) {
			f->host = field->value;
			f->hosts++;
		}
		break;
	case 6:
		if (is_named(field, "Expect")) {
			bool known = is(field->value, "100-continue");
			f->expect_continue |= known;
			f->expect_other |= !known;
		}
		break;
	case 10:
		if (is_named(field, "Connection"))
			note_connection(f, field->value);
		break;
	case 14:
		if (is_named(field, "Content-Length")) {
			f->length = field->value;
			f->lengths++;
		}
		break;
	case 17:
		if (is_named(field, "Transfer-Encoding")) {
			f->coding = field->value;
			f->codings++;
		}
		break;
	}
}

/* All fields up to the empty line, which must end the block. Returns 0 or a status. */
static int read_fields(struct reader *in, struct http_head *head, struct framing *framing)
{
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t count = 0;
	while (!at_line_end(in)) {
		if (count == HTTP_FIELDS_MAX) {
			fail(in, "too many headers");
			return 431;
		}
		if (!read_field(in, &fields[count]))
			return 400;
		note_field(framing, &fields[count++]);
	}
	if (in->end - in->at != 2) {
		fail(in, "bytes after the end of the head");
		return 400;
	}
	head->count = count;
	head->fields = mem_copy(fields, count * sizeof(*fields));
	return 0;
}

/*
 * Where the body ends, as far as the fields say. Two statements about it are
 * refused even when they agree: somebody before us may have seen only one.
 * Returns 0 or the status to refuse a request with.
 */
static int set_body(struct reader *in, struct http_head *head, const struct framing *f)
{
	int status = 400;
	if (f->codings && f->lengths)
		fail(in, "Content-Length together with Transfer-Encoding");
	else if (f->codings && head->minor == 0)
		fail(in, "Transfer-Encoding in HTTP/1.0");
	else if (f->codings > 1)
		fail(in, "repeated Transfer-Encoding");
	else if (f->codings && f->coding.len == 0)
		fail(in, "empty Transfer-Encoding");
	else if (f->lengths > 1)
		fail(in, "repeated Content-Length");
	else if (f->lengths && !text_number(f->length, INT64_MAX, &head->content_length))
		fail(in, "malformed Content-Length");
	else if (f->codings && !is(f->coding, "chunked")) {
		fail(in, "unknown Transfer-Encoding");
		status = 501;
	} else {
		head->body = f->codings	  ? HTTP_BODY_CHUNKED
			     : f->lengths ? HTTP_BODY_LENGTH
					  : HTTP_BODY_NONE;
		status = 0;
	}
	return status;
}

static void set_keep_alive(struct http_head *head, const struct framing *f)
{
	head->keep_alive = !f->close && (head->minor > 0 || f->keep_alive);
}

/* ---- requests ---- */

/* Of a name; RFC 3986 has more, which no DNS name has. */
static bool is_host(char c)
{
	char lower = (char)(c | 0x20);
	return is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '-' || c == '.' ||
	       c == '_' || c == '~' || c == '%';
}

static bool is_address(char c)
{
	char lower = (char)(c | 0x20);
	return is_digit(c) || (lower >= 'a' && lower <= 'f') || c == ':' || c == '.';
}

/* A name or an address with an optional port (RFC 3986 section 3.2.2), without user. */
static bool valid_authority(struct ow_text a)
{
	const char *p = a.data, *end = a.data + a.len;
	bool bracket = a.len && *p == '[';
	const char *start = p += bracket;
	while (p < end && (bracket ? is_address(*p) : is_host(*p)))
		p++;
	if (p == start || (bracket && (p == end || *p++ != ']')))
		return false;
	if (p == end)
		return true;
	int64_t port;
	return *p++ == ':' &&
	       (p == end || text_number(text_span(p, (size_t)(end - p)), 65535, &port));
}

/* `http://authority/path`: the authority counts no further, paths are all we serve. */
static bool skip_authority(struct ow_text *rest)
{
	static const char *const schemes[] = {"http://", "https://"};
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t len = strlen(schemes[i]);
		if (rest->len < len || !is(text_span(rest->data, len), schemes[i]))
			continue;
		size_t end = len;
		while (end < rest->len && rest->data[end] != '/' && rest->data[end] != '?')
			end++;
		if (!valid_authority(text_span(rest->data + len, end - len)))
			return false;
		*rest = text_span(rest->data + end, rest->len - end);
		return true;
	}
	return false;
}

static bool is_everything(const struct http_head *head)
{
	return text_equal(head->target, text_of("*")) &&
	       text_equal(head->method, text_of("OPTIONS"));
}

static bool split_target(struct reader *in, struct http_head *head)
{
	struct ow_text rest = head->target;
	if (rest.data[0] != '/' && !is_everything(head) && !skip_authority(&rest))
		return fail(in, "malformed request target");
	const char *mark = rest.len ? memchr(rest.data, '?', rest.len) : NULL;
	size_t len = mark ? (size_t)(mark - rest.data) : rest.len;
	head->path = len ? text_span(rest.data, len) : text_of("/");
	if (mark)
		head->query = text_span(mark + 1, rest.len - len - 1);
	return true;
}

/* A part of the request line that ends with a single space. */
static bool read_part(struct reader *in, bool (*member)(char), struct ow_text *part)
{
	const char *p = in->at;
	while (p < in->end && member(*p))
		p++;
	*part = text_span(in->at, (size_t)(p - in->at));
	if (part->len == 0 || p == in->end || *p != ' ')
		return false;
	in->at = p + 1;
	return true;
}

/* Returns 0 or a status. */
static int read_request_line(struct reader *in, struct http_head *head)
{
	if (!read_part(in, http_is_token, &head->method) ||
	    !read_part(in, is_target, &head->target)) {
		fail(in, "malformed request line");
		return 400;
	}
	if (!read_version(in, &head->minor))
		return 400;
	if (!at_line_end(in)) {
		fail(in, "malformed request line");
		return 400;
	}
	in->at += 2;
	if (head->minor < 0) {
		fail(in, "only HTTP/1.1 and HTTP/1.0 are spoken here");
		return 505;
	}
	if (text_equal(head->method, text_of("CONNECT"))) {
		fail(in, "CONNECT is not supported");
		return 501;
	}
	return split_target(in, head) ? 0 : 400;
}

static int judge_request(struct reader *in, struct http_head *head, const struct framing *f)
{
	if (f->hosts > 1) {
		fail(in, "repeated Host");
		return 400;
	}
	if (f->hosts == 0 && head->minor > 0) {
		fail(in, "missing Host");
		return 400;
	}
	if (f->hosts && !valid_authority(f->host)) {
		fail(in, "malformed Host");
		return 400;
	}
	int status = set_body(in, head, f);
	if (status)
		return status;
	/* RFC 9110 section 10.1.1: an expectation in HTTP/1.0 is ignored. */
	if (head->minor > 0 && f->expect_other) {
		fail(in, "unknown expectation");
		return 417;
	}
	head->expect_continue = head->minor > 0 && f->expect_continue;
	set_keep_alive(head, f);
	return 0;
}

int http_parse_request(struct ow_text block, struct http_head *head, const char **problem)
{
	struct reader in = {block.data, block.data + block.len, NULL};
	struct framing framing = {.hosts = 0};
	*head = (struct http_head){.fields = NULL};
	int status = read_request_line(&in, head);
	if (status == 0)
		status = read_fields(&in, head, &framing);
	if (status == 0)
		status = judge_request(&in, head, &framing);
	if (status) {
		http_head_fini(head);
		*problem = in.problem;
	}
	return status;
}

/* ---- responses ---- */

static bool read_status_line(struct reader *in, struct http_head *head)
{
	if (!read_version(in, &head->minor))
		return false;
	if (head->minor < 0)
		return fail(in, "the peer does not speak HTTP/1.1");
	const char *p = in->at;
	if (in->end - p < 4 || p[0] != ' ' || p[1] == '0' || !is_digit(p[1]) ||
	    !is_digit(p[2]) || !is_digit(p[3]))
		return fail(in, "malformed status");
	head->status = (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0');
	in->at += 4;
	/* Some servers leave out the space before an empty phrase; nothing hangs on it. */
	if (!at_line_end(in) && *in->at != ' ')
		return fail(in, "malformed status");
	in->at = text_end(in->at, in->end);
	if (!at_line_end(in))
		return fail(in, "forbidden byte in the status line");
	in->at += 2;
	return true;
}

static void set_response_body(struct http_head *head, const char *request_method)
{
	bool none = head->status < 200 || head->status == 204 || head->status == 304 ||
		    strcmp(request_method, "HEAD") == 0;
	if (none) {
		head->body = HTTP_BODY_NONE;
	} else if (head->body == HTTP_BODY_NONE) {
		head->body = HTTP_BODY_UNTIL_CLOSE;
		head->keep_alive = false;
	}
}

int http_parse_response(struct ow_text block, const char *request_method,
    struct http_head *head, const char **problem)
{
	struct reader in = {block.data, block.data + block.len, NULL};
	struct framing framing = {.hosts = 0};
	*head = (struct http_head){.fields = NULL};
	if (!read_status_line(&in, head) || read_fields(&in, head, &framing) != 0 ||
	    set_body(&in, head, &framing) != 0) {
		http_head_fini(head);
		*problem = in.problem;
		return -1;
	}
	set_keep_alive(head, &framing);
	set_response_body(head, request_method);
	return 0;
}

/* ---- both ---- */

struct ow_text http_head_field(const struct http_head *head, const char *name)
{
	struct ow_text wanted = text_of(name);
	for (size_t i = 0; i < head->count; i++)
		if (text_equal_nocase(head->fields[i].name, wanted))
			return head->fields[i].value;
	return TEXT_NONE;
}

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} known[] = {{100, "Continue"}, {101, "Switching Protocols"}, {200, "OK"},
	    {201, "Created"}, {202, "Accepted"}, {203, "Non-Authoritative Information"},
	    {204, "No Content"}, {205, "Reset Content"}, {206, "Partial Content"},
	    {300, "Multiple Choices"}, {301, "Moved Permanently"}, {302, "Found"},
	    {303, "See Other"}, {304, "Not Modified"}, {307, "Temporary Redirect"},
	    {308, "Permanent Redirect"}, {400, "Bad Request"}, {401, "Unauthorized"},
	    {402, "Payment Required"}, {403, "Forbidden"}, {404, "Not Found"},
	    {405, "Method Not Allowed"}, {406, "Not Acceptable"},
	    {407, "Proxy Authentication Required"}, {408, "Request Timeout"}, {409, "Conflict"},
	    {410, "Gone"}, {411, "Length Required"}, {412, "Precondition Failed"},
	    {413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"},
	    {416, "Range Not Satisfiable"}, {417, "Expectation Failed"},
	    {421, "Misdirected Request"}, {422, "Unprocessable Content"}, {423, "Locked"},
	    {424, "Failed Dependency"}, {425, "Too Early"}, {426, "Upgrade Required"},
	    {428, "Precondition Required"}, {429, "Too Many Requests"},
	    {431, "Request Header Fields Too Large"}, {451, "Unavailable For Legal Reasons"},
	    {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
	    {503, "Service Unavailable"}, {504, "Gateway Timeout"},
	    {505, "HTTP Version Not Supported"}, {507, "Insufficient Storage"},
	    {511, "Network Authentication Required"}};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].status == status)
			return known[i].phrase;
	return "Unknown";
}
