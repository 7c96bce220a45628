/* What SQS' answer means for one letter, as the core wants to hear it. */
#ifndef SINK_SQS_VERDICT_H
#define SINK_SQS_VERDICT_H

#include "lib/aws/aws_client.h"
#include "lib/sqs/batch_answer.h"
#include "sink_sqs/letter.h"

/* A delivery with room for its texts. */
struct verdict {
	struct ow_delivery delivery; /* points into this struct, or is static */
	struct ow_result result;
	char why[SQS_CODE_SIZE + SQS_WHY_SIZE + 16];
	char body[SQS_CODE_SIZE + 32];
};

/* Refused before anything was sent, or not sent. why is borrowed. */
void verdict_refused(struct verdict *v, const char *why);
void verdict_busy(struct verdict *v);
/* Its time is up; sent: SQS may have it. */
void verdict_late(struct verdict *v, const struct letter *l, bool sent);
/*
 * There is no such queue, for any letter: it is not made yet, or was deleted. The
 * event is as good as it was, so it is tried again.
 */
bool verdict_queue_missing(const struct aws_result *result);
/* The call did not work: not for this letter, nor for those beside it. */
void verdict_of_call(
    struct verdict *v, const struct letter *l, const struct aws_result *result);
/* The answer is there, but is none. */
void verdict_of_nonsense(struct verdict *v, const struct letter *l);
void verdict_of_entry(
    struct verdict *v, const struct letter *l, const struct sqs_entry_result *entry);

#endif
