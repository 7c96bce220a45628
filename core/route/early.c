#include "route/early.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/timer.h"
#include "plugin/worker.h"

struct early {
	struct worker *worker;
	struct list line;
	struct event *timer;
	int64_t within_us;
};

static struct early_place *first_of(const struct early *e)
{
	return list_entry(e->line.next, struct early_place, link);
}

static int64_t left_us(const struct early *e, const struct early_place *place)
{
	return place->due_us - clock_mono_us(worker_clock(e->worker));
}

static void wait_for_first(struct early *e)
{
	timer_start(e->timer, (left_us(e, first_of(e)) + 999) / 1000);
}

/* What is done for one may let others leave. */
static void first_due(evutil_socket_t fd, short what, void *arg)
{
	struct early *e = arg;
	(void)fd, (void)what;
	while (!list_empty(&e->line) && left_us(e, first_of(e)) <= 0) {
		struct early_place *place = first_of(e);
		list_remove(&place->link);
		place->due(place);
	}
	if (!list_empty(&e->line))
		wait_for_first(e);
}

struct early *early_new(struct worker *worker, int64_t within_ms)
{
	struct early *e = mem_zero(sizeof(*e));
	e->worker = worker;
	e->within_us = within_ms * 1000;
	e->timer = event_new(worker_base(worker), -1, 0, first_due, e);
	list_init(&e->line);
	return e;
}

void early_free(struct early *e)
{
	if (!e)
		return;
	event_free(e->timer);
	free(e);
}

void early_place_init(struct early_place *place)
{
	*place = (struct early_place){.due_us = 0};
	list_init(&place->link);
}

void early_enter(struct early *e, struct early_place *place, int64_t arrived_us,
    void (*due)(struct early_place *place))
{
	place->due_us = arrived_us + e->within_us;
	place->due = due;
	list_append(&e->line, &place->link);
	if (!event_pending(e->timer, EV_TIMEOUT, NULL))
		wait_for_first(e);
}

void early_leave(struct early_place *place)
{
	list_remove(&place->link);
}
