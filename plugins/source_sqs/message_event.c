#include "source_sqs/message_event.h"

#include <stdio.h>
#include <string.h>

#define ATTRIBUTE_HEADER   "X-Sqs-Attribute-"
#define ATTRIBUTE_NAME_MAX 256 /* as SQS has it */

/* A header is one line; what is none cannot be passed on as one. */
static bool is_line(const char *value)
{
	return !strpbrk(value, "\r\n");
}

static void add(
    const struct queue *q, struct ow_event *event, const char *name, const char *value)
{
	if (value && is_line(value))
		q->host->event_add_header(event, name, value);
}

/* SQS allows no other names, but an emulator may: in a header they would be trouble. */
static bool is_attribute_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_-.";
	return name[0] && name[strspn(name, allowed)] == '\0';
}

/* These go on under their own names, so that they are seen as what they are. */
static bool is_known_header(const char *name)
{
	return strcmp(name, "traceparent") == 0 || strcmp(name, "Content-Type") == 0;
}

static void add_attribute(
    const struct queue *q, struct ow_event *event, const struct sqs_attribute *attribute)
{
	char name[sizeof(ATTRIBUTE_HEADER) + ATTRIBUTE_NAME_MAX];
	if (is_known_header(attribute->name)) {
		add(q, event, attribute->name, attribute->value);
		return;
	}
	if (!is_attribute_name(attribute->name))
		return;
	int len = snprintf(name, sizeof(name), ATTRIBUTE_HEADER "%s", attribute->name);
	if (len > 0 && (size_t)len < sizeof(name))
		add(q, event, name, attribute->value);
}

struct ow_event *message_event(const struct queue *q, const struct sqs_message *received,
    const struct unwrapped *unwrapped)
{
	struct ow_event *event = q->host->event_new(q->self);
	char receives[16];
	snprintf(receives, sizeof(receives), "%u", received->receives);
	q->host->event_set_body(event, unwrapped->body.data, unwrapped->body.len);
	add(q, event, "X-Sqs-Message-Id", received->id);
	add(q, event, "X-Sqs-Receive-Count", receives);
	add(q, event, "X-Sqs-Sent-Timestamp", received->sent);
	add(q, event, "X-Sqs-Message-Group-Id", received->group);
	add(q, event, "X-Sqs-Message-Deduplication-Id", received->dedup);
	add(q, event, "X-Sqs-Sequence-Number", received->number);
	add(q, event, "X-Sns-Topic-Arn", unwrapped->topic);
	add(q, event, "X-Sns-Message-Id", unwrapped->sns_id);
	for (size_t i = 0; i < received->attribute_count; i++)
		add_attribute(q, event, &received->attributes[i]);
	return event;
}
