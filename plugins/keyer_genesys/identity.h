/*
 * What makes a Genesys event itself and no other: which of its members are
 * taken, and the text that is hashed.
 */
#ifndef KEYER_GENESYS_IDENTITY_H
#define KEYER_GENESYS_IDENTITY_H

#include "lib/canonical.h"
#include "lib/place.h"

/* Members that may be taken, in the order of their names. */
enum identity_member {
	MEMBER_CORRELATION_ID,
	MEMBER_ACTION,
	MEMBER_COMMUNICATION_ID,
	MEMBER_BODY_CONVERSATION_ID,   /* of detail.eventBody */
	MEMBER_DETAIL_CONVERSATION_ID, /* of detail: the tutorial's */
	MEMBER_EVENT_TIME,
	MEMBER_EVENT_TYPE,
	MEMBER_FLOW_OUTCOME_ID,
	MEMBER_ID,
	MEMBER_PARTICIPANT_ID,
	MEMBER_REPLAY_NAME,
	MEMBER_SESSION_ID,
	MEMBER_TOPIC_NAME,
	MEMBERS
};

/* So many utterances of one event are looked at. */
#define IDENTITY_UTTERANCES 8

struct identity {
	struct place members[MEMBERS];
	struct place utterances[IDENTITY_UTTERANCES];
};

/* A set of members, a bit for each. */
#define IDENTITY_BIT(member)   (1u << (member))
#define IDENTITY_UTTERANCE_IDS IDENTITY_BIT(MEMBERS)

bool identity_init(
    struct identity *i, const struct ow_host *host, struct ow_instance *self, const char **why);

/*
 * The occurrence a notification tells of: topic, ids and time. With none of
 * what tells two notifications of one conversation apart, the envelope's id
 * too: better delivered twice than not at all.
 */
unsigned identity_of_occurrence(const struct identity *i, const struct ow_event *event);

/* Adds {"conversationId":"...",...} with those of the members that are there. */
void identity_write(const struct identity *i, const struct ow_event *event, unsigned members,
    struct canonical *c);

void identity_explain(const struct identity *i, const struct ow_event *event,
    struct ow_key *key, unsigned members);

#endif
