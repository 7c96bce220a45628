#include "source_sqs/heartbeat.h"

#include <stdlib.h>

#include "lib/alloc.h"

/*
 * A third of the visibility leaves time for tries that fail. What comes due
 * within the slack is extended along with the first, in the same calls.
 */
#define PARTS	    3
#define SLACK_PARTS 12

struct heartbeat {
	const struct queue *queue;
	heartbeat_extend *extend;
	void *arg;
	struct ow_timer *timer;
	struct ring members; /* by renew_ms: all wait equally long */
};

static int64_t extension_s(const struct heartbeat *h, const struct message *m)
{
	int64_t most_s = message_hidden_max_s(h->queue, m);
	int64_t wanted_s = h->queue->visibility_ms / 1000;
	return wanted_s < most_s ? wanted_s : most_s;
}

static void set_timer(struct heartbeat *h, int64_t now_ms)
{
	int64_t wait = -1;
	if (!ring_empty(&h->members)) {
		wait = ring_entry(h->members.next, struct message, in_heartbeat)->renew_ms -
		       now_ms;
		wait = wait > 0 ? wait : 0;
	}
	h->queue->host->timer_set(h->timer, wait);
}

static void beat(void *arg)
{
	struct heartbeat *h = arg;
	const struct queue *q = h->queue;
	int64_t now_ms = q->host->mono_ms(q->self);
	int64_t until_ms = now_ms + q->visibility_ms / SLACK_PARTS;
	while (!ring_empty(&h->members)) {
		struct message *m = ring_entry(h->members.next, struct message, in_heartbeat);
		if (m->renew_ms > until_ms)
			break;
		ring_remove(&m->in_heartbeat);
		int64_t seconds = extension_s(h, m);
		if (seconds > 0)
			h->extend(m, seconds, h->arg);
		else
			q->host->log(q->self, OW_LOG_WARNING,
			    "message %s has been in hand for 12 hours, the longest that SQS "
			    "allows: it may be received again, and is a duplicate then",
			    m->id);
	}
	set_timer(h, now_ms);
}

struct heartbeat *heartbeat_new(const struct queue *q, heartbeat_extend *extend, void *arg)
{
	struct heartbeat *h = alloc_zero(1, sizeof(*h));
	h->queue = q;
	h->extend = extend;
	h->arg = arg;
	h->timer = q->host->timer_new(q->self, beat, h);
	ring_init(&h->members);
	return h;
}

void heartbeat_free(struct heartbeat *h)
{
	if (h)
		h->queue->host->timer_free(h->timer);
	free(h);
}

void heartbeat_add(struct heartbeat *h, struct message *m)
{
	const struct queue *q = h->queue;
	int64_t now_ms = q->host->mono_ms(q->self);
	bool first = ring_empty(&h->members);
	m->renew_ms = now_ms + q->visibility_ms / PARTS;
	ring_add(&h->members, &m->in_heartbeat);
	if (first)
		set_timer(h, now_ms);
}

void heartbeat_remove(struct message *m)
{
	ring_remove(&m->in_heartbeat);
}
