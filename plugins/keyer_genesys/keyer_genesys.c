/*
 * The key of a Genesys Cloud event that came through EventBridge, and the
 * replies of the Python service that Onceway replaces. That service knew events
 * with a detail.eventType, which Genesys does not send; for those the keys are
 * its own. What Genesys does send, a notification with a topic name, gets a key
 * of what makes the occurrence itself and no other.
 */
#define OW_NEED_MINOR 2 /* key_missing() */
#include <onceway/plugin.h>

#include "identity.h"
#include "lib/alloc.h"
#include "lib/envelope.h"
#include "lib/python_text.h"
#include "lib/reply.h"
#include "lib/sha256.h"

enum identity_option {
	BUSINESS,
	CORRELATION,
	ENVELOPE
};
enum encoding {
	TUTORIAL,
	UNAMBIGUOUS
};
enum replays {
	DEDUP,
	DELIVER
};

static const char *const identities[] = {"business", "correlation", "envelope", NULL};
static const char *const encodings[] = {"tutorial", "unambiguous", NULL};
static const char *const replay_choices[] = {"dedup", "deliver", NULL};

struct conf {
	int identity;
	bool action;
	int encoding;
	int replays;
	const char *prefix;
};

static const struct ow_option options[] = {
    OW_ENUM(struct conf, identity, "identity", .dflt = "business", .choices = identities,
	.help = "What the key is made of: `business`, what happened to whom and when; "
		"`correlation`, the CorrelationId that Genesys gives a notification; "
		"`envelope`, EventBridge's id, which is another one when Genesys publishes "
		"again."),
    OW_BOOL(struct conf, action, "action", .dflt = "false",
	.help = "Whether detail.action, or `none`, stands between type and id in the key of "
		"an event with detail.eventType."),
    OW_ENUM(struct conf, encoding, "encoding", .dflt = "tutorial", .choices = encodings,
	.help = "How such a key is written: `tutorial`, joined by underscores, as the Python "
		"service does it; `unambiguous`, with a hash that underscores in ids cannot "
		"make equal."),
    OW_ENUM(struct conf, replays, "replays", .dflt = "dedup", .choices = replay_choices,
	.help = "What an event from an archive is: `dedup`, the same as when it first came; "
		"`deliver`, another one, once for each replay, by its replay-name."),
    OW_STRING(struct conf, prefix, "prefix",
	.dflt = "genesys_dedup:", .help = "What store keys begin with."),
    OW_OPTION_END,
};

struct state {
	const struct ow_host *host;
	const struct conf *conf;
	struct envelope envelope;
	struct identity identity;
	struct place detail_id, timestamp, user_id;
	/* For one event at a time, kept for their memory. */
	struct canonical *canonical, *text;
	struct sha256 *sha256;
};

/* ---- life ---- */

static void check_conf(const void *conf, const struct ow_report *report)
{
	const struct conf *cf = conf;
	if (cf->identity == BUSINESS)
		return;
	if (cf->action)
		report->complain(report, "action",
		    "does nothing with `identity: %s`: remove it", identities[cf->identity]);
	if (cf->encoding != TUTORIAL)
		report->complain(report, "encoding",
		    "does nothing with `identity: %s`: remove it", identities[cf->identity]);
}

static void destroy(void *state)
{
	struct state *st = state;
	canonical_free(st->canonical);
	canonical_free(st->text);
	sha256_free(st->sha256);
	free(st);
}

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct state *st = alloc_zero(1, sizeof(*st));
	st->host = host;
	st->conf = conf;
	st->canonical = canonical_new();
	st->text = canonical_new();
	st->sha256 = sha256_new();
	if (!st->sha256) {
		*why = "libcrypto offers no SHA-256";
		goto fail;
	}
	if (!envelope_init(&st->envelope, host, self, why) ||
	    !identity_init(&st->identity, host, self, why) ||
	    !place_init(&st->detail_id, host, self, "/detail/id", why) ||
	    !place_init(&st->timestamp, host, self, "/detail/timestamp", why) ||
	    !place_init(&st->user_id, host, self, "/detail/userId", why))
		goto fail;
	return st;
fail:
	destroy(st);
	return NULL;
}

/* ---- what is there ---- */

static const struct place *member(const struct state *st, enum identity_member which)
{
	return &st->identity.members[which];
}

static bool has(const struct state *st, const struct ow_event *event, enum identity_member m)
{
	struct ow_json value;
	return place_get(member(st, m), event, &value);
}

static bool check_string(
    const struct place *place, const struct ow_event *event, struct ow_key *key)
{
	return place_check(place, event, key, OW_JSON_STRING, PLACE_NO_STRING);
}

/* An empty id would make all events equal that have one. */
static bool check_id(
    const struct place *place, const struct ow_event *event, struct ow_key *key)
{
	return check_string(place, event, key) &&
	       (place_text(place, event).len > 0 || place_missing(place, key));
}

static bool check_optional_string(
    const struct place *place, const struct ow_event *event, struct ow_key *key)
{
	struct ow_json value;
	return !place_get_some(place, event, &value) || value.type == OW_JSON_STRING ||
	       place_invalid(place, key, PLACE_NO_STRING);
}

/* The shape the Python service knew. */
static bool is_tutorial(const struct state *st, const struct ow_event *event)
{
	return has(st, event, MEMBER_EVENT_TYPE);
}

/* ---- which members ---- */

static bool is_replay(const struct state *st, const struct ow_event *event)
{
	return st->conf->replays == DELIVER &&
	       place_text(member(st, MEMBER_REPLAY_NAME), event).len > 0;
}

/* As the service: an empty conversation id is none. */
static enum identity_member business_id(const struct state *st, const struct ow_event *event)
{
	bool conversation =
	    place_text(member(st, MEMBER_DETAIL_CONVERSATION_ID), event).len > 0;
	return conversation ? MEMBER_DETAIL_CONVERSATION_ID : MEMBER_ID;
}

/* Which members make the key of an event that has one. */
static unsigned choose(const struct state *st, const struct ow_event *event)
{
	unsigned name =
	    IDENTITY_BIT(is_tutorial(st, event) ? MEMBER_EVENT_TYPE : MEMBER_TOPIC_NAME);
	unsigned replay = is_replay(st, event) ? IDENTITY_BIT(MEMBER_REPLAY_NAME) : 0;
	if (st->conf->identity == ENVELOPE)
		return replay | IDENTITY_BIT(MEMBER_ID);
	if (st->conf->identity == CORRELATION)
		return replay | name | IDENTITY_BIT(MEMBER_CORRELATION_ID);
	if (!is_tutorial(st, event))
		return replay | identity_of_occurrence(&st->identity, event);
	return replay | name | IDENTITY_BIT(business_id(st, event)) |
	       (st->conf->action ? IDENTITY_BIT(MEMBER_ACTION) : 0);
}

/* Whether the key is hashed rather than written out. */
static bool is_hashed(const struct state *st, const struct ow_event *event)
{
	if (st->conf->identity == ENVELOPE)
		return false;
	return st->conf->identity == CORRELATION || !is_tutorial(st, event) ||
	       st->conf->encoding == UNAMBIGUOUS;
}

/*
 * Where the envelope's id is taken into a key that is ours, it alone may tell
 * two events apart. The service's own key has an empty one as it stands.
 */
static bool check_envelope_id(
    const struct state *st, const struct ow_event *event, struct ow_key *key)
{
	bool taken = choose(st, event) & IDENTITY_BIT(MEMBER_ID);
	return !taken || !is_hashed(st, event) || check_id(member(st, MEMBER_ID), event, key);
}

static bool check_envelope(
    const struct state *st, const struct ow_event *event, struct ow_key *key)
{
	const char *problem;
	const struct place *fault = envelope_fault(&st->envelope, event, &problem);
	if (!fault)
		return true;
	return problem ? place_invalid(fault, key, problem) : place_missing(fault, key);
}

static bool check_detail(
    const struct state *st, const struct ow_event *event, struct ow_key *key)
{
	if (st->conf->identity == ENVELOPE)
		return check_id(member(st, MEMBER_ID), event, key);
	if (st->conf->identity == CORRELATION &&
	    !check_id(member(st, MEMBER_CORRELATION_ID), event, key))
		return false;
	if (!is_tutorial(st, event))
		return check_id(member(st, MEMBER_TOPIC_NAME), event, key) &&
		       check_envelope_id(st, event, key);
	return check_string(&st->detail_id, event, key) &&
	       check_string(member(st, MEMBER_EVENT_TYPE), event, key) &&
	       check_string(&st->timestamp, event, key) &&
	       check_optional_string(member(st, MEMBER_DETAIL_CONVERSATION_ID), event, key) &&
	       check_optional_string(&st->user_id, event, key) &&
	       check_envelope_id(st, event, key);
}

/* ---- the key's text ---- */

static void add_part(struct state *st, struct ow_text part)
{
	if (canonical_text(st->text).len)
		canonical_add(st->text, "_");
	canonical_add_text(st->text, part);
}

/* f"{eventType}_{action}_{conversationId or id}" */
static bool write_tutorial(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	const struct place *action = member(st, MEMBER_ACTION);
	struct ow_json value;
	canonical_add_text(st->text, place_text(member(st, MEMBER_EVENT_TYPE), event));
	canonical_add(st->text, "_");
	if (st->conf->action) {
		if (!place_get(action, event, &value))
			canonical_add(st->text, "none");
		else if (!python_text_add(st->text, st->host, event, &value))
			return place_invalid(
			    action, key, "must be a string, a number, a boolean or null");
		canonical_add(st->text, "_");
	}
	canonical_add_text(st->text, place_text(member(st, business_id(st, event)), event));
	if (is_replay(st, event))
		add_part(st, place_text(member(st, MEMBER_REPLAY_NAME), event));
	return true;
}

static void write_envelope(struct state *st, const struct ow_event *event)
{
	canonical_add_text(st->text, place_text(member(st, MEMBER_ID), event));
	if (is_replay(st, event))
		add_part(st, place_text(member(st, MEMBER_REPLAY_NAME), event));
}

/* NAME_HASH: the hash is of everything taken, the name is for those who read keys. */
static void write_hashed(struct state *st, const struct ow_event *event, unsigned taken)
{
	char hex[SHA256_HEX];
	canonical_clear(st->canonical);
	identity_write(&st->identity, event, taken, st->canonical);
	sha256_hex(st->sha256, canonical_text(st->canonical), hex);
	canonical_add_text(st->text,
	    place_text(
		member(st, is_tutorial(st, event) ? MEMBER_EVENT_TYPE : MEMBER_TOPIC_NAME),
		event));
	canonical_add(st->text, "_");
	canonical_add_text(st->text, (struct ow_text){hex, sizeof(hex)});
}

static bool write_text(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	canonical_clear(st->text);
	if (is_hashed(st, event))
		write_hashed(st, event, choose(st, event));
	else if (st->conf->identity == ENVELOPE)
		write_envelope(st, event);
	else
		return write_tutorial(st, event, key);
	return true;
}

/* A topic's name holds ids, its type `{id}` in their place: only that one is a label. */
static struct ow_text label(struct state *st, const struct ow_event *event)
{
	if (st->conf->identity != ENVELOPE && is_tutorial(st, event))
		return place_text(member(st, MEMBER_EVENT_TYPE), event);
	return envelope_type(&st->envelope, event);
}

static void explain(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	unsigned taken = choose(st, event);
	identity_explain(&st->identity, event, key, taken);
	if (has(st, event, MEMBER_REPLAY_NAME) && !is_replay(st, event))
		place_explain(member(st, MEMBER_REPLAY_NAME), event, key,
		    "replay-name (not in the key)", "");
	st->host->key_canonical(
	    key, canonical_text(is_hashed(st, event) ? st->canonical : st->text));
}

static enum ow_rc make_key(void *state, const struct ow_event *event, struct ow_key *key)
{
	struct state *st = state;
	if (!check_envelope(st, event, key) || !check_detail(st, event, key) ||
	    !write_text(st, event, key))
		return OW_REJECT;
	st->host->key_set(key, st->conf->prefix, canonical_text(st->text));
	st->host->key_label(key, label(st, event));
	if (st->host->key_explaining(key))
		explain(st, event, key);
	return OW_OK;
}

/* ---- reply ---- */

static void add_string_or_null(struct state *st, struct ow_reply *reply,
    const struct ow_event *event, const struct place *place)
{
	struct ow_json value;
	if (place_get(place, event, &value) && value.type == OW_JSON_STRING)
		st->host->reply_add_json(reply, st->host->event_string(event, &value));
	else
		reply_text(st->host, reply, "null");
}

/* {"status":"success","processed_event_id":ID,"conversation_id":C} */
static void reply_success(
    struct state *st, struct ow_reply *reply, const struct ow_event *event)
{
	bool tutorial = is_tutorial(st, event);
	reply_text(st->host, reply, "{\"status\":\"success\",\"processed_event_id\":");
	add_string_or_null(st, reply, event, tutorial ? &st->detail_id : member(st, MEMBER_ID));
	reply_text(st->host, reply, ",\"conversation_id\":");
	add_string_or_null(st, reply, event,
	    member(st, tutorial ? MEMBER_DETAIL_CONVERSATION_ID : MEMBER_BODY_CONVERSATION_ID));
	reply_text(st->host, reply, "}");
}

static void reply_failure(struct state *st, struct ow_reply *reply, const char *why)
{
	reply_text(st->host, reply, "{\"error\":\"Processing failed\",\"details\":");
	reply_string(st->host, reply, why);
	reply_text(st->host, reply, "}");
}

static void make_reply(void *state, const struct ow_event *event,
    const struct ow_reply_request *request, struct ow_reply *reply)
{
	struct state *st = state;
	if (request->outcome == OW_INVALID && request->status < 400)
		return; /* it was taken all the same: the core says how */
	st->host->reply_begin(reply, 0, "application/json");
	switch (request->outcome) {
	case OW_DELIVERED:
		reply_success(st, reply, event);
		break;
	case OW_DUPLICATE:
		reply_text(st->host, reply, "{\"status\":\"duplicate\",\"key\":");
		st->host->reply_add_json(reply, request->key);
		reply_text(st->host, reply, "}");
		break;
	case OW_INVALID:
		reply_text(st->host, reply, "{\"error\":\"Invalid event structure\"}");
		break;
	default:
		reply_failure(st, reply, request->why);
	}
}

/* ---- the component ---- */

static const struct ow_keyer_ops ops = {
    .size = sizeof(ops),
    .invalid_status = 400,
    .window_ms = 3600000,
    .key = make_key,
    .reply = make_reply,
};

static const struct ow_component genesys = {
    .kind = OW_KEYER,
    .conf_size = sizeof(struct conf),
    .name = "genesys",
    .summary = "Keys of Genesys Cloud events that come through EventBridge.",
    .options = options,
    .example = "identity: business\n"
	       "replays: deliver\n",
    .check = check_conf,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

static const struct ow_component *const components[] = {&genesys, NULL};

OW_MODULE("keyer_genesys", "1.0", "Apache-2.0", components)
