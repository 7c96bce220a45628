/*
 * The key of an event of unknown make: the first id of those that EventBridge,
 * Genesys and NICE events have, as the Python queue consumer that Onceway
 * replaces finds it.
 */
#define OW_NEED_MINOR 2 /* key_missing() */
#include <onceway/plugin.h>

#include <string.h>

#include "lib/alloc.h"
#include "lib/place.h"
#include "lib/python_text.h"

enum prefer {
	PREFER_ENVELOPE,
	PREFER_BUSINESS
};
enum detail_form {
	DETAIL_ANY,
	DETAIL_OBJECT,
	DETAIL_TEXT
};

static const char *const prefer_choices[] = {"envelope", "business", NULL};
static const char *const detail_choices[] = {"any", "object", "text", NULL};

struct conf {
	struct ow_list ids;
	int prefer;
	int detail;
	const char *label;
	const char *prefix;
};

static const struct ow_option options[] = {
    OW_LIST(struct conf, ids, "ids", .dflt = "[id, conversation, interaction, payload]",
	.min = 1, .max = 4,
	.help = "Which ids are looked for, in this order: `id`, the event's own; "
		"`conversation` and `interaction`, detail's conversationId and interactionId; "
		"`payload`, payload's interactionId."),
    OW_ENUM(struct conf, prefer, "prefer", .dflt = "envelope", .choices = prefer_choices,
	.help = "`envelope`: the ids in their order; `business`: `id` last, because an event "
		"that is published again has a new one."),
    OW_ENUM(struct conf, detail, "detail", .dflt = "any", .choices = detail_choices,
	.help = "What detail may be: an `object`, a `text` that holds JSON, or `any` of the "
		"two; the other is as if it were not there."),
    OW_POINTER(struct conf, label, "label", .dflt = "/detail-type",
	.help = "Where the label of duplicate counters is, a string; empty: none."),
    OW_STRING(
	struct conf, prefix, "prefix", .dflt = "event:", .help = "What store keys begin with."),
    OW_OPTION_END,
};

enum id {
	ID,
	CONVERSATION,
	INTERACTION,
	PAYLOAD,
	IDS
};

static const struct {
	const char *name, *path;
	const char *nested; /* its path within a detail that is a text; NULL: not there */
	const char *prefix; /* what its key begins with */
} ids[IDS] = {
    [ID] = {"id", "/id", NULL, ""},
    [CONVERSATION] = {"conversation", "/detail/conversationId", "/conversationId", "gc_"},
    [INTERACTION] = {"interaction", "/detail/interactionId", "/interactionId", "gc_"},
    [PAYLOAD] = {"payload", "/payload/interactionId", NULL, "nice_"},
};

struct state {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct conf *conf;
	enum id order[IDS];
	size_t count;
	struct place root, detail, label;
	struct place places[IDS], nested[IDS];
	/* For one event at a time, kept for its memory. */
	struct canonical *text;
};

/* ---- configuration ---- */

/* IDS: there is no such id. */
static enum id find_id(const char *name)
{
	size_t i = 0;
	while (i < IDS && strcmp(ids[i].name, name) != 0)
		i++;
	return (enum id)i;
}

static void check_conf(const void *conf, const struct ow_report *report)
{
	const struct conf *cf = conf;
	unsigned seen = 0;
	for (size_t i = 0; i < cf->ids.count; i++) {
		enum id id = find_id(cf->ids.items[i]);
		if (id == IDS)
			report->complain(report, "ids",
			    "is a list: item %zu must be `id`, `conversation`, `interaction` "
			    "or "
			    "`payload`, not `%s`",
			    i + 1, cf->ids.items[i]);
		else if (seen & 1u << id)
			report->complain(
			    report, "ids", "has `%s` twice: remove one", ids[id].name);
		seen |= 1u << id;
	}
}

/* `prefer: business` keeps the order but for `id`. */
static void set_order(struct state *st)
{
	bool last = false;
	for (size_t i = 0; i < st->conf->ids.count; i++) {
		enum id id = find_id(st->conf->ids.items[i]);
		if (id == ID && st->conf->prefer == PREFER_BUSINESS)
			last = true;
		else
			st->order[st->count++] = id;
	}
	if (last)
		st->order[st->count++] = ID;
}

/* ---- life ---- */

static void destroy(void *state)
{
	struct state *st = state;
	canonical_free(st->text);
	free(st);
}

static bool find_places(struct state *st, const char **why)
{
	for (size_t i = 0; i < IDS; i++) {
		if (!place_init(&st->places[i], st->host, st->self, ids[i].path, why))
			return false;
		if (ids[i].nested &&
		    !place_init(&st->nested[i], st->host, st->self, ids[i].nested, why))
			return false;
	}
	return place_init(&st->root, st->host, st->self, "", why) &&
	       place_init(&st->detail, st->host, st->self, "/detail", why) &&
	       place_init(&st->label, st->host, st->self, st->conf->label, why);
}

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct state *st = alloc_zero(1, sizeof(*st));
	st->host = host;
	st->self = self;
	st->conf = conf;
	st->text = canonical_new();
	set_order(st);
	if (find_places(st, why))
		return st;
	destroy(st);
	return NULL;
}

/* ---- key ---- */

/* Where the ids of one event are: in it, and in the text that its detail is. */
struct search {
	const struct ow_event *event;
	bool looked;		 /* whether detail is a text */
	struct ow_event *detail; /* whose body is that text; NULL: it is none */
};

/* The host checks and finds what is in a body, so the text is made that of another event. */
static const struct ow_event *open_detail(struct state *st, struct search *search)
{
	struct ow_json value;
	if (search->looked)
		return search->detail;
	search->looked = true;
	if (st->conf->detail == DETAIL_OBJECT ||
	    !place_get(&st->detail, search->event, &value) || value.type != OW_JSON_STRING)
		return NULL;
	struct ow_text text = st->host->event_string(search->event, &value);
	search->detail = st->host->event_new(st->self);
	st->host->event_set_body(search->detail, text.data, text.len);
	return search->detail;
}

/* The id's value, and the event that has it. False: it is absent, or falsy to Python. */
static bool find_value(struct state *st, struct search *search, enum id id,
    const struct ow_event **owner, struct ow_json *value)
{
	*owner = search->event;
	if ((!ids[id].nested || st->conf->detail != DETAIL_TEXT) &&
	    place_get(&st->places[id], *owner, value))
		return python_text_is_true(value);
	if (!ids[id].nested)
		return false;
	*owner = open_detail(st, search);
	return *owner && place_get(&st->nested[id], *owner, value) &&
	       python_text_is_true(value);
}

static void explain(struct state *st, struct ow_key *key, enum id id, bool nested)
{
	st->host->key_canonical(key, canonical_text(st->text));
	canonical_add(st->text, " from ");
	canonical_add(st->text, nested ? "the text at /detail, " : "");
	canonical_add(st->text, nested ? ids[id].nested : ids[id].path);
	st->host->key_field(key, ids[id].name, canonical_text(st->text));
}

static bool take(struct state *st, struct search *search, struct ow_key *key)
{
	for (size_t i = 0; i < st->count; i++) {
		enum id id = st->order[i];
		const struct ow_event *owner;
		struct ow_json value;
		if (!find_value(st, search, id, &owner, &value))
			continue;
		canonical_clear(st->text);
		canonical_add(st->text, ids[id].prefix);
		if (!python_text_add(st->text, st->host, owner, &value))
			return place_invalid(
			    &st->places[id], key, "must be a string, a number or a boolean");
		st->host->key_set(key, st->conf->prefix, canonical_text(st->text));
		if (st->host->key_explaining(key))
			explain(st, key, id, owner != search->event);
		return true;
	}
	return place_missing(&st->places[st->order[0]], key);
}

static enum ow_rc make_key(void *state, const struct ow_event *event, struct ow_key *key)
{
	struct state *st = state;
	if (!place_check(&st->root, event, key, OW_JSON_OBJECT, PLACE_NO_DOCUMENT))
		return OW_REJECT;
	struct search search = {.event = event};
	bool found = take(st, &search, key);
	st->host->event_unref(search.detail);
	struct ow_text label = place_text(&st->label, event);
	if (found && label.len)
		st->host->key_label(key, label);
	return found ? OW_OK : OW_REJECT;
}

/* ---- the component ---- */

static const struct ow_keyer_ops ops = {
    .size = sizeof(ops),
    .invalid_status = 400,
    .window_ms = 300000,
    .key = make_key,
};

static const struct ow_component automatic = {
    .kind = OW_KEYER,
    .conf_size = sizeof(struct conf),
    .name = "auto",
    .summary = "Keys of events of several makes: the first id that is there.",
    .options = options,
    .example = "prefer: business\n"
	       "ids: [id, conversation, payload]\n",
    .check = check_conf,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

static const struct ow_component *const components[] = {&automatic, NULL};

OW_MODULE("keyer_auto", "1.0", "Apache-2.0", components)
