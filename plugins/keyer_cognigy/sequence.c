#include "sequence.h"

#include <string.h>

#include "lib/float_text.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct ow_text trim(struct ow_text t)
{
	static const char space[] = " \t\n\v\f\r";
	while (t.len && memchr(space, t.data[0], strlen(space)))
		t.data++, t.len--;
	while (t.len && memchr(space, t.data[t.len - 1], strlen(space)))
		t.len--;
	return t;
}

/* How many bytes at the front are digits, with single underscores between them. */
static size_t digits_length(struct ow_text t)
{
	size_t i = 0;
	while (i < t.len && is_digit(t.data[i])) {
		i++;
		if (i + 1 < t.len && t.data[i] == '_' && is_digit(t.data[i + 1]))
			i++;
	}
	return i;
}

/* "" or ".00" */
static bool is_no_fraction(struct ow_text t)
{
	if (t.len == 0)
		return true;
	if (t.data[0] != '.' || t.len == 1)
		return false;
	for (size_t i = 1; i < t.len; i++)
		if (t.data[i] != '0')
			return false;
	return true;
}

/* Digits and underscores, at least one digit; 0 has no sign. */
static void add_digits(struct canonical *c, bool negative, struct ow_text digits)
{
	while (digits.len > 1 && (digits.data[0] == '0' || digits.data[0] == '_'))
		digits.data++, digits.len--;
	if (negative && digits.data[0] != '0')
		canonical_add(c, "-");
	for (size_t i = 0; i < digits.len; i++)
		if (digits.data[i] != '_')
			canonical_add_text(c, (struct ow_text){digits.data + i, 1});
}

static bool add_text(struct canonical *c, struct ow_text text)
{
	struct ow_text rest = trim(text);
	bool negative = rest.len && rest.data[0] == '-';
	if (rest.len && (rest.data[0] == '-' || rest.data[0] == '+'))
		rest.data++, rest.len--;
	struct ow_text digits = {rest.data, digits_length(rest)};
	rest.data += digits.len, rest.len -= digits.len;
	if (digits.len == 0 || !is_no_fraction(rest))
		return false;
	add_digits(c, negative, digits);
	return true;
}

bool sequence_add(struct canonical *c, const struct ow_host *host, const struct ow_event *event,
    const struct ow_json *value)
{
	char text[FLOAT_TEXT_MAX];
	switch (value->type) {
	case OW_JSON_INTEGER:
		return add_text(c, value->raw);
	case OW_JSON_REAL:
		/* "3.0" is good; "1e+16" and beyond are no numbers that are counted to. */
		return add_text(c, (struct ow_text){text, float_text(value->raw, text)});
	case OW_JSON_STRING:
		return add_text(c, host->event_string(event, value));
	case OW_JSON_TRUE:
	case OW_JSON_FALSE:
		canonical_add(c, value->type == OW_JSON_TRUE ? "1" : "0");
		return true;
	default:
		return false;
	}
}
