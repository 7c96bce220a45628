/*
 * Time, injected: whoever needs it is given a struct clock. A test's clock
 * moves when told to.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*wall_ms)(const struct clock *c); /* since 1970 */
	int64_t (*mono_us)(const struct clock *c); /* never goes back */
	int64_t manual_wall_ms, manual_mono_us;	   /* of a manual clock */
};

void clock_init_system(struct clock *c);
void clock_init_manual(struct clock *c, int64_t wall_ms);
void clock_advance(struct clock *c, int64_t ms); /* manual clocks only */

static inline int64_t clock_wall(const struct clock *c)
{
	return c->wall_ms(c);
}

/* Milliseconds that never go back. */
static inline int64_t clock_mono(const struct clock *c)
{
	return c->mono_us(c) / 1000;
}

/* The same in microseconds, to measure with. */
static inline int64_t clock_mono_us(const struct clock *c)
{
	return c->mono_us(c);
}

/* Writes "2026-11-21T08:00:00.123Z" (24 characters and NUL) to out. */
void clock_format(int64_t wall_ms, char out[32]);

#endif
