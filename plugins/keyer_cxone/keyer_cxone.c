/*
 * The key of a CXone Data Action event, and the replies its sender knows. Both
 * are those of the Python service that Onceway replaces, so that the two can
 * share one Redis: the key is the SHA-256 of json.dumps() of five fields.
 */
#define OW_NEED_MINOR 2 /* key_missing(), store_failed */
#include <onceway/plugin.h>

#include <string.h>

#include "lib/alloc.h"
#include "lib/canonical.h"
#include "lib/place.h"
#include "lib/reply.h"
#include "lib/sha256.h"

struct conf {
	const char *trigger_id;
	const char *entity_id;
	const char *timestamp;
	const char *event_type;
	const char *contact_id;
	const char *queue_id;
	const char *data;
	const char *prefix;
};

static const struct ow_option options[] = {
    OW_POINTER(struct conf, trigger_id, "trigger_id", .dflt = "/triggerId",
	.help = "Where the trigger's id is, a string; also the label of duplicate counters."),
    OW_POINTER(struct conf, entity_id, "entity_id", .dflt = "/entityId",
	.help = "Where the entity's id is, a string."),
    OW_POINTER(struct conf, timestamp, "timestamp", .dflt = "/timestamp",
	.help = "Where the time is, a string that is required but no part of the key; empty: "
		"not required."),
    OW_POINTER(struct conf, event_type, "event_type", .dflt = "/data/eventType",
	.help = "Where the event's type is, any value; \"unknown\" if there is none."),
    OW_POINTER(struct conf, contact_id, "contact_id", .dflt = "/data/contactId",
	.help = "Where the contact's id is, any value; an empty string if there is none."),
    OW_POINTER(struct conf, queue_id, "queue_id", .dflt = "/data/queueId",
	.help = "Where the queue's id is, any value; an empty string if there is none."),
    OW_POINTER(struct conf, data, "data", .dflt = "/data",
	.help = "What must be an object if it is there."),
    OW_STRING(struct conf, prefix, "prefix",
	.dflt = "cxone:dedup:", .help = "What store keys begin with."),
    OW_OPTION_END,
};

/* The fields of the canonical text, in its order. */
enum {
	CONTACT_ID,
	ENTITY_ID,
	EVENT_TYPE,
	QUEUE_ID,
	TRIGGER_ID,
	FIELDS
};

static const struct field {
	const char *name;
	const char *start;    /* what precedes its value in the canonical text */
	size_t offset;	      /* of its path in struct conf */
	const char *fallback; /* canonical text when it is absent; NULL: a required string */
} fields[FIELDS] = {
    [CONTACT_ID] = {"contactId", "{\"contactId\":", offsetof(struct conf, contact_id), "\"\""},
    [ENTITY_ID] = {"entityId", ",\"entityId\":", offsetof(struct conf, entity_id), NULL},
    [EVENT_TYPE] = {"eventType", ",\"eventType\":", offsetof(struct conf, event_type),
	"\"unknown\""},
    [QUEUE_ID] = {"queueId", ",\"queueId\":", offsetof(struct conf, queue_id), "\"\""},
    [TRIGGER_ID] = {"triggerId", ",\"triggerId\":", offsetof(struct conf, trigger_id), NULL},
};

struct state {
	const struct ow_host *host;
	const char *prefix;
	struct place root, timestamp, data;
	struct place fields[FIELDS];
	/* For one event at a time, kept for their memory. */
	struct canonical *canonical;
	struct sha256 *sha256;
};

/* What can be wrong with an event, in our words and in those of the Python service. */
enum {
	MISSING,
	NO_STRING,
	NO_OBJECT,
	NO_DOCUMENT,
	FAULTS
};

static const struct fault {
	const char *problem;
	const char *type, *message;
} faults[FAULTS] = {
    [MISSING] = {"is missing", "missing", "Field required"},
    [NO_STRING] = {PLACE_NO_STRING, "string_type", "Input should be a valid string"},
    [NO_OBJECT] = {PLACE_NO_OBJECT, "dict_type", "Input should be a valid dictionary"},
    [NO_DOCUMENT] = {PLACE_NO_DOCUMENT, "model_attributes_type",
	"Input should be a valid dictionary or object to extract fields from"},
};

/* ---- life ---- */

static void destroy(void *state)
{
	struct state *st = state;
	canonical_free(st->canonical);
	sha256_free(st->sha256);
	free(st);
}

static bool find_places(
    struct state *st, struct ow_instance *self, const struct conf *conf, const char **why)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const char *path;
		memcpy(&path, (const char *)conf + fields[i].offset, sizeof(path));
		if (!place_init(&st->fields[i], st->host, self, path, why))
			return false;
	}
	return place_init(&st->root, st->host, self, "", why) &&
	       place_init(&st->timestamp, st->host, self, conf->timestamp, why) &&
	       place_init(&st->data, st->host, self, conf->data, why);
}

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	const struct conf *cf = conf;
	struct state *st = alloc_zero(1, sizeof(*st));
	st->host = host;
	st->prefix = cf->prefix;
	st->canonical = canonical_new();
	st->sha256 = sha256_new();
	if (!st->sha256) {
		*why = "libcrypto offers no SHA-256";
		goto fail;
	}
	if (!find_places(st, self, cf, why))
		goto fail;
	return st;
fail:
	destroy(st);
	return NULL;
}

/* ---- key ---- */

static bool check_string(
    const struct place *place, const struct ow_event *event, struct ow_key *key)
{
	return place_check(place, event, key, OW_JSON_STRING, PLACE_NO_STRING);
}

static bool check(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	struct ow_json value;
	if (!place_check(&st->root, event, key, OW_JSON_OBJECT, PLACE_NO_DOCUMENT))
		return false;
	if (!check_string(&st->fields[TRIGGER_ID], event, key) ||
	    !check_string(&st->fields[ENTITY_ID], event, key))
		return false;
	if (st->timestamp.path[0] && !check_string(&st->timestamp, event, key))
		return false;
	return !place_get(&st->data, event, &value) || value.type == OW_JSON_OBJECT ||
	       place_invalid(&st->data, key, PLACE_NO_OBJECT);
}

/* Writes the five fields' canonical object to st->canonical. */
static void write_canonical(struct state *st, const struct ow_event *event)
{
	struct canonical *c = st->canonical;
	canonical_clear(c);
	for (size_t i = 0; i < FIELDS; i++) {
		struct ow_json value;
		canonical_add(c, fields[i].start);
		if (place_get(&st->fields[i], event, &value))
			canonical_add_value(c, value.raw);
		else
			canonical_add(c, fields[i].fallback);
	}
	canonical_add(c, "}");
}

static void explain(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	for (size_t i = 0; i < FIELDS; i++)
		place_explain(&st->fields[i], event, key, fields[i].name, fields[i].fallback);
	if (st->timestamp.path[0])
		place_explain(&st->timestamp, event, key, "timestamp (not in the key)", "");
	st->host->key_canonical(key, canonical_text(st->canonical));
}

static enum ow_rc make_key(void *state, const struct ow_event *event, struct ow_key *key)
{
	struct state *st = state;
	char hex[SHA256_HEX];
	if (!check(st, event, key))
		return OW_REJECT;
	write_canonical(st, event);
	sha256_hex(st->sha256, canonical_text(st->canonical), hex);
	st->host->key_set(key, st->prefix, (struct ow_text){hex, sizeof(hex)});
	st->host->key_label(key, place_text(&st->fields[TRIGGER_ID], event));
	if (st->host->key_explaining(key))
		explain(st, event, key);
	return OW_OK;
}

/* ---- reply ---- */

/* {"status":"routed","triggerId":T} */
static void reply_status(
    struct state *st, const struct ow_event *event, struct ow_reply *reply, const char *status)
{
	reply_text(st->host, reply, "{\"status\":");
	reply_string(st->host, reply, status);
	reply_text(st->host, reply, ",\"triggerId\":");
	st->host->reply_add_json(reply, place_text(&st->fields[TRIGGER_ID], event));
	reply_text(st->host, reply, "}");
}

/* ,"data","contactId" for data/contactId. */
static void add_location(struct state *st, struct ow_reply *reply, const char *name)
{
	char *step = alloc_bytes(strlen(name) + 1);
	for (const char *p = name;; p++) {
		size_t len = 0;
		for (; *p && *p != '/'; p++)
			step[len++] = *p != '~' ? *p : *++p == '0' ? '~' : '/';
		reply_text(st->host, reply, ",");
		st->host->reply_add_json(reply, (struct ow_text){step, len});
		if (!*p)
			break;
	}
	free(step);
}

/* {"detail":[{"type":"missing","loc":["body","entityId"],"msg":"Field required"}]} */
static void reply_fault(
    struct state *st, struct ow_reply *reply, const char *name, const struct fault *fault)
{
	reply_text(st->host, reply, "{\"detail\":[{\"type\":");
	reply_string(st->host, reply, fault->type);
	reply_text(st->host, reply, ",\"loc\":[\"body\"");
	if (fault != &faults[NO_DOCUMENT])
		add_location(st, reply, name);
	reply_text(st->host, reply, "],\"msg\":");
	reply_string(st->host, reply, fault->message);
	reply_text(st->host, reply, "}]}");
}

static void reply_malformed(
    struct state *st, struct ow_reply *reply, const struct ow_reply_request *request)
{
	if (request->status == 400) { /* not UTF-8 */
		reply_detail(st->host, reply, "There was an error parsing the body");
		return;
	}
	reply_text(st->host, reply,
	    "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\"],"
	    "\"msg\":\"JSON decode error\",\"ctx\":{\"error\":");
	reply_string(st->host, reply, request->why);
	reply_text(st->host, reply, "}}]}");
}

static void reply_invalid(
    struct state *st, struct ow_reply *reply, const struct ow_reply_request *request)
{
	const char *name = st->host->reply_field(reply);
	const char *problem = st->host->reply_problem(reply);
	for (size_t i = 0; name && problem && i < FAULTS; i++) {
		if (strcmp(problem, faults[i].problem) == 0) {
			reply_fault(st, reply, name, &faults[i]);
			return;
		}
	}
	reply_malformed(st, reply, request);
}

/* The service's own words where it had a reply for this, and it was the right one. */
static const char *failure_text(const struct ow_reply_request *request)
{
	if (request->store_failed)
		return "State backend unavailable";
	return request->status == 504 ? "Downstream routing timed out" : request->why;
}

static void make_reply(void *state, const struct ow_event *event,
    const struct ow_reply_request *request, struct ow_reply *reply)
{
	struct state *st = state;
	st->host->reply_begin(reply, 0, "application/json");
	switch (request->outcome) {
	case OW_DELIVERED:
		reply_status(st, event, reply, "routed");
		break;
	case OW_DUPLICATE:
		/* Copies that came together are answered alike: one of them was routed. */
		reply_status(
		    st, event, reply, request->waited ? "routed" : "duplicate_discarded");
		break;
	case OW_INVALID:
		reply_invalid(st, reply, request);
		break;
	default:
		reply_detail(st->host, reply, failure_text(request));
	}
}

/* ---- the component ---- */

static const struct ow_keyer_ops ops = {
    .size = sizeof(ops),
    .invalid_status = 422,
    .window_ms = 300000,
    .key = make_key,
    .reply = make_reply,
};

static const struct ow_component cxone = {
    .kind = OW_KEYER,
    .conf_size = sizeof(struct conf),
    .name = "cxone",
    .summary = "Keys of NICE CXone Data Action events, as the Python service made them.",
    .options = options,
    .example = "trigger_id: /eventId\n"
	       "event_type: /eventType\n",
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

static const struct ow_component *const components[] = {&cxone, NULL};

OW_MODULE("keyer_cxone", "1.0", "Apache-2.0", components)
