/* The sink on the mock host, before an SQS that answers what the test says. */
#ifndef SINK_SQS_TEST_RIG_H
#define SINK_SQS_TEST_RIG_H

#include "lib/sqs/batch_answer.h"
#include "lib/sqs/test_client.h"
#include "sink_sqs/send_request.h"

#define STANDARD_URL "https://sqs.eu-central-1.amazonaws.com/123456789012/events"
#define FIFO_URL     STANDARD_URL ".fifo"

extern struct ow_instance *rig_sink;

/* Starts the sink; yaml: options besides queue_url, each with its line break. */
void rig_start(const char *queue_url, const char *yaml);
/* Ends it, and the mock host. */
void rig_end(void);

/*
 * Delivers messages named by the letters: "abc" are a, b and c with the bodies
 * {"id":"a","group":"lower"} ..., and "upper" for upper-case ones, under the
 * keys test:a, ...
 */
void rig_deliver(const char *letters);
/* The last delivery of that letter. */
struct ow_op *rig_op(char letter);
/* How each of them ended: O for OK, r for RETRY, J for REJECT, F for FAIL, U for UNKNOWN, `.`
 * if it has not. */
const char *rig_ends(const char *letters);

/* Delivers one event with the body as it is, and its own attempt; NULL: as above. */
struct ow_op *rig_deliver_body(const char *body, const struct ow_attempt *attempt);

/* The letters of a request, in order. */
const char *rig_letters(size_t call);
/* A member of one of its entries, "" if there is none; and of an attribute the value. */
const char *rig_member(size_t call, size_t entry, const char *member);
const char *rig_attribute(size_t call, size_t entry, const char *name);

#endif
