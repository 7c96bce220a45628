#include "json/string.h"

#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

int32_t json_hex4(const char *p)
{
	int32_t code = 0;
	for (int i = 0; i < 4; i++) {
		int digit = text_hex_digit(p[i]);
		if (digit < 0)
			return -1;
		code = code << 4 | digit;
	}
	return code;
}

/* *p is at a valid escape and is moved behind it; out has room for 4 bytes. */
static size_t decode_escape(const char **p, char *out)
{
	const char *at = *p + 1;
	*p += 2;
	switch (*at) {
	case 'b':
		*out = '\b';
		return 1;
	case 'f':
		*out = '\f';
		return 1;
	case 'n':
		*out = '\n';
		return 1;
	case 'r':
		*out = '\r';
		return 1;
	case 't':
		*out = '\t';
		return 1;
	case 'u':
		break;
	default: /* quote, backslash, slash: themselves */
		*out = *at;
		return 1;
	}
	uint32_t code = (uint32_t)json_hex4(at + 1);
	*p += 4;
	if (code >= 0xd800 && code <= 0xdbff) {
		uint32_t low = (uint32_t)json_hex4(*p + 2);
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		*p += 6;
	}
	return utf8_put(code, out);
}

size_t json_string_room(struct ow_text raw)
{
	/* An escape is never shorter than what it stands for. */
	return raw.len - 2;
}

size_t json_string_decode(struct ow_text raw, char *out)
{
	const char *p = raw.data + 1, *end = raw.data + raw.len - 1;
	size_t n = 0;
	while (p < end) {
		const char *escape = memchr(p, '\\', (size_t)(end - p));
		size_t plain = (size_t)((escape ? escape : end) - p);
		memcpy(out + n, p, plain);
		n += plain;
		p += plain;
		if (escape)
			n += decode_escape(&p, out + n);
	}
	return n;
}

bool json_string_plain(struct ow_text raw)
{
	return !memchr(raw.data, '\\', raw.len);
}

bool json_string_is(struct ow_text raw, struct ow_text text)
{
	const char *p = raw.data + 1, *end = raw.data + raw.len - 1;
	size_t n = 0;
	while (p < end) {
		char piece[4];
		size_t len = 1;
		piece[0] = *p;
		if (*p == '\\')
			len = decode_escape(&p, piece);
		else
			p++;
		if (text.len - n < len || memcmp(text.data + n, piece, len) != 0)
			return false;
		n += len;
	}
	return n == text.len;
}
