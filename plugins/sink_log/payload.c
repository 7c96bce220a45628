/*
 * Works on the text itself, in one pass: numbers and escapes stay as they were
 * received, and a deep or large body needs no tree and no stack. The text is
 * known to be valid JSON, so the end of a string or a value is easy to find.
 */
#include "sink_log/payload.h"

#include <string.h>

#define REDACTED "\"[redacted]\""

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_spaces(struct ow_text json, size_t at)
{
	while (at < json.len && is_space(json.data[at]))
		at++;
	return at;
}

/* Behind the string that begins at `at`. */
static size_t skip_string(struct ow_text json, size_t at)
{
	for (at++; at < json.len && json.data[at] != '"'; at++)
		if (json.data[at] == '\\')
			at++;
	return at < json.len ? at + 1 : json.len;
}

/* Behind the value that begins at `at`, which is not a space. */
static size_t skip_value(struct ow_text json, size_t at)
{
	size_t depth = 0;
	while (at < json.len) {
		char c = json.data[at];
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			return at;
		if (c == '"') {
			at = skip_string(json, at);
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		if (c == '}' || c == ']')
			depth--;
		at++;
	}
	return at;
}

/* Whether the string raw, quotes and escapes included, is one of the names. */
static bool is_listed(const struct ow_host *host, const struct ow_event *event,
    struct ow_text raw, const struct ow_list *names)
{
	struct ow_text name = {raw.data + 1, raw.len - 2};
	/* Only a decoder sees that "p\u0069n" is "pin". */
	if (names->count && memchr(raw.data, '\\', raw.len))
		name = host->event_string(
		    event, &(struct ow_json){.type = OW_JSON_STRING, .raw = raw});
	for (size_t i = 0; i < names->count; i++)
		if (strlen(names->items[i]) == name.len &&
		    memcmp(names->items[i], name.data, name.len) == 0)
			return true;
	return false;
}

void payload_add(struct line *line, const struct ow_host *host, const struct ow_event *event,
    struct ow_text json, const struct ow_list *redact)
{
	size_t at = 0;
	while ((at = skip_spaces(json, at)) < json.len) {
		size_t begin = at;
		if (json.data[at] != '"') {
			while (
			    at < json.len && json.data[at] != '"' && !is_space(json.data[at]))
				at++;
			line_add(line, json.data + begin, at - begin);
			continue;
		}
		at = skip_string(json, at);
		struct ow_text string = {json.data + begin, at - begin};
		line_add(line, string.data, string.len);
		size_t next = skip_spaces(json, at);
		/* A string before a colon is a member's name. */
		if (next == json.len || json.data[next] != ':' ||
		    !is_listed(host, event, string, redact))
			continue;
		line_add_string(line, ":" REDACTED);
		at = skip_value(json, skip_spaces(json, next + 1));
	}
}
