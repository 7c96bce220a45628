/*
 * Where messages lie from their receipt until the queue has been told what
 * became of them: makes events of them, in their groups' order, keeps them
 * invisible to others, and deletes or gives back what is settled.
 */
#ifndef SOURCE_SQS_DESK_H
#define SOURCE_SQS_DESK_H

#include "lib/backoff.h"
#include "source_sqs/message.h"
#include "source_sqs/unwrap.h"

struct desk;

struct desk_options {
	int unwrap;		  /* enum unwrap_mode */
	struct backoff backoff;	  /* how long a failed message is left alone */
	int64_t invalid_delay_ms; /* the same for a malformed one; DESK_REMAINING */
};

/* What is left of its visibility: nothing is told to the queue. */
#define DESK_REMAINING OW_WORD(0)

/* finished(arg): a message less is in hand. q and options are borrowed. */
struct desk *desk_new(const struct queue *q, const struct desk_options *options,
    void (*finished)(void *arg), void *arg);
/* Drops what is in hand: the queue shows it again when its visibility ends. NULL is fine. */
void desk_free(struct desk *d);

/* Takes what was received; once drained, gives it back at once. */
void desk_take(struct desk *d, const struct sqs_received *received);
void desk_settle(struct desk *d, struct message *m, const struct ow_settlement *how);

/* Gives back what is not with the engine, now and from now on. */
void desk_drain(struct desk *d);

size_t desk_count(const struct desk *d);

#endif
