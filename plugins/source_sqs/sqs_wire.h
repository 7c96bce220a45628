/*
 * What SQS is sent and what it answers, in AWS JSON 1.0.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
 */
#ifndef SOURCE_SQS_SQS_WIRE_H
#define SOURCE_SQS_SQS_WIRE_H

#include "lib/sqs/batch_answer.h"

#define SQS_ATTRIBUTES_MAX   10 /* of one message */
#define SQS_VISIBILITY_MAX_S (12 * 60 * 60)

#define SQS_RECEIVE    "AmazonSQS.ReceiveMessage"
#define SQS_DELETE     "AmazonSQS.DeleteMessageBatch"
#define SQS_VISIBILITY "AmazonSQS.ChangeMessageVisibilityBatch"

/* ---- requests: texts to be freed with free() ---- */

struct sqs_receive {
	const char *url;
	int64_t messages;    /* at most; 1 to SQS_BATCH_MAX */
	int64_t wait_s;	     /* 0 to 20 */
	int64_t visible_s;   /* from when on they are seen again */
	const char *attempt; /* FIFO: a receive that is repeated gets the same; NULL: none */
};

char *sqs_receive_request(const struct sqs_receive *receive);

struct sqs_entry {
	const char *receipt;
	int64_t visible_s; /* of SQS_VISIBILITY alone */
};

/* The entries get the ids "0", "1", ... */
char *sqs_delete_request(const char *url, const struct sqs_entry *entries, size_t count);
char *sqs_visibility_request(const char *url, const struct sqs_entry *entries, size_t count);

/* ---- answers ---- */

struct sqs_attribute {
	const char *name;
	const char *value;
};

/* A received message. All of it is borrowed from its answer. */
struct sqs_message {
	const char *id, *receipt;
	const char *md5; /* of the body, 32 hexadecimal digits; NULL: not told */
	struct ow_text body;
	unsigned receives;  /* this one included; 1 if not told */
	const char *sent;   /* milliseconds since 1970, as text; NULL: not told */
	const char *group;  /* MessageGroupId; NULL: none */
	const char *dedup;  /* MessageDeduplicationId; NULL: none */
	const char *number; /* SequenceNumber; NULL: none */
	struct sqs_attribute attributes[SQS_ATTRIBUTES_MAX]; /* the sender's, of text */
	size_t attribute_count;
};

struct sqs_received; /* an answer to SQS_RECEIVE */

/*
 * NULL with *why, a static phrase: it is no such answer. A message that cannot
 * be read is left out; where order counts, so is what stands behind it.
 */
struct sqs_received *sqs_received_read(struct ow_text body, bool ordered, const char **why);
/* How many messages were left out. */
size_t sqs_received_left_out(const struct sqs_received *received);
void sqs_received_free(struct sqs_received *received); /* NULL is fine */
size_t sqs_received_count(const struct sqs_received *received);
const struct sqs_message *sqs_received_message(
    const struct sqs_received *received, size_t index);

#endif
