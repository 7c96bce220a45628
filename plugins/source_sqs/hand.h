/* All messages in hand, by their id. */
#ifndef SOURCE_SQS_HAND_H
#define SOURCE_SQS_HAND_H

#include "source_sqs/message.h"

#define HAND_BUCKETS 256 /* what is in hand is bounded by max_messages */

struct hand {
	unsigned char key[16];
	struct ring buckets[HAND_BUCKETS];
	size_t count;
};

void hand_init(struct hand *h, const struct queue *q);
void hand_add(struct hand *h, struct message *m);
void hand_remove(struct hand *h, struct message *m); /* it is there */
/* The message of that id, unless it is being returned or gone; NULL: none. */
struct message *hand_find(const struct hand *h, const char *id);

#endif
