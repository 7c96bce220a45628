#include "io/wait.h"

#include <event2/event.h>

#include "base/mem.h"
#include "io/timer.h"

/* Sets the event, unless it comes early enough anyway. */
static void arm(struct wait_timer *timer, int64_t due_ms, int64_t now_ms)
{
	if (due_ms >= timer->due_ms)
		return;
	timer->due_ms = due_ms;
	timer_start(timer->event, due_ms - now_ms);
}

static struct wait *first(const struct wait_queue *queue)
{
	return list_empty(&queue->members) ? NULL
					   : list_entry(queue->members.next, struct wait, link);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct wait_timer *timer = arg;
	int64_t now = clock_mono(timer->clock);
	struct wait *w;
	(void)fd;
	(void)what;
	timer->due_ms = INT64_MAX;
	for (size_t i = 0; i < timer->count; i++) {
		struct wait_queue *queue = &timer->queues[i];
		while ((w = first(queue)) && w->since_ms + queue->limit_ms <= now) {
			wait_end(w);
			queue->expired(w);
		}
	}
	for (size_t i = 0; i < timer->count; i++)
		if ((w = first(&timer->queues[i])))
			arm(timer, w->since_ms + timer->queues[i].limit_ms, now);
}

void wait_timer_init(struct wait_timer *timer, struct event_base *base,
    const struct clock *clock, struct wait_queue *queues, size_t count)
{
	*timer = (struct wait_timer){
	    .clock = clock, .queues = queues, .count = count, .due_ms = INT64_MAX};
	timer->event = evtimer_new(base, on_timer, timer);
	for (size_t i = 0; i < count; i++) {
		list_init(&queues[i].members);
		queues[i].timer = timer;
	}
}

void wait_timer_fini(struct wait_timer *timer)
{
	event_free(timer->event);
	timer->event = NULL;
}

void wait_init(struct wait *wait)
{
	list_init(&wait->link);
	wait->queue = NULL;
}

void wait_begin(struct wait *wait, struct wait_queue *queue)
{
	wait_end(wait);
	wait->queue = queue;
	wait->since_ms = clock_mono(queue->timer->clock);
	list_append(&queue->members, &wait->link);
	arm(queue->timer, wait->since_ms + queue->limit_ms, wait->since_ms);
}

void wait_end(struct wait *wait)
{
	list_remove(&wait->link);
	wait->queue = NULL;
}
