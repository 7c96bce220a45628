/*
 * A key made of whatever the configuration names: members of the body, header
 * fields, the whole body.
 */
#define OW_NEED_MINOR 2 /* key_missing() */
#include <onceway/plugin.h>

#include <string.h>

#include "field.h"
#include "lib/alloc.h"
#include "lib/reply.h"

#define FIELDS_MAX 16

enum encoding {
	ENCODING_JSON,
	ENCODING_PLAIN
};
enum hash {
	HASH_SHA256,
	HASH_NONE
};

static const char *const encodings[] = {"json", "plain", NULL};
static const char *const hashes[] = {"sha256", "none", NULL};

struct conf {
	struct ow_list from;
	struct ow_list optional;
	const char *round_field;
	int64_t round_to;
	int encoding;
	int hash;
	const char *label;
	int64_t status;
	const char *prefix;
};

static const struct ow_option options[] = {
    OW_LIST(struct conf, from, "from", .flags = OW_O_REQUIRED, .min = 1, .max = FIELDS_MAX,
	.help = "What the key is made of, in order: JSON pointers, `header:NAME`, and `body` "
		"for all its bytes; an event without one of them has no key."),
    OW_LIST(struct conf, optional, "optional", .max = FIELDS_MAX,
	.help = "More of them, behind those; null in the key where an event has none."),
    OW_POINTER(struct conf, round_field, "round.field",
	.help = "Which of the pointers is a time that is rounded down, so that copies with "
		"slightly different times are equal."),
    OW_DURATION(struct conf, round_to, "round.to", .min = 1, .max = 31 * 86400000LL,
	.help = "What it is rounded down to a multiple of."),
    OW_ENUM(struct conf, encoding, "encoding", .dflt = "json", .choices = encodings,
	.help = "How the values are written: as one `json` array; or the only one `plain`, "
		"without quotes."),
    OW_ENUM(struct conf, hash, "hash", .dflt = "sha256", .choices = hashes,
	.help = "`sha256`: the key is the hash of that text in hexadecimal digits; `none`: it "
		"is that text."),
    OW_POINTER(struct conf, label, "label",
	.help = "Where the label of duplicate counters is, a string; few different ones."),
    OW_INT(struct conf, status, "status", .dflt = "400", .min = 400, .max = 499,
	.unit = "HTTP status", .help = "What an event without a key is answered."),
    OW_STRING(struct conf, prefix, "prefix",
	.dflt = "fields:", .help = "What store keys begin with."),
    OW_OPTION_END,
};

struct state {
	const struct ow_host *host;
	const struct conf *conf;
	struct field fields[2 * FIELDS_MAX];
	size_t count;
	struct place label;
	/* For one event at a time, kept for their memory. */
	struct canonical *canonical;
	struct sha256 *sha256;
};

/* ---- configuration ---- */

static void check_list(
    const struct ow_list *list, const char *option, const struct ow_report *report)
{
	for (size_t i = 0; i < list->count; i++)
		if (!field_is_valid(list->items[i]))
			report->complain(report, option,
			    "is a list: item %zu must be a JSON pointer such as /data/id, "
			    "`header:NAME` or `body`, not `%s`",
			    i + 1, list->items[i]);
}

static bool has_item(const struct ow_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

static void check_round(const struct conf *cf, const struct ow_report *report)
{
	if (!cf->round_field && cf->round_to)
		report->complain(report, "round.to",
		    "does nothing without round.field: say which time is rounded");
	if (!cf->round_field)
		return;
	if (!cf->round_to)
		report->complain(
		    report, "round.field", "needs round.to: say how coarsely, as in `to: 1m`");
	if (!has_item(&cf->from, cf->round_field) && !has_item(&cf->optional, cf->round_field))
		report->complain(
		    report, "round.field", "must stand in `from` too, or in `optional`");
}

static void check_conf(const void *conf, const struct ow_report *report)
{
	const struct conf *cf = conf;
	check_list(&cf->from, "from", report);
	check_list(&cf->optional, "optional", report);
	check_round(cf, report);
	if (cf->encoding == ENCODING_PLAIN && cf->from.count + cf->optional.count > 1)
		report->complain(report, "encoding",
		    "is for one field with `plain`: use `json`, so that several cannot be "
		    "mixed up");
}

/* ---- life ---- */

static void destroy(void *state)
{
	struct state *st = state;
	canonical_free(st->canonical);
	sha256_free(st->sha256);
	free(st);
}

static bool add_fields(struct state *st, struct ow_instance *self, const struct ow_list *list,
    bool optional, const char **why)
{
	for (size_t i = 0; i < list->count; i++) {
		struct field *field = &st->fields[st->count++];
		const char *round = st->conf->round_field;
		if (!field_init(field, st->host, self, list->items[i], why))
			return false;
		field->optional = optional;
		if (round && strcmp(round, list->items[i]) == 0)
			field->round_ms = st->conf->round_to;
	}
	return true;
}

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct state *st = alloc_zero(1, sizeof(*st));
	st->host = host;
	st->conf = conf;
	st->canonical = canonical_new();
	st->sha256 = sha256_new();
	if (!st->sha256) {
		*why = "libcrypto offers no SHA-256";
		goto fail;
	}
	if (!add_fields(st, self, &st->conf->from, false, why) ||
	    !add_fields(st, self, &st->conf->optional, true, why))
		goto fail;
	if (st->conf->label && !place_init(&st->label, host, self, st->conf->label, why))
		goto fail;
	return st;
fail:
	destroy(st);
	return NULL;
}

/* ---- key ---- */

/* All fields to st->canonical: ["a","b",1], or the only one plain. */
static bool write_canonical(struct state *st, const struct ow_event *event, struct ow_key *key)
{
	struct canonical *c = st->canonical;
	bool plain = st->conf->encoding == ENCODING_PLAIN;
	canonical_clear(c);
	canonical_add(c, plain ? "" : "[");
	for (size_t i = 0; i < st->count; i++) {
		const struct field *field = &st->fields[i];
		canonical_add(c, i > 0 ? "," : "");
		size_t start = canonical_text(c).len;
		if (!field_add(field, event, key, st->sha256, plain, c))
			return false;
		struct ow_text text = canonical_text(c);
		const char *name = field->text[0] ? field->text : "the document";
		if (st->host->key_explaining(key))
			st->host->key_field(
			    key, name, (struct ow_text){text.data + start, text.len - start});
	}
	canonical_add(c, plain ? "" : "]");
	return true;
}

static enum ow_rc make_key(void *state, const struct ow_event *event, struct ow_key *key)
{
	struct state *st = state;
	char hex[SHA256_HEX];
	if (!write_canonical(st, event, key))
		return OW_REJECT;
	struct ow_text text = canonical_text(st->canonical);
	st->host->key_canonical(key, text);
	if (st->conf->hash == HASH_SHA256) {
		sha256_hex(st->sha256, text, hex);
		text = (struct ow_text){hex, sizeof(hex)};
	}
	st->host->key_set(key, st->conf->prefix, text);
	struct ow_text label = {"", 0};
	if (st->conf->label)
		label = place_text(&st->label, event);
	if (label.len)
		st->host->key_label(key, label);
	return OW_OK;
}

/* ---- reply ---- */

/* Plain replies are the core's to write; only an own status for invalid events is not. */
static void make_reply(void *state, const struct ow_event *event,
    const struct ow_reply_request *request, struct ow_reply *reply)
{
	struct state *st = state;
	(void)event;
	if (request->outcome != OW_INVALID || request->status < 400 || st->conf->status == 400)
		return;
	st->host->reply_begin(reply, (int)st->conf->status, "application/json");
	reply_text(st->host, reply, "{\"status\":\"invalid\",\"error\":");
	reply_string(st->host, reply, request->why);
	reply_text(st->host, reply, "}");
}

/* ---- the component ---- */

static const struct ow_keyer_ops ops = {
    .size = sizeof(ops),
    .invalid_status = 400,
    .window_ms = 300000,
    .key = make_key,
    .reply = make_reply,
};

static const struct ow_component fields = {
    .kind = OW_KEYER,
    .conf_size = sizeof(struct conf),
    .name = "fields",
    .summary = "Keys of any fields: members of the body, headers, the whole body.",
    .options = options,
    .example = "from: [header:X-Tenant, /order/id, /order/time]\n"
	       "round: {field: /order/time, to: 1m}\n"
	       "label: /order/type\n",
    .check = check_conf,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

static const struct ow_component *const components[] = {&fields, NULL};

OW_MODULE("keyer_fields", "1.0", "Apache-2.0", components)
