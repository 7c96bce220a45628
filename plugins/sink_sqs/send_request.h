/* The request by which letters are sent. */
#ifndef SINK_SQS_SEND_REQUEST_H
#define SINK_SQS_SEND_REQUEST_H

#include "sink_sqs/letter.h"

#define SQS_SEND "AmazonSQS.SendMessageBatch"

#define SEND_TYPE  "Content-Type" /* names of attributes */
#define SEND_TRACE "traceparent"

/* The bytes of a message as SQS counts them: its body, and its attributes' names, types,
 * values. */
size_t send_request_size(const struct letter_style *style, const struct letter *l);

/* To be freed with free(). The entries have the ids "0", "1", ... */
char *send_request_write(const struct letter_style *style, const char *queue_url,
    struct letter *const *letters, size_t count);

#endif
