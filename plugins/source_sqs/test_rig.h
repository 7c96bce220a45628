/* The source on the mock host, before an SQS that answers what the test says. */
#ifndef SOURCE_SQS_TEST_RIG_H
#define SOURCE_SQS_TEST_RIG_H

#include "lib/sqs/test_client.h"
#include "source_sqs/sqs_wire.h"

#define STANDARD_URL "https://sqs.eu-central-1.amazonaws.com/123456789012/events"
#define FIFO_URL     STANDARD_URL ".fifo"

extern struct ow_instance *rig_source;

/* Starts the source; yaml: options besides queue_url, each with its line break. */
void rig_start(const char *queue_url, const char *yaml);
/* Ends it, and the mock host. */
void rig_end(void);

/* Members of an entry of a batch. */
const char *rig_receipt(size_t call, size_t entry);
int64_t rig_visible(size_t call, size_t entry);

/* ---- messages ---- */

/*
 * Answers the open receive with messages named by the letters: "abc" are the
 * messages a, b and c with the bodies {"id":"a"} ..., of the receipts a1, b1, ...
 * that count from 1 how often each was received. In a FIFO queue upper-case
 * letters are of the group "upper", others of "lower".
 */
void rig_receive(const char *letters);

/* Letters of the events emitted and not settled yet, in order. */
const char *rig_emitted(void);
/* Settles the event of that letter. */
void rig_settle(char letter, enum ow_outcome outcome);
void rig_settle_as(char letter, const struct ow_settlement *how);

/* The receipts of the oldest open batch of that target, in order: "a1 b1". Answers it. */
const char *rig_batch(const char *target);

#endif
