/*
 * The key of a CXone Data Action event, and the replies its sender knows. Both
 * are those of the Python service that Onceway replaces, so that the two can
 * share one Redis: the key is the SHA-256 of json.dumps() of five fields.
 */
#define OW_NEED_MINOR 2 /* key_missing() */
#include <onceway/plugin.h>

#include <string.h>

#include "lib/alloc.h"
#include "lib/canonical.h"
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

/* One place in an event. */
struct place {
	const char *path;
	const struct ow_pointer *pointer;
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
    [NO_STRING] = {"must be a string", "string_type", "Input should be a valid string"},
    [NO_OBJECT] = {"must be an object", "dict_type", "Input should be a valid dictionary"},
    [NO_DOCUMENT] = {"must be a JSON object", "model_attributes_type",
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

static bool find_place(struct state *st, struct ow_instance *self, struct place *place,
    const char *path, const char **why)
{
	place->path = path;
	place->pointer = st->host->pointer(self, path);
	if (!place->pointer)
		*why = "a path is not a JSON pointer";
	return place->pointer;
}

static bool find_places(
    struct state *st, struct ow_instance *self, const struct conf *conf, const char **why)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const char *path;
		memcpy(&path, (const char *)conf + fields[i].offset, sizeof(path));
		if (!find_place(st, self, &st->fields[i], path, why))
			return false;
	}
	return find_place(st, self, &st->root, "", why) &&
	       find_place(st, self, &st->timestamp, conf->timestamp, why) &&
	       find_place(st, self, &st->data, conf->data, why);
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

static bool invalid(struct state *st, struct ow_key *key, const char *path, int fault)
{
	/* "/data/id" is told as "data/id", the whole document as "body". */
	const char *name = path[0] ? path + 1 : "body";
	if (fault == MISSING)
		st->host->key_missing(key, name);
	else
		st->host->key_invalid(key, name, faults[fault].problem);
	return false;
}

static bool check_string(struct state *st, const struct ow_event *event, struct ow_key *key,
    const struct place *place)
{
	struct ow_json value;
	if (!st->host->event_json(event, place->pointer, &value))
		return invalid(st, key, place->path, MISSING);
	if (value.type != OW_JSON_STRING)
		return invalid(st, key, place->path, NO_STRING);
	return true;
}

static bool check(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	struct ow_json value;
	if (!st->host->event_json(event, st->root.pointer, &value) ||
	    value.type != OW_JSON_OBJECT)
		return invalid(st, key, "", NO_DOCUMENT);
	if (!check_string(st, event, key, &st->fields[TRIGGER_ID]) ||
	    !check_string(st, event, key, &st->fields[ENTITY_ID]))
		return false;
	if (st->timestamp.path[0] && !check_string(st, event, key, &st->timestamp))
		return false;
	if (st->host->event_json(event, st->data.pointer, &value) &&
	    value.type != OW_JSON_OBJECT)
		return invalid(st, key, st->data.path, NO_OBJECT);
	return true;
}

/* Writes the five fields' canonical object to st->canonical. */
static void write_canonical(struct state *st, const struct ow_event *event)
{
	struct canonical *c = st->canonical;
	canonical_clear(c);
	for (size_t i = 0; i < FIELDS; i++) {
		struct ow_json value;
		canonical_add(c, fields[i].start);
		if (st->host->event_json(event, st->fields[i].pointer, &value))
			canonical_add_value(c, value.raw);
		else
			canonical_add(c, fields[i].fallback);
	}
	canonical_add(c, "}");
}

static void explain_field(struct state *st, const struct ow_event *event, struct ow_key *key,
    const char *name, const struct place *place, const char *fallback)
{
	struct canonical *line = canonical_new();
	struct ow_json value;
	bool found = st->host->event_json(event, place->pointer, &value);
	if (found)
		canonical_add_value(line, value.raw);
	else
		canonical_add(line, fallback);
	canonical_add(line, found ? " from " : " as default, without ");
	canonical_add(line, place->path);
	st->host->key_field(key, name, canonical_text(line));
	canonical_free(line);
}

static void explain(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	for (size_t i = 0; i < FIELDS; i++)
		explain_field(
		    st, event, key, fields[i].name, &st->fields[i], fields[i].fallback);
	if (st->timestamp.path[0])
		explain_field(st, event, key, "timestamp (not in the key)", &st->timestamp, "");
	st->host->key_canonical(key, canonical_text(st->canonical));
}

static enum ow_rc make_key(void *state, const struct ow_event *event, struct ow_key *key)
{
	struct state *st = state;
	struct ow_json trigger;
	char hex[SHA256_HEX];
	if (!check(st, event, key))
		return OW_REJECT;
	write_canonical(st, event);
	sha256_hex(st->sha256, canonical_text(st->canonical), hex);
	st->host->key_set(key, st->prefix, (struct ow_text){hex, sizeof(hex)});
	if (st->host->event_json(event, st->fields[TRIGGER_ID].pointer, &trigger))
		st->host->key_label(key, st->host->event_string(event, &trigger));
	if (st->host->key_explaining(key))
		explain(st, event, key);
	return OW_OK;
}

/* ---- reply ---- */

static void add(struct state *st, struct ow_reply *reply, const char *text)
{
	st->host->reply_add(reply, (struct ow_text){text, strlen(text)});
}

static void add_json(struct state *st, struct ow_reply *reply, const char *text)
{
	st->host->reply_add_json(reply, (struct ow_text){text, strlen(text)});
}

/* {"status":"routed","triggerId":T} */
static void reply_status(
    struct state *st, const struct ow_event *event, struct ow_reply *reply, const char *status)
{
	struct ow_json trigger;
	struct ow_text text = {"", 0};
	if (st->host->event_json(event, st->fields[TRIGGER_ID].pointer, &trigger) &&
	    trigger.type == OW_JSON_STRING)
		text = st->host->event_string(event, &trigger);
	add(st, reply, "{\"status\":");
	add_json(st, reply, status);
	add(st, reply, ",\"triggerId\":");
	st->host->reply_add_json(reply, text);
	add(st, reply, "}");
}

/* {"detail":"..."} */
static void reply_detail(struct state *st, struct ow_reply *reply, const char *detail)
{
	add(st, reply, "{\"detail\":");
	add_json(st, reply, detail);
	add(st, reply, "}");
}

/* ,"data","contactId" for data/contactId. */
static void add_location(struct state *st, struct ow_reply *reply, const char *name)
{
	char *step = alloc_bytes(strlen(name) + 1);
	for (const char *p = name;; p++) {
		size_t len = 0;
		for (; *p && *p != '/'; p++)
			step[len++] = *p != '~' ? *p : *++p == '0' ? '~' : '/';
		add(st, reply, ",");
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
	add(st, reply, "{\"detail\":[{\"type\":");
	add_json(st, reply, fault->type);
	add(st, reply, ",\"loc\":[\"body\"");
	if (fault != &faults[NO_DOCUMENT])
		add_location(st, reply, name);
	add(st, reply, "],\"msg\":");
	add_json(st, reply, fault->message);
	add(st, reply, "}]}");
}

static void reply_malformed(
    struct state *st, struct ow_reply *reply, const struct ow_reply_request *request)
{
	if (request->status == 400) { /* not UTF-8 */
		reply_detail(st, reply, "There was an error parsing the body");
		return;
	}
	add(st, reply,
	    "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\"],"
	    "\"msg\":\"JSON decode error\",\"ctx\":{\"error\":");
	add_json(st, reply, request->why);
	add(st, reply, "}}]}");
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
		reply_detail(st, reply, request->why);
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
