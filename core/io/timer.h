/* Starting a libevent timer with a time in milliseconds, as all of ours are. */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include <stdint.h>

struct event;

/* Begins anew if it runs already. A time that is over, negative say, is due at once. */
void timer_start(struct event *timer, int64_t ms);

#endif
