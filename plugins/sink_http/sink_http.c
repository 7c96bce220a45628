/*
 * http: sends each event to a URL, the bytes as they were received.
 *
 * One deliver() is one request. Whether and when to try again is the core's
 * business; this file only says what an answer means:
 *   2xx                          OK
 *   a status in retry.on         RETRY, not before Retry-After
 *   `connect` or `timeout` in retry.on, and the failure is one: RETRY
 *   the answer lost after the request may have arrived: UNKNOWN
 *   3xx, 4xx                     REJECT: the same request would fare the same
 *   anything else                FAIL
 * Redirects are not followed: they would turn the POST into a GET.
 */
#define OW_NEED_MINOR 1 /* given() */
#include <onceway/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/http_date.h"

struct sink_conf {
	const char *url;
	const char *method;
	struct ow_pairs headers;
	const char *idempotency_header;
	int64_t connect_ms, total_ms;
	int64_t max_connections, max_waiting, idle_ms;
	int64_t max_response;
	struct ow_retry retry;
	struct ow_list retry_on;
};

#define STATUS_MAX    599
#define FIXED_HEADERS 3 /* Content-Type, Idempotency-Key, traceparent */

/* What retry.on says, looked up once. */
struct retry_on {
	bool status[STATUS_MAX + 1];
	bool connect, timeout;
};

struct sink {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct sink_conf *conf;
	struct ow_http_pool *pool;
	struct ow_text target; /* path and query of the URL; owned */
	struct retry_on on;
	bool sets_content_type; /* headers has one: the event's own is not passed on */
	struct sending *spare;	/* kept for the next delivery */
};

/* One request under way; the operation's word points to it. */
struct sending {
	struct sink *sink;
	struct ow_op *op;
	struct ow_http_call *call;
	struct ow_http_outgoing request;
	struct sending *next_spare;
	struct ow_text *names, *values; /* behind this struct */
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

/* ---- what an answer means ---- */

static bool has_name(struct ow_text t, const char *name)
{
	return t.len == strlen(name) && strncasecmp(t.data, name, t.len) == 0;
}

static struct ow_text response_header(const struct ow_http_response *r, const char *name)
{
	for (size_t i = 0; i < r->headers; i++)
		if (has_name(r->names[i], name))
			return r->values[i];
	return (struct ow_text){NULL, 0};
}

static void judge_answer(const struct sink *s, const struct ow_http_response *r,
    struct ow_delivery *d, char *why, size_t why_size)
{
	d->code = NULL;
	if (r->status >= 200 && r->status <= 299) {
		d->rc = OW_OK;
		return;
	}
	snprintf(why, why_size, "the sink answered %d", r->status);
	d->why = why;
	d->retry_after_ms =
	    http_retry_after_ms(response_header(r, "Retry-After"), s->host->wall_ms(s->self));
	if (r->status <= STATUS_MAX && s->on.status[r->status])
		d->rc = OW_RETRY;
	else
		d->rc = r->status < 500 ? OW_REJECT : OW_FAIL;
}

/*
 * No answer. If the request may have arrived, sending it again is safe only
 * where the receiver can tell copies apart.
 */
static enum ow_rc lost(const struct sending *out, bool maybe_received)
{
	if (!maybe_received)
		return OW_RETRY;
	return out->request.repeatable ? OW_UNKNOWN : OW_FAIL;
}

static void judge_failure(
    const struct sending *out, const struct ow_http_response *r, struct ow_delivery *d)
{
	const struct sink *s = out->sink;
	d->why = r->why;
	d->timed_out = r->end == OW_HTTP_TIMEOUT;
	d->busy = r->end == OW_HTTP_POOL_FULL;
	switch (r->end) {
	case OW_HTTP_POOL_FULL:
		d->rc = OW_RETRY;
		d->code = "busy";
		return;
	case OW_HTTP_RESOLVE:
	case OW_HTTP_CONNECT:
		d->rc = s->on.connect ? OW_RETRY : OW_FAIL;
		d->code = "connect";
		return;
	case OW_HTTP_TIMEOUT:
		d->code = "timeout";
		d->rc = s->on.timeout ? lost(out, r->maybe_received) : OW_FAIL;
		return;
	case OW_HTTP_PROTOCOL:
		d->code = "protocol";
		/* Not sent: the request itself is no good, and will not be later. */
		d->rc = r->maybe_received ? lost(out, true) : OW_FAIL;
		return;
	default:
		d->code = "broken";
		d->rc = lost(out, r->maybe_received);
		return;
	}
}

/* ---- one delivery ---- */

static struct sending *sending_new(struct sink *s)
{
	struct sending *out = s->spare;
	if (out) {
		s->spare = out->next_spare;
		return out;
	}
	size_t headers = s->conf->headers.count + FIXED_HEADERS;
	out = calloc(1, sizeof(*out) + 2 * headers * sizeof(struct ow_text));
	if (!out)
		return NULL;
	out->sink = s;
	out->names = (struct ow_text *)(out + 1);
	out->values = out->names + headers;
	return out;
}

static void sending_done(struct sending *out)
{
	out->call = NULL;
	out->next_spare = out->sink->spare;
	out->sink->spare = out;
}

/* What counts the attempt. A status has three digits: the HTTP client sees to that. */
static void status_text(int status, char out[4])
{
	out[0] = (char)('0' + status / 100);
	out[1] = (char)('0' + status / 10 % 10);
	out[2] = (char)('0' + status % 10);
	out[3] = '\0';
}

static void answered(const struct ow_http_response *response, void *arg)
{
	struct sending *out = arg;
	struct sink *s = out->sink;
	struct ow_op *op = out->op;
	struct ow_result result = {.size = sizeof(result)};
	struct ow_delivery d = {.size = sizeof(d)};
	char why[64], code[4];
	sending_done(out);
	if (response->end == OW_HTTP_ANSWERED) {
		judge_answer(s, response, &d, why, sizeof(why));
		status_text(response->status, code);
		d.code = code;
		result.status = response->status;
		result.content_type = response_header(response, "Content-Type");
		result.body = response->body;
		if (response->body_dropped)
			s->host->log(s->self, OW_LOG_WARNING,
			    "an answer's body was over max_response and was dropped");
		d.result = &result;
	} else {
		judge_failure(out, response, &d);
	}
	s->host->deliver_done(op, &d);
}

static void add_header(struct sending *out, struct ow_text name, struct ow_text value)
{
	size_t i = out->request.headers++;
	out->names[i] = name;
	out->values[i] = value;
}

static void add_headers(
    struct sending *out, const struct ow_event *event, const struct ow_attempt *attempt)
{
	const struct sink *s = out->sink;
	const struct ow_pairs *own = &s->conf->headers;
	struct ow_text type = s->host->event_header(event, "Content-Type");
	for (size_t i = 0; i < own->count; i++)
		add_header(out, text(own->names[i]), text(own->values[i]));
	if (!s->sets_content_type)
		add_header(
		    out, text("Content-Type"), type.data ? type : text("application/json"));
	if (out->request.repeatable)
		add_header(out, text(s->conf->idempotency_header), attempt->key);
	if (attempt->traceparent.len)
		add_header(out, text("traceparent"), attempt->traceparent);
}

static void sink_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	struct sink *s = state;
	struct sending *out = sending_new(s);
	if (!out) {
		s->host->deliver_done(
		    op, &(struct ow_delivery){.size = sizeof(struct ow_delivery),
			    .rc = OW_RETRY,
			    .code = "busy",
			    .busy = true,
			    .why = "out of memory"});
		return;
	}
	out->op = op;
	out->request = (struct ow_http_outgoing){.size = sizeof(out->request),
	    .method = s->conf->method,
	    .target = s->target,
	    .names = out->names,
	    .values = out->values,
	    .body = s->host->event_body(event),
	    /* The Idempotency-Key makes a second copy harmless. What is passed without
	     * dedup may have none. */
	    .repeatable = s->conf->idempotency_header[0] != '\0' && attempt->key.len > 0,
	    .total_ms = attempt->limit_ms};
	add_headers(out, event, attempt);
	s->host->op_set(op, out);
	out->call = s->host->http_send(s->pool, &out->request, answered, out);
}

static void sink_cancel(void *state, struct ow_op *op)
{
	struct sink *s = state;
	struct sending *out = s->host->op_get(op);
	bool maybe_received = s->host->http_cancel(out->call);
	sending_done(out);
	s->host->deliver_done(op, &(struct ow_delivery){.size = sizeof(struct ow_delivery),
				      .rc = s->on.timeout ? lost(out, maybe_received) : OW_FAIL,
				      .code = "timeout",
				      .timed_out = true,
				      .why = "no answer in time"});
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
	return s->host->http_reachable(s->pool, why);
}

/* ---- configuration ---- */

/* "429", "connect" or "timeout"; false for anything else. */
static bool read_retry_on(const char *item, struct retry_on *on)
{
	if (strcmp(item, "connect") == 0)
		on->connect = true;
	else if (strcmp(item, "timeout") == 0)
		on->timeout = true;
	else if (strlen(item) == 3 && strspn(item, "0123456789") == 3 && item[0] >= '3' &&
		 item[0] <= '5')
		on->status[strtol(item, NULL, 10)] = true;
	else
		return false;
	return true;
}

static bool is_token(const char *s)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
				      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	return s[0] && s[strspn(s, allowed)] == '\0';
}

/* Fields the client writes itself: a second one would make the request ambiguous. */
static bool is_reserved(const char *name)
{
	static const char *const reserved[] = {"Host", "Content-Length", "Transfer-Encoding",
	    "Connection", "Expect", "Upgrade", "TE", "Trailer"};
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcasecmp(name, reserved[i]) == 0)
			return true;
	return false;
}

static void check_headers(const struct sink_conf *c, const struct ow_report *report)
{
	for (size_t i = 0; i < c->headers.count; i++) {
		const char *name = c->headers.names[i];
		if (!is_token(name))
			report->complain(report, "headers", "`%s` is not a header name", name);
		else if (is_reserved(name))
			report->complain(report, "headers",
			    "`%s` is written by onceway itself: remove it", name);
		else if (strcasecmp(name, c->idempotency_header) == 0 ||
			 strcasecmp(name, "traceparent") == 0)
			report->complain(report, "headers",
			    "`%s` is written by onceway itself: remove it", name);
		else if (strpbrk(c->headers.values[i], "\r\n"))
			report->complain(
			    report, "headers", "`%s` has a line break in its value", name);
	}
}

static void sink_check(const void *conf, const struct ow_report *report)
{
	const struct sink_conf *c = conf;
	struct retry_on on = {.connect = false};
	if (strncasecmp(c->url, "https:", 6) == 0)
		report->complain(
		    report, "url", "needs TLS, which this version does not have: use http://");
	check_headers(c, report);
	if (!is_token(c->method))
		report->complain(report, "method", "`%s` is not an HTTP method", c->method);
	if (c->idempotency_header[0] &&
	    (!is_token(c->idempotency_header) || is_reserved(c->idempotency_header)))
		report->complain(report, "idempotency_header",
		    "`%s` cannot be used as a header", c->idempotency_header);
	for (size_t i = 0; i < c->retry_on.count; i++)
		if (!read_retry_on(c->retry_on.items[i], &on))
			report->complain(report, "retry.on",
			    "`%s` is not a status from 300 to 599, `connect` or `timeout`",
			    c->retry_on.items[i]);
	/* A short total is enough said: the default for connecting is no complaint. */
	if (c->connect_ms > c->total_ms && report->given(report, "timeout.connect"))
		report->complain(report, "timeout.connect",
		    "is longer than timeout.total: lower it, or raise timeout.total");
}

/* Path and query of a URL that the option's type has checked. */
static char *target_of(const char *url)
{
	const char *at = strstr(url, "://") + 3;
	at += strcspn(at, "/?");
	char *target = malloc(strlen(at) + 2);
	if (target)
		sprintf(target, "%s%s", at[0] == '/' ? "" : "/", at);
	return target;
}

static void sink_destroy(void *state)
{
	struct sink *s = state;
	s->host->http_pool_free(s->pool);
	while (s->spare) {
		struct sending *next = s->spare->next_spare;
		free(s->spare);
		s->spare = next;
	}
	free((char *)(uintptr_t)s->target.data);
	free(s);
}

static bool make_pool(struct sink *s, const char **why)
{
	const struct sink_conf *c = s->conf;
	s->pool = s->host->http_pool_new(s->self,
	    &(struct ow_http_origin){.size = sizeof(struct ow_http_origin),
		.url = c->url,
		.max_connections = c->max_connections,
		.max_waiting = c->max_waiting,
		.connect_ms = c->connect_ms < c->total_ms ? c->connect_ms : c->total_ms,
		.idle_ms = c->idle_ms,
		.max_response = c->max_response},
	    why);
	return s->pool != NULL;
}

static void *sink_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct sink *s = calloc(1, sizeof(*s));
	*why = "out of memory";
	if (!s)
		return NULL;
	s->host = host;
	s->self = self;
	s->conf = conf;
	for (size_t i = 0; i < s->conf->retry_on.count; i++)
		read_retry_on(s->conf->retry_on.items[i], &s->on);
	for (size_t i = 0; i < s->conf->headers.count; i++)
		if (strcasecmp(s->conf->headers.names[i], "Content-Type") == 0)
			s->sets_content_type = true;
	char *target = target_of(s->conf->url);
	if (!target)
		goto fail;
	s->target = text(target);
	if (!make_pool(s, why))
		goto fail;
	return s;
fail:
	sink_destroy(s);
	return NULL;
}

OW_RETRY_CHOICES;
static const char *const schemes[] = {"http", "https", NULL};

static const struct ow_option sink_options[] = {
    OW_URL(struct sink_conf, url, "url", .flags = OW_O_REQUIRED, .choices = schemes,
	.help = "Where events are sent."),
    OW_STRING(struct sink_conf, method, "method", .dflt = "POST", .help = "HTTP method."),
    OW_PAIRS(struct sink_conf, headers, "headers", .max = 64,
	.help = "Headers added to each request; values may hold secrets and are never logged."),
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
    .destroy = sink_destroy,
    .ops = &sink_ops,
};

static const struct ow_component *const components[] = {&http_component, NULL};

OW_MODULE("sink_http", "1.0", "Apache-2.0", components)
