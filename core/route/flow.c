/*
 * The life of an event, one state at a time:
 *
 *   RECEIVED --> WAITING            another flow here has the key
 *      |            |  that one failed: take over
 *      v            v
 *   CLAIMING <--> POLLING           another process has the key
 *      |
 *      v
 *   DELIVERING <--> BACKING_OFF
 *      |
 *      +--> COMMITTING <--> COMMIT_WAITING
 *      |                 the sink accepted it (or the failure is kept)
 *      +--> RELEASING    failed for good: the next copy is delivered
 *      v
 *   SETTLED
 *
 * What is delivered without dedup goes from RECEIVED, WAITING or CLAIMING to
 * DELIVERING, and from there to SETTLED (flow_policy.c).
 *
 * A kill at any line loses nothing: the source is told only in flow_settle(),
 * after the sink accepted; before that it sends the event again, and the claim
 * a dead process leaves ends by itself after `lock`.
 *
 * flow_enter() is the only function that changes a state (flow_state.c),
 * flow_settle() the only one that ends a flow (flow_settle.c). What concerns
 * the store is in flow_claim.c and flow_commit.c, the sink in flow_deliver.c,
 * the route's exceptions in flow_policy.c; here is how a flow begins. Everything it starts
 * comes back to exactly one of the functions named
 * *_done or *_due.
 */
#include "route/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/digest.h"
#include "io/timer.h"
#include "plugin/event.h"
#include "route/flow_claim.h"
#include "route/flow_policy.h"
#include "route/flow_settle.h"
#include "route/flow_spool.h"

struct flow *flow_of_link(struct list *link)
{
	return list_entry(link, struct flow, link);
}

static bool ask_keyer(struct flow *f)
{
	const struct route *r = f->route;
	return r->keyer->key(instance_state(r->parts.keyer), f->event, &f->key) == OW_OK &&
	       f->key.full.data;
}

bool flow_find_key(struct flow *f)
{
	struct json_error error;
	return event_is_json(f->event, &error) && ask_keyer(f);
}

/* Finds the key. False: without one, the flow went its own way. */
static bool find_key(struct flow *f)
{
	struct route *r = f->route;
	struct json_error error;
	if (!event_is_json(f->event, &error)) {
		snprintf(f->why, sizeof(f->why), "the body is not %s: %s at byte %zu",
		    error.utf8 ? "UTF-8" : "valid JSON", error.problem, error.offset);
		flow_without_key(f, error.utf8 ? 400 : r->keyer->invalid_status, f->why);
		return false;
	}
	if (ask_keyer(f))
		return true;
	snprintf(f->why, sizeof(f->why), "%s %s",
	    f->key.invalid_field ? f->key.invalid_field : "the event",
	    f->key.invalid_problem ? f->key.invalid_problem : "has no key");
	flow_without_key(f, r->keyer->invalid_status, f->why);
	return false;
}

/* The same key in two stores is two keys. */
void flow_prepare_claim(struct flow *f)
{
	const void *store = f->route->parts.store;
	struct ow_text full = f->key.full;
	char *table_key = arena_alloc(&f->key.arena, sizeof(store) + full.len);
	memcpy(table_key, &store, sizeof(store));
	memcpy(table_key + sizeof(store), full.data, full.len);
	f->table_key = text_span(table_key, sizeof(store) + full.len);
	f->attempt_key = full;
	f->claim = (struct ow_claim){.size = sizeof(f->claim),
	    .key = full,
	    .token = f->token,
	    .lock_ms = f->route->parts.policy->lock_ms,
	    .window_ms = f->route->window_ms,
	    .sliding = f->route->parts.policy->window_mode == WINDOW_SLIDING};
	if (f->route->digester) {
		unsigned char *digest = arena_alloc(&f->key.arena, OW_DIGEST_SIZE);
		digester_run(f->route->digester, event_get_body(f->event), digest);
		f->claim.digest = digest;
	}
}

static void begin(struct task *task)
{
	struct flow *f = list_entry(task, struct flow, begin);
	struct route *r = f->route;
	if (!r) {
		flow_settle(f, &(struct verdict){.outcome = OW_UNROUTED,
				   .status = 404,
				   .why = "no route takes this event"});
		return;
	}
	if (engine_aborting(f->engine)) {
		flow_reject(f, 503, "shutting down", RETRY_AFTER_MS);
		return;
	}
	if (f->too_many) {
		flow_reject(f, 503, "too many events in flight (max_inflight)", RETRY_AFTER_MS);
		return;
	}
	flow_answer_within(f);
	if (!find_key(f))
		return;
	if (event_passes(f->event)) {
		flow_pass_repetition(f);
		return;
	}
	flow_prepare_claim(f);
	struct flow *holder = engine_holder(f->engine, f->table_key);
	if (holder)
		flow_join(f, holder);
	else
		flow_claim(f);
}

struct flow *flow_create(struct engine *engine, struct route *route, struct ow_event *event,
    void (*run)(struct task *task))
{
	struct flow *f = mem_zero(sizeof(*f));
	f->engine = engine;
	f->route = route;
	f->event = event;
	f->state = FLOW_RECEIVED;
	list_init(&f->link);
	list_init(&f->waiters);
	list_init(&f->waiting);
	early_place_init(&f->early);
	key_init(&f->key, false);
	op_init(&f->op);
	if (route) {
		f->deadline_us =
		    event_arrived_us(event) + route->parts.policy->deadline_ms * 1000;
		if (event_limit_us(event) < f->deadline_us)
			f->deadline_us = event_limit_us(event);
		f->too_many = route->inflight >= route->parts.policy->max_inflight;
		route->inflight++;
		metric_move(route->inflight_gauge, 1);
	}
	engine_enter(engine, &f->link);
	task_init(&f->begin, run);
	worker_later(flow_worker(f), &f->begin);
	return f;
}

void flow_new(struct engine *engine, struct route *route, bool unreadable,
    struct ow_event *event, struct ow_instance *source, void *cookie)
{
	struct flow *f = flow_create(engine, route, event, begin);
	f->unreadable = unreadable;
	f->source = source;
	f->cookie = cookie;
}

void flow_drain(struct flow *f)
{
	if (f->told && (f->state == FLOW_WAITING || f->state == FLOW_POLLING ||
			   f->state == FLOW_BACKING_OFF))
		event_active(f->timer, EV_TIMEOUT, 0);
}

/*
 * Settles nothing itself: that could settle other flows too, under the feet of
 * whoever walks over all of them.
 */
void flow_abort(struct flow *f)
{
	if (f->state == FLOW_POLLING || f->state == FLOW_BACKING_OFF ||
	    f->state == FLOW_COMMIT_WAITING)
		event_active(f->timer, EV_TIMEOUT, 0);
	else if (f->state == FLOW_CLAIMING || f->state == FLOW_RENEWING ||
		 f->state == FLOW_DELIVERING)
		op_cancel(&f->op);
	else if (f->state == FLOW_KEEPING || f->state == FLOW_BURYING)
		timer_start(f->timer, ABORTED_STORE_LIMIT_MS);
	else if (f->state == FLOW_COMMITTING || f->state == FLOW_RELEASING)
		op_limit(&f->op, ABORTED_STORE_LIMIT_MS);
}
