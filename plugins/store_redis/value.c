#include "store_redis/value.h"

#include <string.h>

#include "lib/alloc.h"
#include "lib/base64.h"
#include "lib/hex.h"
#include "lib/utf8.h"

#define CLAIM_BEGINS	"\"processing onceway "
#define FINISHED_BEGINS "{\"onceway\":{\"v\":"
#define VALUE_FORMAT	1
#define BY_SIZE		8
#define NUMBER_MAX	20 /* digits of an int64_t */

/* ---- reading ---- */

/* What is left to read. Every step fails by itself once one has failed. */
struct cursor {
	const char *at, *end;
	bool failed;
};

static bool skip(struct cursor *c, const char *text)
{
	size_t len = strlen(text);
	if (c->failed || (size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0)
		return false;
	c->at += len;
	return true;
}

static void need(struct cursor *c, const char *text)
{
	if (!skip(c, text))
		c->failed = true;
}

static int64_t read_number(struct cursor *c)
{
	int64_t value = 0;
	const char *start = c->at;
	while (!c->failed && c->at < c->end && *c->at >= '0' && *c->at <= '9') {
		/* Times in milliseconds have 13 digits; nothing here has more than 16. */
		if (c->at - start == 16)
			c->failed = true;
		value = value * 10 + (*c->at++ - '0');
	}
	if (c->at == start)
		c->failed = true;
	return value;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void read_hex(struct cursor *c, unsigned char *out, size_t len)
{
	for (size_t i = 0; i < len && !c->failed; i++) {
		int high = c->end - c->at >= 2 ? hex_digit(c->at[0]) : -1;
		int low = high >= 0 ? hex_digit(c->at[1]) : -1;
		if (low < 0)
			c->failed = true;
		else
			out[i] = (unsigned char)(high << 4 | low);
		c->at += low < 0 ? 0 : 2;
	}
}

/* A JSON string as add_string() writes it, the first quote already read, into out. */
static size_t read_string(struct cursor *c, char *out)
{
	size_t len = 0;
	while (!c->failed && c->at < c->end && *c->at != '"') {
		unsigned char byte = (unsigned char)*c->at++;
		if (byte == '\\' && skip(c, "u00"))
			read_hex(c, &byte, 1);
		else if (byte == '\\' && c->at < c->end)
			byte = (unsigned char)*c->at++;
		out[len++] = (char)byte;
	}
	need(c, "\"");
	return len;
}

/* The answer was a JSON object; its members stand behind ours. */
static size_t read_body_below(struct cursor *c, char *out)
{
	need(c, "}");
	skip(c, ",");
	if (c->failed)
		return 0;
	size_t len = (size_t)(c->end - c->at);
	out[0] = '{';
	memcpy(out + 1, c->at, len);
	c->at = c->end;
	return len + 1;
}

static size_t read_body64(struct cursor *c, char *out, size_t room)
{
	const char *quote = c->failed ? NULL : memchr(c->at, '"', (size_t)(c->end - c->at));
	if (!quote) {
		c->failed = true;
		return 0;
	}
	ptrdiff_t len =
	    base64_decode((struct ow_text){c->at, (size_t)(quote - c->at)}, out, room);
	c->at = quote;
	need(c, "\"}}");
	c->failed |= len < 0;
	return len < 0 ? 0 : (size_t)len;
}

/* The cursor stands behind "v": of a value of ours. */
static void read_finished(struct cursor *c, struct value *value)
{
	size_t size = (size_t)(c->end - c->at) + 1;
	char *room = value->room = alloc_bytes(size);
	struct ow_result *result = &value->result;
	need(c, "1,\"status\":");
	result->size = sizeof(*result);
	result->status = (int)read_number(c);
	result->failed = skip(c, ",\"failed\":true");
	need(c, ",\"at\":");
	value->at_ms = read_number(c);
	need(c, ",\"window\":");
	value->window_ms = read_number(c);
	need(c, ",\"by\":\"");
	unsigned char by[BY_SIZE];
	read_hex(c, by, sizeof(by));
	need(c, "\"");
	value->has_digest = skip(c, ",\"digest\":\"");
	if (value->has_digest) {
		read_hex(c, value->digest, OW_DIGEST_SIZE);
		need(c, "\"");
	}
	if (skip(c, ",\"type\":\""))
		result->content_type = (struct ow_text){room, read_string(c, room)};
	room += result->content_type.len;
	if (skip(c, ",\"body\":\"below\""))
		result->body = (struct ow_text){room, read_body_below(c, room)};
	else if (skip(c, ",\"body64\":\""))
		result->body = (struct ow_text){
		    room, read_body64(c, room, size - result->content_type.len)};
	else
		need(c, "}}");
	if (c->at != c->end)
		c->failed = true;
	value->has_result = true;
}

static bool begins_with(struct ow_text bytes, const char *beginning)
{
	struct cursor c = {bytes.data, bytes.data + bytes.len, false};
	return skip(&c, beginning);
}

/* A result as a Python service stores it: the text of a JSON object or array. */
static bool looks_like_json(struct ow_text bytes)
{
	if (bytes.len < 2)
		return false;
	char first = bytes.data[0], last = bytes.data[bytes.len - 1];
	return (first == '{' && last == '}') || (first == '[' && last == ']');
}

static void read_foreign(struct ow_text bytes, struct value *value)
{
	static const char type[] = "application/json";
	*value = (struct value){
	    .kind = VALUE_FINISHED, .foreign = true, .at_ms = -1, .window_ms = -1};
	if (begins_with(bytes, "processing") || begins_with(bytes, "\"processing")) {
		value->kind = VALUE_CLAIM;
	} else if (looks_like_json(bytes)) {
		value->has_result = true;
		value->result = (struct ow_result){.size = sizeof(value->result),
		    .status = 200,
		    .content_type = {type, sizeof(type) - 1},
		    .body = bytes};
	}
}

void value_read(struct ow_text bytes, struct value *value)
{
	struct cursor c = {bytes.data, bytes.data + bytes.len, false};
	*value = (struct value){.kind = VALUE_CLAIM, .at_ms = -1, .window_ms = -1};
	if (skip(&c, CLAIM_BEGINS))
		return;
	value->kind = VALUE_FINISHED;
	if (!skip(&c, FINISHED_BEGINS)) {
		read_foreign(bytes, value);
		return;
	}
	read_finished(&c, value);
	if (c.failed) {
		/* Of a later version, or damaged: finished it is, but how is not known. */
		value_fini(value);
		*value = (struct value){
		    .kind = VALUE_FINISHED, .foreign = true, .at_ms = -1, .window_ms = -1};
	}
}

int64_t value_age(const struct value *value, int64_t left_ms, int64_t now_ms)
{
	int64_t age = -1;
	if (now_ms >= 0 && value->at_ms >= 0)
		age = now_ms - value->at_ms;
	else if (value->window_ms >= 0 && left_ms >= 0)
		age = value->window_ms - left_ms;
	else
		return -1;
	return age > 0 ? age : 0;
}

void value_fini(struct value *value)
{
	free(value->room);
	value->room = NULL;
}

/* ---- writing ---- */

void value_write_claim(const unsigned char *token, char out[VALUE_CLAIM_SIZE])
{
	memcpy(out, CLAIM_BEGINS, sizeof(CLAIM_BEGINS) - 1);
	hex_write(out + sizeof(CLAIM_BEGINS) - 1, token, OW_TOKEN_SIZE);
	out[VALUE_CLAIM_SIZE - 1] = '"';
}

static char *put(char *at, const char *text)
{
	size_t len = strlen(text);
	memcpy(at, text, len);
	return at + len;
}

static char *put_number(char *at, int64_t number)
{
	char reversed[NUMBER_MAX];
	size_t digits = 0;
	uint64_t rest = number > 0 ? (uint64_t)number : 0;
	do
		reversed[digits++] = (char)('0' + rest % 10);
	while (rest /= 10);
	while (digits > 0)
		*at++ = reversed[--digits];
	return at;
}

/*
 * A header's bytes as a JSON string: what is not printable ASCII becomes
 * \u00xx, byte by byte, so that the value stays UTF-8 whatever the sink sent.
 */
static char *put_string(char *at, struct ow_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		if (byte == '"' || byte == '\\')
			*at++ = '\\';
		if (byte >= ' ' && byte <= '~') {
			*at++ = (char)byte;
		} else {
			at = put(at, "\\u00");
			hex_write(at, &byte, 1);
			at += 2;
		}
	}
	return at;
}

/* Its members can stand beside ours: a JSON object, as far as one can see from outside. */
static bool is_object(struct ow_text body)
{
	return body.len >= 2 && body.data[0] == '{' && body.data[body.len - 1] == '}' &&
	       utf8_valid(body);
}

static bool is_empty_object(struct ow_text body)
{
	for (size_t i = 1; i + 1 < body.len; i++)
		if (!memchr(" \t\r\n", body.data[i], 4))
			return false;
	return true;
}

static char *put_body(char *at, struct ow_text body)
{
	if (body.len == 0)
		return put(at, "}}");
	if (is_object(body)) {
		at = put(at, ",\"body\":\"below\"}");
		if (!is_empty_object(body))
			*at++ = ',';
		memcpy(at, body.data + 1, body.len - 1);
		return at + body.len - 1;
	}
	at = put(at, ",\"body64\":\"");
	base64_encode(body.data, body.len, at);
	return put(at + BASE64_SIZE(body.len), "\"}}");
}

void value_write_finished(const struct ow_claim *claim, const struct ow_result *result,
    bool keep_texts, struct value_parts *parts)
{
	struct ow_text type = result->content_type, body = result->body;
	if (!keep_texts)
		type.len = body.len = 0;
	/* Fixed texts and numbers take less than 256; a byte of the type at most 6. */
	char *at = parts->bytes = alloc_bytes(
	    256 + 2 * (size_t)OW_DIGEST_SIZE + 6 * type.len + BASE64_SIZE(body.len));
	at = put(at, FINISHED_BEGINS);
	at = put_number(at, VALUE_FORMAT);
	at = put(at, ",\"status\":");
	at = put_number(at, result->status);
	if (result->failed)
		at = put(at, ",\"failed\":true");
	at = put(at, ",\"at\":");
	parts->head = (struct ow_text){parts->bytes, (size_t)(at - parts->bytes)};

	char *tail = at;
	at = put(at, ",\"window\":");
	at = put_number(at, claim->window_ms);
	at = put(at, ",\"by\":\"");
	hex_write(at, claim->token, BY_SIZE);
	at = put(at + 2 * (size_t)BY_SIZE, "\"");
	if (claim->digest) {
		at = put(at, ",\"digest\":\"");
		hex_write(at, claim->digest, OW_DIGEST_SIZE);
		at = put(at + 2 * (size_t)OW_DIGEST_SIZE, "\"");
	}
	if (type.len) {
		at = put(at, ",\"type\":\"");
		at = put_string(at, type);
		*at++ = '"';
	}
	at = put_body(at, body);
	parts->tail = (struct ow_text){tail, (size_t)(at - tail)};
}

struct ow_text value_write_restored(const unsigned char *digest, const struct ow_result *result,
    int64_t window_ms, int64_t at_ms)
{
	static const unsigned char nobody[OW_TOKEN_SIZE];
	const struct ow_claim claim = {
	    .token = nobody, .digest = digest, .window_ms = window_ms};
	struct value_parts parts;
	value_write_finished(&claim, result, true, &parts);
	char *bytes = alloc_bytes(parts.head.len + NUMBER_MAX + parts.tail.len);
	memcpy(bytes, parts.head.data, parts.head.len);
	char *at = put_number(bytes + parts.head.len, at_ms);
	memcpy(at, parts.tail.data, parts.tail.len);
	free(parts.bytes);
	return (struct ow_text){bytes, (size_t)(at - bytes) + parts.tail.len};
}

struct ow_text value_write_foreign(struct ow_text body)
{
	const struct ow_text known = looks_like_json(body) ? body : (struct ow_text){"1", 1};
	char *bytes = alloc_bytes(known.len);
	memcpy(bytes, known.data, known.len);
	return (struct ow_text){bytes, known.len};
}
