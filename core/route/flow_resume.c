#include "route/flow_resume.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "route/flow_claim.h"
#include "route/flow_commit.h"
#include "route/flow_policy.h"
#include "route/flow_settle.h"
#include "route/flow_spool.h"
#include "route/history.h"
#include "route/packed.h"

static void put_off(struct flow *f, const char *why)
{
	flow_reject(f, 503, why, RETRY_AFTER_MS);
}

/*
 * Not its own any more: the claim's life is over, or it was made in another store, or
 * before an earlier attempt to resume. Whoever has the key now is asked for as usual.
 */
static void renewed(struct ow_op *op, void *arg)
{
	struct flow *f = arg;
	metric_observe(f->store->renew_seconds, op_seconds(op));
	if (op->rc == OW_OK) {
		f->lease = lease_new(f->engine, f->store, &f->claim, f->deadline_us);
		flow_go(f);
		return;
	}
	if (op->rc != OW_REJECT)
		flow_store_failed(f, "renew");
	if (op->rc == OW_REJECT || f->route->stores.fallback.instance)
		flow_claim(f);
	else
		put_off(f, "the store cannot say whose its key is");
}

static void renew(struct flow *f)
{
	flow_hold_key(f);
	flow_enter(f, FLOW_RENEWING);
	f->store = &f->route->stores.first;
	op_begin(&f->op, OP_PLAIN, f->store->instance, renewed, f);
	f->store->ops->renew(instance_state(f->store->instance), &f->op, &f->claim);
	op_limit(&f->op, flow_store_limit_ms(f));
}

void flow_take_key(struct flow *f)
{
	if (f->claimed)
		renew(f);
	else
		flow_claim(f);
}

void flow_take_key_from(struct flow *f, struct flow *holder)
{
	engine_clear_holder(f->engine, f->table_key);
	holder->holder = false;
	list_move_all(&f->waiters, &holder->waiters);
	flow_take_key(f);
	flow_be_copy_of_kept(holder, f);
	flow_tell_waiters(f);
}

/* What was passed goes on so. A replay begins anew: its key may be found by now. */
static bool is_deduped(struct flow *f)
{
	if (f->mode == SPOOL_RESUME)
		return !f->passing;
	f->passing = false;
	return f->key.full.data || flow_find_key(f);
}

static void begin(struct task *task)
{
	struct flow *f = list_entry(task, struct flow, begin);
	if (flow_is_stopping(f)) {
		put_off(f, "shutting down");
		return;
	}
	if (!is_deduped(f)) {
		flow_deliver_again(f);
		return;
	}
	flow_prepare_claim(f);
	struct flow *holder = engine_holder(f->engine, f->table_key);
	if (holder)
		flow_join(f, holder);
	else
		flow_take_key(f);
}

/* Attempts and deadline are new, as if it had come only now. */
void flow_resume(struct engine *engine, struct route *route, const struct spool_event *row)
{
	struct flow *f =
	    flow_create(engine, route, event_unpack(engine_worker(engine), row), begin);
	route->resumed++;
	f->told = true;
	f->row = row->id;
	f->kept_since_ms = row->since_ms;
	f->mode = row->mode;
	f->passing = row->passing;
	f->claimed = row->claimed && row->mode == SPOOL_RESUME;
	memcpy(f->token, row->token, sizeof(f->token));
	f->history = history_new(row->history);
	if (row->key.len > 0)
		f->key.full = text_span(
		    arena_copy(&f->key.arena, row->key.data, row->key.len), row->key.len);
}
