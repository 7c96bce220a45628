#include "route/flow_claim.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "route/flow_commit.h"
#include "route/flow_deliver.h"
#include "route/flow_policy.h"
#include "route/flow_resume.h"
#include "route/flow_settle.h"
#include "route/flow_spool.h"
#include "route/give_back.h"
#include "route/retry.h"

static void claim_in(struct flow *f, struct route_store *store);

/* ---- the answers to a claim ---- */

static void settle_duplicate(struct flow *f, const struct ow_claim_answer *answer)
{
	bool failed = answer->result && answer->result->failed;
	if (f->mode == SPOOL_REPLAY_PAST) {
		flow_deliver_again(f);
		return;
	}
	if (answer->age_ms >= 0)
		metric_observe(f->route->duplicate_age_seconds, (double)answer->age_ms / 1e3);
	flow_be_duplicate(f, &(struct verdict){.outcome = OW_DUPLICATE,
				 .status = failed ? 502 : 200,
				 .why = failed ? "this event failed before and its key is kept"
					       : "it was delivered before",
				 .kept_failure = failed,
				 .digest = answer->digest,
				 .result = answer->result});
}

static void poll_due(evutil_socket_t fd, short what, void *arg)
{
	struct flow *f = arg;
	(void)fd, (void)what;
	if (flow_is_stopping(f))
		flow_reject(f, 503, "shutting down", RETRY_AFTER_MS);
	else
		flow_claim(f);
}

/* What was told to its source always waits: its own claim of an earlier life may be in the way.
 */
static bool may_wait(const struct flow *f)
{
	return f->told || f->route->parts.policy->in_progress == IN_PROGRESS_WAIT;
}

/* The key is in progress, and this copy may not wait, or not any longer. */
static void turn_away(struct flow *f, int64_t retry_after_ms)
{
	if (!f->told && f->route->parts.policy->in_progress == IN_PROGRESS_ACK)
		flow_settle(f, &(struct verdict){.outcome = OW_DUPLICATE,
				   .status = 200,
				   .why = "its first copy is being delivered",
				   .unfinished = true});
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

/* NULL: none of them is on disk. */
static struct flow *first_kept(struct list *waiters)
{
	list_each(waiters, link)
	{
		struct flow *f = list_entry(link, struct flow, waiting);
		if (f->told)
			return f;
	}
	return NULL;
}

/* Another process, or another worker, has the key. */
static void in_progress_elsewhere(struct flow *f, int64_t remaining_ms)
{
	if (f->route->parts.policy->observe) {
		flow_observe_copy(f, NULL);
		return;
	}
	struct flow *kept = f->told ? NULL : first_kept(&f->waiters);
	if (kept) {
		flow_take_key_from(kept, f);
		return;
	}
	int64_t wait = retry_poll_wait(f->polls++, remaining_ms, worker_random(flow_worker(f)));
	turn_away_waiters(f);
	if (!may_wait(f) || wait >= flow_left_ms(f)) {
		turn_away(f, remaining_ms > 0 ? remaining_ms : RETRY_AFTER_MS);
	} else {
		flow_enter(f, FLOW_POLLING);
		flow_start_timer(f, poll_due, wait);
	}
}

static void reject_unclaimed(struct flow *f, bool too_slow)
{
	f->failure = (struct verdict){.outcome = OW_REJECTED,
	    .status = 503,
	    .why =
		too_slow ? "the store did not answer in time" : "the store cannot take its key",
	    .retry_after_ms = RETRY_AFTER_MS,
	    .store_failed = true};
	if (too_slow)
		flow_release(f);
	else
		flow_settle(f, &f->failure);
}

/*
 * A store that was only too slow may have taken the claim after all; it would
 * hold the key for `lock` with nobody behind it. So it is released: before the
 * event is given back to its source, and beside it when it goes on.
 */
static void claim_failed(struct flow *f, bool too_slow)
{
	const struct route_policy *policy = f->route->parts.policy;
	bool another =
	    stores_failed(&f->route->stores, f->store, f, f->op.begun_us, flow_now_us(f));
	bool pass = policy->observe || policy->on_store_error == ON_STORE_ERROR_PASS;
	if (engine_aborting(f->engine) || (!another && !pass)) {
		reject_unclaimed(f, too_slow);
		return;
	}
	if (too_slow)
		give_back(f->engine, f->store, &f->claim);
	if (another)
		claim_in(f, &f->route->stores.fallback);
	else
		flow_pass_unclaimed(f);
}

/* Its own copies are told apart from it as soon as it is clear what they wait for. */
void flow_go(struct flow *f)
{
	if (flow_left_ms(f) == 0 || flow_is_stopping(f)) {
		flow_give_up(f, &(struct ow_delivery){.rc = OW_RETRY});
	} else if (f->route->parts.policy->ack == ACK_ACCEPTED && !f->told) {
		flow_keep(f);
	} else {
		turn_away_waiters(f);
		flow_deliver(f);
	}
}

static void claim_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	metric_observe(f->store->claim_seconds, op_seconds(op));
	if (op->rc != OW_OK) {
		flow_store_failed(f, "claim");
		claim_failed(f, op->cancelled);
		return;
	}
	stores_answered(&f->route->stores, f->store, f, flow_now_us(f));
	switch (op->answer.state) {
	case OW_CLAIM_NEW:
		f->lease = lease_new(f->engine, f->store, &f->claim, f->deadline_us);
		flow_go(f);
		return;
	case OW_CLAIM_DONE:
		settle_duplicate(f, &op->answer);
		return;
	case OW_CLAIM_IN_PROGRESS:
		in_progress_elsewhere(f, op->answer.remaining_ms);
		return;
	}
	snprintf(op->why, sizeof(op->why), "plugin bug: unknown claim state");
	flow_store_failed(f, "claim");
	claim_failed(f, false);
}

static void claim_in(struct flow *f, struct route_store *store)
{
	flow_enter(f, FLOW_CLAIMING);
	f->store = store;
	/* A new token for each claim: an answer to an old one must not own a new one. */
	random_fill(worker_random(flow_worker(f)), f->token, sizeof(f->token));
	op_begin(&f->op, OP_CLAIM, store->instance, claim_done, f);
	store->ops->claim(instance_state(store->instance), &f->op, &f->claim);
	op_limit(&f->op, flow_store_limit_ms(f));
}

void flow_hold_key(struct flow *f)
{
	if (f->holder)
		return;
	f->holder = true;
	engine_set_holder(f->engine, f->table_key, f);
}

void flow_claim(struct flow *f)
{
	flow_hold_key(f);
	struct stores *stores = &f->route->stores;
	claim_in(f, stores->fallen ? stores_choose(stores, f, flow_now_us(f)) : &stores->first);
}

/* ---- behind a claim of this worker ---- */

static void wait_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	flow_reject(arg, 409, "its first copy is still being delivered", RETRY_AFTER_MS);
}

/* Whether it is new, or will be kept: a moment later its copies know more. */
static bool is_undecided(const struct flow *holder)
{
	return holder->state == FLOW_CLAIMING || holder->state == FLOW_RENEWING ||
	       holder->state == FLOW_KEEPING;
}

/*
 * The key is under way on this worker: no need to ask the store. While the
 * holder does not know yet whether it is new or a duplicate, nor does this one.
 */
void flow_join(struct flow *f, struct flow *holder)
{
	if (f->route->parts.policy->observe) {
		flow_observe_copy(f, holder->claim.digest);
		return;
	}
	if (holder->told) {
		flow_be_copy_of_kept(f, holder);
		return;
	}
	if (!may_wait(f) && !is_undecided(holder)) {
		turn_away(f, RETRY_AFTER_MS);
		return;
	}
	flow_enter(f, FLOW_WAITING);
	list_append(&holder->waiters, &f->waiting);
	flow_start_timer(f, wait_due, flow_left_ms(f));
}
