#include "sink_log/line.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/hex.h"

static void reserve(struct line *line, size_t more)
{
	size_t size = line->size ? line->size : 256;
	while (size - line->len < more)
		size *= 2;
	if (size == line->size)
		return;
	line->data = alloc_resize(line->data, size);
	line->size = size;
}

void line_add(struct line *line, const char *data, size_t len)
{
	if (len == 0)
		return;
	reserve(line, len);
	memcpy(line->data + line->len, data, len);
	line->len += len;
}

void line_add_string(struct line *line, const char *text)
{
	line_add(line, text, strlen(text));
}

void line_add_number(struct line *line, uint64_t number, unsigned digits)
{
	char text[20], *end = text + sizeof(text), *first = end;
	do {
		*--first = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0 || (unsigned)(end - first) < digits);
	line_add(line, first, (size_t)(end - first));
}

/* prefix, then the byte as two hex digits. */
static void add_escaped(struct line *line, const char *prefix, unsigned char c)
{
	char digits[2];
	hex_write(digits, &c, 1);
	line_add_string(line, prefix);
	line_add(line, digits, sizeof(digits));
}

void line_add_word(struct line *line, struct ow_text text)
{
	size_t plain = 0;
	if (text.len == 0)
		return;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c > ' ' && c != '\\' && c != 0x7f)
			continue;
		line_add(line, text.data + plain, i - plain);
		add_escaped(line, "\\x", c);
		plain = i + 1;
	}
	line_add(line, text.data + plain, text.len - plain);
}

/* Length of the UTF-8 character at the beginning (RFC 3629), 0 if there is none. */
static size_t character(const unsigned char *at, size_t len)
{
	static const struct {
		unsigned char first, last, low, high; /* of the first byte; of the second */
		unsigned char len;
	} forms[] = {{0x00, 0x7f, 0, 0, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
	    {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
	    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
	    {0xf4, 0xf4, 0x80, 0x8f, 4}};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (at[0] < forms[i].first || at[0] > forms[i].last)
			continue;
		if (forms[i].len > len ||
		    (forms[i].len > 1 && (at[1] < forms[i].low || at[1] > forms[i].high)))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

void line_add_json(struct line *line, struct ow_text text)
{
	if (text.len == 0)
		text.data = ""; /* it may be NULL, to which nothing can be added */
	const unsigned char *data = (const unsigned char *)text.data;
	size_t plain = 0, at = 0;
	line_add_string(line, "\"");
	while (at < text.len) {
		size_t n = character(data + at, text.len - at);
		if (n > 0 && data[at] >= ' ' && data[at] != '"' && data[at] != '\\') {
			at += n;
			continue;
		}
		line_add(line, text.data + plain, at - plain);
		if (n == 0)
			line_add_string(line, "\xef\xbf\xbd");
		else if (data[at] == '\n')
			line_add_string(line, "\\n");
		else if (data[at] < ' ')
			add_escaped(line, "\\u00", data[at]);
		else
			line_add(line, data[at] == '"' ? "\\\"" : "\\\\", 2);
		plain = ++at;
	}
	line_add(line, text.data + plain, at - plain);
	line_add_string(line, "\"");
}

void line_free(struct line *line)
{
	free(line->data);
	*line = (struct line){NULL, 0, 0};
}
