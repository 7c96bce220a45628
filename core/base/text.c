#include "base/text.h"

void text_store(char *out, size_t size, const char *string)
{
	size_t len = string ? strnlen(string, size - 1) : 0;
	if (len)
		memcpy(out, string, len);
	out[len] = '\0';
}

static unsigned char lower(char c)
{
	return (c >= 'A' && c <= 'Z') ? (unsigned char)(c + 32) : (unsigned char)c;
}

bool text_equal_nocase(struct ow_text a, struct ow_text b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (a.data[i] != b.data[i] && lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

bool text_begins_with_nocase(struct ow_text text, struct ow_text begin)
{
	return text.len >= begin.len &&
	       text_equal_nocase(text_span(text.data, begin.len), begin);
}

bool text_ends_with_nocase(struct ow_text text, struct ow_text end)
{
	return text.len >= end.len &&
	       text_equal_nocase(text_span(text.data + text.len - end.len, end.len), end);
}

struct ow_text text_trim(struct ow_text t)
{
	while (t.len && (t.data[0] == ' ' || t.data[0] == '\t')) {
		t.data++;
		t.len--;
	}
	while (t.len && (t.data[t.len - 1] == ' ' || t.data[t.len - 1] == '\t'))
		t.len--;
	return t;
}

bool text_number(struct ow_text t, int64_t max, int64_t *out)
{
	int64_t n = 0;
	if (t.len == 0)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.data[i] < '0' || t.data[i] > '9')
			return false;
		int64_t digit = t.data[i] - '0';
		if (digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

bool text_is_json_number(struct ow_text text)
{
	const char *p = text.data, *end = text.data + text.len, *start;
	p += p < end && *p == '-';
	start = p;
	p = skip_digits(p, end);
	if (p == start || (*start == '0' && p - start > 1))
		return false;
	if (p < end && *p == '.') {
		start = ++p;
		p = skip_digits(p, end);
		if (p == start)
			return false;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '-' || *p == '+');
		start = p;
		p = skip_digits(p, end);
		if (p == start)
			return false;
	}
	return p == end;
}

#define DISTANCE_MAX 64

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;
	return m < c ? m : c;
}

/* Optimal string alignment: three rows of the usual table are enough. */
unsigned text_distance(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b);
	if (alen > DISTANCE_MAX || blen > DISTANCE_MAX)
		return DISTANCE_MAX;
	unsigned rows[3][DISTANCE_MAX + 1];
	for (size_t j = 0; j <= blen; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			unsigned replace = up[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(up[j] + 1, row[j - 1] + 1, replace);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1 < row[j])
				row[j] = up2[j - 2] + 1;
		}
	}
	return rows[alen % 3][blen];
}
