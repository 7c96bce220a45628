/*
 * What SQS is sent and what it answers, in AWS JSON 1.0.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
 */
#ifndef SOURCE_SQS_SQS_WIRE_H
#define SOURCE_SQS_SQS_WIRE_H

#include <onceway/plugin.h>

#define SQS_BATCH_MAX	     10 /* messages of one call */
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

/* NULL with *why, a static phrase: it is no such answer. */
struct sqs_received *sqs_received_read(struct ow_text body, const char **why);
void sqs_received_free(struct sqs_received *received); /* NULL is fine */
size_t sqs_received_count(const struct sqs_received *received);
const struct sqs_message *sqs_received_message(
    const struct sqs_received *received, size_t index);

enum sqs_entry_end {
	SQS_ENTRY_OK = 1,
	SQS_ENTRY_RETRY, /* not done, or not mentioned: may work later */
	SQS_ENTRY_GONE,	 /* the receipt is of use no more: it expired, or the message is gone */
	SQS_ENTRY_REFUSED /* not done, and will not be */
};

#define SQS_CODE_SIZE 64

struct sqs_entry_result {
	enum sqs_entry_end end;
	char code[SQS_CODE_SIZE]; /* of what failed: "ReceiptHandleIsInvalid"; else "" */
};

/* Fills results of the count entries asked for. False: it is no such answer. */
bool sqs_batch_read(struct ow_text body, struct sqs_entry_result *results, size_t count);

#endif
