#include "source_sqs/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/backoff.h"

#define GATHER_MS   20
#define CALL_MIN_MS 1000
#define CALL_MAX_MS 10000

static const struct backoff between_tries = {200, 5000};

/* A call under way. */
struct batch {
	struct outbox *outbox;
	struct ring link;
	struct aws_call *call;
	char *request; /* owned */
	struct message *messages[SQS_BATCH_MAX];
	size_t count;
};

struct outbox {
	const struct queue *queue;
	enum outbox_kind kind;
	outbox_done *done;
	void *arg;
	struct ow_timer *gather, *retry;
	struct ring queued; /* postings to be sent */
	size_t queued_count;
	struct ring failed;  /* postings to be queued again when they are due */
	struct ring batches; /* calls under way */
	size_t calls;
	bool overdue; /* what is queued was gathered long enough, but no call is free */
	bool hurry;
};

static struct posting *posting_of(const struct outbox *o, struct message *m)
{
	return o->kind == OUTBOX_DELETION ? &m->deletion : &m->visibility;
}

static struct message *message_of(const struct outbox *o, struct ring *link)
{
	struct posting *p = ring_entry(link, struct posting, link);
	return o->kind == OUTBOX_DELETION ? ring_entry(p, struct message, deletion)
					  : ring_entry(p, struct message, visibility);
}

static int64_t now_ms(const struct outbox *o)
{
	return o->queue->host->mono_ms(o->queue->self);
}

static void enqueue(struct outbox *o, struct posting *p)
{
	p->state = POSTING_QUEUED;
	ring_add(&o->queued, &p->link);
	o->queued_count++;
}

static void send_queued(struct outbox *o, size_t least);

/* ---- what has to be tried again ---- */

static void set_retry_timer(struct outbox *o)
{
	int64_t now = now_ms(o), wait = -1;
	for (struct ring *link = o->failed.next; link != &o->failed; link = link->next) {
		int64_t left = ring_entry(link, struct posting, link)->due_ms - now;
		left = left > 0 ? left : 0;
		wait = wait < 0 || left < wait ? left : wait;
	}
	o->queue->host->timer_set(o->retry, wait);
}

static void retry_due(void *arg)
{
	struct outbox *o = arg;
	int64_t now = now_ms(o);
	for (struct ring *link = o->failed.next, *next; link != &o->failed; link = next) {
		struct posting *p = ring_entry(link, struct posting, link);
		next = link->next;
		if (p->due_ms > now)
			continue;
		ring_remove(link);
		enqueue(o, p);
	}
	set_retry_timer(o);
	send_queued(o, 1);
}

/* ---- answers ---- */

static void ended(struct outbox *o, struct message *m, enum sqs_entry_end end, const char *why,
    int64_t least_ms)
{
	struct posting *p = posting_of(o, m);
	p->state = POSTING_NONE;
	if (end != SQS_ENTRY_RETRY || p->tries >= p->tries_max) {
		o->done(m, end == SQS_ENTRY_RETRY ? SQS_ENTRY_REFUSED : end, why, o->arg);
		return;
	}
	int64_t wait = backoff_ms(&between_tries, p->tries, o->queue->host, o->queue->self);
	p->state = POSTING_FAILED;
	p->due_ms = now_ms(o) + (wait > least_ms ? wait : least_ms);
	ring_add(&o->failed, &p->link);
}

/* The call as a whole did not work, so none of its entries did. */
static void all_ended(struct batch *b, const char *why, int64_t least_ms)
{
	for (size_t i = 0; i < b->count; i++)
		ended(b->outbox, b->messages[i], SQS_ENTRY_RETRY, why, least_ms);
}

static void each_ended(struct batch *b, const struct sqs_entry_result *results)
{
	for (size_t i = 0; i < b->count; i++)
		ended(b->outbox, b->messages[i], results[i].end,
		    results[i].code[0] ? results[i].code : "the answer does not mention it", 0);
}

static void batch_free(struct batch *b)
{
	ring_remove(&b->link);
	free(b->request);
	free(b);
}

static void answered(const struct aws_result *result, void *arg)
{
	struct batch *b = arg;
	struct outbox *o = b->outbox;
	struct sqs_entry_result results[SQS_BATCH_MAX];
	o->calls--;
	if (result->outcome != AWS_OK)
		all_ended(b, result->why, result->retry_after_ms);
	else if (!sqs_batch_read(result->body, results, b->count))
		all_ended(b, "the answer is not that of a batch", 0);
	else
		each_ended(b, results);
	batch_free(b);
	set_retry_timer(o);
	send_queued(o, o->hurry || o->overdue ? 1 : SQS_BATCH_MAX);
}

/* ---- calls ---- */

/* Well within the time that the entries' visibility leaves. */
static int64_t call_limit_ms(const struct outbox *o)
{
	int64_t limit = o->queue->visibility_ms / 4;
	if (limit < CALL_MIN_MS)
		return CALL_MIN_MS;
	return limit < CALL_MAX_MS ? limit : CALL_MAX_MS;
}

static void send_batch(struct outbox *o)
{
	const struct queue *q = o->queue;
	struct batch *b = alloc_zero(1, sizeof(*b));
	struct sqs_entry entries[SQS_BATCH_MAX];
	b->outbox = o;
	ring_init(&b->link);
	ring_add(&o->batches, &b->link);
	while (b->count < SQS_BATCH_MAX && !ring_empty(&o->queued)) {
		struct message *m = message_of(o, ring_take(&o->queued));
		struct posting *p = posting_of(o, m);
		o->queued_count--;
		p->state = POSTING_SENT;
		p->tries++;
		p->receipts = m->receipts;
		entries[b->count] = (struct sqs_entry){m->receipt, p->visible_s};
		b->messages[b->count++] = m;
	}
	b->request = o->kind == OUTBOX_DELETION
			 ? sqs_delete_request(q->url, entries, b->count)
			 : sqs_visibility_request(q->url, entries, b->count);
	o->calls++;
	b->call = aws_client_call(q->client,
	    &(struct aws_request){
		.target = o->kind == OUTBOX_DELETION ? SQS_DELETE : SQS_VISIBILITY,
		.body = {b->request, strlen(b->request)},
		.timeout_ms = call_limit_ms(o),
		.repeatable = true},
	    answered, b);
}

/* Sends batches as long as there are at least that many postings, and calls are free. */
static void send_queued(struct outbox *o, size_t least)
{
	while (o->queued_count >= least && o->queued_count > 0 && o->calls < OUTBOX_CALLS)
		send_batch(o);
	bool busy = o->queued_count >= least && o->queued_count > 0;
	o->overdue = busy;
	o->queue->host->timer_set(o->gather, o->queued_count > 0 && !busy ? GATHER_MS : -1);
}

static void gather_due(void *arg)
{
	send_queued(arg, 1);
}

/* ---- in and out ---- */

struct outbox *outbox_new(
    const struct queue *q, enum outbox_kind kind, outbox_done *done, void *arg)
{
	struct outbox *o = alloc_zero(1, sizeof(*o));
	o->queue = q;
	o->kind = kind;
	o->done = done;
	o->arg = arg;
	o->gather = q->host->timer_new(q->self, gather_due, o);
	o->retry = q->host->timer_new(q->self, retry_due, o);
	ring_init(&o->queued);
	ring_init(&o->failed);
	ring_init(&o->batches);
	return o;
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	while (!ring_empty(&o->batches)) {
		struct batch *b = ring_entry(o->batches.next, struct batch, link);
		aws_call_cancel(b->call);
		batch_free(b);
	}
	o->queue->host->timer_free(o->gather);
	o->queue->host->timer_free(o->retry);
	free(o);
}

void outbox_cancel(struct outbox *o, struct message *m)
{
	struct posting *p = posting_of(o, m);
	if (p->state == POSTING_QUEUED)
		o->queued_count--;
	if (p->state == POSTING_SENT) {
		p->tries_max = 0;
		return;
	}
	p->state = POSTING_NONE;
	ring_remove(&p->link);
}

void outbox_add(struct outbox *o, struct message *m, int64_t seconds, unsigned tries)
{
	struct posting *p = posting_of(o, m);
	outbox_cancel(o, m);
	p->visible_s = seconds;
	p->tries = 0;
	p->tries_max = tries;
	enqueue(o, p);
	if (o->hurry || o->queued_count >= SQS_BATCH_MAX)
		send_queued(o, 1);
	else if (o->queued_count == 1)
		o->queue->host->timer_set(o->gather, GATHER_MS);
}

void outbox_hurry(struct outbox *o)
{
	o->hurry = true;
	send_queued(o, 1);
}
