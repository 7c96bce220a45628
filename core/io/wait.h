/*
 * Time limits of many connections under one libevent timer. All members of a
 * queue have the same limit, so a queue is in the order of expiry by itself,
 * and beginning or ending a wait costs a few instructions: what happens for
 * each request must not touch the event loop's heap.
 */
#ifndef IO_WAIT_H
#define IO_WAIT_H

#include "base/clock.h"
#include "base/list.h"

struct event;
struct event_base;
struct wait_queue;
struct wait_timer;

/* One wait, inside what waits. wait_init() first. */
struct wait {
	struct list link;
	struct wait_queue *queue; /* NULL: not waiting */
	int64_t since_ms;
};

struct wait_queue {
	struct list members; /* longest waiting first */
	struct wait_timer *timer;
	int64_t limit_ms;
	void (*expired)(
	    struct wait *wait); /* the wait has ended by then; may begin any again */
};

struct wait_timer {
	const struct clock *clock; /* borrowed */
	struct event *event;
	struct wait_queue *queues; /* borrowed */
	size_t count;
	int64_t due_ms; /* when the event is set to; INT64_MAX: it is not */
};

/* queues: limit_ms and expired are set by the caller. */
void wait_timer_init(struct wait_timer *timer, struct event_base *base,
    const struct clock *clock, struct wait_queue *queues, size_t count);
void wait_timer_fini(struct wait_timer *timer); /* nothing waits any more */

void wait_init(struct wait *wait);
/* Begins anew if it waits already. */
void wait_begin(struct wait *wait, struct wait_queue *queue);
void wait_end(struct wait *wait);

#endif
