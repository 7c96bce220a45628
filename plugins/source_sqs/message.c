#include "source_sqs/message.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

/* Null stays null. */
static char *copied(const char *text)
{
	return text ? alloc_checked(strdup(text)) : NULL;
}

struct message *message_new(
    const struct queue *q, const struct sqs_message *received, struct ow_event *event)
{
	struct message *m = alloc_zero(1, sizeof(*m));
	m->state = MESSAGE_WAITING;
	m->id = copied(received->id);
	m->receipt = copied(received->receipt);
	m->group = q->fifo ? copied(received->group ? received->group : "") : NULL;
	m->receives = received->receives;
	m->event = event;
	m->received_ms = q->host->mono_ms(q->self);
	ring_init(&m->deletion.link);
	ring_init(&m->visibility.link);
	ring_init(&m->in_hand);
	ring_init(&m->in_group);
	ring_init(&m->in_heartbeat);
	return m;
}

void message_free(const struct queue *q, struct message *m)
{
	if (m->event)
		q->host->event_unref(m->event);
	free(m->id);
	free(m->receipt);
	free(m->group);
	free(m);
}

void message_renew(const struct queue *q, struct message *m, const struct sqs_message *received)
{
	free(m->receipt);
	m->receipt = copied(received->receipt);
	m->receives = received->receives;
	m->receipts++;
	m->received_ms = q->host->mono_ms(q->self);
}

int64_t message_hidden_max_s(const struct queue *q, const struct message *m)
{
	int64_t age_ms = q->host->mono_ms(q->self) - m->received_ms;
	int64_t left_s = SQS_VISIBILITY_MAX_S - age_ms / 1000 - 1;
	return left_s > 0 ? left_s : 0;
}

bool message_is_quiet(const struct message *m)
{
	return m->deletion.state == POSTING_NONE && m->visibility.state == POSTING_NONE;
}
