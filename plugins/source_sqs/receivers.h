/*
 * The long polls: each receiver has one under way, as long as there is room for
 * what it may bring.
 */
#ifndef SOURCE_SQS_RECEIVERS_H
#define SOURCE_SQS_RECEIVERS_H

#include "source_sqs/queue.h"
#include "source_sqs/sqs_wire.h"

struct receivers;

struct receivers_options {
	int64_t receivers;
	int64_t batch_size;
	int64_t wait_ms; /* whole seconds */
	int64_t max_messages;
};

/* received(answer, arg): borrowed. in_hand(arg): how many messages take up room now. */
struct receivers_calls {
	void (*received)(const struct sqs_received *received, void *arg);
	size_t (*in_hand)(void *arg);
	void *arg;
};

/* q and options are borrowed, calls is copied. Nothing is polled yet. */
struct receivers *receivers_new(const struct queue *q, const struct receivers_options *options,
    const struct receivers_calls *calls);
/* Before the client is freed. Drops the polls under way. NULL is fine. */
void receivers_free(struct receivers *r);

/* Begins, and each time there is more room goes on. */
void receivers_go(struct receivers *r);

/*
 * What was received is not wanted now: for a while, longer each time, nothing
 * is received, and then one message alone, until receivers_accept().
 */
void receivers_hold(struct receivers *r, int64_t least_ms);
void receivers_accept(struct receivers *r);

/*
 * Polls no more. What is under way is waited for: a poll that is dropped may
 * have been handed messages, which nobody would see until their visibility
 * ends. done(arg) is called when none is under way, perhaps at once.
 */
void receivers_stop(struct receivers *r, void (*done)(void *arg), void *arg);

#endif
