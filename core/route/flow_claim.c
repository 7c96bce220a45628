#include "route/flow_claim.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "route/flow_deliver.h"
#include "route/flow_settle.h"
#include "route/retry.h"

/* At the end there is no time for a store that hangs. */
static int64_t store_limit_ms(const struct flow *f)
{
	return engine_aborting(f->engine) ? ABORTED_STORE_LIMIT_MS : STORE_LIMIT_MS;
}

/* ---- the answers to a claim ---- */

static void settle_duplicate(struct flow *f, const struct ow_claim_answer *answer)
{
	bool failed = answer->result && answer->result->failed;
	if (answer->age_ms >= 0)
		metric_observe(f->route->duplicate_age_seconds, (double)answer->age_ms / 1e3);
	flow_settle(f, &(struct verdict){.outcome = OW_DUPLICATE,
			   .status = failed ? 502 : 200,
			   .why = failed ? "this event failed before and its key is kept"
					 : "it was delivered before",
			   .kept_failure = failed,
			   .result = answer->result});
}

static void poll_due(evutil_socket_t fd, short what, void *arg)
{
	struct flow *f = arg;
	(void)fd, (void)what;
	if (engine_aborting(f->engine))
		flow_reject(f, 503, "shutting down", RETRY_AFTER_MS);
	else
		flow_claim(f);
}

static bool may_wait(const struct flow *f)
{
	return f->route->parts.policy->in_progress == IN_PROGRESS_WAIT;
}

/* The key is in progress, and this copy may not wait, or not any longer. */
static void turn_away(struct flow *f, int64_t retry_after_ms)
{
	if (f->route->parts.policy->in_progress == IN_PROGRESS_ACK)
		flow_settle(f, &(struct verdict){.outcome = OW_DUPLICATE,
				   .status = 200,
				   .why = "its first copy is being delivered"});
	else
		flow_reject(f, 409, "its first copy is still being delivered", retry_after_ms);
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
	int64_t wait = retry_poll_wait(f->polls++, remaining_ms, worker_random(flow_worker(f)));
	turn_away_waiters(f);
	if (!may_wait(f) || wait >= flow_left_ms(f)) {
		turn_away(f, remaining_ms > 0 ? remaining_ms : RETRY_AFTER_MS);
	} else {
		flow_enter(f, FLOW_POLLING);
		flow_start_timer(f, poll_due, wait);
	}
}

static void store_failed(struct flow *f, const char *what)
{
	char text[256];
	metric_add(f->route->store_errors, 1);
	snprintf(text, sizeof(text), "store %s: %s: %s", instance_name(f->route->parts.store),
	    what, f->op.why);
	flow_log(f, OW_LOG_ERROR, text);
}

/*
 * A store that was only too slow may have taken the claim after all; it would
 * hold the key for `lock` with nobody behind it.
 */
static void claim_failed(struct flow *f, bool too_slow)
{
	f->failure = (struct verdict){.outcome = OW_REJECTED,
	    .status = 503,
	    .why = "the store cannot be asked",
	    .retry_after_ms = RETRY_AFTER_MS};
	if (too_slow)
		flow_release(f);
	else
		flow_settle(f, &f->failure);
}

static void claim_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	metric_observe(f->route->claim_seconds, (double)(flow_now_us(f) - op->begun_us) / 1e6);
	if (op->rc != OW_OK) {
		store_failed(f, "claim");
		claim_failed(f, op->cancelled);
		return;
	}
	switch (op->answer.state) {
	case OW_CLAIM_NEW:
		f->lease = lease_new(f->engine, f->route, &f->claim, f->deadline_us);
		if (flow_left_ms(f) > 0 && !engine_aborting(f->engine)) {
			turn_away_waiters(f);
			flow_deliver(f);
		} else {
			flow_give_up(f, &(struct ow_delivery){.rc = OW_RETRY});
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
	claim_failed(f, false);
}

void flow_claim(struct flow *f)
{
	flow_enter(f, FLOW_CLAIMING);
	engine_set_holder(f->engine, f->table_key, f);
	/* A new token for each claim: an answer to an old one must not own a new one. */
	random_fill(worker_random(flow_worker(f)), f->token, sizeof(f->token));
	op_begin(&f->op, OP_CLAIM, f->route->parts.store, claim_done, f);
	f->route->store->claim(instance_state(f->route->parts.store), &f->op, &f->claim);
	op_limit(&f->op, store_limit_ms(f));
}

/* ---- behind a claim of this worker ---- */

static void wait_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	flow_reject(arg, 409, "its first copy is still being delivered", RETRY_AFTER_MS);
}

/*
 * The key is under way on this worker: no need to ask the store. While the
 * holder does not know yet whether it is new or a duplicate, nor does this one.
 */
void flow_join(struct flow *f, struct flow *holder)
{
	if (!may_wait(f) && holder->state != FLOW_CLAIMING) {
		turn_away(f, RETRY_AFTER_MS);
		return;
	}
	flow_enter(f, FLOW_WAITING);
	list_append(&holder->waiters, &f->waiting);
	flow_start_timer(f, wait_due, flow_left_ms(f));
}

/* ---- ending a claim ---- */

static void commit_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	metric_observe(f->route->commit_seconds, (double)(flow_now_us(f) - op->begun_us) / 1e6);
	if (op->rc == OW_REJECT)
		metric_add(f->route->lease_lost, 1);
	else if (op->rc != OW_OK)
		store_failed(f, "commit");
	if (f->failure.outcome) {
		f->failure.kept_failure = op->rc == OW_OK;
		flow_settle(f, &f->failure);
		return;
	}
	/* The sink has it: whatever the store says, it must not come again. */
	flow_settle(f, &(struct verdict){.outcome = OW_DELIVERED,
			   .status = 200,
			   .why = "the sink accepted it",
			   .result = &f->answer.result});
}

void flow_commit(struct flow *f, struct ow_result result)
{
	flow_enter(f, FLOW_COMMITTING);
	f->kept = result;
	lease_free(f->lease);
	f->lease = NULL;
	op_begin(&f->op, OP_PLAIN, f->route->parts.store, commit_done, f);
	f->route->store->commit(
	    instance_state(f->route->parts.store), &f->op, &f->claim, &f->kept);
	op_limit(&f->op, store_limit_ms(f));
}

static void release_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	metric_observe(
	    f->route->release_seconds, (double)(flow_now_us(f) - op->begun_us) / 1e6);
	if (op->rc == OW_REJECT) {
		/* What was never confirmed (claim_failed) cannot have been lost. */
		if (f->attempts > 0)
			metric_add(f->route->lease_lost, 1);
	} else if (op->rc != OW_OK) {
		store_failed(f, "release"); /* it ends by itself after `lock` */
	}
	flow_settle(f, &f->failure);
}

void flow_release(struct flow *f)
{
	flow_enter(f, FLOW_RELEASING);
	lease_free(f->lease);
	f->lease = NULL;
	op_begin(&f->op, OP_PLAIN, f->route->parts.store, release_done, f);
	f->route->store->release(instance_state(f->route->parts.store), &f->op, &f->claim);
	op_limit(&f->op, store_limit_ms(f));
}
