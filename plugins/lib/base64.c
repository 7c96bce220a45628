#include "lib/base64.h"

/* 1 if low <= c <= high, else 0; without a branch. All are below 256. */
static unsigned within(unsigned c, unsigned low, unsigned high)
{
	return ((low - 1 - c) & (c - high - 1)) >> 31;
}

/* Of a number below 64. Computed, not looked up: a cache remembers where one looked. */
static char digit_of(unsigned n)
{
	unsigned c = 'A' + n;
	c += within(n, 26, 63) * ('a' - 'A' - 26u);
	c -= within(n, 52, 63) * ('a' + 26u - '0');
	c -= within(n, 62, 63) * ('0' + 10u - '+');
	c += within(n, 63, 63) * ('/' - '+' - 1u);
	return (char)c;
}

/* Its number plus 1; 0: not a digit. */
static unsigned value_of(char digit)
{
	unsigned c = (unsigned char)digit;
	return within(c, 'A', 'Z') * (c - 'A' + 1) + within(c, 'a', 'z') * (c - 'a' + 27) +
	       within(c, '0', '9') * (c - '0' + 53) + within(c, '+', '+') * 63 +
	       within(c, '/', '/') * 64;
}

void base64_encode(const void *data, size_t len, char *out)
{
	const unsigned char *in = data;
	for (; len >= 3; in += 3, len -= 3, out += 4) {
		unsigned bits = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];
		for (unsigned i = 0; i < 4; i++)
			out[i] = digit_of(bits >> (18 - 6 * i) & 63);
	}
	if (len == 0)
		return;
	unsigned bits = (unsigned)in[0] << 16 | (len > 1 ? (unsigned)in[1] << 8 : 0);
	out[0] = digit_of(bits >> 18);
	out[1] = digit_of(bits >> 12 & 63);
	out[2] = len > 1 ? digit_of(bits >> 6 & 63) : '=';
	out[3] = '=';
}

ptrdiff_t base64_decode(struct ow_text text, void *out, size_t room)
{
	unsigned char *to = out;
	size_t pad = 0, wrong = text.len % 4;
	while (pad < 2 && pad < text.len && text.data[text.len - 1 - pad] == '=')
		pad++;
	size_t len = text.len / 4 * 3 - pad;
	if (wrong || len > room)
		return -1;
	unsigned bits = 0;
	for (size_t i = 0; i < text.len - pad; i++) {
		unsigned value = value_of(text.data[i]);
		wrong |= value == 0;
		bits = (bits << 6 | ((value - 1) & 63)) & 0xffffff;
		if (i % 4 == 3) {
			*to++ = (unsigned char)(bits >> 16);
			*to++ = (unsigned char)(bits >> 8 & 255);
			*to++ = (unsigned char)(bits & 255);
		}
	}
	if (pad == 1) {
		*to++ = (unsigned char)(bits >> 10 & 255);
		*to = (unsigned char)(bits >> 2 & 255);
		wrong |= bits & 3;
	} else if (pad == 2) {
		*to = (unsigned char)(bits >> 4 & 255);
		wrong |= bits & 15;
	}
	return wrong ? -1 : (ptrdiff_t)len;
}
