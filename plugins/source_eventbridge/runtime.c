/*
 * One exchange with the Runtime API at a time, and in between the event:
 *
 *   GET next --> emit --> settle --> POST response or error --> GET next ...
 *
 * What the Runtime API does not take is tried again after a pause. Once it has
 * taken the answer Lambda may stop the process as it stands, until the next
 * invocation or for ever: nothing of an event is left to do by then.
 */
#include "source_eventbridge/runtime.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/draft.h"
#include "source_eventbridge/invocation.h"

#define API_VARIABLE "AWS_LAMBDA_RUNTIME_API"
#define API_PATH     "/2018-06-01/runtime"
#define ERROR_TYPE   "Lambda-Runtime-Function-Error-Type"

/* The next event may take its time: "Do not set a timeout on the GET request". */
#define NEXT_MS	    (INT64_C(366) * 86400000)
#define POST_MS	    10000
#define CONNECT_MS  5000
#define POSTS_MAX   5
#define PAUSE_MIN   100
#define PAUSE_MAX   5000
#define PAYLOAD_MAX (7 << 20) /* Lambda's own limit is 6 MiB */
#define TRACE_MAX   256

/* Which of the workers' instances asks: invocations come one at a time. */
struct turn {
	atomic_bool taken;
};

struct runtime {
	const struct ow_host *host;
	struct ow_instance *self;
	struct intake *in;
	const struct runtime_options *options;
	struct turn *turn;
	bool mine;		   /* the turn */
	struct ow_http_pool *pool; /* NULL: this is not Lambda */
	struct ow_timer *pause;
	int64_t pause_ms; /* the next one's; 0: all is well */
	bool over;	  /* nothing is asked for any more */
	bool working;	  /* an event is emitted and not settled */
	struct ow_op *drain;
	char id[INVOCATION_ID_MAX + 1];
	/* what is being sent */
	struct ow_http_call *call; /* NULL: nothing */
	struct draft target;
	char *body; /* owned; NULL: of a GET */
	unsigned posts;
	struct ow_text names[2], values[2];
	struct ow_http_outgoing request;
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static void move_on(struct runtime *r);
static void next_came(const struct ow_http_response *response, void *arg);
static void post_ended(const struct ow_http_response *response, void *arg);

/* ---- exchanges ---- */

static void forget_body(struct runtime *r)
{
	free(r->body);
	r->body = NULL;
}

static void send_request(struct runtime *r)
{
	r->call = r->host->http_send(r->pool, &r->request, r->body ? post_ended : next_came, r);
}

static void ask_for_next(struct runtime *r)
{
	draft_clear(&r->target);
	draft_string(&r->target, API_PATH "/invocation/next");
	r->request = (struct ow_http_outgoing){.size = sizeof(r->request),
	    .method = "GET",
	    .target = {r->target.data, r->target.len},
	    .repeatable = true,
	    .total_ms = NEXT_MS};
	send_request(r);
}

/* type: of an error, static; NULL: the body is none. Takes over body. */
static void post(struct runtime *r, const char *what, const char *type, char *body)
{
	forget_body(r);
	r->body = body;
	r->posts = 0;
	draft_clear(&r->target);
	draft_printf(&r->target, API_PATH "/%s", what);
	r->names[0] = text("Content-Type");
	r->values[0] = text("application/json");
	r->names[1] = text(ERROR_TYPE);
	r->values[1] = text(type ? type : "");
	r->request = (struct ow_http_outgoing){.size = sizeof(r->request),
	    .method = "POST",
	    .target = {r->target.data, r->target.len},
	    .names = r->names,
	    .values = r->values,
	    .headers = type ? 2 : 1,
	    .body = text(body),
	    .repeatable = true,
	    .total_ms = POST_MS};
	send_request(r);
}

static void pause_over(void *arg)
{
	struct runtime *r = arg;
	if (r->body)
		send_request(r);
	else
		move_on(r);
}

/* Says what went wrong and goes on with the same a little later. */
static void pause_then(struct runtime *r, const struct ow_http_response *response)
{
	if (r->pause_ms == 0)
		r->pause_ms = PAUSE_MIN;
	if (response->end == OW_HTTP_ANSWERED)
		r->host->log(r->self, OW_LOG_ERROR,
		    "the Runtime API answered %d%s to %s %s; trying again in %" PRId64 " ms",
		    response->status,
		    response->status == 200 ? " without an id of an invocation" : "",
		    r->request.method, draft_text(&r->target), r->pause_ms);
	else
		r->host->log(r->self, OW_LOG_ERROR,
		    "the Runtime API cannot be asked: %s %s: %s; trying again in %" PRId64
		    " ms",
		    r->request.method, draft_text(&r->target), response->why, r->pause_ms);
	r->host->timer_set(r->pause, r->pause_ms);
	r->pause_ms = 2 * r->pause_ms < PAUSE_MAX ? 2 * r->pause_ms : PAUSE_MAX;
}

/* "Container error. Non-recoverable state. Runtime should exit promptly." */
static bool is_the_end(const struct ow_http_response *response)
{
	return response->end == OW_HTTP_ANSWERED && response->status == 500;
}

/*
 * As if the operator wanted it: what is unfinished is given back, then the
 * process ends. A second signal would be "now", to one that drains already.
 */
static void end_process(struct runtime *r)
{
	r->over = true;
	r->host->log(r->self, OW_LOG_ERROR,
	    "the Runtime API answered 500 to %s %s: this environment is at its end, stopping",
	    r->request.method, draft_text(&r->target));
	if (!r->drain)
		kill(getpid(), SIGTERM);
}

/* Nothing is under way and nothing is left to send. */
static void move_on(struct runtime *r)
{
	struct ow_op *drain = r->drain;
	if (drain) {
		r->drain = NULL;
		r->host->op_done(drain, OW_OK, NULL);
	} else if (!r->over) {
		ask_for_next(r);
	}
}

/* ---- answers ---- */

static void post_ended(const struct ow_http_response *response, void *arg)
{
	struct runtime *r = arg;
	bool answered = response->end == OW_HTTP_ANSWERED;
	r->call = NULL;
	if (!answered && ++r->posts < POSTS_MAX) {
		pause_then(r, response);
		return;
	}
	if (is_the_end(response)) {
		end_process(r);
	} else if (!answered || response->status / 100 != 2) {
		/* Lambda takes it for failed, and has its own way with it. */
		r->host->log(r->self, OW_LOG_ERROR, "%s was not taken: %.*s",
		    draft_text(&r->target),
		    answered ? (int)(response->body.len < 200 ? response->body.len : 200)
			     : (int)strlen(response->why),
		    answered ? response->body.data : response->why);
	} else {
		r->pause_ms = 0;
	}
	forget_body(r);
	move_on(r);
}

static void post_for(struct runtime *r, const char *what, const char *type, char *body)
{
	char target[sizeof("invocation//response") + INVOCATION_ID_MAX];
	snprintf(target, sizeof(target), "invocation/%s/%s", r->id, what);
	post(r, target, type, body);
}

static void respond(struct runtime *r, int status, struct ow_text body)
{
	post_for(r, "response", NULL, invocation_answer(status, body));
}

static void report(struct runtime *r, const char *type, const char *message)
{
	post_for(r, "error", type, invocation_error(type, message));
}

/* What is in the event itself: no repetition makes it better. */
static bool is_its_own_fault(enum ow_outcome outcome)
{
	return outcome == OW_INVALID || outcome == OW_MISSING_KEY || outcome == OW_MISMATCH;
}

static const char *type_of(enum ow_outcome outcome)
{
	switch (outcome) {
	case OW_REJECTED:
		return "Onceway.Rejected";
	case OW_UNROUTED:
		return "Onceway.Unrouted";
	case OW_UNSURE:
		return "Onceway.Unknown";
	case OW_INVALID:
	case OW_MISSING_KEY:
	case OW_MISMATCH:
		return "Onceway.Invalid";
	default:
		return "Onceway.Failed";
	}
}

void runtime_settle(struct runtime *r, const struct ow_settlement *how)
{
	bool final = is_its_own_fault(how->outcome) && r->options->invalid == RUNTIME_RESPOND;
	r->working = false;
	if (how->acknowledge || final)
		respond(r, how->status, how->body);
	else
		report(r, type_of(how->outcome), how->why);
}

/* ---- invocations ---- */

static void add_trace(
    struct runtime *r, struct ow_event *event, const struct invocation *invocation)
{
	char trace[TRACE_MAX], traceparent[INVOCATION_TRACEPARENT_SIZE];
	if (invocation->trace.len == 0 || invocation->trace.len >= sizeof(trace))
		return;
	memcpy(trace, invocation->trace.data, invocation->trace.len);
	trace[invocation->trace.len] = '\0';
	r->host->event_add_header(event, "X-Amzn-Trace-Id", trace);
	if (invocation_traceparent(invocation->trace, traceparent))
		r->host->event_add_header(event, "traceparent", traceparent);
}

static void set_limit(
    struct runtime *r, struct ow_event *event, const struct invocation *invocation)
{
	int64_t left =
	    invocation->deadline_ms - r->host->wall_ms(r->self) - r->options->margin_ms;
	if (invocation->deadline_ms > 0)
		r->host->event_limit(event, left > 1 ? left : 1);
}

static void refuse(struct runtime *r, const char *field, const char *problem)
{
	char message[200];
	if (r->options->invalid == RUNTIME_RESPOND) {
		respond(r, 400, text("{\"error\":\"Invalid event structure\"}"));
		return;
	}
	snprintf(message, sizeof(message), "%s %s", field, problem);
	report(r, "Onceway.Invalid", message);
}

static void take(struct runtime *r, const struct invocation *invocation, struct ow_text body)
{
	const struct ow_host *host = r->host;
	/* This process may be one of several that were made of one snapshot. */
	host->random_refresh(r->self);
	struct ow_event *event = host->event_new(r->self);
	host->event_set_body(event, body.data, body.len);
	host->event_add_header(event, "Lambda-Runtime-Aws-Request-Id", r->id);
	add_trace(r, event, invocation);
	set_limit(r, event, invocation);
	const char *problem, *field = intake_fault(r->in, event, &problem);
	if (field) {
		host->event_unref(event);
		refuse(r, field, problem);
		return;
	}
	r->working = true;
	host->emit(r->self, event, NULL);
}

static void next_came(const struct ow_http_response *response, void *arg)
{
	struct runtime *r = arg;
	struct invocation invocation;
	r->call = NULL;
	if (is_the_end(response)) {
		end_process(r);
		move_on(r);
	} else if (response->end != OW_HTTP_ANSWERED || response->status != 200 ||
		   !invocation_read(response, &invocation)) {
		pause_then(r, response);
	} else {
		r->pause_ms = 0;
		memcpy(r->id, invocation.id.data, invocation.id.len);
		r->id[invocation.id.len] = '\0';
		if (response->body_dropped)
			report(r, "Onceway.Invalid", "the event is larger than Lambda allows");
		else
			take(r, &invocation, response->body);
	}
}

/* ---- life ---- */

static void *turn_new(void *arg)
{
	struct turn *turn = alloc_zero(1, sizeof(*turn));
	(void)arg;
	atomic_init(&turn->taken, false);
	return turn;
}

static struct ow_http_pool *open_pool(struct runtime *r, const char *api, const char **why)
{
	char url[300];
	if (snprintf(url, sizeof(url), "http://%s", api) >= (int)sizeof(url)) {
		*why = API_VARIABLE " is too long for an address";
		return NULL;
	}
	return r->host->http_pool_new(r->self,
	    &(struct ow_http_origin){.size = sizeof(struct ow_http_origin),
		.url = url,
		.max_connections = 1,
		.max_waiting = 1,
		.connect_ms = CONNECT_MS,
		.idle_ms = NEXT_MS,
		.max_response = PAYLOAD_MAX},
	    why);
}

struct runtime *runtime_new(
    struct intake *in, const struct runtime_options *options, const char **why)
{
	struct runtime *r = alloc_zero(1, sizeof(*r));
	const char *api = getenv(API_VARIABLE);
	r->host = in->host;
	r->self = in->self;
	r->in = in;
	r->options = options;
	r->turn = r->host->shared(r->self, turn_new, NULL, free);
	r->pause = r->host->timer_new(r->self, pause_over, r);
	if (!api)
		return r;
	r->pool = open_pool(r, api, why);
	if (r->pool)
		return r;
	runtime_free(r);
	return NULL;
}

void runtime_free(struct runtime *r)
{
	if (!r)
		return;
	r->host->timer_free(r->pause);
	r->host->http_pool_free(r->pool);
	draft_free(&r->target);
	free(r->body);
	free(r);
}

static bool take_turn(struct runtime *r)
{
	if (!r->mine)
		r->mine = !atomic_exchange(&r->turn->taken, true);
	return r->mine;
}

void runtime_start(struct runtime *r, struct ow_op *op)
{
	if (!r->pool) {
		r->host->op_done(op, OW_FAIL,
		    API_VARIABLE " is not set: `mode: lambda` is for a function of AWS Lambda, "
				 "which sets it");
		return;
	}
	r->host->op_done(op, OW_OK, NULL);
	r->over = !take_turn(r);
	if (r->over)
		r->host->log(r->self, OW_LOG_WARNING,
		    "this worker has nothing to do, for invocations come one at a time: set "
		    "`onceway: {workers: 1}`");
	else
		ask_for_next(r);
}

/* Drops what is under way, but not an event. */
static void interrupt(struct runtime *r)
{
	r->over = true;
	r->host->timer_set(r->pause, -1);
	if (r->call)
		r->host->http_cancel(r->call);
	r->call = NULL;
}

void runtime_start_failed(struct runtime *r, const char *why)
{
	if (!r->pool || !take_turn(r))
		return;
	interrupt(r);
	post(r, "init/error", "Onceway.StartFailed",
	    invocation_error("Onceway.StartFailed", why));
}

/* An event is waited for, and its answer too. */
void runtime_drain(struct runtime *r, struct ow_op *op)
{
	r->drain = op;
	if (r->working || r->body)
		return;
	interrupt(r);
	move_on(r);
}
