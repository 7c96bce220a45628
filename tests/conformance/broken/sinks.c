/* A sink that is sound, and sinks that each break one rule. They send to a URL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onceway/plugin.h>

enum bug {
	SOUND,
	FINISHES_TWICE,
	NEVER_FINISHES,
	NO_CODE,
	CODE_PER_EVENT,
	NO_WHY,
	OK_ANYWAY,
	RETRIES_WHAT_WAS_SENT,
	UNKNOWN_NOT_SENT,
	DRAIN_HANGS,
	NO_ATTEMPTS,
	NO_PHRASE
};

struct sink_conf {
	const char *url;
};

struct sending {
	struct sink *sink;
	struct ow_op *op;
	struct ow_http_call *call;
};

struct sink {
	const struct ow_host *host;
	struct ow_instance *self;
	struct ow_http_pool *pool;
	enum bug bug;
	unsigned count;
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static void finish(struct sending *out, enum ow_rc rc, const char *why)
{
	struct sink *s = out->sink;
	char code[24];
	snprintf(code, sizeof(code), s->bug == CODE_PER_EVENT ? "c%u" : "sent", s->count++);
	struct ow_delivery d = {.size = sizeof(d),
	    .rc = rc,
	    .why = s->bug == NO_WHY ? NULL : why,
	    .code = s->bug == NO_CODE ? "" : code};
	struct ow_op *op = out->op;
	free(out);
	if (s->bug == NEVER_FINISHES)
		return;
	s->host->deliver_done(op, &d);
	if (s->bug == FINISHES_TWICE)
		s->host->deliver_done(op, &d);
}

static enum ow_rc lost(const struct sink *s, bool maybe_received)
{
	if (maybe_received)
		return s->bug == RETRIES_WHAT_WAS_SENT ? OW_RETRY : OW_UNKNOWN;
	return s->bug == UNKNOWN_NOT_SENT ? OW_UNKNOWN : OW_RETRY;
}

static void answered(const struct ow_http_response *r, void *arg)
{
	struct sending *out = arg;
	struct sink *s = out->sink;
	if (r->end != OW_HTTP_ANSWERED)
		finish(out, lost(s, r->maybe_received), r->why);
	else if (r->status == 200 || s->bug == OK_ANYWAY)
		finish(out, OW_OK, NULL);
	else
		finish(out, OW_FAIL, "not 200");
}

static void sink_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	struct sink *s = state;
	struct sending *out = calloc(1, sizeof(*out));
	const struct ow_http_outgoing request = {.size = sizeof(request),
	    .method = "POST",
	    .target = text("/"),
	    .body = s->host->event_body(event),
	    .total_ms = attempt->limit_ms};
	out->sink = s;
	out->op = op;
	s->host->op_set(op, out);
	/* The suite frees what it lends when it is told so, not before. */
	struct ow_http_outgoing *lent = malloc(sizeof(*lent));
	*lent = request;
	out->call = s->host->http_send(s->pool, lent, answered, out);
	free(lent);
}

static void sink_cancel(void *state, struct ow_op *op)
{
	struct sink *s = state;
	struct sending *out = s->host->op_get(op);
	if (s->bug == NEVER_FINISHES)
		return;
	finish(out, lost(s, s->host->http_cancel(out->call)), "no answer in time");
}

static void sink_policy(const void *conf, struct ow_sink_policy *policy)
{
	(void)conf;
	policy->attempts = 2;
}

static void no_attempts(const void *conf, struct ow_sink_policy *policy)
{
	(void)conf;
	policy->attempts = 0;
}

static bool sink_ready(void *state, const char **why)
{
	struct sink *s = state;
	*why = NULL;
	return s->bug != NO_PHRASE;
}

static void sink_drain(void *state, struct ow_op *op)
{
	struct sink *s = state;
	if (s->bug != DRAIN_HANGS)
		s->host->op_done(op, OW_OK, NULL);
}

static void *create(const struct ow_host *host, struct ow_instance *self, const void *options,
    const char **why, enum bug bug)
{
	const struct sink_conf *conf = options;
	const struct ow_http_origin origin = {.size = sizeof(origin),
	    .url = conf->url,
	    .max_connections = 20,
	    .max_waiting = 1000,
	    .connect_ms = 10000,
	    .idle_ms = 10000,
	    .max_response = 65536};
	struct sink *s = calloc(1, sizeof(*s));
	s->host = host;
	s->self = self;
	s->bug = bug;
	s->pool = host->http_pool_new(self, &origin, why);
	return s;
}

static void sink_destroy(void *state)
{
	struct sink *s = state;
	s->host->http_pool_free(s->pool);
	free(s);
}

static const char *const schemes[] = {"http", NULL};
static const struct ow_option options[] = {
    OW_URL(struct sink_conf, url, "url", .flags = OW_O_REQUIRED, .choices = schemes,
	.help = "Where to."),
    OW_OPTION_END,
};

static const struct ow_sink_ops ops = {.size = sizeof(ops),
    .deliver = sink_deliver,
    .cancel = sink_cancel,
    .policy = sink_policy,
    .ready = sink_ready};
static const struct ow_sink_ops without_attempts = {.size = sizeof(ops),
    .deliver = sink_deliver,
    .cancel = sink_cancel,
    .policy = no_attempts,
    .ready = sink_ready};

#define SINK(which, text, table)                                                               \
	static void *create_##which(const struct ow_host *host, struct ow_instance *self,      \
	    const void *conf, const char **why)                                                \
	{                                                                                      \
		return create(host, self, conf, why, which);                                   \
	}                                                                                      \
	static const struct ow_component component_##which = {.kind = OW_SINK,                 \
	    .conf_size = sizeof(struct sink_conf),                                             \
	    .name = text,                                                                      \
	    .summary = "A sink for tests of the suite.",                                       \
	    .options = options,                                                                \
	    .example = "url: \"http://${PEER}/\"",                                             \
	    .create = create_##which,                                                          \
	    .drain = sink_drain,                                                               \
	    .destroy = sink_destroy,                                                           \
	    .ops = &table}

SINK(SOUND, "sound", ops);
SINK(FINISHES_TWICE, "finishes_twice", ops);
SINK(NEVER_FINISHES, "never_finishes", ops);
SINK(NO_CODE, "no_code", ops);
SINK(CODE_PER_EVENT, "code_per_event", ops);
SINK(NO_WHY, "no_why", ops);
SINK(OK_ANYWAY, "ok_anyway", ops);
SINK(RETRIES_WHAT_WAS_SENT, "retries_what_was_sent", ops);
SINK(UNKNOWN_NOT_SENT, "unknown_not_sent", ops);
SINK(DRAIN_HANGS, "drain_hangs", ops);
SINK(NO_ATTEMPTS, "no_attempts", without_attempts);
SINK(NO_PHRASE, "no_phrase", ops);

static const struct ow_component *const components[] = {&component_SOUND,
    &component_FINISHES_TWICE, &component_NEVER_FINISHES, &component_NO_CODE,
    &component_CODE_PER_EVENT, &component_NO_WHY, &component_OK_ANYWAY,
    &component_RETRIES_WHAT_WAS_SENT, &component_UNKNOWN_NOT_SENT, &component_DRAIN_HANGS,
    &component_NO_ATTEMPTS, &component_NO_PHRASE, NULL};

OW_MODULE("broken_sinks", "1.0", "Apache-2.0", components)
