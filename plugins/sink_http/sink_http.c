/*
 * http: sends each event to a URL, the bytes as they were received or what its options
 * make of them.
 *
 * One deliver() is one request: request.h makes it, gate.h says when it may be sent,
 * answer.h what became of it. Whether and when to try again is the core's business.
 */
#define OW_NEED_MINOR 3 /* OW_TREE() */
#include <onceway/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/backoff.h"
#include "lib/outbound/outbound.h"
#include "lib/proxy_option.h"
#include "lib/tls_check.h"
#include "sink_http/answer.h"
#include "sink_http/request.h"

struct sink {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct sink_conf *conf;
	struct ow_http_pool *pool;
	struct outbound *outbound;
	struct gate *gate;
	struct request_form *form;
	struct retry_on on;
	struct sending *spare; /* kept for the next delivery */
};

/* One request under way; the operation's word points to it. */
struct sending {
	struct sink *sink;
	struct ow_op *op;
	struct outbound_call *call;
	struct request *request;
	struct gate_visit *visit;
	struct ow_text id; /* what the receiver may know copies by */
	struct sending *next_spare;
};

/* ---- one delivery ---- */

static gate_turn send_now;

static struct sending *sending_new(struct sink *s)
{
	struct sending *out = s->spare;
	if (out) {
		s->spare = out->next_spare;
		return out;
	}
	out = alloc_zero(1, sizeof(*out));
	out->sink = s;
	out->request = request_new(s->form);
	out->visit = gate_visit_new(s->gate, send_now, out);
	return out;
}

static void sending_done(struct sending *out)
{
	out->call = NULL;
	request_ended(out->request);
	out->next_spare = out->sink->spare;
	out->sink->spare = out;
}

static void answered(const struct outbound_result *result, void *arg)
{
	struct sending *out = arg;
	struct sink *s = out->sink;
	struct ow_op *op = out->op;
	struct answer answer;
	answer_result(&answer, &s->on, result, out->request->outgoing.repeatable,
	    s->host->wall_ms(s->self));
	if (result->response && result->response->body_dropped)
		s->host->log(s->self, OW_LOG_WARNING,
		    "an answer's body was over max_response and was dropped");
	gate_leave(out->visit, answer.health, answer.delivery.why);
	sending_done(out);
	s->host->deliver_done(op, &answer.delivery);
}

/* Not now: the system behind is given a rest, or no more than it wants. */
static void turn_away(struct sending *out, const struct gate_refusal *refusal)
{
	const struct ow_delivery d = {.size = sizeof(d),
	    .rc = OW_RETRY,
	    .code = refusal->code,
	    .busy = true,
	    .retry_after_ms = refusal->wait_ms,
	    .why = refusal->why};
	sending_done(out);
	out->sink->host->deliver_done(out->op, &d);
}

static void send_now(int64_t left_ms, const struct gate_refusal *refusal, void *arg)
{
	struct sending *out = arg;
	struct sink *s = out->sink;
	if (refusal) {
		turn_away(out, refusal);
		return;
	}
	out->request->outgoing.total_ms = left_ms;
	out->call = outbound_send(
	    s->outbound, s->pool, &out->request->outgoing, out->id, answered, out);
}

/* The event is not one for this sink: nothing is sent, now or later. */
static void refuse_event(struct sending *out, struct ow_op *op, const struct refusal *refusal)
{
	struct sink *s = out->sink;
	sending_done(out);
	s->host->deliver_done(op, &(struct ow_delivery){.size = sizeof(struct ow_delivery),
				      .rc = OW_REJECT,
				      .code = "invalid",
				      .invalid = true,
				      .why = refusal->why});
}

/* What is delivered without dedup has no key; the trace is the next best name. */
static struct ow_text message_id(
    const struct sink *s, const struct ow_event *event, const struct request *request)
{
	const char *trace = s->host->event_trace(event);
	return request->key.len ? request->key : (struct ow_text){trace, strlen(trace)};
}

static void sink_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	struct sink *s = state;
	struct sending *out = sending_new(s);
	struct refusal refusal;
	out->op = op;
	if (!request_build(out->request, event, attempt, &refusal)) {
		refuse_event(out, op, &refusal);
		return;
	}
	s->host->op_set(op, out);
	out->id = message_id(s, event, out->request);
	gate_enter(out->visit, attempt->limit_ms);
}

static void sink_cancel(void *state, struct ow_op *op)
{
	struct sink *s = state;
	struct sending *out = s->host->op_get(op);
	struct answer answer;
	bool unsent = gate_waits(out->visit) || outbound_waits(out->call);
	bool maybe_received = !gate_waits(out->visit) && outbound_cancel(out->call);
	answer_cancelled(&answer, &s->on, maybe_received, out->request->outgoing.repeatable);
	gate_leave(out->visit, unsent ? HEALTH_UNKNOWN : answer.health, answer.delivery.why);
	sending_done(out);
	s->host->deliver_done(op, &answer.delivery);
}

static void sink_start(void *state, struct ow_op *op)
{
	struct sink *s = state;
	outbound_start(s->outbound);
	s->host->op_done(op, OW_OK, NULL);
}

static void sink_policy(const void *conf, struct ow_sink_policy *policy)
{
	const struct sink_conf *c = conf;
	policy->attempts = c->retry.attempts;
	policy->base_ms = c->retry.base_ms;
	policy->max_ms = c->retry.max_ms;
	policy->jitter = (enum ow_jitter)c->retry.jitter;
	policy->attempt_ms = c->total_ms;
}

static bool sink_ready(void *state, const char **why)
{
	struct sink *s = state;
	return outbound_ready(s->outbound, why) && gate_ready(s->gate, why) &&
	       s->host->http_reachable(s->pool, why);
}

/* ---- configuration ---- */

static bool wants_tls(const struct sink_conf *c)
{
	return strncasecmp(c->url, "https:", 6) == 0;
}

static void sink_check(const void *conf, const struct ow_report *report)
{
	const struct sink_conf *c = conf;
	struct retry_on on = {.connect = false};
	const char *const own[] = {"Content-Type", "traceparent", c->idempotency_header, NULL};
	tls_options_check(&c->tls, wants_tls(c), "http://", "https://", report);
	proxy_option_check("proxy", c->proxy, report);
	outbound_options_check(
	    &c->outbound, &(struct outbound_taken){&c->headers, own}, report);
	request_check(c, report);
	gate_options_check(&c->gate, report);
	backoff_check(c->retry.base_ms, c->retry.max_ms, "retry", report);
	for (size_t i = 0; i < c->retry_on.count; i++)
		if (!retry_on_read(&on, c->retry_on.items[i]))
			report->complain(report, "retry.on",
			    "`%s` is not a status from 300 to 599, `connect` or `timeout`",
			    c->retry_on.items[i]);
	/* A short total is enough said: the default for connecting is no complaint. */
	if (c->connect_ms > c->total_ms && report->given(report, "timeout.connect"))
		report->complain(report, "timeout.connect",
		    "is longer than timeout.total: lower it, or raise timeout.total");
}

static void sink_destroy(void *state)
{
	struct sink *s = state;
	outbound_free(s->outbound);
	s->host->http_pool_free(s->pool);
	while (s->spare) {
		struct sending *next = s->spare->next_spare;
		request_free(s->spare->request);
		gate_visit_free(s->spare->visit);
		free(s->spare);
		s->spare = next;
	}
	request_form_free(s->form);
	gate_free(s->gate);
	free(s);
}

static bool make_pool(struct sink *s, const char **why)
{
	const struct sink_conf *c = s->conf;
	struct ow_tls_options tls = c->tls;
	tls.size = sizeof(tls);
	s->pool = s->host->http_pool_new(s->self,
	    &(struct ow_http_origin){.size = sizeof(struct ow_http_origin),
		.url = c->url,
		.max_connections = c->max_connections,
		.max_waiting = c->max_waiting,
		.connect_ms = c->connect_ms < c->total_ms ? c->connect_ms : c->total_ms,
		.idle_ms = c->idle_ms,
		.max_response = c->max_response,
		.tls = wants_tls(c) ? &tls : NULL,
		.proxy = c->proxy},
	    why);
	return s->pool != NULL;
}

/* What the workers' instances share. */
struct sink_share {
	struct gate_share *gate;
	struct token_share *tokens;
};

static void *make_share(void *options)
{
	struct sink_share *share = alloc_zero(1, sizeof(*share));
	share->gate = gate_share_new(options);
	share->tokens = token_share_new();
	return share;
}

static void free_share(void *share)
{
	struct sink_share *s = share;
	gate_share_free(s->gate);
	token_share_free(s->tokens);
	free(s);
}

static bool make_parts(struct sink *s, const char **why)
{
	const struct sink_conf *c = s->conf;
	struct gate_options options = c->gate;
	struct sink_share *share = s->host->shared(s->self, make_share, &options, free_share);
	const struct outbound_config config = {.options = &c->outbound,
	    .url = c->url,
	    .proxy = c->proxy,
	    .max_waiting = c->max_connections + c->max_waiting,
	    .share = share->tokens};
	s->gate = gate_new(s->host, s->self, &c->gate, share->gate);
	s->outbound = outbound_new(s->host, s->self, &config, why);
	return s->outbound != NULL;
}

static void *sink_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct sink *s = alloc_zero(1, sizeof(*s));
	s->host = host;
	s->self = self;
	s->conf = conf;
	for (size_t i = 0; i < s->conf->retry_on.count; i++)
		retry_on_read(&s->on, s->conf->retry_on.items[i]);
	s->form = request_form_new(host, self, s->conf);
	if (make_pool(s, why) && make_parts(s, why))
		return s;
	sink_destroy(s);
	return NULL;
}

OW_RETRY_CHOICES;
OW_TLS_CHOICES;
static const char *const schemes[] = {"http", "https", NULL};

static const struct ow_option sink_options[] = {
    OW_URL(struct sink_conf, url, "url", .flags = OW_O_REQUIRED, .choices = schemes,
	.help = "Where events are sent; path and query may have fields, as in "
		"https://host/contacts/{/data/contactId}."),
    OW_STRING(struct sink_conf, method, "method", .dflt = "POST", .help = "HTTP method."),
    OW_PAIRS(struct sink_conf, headers, "headers", .max = 64,
	.help =
	    "Headers added to each request; values may have fields, may hold secrets and are "
	    "never logged."),
    OW_TREE(struct sink_conf, body, "body", .unit = "mapping of fields",
	.help = "What is sent instead of the bytes as they were received: a JSON document with "
		"fields in its values."),
    OW_SIZE(struct sink_conf, max_body, "max_body", .dflt = "1MiB", .min = 1, .max = 67108864,
	.help = "Largest document that `body` may make."),
    OW_LIST(struct sink_conf, require, "require", .max = 64,
	.help = "Fields without which nothing is sent and the event is invalid: JSON pointers, "
		"header:X-Name."),
    OW_STRING(struct sink_conf, idempotency_header, "idempotency_header",
	.dflt = "Idempotency-Key",
	.help =
	    "Header that carries prefix + key, by which the receiver can tell a second copy; "
	    "empty sends none, and then a request that may have arrived is never sent again."),
    OW_DURATION(struct sink_conf, connect_ms, "timeout.connect", .dflt = "3s", .min = 1,
	.max = 600000, .help = "Time for one connection attempt."),
    OW_DURATION(struct sink_conf, total_ms, "timeout.total", .dflt = "15s", .min = 1,
	.max = 3600000,
	.help =
	    "Time for one attempt, from waiting for a connection to the answer's last byte."),
    OW_INT(struct sink_conf, max_connections, "pool.max_connections", .dflt = "20", .min = 1,
	.max = 10000, .unit = "connections", .help = "Connections to the origin, per worker."),
    OW_INT(struct sink_conf, max_waiting, "pool.max_waiting", .dflt = "1000", .min = 0,
	.max = 1000000, .unit = "requests",
	.help = "Requests that may wait for a connection; beyond, events are held back."),
    OW_DURATION(struct sink_conf, idle_ms, "pool.idle", .dflt = "30s", .min = 1, .max = 3600000,
	.help = "A connection unused for that long is closed."),
    OW_SIZE(struct sink_conf, max_response, "max_response", .dflt = "1MiB", .min = 0,
	.max = 1073741824,
	.help =
	    "Largest answer body that is kept for duplicates; of a larger one only the status "
	    "counts."),
    OW_RETRY_OPTIONS(struct sink_conf, retry),
    OW_LIST(struct sink_conf, retry_on, "retry.on",
	.dflt = "[429, 500, 502, 503, 504, connect, timeout]", .max = 64,
	.help = "What is tried again: statuses, `connect` for no connection, `timeout` for no "
		"answer in time."),
    GATE_OPTIONS(struct sink_conf, gate),
    OW_TLS_OPTIONS(struct sink_conf, tls),
    OW_SECRET(struct sink_conf, proxy, "proxy",
	.help =
	    "HTTP proxy to go through, http://[user:password@]host:port, for oauth2.token_url "
	    "too; https:// goes through a tunnel, and no environment variable is looked at."),
    OUTBOUND_OPTIONS(struct sink_conf, outbound),
    OW_OPTION_END,
};

static const struct ow_sink_ops sink_ops = {
    .size = sizeof(sink_ops),
    .deliver = sink_deliver,
    .cancel = sink_cancel,
    .policy = sink_policy,
    .ready = sink_ready,
};

static const struct ow_component http_component = {
    .kind = OW_SINK,
    .conf_size = sizeof(struct sink_conf),
    .name = "http",
    .summary = "Sends each event to a URL, the bytes as they were received.",
    .options = sink_options,
    .example = "{plugin: http, url: \"http://127.0.0.1:9000/api/v1/events\"}",
    .check = sink_check,
    .create = sink_create,
    .start = sink_start,
    .destroy = sink_destroy,
    .ops = &sink_ops,
};

static const struct ow_component *const components[] = {&http_component, NULL};

OW_MODULE("sink_http", "1.0", "Apache-2.0", components)
