/*
 * A value without objects is written in one go. With objects, a first pass
 * notes every object's members, sorted; the second writes them in that order,
 * jumping to and fro in the text. So each byte is looked at twice however deep
 * it is nested; looking for each value's end anew would be quadratic.
 */
#include "lib/canonical.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/float_text.h"

#define NONE SIZE_MAX

/* Memory beyond this is given back after the text that needed it. */
#define KEEP_BYTES 65536

struct member {
	struct ow_text name; /* as received, without the quotes */
	const char *value;
	size_t object; /* how many objects begin before the value */
	size_t next;   /* of the same object, or NONE */
};

struct object {
	size_t parent; /* the object around it, or NONE */
	size_t first;  /* member; in reverse order of appearance until sorted */
	size_t count;
	size_t after;	 /* how many objects begin before its end */
	const char *end; /* behind the closing brace */
};

struct canonical {
	char *data;
	size_t len, size;
	struct member *members;
	size_t member_count, member_size;
	struct object *objects; /* in order of appearance */
	size_t object_count, object_size;
	size_t object; /* while writing: the next one in the text */
};

/* ---- memory ---- */

struct canonical *canonical_new(void)
{
	struct canonical *c = alloc_bytes(sizeof(*c));
	*c = (struct canonical){.data = NULL};
	return c;
}

static void release(struct canonical *c)
{
	free(c->data);
	free(c->members);
	free(c->objects);
	*c = (struct canonical){.data = NULL};
}

void canonical_free(struct canonical *c)
{
	if (c)
		release(c);
	free(c);
}

void canonical_clear(struct canonical *c)
{
	if (c->size + c->member_size * sizeof(*c->members) +
		c->object_size * sizeof(*c->objects) >
	    KEEP_BYTES)
		release(c);
	c->len = 0;
}

struct ow_text canonical_text(const struct canonical *c)
{
	return (struct ow_text){c->data ? c->data : "", c->len};
}

static void add_bytes(struct canonical *c, const char *data, size_t len)
{
	if (c->size - c->len < len) {
		c->size = c->size ? c->size : 256;
		while (c->size - c->len < len)
			c->size *= 2;
		c->data = alloc_resize(c->data, c->size);
	}
	/* Nothing at all may have no address, on either side. */
	if (len)
		memcpy(c->data + c->len, data, len);
	c->len += len;
}

void canonical_add(struct canonical *c, const char *text)
{
	add_bytes(c, text, strlen(text));
}

void canonical_add_text(struct canonical *c, struct ow_text text)
{
	add_bytes(c, text.data, text.len);
}

/* ---- reading valid JSON ---- */

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* p is at an opening quote; returns where the closing one is. */
static const char *closing_quote(const char *p)
{
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p;
}

static uint32_t hex4(const char *p)
{
	uint32_t code = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
		code = code << 4 | (uint32_t)digit;
	}
	return code;
}

/* *p is at a byte beyond ASCII; moves behind the character. */
static uint32_t utf8_code(const char **p)
{
	const unsigned char *u = (const unsigned char *)*p;
	int more = u[0] >= 0xf0 ? 3 : u[0] >= 0xe0 ? 2 : 1;
	uint32_t code = u[0] & (0x3fu >> more);
	for (int i = 1; i <= more; i++)
		code = code << 6 | (u[i] & 0x3fu);
	*p += 1 + more;
	return code;
}

/* *p is at a backslash; moves behind the escape, or the two of a surrogate pair. */
static uint32_t escape_code(const char **p)
{
	static const char letters[] = "bfnrt", codes[] = "\b\f\n\r\t";
	const char *at = *p + 1;
	*p += 2;
	if (*at != 'u') {
		const char *letter = strchr(letters, *at);
		return (unsigned char)(letter ? codes[letter - letters] : *at);
	}
	uint32_t code = hex4(at + 1);
	*p += 4;
	if (code < 0xd800 || code > 0xdbff)
		return code;
	uint32_t low = hex4(*p + 2);
	*p += 6;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static uint32_t next_code(const char **p)
{
	if (**p == '\\')
		return escape_code(p);
	if (**p & 0x80)
		return utf8_code(p);
	return (unsigned char)*(*p)++;
}

/* By code point, as Python compares; UTF-16 units would order some otherwise. */
static int compare_names(struct ow_text a, struct ow_text b)
{
	const char *p = a.data, *p_end = a.data + a.len;
	const char *q = b.data, *q_end = b.data + b.len;
	while (p < p_end && q < q_end) {
		uint32_t x = next_code(&p), y = next_code(&q);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return (p < p_end) - (q < q_end);
}

/* ---- first pass: the members of all objects, sorted ---- */

/* Merges two sorted lists. Of two equal names the one in a, later in the text, stays. */
static size_t merge(struct member *members, size_t a, size_t b)
{
	size_t head = NONE, *end = &head;
	while (a != NONE && b != NONE) {
		int order = compare_names(members[a].name, members[b].name);
		if (order >= 0) {
			size_t next = members[b].next;
			if (order > 0) {
				*end = b;
				end = &members[b].next;
			}
			b = next;
		} else {
			*end = a;
			end = &members[a].next;
			a = members[a].next;
		}
	}
	*end = a != NONE ? a : b;
	return head;
}

/* Takes count members off the front of *list; returns them sorted. */
static size_t sort(struct member *members, size_t *list, size_t count)
{
	if (count == 0)
		return NONE;
	if (count == 1) {
		size_t only = *list;
		*list = members[only].next;
		members[only].next = NONE;
		return only;
	}
	size_t a = sort(members, list, count / 2);
	size_t b = sort(members, list, count - count / 2);
	return merge(members, a, b);
}

static size_t open_object(struct canonical *c, size_t parent)
{
	if (c->object_count == c->object_size) {
		c->object_size = c->object_size ? c->object_size * 2 : 16;
		c->objects = alloc_resize(c->objects, c->object_size * sizeof(*c->objects));
	}
	c->objects[c->object_count] = (struct object){.parent = parent, .first = NONE};
	return c->object_count++;
}

static void add_member(
    struct canonical *c, size_t object, struct ow_text name, const char *value)
{
	if (c->member_count == c->member_size) {
		c->member_size = c->member_size ? c->member_size * 2 : 32;
		c->members = alloc_resize(c->members, c->member_size * sizeof(*c->members));
	}
	struct object *o = &c->objects[object];
	c->members[c->member_count] = (struct member){
	    .name = name, .value = value, .object = c->object_count, .next = o->first};
	o->first = c->member_count++;
	o->count++;
}

/* Returns the object around it. */
static size_t close_object(struct canonical *c, size_t object, const char *end)
{
	struct object *o = &c->objects[object];
	size_t list = o->first;
	o->first = sort(c->members, &list, o->count);
	o->after = c->object_count;
	o->end = end;
	return o->parent;
}

/* In valid JSON a string is a name if and only if a colon follows. */
static void find_members(struct canonical *c, struct ow_text raw)
{
	const char *p = raw.data, *end = raw.data + raw.len;
	size_t object = NONE;
	c->object_count = c->member_count = 0;
	while (p < end) {
		if (*p == '{') {
			object = open_object(c, object);
		} else if (*p == '}') {
			object = close_object(c, object, p + 1);
		} else if (*p == '"') {
			const char *name = p + 1;
			p = closing_quote(p);
			const char *colon = skip_space(p + 1, end);
			if (colon < end && *colon == ':') {
				struct ow_text text = {name, (size_t)(p - name)};
				add_member(c, object, text, skip_space(colon + 1, end));
				p = colon;
			}
		}
		p++;
	}
}

/* ---- second pass: writing ---- */

static void add_unit(struct canonical *c, uint32_t unit)
{
	char text[8];
	if (unit >= 0x20 && unit < 0x7f && unit != '"' && unit != '\\') {
		text[0] = (char)unit;
		add_bytes(c, text, 1);
		return;
	}
	static const char codes[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *code = unit > 0 && unit < 0x80 ? strchr(codes, (int)unit) : NULL;
	int len = code ? snprintf(text, sizeof(text), "\\%c", letters[code - codes])
		       : snprintf(text, sizeof(text), "\\u%04x", (unsigned)(unit & 0xffff));
	add_bytes(c, text, (size_t)len);
}

static void add_code(struct canonical *c, uint32_t code)
{
	if (code > 0xffff) {
		add_unit(c, 0xd800 + ((code - 0x10000) >> 10));
		add_unit(c, 0xdc00 + ((code - 0x10000) & 0x3ff));
	} else {
		add_unit(c, code);
	}
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/*
 * Where the bytes end that are written as they stand: printable ASCII but the
 * backslash. Eight at a time: what is no such byte gets its top bit set (exact
 * for the lowest one, which is the first in little-endian order).
 */
static const char *skip_plain(const char *p, const char *end)
{
	uint64_t word;
	for (; (size_t)(end - p) >= sizeof(word); p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		word = le64toh(word);
		uint64_t backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
		uint64_t from_delete = word + EACH_BYTE(1);
		uint64_t special = (backslash | from_delete | word) & EACH_BYTE(0x80);
		if (special)
			return p + __builtin_ctzll(special) / 8;
	}
	while (p < end && *p != '\\' && *p >= 0x20 && *p < 0x7f)
		p++;
	return p;
}

/* inside: without the quotes. */
static void add_string(struct canonical *c, struct ow_text inside)
{
	const char *p = inside.data, *end = inside.data + inside.len;
	add_bytes(c, "\"", 1);
	for (;;) {
		const char *plain = p;
		p = skip_plain(p, end);
		add_bytes(c, plain, (size_t)(p - plain));
		if (p == end)
			break;
		add_code(c, next_code(&p));
	}
	add_bytes(c, "\"", 1);
}

void canonical_add_latin1(struct canonical *c, struct ow_text bytes)
{
	add_bytes(c, "\"", 1);
	for (size_t i = 0; i < bytes.len; i++)
		add_unit(c, (unsigned char)bytes.data[i]);
	add_bytes(c, "\"", 1);
}

static const char *add_number(struct canonical *c, const char *p, const char *end)
{
	struct ow_text raw = {p, 0};
	bool real = false;
	for (; p < end && strchr("0123456789+-.eE", *p) && *p; p++)
		real = real || *p == '.' || *p == 'e' || *p == 'E';
	raw.len = (size_t)(p - raw.data);
	if (real) {
		char text[FLOAT_TEXT_MAX];
		add_bytes(c, text, float_text(raw, text));
	} else if (raw.len == 2 && memcmp(raw.data, "-0", 2) == 0) {
		add_bytes(c, "0", 1);
	} else {
		add_bytes(c, raw.data, raw.len);
	}
	return p;
}

/* true, false, null */
static const char *add_word(struct canonical *c, const char *p, const char *end)
{
	const char *start = p;
	while (p < end && *p >= 'a' && *p <= 'z')
		p++;
	add_bytes(c, start, (size_t)(p - start));
	return p;
}

static const char *add_any(struct canonical *c, const char *p, const char *end);

static const char *add_object(struct canonical *c)
{
	/* Nothing is added to objects any more: the pointer holds. */
	const struct object *o = &c->objects[c->object];
	add_bytes(c, "{", 1);
	for (size_t m = o->first; m != NONE; m = c->members[m].next) {
		if (m != o->first)
			add_bytes(c, ",", 1);
		add_string(c, c->members[m].name);
		add_bytes(c, ":", 1);
		c->object = c->members[m].object;
		add_any(c, c->members[m].value, o->end);
	}
	add_bytes(c, "}", 1);
	c->object = o->after;
	return o->end;
}

static const char *add_array(struct canonical *c, const char *p, const char *end)
{
	add_bytes(c, "[", 1);
	p = skip_space(p + 1, end);
	while (*p != ']') {
		if (*p == ',') {
			add_bytes(c, ",", 1);
			p = skip_space(p + 1, end);
		}
		p = skip_space(add_any(c, p, end), end);
	}
	add_bytes(c, "]", 1);
	return p + 1;
}

/* Returns where the value ends. */
static const char *add_any(struct canonical *c, const char *p, const char *end)
{
	switch (*p) {
	case '{':
		return add_object(c);
	case '[':
		return add_array(c, p, end);
	case '"': {
		const char *quote = closing_quote(p);
		add_string(c, (struct ow_text){p + 1, (size_t)(quote - p - 1)});
		return quote + 1;
	}
	case 't':
	case 'f':
	case 'n':
		return add_word(c, p, end);
	default:
		return add_number(c, p, end);
	}
}

void canonical_add_value(struct canonical *c, struct ow_text raw)
{
	/* Most wanted values are strings, and the end of this one is known. */
	if (raw.data[0] == '"') {
		add_string(c, (struct ow_text){raw.data + 1, raw.len - 2});
		return;
	}
	if (raw.data[0] == '{' || raw.data[0] == '[')
		find_members(c, raw);
	c->object = 0;
	add_any(c, raw.data, raw.data + raw.len);
}
