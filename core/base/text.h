/* Helpers for struct ow_text: bytes that belong to somebody else. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

#include <onceway/event.h>

#define TEXT_NONE ((struct ow_text){NULL, 0})

static inline struct ow_text text_of(const char *string)
{
	return (struct ow_text){string, string ? strlen(string) : 0};
}

static inline struct ow_text text_span(const char *data, size_t len)
{
	return (struct ow_text){data, len};
}

static inline bool text_equal(struct ow_text a, struct ow_text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* ASCII letters only, whatever the locale: what HTTP means by case-insensitive. */
bool text_equal_nocase(struct ow_text a, struct ow_text b);

/* True if text has it at that end; the second pair like text_equal_nocase(). */
static inline bool text_begins_with(struct ow_text text, struct ow_text begin)
{
	return text.len >= begin.len && text_equal(text_span(text.data, begin.len), begin);
}

static inline bool text_ends_with(struct ow_text text, struct ow_text end)
{
	return text.len >= end.len &&
	       text_equal(text_span(text.data + text.len - end.len, end.len), end);
}

bool text_begins_with_nocase(struct ow_text text, struct ow_text begin);
bool text_ends_with_nocase(struct ow_text text, struct ow_text end);

/* Copies a string, or as much as has room with its NUL; NULL counts as "". size > 0. */
void text_store(char *out, size_t size, const char *string);

/* What a hexadecimal digit of either case stands for; -1: it is none. */
static inline int text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char lower = (char)(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Without spaces and tabs at both ends. */
struct ow_text text_trim(struct ow_text t);

/* True if text, from its first byte to its last, is a JSON number. */
bool text_is_json_number(struct ow_text text);

/* Reads all of t as a decimal number of at most max. No sign, no spaces. */
bool text_number(struct ow_text t, int64_t max, int64_t *out);

/*
 * How many single-character edits (insert, delete, replace, swap neighbours)
 * turn a into b; for "did you mean". Texts over 64 bytes count as far apart.
 */
unsigned text_distance(const char *a, const char *b);

#endif
