/*
 * Takes the event out of a message's body: EventBridge puts it there as it is,
 * SNS as a text inside an envelope.
 */
#ifndef SOURCE_SQS_UNWRAP_H
#define SOURCE_SQS_UNWRAP_H

#include <onceway/plugin.h>

enum unwrap_mode {
	UNWRAP_AUTO = 0, /* out of an SNS envelope, if it is one */
	UNWRAP_RAW,
	UNWRAP_EVENTBRIDGE, /* must be an EventBridge event; as it is */
	UNWRAP_SNS	    /* must be an SNS envelope */
};

struct unwrapped {
	struct ow_text body; /* points into the message's body, or is owned by this */
	char *topic;	     /* ARN of the SNS topic it came through; NULL: none; owned */
	char *sns_id;	     /* its SNS message id; NULL: none; owned */
	char *owned;	     /* NULL: body is borrowed */
};

/* NULL, or what is wrong with the body. Call unwrapped_fini() in both cases. */
const char *unwrap(enum unwrap_mode mode, struct ow_text body, struct unwrapped *out);
void unwrapped_fini(struct unwrapped *unwrapped);

#endif
