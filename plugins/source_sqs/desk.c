#include "source_sqs/desk.h"

#include <stdlib.h>

#include "lib/alloc.h"
#include "lib/sqs/body_md5.h"
#include "source_sqs/groups.h"
#include "source_sqs/hand.h"
#include "source_sqs/heartbeat.h"
#include "source_sqs/message_event.h"
#include "source_sqs/outbox.h"

/* A deletion that is given up costs a duplicate later, a return only time. */
#define DELETION_TRIES	10
#define EXTENSION_TRIES 5
#define RETURN_TRIES	3

struct desk_counters {
	struct ow_counter *received, *repeated, *damaged, *malformed;
	struct ow_counter *deleted, *delete_failures, *extended, *returned, *expired;
	struct ow_counter *in_hand;
};

struct desk {
	const struct queue *queue;
	const struct desk_options *options;
	void (*finished)(void *arg);
	void *arg;
	struct hand hand;
	struct groups *groups; /* NULL: not a FIFO queue */
	struct heartbeat *heartbeat;
	struct outbox *deletions, *visibilities;
	struct desk_counters count;
	bool draining;
};

static void count(const struct desk *d, struct ow_counter *counter)
{
	d->queue->host->count(counter, 1);
}

static void show_count(const struct desk *d)
{
	d->queue->host->gauge_set(d->count.in_hand, (int64_t)d->hand.count);
}

/* ---- the end of a message in hand ---- */

/* Nothing is left to be told; what is being told still comes to an end first. */
static void finish(struct desk *d, struct message *m)
{
	m->state = MESSAGE_GONE;
	heartbeat_remove(m);
	outbox_cancel(d->deletions, m);
	outbox_cancel(d->visibilities, m);
	if (!message_is_quiet(m))
		return;
	hand_remove(&d->hand, m);
	message_free(d->queue, m);
	show_count(d);
	d->finished(d->arg);
}

static void begin_deletion(struct desk *d, struct message *m)
{
	m->state = MESSAGE_DELETING;
	outbox_add(d->deletions, m, 0, DELETION_TRIES);
}

static void post_return(struct desk *d, struct message *m)
{
	m->return_posted = true;
	outbox_add(d->visibilities, m, m->return_s, RETURN_TRIES);
}

/* An extension that is under way must not take effect after it: then it has to wait. */
static void return_after(struct desk *d, struct message *m, int64_t seconds)
{
	int64_t most_s = message_hidden_max_s(d->queue, m);
	m->state = MESSAGE_RETURNING;
	m->return_s = seconds < most_s ? seconds : most_s;
	heartbeat_remove(m);
	outbox_cancel(d->visibilities, m);
	if (m->visibility.state == POSTING_NONE)
		post_return(d, m);
}

static void deletion_done(struct message *m, enum sqs_entry_end end, const char *why, void *arg)
{
	struct desk *d = arg;
	const struct queue *q = d->queue;
	if (m->deletion.receipts != m->receipts && end != SQS_ENTRY_REFUSED) {
		begin_deletion(d, m); /* only the newest receipt is sure to delete */
		return;
	}
	if (end == SQS_ENTRY_OK) {
		count(d, d->count.deleted);
	} else {
		count(d, d->count.delete_failures);
		q->host->log(q->self, end == SQS_ENTRY_GONE ? OW_LOG_INFO : OW_LOG_WARNING,
		    "message %s is finished but was not deleted (%s): if it is received again, "
		    "it is a duplicate, and deleted then",
		    m->id, why);
	}
	finish(d, m);
}

/* ---- visibility ---- */

/* A finished one was deleted meanwhile, most often: that is no news. */
static void receipt_expired(struct desk *d, const struct message *m, const char *why)
{
	const struct queue *q = d->queue;
	if (m->state == MESSAGE_DELETING)
		return;
	count(d, d->count.expired);
	q->host->log(q->self, OW_LOG_INFO,
	    "the receipt of message %s has expired (%s): it may be received again before it is "
	    "finished here",
	    m->id, why);
}

static void extension_done(
    struct desk *d, struct message *m, enum sqs_entry_end end, const char *why)
{
	const struct queue *q = d->queue;
	if (end == SQS_ENTRY_GONE && m->visibility.receipts == m->receipts) {
		receipt_expired(d, m, why);
		return;
	}
	if (end == SQS_ENTRY_OK)
		count(d, d->count.extended);
	if (end == SQS_ENTRY_REFUSED)
		q->host->log(q->self, OW_LOG_WARNING,
		    "the visibility of message %s could not be extended (%s): another "
		    "consumer may receive it before it is finished here",
		    m->id, why);
	heartbeat_add(d->heartbeat, m);
}

static void return_done(struct desk *d, struct message *m, enum sqs_entry_end end)
{
	if (!m->return_posted && end != SQS_ENTRY_GONE) {
		post_return(d, m);
		return;
	}
	if (m->return_posted && end == SQS_ENTRY_OK)
		count(d, d->count.returned);
	finish(d, m);
}

static void visibility_done(
    struct message *m, enum sqs_entry_end end, const char *why, void *arg)
{
	struct desk *d = arg;
	if (m->state == MESSAGE_GONE)
		finish(d, m);
	else if (m->state == MESSAGE_RETURNING)
		return_done(d, m, end);
	else
		extension_done(d, m, end, why);
}

static void extend(struct message *m, int64_t seconds, void *arg)
{
	struct desk *d = arg;
	outbox_add(d->visibilities, m, seconds, EXTENSION_TRIES);
}

/* ---- settlements ---- */

static int64_t backoff_s(const struct desk *d, const struct message *m, int64_t least_ms)
{
	int64_t wait =
	    backoff_ms(&d->options->backoff, m->receives, d->queue->host, d->queue->self);
	return ((wait > least_ms ? wait : least_ms) + 999) / 1000;
}

/* The queue counts its receipts, and its redrive policy puts it aside in the end. */
static void leave(struct desk *d, struct message *m)
{
	count(d, d->count.malformed);
	if (d->options->invalid_delay_ms == DESK_REMAINING)
		finish(d, m);
	else
		return_after(d, m, (d->options->invalid_delay_ms + 999) / 1000);
}

/*
 * Those behind a message that was not delivered must not overtake it. Last
 * first: a queue that puts each in front of the others has them in order again.
 */
static void hold_back_group(struct desk *d, struct message *m)
{
	struct ring behind;
	if (!d->groups)
		return;
	ring_init(&behind);
	groups_disband(d->groups, m, &behind);
	while (!ring_empty(&behind)) {
		struct message *last = ring_entry(behind.prev, struct message, in_group);
		ring_remove(&last->in_group);
		return_after(d, last, 0);
	}
}

static void begin(struct desk *d, struct message *m);

static void begin_next(struct desk *d, struct message *m)
{
	struct message *next = d->groups ? groups_next(d->groups, m) : NULL;
	if (next)
		begin(d, next);
}

static void settle_failed(struct desk *d, struct message *m, const struct ow_settlement *how)
{
	switch (how->outcome) {
	case OW_INVALID:
	case OW_MISSING_KEY:
	case OW_MISMATCH:
	case OW_UNROUTED:
		leave(d, m);
		break;
	default:
		return_after(d, m, d->draining ? 0 : backoff_s(d, m, how->retry_after_ms));
		break;
	}
}

void desk_settle(struct desk *d, struct message *m, const struct ow_settlement *how)
{
	if (how->acknowledge) {
		begin_next(d, m);
		begin_deletion(d, m);
	} else {
		hold_back_group(d, m);
		settle_failed(d, m, how);
	}
}

/* ---- receipts ---- */

/* m is alone, or the first of its group. */
static void begin(struct desk *d, struct message *m)
{
	struct ow_event *event = m->event;
	if (m->fault != FAULT_NONE)
		hold_back_group(d, m);
	switch (m->fault) {
	case FAULT_DAMAGED:
		return_after(d, m, backoff_s(d, m, 0));
		break;
	case FAULT_MALFORMED:
		leave(d, m);
		break;
	default:
		m->event = NULL;
		m->state = MESSAGE_EMITTED;
		d->queue->host->emit(d->queue->self, event, m);
		break;
	}
}

/* It is with us already, under an older receipt: the heartbeat came too late. */
static void take_again(struct desk *d, struct message *m, const struct sqs_message *received)
{
	count(d, d->count.repeated);
	message_renew(d->queue, m, received);
	heartbeat_remove(m);
	if (m->visibility.state == POSTING_NONE)
		heartbeat_add(d->heartbeat, m);
}

static enum message_fault find_fault(
    struct desk *d, const struct sqs_message *received, const char *problem)
{
	const struct queue *q = d->queue;
	if (!sqs_body_matches(received->body, received->md5)) {
		count(d, d->count.damaged);
		q->host->log(q->self, OW_LOG_WARNING,
		    "message %s was damaged on its way (MD5OfBody): it is to be received anew",
		    received->id);
		return FAULT_DAMAGED;
	}
	if (!problem)
		return FAULT_NONE;
	q->host->log(q->self, OW_LOG_WARNING,
	    "message %s is left to the queue's redrive policy: %s", received->id, problem);
	return FAULT_MALFORMED;
}

/* NULL: nothing is to begin with it now. */
static struct message *take(struct desk *d, const struct sqs_message *received)
{
	const struct queue *q = d->queue;
	struct unwrapped body;
	struct message *known = hand_find(&d->hand, received->id);
	count(d, d->count.received);
	if (known) {
		take_again(d, known, received);
		return NULL;
	}
	const char *problem =
	    unwrap((enum unwrap_mode)d->options->unwrap, received->body, &body);
	struct message *m = message_new(q, received, message_event(q, received, &body));
	unwrapped_fini(&body);
	hand_add(&d->hand, m);
	if (d->draining) {
		return_after(d, m, 0);
		return NULL;
	}
	m->fault = find_fault(d, received, problem);
	heartbeat_add(d->heartbeat, m);
	return !d->groups || groups_add(d->groups, m) ? m : NULL;
}

/* All have joined their groups before the first begins: it may be a fault that holds back. */
void desk_take(struct desk *d, const struct sqs_received *received)
{
	struct message *first[SQS_BATCH_MAX];
	size_t count = 0;
	for (size_t i = 0; i < sqs_received_count(received); i++) {
		struct message *m = take(d, sqs_received_message(received, i));
		if (m)
			first[count++] = m;
	}
	for (size_t i = 0; i < count; i++)
		begin(d, first[i]);
	show_count(d);
}

/* ---- life ---- */

static struct ow_counter *counter(const struct queue *q, const char *name, const char *help)
{
	return q->host->counter(q->self, name, help, NULL, (struct ow_text){NULL, 0});
}

static void make_counters(struct desk_counters *c, const struct queue *q)
{
	c->received = counter(q, "sqs_received_total",
	    "Messages received, those that are received again included.");
	c->repeated = counter(q, "sqs_repeated_total",
	    "Messages received again while they were still in hand: their visibility ended too "
	    "early.");
	c->damaged = counter(
	    q, "sqs_damaged_total", "Messages whose body did not match its MD5; given back.");
	c->malformed = counter(q, "sqs_malformed_total",
	    "Messages left to the queue's redrive policy: invalid, without a key, or "
	    "unrouted.");
	c->deleted = counter(q, "sqs_deleted_total", "Finished messages that were deleted.");
	c->delete_failures = counter(q, "sqs_delete_failures_total",
	    "Finished messages that could not be deleted; they come again, as duplicates.");
	c->extended = counter(q, "sqs_extended_total",
	    "Extensions of a message's visibility while it was in hand.");
	c->expired = counter(q, "sqs_expired_total",
	    "Messages in hand whose receipt expired before they were finished.");
	c->returned = counter(q, "sqs_returned_total",
	    "Messages given back to the queue, to be seen again at once or later.");
	c->in_hand = q->host->gauge(q->self, "sqs_in_hand",
	    "Messages received and neither deleted nor given back yet.");
}

struct desk *desk_new(const struct queue *q, const struct desk_options *options,
    void (*finished)(void *arg), void *arg)
{
	struct desk *d = alloc_zero(1, sizeof(*d));
	d->queue = q;
	d->options = options;
	d->finished = finished;
	d->arg = arg;
	hand_init(&d->hand, q);
	d->groups = q->fifo ? groups_new(q) : NULL;
	d->heartbeat = heartbeat_new(q, extend, d);
	d->deletions = outbox_new(q, OUTBOX_DELETION, deletion_done, d);
	d->visibilities = outbox_new(q, OUTBOX_VISIBILITY, visibility_done, d);
	make_counters(&d->count, q);
	return d;
}

void desk_free(struct desk *d)
{
	if (!d)
		return;
	outbox_free(d->deletions);
	outbox_free(d->visibilities);
	heartbeat_free(d->heartbeat);
	groups_free(d->groups);
	for (size_t i = 0; i < HAND_BUCKETS; i++)
		while (!ring_empty(&d->hand.buckets[i]))
			message_free(d->queue, ring_entry(ring_take(&d->hand.buckets[i]),
						   struct message, in_hand));
	free(d);
}

void desk_drain(struct desk *d)
{
	d->draining = true;
	for (size_t i = 0; i < HAND_BUCKETS; i++)
		for (struct ring *link = d->hand.buckets[i].next, *next;
		     link != &d->hand.buckets[i]; link = next) {
			struct message *m = ring_entry(link, struct message, in_hand);
			next = link->next;
			if (m->state != MESSAGE_WAITING)
				continue;
			ring_remove(&m->in_group);
			return_after(d, m, 0);
		}
	outbox_hurry(d->deletions);
	outbox_hurry(d->visibilities);
}

size_t desk_count(const struct desk *d)
{
	return d->hand.count;
}
