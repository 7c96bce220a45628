#include "lib/outbound/oauth2.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/aws/aws_error.h"
#include "lib/http_date.h"
#include "lib/outbound/token_request.h"

#define ANSWER_MAX	65536
#define CONNECT_MAX_MS	5000
#define LIFE_UNKNOWN_MS ((int64_t)3600 * 1000)
#define LOOK_AGAIN_MS	1000 /* when the worker that fetches may have gone */
#define WHY_SIZE	(TOKEN_WHY_SIZE + 320)

struct oauth2 {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct outbound_oauth2 *options;
	struct token_share *share;
	struct token_member member;
	struct token_view view; /* as it was last looked at */
	char problem[WHY_SIZE];
	struct ring waiters, served;
	struct ow_timer *alarm; /* looks again */
	struct ow_http_pool *pool;
	struct token_request request;
	struct ow_http_call *call; /* under way */
	int64_t asked_ms;
	struct ow_counter *ok, *refused, *failed;
};

static int64_t now_of(const struct oauth2 *o)
{
	return o->host->mono_ms(o->self);
}

static bool usable(const struct oauth2 *o, int64_t now)
{
	return o->view.token && now < o->view.token->until_ms;
}

static void look(struct oauth2 *o)
{
	token_unref(o->view.token);
	token_share_look(o->share, &o->view);
}

/* ---- who waits ---- */

/* Those who ask again from here are on the other ring: they wait for what comes next. */
static void wake(struct oauth2 *o)
{
	while (!ring_empty(&o->waiters))
		ring_add(&o->served, ring_take(&o->waiters));
	while (!ring_empty(&o->served)) {
		struct ring *first = ring_take(&o->served);
		struct oauth2_waiter *waiter = ring_entry(first, struct oauth2_waiter, link);
		waiter->fn(waiter);
	}
}

/* ---- fetching ---- */

static void fetched(const struct ow_http_response *response, void *arg);

static void begin(struct oauth2 *o)
{
	o->asked_ms = now_of(o);
	o->call = o->host->http_send(o->pool, &o->request.outgoing, fetched, o);
}

/* When to look again without being told: for the next fetch, or whether its fetcher has gone.
 */
static void set_alarm(struct oauth2 *o)
{
	int64_t now = now_of(o), at = o->view.resume_ms;
	if (o->call) {
		o->host->timer_set(o->alarm, -1);
		return;
	}
	if (o->view.fetching)
		at = now + LOOK_AGAIN_MS;
	else if (o->view.token && at < o->view.token->renew_ms)
		at = o->view.token->renew_ms;
	o->host->timer_set(o->alarm, at > now ? at - now : 0);
}

/* Looks, fetches if it is time, and wakes those who wait if there is something to tell. */
static void turn(struct oauth2 *o)
{
	int64_t now = now_of(o), pause;
	look(o);
	if (!o->call && token_share_begin(o->share, &o->member, now)) {
		o->view.fetching = true;
		begin(o);
	}
	set_alarm(o);
	if (usable(o, now) || oauth2_problem(o, &pause))
		wake(o);
}

static void on_alarm(void *arg)
{
	turn(arg);
}

static void on_changed(void *arg)
{
	turn(arg);
}

static void fail(
    struct oauth2 *o, const struct ow_http_response *response, const char *why, bool refused)
{
	struct token_failure failure = {.why = why, .refused = refused};
	char instead[TOKEN_WHY_SIZE];
	if (response->end == OW_HTTP_ANSWERED &&
	    token_request_quoted(&o->request, o->options, why)) {
		snprintf(instead, sizeof(instead),
		    "it answered %d and quotes our secret, so no more is shown: check "
		    "oauth2.client_id and oauth2.client_secret",
		    response->status);
		failure.why = instead;
	}
	if (response->end == OW_HTTP_ANSWERED)
		failure.least_ms = http_retry_after_ms(
		    aws_header(response, "Retry-After"), o->host->wall_ms(o->self));
	o->host->random(o->self, &failure.random, sizeof(failure.random));
	o->host->count(refused ? o->refused : o->failed, 1);
	o->host->log(o->self, OW_LOG_WARNING, "no OAuth 2 token from %s: %s",
	    o->options->token_url, failure.why);
	token_share_failed(o->share, &failure, now_of(o));
}

static void succeed(struct oauth2 *o, const struct token_answer *answer)
{
	int64_t life = answer->life_ms ? answer->life_ms : LIFE_UNKNOWN_MS;
	o->host->count(o->ok, 1);
	if (answer->odd_life)
		o->host->log(o->self, OW_LOG_WARNING,
		    "%s gives tokens whose expires_in is not a number of seconds above 0: they "
		    "are used until they are refused, at most for an hour",
		    o->options->token_url);
	o->host->log(o->self, OW_LOG_DEBUG, "an OAuth 2 token for %" PRId64 " s", life / 1000);
	/* A slow endpoint does not know how slow it is; but half of the life is for us. */
	int64_t now = now_of(o);
	int64_t since = o->asked_ms > now - life / 2 ? o->asked_ms : now - life / 2;
	token_share_fetched(o->share,
	    token_new(answer->token, since, life, o->options->refresh_before_ms), now);
}

static void fetched(const struct ow_http_response *response, void *arg)
{
	struct oauth2 *o = arg;
	struct token_answer answer = {.token = NULL};
	o->call = NULL;
	if (response->end != OW_HTTP_ANSWERED) {
		fail(o, response, response->why, false);
	} else if (response->body_dropped) {
		fail(o, response, "its answer is larger than 64 KiB: check oauth2.token_url",
		    false);
	} else {
		token_answer_read(response->status, response->body, &answer);
		if (answer.token)
			succeed(o, &answer);
		else
			fail(o, response, answer.why, answer.refused);
	}
	token_answer_fini(&answer);
	turn(o);
}

/* ---- for requests ---- */

struct token *oauth2_token(struct oauth2 *o)
{
	return usable(o, now_of(o)) ? o->view.token : NULL;
}

bool oauth2_ready(struct oauth2 *o, const char **why)
{
	if (usable(o, now_of(o)) || !o->view.failed)
		return true;
	snprintf(o->problem, sizeof(o->problem), "no OAuth 2 token from %s: %s",
	    o->options->token_url, o->view.why);
	*why = o->problem;
	return false;
}

const char *oauth2_problem(struct oauth2 *o, int64_t *pause_ms)
{
	const char *why;
	int64_t now = now_of(o);
	if (oauth2_ready(o, &why) || o->view.fetching || now >= o->view.resume_ms)
		return NULL;
	*pause_ms = o->view.resume_ms - now;
	return why;
}

void oauth2_wait(struct oauth2 *o, struct oauth2_waiter *waiter)
{
	ring_add(&o->waiters, &waiter->link);
	o->host->timer_set(o->alarm, 0);
}

void oauth2_forget(struct oauth2_waiter *waiter)
{
	ring_remove(&waiter->link);
}

void oauth2_accepted(struct token *token)
{
	if (!atomic_load_explicit(&token->accepted, memory_order_relaxed))
		atomic_store(&token->accepted, true);
}

bool oauth2_refused(struct oauth2 *o, const struct token *token)
{
	bool again = token_share_refused(o->share, token->generation, now_of(o));
	if (again)
		look(o);
	return again;
}

/* ---- its life ---- */

void oauth2_start(struct oauth2 *o)
{
	o->host->timer_set(o->alarm, 0);
}

static struct ow_counter *count_of(const struct oauth2 *o, const char *result)
{
	return o->host->counter(o->self, "oauth_refreshes_total",
	    "Requests for an OAuth 2 token, by result: ok, refused (who we are, or what we ask "
	    "for), failed (the endpoint does not work).",
	    "result", (struct ow_text){result, strlen(result)});
}

static bool open_pool(struct oauth2 *o, const char *proxy, const char **why)
{
	const struct outbound_oauth2 *options = o->options;
	struct ow_tls_options tls = options->tls;
	bool secure = strncasecmp(options->token_url, "https:", 6) == 0;
	tls.size = sizeof(tls);
	o->pool = o->host->http_pool_new(o->self,
	    &(struct ow_http_origin){.size = sizeof(struct ow_http_origin),
		.url = options->token_url,
		.max_connections = 1,
		.max_waiting = 0,
		.connect_ms =
		    options->timeout_ms < CONNECT_MAX_MS ? options->timeout_ms : CONNECT_MAX_MS,
		.idle_ms = 1,
		.max_response = ANSWER_MAX,
		.tls = secure ? &tls : NULL,
		.proxy = proxy},
	    why);
	return o->pool != NULL;
}

struct oauth2 *oauth2_new(const struct ow_host *host, struct ow_instance *self,
    const struct outbound_oauth2 *options, const char *proxy, struct token_share *share,
    const char **why)
{
	struct oauth2 *o = alloc_zero(1, sizeof(*o));
	o->host = host;
	o->self = self;
	o->options = options;
	o->share = share;
	o->view.resume_ms = INT64_MIN;
	ring_init(&o->waiters);
	ring_init(&o->served);
	o->member =
	    (struct token_member){.host = host, .self = self, .changed = on_changed, .arg = o};
	token_share_join(share, &o->member);
	o->alarm = host->timer_new(self, on_alarm, o);
	token_request_init(&o->request, options);
	if (!open_pool(o, proxy, why)) {
		oauth2_free(o);
		return NULL;
	}
	o->ok = count_of(o, "ok");
	o->refused = count_of(o, "refused");
	o->failed = count_of(o, "failed");
	return o;
}

void oauth2_free(struct oauth2 *o)
{
	if (!o)
		return;
	if (o->call)
		o->host->http_cancel(o->call);
	token_share_leave(o->share, &o->member);
	o->host->timer_free(o->alarm);
	o->host->http_pool_free(o->pool);
	token_unref(o->view.token);
	token_request_fini(&o->request);
	free(o);
}
