#include "route/flow_commit.h"

#include <stdio.h>

#include "route/flow_settle.h"
#include "route/retry.h"

int64_t flow_store_limit_ms(const struct flow *f)
{
	return engine_aborting(f->engine) ? ABORTED_STORE_LIMIT_MS : STORE_LIMIT_MS;
}

void flow_store_failed(struct flow *f, const char *what)
{
	char text[256];
	metric_add(f->store->errors, 1);
	snprintf(text, sizeof(text), "store %s: %s: %s", instance_name(f->store->instance),
	    what, f->op.why);
	flow_log(f, OW_LOG_ERROR, what, text);
}

/* ---- commit ---- */

static void settle_committed(struct flow *f, bool kept)
{
	if (f->failure.outcome) {
		f->failure.kept_failure = kept;
		flow_settle(f, &f->failure);
		return;
	}
	/* The sink has it: whatever the store says, it must not come again. */
	flow_settle(f, &(struct verdict){.outcome = OW_DELIVERED,
			   .status = 200,
			   .why = "the sink accepted it",
			   .digest = f->claim.digest,
			   .result = &f->answer.result});
}

static void try_commit(struct flow *f);

static void commit_due(evutil_socket_t fd, short what, void *arg)
{
	struct flow *f = arg;
	(void)fd, (void)what;
	if (engine_aborting(f->engine))
		settle_committed(f, false);
	else
		try_commit(f);
}

/*
 * Without the commit a copy that comes after `lock` would be delivered again. So
 * the source waits, under the claim, while there is time; once more in any case.
 */
static bool may_commit_again(const struct flow *f, int64_t wait_ms)
{
	if (engine_aborting(f->engine))
		return false;
	return f->commits == 1 || wait_ms < flow_left_ms(f);
}

static void commit_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	metric_observe(f->store->commit_seconds, op_seconds(op));
	if (op->rc == OW_OK || op->rc == OW_REJECT) {
		if (op->rc == OW_REJECT)
			metric_add(f->route->lease_lost, 1);
		settle_committed(f, op->rc == OW_OK);
		return;
	}
	flow_store_failed(f, "commit");
	int64_t wait = retry_poll_wait(f->commits, -1, worker_random(flow_worker(f)));
	if (may_commit_again(f, wait)) {
		flow_enter(f, FLOW_COMMIT_WAITING);
		flow_start_timer(f, commit_due, wait);
	} else {
		settle_committed(f, false);
	}
}

static void try_commit(struct flow *f)
{
	flow_enter(f, FLOW_COMMITTING);
	f->commits++;
	op_begin(&f->op, OP_PLAIN, f->store->instance, commit_done, f);
	f->store->ops->commit(instance_state(f->store->instance), &f->op, &f->claim, &f->kept);
	op_limit(&f->op, flow_store_limit_ms(f));
}

void flow_commit(struct flow *f, struct ow_result result)
{
	f->kept = result;
	lease_committing(f->lease);
	try_commit(f);
}

/* ---- release ---- */

static void release_done(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	metric_observe(f->store->release_seconds, op_seconds(op));
	if (op->rc == OW_REJECT) {
		/* What was never confirmed (a claim that failed) cannot have been lost. */
		if (f->attempts > 0)
			metric_add(f->route->lease_lost, 1);
	} else if (op->rc != OW_OK) {
		flow_store_failed(f, "release"); /* it ends by itself after `lock` */
	}
	flow_settle(f, &f->failure);
}

void flow_release(struct flow *f)
{
	flow_enter(f, FLOW_RELEASING);
	lease_free(f->lease);
	f->lease = NULL;
	op_begin(&f->op, OP_PLAIN, f->store->instance, release_done, f);
	f->store->ops->release(instance_state(f->store->instance), &f->op, &f->claim);
	op_limit(&f->op, flow_store_limit_ms(f));
}
