#include "route/lease.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/timer.h"
#include "route/owned_claim.h"

/*
 * Time beyond the deadline in which the commit, and the one after it if that
 * fails, must still find the claim: two calls and the longest wait between.
 */
#define MARGIN_MS (2 * STORE_LIMIT_MS + 1250)

struct lease {
	struct engine *engine;
	const struct route_store *store;
	struct owned_claim owned;
	struct event *timer;
	struct ow_op op;
	bool committing;
	bool ended; /* freed by its owner; gone once op has finished */
};

static void really_free(struct lease *l)
{
	engine_unhold(l->engine);
	event_free(l->timer);
	op_fini(&l->op);
	owned_claim_fini(&l->owned);
	free(l);
}

static int64_t third_ms(const struct lease *l)
{
	return l->owned.claim.lock_ms / 3;
}

static void renewed(struct ow_op *op, void *arg)
{
	struct lease *l = arg;
	metric_observe(l->store->renew_seconds, op_seconds(op));
	if (l->ended) {
		really_free(l);
		return;
	}
	if (op->rc == OW_REJECT) {
		/* Taken over. The delivery goes on; its commit will be refused too, and counted
		 * there. */
		if (!l->committing)
			log_warning(instance_label(l->store->instance),
			    "a claim was lost while its event was being delivered");
		return;
	}
	if (op->rc != OW_OK) {
		metric_add(l->store->errors, 1);
		log_error(instance_label(l->store->instance), "renew: %s", op->why);
		timer_start(l->timer, l->owned.claim.lock_ms / 12);
		return;
	}
	timer_start(l->timer, third_ms(l));
}

static void renew(evutil_socket_t fd, short what, void *arg)
{
	struct lease *l = arg;
	struct ow_instance *store = l->store->instance;
	(void)fd, (void)what;
	op_begin(&l->op, OP_PLAIN, store, renewed, l);
	l->store->ops->renew(instance_state(store), &l->op, &l->owned.claim);
	op_limit(&l->op, third_ms(l) < STORE_LIMIT_MS ? third_ms(l) : STORE_LIMIT_MS);
}

struct lease *lease_new(struct engine *engine, const struct route_store *store,
    const struct ow_claim *claim, int64_t deadline_us)
{
	struct worker *worker = engine_worker(engine);
	int64_t left = (deadline_us - clock_mono_us(worker_clock(worker))) / 1000;
	if (left + MARGIN_MS < claim->lock_ms)
		return NULL;
	struct lease *l = mem_zero(sizeof(*l));
	l->engine = engine;
	l->store = store;
	owned_claim_init(&l->owned, claim);
	op_init(&l->op);
	engine_hold(engine);
	l->timer = event_new(worker_base(worker), -1, 0, renew, l);
	timer_start(l->timer, third_ms(l));
	return l;
}

void lease_committing(struct lease *l)
{
	if (l)
		l->committing = true;
}

void lease_free(struct lease *l)
{
	if (!l)
		return;
	event_del(l->timer);
	if (op_running(&l->op)) {
		l->ended = true;
		op_cancel(&l->op); /* its answer no longer matters, and a drain waits for it */
	} else {
		really_free(l);
	}
}
