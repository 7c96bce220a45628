#include "lib/outbound/outbound.h"

#include <string.h>

#include "lib/alloc.h"
#include "lib/aws/aws_error.h"
#include "lib/outbound/aws_signer.h"
#include "lib/outbound/basic.h"
#include "lib/outbound/oauth2.h"
#include "lib/outbound/signer.h"

/* Authorization and `header` at most, beside what is signed. */
#define HEADERS_MAX (2 + SIGNER_HEADERS + AWS_SIGNER_HEADERS)

struct outbound {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct outbound_options *options;
	struct draft authorization; /* that never changes; empty: none */
	struct signer *signer;	    /* NULL: nothing is signed */
	struct oauth2 *oauth2;	    /* NULL: not used */
	struct aws_signer *aws;	    /* NULL: not used */
	int64_t waiting, max_waiting;
};

struct outbound_call {
	struct outbound *o;
	struct ow_http_pool *pool;
	const struct ow_http_outgoing *request; /* the caller's */
	struct ow_text id;
	outbound_done *done;
	void *arg;
	int64_t deadline_ms; /* monotonic */

	/* While it waits for credentials, or to be told that there are none. */
	bool waiting;
	struct oauth2_waiter for_token;
	struct aws_waiter for_keys;
	struct ow_timer *timer;
	struct outbound_result verdict; /* to be told by the timer, if it has a why */
	char *why;			/* of the verdict; owned */

	/* While it is sent. */
	struct ow_http_call *http;
	struct token *token;
	struct signer_headers signed_with;
	struct aws_signer_headers aws_headers;
	bool repeated;
	struct ow_http_outgoing outgoing;
	struct ow_text *names, *values; /* behind this struct */
};

static struct ow_text text_of(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static int64_t left_ms(const struct outbound_call *call)
{
	int64_t left = call->deadline_ms - call->o->host->mono_ms(call->o->self);
	return left > 0 ? left : 0;
}

/* ---- the end of a call ---- */

static void call_free(struct outbound_call *call)
{
	call->o->host->timer_free(call->timer);
	token_unref(call->token);
	signer_headers_fini(&call->signed_with);
	aws_signer_headers_fini(&call->aws_headers);
	free(call->why);
	free(call);
}

static void finish(struct outbound_call *call, const struct outbound_result *result)
{
	call->done(result, call->arg);
	call_free(call);
}

/* ---- waiting ---- */

static void stop_waiting(struct outbound_call *call)
{
	struct outbound *o = call->o;
	if (!call->waiting)
		return;
	call->waiting = false;
	o->waiting--;
	o->host->timer_set(call->timer, -1);
	if (o->oauth2)
		oauth2_forget(&call->for_token);
	else
		aws_credentials_forget(&call->for_keys);
}

static void on_timer(void *arg)
{
	struct outbound_call *call = arg;
	stop_waiting(call);
	if (!call->verdict.why)
		call->verdict = (struct outbound_result){
		    .why = call->o->oauth2 ? "no OAuth 2 token came in time"
					   : "no AWS credentials came in time",
		    .timed_out = true};
	finish(call, &call->verdict);
}

static void set_timer(struct outbound_call *call, int64_t ms)
{
	const struct outbound *o = call->o;
	if (!call->timer)
		call->timer = o->host->timer_new(o->self, on_timer, call);
	o->host->timer_set(call->timer, ms);
}

/* Tells it in the loop's next turn: who sends is not told before it has sent. */
static void refuse(struct outbound_call *call, const struct outbound_result *verdict)
{
	call->verdict = *verdict;
	call->why = alloc_checked(strdup(verdict->why));
	call->verdict.why = call->why;
	set_timer(call, 0);
}

static void wait(struct outbound_call *call)
{
	struct outbound *o = call->o;
	if (o->waiting >= o->max_waiting) {
		refuse(
		    call, &(struct outbound_result){
			      .why = "too many requests wait for credentials", .busy = true});
		return;
	}
	o->waiting++;
	call->waiting = true;
	set_timer(call, left_ms(call));
	if (o->oauth2)
		oauth2_wait(o->oauth2, &call->for_token);
	else
		aws_credentials_wait(aws_signer_credentials(o->aws), &call->for_keys);
}

/* ---- sending ---- */

static void add_header(struct outbound_call *call, struct ow_text name, struct ow_text value)
{
	size_t i = call->outgoing.headers++;
	call->names[i] = name;
	call->values[i] = value;
}

static void add_headers(struct outbound_call *call)
{
	const struct outbound *o = call->o;
	const struct signer_headers *s = &call->signed_with;
	const struct aws_signer_headers *a = &call->aws_headers;
	if (o->authorization.len)
		add_header(call, text_of("Authorization"), text_of(o->authorization.data));
	if (call->token)
		add_header(call, text_of("Authorization"), call->token->authorization);
	if (o->options->header_name)
		add_header(
		    call, text_of(o->options->header_name), text_of(o->options->header_value));
	for (size_t i = 0; i < s->count; i++)
		add_header(call, s->names[i], s->values[i]);
	for (size_t i = 0; i < a->count; i++)
		add_header(call, a->names[i], a->values[i]);
}

static void answered(const struct ow_http_response *response, void *arg);

static void send(struct outbound_call *call)
{
	const struct outbound *o = call->o;
	const struct ow_http_outgoing *request = call->request;
	call->outgoing = *request;
	call->outgoing.names = call->names;
	call->outgoing.values = call->values;
	call->outgoing.total_ms = left_ms(call);
	if (request->headers) {
		memcpy(call->names, request->names, request->headers * sizeof(*call->names));
		memcpy(call->values, request->values, request->headers * sizeof(*call->values));
	}
	if (o->signer)
		signer_sign(o->signer, call->id, request->body, o->host->wall_ms(o->self),
		    &call->signed_with);
	add_headers(call);
	call->http = o->host->http_send(call->pool, &call->outgoing, answered, call);
}

/* False: there is no token; it waits, or is refused. */
static bool take_token(struct outbound_call *call)
{
	struct oauth2 *oauth2 = call->o->oauth2;
	struct token *token = oauth2_token(oauth2);
	struct outbound_result verdict = {.why = NULL};
	if (token) {
		token_unref(call->token);
		call->token = token_ref(token);
		return true;
	}
	verdict.why = oauth2_problem(oauth2, &verdict.retry_after_ms);
	if (verdict.why)
		refuse(call, &verdict);
	else
		wait(call);
	return false;
}

/* The same for keys. A problem is old news until those who wait are called. */
static bool take_keys(struct outbound_call *call, bool called)
{
	struct aws_signer *aws = call->o->aws;
	const char *why = aws_credentials_problem(aws_signer_credentials(aws));
	if (aws_signer_sign(aws, call->request, &call->aws_headers))
		return true;
	if (called && why)
		refuse(call, &(struct outbound_result){.why = why});
	else
		wait(call);
	return false;
}

static void begin(struct outbound_call *call, bool called)
{
	const struct outbound *o = call->o;
	if (o->oauth2 && !take_token(call))
		return;
	if (o->aws && !take_keys(call, called))
		return;
	send(call);
}

static void on_token(struct oauth2_waiter *waiter)
{
	struct outbound_call *call = ring_entry(waiter, struct outbound_call, for_token);
	stop_waiting(call);
	begin(call, true);
}

static void on_keys(struct aws_waiter *waiter)
{
	struct outbound_call *call = ring_entry(waiter, struct outbound_call, for_keys);
	call->waiting = false; /* it is on no list any more */
	call->o->waiting--;
	call->o->host->timer_set(call->timer, -1);
	begin(call, true);
}

/* ---- what became of it ---- */

/* Said by somebody who has looked at the token, and at more than that. */
static bool shows_acceptance(int status)
{
	return status < 500 && status != 401 && status != 403 && status != 407 && status != 429;
}

/*
 * A new token by which others are served: it is the request that is refused. To fetch yet
 * another one would make all others wait for it.
 */
static bool is_good_token(const struct outbound_call *call)
{
	return call->repeated && atomic_load(&call->token->accepted);
}

/* Refused for credentials that others have taken, or will take, the place of. */
static bool is_stale(struct outbound_call *call, const struct ow_http_response *response)
{
	const struct outbound *o = call->o;
	struct aws_error error;
	if (response->end != OW_HTTP_ANSWERED)
		return false;
	if (o->oauth2 && response->status == 401)
		return !is_good_token(call) && oauth2_refused(o->oauth2, call->token);
	if (o->oauth2 && shows_acceptance(response->status))
		oauth2_accepted(call->token);
	if (!o->aws || response->status < 400 || response->status > 499)
		return false;
	aws_error_read(response, &error);
	if (error.expired)
		aws_credentials_expired(
		    aws_signer_credentials(o->aws), call->aws_headers.generation);
	return error.expired;
}

static void answered(const struct ow_http_response *response, void *arg)
{
	struct outbound_call *call = arg;
	call->http = NULL;
	bool stale = is_stale(call, response);
	if (stale && !call->repeated && left_ms(call) > 0) {
		call->repeated = true;
		begin(call, false);
		return;
	}
	finish(call, &(struct outbound_result){.response = response, .stale = stale});
}

/* ---- for callers ---- */

struct outbound_call *outbound_send(struct outbound *o, struct ow_http_pool *pool,
    const struct ow_http_outgoing *request, struct ow_text id, outbound_done *done, void *arg)
{
	size_t room = request->headers + HEADERS_MAX;
	struct outbound_call *call =
	    alloc_zero(1, sizeof(*call) + 2 * room * sizeof(struct ow_text));
	call->o = o;
	call->pool = pool;
	call->request = request;
	call->id = id;
	call->done = done;
	call->arg = arg;
	call->deadline_ms = o->host->mono_ms(o->self) + request->total_ms;
	call->for_token.fn = on_token;
	call->for_keys.fn = on_keys;
	ring_init(&call->for_token.link);
	call->names = (struct ow_text *)(call + 1);
	call->values = call->names + room;
	begin(call, false);
	return call;
}

bool outbound_waits(const struct outbound_call *call)
{
	return !call->http;
}

bool outbound_cancel(struct outbound_call *call)
{
	bool maybe_received = false;
	stop_waiting(call);
	if (call->http)
		maybe_received = call->o->host->http_cancel(call->http);
	call_free(call);
	return maybe_received;
}

bool outbound_ready(struct outbound *o, const char **why)
{
	if (o->oauth2)
		return oauth2_ready(o->oauth2, why);
	*why = o->aws ? aws_credentials_problem(aws_signer_credentials(o->aws)) : NULL;
	return !*why;
}

/* ---- its life ---- */

static const char *open_parts(struct outbound *o, const struct outbound_config *config)
{
	const struct outbound_options *options = o->options;
	const char *why = NULL;
	if (options->bearer)
		draft_printf(&o->authorization, "Bearer %s", options->bearer);
	else if (options->basic_user)
		basic_write(&o->authorization, options->basic_user, options->basic_password);
	if (options->hmac.secret || options->standard_webhooks_secret)
		o->signer = signer_new(options);
	if ((options->hmac.secret || options->standard_webhooks_secret) && !o->signer)
		return "libcrypto does not offer the HMAC that requests are signed with";
	if (options->oauth2.token_url)
		o->oauth2 = oauth2_new(
		    o->host, o->self, &options->oauth2, config->proxy, config->share, &why);
	else if (options->sigv4.service)
		o->aws = aws_signer_new(o->host, o->self, &options->sigv4, config->url, &why);
	return why;
}

struct outbound *outbound_new(const struct ow_host *host, struct ow_instance *self,
    const struct outbound_config *config, const char **why)
{
	struct outbound *o = alloc_zero(1, sizeof(*o));
	o->host = host;
	o->self = self;
	o->options = config->options;
	o->max_waiting = config->max_waiting;
	*why = open_parts(o, config);
	if (!*why)
		return o;
	outbound_free(o);
	return NULL;
}

void outbound_start(struct outbound *o)
{
	if (o->oauth2)
		oauth2_start(o->oauth2);
}

void outbound_free(struct outbound *o)
{
	if (!o)
		return;
	oauth2_free(o->oauth2);
	aws_signer_free(o->aws);
	signer_free(o->signer);
	draft_free(&o->authorization);
	free(o);
}
