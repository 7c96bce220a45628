#include "route/give_back.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

struct gift {
	struct engine *engine;
	const struct route_store *store;
	struct ow_claim claim;
	unsigned char token[OW_TOKEN_SIZE];
	char *key;
	struct ow_op op;
};

/* REJECT is the usual answer: the claim had not been taken. */
static void given(struct ow_op *op, void *arg)
{
	struct gift *g = arg;
	const struct clock *clock = worker_clock(engine_worker(g->engine));
	metric_observe(
	    g->store->release_seconds, (double)(clock_mono_us(clock) - op->begun_us) / 1e6);
	if (op->rc != OW_OK && op->rc != OW_REJECT) {
		/* It ends by itself after `lock`. */
		metric_add(g->store->errors, 1);
		log_error(instance_label(g->store->instance), "release: %s", op->why);
	}
	engine_unhold(g->engine);
	op_fini(&g->op);
	free(g->key);
	free(g);
}

void give_back(
    struct engine *engine, const struct route_store *store, const struct ow_claim *claim)
{
	struct gift *g = mem_zero(sizeof(*g));
	g->engine = engine;
	g->store = store;
	g->claim = *claim;
	g->claim.digest = NULL;
	memcpy(g->token, claim->token, sizeof(g->token));
	g->key = mem_string_of(claim->key.data, claim->key.len);
	g->claim.token = g->token;
	g->claim.key = text_span(g->key, claim->key.len);
	op_init(&g->op);
	engine_hold(engine);
	op_begin(&g->op, OP_PLAIN, store->instance, given, g);
	store->ops->release(instance_state(store->instance), &g->op, &g->claim);
	op_limit(&g->op, STORE_LIMIT_MS);
}
