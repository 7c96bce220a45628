#include "route/resume.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/timer.h"
#include "route/engine.h"
#include "route/flow_resume.h"

#define LOOK_MS	      1000
#define REST_MS	      100
#define TAKEN_AT_ONCE 64
/* What no route takes up can wait for another configuration. */
#define STRANGER_MS 60000

/* A route of events on disk that the configuration does not have. */
struct stranger {
	struct stranger *next;
	char *route;
	size_t rows; /* seen */
	bool told;
};

struct resume {
	struct engine *engine;
	struct event *timer;
	struct stranger *strangers;
	size_t asked_for; /* by the request under way; 0: none is */
	bool more;	  /* the last one brought as many as it might */
	bool resting;	  /* until the timer is due */
	bool stopped;
};

static void look(struct resume *r);

/* ---- rows whose route is gone ---- */

static struct stranger *stranger_of(struct resume *r, struct ow_text route)
{
	struct stranger *s = r->strangers;
	while (s && !text_equal(text_of(s->route), route))
		s = s->next;
	if (s)
		return s;
	s = mem_zero(sizeof(*s));
	s->route = mem_string_of(route.data, route.len);
	s->next = r->strangers;
	r->strangers = s;
	return s;
}

/* Once for each of them, when all that was due has been seen. */
static void warn_of_strangers(struct resume *r)
{
	for (struct stranger *s = r->strangers; s; s = s->next) {
		if (s->told)
			continue;
		s->told = true;
		log_warning("core",
		    "%zu event(s) on disk are of route `%s`, which is not configured: they "
		    "stay there until it is, or until onceway.spool.max_age",
		    s->rows, s->route);
	}
}

static void buried(int64_t id, const char *why, void *arg)
{
	struct engine *engine = arg;
	(void)id, (void)why; /* if not it is due again */
	engine_unhold(engine);
}

static void keep_stranger(struct resume *r, const struct spool_event *row)
{
	struct worker *worker = engine_worker(r->engine);
	struct spool *spool = engine_spool(r->engine);
	const struct spool_death death = {
	    .reason = text_of("its route is not configured any more"), .history = row->history};
	stranger_of(r, row->route)->rows++;
	if (clock_wall(worker_clock(worker)) - row->since_ms <=
	    engine_spool_age_ms(r->engine)) {
		spool_defer(spool, row->id, STRANGER_MS);
		return;
	}
	engine_hold(r->engine);
	spool_bury(spool, worker, row->id, &death, buried, r->engine);
}

/* ---- taking ---- */

/* False: not now, for want of room. */
static bool take_up(struct resume *r, const struct spool_event *row)
{
	struct route *route = engine_route(r->engine, row->route);
	if (!route) {
		keep_stranger(r, row);
		return true;
	}
	if (r->stopped || route_room(route) == 0) {
		spool_defer(engine_spool(r->engine), row->id, r->stopped ? 0 : LOOK_MS);
		return false;
	}
	flow_resume(r->engine, route, row);
	return true;
}

static void taken(const struct spool_event *events, size_t count, void *arg)
{
	struct resume *r = arg;
	r->more = count == r->asked_for;
	r->asked_for = 0;
	for (size_t i = 0; i < count; i++)
		if (!take_up(r, &events[i]))
			r->more = false; /* what is due next may be of the same route */
	engine_unhold(r->engine);
	if (r->more)
		look(r);
	else
		warn_of_strangers(r);
}

static void look(struct resume *r)
{
	size_t room = engine_room(r->engine);
	if (r->stopped || r->resting || r->asked_for > 0 || room == 0)
		return;
	r->asked_for = room < TAKEN_AT_ONCE ? room : TAKEN_AT_ONCE;
	engine_hold(r->engine);
	spool_take(engine_spool(r->engine), engine_worker(r->engine), r->asked_for, taken, r);
}

static void look_due(evutil_socket_t fd, short what, void *arg)
{
	struct resume *r = arg;
	(void)fd, (void)what;
	r->resting = false;
	timer_start(r->timer, LOOK_MS);
	look(r);
}

struct resume *resume_new(struct engine *engine)
{
	struct resume *r = mem_zero(sizeof(*r));
	r->engine = engine;
	r->timer = event_new(worker_base(engine_worker(engine)), -1, 0, look_due, r);
	r->stopped = true;
	return r;
}

void resume_free(struct resume *r)
{
	if (!r)
		return;
	event_free(r->timer);
	while (r->strangers) {
		struct stranger *next = r->strangers->next;
		free(r->strangers->route);
		free(r->strangers);
		r->strangers = next;
	}
	free(r);
}

void resume_start(struct resume *r)
{
	r->stopped = false;
	timer_start(r->timer, LOOK_MS);
	look(r);
}

void resume_stop(struct resume *r)
{
	if (!r)
		return;
	r->stopped = true;
	event_del(r->timer);
}

void resume_room(struct resume *r)
{
	if (r && r->more)
		look(r);
}

void resume_rest(struct resume *r)
{
	if (!r || r->stopped || r->resting)
		return;
	r->resting = true;
	timer_start(r->timer, REST_MS);
}
