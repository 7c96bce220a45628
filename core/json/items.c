#include "json/items.h"

#include <string.h>

#include "base/text.h"

struct json_items json_items(struct ow_text raw)
{
	return (struct json_items){raw.data, raw.data + raw.len};
}

/* Behind the string that begins at p. */
static const char *skip_string(const char *p)
{
	for (p++; *p != '"'; p++)
		p += *p == '\\';
	return p + 1;
}

/* Behind the object that begins at p. */
static const char *skip_object(const char *p)
{
	size_t depth = 0;
	do {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		depth += *p == '{';
		depth -= *p == '}';
		p++;
	} while (depth > 0);
	return p;
}

/* Behind the number or word that begins at p; an array's text ends with a bracket. */
static const char *skip_plain(const char *p)
{
	return p + strcspn(p, ",] \t\r\n");
}

static enum ow_json_type number_type(struct ow_text raw)
{
	bool whole = !memchr(raw.data, '.', raw.len) && !memchr(raw.data, 'e', raw.len) &&
		     !memchr(raw.data, 'E', raw.len);
	return whole ? OW_JSON_INTEGER : OW_JSON_REAL;
}

bool json_items_next(struct json_items *items, struct ow_json *item)
{
	/* No value begins with one of these. */
	while (items->p < items->end && strchr("[], \t\r\n", *items->p))
		items->p++;
	const char *start = items->p;
	if (start == items->end)
		return false;
	items->p = *start == '"'   ? skip_string(start)
		   : *start == '{' ? skip_object(start)
				   : skip_plain(start);
	item->raw = text_span(start, (size_t)(items->p - start));
	item->type = *start == '"'   ? OW_JSON_STRING
		     : *start == '{' ? OW_JSON_OBJECT
		     : *start == 'n' ? OW_JSON_NULL
		     : *start == 't' ? OW_JSON_TRUE
		     : *start == 'f' ? OW_JSON_FALSE
				     : number_type(item->raw);
	return true;
}
