/* One message to be sent: what of the event and the attempt SQS is told. */
#ifndef SINK_SQS_LETTER_H
#define SINK_SQS_LETTER_H

#include "lib/ring.h"
#include "lib/sha256.h"
#include "sink_sqs/lanes.h"

#define LETTER_ID_MAX  128 /* of a MessageGroupId or a MessageDeduplicationId */
#define LETTER_HASH    SHA256_HEX
#define LETTER_WHY_MAX 256

/* How letters are written; the same for all of an instance. Borrowed. */
struct letter_style {
	const struct ow_host *host;
	struct ow_instance *self;
	struct sha256 *sha256;
	const struct ow_pointer *group; /* NULL: not configured */
	const char *group_path;
	const char *group_default; /* NULL: none */
	const char *key_attribute; /* "": none is sent */
	int64_t max_message;
	bool fifo;
};

/* Texts are borrowed from the event, the attempt and the style until op is finished. */
struct letter {
	struct ow_op *op;		 /* NULL: nobody waits for its end any more */
	struct ow_text body;		 /* the event's */
	struct ow_text type, trace, key; /* of attributes; empty: not sent */
	struct ow_text group;		 /* MessageGroupId; empty: none */
	struct ow_text dedup;		 /* MessageDeduplicationId; empty: none */
	bool keyed;  /* the receiver can tell a second copy from the first */
	size_t size; /* as SQS counts it */
	char group_hash[LETTER_HASH], key_hash[LETTER_HASH];

	/* The rest is what batches.c notes. */
	struct ring link;
	struct lane *lane;  /* of its group; NULL: order does not count */
	struct batch *sent; /* NULL: it waits */
	int64_t due_ms;	    /* mono: it has waited for company until then */
	int64_t end_ms;	    /* mono: its attempt ends */
	bool alone;	    /* it goes without company */
};

/*
 * NULL with why: SQS would not take it, or there is no message group. Freed
 * with letter_free().
 */
struct letter *letter_new(const struct letter_style *style, const struct ow_event *event,
    const struct ow_attempt *attempt, char why[LETTER_WHY_MAX]);
void letter_free(struct letter *l);

/* True if SQS takes it as an id as it is. */
bool letter_id_valid(struct ow_text text);

#endif
