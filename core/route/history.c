#include "route/history.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/items.h"
#include "json/scan.h"

struct history {
	struct buf entries[HISTORY_MAX]; /* a ring of JSON objects */
	size_t first, count;
	struct buf text;
};

/* Empty, and the newest; the oldest makes room for it. */
static struct buf *next_entry(struct history *h)
{
	struct buf *entry = &h->entries[(h->first + h->count) % HISTORY_MAX];
	if (h->count == HISTORY_MAX)
		h->first = (h->first + 1) % HISTORY_MAX;
	else
		h->count++;
	buf_clear(entry);
	return entry;
}

static void load(struct history *h, struct ow_text text)
{
	struct json_error error;
	struct ow_json item;
	if (text.len == 0 || text.data[0] != '[' || !json_scan(text, NULL, NULL, &error))
		return;
	struct json_items items = json_items(text);
	while (json_items_next(&items, &item))
		if (item.type == OW_JSON_OBJECT)
			buf_add_text(next_entry(h), item.raw);
}

struct history *history_new(struct ow_text text)
{
	struct history *h = mem_zero(sizeof(*h));
	load(h, text);
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < HISTORY_MAX; i++)
		buf_free(&h->entries[i]);
	buf_free(&h->text);
	free(h);
}

void history_add(struct history *h, int64_t at_ms, const char *code, const char *why)
{
	struct buf *entry = next_entry(h);
	buf_printf(entry, "{\"at\":%" PRId64 ",\"code\":", at_ms);
	buf_add_json(entry, text_of(code));
	buf_add_string(entry, ",\"why\":");
	buf_add_json(entry, text_of(why));
	buf_add_char(entry, '}');
}

struct ow_text history_text(struct history *h)
{
	if (!h)
		return text_of("");
	buf_clear(&h->text);
	for (size_t i = 0; i < h->count; i++) {
		buf_add_char(&h->text, i == 0 ? '[' : ',');
		buf_add_text(&h->text, buf_text(&h->entries[(h->first + i) % HISTORY_MAX]));
	}
	if (h->count > 0)
		buf_add_char(&h->text, ']');
	return buf_text(&h->text);
}
