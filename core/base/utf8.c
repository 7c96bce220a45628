#include "base/utf8.h"

/* Table 3-7 of the Unicode Standard: second-byte ranges rule out overlong forms and surrogates.
 */
size_t utf8_char(const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data;
	if (p[0] < 0x80)
		return 1;
	size_t need = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
		      : (p[0] & 0xf0) == 0xe0	     ? 3
		      : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
						     : 0;
	if (need == 0 || need > len)
		return 0;
	unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return need;
}

size_t utf8_put(uint32_t code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

size_t utf8_check(const char *data, size_t len)
{
	size_t at = 0;
	while (at < len) {
		size_t n = utf8_char(data + at, len - at);
		if (n == 0)
			return at;
		at += n;
	}
	return len;
}
