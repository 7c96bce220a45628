#include "json/scan.h"

#include <endian.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "json/number.h"
#include "json/trie.h"

/* One open array or object. */
struct level {
	const struct trie_node *node; /* what is wanted of it; NULL: nothing */
	size_t count;		      /* members or elements begun */
	bool object;
};

struct scanner {
	const char *start, *end;
	const char *p; /* the next byte */
	struct ow_json *values;
	struct json_error *error;
	bool escapes; /* the string scanned last has some */
	size_t depth; /* open levels */
	struct level levels[JSON_DEPTH_MAX];
};

/* Always false. */
static bool fail(struct scanner *s, const char *at, const char *problem)
{
	struct ow_text text = text_span(s->start, (size_t)(s->end - s->start));
	size_t valid = utf8_check(text.data, text.len);
	s->error->utf8 = valid < text.len;
	s->error->offset = (size_t)(at - s->start);
	s->error->problem = problem;
	if (s->error->utf8) {
		s->error->offset = valid;
		s->error->problem = "the text is not UTF-8";
	} else if (text.len == 0) {
		s->error->problem = "the text is empty";
	} else if (at == s->end) {
		s->error->problem = "the text ends too early";
	}
	return false;
}

/* The next byte that is not white space; NUL, which stands nowhere, at the end. */
static inline char next(struct scanner *s)
{
	for (; s->p < s->end; s->p++) {
		char c = *s->p;
		if (c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t'))
			return c;
	}
	return '\0';
}

/* ---- strings ---- */

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/*
 * The top bit of each byte that does not stand for itself inside a string:
 * controls, the quote, the backslash, everything beyond ASCII. Exact for the
 * lowest such byte; above it there may be bits too many. Subtracting reaches
 * the top bit where a byte is less than what is taken off: XOR 2 puts the quote
 * (0x22) below 0x21 next to the controls and moves space and '!' above it.
 */
static uint64_t special_bytes(uint64_t word)
{
	uint64_t control = (word ^ EACH_BYTE(0x02)) - EACH_BYTE(0x21);
	uint64_t backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
	return (control | backslash | word) & EACH_BYTE(0x80);
}

static bool is_plain(char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && !(c & 0x80);
}

static inline const char *skip_plain(const char *p, const char *end)
{
	uint64_t word;
	for (; (size_t)(end - p) >= sizeof(word); p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		uint64_t special = special_bytes(le64toh(word));
		if (special)
			return p + __builtin_ctzll(special) / 8;
	}
	while (p < end && is_plain(*p))
		p++;
	return p;
}

/* The code unit of the \uXXXX at p, or -1. */
static int32_t unicode_escape(const struct scanner *s, const char *p)
{
	if (s->end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	return json_hex4(p + 2);
}

/* s->p is at a backslash; moves behind the escape. */
static bool scan_escape(struct scanner *s)
{
	const char *p = s->p;
	if (p + 1 < s->end && p[1] != '\0' && strchr("\"\\/bfnrt", p[1])) {
		s->p += 2;
		return true;
	}
	int32_t unit = unicode_escape(s, p);
	if (unit < 0)
		return fail(s, p, "invalid escape in a string");
	s->p += 6;
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	int32_t low = unicode_escape(s, s->p);
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return fail(s, p, "half of a surrogate pair in a string");
	s->p += 6;
	return true;
}

/* s->p is at the first byte that is not plain, of the string that begins at start. */
static bool scan_string_rest(struct scanner *s, const char *start)
{
	for (; s->p < s->end && *s->p != '"'; s->p = skip_plain(s->p, s->end)) {
		if (*s->p == '\\') {
			s->escapes = true;
			if (!scan_escape(s))
				return false;
			continue;
		}
		size_t len = *s->p & 0x80 ? utf8_char(s->p, (size_t)(s->end - s->p)) : 0;
		if (len == 0)
			return fail(s, s->p, "control character in a string");
		s->p += len;
	}
	if (s->p == s->end)
		return fail(s, start, "string without end");
	s->p++;
	return true;
}

/* s->p is at the opening quote; moves behind the closing one. */
static inline bool scan_string(struct scanner *s)
{
	const char *start = s->p;
	s->escapes = false;
	s->p = skip_plain(start + 1, s->end);
	/* Nearly all strings are plain to the end; apart, so that this stays short. */
	if (s->p == s->end || *s->p != '"')
		return scan_string_rest(s, start);
	s->p++;
	return true;
}

/* ---- numbers and words ---- */

static bool at_digit(const struct scanner *s)
{
	return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool scan_digits(struct scanner *s)
{
	if (!at_digit(s))
		return fail(s, s->p, "expected a digit");
	while (at_digit(s))
		s->p++;
	return true;
}

static bool scan_fraction(struct scanner *s)
{
	if (s->p == s->end || *s->p != '.')
		return true;
	s->p++;
	return scan_digits(s);
}

static bool scan_exponent(struct scanner *s)
{
	if (s->p == s->end || (*s->p != 'e' && *s->p != 'E'))
		return true;
	s->p++;
	if (s->p < s->end && (*s->p == '-' || *s->p == '+'))
		s->p++;
	return scan_digits(s);
}

static bool scan_number(struct scanner *s, enum ow_json_type *type)
{
	const char *start = s->p;
	if (*s->p == '-')
		s->p++;
	const char *first = s->p;
	if (!scan_digits(s))
		return false;
	if (*first == '0' && s->p - first > 1)
		return fail(s, first, "number with a leading zero");
	const char *whole = s->p;
	if (!scan_fraction(s) || !scan_exponent(s))
		return false;
	*type = s->p == whole ? OW_JSON_INTEGER : OW_JSON_REAL;
	if (*type == OW_JSON_REAL &&
	    json_number_overflows(text_span(start, (size_t)(s->p - start))))
		return fail(s, start, "number too large for a double");
	return true;
}

static bool scan_word(struct scanner *s, const char *word)
{
	size_t len = strlen(word);
	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		return fail(s, s->p, "expected a value");
	s->p += len;
	return true;
}

/* ---- wanted values ---- */

/* What an earlier member of the same name contained is gone. */
static void forget_inside(struct scanner *s, const struct trie_node *node)
{
	for (const struct trie_node *child = node->child; child; child = child->next) {
		if (child->pointer)
			s->values[child->pointer->index].type = 0;
		forget_inside(s, child);
	}
}

static void note(
    struct scanner *s, const struct trie_node *node, enum ow_json_type type, const char *start)
{
	if (node && node->pointer) {
		struct ow_json *value = &s->values[node->pointer->index];
		value->type = type;
		value->raw = text_span(start, (size_t)(s->p - start));
	}
}

/* raw is the name, the string scanned last. */
static const struct trie_node *find_member(
    const struct scanner *s, const struct level *level, struct ow_text raw)
{
	const struct trie_node *node = level->node ? level->node->child : NULL;
	if (node && s->escapes) {
		while (node && !json_string_is(raw, node->name))
			node = node->next;
		return node;
	}
	struct ow_text inside = text_span(raw.data + 1, raw.len - 2);
	while (node && !text_equal(node->name, inside))
		node = node->next;
	return node;
}

static const struct trie_node *find_element(const struct level *level, size_t element)
{
	const struct trie_node *node = level->node ? level->node->child : NULL;
	while (node && node->element != element)
		node = node->next;
	return node;
}

/* ---- structure ---- */

static bool open_level(struct scanner *s, const struct trie_node *node, bool object)
{
	if (s->depth == JSON_DEPTH_MAX)
		return fail(s, s->p, "nested too deep");
	/* Its end becomes known, and is noted, when the level is closed. */
	s->p++;
	note(s, node, object ? OW_JSON_OBJECT : OW_JSON_ARRAY, s->p - 1);
	s->levels[s->depth++] = (struct level){.node = node, .object = object};
	return true;
}

static bool close_level(struct scanner *s)
{
	const struct trie_node *node = s->levels[--s->depth].node;
	s->p++;
	if (node && node->pointer) {
		struct ow_text *raw = &s->values[node->pointer->index].raw;
		raw->len = (size_t)(s->p - raw->data);
	}
	return true;
}

/*
 * A value is next, with or without white space before it. node: what is wanted
 * of it. For the whole document, forgetting clears what values held before.
 */
static bool scan_value(struct scanner *s, const struct trie_node *node)
{
	char c = next(s);
	const char *start = s->p;
	enum ow_json_type type = OW_JSON_STRING;
	bool ok;
	if (node && node->child)
		forget_inside(s, node);
	switch (c) {
	case '{':
	case '[':
		return open_level(s, node, c == '{');
	case '"':
		ok = scan_string(s);
		break;
	case 't':
		type = OW_JSON_TRUE;
		ok = scan_word(s, "true");
		break;
	case 'f':
		type = OW_JSON_FALSE;
		ok = scan_word(s, "false");
		break;
	case 'n':
		type = OW_JSON_NULL;
		ok = scan_word(s, "null");
		break;
	default:
		if (c != '-' && (c < '0' || c > '9'))
			return fail(s, s->p, "expected a value");
		ok = scan_number(s, &type);
	}
	if (ok)
		note(s, node, type, start);
	return ok;
}

static bool scan_member(struct scanner *s, struct level *level)
{
	char c = next(s);
	if (c == '}')
		return close_level(s);
	if (level->count++ > 0) {
		if (c != ',')
			return fail(s, s->p, "expected ',' or '}'");
		s->p++;
		c = next(s);
	}
	const char *name = s->p;
	if (c != '"')
		return fail(s, s->p, "expected the name of a member in double quotes");
	if (!scan_string(s))
		return false;
	struct ow_text raw = text_span(name, (size_t)(s->p - name));
	if (next(s) != ':')
		return fail(s, s->p, "expected ':'");
	s->p++;
	return scan_value(s, find_member(s, level, raw));
}

static bool scan_element(struct scanner *s, struct level *level)
{
	char c = next(s);
	if (c == ']')
		return close_level(s);
	size_t element = level->count++;
	if (element > 0) {
		if (c != ',')
			return fail(s, s->p, "expected ',' or ']'");
		s->p++;
	}
	return scan_value(s, find_element(level, element));
}

bool json_scan(struct ow_text text, const struct pointer_set *set, struct ow_json *values,
    struct json_error *error)
{
	struct scanner s; /* not initialised as a whole: levels is large and mostly unused */
	s.start = s.p = text.len ? text.data : "";
	s.end = s.start + text.len;
	s.values = values;
	s.error = error;
	s.depth = 0;
	if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
		return fail(&s, s.p, "the text begins with a byte order mark");
	if (!scan_value(&s, set ? pointer_root(set) : NULL))
		return false;
	while (s.depth > 0) {
		struct level *level = &s.levels[s.depth - 1];
		if (!(level->object ? scan_member(&s, level) : scan_element(&s, level)))
			return false;
	}
	if (next(&s) != '\0' || s.p < s.end)
		return fail(&s, s.p, "expected nothing after the value");
	return true;
}
