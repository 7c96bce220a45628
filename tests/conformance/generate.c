#include "conformance/generate.h"

#include <string.h>

#include "base/text.h"

static const char *const fragments[] = {"null", "true", "false", "0", "-0", "-0.0", "1e308",
    "1e-400", "123456789012345678901234567890", "18446744073709551616", "0.1", "1E5", "\"\"",
    "\" \"", "\"\\u0000\"", "\"a\\u0000b\"", "\"\\ud83d\\ude00\"", "\"\xc3\xa9\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"null\"", "\"1\"", "\":\"", "\"/\"", "\"~1~0\"",
    "\"2024-02-30T25:61:61Z\"", "[]", "{}", "[[[[]]]]", "{\"\":{}}", "[1,\"a\",null]",
    "{\"a\":1,\"a\":2}", "\"{\\\"id\\\":\\\"x\\\"}\""};
#define FRAGMENTS (sizeof(fragments) / sizeof(fragments[0]))

#define LONG_TEXT 5000

static void add_fragment(struct random *random, struct buf *out)
{
	uint64_t which = random_below(random, FRAGMENTS + 1);
	if (which < FRAGMENTS) {
		buf_add_string(out, fragments[which]);
		return;
	}
	buf_add_char(out, '"');
	for (int i = 0; i < LONG_TEXT; i++)
		buf_add_char(out, 'L');
	buf_add_char(out, '"');
}

/* Where a token that begins at `at` ends: a text with its quotes, a word, a number, or one
 * byte. */
static size_t token_end(struct ow_text d, size_t at)
{
	static const char words[] = "+-.0123456789abcdefghijklmnopqrstuvwxyzE";
	size_t end = at + 1;
	if (d.data[at] == '"') {
		while (end < d.len && d.data[end] != '"')
			end += d.data[end] == '\\' ? 2 : 1;
		return end < d.len ? end + 1 : d.len;
	}
	if (!memchr(words, d.data[at], sizeof(words) - 1))
		return end;
	while (end < d.len && memchr(words, d.data[end], sizeof(words) - 1))
		end++;
	return end;
}

static bool is_value(struct ow_text d, size_t at)
{
	return d.data[at] == '"' ||
	       memchr("-0123456789tfn", d.data[at], strlen("-0123456789tfn"));
}

/* Replaces one of the document's tokens that are texts, numbers or words. */
static void replace_token(struct random *random, struct ow_text d, struct buf *out)
{
	size_t count = 0, at, end;
	for (at = 0; at < d.len; at = token_end(d, at))
		count += is_value(d, at);
	uint64_t wanted = random_below(random, count);
	for (at = 0; at < d.len; at = end) {
		end = token_end(d, at);
		if (is_value(d, at) && wanted-- == 0)
			add_fragment(random, out);
		else
			buf_add(out, d.data + at, end - at);
	}
}

static void change_bytes(struct random *random, struct ow_text d, struct buf *out)
{
	buf_add_text(out, d);
	for (uint64_t n = 1 + random_below(random, 3); n > 0 && out->len > 0; n--) {
		size_t at = (size_t)random_below(random, out->len);
		switch (random_below(random, 3)) {
		case 0:
			out->data[at] = (char)random_below(random, 256);
			break;
		case 1:
			memmove(out->data + at, out->data + at + 1, out->len - at);
			out->len--;
			break;
		default:
			out->data[at] = out->data[random_below(random, out->len)];
		}
	}
}

void generate_mutation(struct random *random, struct ow_text document, struct buf *out)
{
	buf_clear(out);
	if (document.len == 0)
		return;
	if (random_below(random, 4) == 0)
		change_bytes(random, document, out);
	else
		replace_token(random, document, out);
}

#define DEPTH_MAX 5

/* Recursion is bounded by DEPTH_MAX. */
static void add_value(struct random *random, struct buf *out, int depth)
{
	uint64_t shape = random_below(random, depth < DEPTH_MAX ? 4 : 2);
	if (shape < 2) {
		add_fragment(random, out);
		return;
	}
	buf_add_char(out, shape == 2 ? '[' : '{');
	for (uint64_t i = 0, n = random_below(random, 5); i < n; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		if (shape == 3)
			buf_printf(out, "\"%c\":", 'a' + (char)random_below(random, 4));
		add_value(random, out, depth + 1);
	}
	buf_add_char(out, shape == 2 ? ']' : '}');
}

void generate_document(struct random *random, struct buf *out)
{
	buf_clear(out);
	add_value(random, out, 0);
}
