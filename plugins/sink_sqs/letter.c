#include "sink_sqs/letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/hex.h"
#include "sink_sqs/characters.h"
#include "sink_sqs/send_request.h"

#define TYPE_MAX 256 /* a longer content type is none */

static struct ow_text text_of(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

bool letter_id_valid(struct ow_text text)
{
	if (text.len == 0 || text.len > LETTER_ID_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < '!' || text.data[i] > '~')
			return false;
	return true;
}

/* The text itself, or where it cannot be one its digest: equal texts have equal ids. */
static struct ow_text id_of(
    const struct letter_style *style, struct ow_text text, char hash[LETTER_HASH])
{
	if (letter_id_valid(text))
		return text;
	sha256_hex(style->sha256, text, hash);
	return (struct ow_text){hash, LETTER_HASH};
}

/* ---- the parts ---- */

/* What is passed without dedup is not to be taken for a copy of anything. */
static void write_key(
    struct letter *l, const struct letter_style *style, const struct ow_attempt *attempt)
{
	unsigned char random[LETTER_HASH / 2];
	bool tells = style->key_attribute[0] != '\0';
	struct ow_text id = {"", 0};
	if (attempt->key.len > 0) {
		id = id_of(style, attempt->key, l->key_hash);
	} else if (style->fifo) {
		style->host->random(style->self, random, sizeof(random));
		hex_write(l->key_hash, random, sizeof(random));
		id = (struct ow_text){l->key_hash, sizeof(l->key_hash)};
	}
	if (style->fifo)
		l->dedup = id;
	if (tells && attempt->key.len > 0)
		l->key = id;
	l->keyed = attempt->key.len > 0 && (style->fifo || tells);
}

/* The field's text; data is NULL if there is none that could name a group. */
static struct ow_text group_text(const struct letter_style *style, const struct ow_event *event)
{
	struct ow_json value;
	struct ow_text none = {NULL, 0};
	if (!style->group || !style->host->event_json(event, style->group, &value))
		return none;
	if (value.type == OW_JSON_INTEGER)
		return value.raw;
	if (value.type != OW_JSON_STRING)
		return none;
	struct ow_text text = style->host->event_string(event, &value);
	return text.len > 0 ? text : none;
}

static bool write_group(struct letter *l, const struct letter_style *style,
    const struct ow_event *event, char why[LETTER_WHY_MAX])
{
	struct ow_text text = group_text(style, event);
	if (!text.data && style->group_default)
		text = text_of(style->group_default);
	if (text.data) {
		l->group = id_of(style, text, l->group_hash);
		return true;
	}
	snprintf(why, LETTER_WHY_MAX,
	    "no message group: %s is not a string or an integer of the event; group_default "
	    "would be used instead",
	    style->group_path);
	return !style->fifo;
}

static void write_headers(struct letter *l, const struct letter_style *style,
    const struct ow_event *event, const struct ow_attempt *attempt)
{
	struct ow_text type = style->host->event_header(event, "Content-Type");
	if (type.len > 0 && type.len <= TYPE_MAX && !characters_fault(type))
		l->type = type;
	l->trace = attempt->traceparent;
}

static bool write_body(struct letter *l, const struct letter_style *style,
    const struct ow_event *event, char why[LETTER_WHY_MAX])
{
	l->body = style->host->event_body(event);
	const char *fault =
	    l->body.len == 0 ? "is empty, which SQS does not take" : characters_fault(l->body);
	if (fault)
		snprintf(why, LETTER_WHY_MAX, "the body %s", fault);
	return !fault;
}

static bool fits(struct letter *l, const struct letter_style *style, char why[LETTER_WHY_MAX])
{
	l->size = send_request_size(style, l);
	if (l->size <= (uint64_t)style->max_message)
		return true;
	snprintf(why, LETTER_WHY_MAX,
	    "the message has %zu bytes with its attributes: more than max_message (%lld)",
	    l->size, (long long)style->max_message);
	return false;
}

/* ---- the whole ---- */

struct letter *letter_new(const struct letter_style *style, const struct ow_event *event,
    const struct ow_attempt *attempt, char why[LETTER_WHY_MAX])
{
	struct letter *l = alloc_zero(1, sizeof(*l));
	ring_init(&l->link);
	write_key(l, style, attempt);
	write_headers(l, style, event, attempt);
	if (write_group(l, style, event, why) && write_body(l, style, event, why) &&
	    fits(l, style, why))
		return l;
	letter_free(l);
	return NULL;
}

void letter_free(struct letter *l)
{
	free(l);
}
