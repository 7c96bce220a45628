#include "lib/python_text.h"

#include <string.h>

#include "lib/float_text.h"

bool python_text_add(struct canonical *c, const struct ow_host *host,
    const struct ow_event *event, const struct ow_json *value)
{
	switch (value->type) {
	case OW_JSON_NULL:
		canonical_add(c, "None");
		return true;
	case OW_JSON_FALSE:
		canonical_add(c, "False");
		return true;
	case OW_JSON_TRUE:
		canonical_add(c, "True");
		return true;
	case OW_JSON_INTEGER:
	case OW_JSON_REAL:
		canonical_add_value(c, value->raw);
		return true;
	case OW_JSON_STRING:
		canonical_add_text(c, host->event_string(event, value));
		return true;
	default:
		return false;
	}
}

static bool is_text(struct ow_text t, const char *text)
{
	return t.len == strlen(text) && memcmp(t.data, text, t.len) == 0;
}

/* raw is an array or an object. */
static bool has_items(struct ow_text raw)
{
	size_t i = 1;
	while (strchr(" \t\r\n", raw.data[i]))
		i++;
	return i + 1 < raw.len;
}

bool python_text_is_true(const struct ow_json *value)
{
	char text[FLOAT_TEXT_MAX];
	struct ow_text number = {text, 0};
	switch (value->type) {
	case OW_JSON_NULL:
	case OW_JSON_FALSE:
		return false;
	case OW_JSON_STRING:
		return value->raw.len > strlen("\"\"");
	case OW_JSON_INTEGER:
		return !is_text(value->raw, "0") && !is_text(value->raw, "-0");
	case OW_JSON_REAL:
		number.len = float_text(value->raw, text);
		return !is_text(number, "0.0") && !is_text(number, "-0.0");
	case OW_JSON_ARRAY:
	case OW_JSON_OBJECT:
		return has_items(value->raw);
	default:
		return true;
	}
}
