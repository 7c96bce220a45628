/*
 * What the queue is told about messages, gathered into batches: an outbox for
 * deletions, another for changes of visibility. Every entry of an answer is
 * looked at, and what failed is tried again, a bounded number of times.
 */
#ifndef SOURCE_SQS_OUTBOX_H
#define SOURCE_SQS_OUTBOX_H

#include "source_sqs/message.h"

enum outbox_kind {
	OUTBOX_DELETION = 0,
	OUTBOX_VISIBILITY
};

#define OUTBOX_CALLS 4 /* under way at once, of one outbox */

struct outbox;

/*
 * end: OK; GONE: the receipt is of use no more; REFUSED: given up, and why is a
 * phrase for the log. m is no longer in the outbox then, and may be added
 * again.
 */
typedef void outbox_done(struct message *m, enum sqs_entry_end end, const char *why, void *arg);

struct outbox *outbox_new(
    const struct queue *q, enum outbox_kind kind, outbox_done *done, void *arg);
/* Before its client is freed. Drops what is under way; members are left alone. */
void outbox_free(struct outbox *o); /* NULL is fine */

/*
 * Tells the queue about m, which is not in a call of this outbox (SENT). If it
 * is in it already, that is replaced. seconds: of a change of visibility.
 * tries: calls at most.
 */
void outbox_add(struct outbox *o, struct message *m, int64_t seconds, unsigned tries);

/* Takes m out. If it is part of a call, that one is the last, and its end is told. */
void outbox_cancel(struct outbox *o, struct message *m);

/* Sends what is there without waiting for more to come along: nothing more comes. */
void outbox_hurry(struct outbox *o);

#endif
