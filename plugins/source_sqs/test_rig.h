/*
 * The source on the mock host, before an SQS that answers what the test says.
 * Calls are numbered from 0 in the order they were made.
 */
#ifndef SOURCE_SQS_TEST_RIG_H
#define SOURCE_SQS_TEST_RIG_H

#include <jansson.h>

#include "lib/aws/aws_client.h"
#include "source_sqs/sqs_wire.h"
#include "tests/plugin/mockhost.h"
#include "tests/unit/main.h"

#define STANDARD_URL "https://sqs.eu-central-1.amazonaws.com/123456789012/events"
#define FIFO_URL     STANDARD_URL ".fifo"

extern struct mock *rig_mock;
extern struct ow_instance *rig_source;

/* Starts the source; yaml: options besides queue_url, each with its line break. */
void rig_start(const char *queue_url, const char *yaml);
/* Ends it, and the mock host. */
void rig_end(void);

/* What the client was made with. */
const struct aws_client_config *rig_config(void);

/* ---- calls to SQS ---- */

struct rig_call {
	const char *target;
	json_t *request;
	int64_t timeout_ms;
	bool open;
};

size_t rig_calls(void);
const struct rig_call *rig_call(size_t index);
/* How many calls with that target are open. */
size_t rig_open(const char *target);
/* The oldest open call of that target; fails the test if there is none. */
size_t rig_find(const char *target);

/* An integer or the text of a member of a call's request: "VisibilityTimeout". */
int64_t rig_number(size_t call, const char *member);
/* The entries of a batch, and members of one of them. */
size_t rig_entries(size_t call);
const char *rig_receipt(size_t call, size_t entry);
int64_t rig_visible(size_t call, size_t entry);

/* Answers an open call. */
void rig_answer(size_t call, const char *body);
void rig_fail(size_t call, enum aws_outcome outcome, const char *code);
/* Too many calls, and the least wait that the service asks for. */
void rig_throttle(size_t call, int64_t retry_after_ms);
/* All of a batch succeed. */
void rig_answer_batch(size_t call);
/* As long as there are open calls of that target. */
void rig_answer_all(const char *target);

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
