/*
 * The key of a Cognigy.AI webhook call, and the replies its flow waits for. Both
 * are those of the Python service that Onceway replaces, so that the two can
 * share one Redis. The flow goes on with the sink's answer, which is handed to
 * duplicates too.
 */
#define OW_NEED_MINOR 2 /* key_missing(), store_failed */
#include <onceway/plugin.h>

#include "lib/alloc.h"
#include "lib/canonical.h"
#include "lib/place.h"
#include "lib/reply.h"
#include "lib/sha256.h"
#include "sequence.h"

enum encoding {
	TUTORIAL,
	UNAMBIGUOUS
};
enum sequence_type {
	SEQUENCE_INTEGER,
	SEQUENCE_TEXT
};

static const char *const encodings[] = {"tutorial", "unambiguous", NULL};
static const char *const sequence_types[] = {"integer", "text", NULL};

struct conf {
	const char *dialog;
	const char *node;
	const char *sequence;
	const char *variables;
	int sequence_type;
	int encoding;
	const char *prefix;
};

static const struct ow_option options[] = {
    OW_POINTER(struct conf, dialog, "dialog", .dflt = "/dialogId",
	.help = "Where the dialog's id is, a string; `/sessionId` in many flows."),
    OW_POINTER(struct conf, node, "node", .dflt = "/nodeId",
	.help = "Where the node's id is, a string; also the label of duplicate counters."),
    OW_POINTER(struct conf, sequence, "sequence", .dflt = "/sequence",
	.help = "Where the number of the step within the dialog is."),
    OW_ENUM(struct conf, sequence_type, "sequence_type", .dflt = "integer",
	.choices = sequence_types,
	.help = "What that must be: `integer`, also written as a text, or any `text`, such as "
		"an input's id."),
    OW_POINTER(struct conf, variables, "variables", .dflt = "/variables",
	.help = "What must be an object or null if it is there."),
    OW_ENUM(struct conf, encoding, "encoding", .dflt = "tutorial", .choices = encodings,
	.help = "What is hashed: `tutorial`, the three joined by colons, as the Python service "
		"does it; `unambiguous`, a JSON array of them, which ids with colons cannot "
		"make equal."),
    OW_STRING(struct conf, prefix, "prefix",
	.dflt = "cognigy:fp:", .help = "What store keys begin with."),
    OW_OPTION_END,
};

struct state {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct conf *conf;
	struct place root, dialog, node, sequence, variables;
	/* For one event at a time, kept for their memory. */
	struct canonical *canonical;
	struct sha256 *sha256;
};

/* ---- life ---- */

static void check_conf(const void *conf, const struct ow_report *report)
{
	const struct conf *cf = conf;
	static const char problem[] =
	    "must name a member such as /id: empty is the whole document";
	if (!cf->dialog[0])
		report->complain(report, "dialog", problem);
	if (!cf->node[0])
		report->complain(report, "node", problem);
	if (!cf->sequence[0])
		report->complain(report, "sequence", problem);
}

static void destroy(void *state)
{
	struct state *st = state;
	canonical_free(st->canonical);
	sha256_free(st->sha256);
	free(st);
}

static bool find_places(struct state *st, const char **why)
{
	const struct conf *cf = st->conf;
	return place_init(&st->root, st->host, st->self, "", why) &&
	       place_init(&st->dialog, st->host, st->self, cf->dialog, why) &&
	       place_init(&st->node, st->host, st->self, cf->node, why) &&
	       place_init(&st->sequence, st->host, st->self, cf->sequence, why) &&
	       place_init(&st->variables, st->host, st->self, cf->variables, why);
}

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct state *st = alloc_zero(1, sizeof(*st));
	st->host = host;
	st->self = self;
	st->conf = conf;
	st->canonical = canonical_new();
	st->sha256 = sha256_new();
	if (!st->sha256) {
		*why = "libcrypto offers no SHA-256";
		goto fail;
	}
	if (!find_places(st, why))
		goto fail;
	return st;
fail:
	destroy(st);
	return NULL;
}

/* ---- key ---- */

static bool check(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	struct ow_json value;
	if (!place_check(&st->root, event, key, OW_JSON_OBJECT, PLACE_NO_DOCUMENT) ||
	    !place_check(&st->dialog, event, key, OW_JSON_STRING, PLACE_NO_STRING) ||
	    !place_check(&st->node, event, key, OW_JSON_STRING, PLACE_NO_STRING))
		return false;
	return !place_get_some(&st->variables, event, &value) || value.type == OW_JSON_OBJECT ||
	       place_invalid(&st->variables, key, PLACE_NO_OBJECT);
}

static void add_id(struct state *st, const struct ow_event *event, const struct place *place)
{
	struct ow_json value;
	if (st->conf->encoding == TUTORIAL)
		canonical_add_text(st->canonical, place_text(place, event));
	else if (place_get(place, event, &value))
		canonical_add_value(st->canonical, value.raw);
}

static bool add_sequence(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	struct ow_json value;
	if (!place_get(&st->sequence, event, &value))
		return place_missing(&st->sequence, key);
	if (st->conf->sequence_type == SEQUENCE_INTEGER)
		return sequence_add(st->canonical, st->host, event, &value) ||
		       place_invalid(&st->sequence, key, "must be an integer");
	if (value.type != OW_JSON_STRING)
		return place_invalid(&st->sequence, key, PLACE_NO_STRING);
	add_id(st, event, &st->sequence);
	return true;
}

/* What is hashed: dialog:node:sequence, or ["dialog","node",sequence]. */
static bool write_canonical(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	bool tutorial = st->conf->encoding == TUTORIAL;
	const char *separator = tutorial ? ":" : ",";
	canonical_clear(st->canonical);
	canonical_add(st->canonical, tutorial ? "" : "[");
	add_id(st, event, &st->dialog);
	canonical_add(st->canonical, separator);
	add_id(st, event, &st->node);
	canonical_add(st->canonical, separator);
	if (!add_sequence(st, event, key))
		return false;
	canonical_add(st->canonical, tutorial ? "" : "]");
	return true;
}

static void explain(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	place_explain(&st->dialog, event, key, "dialog", "");
	place_explain(&st->node, event, key, "node", "");
	place_explain(&st->sequence, event, key, "sequence", "");
	st->host->key_canonical(key, canonical_text(st->canonical));
}

static enum ow_rc make_key(void *state, const struct ow_event *event, struct ow_key *key)
{
	struct state *st = state;
	char hex[SHA256_HEX];
	if (!check(st, event, key) || !write_canonical(st, event, key))
		return OW_REJECT;
	sha256_hex(st->sha256, canonical_text(st->canonical), hex);
	st->host->key_set(key, st->conf->prefix, (struct ow_text){hex, sizeof(hex)});
	st->host->key_label(key, place_text(&st->node, event));
	if (st->host->key_explaining(key))
		explain(st, event, key);
	return OW_OK;
}

/* ---- reply ---- */

/* Whether text is JSON by the same strict rules as a body, being that of an event of its own.
 */
static bool is_json(struct state *st, struct ow_text text)
{
	struct ow_event *event = st->host->event_new(st->self);
	struct ow_json value;
	st->host->event_set_body(event, text.data, text.len);
	bool valid = place_get(&st->root, event, &value);
	st->host->event_unref(event);
	return valid;
}

/* The sink's answer as JSON. It is not trusted: what is not JSON becomes a string. */
static void add_data(struct state *st, struct ow_reply *reply, const struct ow_result *result)
{
	if (!result || result->body.len == 0)
		reply_text(st->host, reply, "null");
	else if (is_json(st, result->body))
		st->host->reply_add(reply, result->body);
	else
		st->host->reply_add_json(reply, result->body);
}

/* The prefix is part of it, as in the service's replies. Without dedup there may be no key. */
static void add_fingerprint(struct state *st, struct ow_reply *reply, struct ow_text key)
{
	if (key.len == 0) {
		reply_text(st->host, reply, "null");
		return;
	}
	struct canonical *text = canonical_new();
	canonical_add(text, st->conf->prefix);
	canonical_add_text(text, key);
	st->host->reply_add_json(reply, canonical_text(text));
	canonical_free(text);
}

/* {"status":"success","data":R,"fingerprint":F} */
static void reply_result(struct state *st, struct ow_reply *reply, const char *status,
    const struct ow_reply_request *request)
{
	reply_text(st->host, reply, "{\"status\":");
	reply_string(st->host, reply, status);
	reply_text(st->host, reply, ",\"data\":");
	add_data(st, reply, request->result);
	reply_text(st->host, reply, ",\"fingerprint\":");
	add_fingerprint(st, reply, request->key);
	reply_text(st->host, reply, "}");
}

static void make_reply(void *state, const struct ow_event *event,
    const struct ow_reply_request *request, struct ow_reply *reply)
{
	struct state *st = state;
	(void)event;
	if (request->outcome == OW_INVALID && request->status < 400)
		return; /* it was taken all the same: the core says how */
	st->host->reply_begin(reply, 0, "application/json");
	switch (request->outcome) {
	case OW_DELIVERED:
		reply_result(st, reply, "success", request);
		break;
	case OW_DUPLICATE:
		reply_result(st, reply, "cached", request);
		break;
	case OW_INVALID:
		reply_detail(st->host, reply, "Missing or malformed Cognigy.AI payload");
		break;
	default:
		reply_detail(st->host, reply,
		    request->store_failed ? "Cache service unavailable" : request->why);
	}
}

/* ---- the component ---- */

static const struct ow_keyer_ops ops = {
    .size = sizeof(ops),
    .invalid_status = 400,
    .window_ms = 300000,
    .key = make_key,
    .reply = make_reply,
};

static const struct ow_component cognigy = {
    .kind = OW_KEYER,
    .conf_size = sizeof(struct conf),
    .name = "cognigy",
    .summary = "Keys of Cognigy.AI webhook calls, and the answers their flows wait for.",
    .options = options,
    .example = "dialog: /sessionId\n"
	       "sequence: /inputId\n"
	       "sequence_type: text\n"
	       "encoding: unambiguous\n",
    .check = check_conf,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

static const struct ow_component *const components[] = {&cognigy, NULL};

OW_MODULE("keyer_cognigy", "1.0", "Apache-2.0", components)
