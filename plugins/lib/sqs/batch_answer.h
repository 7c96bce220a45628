/* What SQS answers to a batch: each entry of it has an end of its own. */
#ifndef LIB_SQS_BATCH_ANSWER_H
#define LIB_SQS_BATCH_ANSWER_H

#include <onceway/plugin.h>

#define SQS_BATCH_MAX 10 /* entries of one call */

enum sqs_entry_end {
	SQS_ENTRY_OK = 1,
	SQS_ENTRY_RETRY, /* not done, or not mentioned: may work later */
	SQS_ENTRY_GONE,	 /* the receipt is of use no more: it expired, or the message is gone */
	SQS_ENTRY_REFUSED /* not done, and will not be */
};

#define SQS_CODE_SIZE 64
#define SQS_WHY_SIZE  256

/* Texts are printable and end with NUL; "" if there is none. */
struct sqs_entry_result {
	enum sqs_entry_end end;
	bool mentioned;		  /* the answer says something about it */
	char code[SQS_CODE_SIZE]; /* of what failed: "ReceiptHandleIsInvalid" */
	char why[SQS_WHY_SIZE];	  /* of what failed: in SQS' words */
	char id[SQS_CODE_SIZE];	  /* of a message that was sent: MessageId */
	char md5[SQS_CODE_SIZE];  /* of its body: MD5OfMessageBody */
};

/*
 * Fills results of the count entries asked for, by their ids "0", "1", ...
 * False: it is no such answer; then none is mentioned.
 */
bool sqs_batch_read(struct ow_text body, struct sqs_entry_result *results, size_t count);

#endif
