#include "route/undeliverable.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "io/timer.h"
#include "route/flow_deliver.h"
#include "route/flow_settle.h"
#include "route/flow_spool.h"
#include "route/history.h"

/*
 * A queue takes back what may work later, and counts how often; only what its sink never
 * takes has no business there. Anybody else is only told that something failed.
 */
static bool failure_is_kept(const struct flow *f, const struct verdict *v)
{
	if (f->route->parts.policy->dead_letter != DEAD_LETTER_TRUE)
		return false;
	return f->route->parts.queue ? v->refused : flow_has_failed(f, v);
}

/* What is held back for good has no other place to be. */
static bool is_held(const struct flow *f, const struct verdict *v)
{
	return v->outcome == OW_UNSURE && f->route->parts.policy->on_unknown == ON_UNKNOWN_HOLD;
}

bool undeliverable(const struct flow *f, const struct verdict *v)
{
	if (f->told)
		return false;
	switch (v->outcome) {
	case OW_FAILED:
		return failure_is_kept(f, v);
	case OW_INVALID: /* for its sink; what has no key at all was never the sink's */
		return v->refused && failure_is_kept(f, v);
	case OW_UNSURE:
		return is_held(f, v);
	case OW_MISSING_KEY:
		return f->route->parts.policy->on_missing == ON_MISSING_DEAD_LETTER;
	default:
		return false;
	}
}

static struct spool_death death_of(
    const struct flow *f, const struct verdict *v, char words[VERDICT_WORDS_SIZE])
{
	verdict_words(v, words);
	return (struct spool_death){.reason = text_of(words),
	    .history = history_text(f->history),
	    .answer = f->answer.result.status ? &f->answer.result : NULL};
}

/* ---- before its source is told ---- */

static void go_on(struct flow *f)
{
	if (f->failure.outcome == OW_MISSING_KEY)
		flow_settle(f, &f->failure);
	else
		flow_fail(f);
}

void undeliverable_go_on(struct flow *f, bool dead)
{
	if (f->state != FLOW_BURYING)
		return;
	f->failure.dead = dead;
	if (dead)
		early_leave(&f->early); /* it is on disk: once is enough */
	go_on(f);
}

static void log_not_buried(const struct flow *f, const char *why)
{
	char text[300];
	snprintf(text, sizeof(text), "no dead letter can be made of it: %s", why);
	flow_log(f, OW_LOG_ERROR, "dead letter", text);
}

static void put_done(struct flow *f, int64_t id, const char *why)
{
	(void)id;
	if (why)
		log_not_buried(f, why);
	undeliverable_go_on(f, !why);
}

/* Its source waits, and would not for ever. */
static void put_due(evutil_socket_t fd, short what, void *arg)
{
	struct flow *f = arg;
	(void)fd, (void)what;
	flow_leave_spool(f);
	put_done(f, 0, "the disk takes too long");
}

static void put_dead(struct flow *f)
{
	struct buf headers = BUF_INIT;
	char words[VERDICT_WORDS_SIZE];
	const struct spool_event e = flow_pack(f, &headers);
	const struct spool_death death = death_of(f, &f->failure, words);
	spool_put_dead(engine_spool(f->engine), flow_worker(f), &e, &death, flow_keeping_done,
	    flow_keeping_new(f, true, put_done));
	buf_free(&headers);
}

void undeliverable_put(struct flow *f)
{
	flow_enter(f, FLOW_BURYING);
	flow_start_timer(
	    f, put_due, engine_aborting(f->engine) ? ABORTED_STORE_LIMIT_MS : STORE_LIMIT_MS);
	/* What is on its way to the disk already becomes a dead letter from there. */
	if (!f->keeping)
		put_dead(f);
}

void undeliverable_without_key(struct flow *f, const struct verdict *v)
{
	f->failure = *v;
	if (undeliverable(f, v))
		undeliverable_put(f);
	else
		flow_settle(f, v);
}

/* ---- after ---- */

static void buried(int64_t id, const char *why, void *arg)
{
	struct engine *engine = arg;
	if (why)
		log_error("core",
		    "event %lld cannot be made a dead letter, so it is tried again later: %s",
		    (long long)id, why);
	engine_unhold(engine);
}

void undeliverable_bury(struct flow *f, const struct verdict *v)
{
	char words[VERDICT_WORDS_SIZE];
	const struct spool_death death = death_of(f, v, words);
	struct spool *spool = engine_spool(f->engine);
	if (f->route->parts.policy->dead_letter == DEAD_LETTER_FALSE) {
		flow_log(f, OW_LOG_ERROR, "dropped",
		    "its source was told that it is kept, and it is lost: dead_letter is "
		    "false");
		spool_remove(spool, f->row);
		return;
	}
	engine_hold(f->engine);
	spool_bury(spool, flow_worker(f), f->row, &death, buried, f->engine);
}
