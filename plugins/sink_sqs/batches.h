/*
 * Letters on their way: those that are there together go together, up to ten in
 * a request, and a bounded number of requests is under way.
 */
#ifndef SINK_SQS_BATCHES_H
#define SINK_SQS_BATCHES_H

#include "sink_sqs/verdict.h"

struct batches;

struct batches_options {
	int64_t wait_ms;     /* how long a letter waits for company */
	int64_t max_calls;   /* under way at once */
	int64_t max_waiting; /* letters */
};

/* Borrowed for the life of the batches, but for the options, which are copied. */
struct batches_parts {
	const struct letter_style *style;
	struct aws_client *client;
	const char *queue_url;
	struct batches_options options;
	/* The end of a letter, which is freed afterwards. */
	void (*done)(struct letter *l, const struct ow_delivery *delivery, void *arg);
	void (*idle)(void *arg); /* nothing is here any more */
	void *arg;
};

struct batches *batches_new(const struct batches_parts *parts);
/* Idle, and before the client is freed. NULL is fine. */
void batches_free(struct batches *b);

/* Takes the letter over, which has limit_ms. False: too many wait, it is still the caller's. */
bool batches_add(struct batches *b, struct letter *l, int64_t limit_ms);

/*
 * Its time is up: done() is called before this returns. If it is part of a
 * request, that one goes on, for the sake of the others.
 */
void batches_cancel(struct batches *b, struct letter *l);

/* From now on nothing waits for company. */
void batches_hurry(struct batches *b);
bool batches_idle(const struct batches *b);

#endif
