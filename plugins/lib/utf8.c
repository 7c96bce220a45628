#include "lib/utf8.h"

#include <string.h>

/* Bytes of the sequence that begins here; 0: it is none. */
static size_t sequence(const unsigned char *at, size_t left)
{
	/* The range of the second byte keeps out overlong forms, surrogates and too much. */
	unsigned char low = 0x80, high = 0xbf;
	size_t len = at[0] < 0x80   ? 1
		     : at[0] < 0xc2 ? 0
		     : at[0] < 0xe0 ? 2
		     : at[0] < 0xf0 ? 3
				    : 4;
	if (at[0] > 0xf4 || len == 0 || len > left)
		return 0;
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < len; i++) {
		if (at[i] < low || at[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

bool utf8_valid(struct ow_text text)
{
	const unsigned char *at = (const unsigned char *)text.data;
	size_t left = text.len;
	while (left > 0) {
		uint64_t eight;
		/* Answers are mostly ASCII: eight bytes at a time. */
		if (left >= sizeof(eight)) {
			memcpy(&eight, at, sizeof(eight));
			if ((eight & 0x8080808080808080u) == 0) {
				at += sizeof(eight);
				left -= sizeof(eight);
				continue;
			}
		}
		size_t len = sequence(at, left);
		if (len == 0)
			return false;
		at += len;
		left -= len;
	}
	return true;
}

size_t utf8_cut(struct ow_text text, size_t max)
{
	if (text.len <= max)
		return text.len;
	while (max > 0 && ((unsigned char)text.data[max] & 0xc0) == 0x80)
		max--;
	return max;
}
