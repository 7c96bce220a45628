#include "sink_http/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/utf8.h"

#define FALLBACK ":-"
#define HEADER	 "header:"
#define DIGITS	 "0123456789"

bool refuse(struct refusal *refusal, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(refusal->why, sizeof(refusal->why), fmt, args);
	va_end(args);
	return false;
}

/* ---- what stands between the braces ---- */

static char *copy(struct ow_text text)
{
	char *s = alloc_bytes(text.len + 1);
	if (text.len)
		memcpy(s, text.data, text.len);
	s[text.len] = '\0';
	return s;
}

static bool is_pointer(const char *s)
{
	for (; *s; s++)
		if (*s == '~' && s[1] != '0' && s[1] != '1')
			return false;
	return true;
}

static bool is_header(const char *s)
{
	static const char allowed[] =
	    "!#$%&'*+-.^_`|~" DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	return s[0] && s[strspn(s, allowed)] == '\0';
}

/* What YAML would take for a number or a word of JSON; exponents are left to the event. */
static bool is_plain(const char *s)
{
	if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0 || strcmp(s, "null") == 0)
		return true;
	s += *s == '-';
	size_t digits = strspn(s, DIGITS);
	if (digits == 0 || (s[0] == '0' && digits > 1))
		return false;
	s += digits;
	if (*s != '.')
		return *s == '\0';
	digits = strspn(s + 1, DIGITS);
	return digits > 0 && s[1 + digits] == '\0';
}

static enum field_kind word_kind(const char *name)
{
	static const struct {
		const char *name;
		enum field_kind kind;
	} words[] = {{"body", FIELD_POINTER}, {"key", FIELD_KEY}, {"trace", FIELD_TRACE},
	    {"source", FIELD_SOURCE}};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(name, words[i].name) == 0)
			return words[i].kind;
	return 0;
}

static const char *parse_name(struct field *field)
{
	const char *name = field->name;
	if (name[0] == '/') {
		field->kind = FIELD_POINTER;
		field->argument = copy((struct ow_text){name, strlen(name)});
		return is_pointer(name) ? NULL
					: "its JSON pointer has a `~` that is not ~0 or ~1";
	}
	if (strncmp(name, HEADER, strlen(HEADER)) == 0) {
		name += strlen(HEADER);
		field->kind = FIELD_HEADER;
		field->argument = copy((struct ow_text){name, strlen(name)});
		return is_header(name) ? NULL : "behind `header:` belongs the name of a header";
	}
	field->kind = word_kind(name);
	if (field->kind == FIELD_POINTER)
		field->argument = copy((struct ow_text){"", 0});
	return field->kind ? NULL
			   : "it must be a JSON pointer such as {/a/b}, or one of "
			     "{body}, {key}, {trace}, {source} and {header:X-Name}; a brace of "
			     "its own is written twice";
}

const char *field_parse(struct ow_text inside, struct field *field)
{
	const char *mark = memmem(inside.data, inside.len, FALLBACK, strlen(FALLBACK));
	struct ow_text name = {inside.data, mark ? (size_t)(mark - inside.data) : inside.len};
	*field = (struct field){.name = copy(name)};
	if (mark) {
		const char *fallback = mark + strlen(FALLBACK);
		field->fallback = copy(
		    (struct ow_text){fallback, (size_t)(inside.data + inside.len - fallback)});
		field->plain = is_plain(field->fallback);
	}
	const char *problem = parse_name(field);
	if (problem)
		field_fini(field);
	return problem;
}

void field_bind(struct field *field, const struct ow_host *host, struct ow_instance *self)
{
	if (field->kind == FIELD_POINTER)
		field->pointer = host->pointer(self, field->argument);
}

void field_fini(struct field *field)
{
	free(field->name);
	free(field->argument);
	free(field->fallback);
	*field = (struct field){.name = NULL};
}

/* ---- values ---- */

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* Of those that are not in the body; data NULL: there is none. */
static struct ow_text outside(const struct field *field, const struct occasion *o)
{
	struct ow_text value = {NULL, 0};
	if (field->kind == FIELD_HEADER)
		value = o->host->event_header(o->event, field->argument);
	else if (field->kind == FIELD_TRACE)
		value = text(o->host->event_trace(o->event));
	else if (field->kind == FIELD_SOURCE)
		value = text(o->host->event_source(o->event));
	else if (o->attempt->key.len > 0)
		value = o->attempt->key;
	return value;
}

static bool find(const struct field *field, const struct occasion *o, struct ow_json *value)
{
	return o->host->event_json(o->event, field->pointer, value);
}

bool field_is_there(const struct field *field, const struct occasion *o)
{
	struct ow_json value;
	if (field->kind != FIELD_POINTER)
		return outside(field, o).data != NULL;
	return find(field, o, &value) && value.type != OW_JSON_NULL;
}

static bool use_fallback(
    const struct field *field, struct ow_text *value, struct refusal *refusal)
{
	if (!field->fallback)
		return refuse(refusal, "%s is missing", field->name);
	*value = text(field->fallback);
	return true;
}

static bool outside_text(const struct field *field, const struct occasion *o,
    struct ow_text *value, struct refusal *refusal)
{
	*value = outside(field, o);
	if (!value->data)
		return use_fallback(field, value, refusal);
	return utf8_valid(*value) || refuse(refusal, "%s is not UTF-8", field->name);
}

bool field_text(const struct field *field, const struct occasion *o, struct ow_text *value,
    struct refusal *refusal)
{
	struct ow_json json = {OW_JSON_NULL, {NULL, 0}};
	if (field->kind != FIELD_POINTER)
		return outside_text(field, o, value, refusal);
	if (!find(field, o, &json) || json.type == OW_JSON_NULL)
		return use_fallback(field, value, refusal);
	if (json.type == OW_JSON_ARRAY || json.type == OW_JSON_OBJECT)
		return refuse(refusal, "%s is %s, where a text or a number is needed",
		    field->name, json.type == OW_JSON_ARRAY ? "a list" : "an object");
	*value =
	    json.type == OW_JSON_STRING ? o->host->event_string(o->event, &json) : json.raw;
	return true;
}

static void add_escape(struct draft *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char code[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
	const char itself[] = {'\\', (char)c};
	bool control = c < 0x20;
	draft_add(out,
	    (struct ow_text){control ? code : itself, control ? sizeof(code) : sizeof(itself)});
}

void json_add_escaped(struct draft *out, struct ow_text t)
{
	size_t from = 0;
	if (t.len == 0)
		return;
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.data[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		draft_add(out, (struct ow_text){t.data + from, i - from});
		add_escape(out, c);
		from = i + 1;
	}
	draft_add(out, (struct ow_text){t.data + from, t.len - from});
}

static void add_string(struct draft *out, struct ow_text t)
{
	draft_char(out, '"');
	json_add_escaped(out, t);
	draft_char(out, '"');
}

bool field_add_json(const struct field *field, const struct occasion *o, struct draft *out,
    struct refusal *refusal)
{
	struct ow_json json;
	struct ow_text value = {NULL, 0};
	if (field->kind == FIELD_POINTER && find(field, o, &json)) {
		draft_add(out, json.raw);
		return true;
	}
	bool there = field->kind != FIELD_POINTER && outside(field, o).data;
	if (there ? !outside_text(field, o, &value, refusal)
		  : !use_fallback(field, &value, refusal))
		return false;
	if (!there && field->plain)
		draft_add(out, value);
	else
		add_string(out, value);
	return true;
}
