#include "lib/aws/aws_client.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/aws/aws_error.h"
#include "lib/aws/credentials.h"
#include "lib/aws/endpoint.h"
#include "lib/aws/region.h"
#include "lib/http_date.h"

#define IDLE_MS	    20000  /* AWS closes after that, or later */
#define SKEW_MIN_MS 240000 /* AWS takes what is up to five minutes off */
#define HEADERS_MAX 6
#define AWS_JSON    "application/x-amz-json-1.0"
#define WHY_SIZE    640

LIST_HEAD(calls, aws_call);

struct aws_client {
	const struct ow_host *host;
	struct ow_instance *self;
	const char *service;
	struct draft region, endpoint, authority, path;
	struct sigv4 *signer;
	struct aws_credentials *credentials;
	struct ow_http_pool *pool;
	int64_t max_response;
	int64_t skew_ms; /* what the service's clock is ahead of this machine's */
	struct calls calls;
};

struct aws_call {
	struct aws_client *client;
	LIST_ENTRY(aws_call) link;
	struct aws_request request;
	int64_t deadline_ms; /* monotonic */
	aws_call_done *done;
	void *arg;

	/* While it waits for credentials. */
	struct aws_waiter waiter;
	bool waiting;
	struct ow_timer *patience;

	/* While it is sent. */
	struct ow_http_call *http;
	struct ow_http_outgoing outgoing;
	struct ow_text names[HEADERS_MAX], values[HEADERS_MAX];
	struct sigv4_signature signature;
	char *token; /* the session token that was signed with; NULL: none */
	uint64_t generation;
	int64_t sent_skew_ms;
	bool renewed, adjusted; /* what is done once has been done */
};

static struct ow_text text_of(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static int64_t left_ms(const struct aws_call *call)
{
	const struct aws_client *c = call->client;
	return call->deadline_ms - c->host->mono_ms(c->self);
}

/* ---- the end of a call ---- */

static void forget_signature(struct aws_call *call)
{
	sigv4_signature_fini(&call->signature);
	if (call->token)
		OPENSSL_cleanse(call->token, strlen(call->token));
	free(call->token);
	call->token = NULL;
}

static void call_free(struct aws_call *call)
{
	LIST_REMOVE(call, link);
	call->client->host->timer_free(call->patience);
	forget_signature(call);
	free(call);
}

static void finish(struct aws_call *call, const struct aws_result *result)
{
	aws_call_done *done = call->done;
	void *arg = call->arg;
	struct aws_result whole = *result;
	whole.code = whole.code ? whole.code : "";
	whole.query_code = whole.query_code ? whole.query_code : "";
	whole.why = whole.why ? whole.why : "";
	if (!whole.body.data)
		whole.body = text_of("");
	call_free(call);
	done(&whole, arg);
}

/* A message of the service that quotes a secret ends before it. */
static void hide(char why[WHY_SIZE], const char *secret)
{
	char *at = secret ? strstr(why, secret) : NULL;
	if (at)
		snprintf(at, WHY_SIZE - (size_t)(at - why), "...");
}

static void finish_failed(struct aws_call *call, const struct ow_http_response *response,
    const struct aws_error *error)
{
	const struct aws_client *c = call->client;
	char why[WHY_SIZE];
	snprintf(why, sizeof(why), "%s answered %d%s%s%s%s", draft_text(&c->authority),
	    response->status, error->code[0] ? " " : "", error->code,
	    error->message[0] ? ": " : "", error->message);
	hide(why, call->token);
	finish(call, &(struct aws_result){.outcome = error->outcome,
			 .maybe_done = response->status >= 500,
			 .status = response->status,
			 .body = response->body,
			 .code = error->code,
			 .query_code = error->query_code,
			 .why = why,
			 .retry_after_ms = http_retry_after_ms(
			     aws_header(response, "Retry-After"), c->host->wall_ms(c->self))});
}

static void finish_unanswered(struct aws_call *call, const struct ow_http_response *response)
{
	finish(call, &(struct aws_result){.outcome = AWS_RETRY,
			 .maybe_done = response->maybe_received,
			 .why = response->why});
}

static void finish_too_long(struct aws_call *call, const struct ow_http_response *response)
{
	char why[WHY_SIZE];
	snprintf(why, sizeof(why), "%s answered with more than %lld bytes",
	    draft_text(&call->client->authority), (long long)call->client->max_response);
	finish(call, &(struct aws_result){.outcome = AWS_FAILED,
			 .maybe_done = true,
			 .status = response->status,
			 .why = why});
}

/* ---- sending ---- */

static void begin(struct aws_call *call);

/* True if the clock was what the service did not like, and is put right now. */
static bool adjust(struct aws_call *call, const struct ow_http_response *response)
{
	struct aws_client *c = call->client;
	int64_t date, skew, off;
	if (call->adjusted || !http_date_ms(aws_header(response, "Date"), &date))
		return false;
	skew = date - c->host->wall_ms(c->self);
	off = skew - call->sent_skew_ms;
	if (off < SKEW_MIN_MS && off > -SKEW_MIN_MS)
		return false;
	c->host->log(c->self, OW_LOG_WARNING,
	    "this machine's clock is %lld s %s that of %s: requests are signed with its time; "
	    "set the clock",
	    (long long)((skew < 0 ? -skew : skew) / 1000), skew < 0 ? "ahead of" : "behind",
	    draft_text(&c->authority));
	c->skew_ms = skew;
	call->adjusted = true;
	return true;
}

static bool renew(struct aws_call *call)
{
	if (call->renewed)
		return false;
	call->renewed = true;
	aws_credentials_expired(call->client->credentials, call->generation);
	return true;
}

static void answered(const struct ow_http_response *response, void *arg)
{
	struct aws_call *call = arg;
	struct aws_error error;
	call->http = NULL;
	if (response->end != OW_HTTP_ANSWERED) {
		finish_unanswered(call, response);
	} else if (response->body_dropped) {
		finish_too_long(call, response);
	} else if (response->status >= 200 && response->status <= 299) {
		finish(call,
		    &(struct aws_result){
			.outcome = AWS_OK, .status = response->status, .body = response->body});
	} else {
		aws_error_read(response, &error);
		if ((error.expired && renew(call)) ||
		    (error.signature && adjust(call, response)))
			begin(call);
		else
			finish_failed(call, response, &error);
	}
}

static void add_header(struct aws_call *call, const char *name, const char *value)
{
	size_t i = call->outgoing.headers++;
	call->names[i] = text_of(name);
	call->values[i] = text_of(value);
}

static void sign(struct aws_call *call, const struct aws_keys *keys)
{
	struct aws_client *c = call->client;
	const struct ow_text names[] = {
	    text_of("host"), text_of("content-type"), text_of("x-amz-target")};
	const struct ow_text values[] = {{c->authority.data, c->authority.len},
	    text_of(AWS_JSON), text_of(call->request.target)};
	const struct sigv4_request request = {.method = "POST",
	    .target = {c->path.data, c->path.len},
	    .names = names,
	    .values = values,
	    .headers = 3,
	    .body = call->request.body};
	call->sent_skew_ms = c->skew_ms;
	sigv4_sign(c->signer,
	    &(struct sigv4_scope){
		c->host->wall_ms(c->self) + c->skew_ms, draft_text(&c->region), c->service},
	    keys, &request, &call->signature);
}

static void send(struct aws_call *call, const struct aws_keys *keys)
{
	struct aws_client *c = call->client;
	forget_signature(call);
	sign(call, keys);
	call->generation = aws_credentials_generation(c->credentials);
	call->outgoing = (struct ow_http_outgoing){.size = sizeof(call->outgoing),
	    .method = "POST",
	    .target = {c->path.data, c->path.len},
	    .names = call->names,
	    .values = call->values,
	    .body = call->request.body,
	    .repeatable = call->request.repeatable,
	    .total_ms = left_ms(call)};
	add_header(call, "Content-Type", AWS_JSON);
	add_header(call, "X-Amz-Target", call->request.target);
	add_header(call, "User-Agent", "onceway");
	add_header(call, "X-Amz-Date", call->signature.date);
	if (keys->session_token) {
		call->token = alloc_checked(strdup(keys->session_token));
		add_header(call, "X-Amz-Security-Token", call->token);
	}
	add_header(call, "Authorization", call->signature.authorization);
	call->http = c->host->http_send(c->pool, &call->outgoing, answered, call);
}

/* ---- waiting for credentials ---- */

static void stop_waiting(struct aws_call *call)
{
	call->waiting = false;
	call->client->host->timer_set(call->patience, -1);
}

static void on_credentials(struct aws_waiter *waiter)
{
	struct aws_call *call =
	    (struct aws_call *)(void *)((char *)waiter - offsetof(struct aws_call, waiter));
	struct aws_credentials *credentials = call->client->credentials;
	struct aws_keys keys;
	stop_waiting(call);
	if (aws_credentials_get(credentials, &keys))
		send(call, &keys);
	else
		finish(call, &(struct aws_result){.outcome = AWS_DENIED,
				 .why = aws_credentials_problem(credentials)});
}

static void on_patience(void *arg)
{
	struct aws_call *call = arg;
	aws_credentials_forget(&call->waiter);
	stop_waiting(call);
	finish(call, &(struct aws_result){
			 .outcome = AWS_RETRY, .why = "no AWS credentials came in time"});
}

static void begin(struct aws_call *call)
{
	struct aws_client *c = call->client;
	struct aws_keys keys;
	if (aws_credentials_get(c->credentials, &keys)) {
		send(call, &keys);
		return;
	}
	call->waiting = true;
	int64_t left = left_ms(call);
	c->host->timer_set(call->patience, left > 0 ? left : 0);
	aws_credentials_wait(c->credentials, &call->waiter);
}

struct aws_call *aws_client_call(struct aws_client *client, const struct aws_request *request,
    aws_call_done *done, void *arg)
{
	struct aws_call *call = alloc_zero(1, sizeof(*call));
	call->client = client;
	call->request = *request;
	call->deadline_ms = client->host->mono_ms(client->self) + request->timeout_ms;
	call->done = done;
	call->arg = arg;
	call->waiter.fn = on_credentials;
	call->patience = client->host->timer_new(client->self, on_patience, call);
	LIST_INSERT_HEAD(&client->calls, call, link);
	begin(call);
	return call;
}

bool aws_call_cancel(struct aws_call *call)
{
	bool maybe_received = false;
	if (call->waiting)
		aws_credentials_forget(&call->waiter);
	else
		maybe_received = call->client->host->http_cancel(call->http);
	call_free(call);
	return maybe_received;
}

/* ---- the client ---- */

const char *aws_client_endpoint(const struct aws_client *client)
{
	return draft_text(&client->endpoint);
}

const char *aws_client_region(const struct aws_client *client)
{
	return draft_text(&client->region);
}

bool aws_client_ready(struct aws_client *client, const char **why)
{
	*why = aws_credentials_problem(client->credentials);
	return !*why && client->host->http_reachable(client->pool, why);
}

static const char *find_place(struct aws_client *c, const struct aws_client_config *config)
{
	const struct aws_place *place = config->place;
	const char *given = aws_endpoint_given(place->endpoint, c->service);
	const char *why = aws_region_find(place->region, config->identity->profile, &c->region);
	if (why)
		return why;
	if (given)
		draft_string(&c->endpoint, given);
	else
		aws_endpoint_write(
		    &c->endpoint, c->service, draft_text(&c->region), place->fips);
	aws_host_write(&c->authority, draft_text(&c->endpoint));
	aws_path_write(&c->path, draft_text(&c->endpoint));
	return NULL;
}

static const char *open_client(struct aws_client *c, const struct aws_client_config *config)
{
	const char *why = find_place(c, config);
	if (why)
		return why;
	c->signer = sigv4_new();
	if (!c->signer)
		return "libcrypto offers no SHA-256 or no HMAC, which requests are signed with";
	c->credentials = aws_credentials_new(&(struct aws_seeker){.host = c->host,
	    .self = c->self,
	    .identity = config->identity,
	    .region = draft_text(&c->region),
	    .fips = config->place->fips});
	c->pool = c->host->http_pool_new(c->self,
	    &(struct ow_http_origin){.size = sizeof(struct ow_http_origin),
		.url = draft_text(&c->endpoint),
		.max_connections = config->max_connections,
		.max_waiting = config->max_waiting,
		.connect_ms = config->connect_ms,
		.idle_ms = IDLE_MS,
		.max_response = config->max_response,
		.tls = config->tls},
	    &why);
	return c->pool ? NULL : why;
}

struct aws_client *aws_client_new(const struct ow_host *host, struct ow_instance *self,
    const struct aws_client_config *config, const char **why)
{
	struct aws_client *c = alloc_zero(1, sizeof(*c));
	c->host = host;
	c->self = self;
	c->service = config->service;
	c->max_response = config->max_response;
	LIST_INIT(&c->calls);
	*why = open_client(c, config);
	if (!*why)
		return c;
	aws_client_free(c);
	return NULL;
}

void aws_client_free(struct aws_client *client)
{
	if (!client)
		return;
	struct aws_call *call;
	while ((call = LIST_FIRST(&client->calls)))
		aws_call_cancel(call);
	aws_credentials_free(client->credentials);
	client->host->http_pool_free(client->pool);
	sigv4_free(client->signer);
	draft_free(&client->region);
	draft_free(&client->endpoint);
	draft_free(&client->authority);
	draft_free(&client->path);
	free(client);
}
