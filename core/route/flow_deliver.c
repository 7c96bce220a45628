#include "route/flow_deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "plugin/event.h"
#include "route/flow_claim.h"
#include "route/flow_commit.h"
#include "route/flow_settle.h"
#include "route/history.h"
#include "route/retry.h"
#include "route/undeliverable.h"

/*
 * The sink may have it, and the route does not want it to come twice. The process' own end
 * is no reason to find out.
 */
static bool is_unsure(const struct flow *f, const struct ow_delivery *d)
{
	int policy = f->route->parts.policy->on_unknown;
	return d->rc == OW_UNKNOWN &&
	       (policy == ON_UNKNOWN_HOLD ||
		   (policy == ON_UNKNOWN_RELEASE && !engine_aborting(f->engine)));
}

/* What is safe on disk need not be waited for, unless this was its end. */
static bool is_cut_short(const struct flow *f, const struct ow_delivery *d)
{
	bool final = d->rc == OW_REJECT || d->rc == OW_FAIL;
	return engine_aborting(f->engine) || (flow_is_stopping(f) && !final);
}

/*
 * What the vendor may know of a failure. The plugin's own words are for the
 * log: they can name addresses behind us. But for what is wrong with the event.
 */
static const char *failure_phrase(struct flow *f, const struct ow_delivery *d, bool late)
{
	if (is_unsure(f, d))
		return FLOW_ANSWER_LOST;
	if (is_cut_short(f, d))
		return "shutting down";
	if (d->invalid)
		return f->why;
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

void flow_give_up(struct flow *f, const struct ow_delivery *d)
{
	bool late = d->timed_out || flow_left_ms(f) == 0;
	bool unsure = is_unsure(f, d), aborted = !unsure && is_cut_short(f, d);
	bool invalid = d->invalid && !aborted;
	text_store(f->why, sizeof(f->why), d->why);
	f->failure = (struct verdict){.outcome = unsure	   ? OW_UNSURE
						 : aborted ? OW_REJECTED
						 : invalid ? OW_INVALID
							   : OW_FAILED,
	    .status = aborted || d->busy ? 503
		      : invalid		 ? f->route->keyer->invalid_status
		      : late		 ? 504
					 : 502,
	    .why = failure_phrase(f, d, late),
	    .place = f->answer.result.status ? "the sink answered"
		     : invalid		     ? "the sink cannot take it"
					     : NULL,
	    .detail = f->why,
	    .retry_after_ms = d->retry_after_ms,
	    .digest = f->claim.digest,
	    .refused = !aborted && (d->rc == OW_REJECT || d->rc == OW_FAIL),
	    .result = f->answer.result.status ? &f->answer.result : NULL};
	if (f->failure.status == 503 && f->failure.retry_after_ms == 0)
		f->failure.retry_after_ms = RETRY_AFTER_MS;
	if (undeliverable(f, &f->failure))
		undeliverable_put(f);
	else
		flow_fail(f);
}

bool flow_has_failed(const struct flow *f, const struct verdict *v)
{
	return f->attempts > 0 && v->status != 503;
}

/* A key that is kept lets no copy through: not after a failure, nor where nobody knows. */
static bool keeps_key(const struct flow *f)
{
	const struct route_policy *policy = f->route->parts.policy;
	if (f->failure.outcome == OW_UNSURE)
		return policy->on_unknown == ON_UNKNOWN_HOLD;
	/* What the sink cannot be sent was never tried. */
	if (f->failure.outcome == OW_INVALID)
		return false;
	return policy->on_failure == ON_FAILURE_KEEP && flow_has_failed(f, &f->failure);
}

void flow_fail(struct flow *f)
{
	if (f->passing)
		flow_settle(f, &f->failure);
	else if (keeps_key(f))
		flow_commit(f, (struct ow_result){.size = sizeof(struct ow_result),
				   .status = f->failure.status,
				   .failed = true});
	else
		flow_release(f);
}

/* libevent's clock is coarse, so that a timer can be some milliseconds early or late. */
static void backoff_due(evutil_socket_t fd, short what, void *arg)
{
	struct flow *f = arg;
	int64_t early_us = f->retry_at_us - flow_now_us(f);
	(void)fd, (void)what;
	if (flow_is_stopping(f) || flow_left_ms(f) == 0)
		flow_give_up(f, &(struct ow_delivery){.rc = OW_RETRY, .why = f->op.why});
	else if (early_us > 0)
		flow_start_timer(f, backoff_due, early_us / 1000 + 1);
	else
		flow_deliver(f);
}

static void accepted(struct flow *f)
{
	/* A sink without answers: the first copy and its duplicates are still told the same. */
	if (!f->answer.result.status)
		f->answer.result.status = 200;
	if (f->route->copies)
		copies_send(f->route->copies, f->engine, f->event, f->attempt_key);
	if (f->passing) {
		flow_settle(f, &(struct verdict){.outcome = OW_PASSED,
				   .status = 200,
				   .why = "the sink accepted it",
				   .digest = f->claim.digest,
				   .result = &f->answer.result});
		return;
	}
	struct ow_result kept = f->answer.result;
	if (f->route->parts.policy->on_duplicate == ON_DUPLICATE_ACK)
		kept.content_type = kept.body = TEXT_NONE; /* nobody will be shown it */
	flow_commit(f, kept);
}

/* The answer must outlive the operation, which is used again for the commit. */
static void take_answer(struct flow *f, struct ow_op *op)
{
	free(f->answer.bytes);
	f->answer = op->kept;
	op->kept = (struct op_result){0};
	f->answer.result.size = sizeof(f->answer.result);
}

static void note_attempt(struct flow *f, const struct ow_op *op)
{
	if (!f->history)
		f->history = history_new(TEXT_NONE);
	history_add(f->history, flow_wall_ms(f), op->code, op->why);
}

/* UNKNOWN usually is: the sink tells copies apart by their Idempotency-Key. */
static bool may_try_again(const struct flow *f, const struct ow_op *op)
{
	if (flow_is_stopping(f))
		return false;
	return op->rc == OW_RETRY || (op->rc == OW_UNKNOWN && !is_unsure(f, &op->delivery));
}

static void deliver_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	struct ow_delivery *d = &op->delivery;
	metric_observe(f->route->delivery_seconds, op_seconds(op));
	route_count_attempt(f->route, op->code);
	take_answer(f, op);
	if (op->rc == OW_OK) {
		accepted(f);
		return;
	}
	if (f->route->keeps || f->told)
		note_attempt(f, op);
	int64_t wait = -1;
	if (may_try_again(f, op))
		wait = retry_wait(&f->route->parts.retry, f->attempts, d->retry_after_ms,
		    flow_left_ms(f), worker_random(flow_worker(f)));
	if (wait < 0) {
		d->why = op->why;
		d->timed_out |= op->cancelled;
		flow_give_up(f, d);
		return;
	}
	flow_log(f, OW_LOG_DEBUG, "retry", op->why);
	flow_enter(f, FLOW_BACKING_OFF);
	f->retry_at_us = flow_now_us(f) + wait * 1000;
	flow_start_timer(f, backoff_due, wait);
}

void flow_deliver(struct flow *f)
{
	const struct ow_sink_policy *policy = &f->route->parts.retry;
	int64_t limit = flow_left_ms(f);
	if (policy->attempt_ms > 0 && policy->attempt_ms < limit)
		limit = policy->attempt_ms;
	flow_enter(f, FLOW_DELIVERING);
	f->attempts++;
	f->attempt = (struct ow_attempt){.size = sizeof(f->attempt),
	    .number = (unsigned)f->attempts,
	    .key = f->attempt_key,
	    .traceparent = event_get_traceparent(f->event),
	    .limit_ms = limit > 0 ? limit : 1};
	op_begin(&f->op, OP_DELIVER, f->route->parts.sink, deliver_done, f);
	f->route->sink->deliver(
	    instance_state(f->route->parts.sink), &f->op, f->event, &f->attempt);
	op_limit(&f->op, f->attempt.limit_ms);
}
