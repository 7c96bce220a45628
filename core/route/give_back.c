#include "route/give_back.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "route/owned_claim.h"

struct gift {
	struct engine *engine;
	const struct route_store *store;
	struct owned_claim owned;
	struct ow_op op;
};

/* REJECT is the usual answer: the claim had not been taken. */
static void given(struct ow_op *op, void *arg)
{
	struct gift *g = arg;
	metric_observe(g->store->release_seconds, op_seconds(op));
	if (op->rc != OW_OK && op->rc != OW_REJECT) {
		/* It ends by itself after `lock`. */
		metric_add(g->store->errors, 1);
		log_error(instance_label(g->store->instance), "release: %s", op->why);
	}
	engine_unhold(g->engine);
	op_fini(&g->op);
	owned_claim_fini(&g->owned);
	free(g);
}

void give_back(
    struct engine *engine, const struct route_store *store, const struct ow_claim *claim)
{
	struct gift *g = mem_zero(sizeof(*g));
	g->engine = engine;
	g->store = store;
	owned_claim_init(&g->owned, claim);
	op_init(&g->op);
	engine_hold(engine);
	op_begin(&g->op, OP_PLAIN, store->instance, given, g);
	store->ops->release(instance_state(store->instance), &g->op, &g->owned.claim);
	op_limit(&g->op, STORE_LIMIT_MS);
}
