/* What must be in an EventBridge event before anything is made of its detail. */
#ifndef KEYER_GENESYS_ENVELOPE_H
#define KEYER_GENESYS_ENVELOPE_H

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

bool envelope_init(
    struct envelope *e, const struct ow_host *host, struct ow_instance *self, const char **why);

/* False: the key was told what is missing or wrong. */
bool envelope_check(const struct envelope *e, const struct ow_event *event, struct ow_key *key);

/* The event's type, for a checked one. Borrowed from the event. */
struct ow_text envelope_type(const struct envelope *e, const struct ow_event *event);

#endif
