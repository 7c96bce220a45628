#include "route/flow_spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "plugin/event.h"
#include "route/flow_claim.h"
#include "route/flow_commit.h"
#include "route/flow_deliver.h"
#include "route/flow_policy.h"
#include "route/flow_settle.h"
#include "route/history.h"
#include "route/packed.h"
#include "route/undeliverable.h"

/* What could not be tried, for want of a store or of time, rests that long. */
#define PUT_OFF_MS 5000

/* ---- a request to the spool ---- */

struct keeping {
	struct flow *flow; /* NULL: it does not wait any more */
	struct engine *engine;
	bool dead;
	void (*done)(struct flow *f, int64_t id, const char *why);
};

struct keeping *flow_keeping_new(
    struct flow *f, bool dead, void (*done)(struct flow *f, int64_t id, const char *why))
{
	struct keeping *k = mem_zero(sizeof(*k));
	*k = (struct keeping){.flow = f, .engine = f->engine, .dead = dead, .done = done};
	engine_hold(k->engine);
	f->keeping = k;
	return k;
}

/* Nobody knows of an event that nobody waited for: its source was told something else. */
void flow_keeping_done(int64_t id, const char *why, void *arg)
{
	struct keeping k = *(struct keeping *)arg;
	free(arg);
	if (k.flow) {
		k.flow->keeping = NULL;
		k.done(k.flow, id, why);
	} else if (!why && !k.dead) {
		spool_remove(engine_spool(k.engine), id);
	}
	engine_unhold(k.engine);
}

void flow_leave_spool(struct flow *f)
{
	early_leave(&f->early);
	if (f->keeping)
		f->keeping->flow = NULL;
	f->keeping = NULL;
}

/* While a copy waits, and between two claims, the token is nobody's, which does no harm. */
struct spool_event flow_pack(const struct flow *f, struct buf *headers)
{
	struct spool_event e = event_pack(f->event, headers);
	e.route = text_of(f->route->parts.name);
	e.key = f->passing ? f->attempt_key : f->key.full;
	e.passing = f->passing;
	e.claimed = f->holder && !f->passing;
	memcpy(e.token, f->token, sizeof(e.token));
	e.history = history_text(f->history);
	return e;
}

static void put(struct flow *f, void (*done)(struct flow *f, int64_t id, const char *why))
{
	struct buf headers = BUF_INIT;
	const struct spool_event e = flow_pack(f, &headers);
	spool_put(engine_spool(f->engine), flow_worker(f), &e, flow_keeping_done,
	    flow_keeping_new(f, false, done));
	buf_free(&headers);
}

/* ---- it is on disk ---- */

void flow_be_copy_of_kept(struct flow *f, const struct flow *kept)
{
	flow_be_duplicate(f, &(struct verdict){.outcome = OW_DUPLICATE,
				 .status = 200,
				 .why = "its first copy is on disk, and will be delivered",
				 .digest = kept->claim.digest,
				 .unfinished = true});
}

void flow_tell_waiters(struct flow *f)
{
	while (!list_empty(&f->waiters))
		flow_be_copy_of_kept(list_entry(f->waiters.next, struct flow, waiting), f);
}

static void tell_kept(struct flow *f, int64_t id)
{
	f->row = id;
	f->kept_since_ms = flow_wall_ms(f);
	flow_tell(f,
	    &(struct verdict){.outcome = OW_ACCEPTED, .status = 202, .why = "it is on disk"});
	f->told = true;
	flow_tell_waiters(f);
}

static void log_not_kept(const struct flow *f, const char *why)
{
	char text[300];
	snprintf(text, sizeof(text), "it cannot be put on disk: %s", why);
	flow_log(f, OW_LOG_ERROR, "spool", text);
}

/* ---- before it is delivered (ack: accepted) ---- */

static void refuse(struct flow *f, const char *why)
{
	log_not_kept(f, why);
	f->failure = (struct verdict){.outcome = OW_REJECTED,
	    .status = 503,
	    .why = "it cannot be put on disk",
	    .retry_after_ms = RETRY_AFTER_MS};
	if (f->passing)
		flow_settle(f, &f->failure);
	else
		flow_release(f);
}

static void kept(struct flow *f, int64_t id, const char *why)
{
	if (why) {
		refuse(f, why);
		return;
	}
	tell_kept(f, id);
	flow_go(f);
}

static void keep_due(evutil_socket_t fd, short what, void *arg)
{
	struct flow *f = arg;
	(void)fd, (void)what;
	flow_leave_spool(f);
	refuse(f, "the disk takes too long");
}

void flow_keep(struct flow *f)
{
	flow_enter(f, FLOW_KEEPING);
	flow_start_timer(f, keep_due, flow_left_ms(f));
	put(f, kept);
}

/* ---- while it is delivered (answer_within) ---- */

/* From here on f is as if its route acknowledged what is accepted; else as if nothing was. */
static void kept_early(struct flow *f, int64_t id, const char *why)
{
	if (why) {
		log_not_kept(f, why);
		undeliverable_go_on(f, false);
		return;
	}
	tell_kept(f, id);
	if (engine_draining(f->engine))
		flow_drain(f);
	undeliverable_go_on(f, false);
}

/* It is on its way already: as a dead letter, or as the event it is a copy of. */
static bool is_being_kept(const struct flow *f)
{
	const struct flow *holder =
	    f->state == FLOW_WAITING ? engine_holder(f->engine, f->table_key) : f;
	return holder && holder->keeping;
}

static void early_due(struct early_place *place)
{
	struct flow *f = list_entry(place, struct flow, early);
	if (!is_being_kept(f))
		put(f, kept_early);
}

void flow_answer_within(struct flow *f)
{
	if (f->route->early)
		early_enter(f->route->early, &f->early, event_arrived_us(f->event), early_due);
}

/* ---- the end of what is on disk ---- */

static bool is_too_old(const struct flow *f)
{
	return flow_wall_ms(f) - f->kept_since_ms > engine_spool_age_ms(f->engine);
}

static bool is_untried(const struct flow *f, const struct verdict *v)
{
	return v->outcome == OW_REJECTED || (v->outcome == OW_FAILED && !flow_has_failed(f, v));
}

bool flow_is_put_off(const struct flow *f, const struct verdict *v)
{
	return f->told && is_untried(f, v) && !is_too_old(f);
}

static bool is_done(const struct verdict *v)
{
	return v->outcome == OW_DELIVERED || v->outcome == OW_PASSED ||
	       (v->outcome == OW_DUPLICATE && !v->kept_failure);
}

/* An operator asked for it, and wants to know what became of it. */
static void log_replayed(const struct flow *f, const struct verdict *v)
{
	char words[VERDICT_WORDS_SIZE], text[VERDICT_WORDS_SIZE + 80];
	verdict_words(v, words);
	snprintf(text, sizeof(text), "replay of %lld: %s: %s", (long long)f->row,
	    outcome_name(v->outcome), words);
	flow_log(f, OW_LOG_INFO, "replay", text);
}

void flow_end_kept(struct flow *f, const struct verdict *v)
{
	struct spool *spool = engine_spool(f->engine);
	if (flow_is_put_off(f, v)) {
		spool_defer(spool, f->row, flow_is_stopping(f) ? 0 : PUT_OFF_MS);
		engine_rest(f->engine);
		return;
	}
	if (f->mode != SPOOL_RESUME)
		log_replayed(f, v);
	if (is_done(v))
		spool_remove(spool, f->row);
	else
		undeliverable_bury(f, v);
}
