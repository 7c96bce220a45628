#include "identity.h"

#define BODY "/detail/eventBody"

static const struct {
	const char *name, *path;
} members[MEMBERS] = {
    [MEMBER_CORRELATION_ID] = {"CorrelationId", "/detail/metadata/CorrelationId"},
    [MEMBER_ACTION] = {"action", "/detail/action"},
    [MEMBER_COMMUNICATION_ID] = {"communicationId", BODY "/communicationId"},
    [MEMBER_BODY_CONVERSATION_ID] = {"conversationId", BODY "/conversationId"},
    [MEMBER_DETAIL_CONVERSATION_ID] = {"conversationId", "/detail/conversationId"},
    [MEMBER_EVENT_TIME] = {"eventTime", BODY "/eventTime"},
    [MEMBER_EVENT_TYPE] = {"eventType", "/detail/eventType"},
    [MEMBER_FLOW_OUTCOME_ID] = {"flowOutcomeId", BODY "/flowOutcomeId"},
    [MEMBER_ID] = {"id", "/id"},
    [MEMBER_PARTICIPANT_ID] = {"participantId", BODY "/participantId"},
    [MEMBER_REPLAY_NAME] = {"replay-name", "/replay-name"},
    [MEMBER_SESSION_ID] = {"sessionId", BODY "/sessionId"},
    [MEMBER_TOPIC_NAME] = {"topicName", "/detail/topicName"},
};

static const char *const utterances[IDENTITY_UTTERANCES] = {
    BODY "/transcripts/0/utteranceId",
    BODY "/transcripts/1/utteranceId",
    BODY "/transcripts/2/utteranceId",
    BODY "/transcripts/3/utteranceId",
    BODY "/transcripts/4/utteranceId",
    BODY "/transcripts/5/utteranceId",
    BODY "/transcripts/6/utteranceId",
    BODY "/transcripts/7/utteranceId",
};

bool identity_init(struct identity *identity, const struct ow_host *host,
    struct ow_instance *self, const char **why)
{
	for (size_t i = 0; i < MEMBERS; i++)
		if (!place_init(&identity->members[i], host, self, members[i].path, why))
			return false;
	for (size_t i = 0; i < IDENTITY_UTTERANCES; i++)
		if (!place_init(&identity->utterances[i], host, self, utterances[i], why))
			return false;
	return true;
}

/* An empty text tells no two events apart. */
static bool tells_apart(const struct place *place, const struct ow_event *event)
{
	struct ow_json value;
	return place_get_some(place, event, &value) &&
	       (value.type != OW_JSON_STRING || place_text(place, event).len > 0);
}

static bool has_utterances(const struct identity *identity, const struct ow_event *event)
{
	for (size_t i = 0; i < IDENTITY_UTTERANCES; i++)
		if (tells_apart(&identity->utterances[i], event))
			return true;
	return false;
}

unsigned identity_of_occurrence(const struct identity *identity, const struct ow_event *event)
{
	unsigned taken =
	    IDENTITY_BIT(MEMBER_COMMUNICATION_ID) | IDENTITY_BIT(MEMBER_BODY_CONVERSATION_ID) |
	    IDENTITY_BIT(MEMBER_EVENT_TIME) | IDENTITY_BIT(MEMBER_FLOW_OUTCOME_ID) |
	    IDENTITY_BIT(MEMBER_PARTICIPANT_ID) | IDENTITY_BIT(MEMBER_SESSION_ID) |
	    IDENTITY_BIT(MEMBER_TOPIC_NAME);
	bool heard = has_utterances(identity, event);
	if (heard)
		taken |= IDENTITY_UTTERANCE_IDS;
	if (!heard && !tells_apart(&identity->members[MEMBER_EVENT_TIME], event))
		taken |= IDENTITY_BIT(MEMBER_ID);
	return taken;
}

static void write_name(struct canonical *c, const char *name, bool *first)
{
	canonical_add(c, *first ? "{\"" : ",\"");
	canonical_add(c, name);
	canonical_add(c, "\":");
	*first = false;
}

static void write_utterances(
    const struct identity *identity, const struct ow_event *event, struct canonical *c)
{
	const char *before = "[";
	struct ow_json value;
	for (size_t i = 0; i < IDENTITY_UTTERANCES; i++) {
		if (!place_get_some(&identity->utterances[i], event, &value))
			continue;
		canonical_add(c, before);
		canonical_add_value(c, value.raw);
		before = ",";
	}
	canonical_add(c, "]");
}

void identity_write(const struct identity *identity, const struct ow_event *event,
    unsigned taken, struct canonical *c)
{
	bool first = true;
	struct ow_json value;
	for (size_t i = 0; i < MEMBERS; i++) {
		if (!(taken & IDENTITY_BIT(i)) ||
		    !place_get_some(&identity->members[i], event, &value))
			continue;
		write_name(c, members[i].name, &first);
		canonical_add_value(c, value.raw);
	}
	if (taken & IDENTITY_UTTERANCE_IDS) {
		write_name(c, "utteranceIds", &first);
		write_utterances(identity, event, c);
	}
	canonical_add(c, "}");
}

void identity_explain(const struct identity *identity, const struct ow_event *event,
    struct ow_key *key, unsigned taken)
{
	struct ow_json value;
	for (size_t i = 0; i < MEMBERS; i++)
		if (taken & IDENTITY_BIT(i) &&
		    place_get_some(&identity->members[i], event, &value))
			place_explain(&identity->members[i], event, key, members[i].name, "");
	for (size_t i = 0; taken & IDENTITY_UTTERANCE_IDS && i < IDENTITY_UTTERANCES; i++)
		if (place_get_some(&identity->utterances[i], event, &value))
			place_explain(&identity->utterances[i], event, key, "utteranceId", "");
}
