/* The event of a message: its body as it was unwrapped, the rest as headers. */
#ifndef SOURCE_SQS_MESSAGE_EVENT_H
#define SOURCE_SQS_MESSAGE_EVENT_H

#include "source_sqs/queue.h"
#include "source_sqs/sqs_wire.h"
#include "source_sqs/unwrap.h"

/* One reference, the caller's. */
struct ow_event *message_event(const struct queue *q, const struct sqs_message *received,
    const struct unwrapped *unwrapped);

#endif
