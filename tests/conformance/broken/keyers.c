/* A keyer that is sound, and keyers that each break one rule. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onceway/plugin.h>

enum bug {
	SOUND,
	COUNTS,
	BY_INSTANCE,
	CLOCK,
	KEY_AND_COMPLAINT,
	SILENT,
	NO_KEY,
	CRASHES,
	EXPLAINS_OTHERWISE,
	BAD_JSON,
	UNKNOWN_OUTCOME,
	HEADER_SPLIT
};

struct keyer {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct ow_pointer *id;
	enum bug bug;
	unsigned count;
};

struct no_conf {
	int nothing;
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static void complicate(struct keyer *k, const struct ow_key *key, char *out, size_t room)
{
	out[0] = '\0';
	if (k->bug == COUNTS)
		snprintf(out, room, "-%u", k->count++);
	if (k->bug == BY_INSTANCE)
		snprintf(out, room, "-%p", (void *)k);
	if (k->bug == CLOCK)
		snprintf(out, room, "-%lld", (long long)k->host->wall_ms(k->self));
	if (k->bug == EXPLAINS_OTHERWISE && k->host->key_explaining(key))
		snprintf(out, room, "-explained");
}

static enum ow_rc keyer_key(void *state, const struct ow_event *event, struct ow_key *key)
{
	struct keyer *k = state;
	struct ow_json value;
	char tail[40], full[200];
	bool there = k->host->event_json(event, k->id, &value);
	if (k->bug == CRASHES && !there)
		abort();
	if (!there || value.type != OW_JSON_STRING) {
		if (k->bug == NO_KEY)
			return OW_OK;
		if (k->bug != SILENT)
			k->host->key_invalid(
			    key, "triggerId", there ? "must be a string" : "is missing");
		return OW_REJECT;
	}
	complicate(k, key, tail, sizeof(tail));
	snprintf(full, sizeof(full), "%.*s%s", (int)(value.raw.len < 100 ? value.raw.len : 100),
	    value.raw.data, tail);
	k->host->key_set(key, "toy:", text(full));
	if (k->bug == KEY_AND_COMPLAINT)
		k->host->key_invalid(key, "triggerId", "is not nice");
	return OW_OK;
}

static void keyer_reply(void *state, const struct ow_event *event,
    const struct ow_reply_request *request, struct ow_reply *reply)
{
	struct keyer *k = state;
	(void)event;
	if (k->bug == UNKNOWN_OUTCOME && request->outcome > OW_MISSING_KEY)
		abort();
	k->host->reply_begin(
	    reply, 0, k->bug == HEADER_SPLIT ? "application/json\r\nX: y" : "application/json");
	k->host->reply_add(reply, text("{\"why\":"));
	if (k->bug == BAD_JSON) { /* as if a phrase never had quotes */
		k->host->reply_add(reply, text("\""));
		k->host->reply_add(reply, text(request->why));
		k->host->reply_add(reply, text("\""));
	} else {
		k->host->reply_add_json(reply, text(request->why));
	}
	k->host->reply_add(reply, text("}"));
}

static void *create(const struct ow_host *host, struct ow_instance *self, enum bug bug)
{
	struct keyer *k = calloc(1, sizeof(*k));
	k->host = host;
	k->self = self;
	k->bug = bug;
	k->id = host->pointer(self, "/triggerId");
	return k;
}

static const struct ow_keyer_ops ops = {.size = sizeof(ops),
    .invalid_status = 422,
    .window_ms = 60000,
    .key = keyer_key,
    .reply = keyer_reply};
static const struct ow_keyer_ops odd_numbers = {
    .size = sizeof(odd_numbers), .invalid_status = 200, .window_ms = 60000, .key = keyer_key};

#define KEYER(which, text, table)                                                              \
	static void *create_##which(const struct ow_host *host, struct ow_instance *self,      \
	    const void *conf, const char **why)                                                \
	{                                                                                      \
		(void)conf, (void)why;                                                         \
		return create(host, self, which);                                              \
	}                                                                                      \
	static const struct ow_component component_##which = {.kind = OW_KEYER,                \
	    .conf_size = sizeof(struct no_conf),                                               \
	    .name = text,                                                                      \
	    .summary = "A keyer for tests of the suite.",                                      \
	    .create = create_##which,                                                          \
	    .destroy = free,                                                                   \
	    .ops = &table}

KEYER(SOUND, "sound", ops);
KEYER(COUNTS, "counts", ops);
KEYER(BY_INSTANCE, "by_instance", ops);
KEYER(CLOCK, "clock", ops);
KEYER(KEY_AND_COMPLAINT, "key_and_complaint", ops);
KEYER(SILENT, "silent", ops);
KEYER(NO_KEY, "no_key", ops);
KEYER(CRASHES, "crashes", ops);
KEYER(EXPLAINS_OTHERWISE, "explains_otherwise", ops);
KEYER(BAD_JSON, "bad_json", ops);
KEYER(UNKNOWN_OUTCOME, "unknown_outcome", ops);
KEYER(HEADER_SPLIT, "header_split", ops);

static void *create_odd(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	(void)conf, (void)why;
	return create(host, self, SOUND);
}

static const struct ow_component component_odd = {.kind = OW_KEYER,
    .conf_size = sizeof(struct no_conf),
    .name = "odd_status",
    .summary = "A keyer for tests of the suite.",
    .create = create_odd,
    .destroy = free,
    .ops = &odd_numbers};

static const struct ow_component *const components[] = {&component_SOUND, &component_COUNTS,
    &component_BY_INSTANCE, &component_CLOCK, &component_KEY_AND_COMPLAINT, &component_SILENT,
    &component_NO_KEY, &component_CRASHES, &component_EXPLAINS_OTHERWISE, &component_BAD_JSON,
    &component_UNKNOWN_OUTCOME, &component_HEADER_SPLIT, &component_odd, NULL};

OW_MODULE("broken_keyers", "1.0", "Apache-2.0", components)
