#include "sink_sqs/batches.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "sink_sqs/send_request.h"

/* The core ends an attempt; a call that it still waits for ends a little later. */
#define CALL_GRACE_MS 1000

/* A request under way. */
struct batch {
	struct batches *all;
	struct aws_call *call;
	char *request; /* owned */
	struct letter *letters[SQS_BATCH_MAX];
	size_t count;
	size_t awaited; /* letters that somebody still waits for */
};

struct batches {
	struct batches_parts parts;
	struct lanes *lanes; /* NULL: not a FIFO queue */
	struct ring waiting; /* letters, oldest first */
	size_t waiting_count;
	size_t calls;		  /* under way */
	struct ow_timer *company; /* has come, or does not come any more */
	struct ow_counter *requests;
	bool hurry;
};

static const struct ow_host *host_of(const struct batches *b)
{
	return b->parts.style->host;
}

static int64_t now_ms(const struct batches *b)
{
	return host_of(b)->mono_ms(b->parts.style->self);
}

bool batches_idle(const struct batches *b)
{
	return b->waiting_count == 0 && b->calls == 0;
}

/* ---- letters that wait, and their end ---- */

static struct letter *letter_at(struct ring *link)
{
	return ring_entry(link, struct letter, link);
}

static void forget(struct letter *l)
{
	if (l->lane)
		lane_put(l->lane);
	letter_free(l);
}

static void finish(struct batches *b, struct letter *l, const struct verdict *v)
{
	b->parts.done(l, &v->delivery, b->parts.arg);
	l->op = NULL;
}

static void take_out(struct batches *b, struct letter *l)
{
	ring_remove(&l->link);
	b->waiting_count--;
}

/* In front of all that wait: it has been waiting for longer. */
static void put_back(struct batches *b, struct letter *l)
{
	l->sent = NULL;
	l->alone = true;
	ring_add(b->waiting.next, &l->link);
	b->waiting_count++;
}

static void say_idle(struct batches *b)
{
	if (batches_idle(b))
		b->parts.idle(b->parts.arg);
}

/* ---- answers ---- */

static void send_waiting(struct batches *b, bool fresh);

static void leave(struct batch *batch)
{
	struct batches *b = batch->all;
	b->calls--;
	for (size_t i = 0; i < batch->count; i++)
		if (batch->letters[i]->lane)
			batch->letters[i]->lane->busy = false;
	free(batch->request);
}

/*
 * SQS refused the request as a whole, so nothing was sent. It may be for one
 * letter of them: each is tried alone, so that it has no neighbours to harm.
 */
static bool is_to_be_split(const struct batch *batch, const struct aws_result *result)
{
	return result->outcome == AWS_FAILED && !result->maybe_done &&
	       !verdict_queue_missing(result) && batch->count > 1;
}

static void split(struct batch *batch)
{
	for (size_t i = batch->count; i-- > 0;)
		if (batch->letters[i]->op)
			put_back(batch->all, batch->letters[i]);
		else
			forget(batch->letters[i]);
}

static void end_letters(struct batch *batch, const struct aws_result *result)
{
	struct sqs_entry_result entries[SQS_BATCH_MAX];
	bool answered = result->outcome == AWS_OK;
	bool sense = answered && sqs_batch_read(result->body, entries, batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		struct letter *l = batch->letters[i];
		struct verdict v;
		if (!l->op) {
			forget(l);
			continue;
		}
		if (!answered)
			verdict_of_call(&v, l, result);
		else if (!sense)
			verdict_of_nonsense(&v, l);
		else
			verdict_of_entry(&v, l, &entries[i]);
		finish(batch->all, l, &v);
		forget(l);
	}
}

static void answered(const struct aws_result *result, void *arg)
{
	struct batch *batch = arg;
	struct batches *b = batch->all;
	leave(batch);
	if (is_to_be_split(batch, result))
		split(batch);
	else
		end_letters(batch, result);
	free(batch);
	send_waiting(b, false);
	say_idle(b);
}

/* ---- requests ---- */

/* The letters that can go together, oldest first. full: no more would fit. */
static size_t collect(struct batches *b, struct letter *together[SQS_BATCH_MAX], bool *full)
{
	uint64_t bytes = 0, most = (uint64_t)b->parts.style->max_message;
	size_t count = 0;
	*full = true;
	for (struct ring *link = b->waiting.next; link != &b->waiting; link = link->next) {
		struct letter *l = letter_at(link);
		if (l->lane && l->lane->busy)
			continue;
		if (count == SQS_BATCH_MAX || (count > 0 && (l->alone || together[0]->alone)) ||
		    bytes + l->size > most)
			return count;
		bytes += l->size;
		together[count++] = l;
	}
	*full = count == SQS_BATCH_MAX;
	return count;
}

static int64_t time_left(const struct batches *b, const struct batch *batch)
{
	int64_t now = now_ms(b), left = 0;
	for (size_t i = 0; i < batch->count; i++)
		if (batch->letters[i]->end_ms - now > left)
			left = batch->letters[i]->end_ms - now;
	return left + CALL_GRACE_MS;
}

static void send_batch(struct batches *b, struct letter *const *letters, size_t count)
{
	const struct letter_style *style = b->parts.style;
	struct batch *batch = alloc_zero(1, sizeof(*batch));
	bool repeatable = true;
	batch->all = b;
	b->calls++;
	for (size_t i = 0; i < count; i++) {
		struct letter *l = letters[i];
		take_out(b, l);
		l->sent = batch;
		if (l->lane)
			l->lane->busy = true;
		repeatable = repeatable && l->keyed;
		batch->letters[i] = l;
	}
	batch->count = batch->awaited = count;
	batch->request = send_request_write(style, b->parts.queue_url, letters, count);
	host_of(b)->count(b->requests, 1);
	batch->call = aws_client_call(b->parts.client,
	    &(struct aws_request){.target = SQS_SEND,
		.body = {batch->request, strlen(batch->request)},
		.timeout_ms = time_left(b, batch),
		.repeatable = repeatable},
	    answered, batch);
}

/* fresh: of those that have just come more may come at once. */
static void send_waiting(struct batches *b, bool fresh)
{
	struct letter *letters[SQS_BATCH_MAX];
	int64_t wait = -1;
	while (b->calls < (size_t)b->parts.options.max_calls) {
		bool full;
		size_t count = collect(b, letters, &full);
		if (count == 0)
			break;
		wait = b->hurry ? 0 : letters[0]->due_ms - now_ms(b);
		wait = wait > 0 ? wait : 0;
		if (!full && (wait > 0 || fresh))
			break;
		wait = -1;
		send_batch(b, letters, count);
	}
	host_of(b)->timer_set(b->company, wait);
}

static void company_came(void *arg)
{
	send_waiting(arg, false);
}

/* ---- in and out ---- */

struct batches *batches_new(const struct batches_parts *parts)
{
	const struct ow_host *host = parts->style->host;
	struct ow_instance *self = parts->style->self;
	struct batches *b = alloc_zero(1, sizeof(*b));
	b->parts = *parts;
	b->lanes = parts->style->fifo ? lanes_new(host, self) : NULL;
	b->company = host->timer_new(self, company_came, b);
	b->requests = host->counter(self, "sqs_send_requests_total",
	    "Requests by which messages were sent, up to ten in each.", NULL,
	    (struct ow_text){NULL, 0});
	ring_init(&b->waiting);
	return b;
}

void batches_free(struct batches *b)
{
	if (!b)
		return;
	host_of(b)->timer_free(b->company);
	lanes_free(b->lanes);
	free(b);
}

/* Company is not worth more than half of what time there is. */
static int64_t patience(const struct batches *b, int64_t limit_ms)
{
	int64_t wait = b->parts.options.wait_ms;
	return wait < limit_ms / 2 ? wait : limit_ms / 2;
}

bool batches_add(struct batches *b, struct letter *l, int64_t limit_ms)
{
	int64_t now = now_ms(b);
	if (b->waiting_count >= (size_t)b->parts.options.max_waiting)
		return false;
	l->lane = b->lanes ? lanes_get(b->lanes, l->group) : NULL;
	l->due_ms = now + patience(b, limit_ms);
	l->end_ms = now + limit_ms;
	ring_add(&b->waiting, &l->link);
	b->waiting_count++;
	send_waiting(b, true);
	return true;
}

/* Nobody waits for it any more. */
static void drop(struct batch *batch)
{
	leave(batch);
	for (size_t i = 0; i < batch->count; i++)
		forget(batch->letters[i]);
	free(batch);
}

static void cancel_sent(struct batches *b, struct letter *l)
{
	struct batch *batch = l->sent;
	struct verdict v;
	bool sent = true;
	if (--batch->awaited == 0)
		sent = aws_call_cancel(batch->call);
	verdict_late(&v, l, sent);
	finish(b, l, &v);
	if (batch->awaited == 0)
		drop(batch);
}

void batches_cancel(struct batches *b, struct letter *l)
{
	struct verdict v;
	if (l->sent) {
		cancel_sent(b, l);
	} else {
		take_out(b, l);
		verdict_late(&v, l, false);
		finish(b, l, &v);
		forget(l);
	}
	send_waiting(b, false);
	say_idle(b);
}

void batches_hurry(struct batches *b)
{
	b->hurry = true;
	send_waiting(b, false);
}
