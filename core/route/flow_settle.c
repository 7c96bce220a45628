#include "route/flow_settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "plugin/event.h"
#include "route/flow_policy.h"
#include "route/flow_resume.h"
#include "route/flow_spool.h"
#include "route/history.h"

static void flow_free(struct flow *f)
{
	if (f->timer)
		event_free(f->timer);
	op_fini(&f->op);
	free(f->answer.bytes);
	history_free(f->history);
	key_fini(&f->key);
	event_release(f->event);
	free(f);
}

static void count_settled(struct flow *f, const struct verdict *v)
{
	struct route *r = f->route;
	if (!r) {
		engine_count_unrouted(f->engine, event_get_source(f->event));
		return;
	}
	r->inflight--;
	if (!f->source)
		r->resumed--;
	metric_move(r->inflight_gauge, -1);
	if (flow_is_put_off(f, v))
		return;
	metric_add(r->events[v->outcome], 1);
	if (v->outcome != OW_DUPLICATE)
		return;
	route_count_label(r, f->key.label);
	const struct route_store *store = stores_current(&r->stores);
	if (store->ops->count_duplicate && f->key.label.data)
		store->ops->count_duplicate(instance_state(store->instance), f->key.label);
}

void flow_tell(struct flow *f, const struct verdict *v)
{
	struct ow_settlement settlement;
	struct ow_reply reply;
	if (f->route)
		metric_observe(f->route->event_seconds,
		    (double)(flow_now_us(f) - event_arrived_us(f->event)) / 1e6);
	verdict_reply(v, f->route, f->event, &f->key, &reply, &settlement);
	instance_ops(f->source)->source.settle(
	    instance_state(f->source), f->cookie, &settlement);
	reply_fini(&reply);
}

/* The first of them is the new holder, with the others behind it. */
static void take_over(struct list *waiters)
{
	while (!list_empty(waiters)) {
		struct flow *f = list_entry(waiters->next, struct flow, waiting);
		if (engine_aborting(f->engine)) {
			flow_reject(f, 503, "shutting down", RETRY_AFTER_MS);
			continue;
		}
		list_remove(&f->waiting);
		list_move_all(&f->waiters, waiters);
		flow_take_key(f);
		return;
	}
}

/*
 * The sink refused the event for good: a copy would be refused too, another
 * payload may not, and another route has another sink. And of a dead letter one is enough.
 */
static void refuse_waiters(
    struct list *waiters, const struct verdict *v, const struct route *route)
{
	list_each(waiters, link)
	{
		struct flow *f = list_entry(link, struct flow, waiting);
		if (f->route == route && !flow_differs(f, v->digest))
			flow_settle(f, v);
	}
	take_over(waiters);
}

/*
 * What the holder's end means for those that waited for it: with a result it
 * is theirs too, and so is a refusal for good. After any other failure that
 * released the key the first of them takes over; and when the holder was
 * answered without knowing how the event ends, which is its route's way and may
 * not be theirs.
 */
static void settle_waiters(
    struct list *waiters, const struct verdict *v, const struct route *route)
{
	if (list_empty(waiters))
		return;
	bool accepted = v->outcome == OW_DELIVERED || v->outcome == OW_PASSED;
	bool failed = (v->outcome == OW_FAILED || v->outcome == OW_UNSURE || v->refused) &&
		      !v->kept_failure;
	if (v->dead || (failed && v->refused)) {
		refuse_waiters(waiters, v, route);
		return;
	}
	if (failed || v->unfinished || (v->outcome == OW_REJECTED && v->status == 409)) {
		take_over(waiters);
		return;
	}
	struct verdict theirs = *v;
	theirs.waited = accepted;
	if (accepted || v->kept_failure)
		theirs.outcome = OW_DUPLICATE;
	while (!list_empty(waiters)) {
		struct flow *f = list_entry(waiters->next, struct flow, waiting);
		if (theirs.outcome == OW_DUPLICATE)
			flow_be_duplicate(f, &theirs);
		else
			flow_settle(f, &theirs);
	}
}

/* Its waiters are in *waiters then, and behind nobody. */
static void stop_holding(struct flow *f, struct list *waiters)
{
	list_init(waiters);
	list_move_all(waiters, &f->waiters);
	if (f->holder)
		engine_clear_holder(f->engine, f->table_key);
	f->holder = false;
}

void flow_let_go(struct flow *f, const struct verdict *v)
{
	struct list waiters;
	stop_holding(f, &waiters);
	if (v)
		settle_waiters(&waiters, v, f->route);
	else
		take_over(&waiters);
}

/* Of what may or may not have been done somebody has to know. */
static enum ow_level level_of(const struct verdict *v)
{
	switch (v->outcome) {
	case OW_UNSURE:
		return OW_LOG_ERROR;
	case OW_FAILED:
	case OW_REJECTED:
	case OW_UNROUTED:
		return OW_LOG_WARNING;
	default:
		return v->dead || v->refused ? OW_LOG_WARNING : OW_LOG_DEBUG;
	}
}

static void log_settled(const struct flow *f, const struct verdict *v)
{
	enum ow_level level = level_of(v);
	char words[VERDICT_WORDS_SIZE], text[VERDICT_WORDS_SIZE + 80];
	if (!log_enabled(level))
		return;
	verdict_words(v, words);
	snprintf(text, sizeof(text), "%s: %s%s",
	    flow_is_put_off(f, v) ? "on disk, tried again later" : outcome_name(v->outcome),
	    words, v->dead ? ": kept as a dead letter" : "");
	flow_log(f, level, v->place ? v->place : v->why, text);
}

void flow_settle(struct flow *f, const struct verdict *v)
{
	struct list waiters;
	flow_enter(f, FLOW_SETTLED);
	lease_free(f->lease);
	f->lease = NULL;
	flow_leave_spool(f);
	log_settled(f, v);
	count_settled(f, v);
	if (f->told)
		flow_end_kept(f, v);
	else
		flow_tell(f, v);
	stop_holding(f, &waiters);
	settle_waiters(&waiters, v, f->route);
	engine_leave(f->engine, &f->link);
	flow_free(f);
}

void flow_reject(struct flow *f, int status, const char *why, int64_t retry_after_ms)
{
	flow_settle(f, &(struct verdict){.outcome = OW_REJECTED,
			   .status = status,
			   .why = why,
			   .retry_after_ms = retry_after_ms});
}
