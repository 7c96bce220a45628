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
 *      +--> COMMITTING   the sink accepted it (or the failure is kept)
 *      +--> RELEASING    failed for good: the next copy is delivered
 *      v
 *   SETTLED
 *
 * A kill at any line loses nothing: the source is told only in settle(), after
 * the sink accepted; before that it sends the event again, and the claim a
 * dead process leaves ends by itself after `lock`.
 *
 * enter() is the only function that changes a state, settle() the only one
 * that ends a flow. Everything a flow starts comes back to exactly one of the
 * functions named *_done or *_due.
 */
#include "route/flow.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "plugin/event.h"
#include "plugin/host.h"
#include "route/lease.h"
#include "route/retry.h"
#include "route/verdict.h"

/* A store that has not answered by then counts as down, whatever the deadline. */
#define STORE_LIMIT_MS 5000
/* What vendors are told to wait when nothing better is known. */
#define RETRY_AFTER_MS 1000
/* Of a key, in a log line: enough to find it, not enough to be a payload. */
#define LOGGED_KEY_MAX 40

enum flow_state {
	FLOW_RECEIVED = 1,
	FLOW_WAITING,  /* in the holder's list of waiters */
	FLOW_CLAIMING, /* from here to RELEASING: the holder of its key on this worker */
	FLOW_POLLING,
	FLOW_DELIVERING,
	FLOW_BACKING_OFF,
	FLOW_COMMITTING,
	FLOW_RELEASING,
	FLOW_SETTLED,
};

struct flow {
	struct list link; /* in the engine's list of unsettled flows */
	struct engine *engine;
	struct route *route;	/* NULL: none takes it */
	struct ow_event *event; /* our reference */
	struct ow_instance *source;
	void *cookie;
	enum flow_state state;
	struct task begin;
	bool too_many; /* max_inflight was reached when it came */

	struct ow_key key;
	struct ow_text table_key; /* the store, then the key: unique on this worker */
	unsigned char token[OW_TOKEN_SIZE];
	struct ow_claim claim;
	struct lease *lease; /* keeps the claim alive; NULL while not needed */

	struct ow_op op;     /* the one call under way */
	struct event *timer; /* the one wait under way */
	struct list waiters; /* of flows with the same key, by their waiting link */
	struct list waiting; /* this flow in its holder's list */
	int64_t deadline_us;
	int64_t retry_at_us; /* backing off: not before */
	int64_t attempts;
	struct ow_attempt attempt; /* the sink borrows it */
	unsigned polls;

	struct op_result answer; /* the sink's last one */
	struct ow_result kept;	 /* what is committed; the store borrows it */
	struct verdict failure;	 /* why delivery ended without success */
	char why[200];
	char answered[32];
};

static void claim(struct flow *f);
static void deliver(struct flow *f);
static void give_up(struct flow *f, const struct ow_delivery *d);
static void settle(struct flow *f, const struct verdict *v);
static void reject(struct flow *f, int status, const char *why, int64_t retry_after_ms);

struct flow *flow_of_link(struct list *link)
{
	return list_entry(link, struct flow, link);
}

static struct worker *worker_of(const struct flow *f)
{
	return engine_worker(f->engine);
}

static int64_t now_us(const struct flow *f)
{
	return clock_mono_us(worker_clock(worker_of(f)));
}

static int64_t left_ms(const struct flow *f)
{
	int64_t left = (f->deadline_us - now_us(f)) / 1000;
	return left > 0 ? left : 0;
}

static void log_flow(const struct flow *f, enum ow_level level, const char *what)
{
	if (!log_enabled(level))
		return;
	struct ow_text key = f->key.full;
	if (key.len > LOGGED_KEY_MAX)
		key.len = LOGGED_KEY_MAX;
	const struct log_field fields[] = {{"key", key},
	    {"trace", text_of(event_get_trace(f->event))},
	    {"source", text_of(instance_name(f->source))}, {NULL, TEXT_NONE}};
	char who[80];
	snprintf(who, sizeof(who), "route %s", f->route ? f->route->parts.name : "-");
	log_write(level, who, fields, "%s", what);
}

/* ---- states ---- */

#define TO(state) (1u << (state))

static const unsigned allowed[] = {
    [FLOW_RECEIVED] = TO(FLOW_WAITING) | TO(FLOW_CLAIMING) | TO(FLOW_SETTLED),
    [FLOW_WAITING] = TO(FLOW_CLAIMING) | TO(FLOW_SETTLED),
    [FLOW_CLAIMING] =
	TO(FLOW_POLLING) | TO(FLOW_DELIVERING) | TO(FLOW_RELEASING) | TO(FLOW_SETTLED),
    [FLOW_POLLING] = TO(FLOW_CLAIMING) | TO(FLOW_SETTLED),
    [FLOW_DELIVERING] = TO(FLOW_BACKING_OFF) | TO(FLOW_COMMITTING) | TO(FLOW_RELEASING),
    [FLOW_BACKING_OFF] = TO(FLOW_DELIVERING) | TO(FLOW_COMMITTING) | TO(FLOW_RELEASING),
    [FLOW_COMMITTING] = TO(FLOW_SETTLED),
    [FLOW_RELEASING] = TO(FLOW_SETTLED),
    [FLOW_SETTLED] = 0,
};

static bool is_waiting(enum flow_state state)
{
	return state == FLOW_WAITING || state == FLOW_POLLING;
}

static void enter(struct flow *f, enum flow_state next)
{
	assert(allowed[f->state] & TO(next));
	if (f->timer)
		event_del(f->timer);
	if (f->state == FLOW_WAITING)
		list_remove(&f->waiting);
	if (f->route && is_waiting(f->state) != is_waiting(next))
		metric_move(f->route->waiting_gauge, is_waiting(next) ? 1 : -1);
	f->state = next;
}

static void start_timer(struct flow *f, event_callback_fn due, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	if (!f->timer)
		f->timer = event_new(worker_base(worker_of(f)), -1, 0, due, f);
	else
		event_assign(f->timer, worker_base(worker_of(f)), -1, 0, due, f);
	event_add(f->timer, &tv);
}

/* ---- settling ---- */

static void flow_free(struct flow *f)
{
	if (f->timer)
		event_free(f->timer);
	op_fini(&f->op);
	free(f->answer.bytes);
	key_fini(&f->key);
	event_release(f->event);
	free(f);
}

static void count_settled(struct flow *f, const struct verdict *v)
{
	struct route *r = f->route;
	if (!r)
		return;
	r->inflight--;
	metric_move(r->inflight_gauge, -1);
	metric_add(r->events[v->outcome], 1);
	metric_observe(
	    r->event_seconds, (double)(now_us(f) - event_arrived_us(f->event)) / 1e6);
	if (v->outcome != OW_DUPLICATE)
		return;
	route_count_label(r, f->key.label);
	if (r->store->count_duplicate && f->key.label.data)
		r->store->count_duplicate(instance_state(r->parts.store), f->key.label);
}

static void tell_source(struct flow *f, const struct verdict *v)
{
	struct ow_settlement settlement;
	struct ow_reply reply;
	verdict_reply(v, f->route, f->event, &f->key, &reply, &settlement);
	instance_ops(f->source)->source.settle(
	    instance_state(f->source), f->cookie, &settlement);
	reply_fini(&reply);
}

/*
 * What the holder's end means for those that waited for it: with a result it
 * is theirs too; after a failure that released the key the first of them takes
 * over, with the others behind it.
 */
static void settle_waiters(struct list *waiters, const struct verdict *v)
{
	struct verdict theirs = *v;
	bool take_over = (v->outcome == OW_FAILED && !v->kept_failure) ||
			 (v->outcome == OW_REJECTED && v->status == 409);
	if (v->outcome == OW_DELIVERED) {
		theirs.outcome = OW_DUPLICATE;
		theirs.waited = true;
	} else if (v->kept_failure) {
		theirs.outcome = OW_DUPLICATE;
	}
	while (!list_empty(waiters)) {
		struct flow *f = list_entry(waiters->next, struct flow, waiting);
		if (!take_over) {
			settle(f, &theirs);
		} else if (engine_aborting(f->engine)) {
			reject(f, 503, "shutting down", RETRY_AFTER_MS);
		} else {
			list_remove(&f->waiting);
			list_move_all(&f->waiters, waiters);
			claim(f);
			return;
		}
	}
}

static void log_settled(const struct flow *f, const struct verdict *v)
{
	bool trouble = v->outcome == OW_FAILED || v->outcome == OW_REJECTED;
	bool detailed = v->detail && v->detail[0] && strcmp(v->detail, v->why) != 0;
	char text[300];
	if (!log_enabled(trouble ? OW_LOG_WARNING : OW_LOG_DEBUG))
		return;
	snprintf(text, sizeof(text), "%s: %s%s%s", outcome_name(v->outcome), v->why,
	    detailed ? ": " : "", detailed ? v->detail : "");
	log_flow(f, trouble ? OW_LOG_WARNING : OW_LOG_DEBUG, text);
}

/* The end of every flow. v's texts may point into f. */
static void settle(struct flow *f, const struct verdict *v)
{
	bool holder = f->state != FLOW_RECEIVED && f->state != FLOW_WAITING;
	struct list waiters;
	enter(f, FLOW_SETTLED);
	lease_free(f->lease);
	f->lease = NULL;
	log_settled(f, v);
	count_settled(f, v);
	tell_source(f, v);
	list_init(&waiters);
	list_move_all(&waiters, &f->waiters);
	if (holder)
		engine_clear_holder(f->engine, f->table_key);
	settle_waiters(&waiters, v);
	engine_leave(f->engine, &f->link);
	flow_free(f);
}

static void reject(struct flow *f, int status, const char *why, int64_t retry_after_ms)
{
	settle(f, &(struct verdict){.outcome = OW_REJECTED,
		      .status = status,
		      .why = why,
		      .retry_after_ms = retry_after_ms});
}

static void settle_duplicate(struct flow *f, const struct ow_claim_answer *answer)
{
	bool failed = answer->result && answer->result->failed;
	if (answer->age_ms >= 0)
		metric_observe(f->route->duplicate_age_seconds, (double)answer->age_ms / 1e3);
	settle(f, &(struct verdict){.outcome = OW_DUPLICATE,
		      .status = failed ? 502 : 200,
		      .why = failed ? "this event failed before and its key is kept"
				    : "it was delivered before",
		      .kept_failure = failed,
		      .result = answer->result});
}

/* ---- claiming ---- */

static void poll_due(evutil_socket_t fd, short what, void *arg)
{
	struct flow *f = arg;
	(void)fd, (void)what;
	if (engine_aborting(f->engine))
		reject(f, 503, "shutting down", RETRY_AFTER_MS);
	else
		claim(f);
}

static bool may_wait(const struct flow *f)
{
	return f->route->parts.policy->in_progress == IN_PROGRESS_WAIT;
}

/* The key is in progress, and this copy may not wait, or not any longer. */
static void turn_away(struct flow *f, int64_t retry_after_ms)
{
	if (f->route->parts.policy->in_progress == IN_PROGRESS_ACK)
		settle(f, &(struct verdict){.outcome = OW_DUPLICATE,
			      .status = 200,
			      .why = "its first copy is being delivered"});
	else
		reject(f, 409, "its first copy is still being delivered", retry_after_ms);
}

/* Those that waited only to know whether the key is in progress: it is. */
static void turn_away_waiters(struct flow *holder)
{
	list_each(&holder->waiters, link)
	{
		struct flow *f = list_entry(link, struct flow, waiting);
		if (!may_wait(f))
			turn_away(f, RETRY_AFTER_MS);
	}
}

/* Another process, or another worker, has the key. */
static void in_progress_elsewhere(struct flow *f, int64_t remaining_ms)
{
	int64_t wait = retry_poll_wait(f->polls++, remaining_ms, worker_random(worker_of(f)));
	turn_away_waiters(f);
	if (!may_wait(f) || wait >= left_ms(f)) {
		turn_away(f, remaining_ms > 0 ? remaining_ms : RETRY_AFTER_MS);
	} else {
		enter(f, FLOW_POLLING);
		start_timer(f, poll_due, wait);
	}
}

static void store_failed(struct flow *f, const char *what)
{
	char text[256];
	metric_add(f->route->store_errors, 1);
	snprintf(text, sizeof(text), "store %s: %s: %s", instance_name(f->route->parts.store),
	    what, f->op.why);
	log_flow(f, OW_LOG_ERROR, text);
}

static void claim_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	metric_observe(f->route->claim_seconds, (double)(now_us(f) - op->begun_us) / 1e6);
	if (op->rc != OW_OK) {
		store_failed(f, "claim");
		reject(f, 503, "the store cannot be asked", RETRY_AFTER_MS);
		return;
	}
	switch (op->answer.state) {
	case OW_CLAIM_NEW:
		f->lease = lease_new(f->engine, f->route, &f->claim, f->deadline_us);
		if (left_ms(f) > 0 && !engine_aborting(f->engine)) {
			turn_away_waiters(f);
			deliver(f);
		} else {
			give_up(f, &(struct ow_delivery){.rc = OW_RETRY});
		}
		return;
	case OW_CLAIM_DONE:
		settle_duplicate(f, &op->answer);
		return;
	case OW_CLAIM_IN_PROGRESS:
		in_progress_elsewhere(f, op->answer.remaining_ms);
		return;
	}
	snprintf(op->why, sizeof(op->why), "plugin bug: unknown claim state");
	store_failed(f, "claim");
	reject(f, 503, "the store cannot be asked", RETRY_AFTER_MS);
}

static void claim(struct flow *f)
{
	enter(f, FLOW_CLAIMING);
	engine_set_holder(f->engine, f->table_key, f);
	/* A new token for each claim: an answer to an old one must not own a new one. */
	random_fill(worker_random(worker_of(f)), f->token, sizeof(f->token));
	op_begin(&f->op, OP_CLAIM, f->route->parts.store, claim_done, f);
	f->route->store->claim(instance_state(f->route->parts.store), &f->op, &f->claim);
	op_limit(&f->op, STORE_LIMIT_MS);
}

/* ---- ending a claim ---- */

static void commit_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	metric_observe(f->route->commit_seconds, (double)(now_us(f) - op->begun_us) / 1e6);
	if (op->rc == OW_REJECT)
		metric_add(f->route->lease_lost, 1);
	else if (op->rc != OW_OK)
		store_failed(f, "commit");
	if (f->failure.outcome) {
		f->failure.kept_failure = op->rc == OW_OK;
		settle(f, &f->failure);
		return;
	}
	/* The sink has it: whatever the store says, it must not come again. */
	settle(f, &(struct verdict){.outcome = OW_DELIVERED,
		      .status = 200,
		      .why = "the sink accepted it",
		      .result = &f->answer.result});
}

static void commit(struct flow *f, struct ow_result result)
{
	enter(f, FLOW_COMMITTING);
	f->kept = result;
	lease_free(f->lease);
	f->lease = NULL;
	op_begin(&f->op, OP_PLAIN, f->route->parts.store, commit_done, f);
	f->route->store->commit(
	    instance_state(f->route->parts.store), &f->op, &f->claim, &f->kept);
	op_limit(&f->op, STORE_LIMIT_MS);
}

static void release_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	metric_observe(f->route->release_seconds, (double)(now_us(f) - op->begun_us) / 1e6);
	if (op->rc == OW_REJECT)
		metric_add(f->route->lease_lost, 1);
	else if (op->rc != OW_OK)
		store_failed(f, "release"); /* it ends by itself after `lock` */
	settle(f, &f->failure);
}

static void release(struct flow *f)
{
	enter(f, FLOW_RELEASING);
	lease_free(f->lease);
	f->lease = NULL;
	op_begin(&f->op, OP_PLAIN, f->route->parts.store, release_done, f);
	f->route->store->release(instance_state(f->route->parts.store), &f->op, &f->claim);
	op_limit(&f->op, STORE_LIMIT_MS);
}

/* ---- delivering ---- */

/*
 * What the vendor may know of a failure. The plugin's own words are for the
 * log: they can name addresses behind us.
 */
static const char *failure_phrase(struct flow *f, const struct ow_delivery *d, bool late)
{
	if (engine_aborting(f->engine))
		return "shutting down";
	if (f->attempts == 0)
		return "there was no time left for it";
	if (f->answer.result.status) {
		snprintf(f->answered, sizeof(f->answered), "the sink answered %d",
		    f->answer.result.status);
		return f->answered;
	}
	if (d->busy)
		return "the sink is busy";
	return late ? "the sink did not answer in time" : "the sink did not accept it";
}

/* Failed for good: remember why, then let go of the key, or keep it. */
static void give_up(struct flow *f, const struct ow_delivery *d)
{
	bool late = d->timed_out || left_ms(f) == 0;
	bool aborted = engine_aborting(f->engine);
	snprintf(f->why, sizeof(f->why), "%s", d->why ? d->why : "");
	f->failure = (struct verdict){.outcome = aborted ? OW_REJECTED : OW_FAILED,
	    .status = aborted || d->busy ? 503
		      : late		 ? 504
					 : 502,
	    .why = failure_phrase(f, d, late),
	    .detail = f->why,
	    .retry_after_ms = d->retry_after_ms,
	    .result = f->answer.result.status ? &f->answer.result : NULL};
	if (f->failure.status == 503 && f->failure.retry_after_ms == 0)
		f->failure.retry_after_ms = RETRY_AFTER_MS;
	/* A 503 says "come again", and what was never tried has not failed. */
	if (f->route->parts.policy->on_failure == ON_FAILURE_KEEP && f->attempts > 0 &&
	    f->failure.status != 503)
		commit(f, (struct ow_result){.size = sizeof(struct ow_result),
			      .status = f->failure.status,
			      .failed = true});
	else
		release(f);
}

/* libevent's clock is coarse, so that a timer can be some milliseconds early or late. */
static void backoff_due(evutil_socket_t fd, short what, void *arg)
{
	struct flow *f = arg;
	int64_t early_us = f->retry_at_us - now_us(f);
	(void)fd, (void)what;
	if (engine_aborting(f->engine) || left_ms(f) == 0)
		give_up(f, &(struct ow_delivery){.rc = OW_RETRY, .why = f->op.why});
	else if (early_us > 0)
		start_timer(f, backoff_due, early_us / 1000 + 1);
	else
		deliver(f);
}

static void accepted(struct flow *f)
{
	/* A sink without answers: the first copy and its duplicates are still told the same. */
	if (!f->answer.result.status)
		f->answer.result.status = 200;
	struct ow_result kept = f->answer.result;
	if (f->route->parts.policy->on_duplicate == ON_DUPLICATE_ACK)
		kept.content_type = kept.body = TEXT_NONE; /* nobody will be shown it */
	commit(f, kept);
}

/* The answer must outlive the operation, which is used again for the commit. */
static void take_answer(struct flow *f, struct ow_op *op)
{
	free(f->answer.bytes);
	f->answer = op->kept;
	op->kept = (struct op_result){0};
	f->answer.result.size = sizeof(f->answer.result);
}

static void deliver_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	struct ow_delivery *d = &op->delivery;
	metric_observe(f->route->delivery_seconds, (double)(now_us(f) - op->begun_us) / 1e6);
	route_count_attempt(f->route, op->code);
	take_answer(f, op);
	if (op->rc == OW_OK) {
		accepted(f);
		return;
	}
	int64_t wait = -1;
	/* UNKNOWN is tried again: the sink tells copies apart by their Idempotency-Key. */
	if ((op->rc == OW_RETRY || op->rc == OW_UNKNOWN) && !engine_aborting(f->engine))
		wait = retry_wait(&f->route->parts.retry, f->attempts, d->retry_after_ms,
		    left_ms(f), worker_random(worker_of(f)));
	if (wait < 0) {
		d->why = op->why;
		d->timed_out |= op->cancelled;
		give_up(f, d);
		return;
	}
	log_flow(f, OW_LOG_DEBUG, op->why);
	enter(f, FLOW_BACKING_OFF);
	f->retry_at_us = now_us(f) + wait * 1000;
	start_timer(f, backoff_due, wait);
}

static void deliver(struct flow *f)
{
	const struct ow_sink_policy *policy = &f->route->parts.retry;
	int64_t limit = left_ms(f);
	if (policy->attempt_ms > 0 && policy->attempt_ms < limit)
		limit = policy->attempt_ms;
	enter(f, FLOW_DELIVERING);
	f->attempts++;
	f->attempt = (struct ow_attempt){.size = sizeof(f->attempt),
	    .number = (unsigned)f->attempts,
	    .key = f->key.full,
	    .traceparent = event_get_traceparent(f->event),
	    .limit_ms = limit > 0 ? limit : 1};
	op_begin(&f->op, OP_DELIVER, f->route->parts.sink, deliver_done, f);
	f->route->sink->deliver(
	    instance_state(f->route->parts.sink), &f->op, f->event, &f->attempt);
	op_limit(&f->op, f->attempt.limit_ms);
}

/* ---- receiving ---- */

static void wait_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	reject(arg, 409, "its first copy is still being delivered", RETRY_AFTER_MS);
}

/*
 * The key is under way on this worker: no need to ask the store. While the
 * holder does not know yet whether it is new or a duplicate, nor does this one.
 */
static void join(struct flow *f, struct flow *holder)
{
	if (!may_wait(f) && holder->state != FLOW_CLAIMING) {
		turn_away(f, RETRY_AFTER_MS);
		return;
	}
	enter(f, FLOW_WAITING);
	list_append(&holder->waiters, &f->waiting);
	start_timer(f, wait_due, left_ms(f));
}

static void settle_invalid(struct flow *f, int status, const char *why)
{
	settle(f, &(struct verdict){.outcome = OW_INVALID, .status = status, .why = why});
}

/* Finds the key. False: the flow is settled. */
static bool find_key(struct flow *f)
{
	struct route *r = f->route;
	struct json_error error;
	if (!event_is_json(f->event, &error)) {
		snprintf(f->why, sizeof(f->why), "the body is not %s: %s at byte %zu",
		    error.utf8 ? "UTF-8" : "valid JSON", error.problem, error.offset);
		settle_invalid(f, error.utf8 ? 400 : r->keyer->invalid_status, f->why);
		return false;
	}
	if (r->keyer->key(instance_state(r->parts.keyer), f->event, &f->key) == OW_OK &&
	    f->key.full.data)
		return true;
	snprintf(f->why, sizeof(f->why), "%s %s",
	    f->key.invalid_field ? f->key.invalid_field : "the event",
	    f->key.invalid_problem ? f->key.invalid_problem : "has no key");
	settle_invalid(f, r->keyer->invalid_status, f->why);
	return false;
}

/* The same key in two stores is two keys. */
static void prepare_claim(struct flow *f)
{
	const void *store = f->route->parts.store;
	struct ow_text full = f->key.full;
	char *table_key = arena_alloc(&f->key.arena, sizeof(store) + full.len);
	memcpy(table_key, &store, sizeof(store));
	memcpy(table_key + sizeof(store), full.data, full.len);
	f->table_key = text_span(table_key, sizeof(store) + full.len);
	f->claim = (struct ow_claim){.size = sizeof(f->claim),
	    .key = full,
	    .token = f->token,
	    .lock_ms = f->route->parts.policy->lock_ms,
	    .window_ms = f->route->window_ms};
}

static void begin(struct task *task)
{
	struct flow *f = list_entry(task, struct flow, begin);
	struct route *r = f->route;
	if (!r) {
		settle(f, &(struct verdict){.outcome = OW_UNROUTED,
			      .status = 404,
			      .why = "no route takes this event"});
		return;
	}
	if (engine_aborting(f->engine)) {
		reject(f, 503, "shutting down", RETRY_AFTER_MS);
		return;
	}
	if (f->too_many) {
		reject(f, 503, "too many events in flight (max_inflight)", RETRY_AFTER_MS);
		return;
	}
	if (!find_key(f))
		return;
	prepare_claim(f);
	struct flow *holder = engine_holder(f->engine, f->table_key);
	if (holder)
		join(f, holder);
	else
		claim(f);
}

void flow_new(struct engine *engine, struct route *route, struct ow_event *event,
    struct ow_instance *source, void *cookie)
{
	struct flow *f = mem_zero(sizeof(*f));
	f->engine = engine;
	f->route = route;
	f->event = event;
	f->source = source;
	f->cookie = cookie;
	f->state = FLOW_RECEIVED;
	list_init(&f->link);
	list_init(&f->waiters);
	list_init(&f->waiting);
	key_init(&f->key, false);
	op_init(&f->op);
	if (route) {
		f->deadline_us =
		    event_arrived_us(event) + route->parts.policy->deadline_ms * 1000;
		f->too_many = route->inflight >= route->parts.policy->max_inflight;
		route->inflight++;
		metric_move(route->inflight_gauge, 1);
	}
	engine_enter(engine, &f->link);
	task_init(&f->begin, begin);
	worker_later(worker_of(f), &f->begin);
}

/*
 * Settles nothing itself: that could settle other flows too, under the feet of
 * whoever walks over all of them.
 */
void flow_abort(struct flow *f)
{
	if (f->state == FLOW_POLLING || f->state == FLOW_BACKING_OFF)
		event_active(f->timer, EV_TIMEOUT, 0);
	else if (f->state == FLOW_CLAIMING || f->state == FLOW_DELIVERING)
		op_cancel(&f->op);
}
