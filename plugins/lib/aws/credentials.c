#include "lib/aws/credentials.h"

#include "lib/alloc.h"

#define AHEAD_MAX_MS 300000 /* new ones are there five minutes before the old ones end */
#define AHEAD_PART   4
/* Given to what has ended already by this machine's clock; the service knows better. */
#define TRUST_MS     60000
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 10000

LIST_HEAD(waiters, aws_waiter);

struct aws_credentials {
	struct aws_seeker seeker;
	struct aws_found found;
	uint64_t generation;
	int64_t renew_ms; /* wall clock: from then on they are renewed */
	struct aws_attempt *attempt;
	struct draft problem; /* of the last attempt; empty: none */
	int64_t pause_ms;     /* how long it is left alone after a failure */
	int64_t resume_ms;    /* monotonic: no attempt before */
	struct waiters waiters, served;
	struct ow_timer *soon; /* begins an attempt, or wakes those who wait */
};

static int64_t wall(const struct aws_credentials *c)
{
	return c->seeker.host->wall_ms(c->seeker.self);
}

static int64_t mono(const struct aws_credentials *c)
{
	return c->seeker.host->mono_ms(c->seeker.self);
}

/* ---- the end of an attempt ---- */

/* Those who ask again from here are on the other list: they wait for the next attempt. */
static void wake(struct aws_credentials *c)
{
	struct aws_waiter *waiter;
	while ((waiter = LIST_FIRST(&c->waiters))) {
		LIST_REMOVE(waiter, link);
		LIST_INSERT_HEAD(&c->served, waiter, link);
	}
	while ((waiter = LIST_FIRST(&c->served))) {
		LIST_REMOVE(waiter, link);
		waiter->fn(waiter);
	}
}

static void take(struct aws_credentials *c, struct aws_found *found)
{
	int64_t now = wall(c);
	if (found->expires_ms && found->expires_ms <= now) {
		c->seeker.host->log(c->seeker.self, OW_LOG_WARNING,
		    "the AWS credentials that were found have expired: is the clock right?");
		found->expires_ms = now + TRUST_MS;
	}
	int64_t ahead = (found->expires_ms - now) / AHEAD_PART;
	if (ahead > AHEAD_MAX_MS)
		ahead = AHEAD_MAX_MS;
	aws_found_fini(&c->found);
	c->found = *found;
	*found = (struct aws_found){NULL, NULL, NULL, 0};
	c->generation++;
	c->renew_ms = c->found.expires_ms ? c->found.expires_ms - ahead : INT64_MAX;
	c->pause_ms = 0;
	c->resume_ms = mono(c) + PAUSE_MIN_MS;
	draft_clear(&c->problem);
}

static void fail(struct aws_credentials *c, const char *why)
{
	c->pause_ms = c->pause_ms ? c->pause_ms * 2 : PAUSE_MIN_MS;
	if (c->pause_ms > PAUSE_MAX_MS)
		c->pause_ms = PAUSE_MAX_MS;
	c->resume_ms = mono(c) + c->pause_ms;
	draft_clear(&c->problem);
	draft_printf(&c->problem, "no AWS credentials: %s", why);
	if (c->found.access_key_id)
		c->seeker.host->log(c->seeker.self, OW_LOG_WARNING,
		    "cannot renew the AWS credentials: %s", why);
}

static void attempted(struct aws_found *found, const char *why, void *arg)
{
	struct aws_credentials *c = arg;
	struct aws_attempt *attempt = c->attempt;
	if (found)
		take(c, found);
	else
		fail(c, why);
	c->attempt = NULL;
	aws_attempt_free(attempt);
	wake(c);
}

/* ---- when there is one ---- */

static bool usable(const struct aws_credentials *c)
{
	const struct aws_found *f = &c->found;
	return f->access_key_id && (!f->expires_ms || wall(c) < f->expires_ms);
}

static bool wants_attempt(const struct aws_credentials *c)
{
	return !c->attempt && mono(c) >= c->resume_ms && (!usable(c) || wall(c) >= c->renew_ms);
}

/* Never from inside a call: an attempt may end at once, and change what was just given out. */
static void on_soon(void *arg)
{
	struct aws_credentials *c = arg;
	if (wants_attempt(c)) {
		c->attempt = aws_attempt_new(&c->seeker, attempted, c);
		aws_attempt_start(c->attempt);
	} else if (!c->attempt) {
		wake(c);
	}
}

struct aws_credentials *aws_credentials_new(const struct aws_seeker *seeker)
{
	struct aws_credentials *c = alloc_zero(1, sizeof(*c));
	c->seeker = *seeker;
	c->soon = seeker->host->timer_new(seeker->self, on_soon, c);
	c->resume_ms = INT64_MIN;
	LIST_INIT(&c->waiters);
	LIST_INIT(&c->served);
	return c;
}

void aws_credentials_free(struct aws_credentials *c)
{
	if (!c)
		return;
	aws_attempt_free(c->attempt);
	c->seeker.host->timer_free(c->soon);
	aws_found_fini(&c->found);
	draft_free(&c->problem);
	free(c);
}

bool aws_credentials_get(struct aws_credentials *c, struct aws_keys *keys)
{
	if (wants_attempt(c))
		c->seeker.host->timer_set(c->soon, 0);
	if (!usable(c))
		return false;
	*keys = aws_found_keys(&c->found);
	return true;
}

const char *aws_credentials_problem(const struct aws_credentials *c)
{
	return c->problem.len ? c->problem.data : NULL;
}

uint64_t aws_credentials_generation(const struct aws_credentials *c)
{
	return c->generation;
}

void aws_credentials_wait(struct aws_credentials *c, struct aws_waiter *waiter)
{
	LIST_INSERT_HEAD(&c->waiters, waiter, link);
	c->seeker.host->timer_set(c->soon, 0);
}

void aws_credentials_forget(struct aws_waiter *waiter)
{
	LIST_REMOVE(waiter, link);
}

void aws_credentials_expired(struct aws_credentials *c, uint64_t generation)
{
	if (generation != c->generation || !c->found.access_key_id)
		return;
	aws_found_fini(&c->found);
	if (mono(c) < c->resume_ms && !c->problem.len)
		draft_string(&c->problem, "the AWS credentials have expired, and were fetched "
					  "less than a second ago");
}
