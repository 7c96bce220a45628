/*
 * Sees to it that no message in hand becomes visible to others: ahead of its
 * visibility's end it is extended, however long its delivery takes.
 */
#ifndef SOURCE_SQS_HEARTBEAT_H
#define SOURCE_SQS_HEARTBEAT_H

#include "source_sqs/message.h"

struct heartbeat;

/* extend(m, seconds, arg): m has left the heartbeat, and joins it again when that is done. */
typedef void heartbeat_extend(struct message *m, int64_t seconds, void *arg);

struct heartbeat *heartbeat_new(const struct queue *q, heartbeat_extend *extend, void *arg);
void heartbeat_free(struct heartbeat *h); /* members are left alone; NULL is fine */

/* m's visibility began anew just now. */
void heartbeat_add(struct heartbeat *h, struct message *m);
void heartbeat_remove(struct message *m); /* harmless if it is not there */

#endif
