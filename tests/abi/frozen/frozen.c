/*
 * A plugin as of ABI 1.0: one component of each kind, which together use most
 * of what the headers have.
 */
#include <onceway/plugin.h>

#include <stdlib.h>
#include <string.h>

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* ---- options: one of each type ---- */

struct conf {
	const char *string, *secret, *url, *address, *pointer, *reference;
	int64_t number, duration, size;
	bool flag;
	int choice;
	struct ow_list list;
	struct ow_pairs pairs;
	struct ow_retry retry;
};

static const char *const choices[] = {"red", "green", NULL};
static const char *const schemes[] = {"http", NULL};
static const char *const section[] = {"listeners", NULL};
OW_RETRY_CHOICES;

static const struct ow_option options[] = {
    OW_STRING(struct conf, string, "string", .help = "A text."),
    OW_SECRET(struct conf, secret, "secret", .help = "A secret."),
    OW_INT(struct conf, number, "number", .dflt = "7", .min = 1, .max = 9, .unit = "things",
	.help = "A number."),
    OW_BOOL(struct conf, flag, "flag", .dflt = "true", .help = "A flag."),
    OW_DURATION(struct conf, duration, "times.duration", .dflt = "5s", .help = "A time."),
    OW_SIZE(struct conf, size, "size", .dflt = "64KiB", .help = "A size."),
    OW_ENUM(struct conf, choice, "choice", .dflt = "green", .choices = choices,
	.help = "A choice."),
    OW_LIST(struct conf, list, "list", .help = "A list."),
    OW_PAIRS(struct conf, pairs, "pairs", .help = "Names and values."),
    OW_URL(struct conf, url, "url", .choices = schemes, .help = "A URL."),
    OW_ADDRESS(struct conf, address, "address", .help = "An address."),
    OW_POINTER(struct conf, pointer, "pointer", .dflt = "/id", .help = "A pointer."),
    OW_REFERENCE(struct conf, reference, "reference", .choices = section,
	.flags = OW_O_REQUIRED, .help = "A name."),
    OW_RETRY_OPTIONS(struct conf, retry),
    OW_OPTION_END,
};

static void check(const void *conf, const struct ow_report *report)
{
	const struct conf *c = conf;
	if (c->number == 8)
		report->complain(report, "number", "%d is not liked", 8);
}

/* ---- what all have ---- */

struct state {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct conf *conf;
	const struct ow_pointer *id;
	struct ow_counter *settled;
	int64_t keys;
};

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct state *s = calloc(1, sizeof(*s));
	if (!s) {
		*why = "out of memory";
		return NULL;
	}
	s->host = host;
	s->self = self;
	s->conf = conf;
	s->id = host->pointer(self, s->conf ? s->conf->pointer : "/id");
	s->settled = host->counter(
	    self, "frozen_settled_total", "Events settled.", "name", text(host->name(self)));
	return s;
}

static void destroy(void *state)
{
	free(state);
}

static void drain(void *state, struct ow_op *op)
{
	struct state *s = state;
	s->host->op_done(op, OW_OK, NULL);
}

/* ---- source: emits one event when it starts ---- */

static void source_start(void *state, struct ow_op *op)
{
	static const char body[] = "{\"id\":\"a\\u00e9\"}";
	struct state *s = state;
	struct ow_event *event = s->host->event_new(s->self);
	s->host->event_set_body(event, body, sizeof(body) - 1);
	s->host->event_add_header(event, "X-Frozen", "yes");
	s->host->emit(s->self, event, s);
	s->host->op_done(op, OW_OK, NULL);
}

static void source_settle(void *state, void *cookie, const struct ow_settlement *how)
{
	struct state *s = state;
	if (cookie == state && how->outcome == OW_DELIVERED && how->acknowledge &&
	    how->status == 200 && how->body.len > 0)
		s->host->count(s->settled, 1);
}

static const struct ow_source_ops source_ops = {
    .size = sizeof(source_ops), .settle = source_settle};

/* ---- keyer ---- */

static enum ow_rc keyer_key(void *state, const struct ow_event *event, struct ow_key *key)
{
	struct state *s = state;
	struct ow_json value;
	if (!s->host->event_json(event, s->id, &value) || value.type != OW_JSON_STRING) {
		s->host->key_invalid(key, "id", "is missing");
		return OW_REJECT;
	}
	s->host->key_set(key, "frozen:", s->host->event_string(event, &value));
	s->host->key_label(key, text("label"));
	if (s->host->key_explaining(key))
		s->host->key_field(key, "id", value.raw);
	return OW_OK;
}

static void keyer_reply(void *state, const struct ow_event *event,
    const struct ow_reply_request *request, struct ow_reply *reply)
{
	struct state *s = state;
	(void)event;
	s->host->reply_begin(reply, 0, "application/json");
	s->host->reply_add(reply, text("{\"key\":"));
	s->host->reply_add_json(reply, request->key);
	s->host->reply_add(reply, text("}"));
}

static const struct ow_keyer_ops keyer_ops = {.size = sizeof(keyer_ops),
    .invalid_status = 422,
    .window_ms = 1000,
    .key = keyer_key,
    .reply = keyer_reply};

/* ---- store: remembers nothing but how many ---- */

static void store_claim(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct state *s = state;
	bool good = claim->key.len > 0 && claim->token && claim->window_ms == 1000;
	s->host->claim_done(
	    op, &(struct ow_claim_answer){.size = sizeof(struct ow_claim_answer),
		    .rc = good ? OW_OK : OW_FAIL,
		    .why = "the claim is not as it was",
		    .state = OW_CLAIM_NEW});
}

static void store_finish(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct state *s = state;
	(void)claim;
	s->host->op_done(op, OW_OK, NULL);
}

static void store_commit(
    void *state, struct ow_op *op, const struct ow_claim *claim, const struct ow_result *result)
{
	struct state *s = state;
	s->keys += result->status == 201 && result->body.len == 4 && !result->failed;
	store_finish(state, op, claim);
}

static void cancel(void *state, struct ow_op *op)
{
	(void)state, (void)op;
}

static int64_t store_keys(void *state)
{
	const struct state *s = state;
	return s->keys;
}

static bool ready(void *state, const char **why)
{
	(void)state;
	*why = "frozen";
	return false;
}

static const struct ow_store_ops store_ops = {.size = sizeof(store_ops),
    .claim = store_claim,
    .renew = store_finish,
    .commit = store_commit,
    .release = store_finish,
    .cancel = cancel,
    .keys = store_keys,
    .ready = ready};

/* ---- sink ---- */

static void sink_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	struct state *s = state;
	const struct ow_result result = {
	    .size = sizeof(result), .status = 201, .body = text("cold")};
	bool good = attempt->number == 1 && attempt->key.len == 10 &&
		    attempt->traceparent.len == 55 &&
		    s->host->event_header(event, "x-frozen").len == 3;
	s->host->deliver_done(op, &(struct ow_delivery){.size = sizeof(struct ow_delivery),
				      .rc = good ? OW_OK : OW_FAIL,
				      .why = "the event is not as it was",
				      .code = "201",
				      .result = &result});
}

static void sink_policy(const void *conf, struct ow_sink_policy *policy)
{
	const struct conf *c = conf;
	policy->attempts = c->retry.attempts;
	policy->base_ms = c->retry.base_ms;
	policy->max_ms = c->retry.max_ms;
	policy->jitter = (enum ow_jitter)c->retry.jitter;
}

static const struct ow_sink_ops sink_ops = {.size = sizeof(sink_ops),
    .deliver = sink_deliver,
    .cancel = cancel,
    .policy = sink_policy,
    .ready = ready};

/* ---- the module ---- */

#define FROZEN                                                                                 \
	.conf_size = sizeof(struct conf), .name = "frozen", .summary = "As of 1.0.",           \
	.options = options, .check = check, .create = create, .drain = drain,                  \
	.destroy = destroy

static const struct ow_component source = {
    .kind = OW_SOURCE, .start = source_start, .ops = &source_ops, FROZEN};
static const struct ow_component keyer = {.kind = OW_KEYER, .ops = &keyer_ops, FROZEN};
static const struct ow_component store = {.kind = OW_STORE, .ops = &store_ops, FROZEN};
static const struct ow_component sink = {.kind = OW_SINK, .ops = &sink_ops, FROZEN};

static const struct ow_component *const components[] = {&source, &keyer, &store, &sink, NULL};
OW_MODULE("frozen", "1.0", "Apache-2.0", components)
