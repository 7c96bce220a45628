#include "route/flow_state.h"

#include <assert.h>
#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "io/timer.h"
#include "plugin/event.h"

/* Of a key, in a log line: enough to find it, not enough to be a payload. */
#define LOGGED_KEY_MAX 40

struct worker *flow_worker(const struct flow *f)
{
	return engine_worker(f->engine);
}

int64_t flow_now_us(const struct flow *f)
{
	return clock_mono_us(worker_clock(flow_worker(f)));
}

int64_t flow_left_ms(const struct flow *f)
{
	int64_t left = (f->deadline_us - flow_now_us(f)) / 1000;
	return left > 0 ? left : 0;
}

int64_t flow_wall_ms(const struct flow *f)
{
	return clock_wall(worker_clock(flow_worker(f)));
}

bool flow_is_stopping(const struct flow *f)
{
	return engine_aborting(f->engine) || (f->told && engine_draining(f->engine));
}

struct log_words {
	char who[80];
	struct log_field fields[4];
};

static void put_words(const struct flow *f, struct log_words *w)
{
	struct ow_text key = f->key.full;
	if (key.len > LOGGED_KEY_MAX)
		key.len = LOGGED_KEY_MAX;
	w->fields[0] = (struct log_field){"key", key};
	w->fields[1] = (struct log_field){"trace", text_of(event_get_trace(f->event))};
	w->fields[2] = (struct log_field){"source", text_of(event_get_source(f->event))};
	w->fields[3] = (struct log_field){NULL, TEXT_NONE};
	snprintf(w->who, sizeof(w->who), "%s %s", f->route ? "route" : "source",
	    f->route ? f->route->parts.name : event_get_source(f->event));
}

void flow_log(const struct flow *f, enum ow_level level, const char *place, const char *what)
{
	struct log_words w;
	if (!log_enabled(level))
		return;
	put_words(f, &w);
	log_write_place(level, place, w.who, w.fields, "%s", what);
}

void flow_log_observed(const struct flow *f, enum ow_outcome outcome, const char *why)
{
	struct log_words w;
	if (!log_enabled(OW_LOG_INFO))
		return;
	put_words(f, &w);
	log_write_seldom(OW_LOG_INFO, outcome_name(outcome), w.who, w.fields,
	    "observed: would have been %s: %s", outcome_name(outcome), why);
}

/* ---- states ---- */

#define TO(state) (1u << (state))

static const unsigned allowed[] = {
    [FLOW_RECEIVED] = TO(FLOW_WAITING) | TO(FLOW_CLAIMING) | TO(FLOW_RENEWING) |
		      TO(FLOW_KEEPING) | TO(FLOW_DELIVERING) | TO(FLOW_BURYING) |
		      TO(FLOW_SETTLED),
    [FLOW_WAITING] = TO(FLOW_CLAIMING) | TO(FLOW_RENEWING) | TO(FLOW_KEEPING) |
		     TO(FLOW_DELIVERING) | TO(FLOW_SETTLED),
    [FLOW_CLAIMING] = TO(FLOW_CLAIMING) | TO(FLOW_POLLING) | TO(FLOW_KEEPING) |
		      TO(FLOW_DELIVERING) | TO(FLOW_RELEASING) | TO(FLOW_SETTLED),
    [FLOW_POLLING] = TO(FLOW_CLAIMING) | TO(FLOW_SETTLED),
    [FLOW_RENEWING] =
	TO(FLOW_CLAIMING) | TO(FLOW_DELIVERING) | TO(FLOW_RELEASING) | TO(FLOW_SETTLED),
    [FLOW_KEEPING] = TO(FLOW_DELIVERING) | TO(FLOW_RELEASING) | TO(FLOW_SETTLED),
    [FLOW_DELIVERING] = TO(FLOW_BACKING_OFF) | TO(FLOW_BURYING) | TO(FLOW_COMMITTING) |
			TO(FLOW_RELEASING) | TO(FLOW_SETTLED),
    [FLOW_BACKING_OFF] = TO(FLOW_DELIVERING) | TO(FLOW_BURYING) | TO(FLOW_COMMITTING) |
			 TO(FLOW_RELEASING) | TO(FLOW_SETTLED),
    [FLOW_BURYING] = TO(FLOW_COMMITTING) | TO(FLOW_RELEASING) | TO(FLOW_SETTLED),
    [FLOW_COMMITTING] = TO(FLOW_COMMIT_WAITING) | TO(FLOW_SETTLED),
    [FLOW_COMMIT_WAITING] = TO(FLOW_COMMITTING) | TO(FLOW_SETTLED),
    [FLOW_RELEASING] = TO(FLOW_SETTLED),
    [FLOW_SETTLED] = 0,
};

static bool is_waiting(enum flow_state state)
{
	return state == FLOW_WAITING || state == FLOW_POLLING;
}

void flow_enter(struct flow *f, enum flow_state next)
{
	assert(allowed[f->state] & TO(next));
	if (f->timer)
		event_del(f->timer);
	if (f->state == FLOW_WAITING)
		list_remove(&f->waiting);
	if (f->route && is_waiting(f->state) != is_waiting(next))
		metric_move(f->route->waiting_gauge, is_waiting(next) ? 1 : -1);
	f->state = next;
}

void flow_start_timer(struct flow *f, event_callback_fn due, int64_t ms)
{
	if (!f->timer)
		f->timer = event_new(worker_base(flow_worker(f)), -1, 0, due, f);
	else
		event_assign(f->timer, worker_base(flow_worker(f)), -1, 0, due, f);
	timer_start(f->timer, ms);
}
