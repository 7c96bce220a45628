#include "source_sqs/receivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/backoff.h"
#include "lib/hex.h"

#define SLOWER_MS      10000 /* an answer may come that long after wait_time */
#define ROOM_MS	       100   /* wait that long for room for a whole batch */
#define EMPTY_MIN_MS   1000  /* between empty polls that did not wait themselves */
#define ATTEMPT_ID_MAX 37

static const struct backoff after_error = {1000, 60000}, after_throttling = {5000, 60000},
			    held_back = {1000, 30000};

struct receiver {
	struct receivers *all;
	struct aws_call *call; /* NULL: no poll is under way */
	char *request;	       /* of that poll; owned */
	int64_t asked;	       /* messages, at most, of that poll */
	int64_t began_ms;      /* mono; of the last poll */
	struct ow_timer *timer;
	bool waiting;	   /* for the timer */
	unsigned failures; /* since the last answer */
	char attempt[ATTEMPT_ID_MAX];
	bool same_attempt; /* the answer of the last poll was lost */
	char problem[64];  /* code of the last failure, that it is told but once; "" */
};

struct receivers {
	const struct queue *queue;
	const struct receivers_options *options;
	struct receivers_calls calls;
	struct receiver *list;
	int64_t asked; /* by all polls under way */
	size_t polling;
	size_t failing;
	struct ow_timer *hold;
	bool held;	/* until that timer */
	bool probing;	/* one message at a time */
	unsigned holds; /* since the last acceptance */
	bool stopped;
	void (*done)(void *arg);
	void *done_arg;
	struct ow_counter *full, *empty, *errors, *unreadable, *failing_gauge;
};

static int64_t now_ms(const struct receivers *r)
{
	return r->queue->host->mono_ms(r->queue->self);
}

/* ---- when to poll ---- */

static void rest(struct receiver *one, int64_t ms)
{
	one->waiting = true;
	one->all->queue->host->timer_set(one->timer, ms);
}

static int64_t room(const struct receivers *r)
{
	int64_t most = r->probing ? 1 : r->options->max_messages;
	return most - (int64_t)r->calls.in_hand(r->calls.arg) - r->asked;
}

static void poll_queue(struct receiver *one, int64_t messages);

static void consider(struct receiver *one, bool patient)
{
	struct receivers *r = one->all;
	if (one->call || one->waiting || r->stopped || r->held)
		return;
	int64_t messages = room(r);
	if (messages <= 0)
		return;
	if (patient && messages < r->options->batch_size && !r->probing)
		rest(one, ROOM_MS);
	else
		poll_queue(
		    one, messages < r->options->batch_size ? messages : r->options->batch_size);
}

static void rested(void *arg)
{
	struct receiver *one = arg;
	one->waiting = false;
	consider(one, false);
}

void receivers_go(struct receivers *r)
{
	for (int64_t i = 0; i < r->options->receivers; i++)
		consider(&r->list[i], true);
}

/* ---- being held back ---- */

static void hold_over(void *arg)
{
	struct receivers *r = arg;
	r->held = false;
	receivers_go(r);
}

void receivers_hold(struct receivers *r, int64_t least_ms)
{
	if (r->held)
		return;
	r->held = true;
	r->probing = true;
	r->holds++;
	int64_t wait = backoff_ms(&held_back, r->holds, r->queue->host, r->queue->self);
	r->queue->host->timer_set(r->hold, wait > least_ms ? wait : least_ms);
	if (r->holds == 1)
		r->queue->host->log(r->queue->self, OW_LOG_INFO,
		    "held back: events are turned away for now, so little is received");
}

void receivers_accept(struct receivers *r)
{
	if (!r->probing)
		return;
	r->held = false;
	r->probing = false;
	r->holds = 0;
	r->queue->host->timer_set(r->hold, -1);
	r->queue->host->log(r->queue->self, OW_LOG_INFO, "no longer held back");
	receivers_go(r);
}

/* ---- answers ---- */

static void note_success(struct receiver *one)
{
	struct receivers *r = one->all;
	if (one->failures > 0)
		r->queue->host->gauge_set(r->failing_gauge, (int64_t)--r->failing);
	if (one->problem[0])
		r->queue->host->log(r->queue->self, OW_LOG_INFO, "receiving works again");
	one->failures = 0;
	one->problem[0] = '\0';
	one->same_attempt = false;
}

/* An operator reads it once; the log need not have it with each try. */
static void note_failure(struct receiver *one, const char *code, const char *why)
{
	struct receivers *r = one->all;
	char problem[sizeof(one->problem)];
	if (one->failures++ == 0)
		r->queue->host->gauge_set(r->failing_gauge, (int64_t)++r->failing);
	r->queue->host->count(r->errors, 1);
	snprintf(problem, sizeof(problem), "%s", code[0] ? code : why);
	if (strcmp(problem, one->problem) == 0)
		return;
	memcpy(one->problem, problem, sizeof(problem));
	r->queue->host->log(r->queue->self, OW_LOG_WARNING,
	    "receiving does not work, and is tried again: %s", why);
}

static void failed(struct receiver *one, const struct aws_result *result)
{
	const struct queue *q = one->all->queue;
	bool throttled = result->outcome == AWS_THROTTLED;
	note_failure(one, result->code, result->why);
	one->same_attempt = result->maybe_done;
	int64_t wait = backoff_ms(
	    throttled ? &after_throttling : &after_error, one->failures, q->host, q->self);
	rest(one, wait > result->retry_after_ms ? wait : result->retry_after_ms);
}

/* The queue counts their receipts too: its redrive policy puts them aside in the end. */
static void note_left_out(struct receivers *r, size_t messages)
{
	if (messages == 0)
		return;
	r->queue->host->count(r->unreadable, messages);
	r->queue->host->log(r->queue->self, OW_LOG_WARNING,
	    "%zu messages of an answer are left to the queue's redrive policy: one lacks "
	    "MessageId, ReceiptHandle or Body%s",
	    messages, r->queue->fifo ? ", and those behind it must not overtake it" : "");
}

static void read_answer(struct receiver *one, struct ow_text body)
{
	struct receivers *r = one->all;
	const char *why;
	struct sqs_received *received = sqs_received_read(body, r->queue->fifo, &why);
	if (!received) {
		failed(one, &(struct aws_result){.outcome = AWS_RETRY, .code = "", .why = why});
		return;
	}
	note_success(one);
	bool empty = sqs_received_count(received) == 0;
	note_left_out(r, sqs_received_left_out(received));
	r->queue->host->count(empty ? r->empty : r->full, 1);
	int64_t early_ms = one->began_ms + EMPTY_MIN_MS - now_ms(r);
	if (empty && early_ms > 0)
		rest(one, early_ms);
	if (!empty)
		r->calls.received(received, r->calls.arg);
	sqs_received_free(received);
}

static void say_stopped(struct receivers *r)
{
	if (r->polling == 0 && r->done) {
		void (*done)(void *arg) = r->done;
		r->done = NULL;
		done(r->done_arg);
	}
}

static void answered(const struct aws_result *result, void *arg)
{
	struct receiver *one = arg;
	struct receivers *r = one->all;
	one->call = NULL;
	r->asked -= one->asked;
	r->polling--;
	free(one->request);
	one->request = NULL;
	if (result->outcome == AWS_OK)
		read_answer(one, result->body);
	else
		failed(one, result);
	receivers_go(r);
	if (r->stopped)
		say_stopped(r);
}

/* ---- polls ---- */

/*
 * A receive of a FIFO queue whose answer was lost would lock the messages'
 * groups for the length of their visibility; asked for again as the same
 * attempt, it brings the same messages.
 */
static const char *attempt_id(struct receiver *one)
{
	const struct queue *q = one->all->queue;
	unsigned char random[(ATTEMPT_ID_MAX - 1) / 2];
	if (!q->fifo)
		return NULL;
	if (one->same_attempt)
		return one->attempt;
	q->host->random(q->self, random, sizeof(random));
	hex_write(one->attempt, random, sizeof(random));
	one->attempt[2 * sizeof(random)] = '\0';
	return one->attempt;
}

static void poll_queue(struct receiver *one, int64_t messages)
{
	struct receivers *r = one->all;
	const struct queue *q = r->queue;
	one->asked = messages;
	r->asked += messages;
	r->polling++;
	one->began_ms = now_ms(r);
	one->request = sqs_receive_request(&(struct sqs_receive){.url = q->url,
	    .messages = messages,
	    .wait_s = r->options->wait_ms / 1000,
	    .visible_s = q->visibility_ms / 1000,
	    .attempt = attempt_id(one)});
	one->call = aws_client_call(q->client,
	    &(struct aws_request){.target = SQS_RECEIVE,
		.body = {one->request, strlen(one->request)},
		.timeout_ms = r->options->wait_ms + SLOWER_MS,
		.repeatable = true},
	    answered, one);
}

/* ---- life ---- */

static struct ow_counter *receives(const struct queue *q, const char *result)
{
	return q->host->counter(q->self, "sqs_receives_total",
	    "Polls that were answered, with messages or empty, or that failed.", "result",
	    (struct ow_text){result, strlen(result)});
}

struct receivers *receivers_new(const struct queue *q, const struct receivers_options *options,
    const struct receivers_calls *calls)
{
	struct receivers *r = alloc_zero(1, sizeof(*r));
	r->queue = q;
	r->options = options;
	r->calls = *calls;
	r->list = alloc_zero((size_t)options->receivers, sizeof(*r->list));
	r->hold = q->host->timer_new(q->self, hold_over, r);
	for (int64_t i = 0; i < options->receivers; i++) {
		r->list[i].all = r;
		r->list[i].timer = q->host->timer_new(q->self, rested, &r->list[i]);
	}
	r->full = receives(q, "messages");
	r->empty = receives(q, "empty");
	r->errors = receives(q, "error");
	r->unreadable = q->host->counter(q->self, "sqs_unreadable_total",
	    "Messages that lacked their id, receipt or body, and those of a FIFO queue behind "
	    "them; left to the queue's redrive policy.",
	    NULL, (struct ow_text){NULL, 0});
	r->failing_gauge = q->host->gauge(q->self, "sqs_receivers_failing",
	    "Receivers whose last poll failed; 0 when all is well.");
	return r;
}

void receivers_free(struct receivers *r)
{
	if (!r)
		return;
	for (int64_t i = 0; i < r->options->receivers; i++) {
		struct receiver *one = &r->list[i];
		if (one->call)
			aws_call_cancel(one->call);
		free(one->request);
		r->queue->host->timer_free(one->timer);
	}
	r->queue->host->timer_free(r->hold);
	free(r->list);
	free(r);
}

void receivers_stop(struct receivers *r, void (*done)(void *arg), void *arg)
{
	r->stopped = true;
	r->done = done;
	r->done_arg = arg;
	say_stopped(r);
}
