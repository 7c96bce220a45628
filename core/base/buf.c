#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

void buf_reserve(struct buf *b, size_t more)
{
	if (b->len + more + 1 <= b->size)
		return;
	size_t size = b->size ? b->size * 2 : 64;
	while (size < b->len + more + 1)
		size *= 2;
	b->data = mem_grow(b->data, size, 1);
	b->size = size;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	buf_reserve(b, len);
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_add_text(struct buf *b, struct ow_text t)
{
	buf_add(b, t.data, t.len);
}

void buf_add_string(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	buf_reserve(b, 128);
	size_t room = b->size - b->len;
	int n = vsnprintf(b->data + b->len, room, fmt, args);
	if (n > 0 && (size_t)n >= room) {
		buf_reserve(b, (size_t)n);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (n > 0)
		b->len += (size_t)n;
	b->data[b->len] = '\0';
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	buf_vprintf(b, fmt, args);
	va_end(args);
}

static void add_json_char(struct buf *b, unsigned char c)
{
	static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	for (size_t i = 0; i + 1 < sizeof(short_forms); i += 2) {
		if ((unsigned char)short_forms[i] == c) {
			buf_add_char(b, '\\');
			buf_add_char(b, short_forms[i + 1]);
			return;
		}
	}
	buf_printf(b, "\\u%04x", c);
}

void buf_add_json(struct buf *b, struct ow_text t)
{
	size_t at = 0, plain = 0;
	if (t.len == 0)
		t.data = ""; /* nothing at all may have no address either */
	buf_add_char(b, '"');
	while (at < t.len) {
		unsigned char c = (unsigned char)t.data[at];
		size_t n = c < 0x80 ? 1 : utf8_char(t.data + at, t.len - at);
		if (n > 0 && c >= 0x20 && c != '"' && c != '\\') {
			at += n;
			continue;
		}
		buf_add(b, t.data + plain, at - plain);
		if (n == 0)
			buf_add_string(b, "\xef\xbf\xbd");
		else
			add_json_char(b, c);
		plain = ++at;
	}
	buf_add(b, t.data + plain, at - plain);
	buf_add_char(b, '"');
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT;
}

char *buf_take(struct buf *b)
{
	char *data = b->data ? b->data : mem_string("");
	*b = BUF_INIT;
	return data;
}
