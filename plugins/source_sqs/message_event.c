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

/* A sender's trace goes on under its own name, so that it is seen as one. */
static void add_attribute(
    const struct queue *q, struct ow_event *event, const struct sqs_attribute *attribute)
{
	char name[sizeof(ATTRIBUTE_HEADER) + ATTRIBUTE_NAME_MAX];
	if (strcmp(attribute->name, "traceparent") == 0) {
		add(q, event, "traceparent", attribute->value);
		return;
	}
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
