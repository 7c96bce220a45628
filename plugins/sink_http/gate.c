#include "sink_http/gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/alloc.h"
#include "sink_http/rate.h"

#define SAY_AGAIN_MS 60000

struct gate_share {
	struct breaker *breaker; /* NULL: there is none */
	struct rate *rate;	 /* NULL: there is none */
};

struct gate {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct gate_options *options;
	struct gate_share *share;
	struct ow_counter *open; /* NULL: there is no breaker */
	/*
	 * By how much this worker has changed the gauge, which is the sum over all of them: one
	 * may have opened what another closes.
	 */
	int64_t opened;
	int64_t said_ms; /* when the log last heard of an open breaker */
	char why[BREAKER_WHY + 100];
};

struct gate_visit {
	struct gate *gate;
	gate_turn *turn;
	void *arg;
	struct ow_timer *timer; /* NULL: it never waited */
	struct breaker_pass pass;
	bool waits;
	int64_t turn_ms, end_ms; /* the time that it was given, and all that it has */
};

/* ---- what is shared ---- */

struct gate_share *gate_share_new(const struct gate_options *o)
{
	struct gate_share *share = alloc_zero(1, sizeof(*share));
	if (o->failures > 0)
		share->breaker = breaker_new(o->failures, o->cooldown_ms);
	if (o->limit > 0)
		share->rate = rate_new(o->limit, o->per_ms, o->burst);
	return share;
}

void gate_share_free(struct gate_share *share)
{
	if (!share)
		return;
	breaker_free(share->breaker);
	rate_free(share->rate);
	free(share);
}

/* ---- a worker's gate ---- */

void gate_options_check(const struct gate_options *o, const struct ow_report *report)
{
	static const char useless[] = "is of no use without rate.limit";
	if (o->failures == 0 && report->given(report, "breaker.cooldown"))
		report->complain(
		    report, "breaker.cooldown", "is of no use without breaker.failures");
	if (o->limit > 0)
		return;
	if (report->given(report, "rate.per"))
		report->complain(report, "rate.per", useless);
	if (report->given(report, "rate.burst"))
		report->complain(report, "rate.burst", useless);
}

struct gate *gate_new(const struct ow_host *host, struct ow_instance *self,
    const struct gate_options *options, struct gate_share *share)
{
	struct gate *g = alloc_zero(1, sizeof(*g));
	g->host = host;
	g->self = self;
	g->options = options;
	g->share = share;
	if (!share->breaker)
		return g;
	g->open = host->gauge(self, "breaker_open",
	    "1 while a sink's breaker is open: nothing is sent but a probe.");
	host->gauge_set(g->open, 0);
	return g;
}

void gate_free(struct gate *g)
{
	free(g);
}

static int64_t now(const struct gate *g)
{
	return g->host->mono_ms(g->self);
}

bool gate_ready(struct gate *g, const char **why)
{
	struct breaker_news news;
	if (!g->share->breaker)
		return true;
	breaker_look(g->share->breaker, now(g), &news);
	if (news.shut_ms == 0)
		return true;
	snprintf(g->why, sizeof(g->why), "its breaker is open for another %" PRId64 " s: %s",
	    (news.shut_ms + 999) / 1000, news.why);
	*why = g->why;
	return false;
}

/* ---- a visit ---- */

struct gate_visit *gate_visit_new(struct gate *g, gate_turn *turn, void *arg)
{
	struct gate_visit *v = alloc_zero(1, sizeof(*v));
	v->gate = g;
	v->turn = turn;
	v->arg = arg;
	return v;
}

void gate_visit_free(struct gate_visit *v)
{
	if (!v)
		return;
	if (v->timer)
		v->gate->host->timer_free(v->timer);
	free(v);
}

static void refuse_open(struct gate_visit *v, int64_t wait_ms)
{
	struct breaker_news news;
	struct gate *g = v->gate;
	breaker_look(g->share->breaker, now(g), &news);
	snprintf(g->why, sizeof(g->why), "the breaker is open: %s", news.why);
	v->turn(0, &(struct gate_refusal){"open", g->why, wait_ms}, v->arg);
}

static void refuse_rate(struct gate_visit *v, int64_t wait_ms)
{
	gate_leave(v, HEALTH_UNKNOWN, NULL);
	v->turn(0,
	    &(struct gate_refusal){"rate", "by rate.limit it would be sent too late", wait_ms},
	    v->arg);
}

/* Timers may be early. */
static void due(void *arg)
{
	struct gate_visit *v = arg;
	struct gate *g = v->gate;
	int64_t early = v->turn_ms - now(g);
	if (early > 0) {
		g->host->timer_set(v->timer, early);
		return;
	}
	v->waits = false;
	if (g->share->breaker && !breaker_holds(g->share->breaker, &v->pass)) {
		struct breaker_news news;
		breaker_look(g->share->breaker, now(g), &news);
		refuse_open(v, news.shut_ms > 0 ? news.shut_ms : 1);
		return;
	}
	int64_t left = v->end_ms - now(g);
	v->turn(left > 0 ? left : 1, NULL, v->arg);
}

static void wait_for_turn(struct gate_visit *v, int64_t wait_ms, int64_t limit_ms)
{
	struct gate *g = v->gate;
	v->waits = true;
	v->turn_ms = now(g) + wait_ms;
	v->end_ms = now(g) + limit_ms;
	if (!v->timer)
		v->timer = g->host->timer_new(g->self, due, v);
	g->host->timer_set(v->timer, wait_ms);
}

void gate_enter(struct gate_visit *v, int64_t limit_ms)
{
	const struct gate_share *share = v->gate->share;
	int64_t wait_ms = 0;
	if (share->breaker &&
	    !breaker_enter(share->breaker, now(v->gate), &v->pass, &wait_ms)) {
		refuse_open(v, wait_ms);
		return;
	}
	if (share->rate && !rate_take(share->rate, now(v->gate), limit_ms - 1, &wait_ms))
		refuse_rate(v, wait_ms);
	else if (wait_ms > 0)
		wait_for_turn(v, wait_ms, limit_ms);
	else
		v->turn(limit_ms, NULL, v->arg);
}

bool gate_waits(const struct gate_visit *v)
{
	return v->waits;
}

/* ---- what is told ---- */

static void say_opened(struct gate *g, const char *why, bool again)
{
	int64_t at = now(g);
	if (again && g->said_ms > 0 && at - g->said_ms < SAY_AGAIN_MS)
		return;
	g->said_ms = at;
	if (again)
		g->host->log(g->self, OW_LOG_WARNING,
		    "the breaker stays open, for the probe failed: %s", why);
	else
		g->host->log(g->self, OW_LOG_WARNING,
		    "the breaker opens after %" PRId64
		    " failures in a row, nothing is sent for %" PRId64 " ms: %s",
		    g->options->failures, g->options->cooldown_ms, why);
}

static void tell(struct gate *g, enum breaker_change change, const char *why)
{
	struct breaker_news news;
	switch (change) {
	case BREAKER_AS_BEFORE:
		return;
	case BREAKER_OPENED:
		g->host->gauge_set(g->open, ++g->opened);
		say_opened(g, why, false);
		return;
	case BREAKER_OPENED_AGAIN:
		say_opened(g, why, true);
		return;
	case BREAKER_CLOSED:
		g->host->gauge_set(g->open, --g->opened);
		breaker_look(g->share->breaker, now(g), &news);
		g->host->log(g->self, OW_LOG_INFO,
		    "the breaker closes after %" PRId64 " ms: the probe was answered",
		    news.since_ms);
		return;
	}
}

void gate_leave(struct gate_visit *v, enum health health, const char *why)
{
	struct gate *g = v->gate;
	if (v->waits)
		g->host->timer_set(v->timer, -1);
	v->waits = false;
	if (g->share->breaker)
		tell(g, breaker_leave(g->share->breaker, now(g), &v->pass, health, why), why);
}
