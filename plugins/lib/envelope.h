/* What must be in an EventBridge event before anything is made of its detail. */
#ifndef LIB_ENVELOPE_H
#define LIB_ENVELOPE_H

#include "lib/place.h"

enum envelope_member {
	ENVELOPE_VERSION,
	ENVELOPE_ID,
	ENVELOPE_SOURCE,
	ENVELOPE_ACCOUNT,
	ENVELOPE_TIME,
	ENVELOPE_REGION,
	ENVELOPE_RESOURCES,
	ENVELOPE_TYPE,
	ENVELOPE_DETAIL,
	ENVELOPE_MEMBERS
};

struct envelope {
	struct place root;
	struct place members[ENVELOPE_MEMBERS];
	struct place tutorial_type; /* `detailType`, which AWS does not send */
};

/* In create(). False with *why, a static phrase. */
bool envelope_init(
    struct envelope *e, const struct ow_host *host, struct ow_instance *self, const char **why);

/*
 * The first place at fault, in e: with *problem, a static phrase; NULL: it is
 * missing. Returns NULL if all is there. The event's body is valid JSON.
 */
const struct place *envelope_fault(
    const struct envelope *e, const struct ow_event *event, const char **problem);

/* The event's type, for one without fault. Borrowed from the event. */
struct ow_text envelope_type(const struct envelope *e, const struct ow_event *event);

#endif
