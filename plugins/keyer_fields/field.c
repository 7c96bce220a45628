#include "field.h"

#include <stdio.h>
#include <string.h>

#include "lib/timestamp.h"

#define HEADER "header:"

static bool is_header_name(const char *name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (const char *p = name; *p; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
		if (!letter && !(*p >= '0' && *p <= '9') && !strchr(others, *p))
			return false;
	}
	return *name;
}

static bool is_pointer(const char *text)
{
	if (text[0] && text[0] != '/')
		return false;
	for (const char *p = strchr(text, '~'); p; p = strchr(p + 1, '~'))
		if (p[1] != '0' && p[1] != '1')
			return false;
	return true;
}

static enum field_kind kind_of(const char *text)
{
	if (strncmp(text, HEADER, strlen(HEADER)) == 0)
		return FIELD_HEADER;
	return strcmp(text, "body") == 0 ? FIELD_BODY : FIELD_POINTER;
}

bool field_is_valid(const char *text)
{
	switch (kind_of(text)) {
	case FIELD_HEADER:
		return is_header_name(text + strlen(HEADER));
	case FIELD_BODY:
		return true;
	default:
		return is_pointer(text);
	}
}

bool field_init(struct field *field, const struct ow_host *host, struct ow_instance *self,
    const char *text, const char **why)
{
	bool pointer = kind_of(text) == FIELD_POINTER;
	*field = (struct field){.text = text, .kind = kind_of(text)};
	field->header = field->kind == FIELD_HEADER ? text + strlen(HEADER) : NULL;
	return place_init(&field->place, host, self, pointer ? text : "", why);
}

/* ---- values ---- */

static bool missing(const struct field *field, struct ow_key *key, struct canonical *c)
{
	if (field->optional)
		canonical_add(c, "null");
	else if (field->kind == FIELD_POINTER)
		place_missing(&field->place, key);
	else
		field->place.host->key_missing(key, field->text);
	return field->optional;
}

/* An empty text is as none: it must not make events equal. */
static bool is_empty(const struct ow_json *value)
{
	return value->type == OW_JSON_STRING && value->raw.len == strlen("\"\"");
}

static bool add_header(const struct field *field, const struct ow_event *event,
    struct ow_key *key, bool plain, struct canonical *c)
{
	struct ow_text value = field->place.host->event_header(event, field->header);
	if (value.len == 0)
		return missing(field, key, c);
	if (plain)
		canonical_add_text(c, value);
	else
		canonical_add_latin1(c, value);
	return true;
}

/* Its digest: a key has no use for the bytes themselves. */
static bool add_body(const struct field *field, const struct ow_event *event,
    struct sha256 *sha256, bool plain, struct canonical *c)
{
	char hex[SHA256_HEX];
	sha256_hex(sha256, field->place.host->event_body(event), hex);
	canonical_add(c, plain ? "" : "\"");
	canonical_add_text(c, (struct ow_text){hex, sizeof(hex)});
	canonical_add(c, plain ? "" : "\"");
	return true;
}

static bool read_time(const struct field *field, const struct ow_event *event,
    const struct ow_json *value, int64_t *ms)
{
	if (value->type == OW_JSON_STRING)
		return timestamp_of_text(field->place.host->event_string(event, value), ms);
	return (value->type == OW_JSON_INTEGER || value->type == OW_JSON_REAL) &&
	       timestamp_of_number(value->raw, value->type == OW_JSON_REAL, ms);
}

static bool add_time(const struct field *field, const struct ow_event *event,
    struct ow_key *key, const struct ow_json *value, struct canonical *c)
{
	char text[32];
	int64_t ms;
	if (!read_time(field, event, value, &ms))
		return place_invalid(&field->place, key,
		    "must be an RFC 3339 time, or seconds or milliseconds since 1970");
	snprintf(text, sizeof(text), "%lld", (long long)timestamp_round(ms, field->round_ms));
	canonical_add(c, text);
	return true;
}

static bool add_member(const struct field *field, const struct ow_event *event,
    struct ow_key *key, bool plain, struct canonical *c)
{
	struct ow_json value;
	if (!place_get_some(&field->place, event, &value) || is_empty(&value))
		return missing(field, key, c);
	if (field->round_ms)
		return add_time(field, event, key, &value, c);
	if (plain && value.type == OW_JSON_STRING)
		canonical_add_text(c, field->place.host->event_string(event, &value));
	else
		canonical_add_value(c, value.raw);
	return true;
}

bool field_add(const struct field *field, const struct ow_event *event, struct ow_key *key,
    struct sha256 *sha256, bool plain, struct canonical *c)
{
	switch (field->kind) {
	case FIELD_HEADER:
		return add_header(field, event, key, plain, c);
	case FIELD_BODY:
		return add_body(field, event, sha256, plain, c);
	default:
		return add_member(field, event, key, plain, c);
	}
}
