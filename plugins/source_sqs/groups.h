/*
 * The order of a FIFO queue: of each message group one message at a time, the
 * others behind it as they were received.
 */
#ifndef SOURCE_SQS_GROUPS_H
#define SOURCE_SQS_GROUPS_H

#include "source_sqs/message.h"

struct groups;

struct groups *groups_new(const struct queue *q); /* q is borrowed */
void groups_free(struct groups *g);		  /* members are left alone; NULL is fine */

/* m joins the end of its group, and stays until it is taken out. True: it is the first. */
bool groups_add(struct groups *g, struct message *m);

/* Takes m, the first of its group, out. The one that is first now, or NULL. */
struct message *groups_next(struct groups *g, struct message *m);

/*
 * Takes m, the first of its group, out with all behind it, and moves those to
 * `behind`, in their order.
 */
void groups_disband(struct groups *g, struct message *m, struct ring *behind);

#endif
