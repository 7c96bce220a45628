#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t system_wall(const struct clock *c)
{
	(void)c;
	return read_clock_us(CLOCK_REALTIME) / 1000;
}

static int64_t system_mono_us(const struct clock *c)
{
	(void)c;
	return read_clock_us(CLOCK_MONOTONIC);
}

static int64_t manual_wall(const struct clock *c)
{
	return c->manual_wall_ms;
}

static int64_t manual_mono_us(const struct clock *c)
{
	return c->manual_mono_us;
}

void clock_init_system(struct clock *c)
{
	*c = (struct clock){.wall_ms = system_wall, .mono_us = system_mono_us};
}

void clock_init_manual(struct clock *c, int64_t wall_ms)
{
	*c = (struct clock){.wall_ms = manual_wall,
	    .mono_us = manual_mono_us,
	    .manual_wall_ms = wall_ms,
	    .manual_mono_us = 1000000};
}

void clock_advance(struct clock *c, int64_t ms)
{
	c->manual_wall_ms += ms;
	c->manual_mono_us += ms * 1000;
}

void clock_format(int64_t wall_ms, char out[32])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char day[24];
	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, 32, "%s.%03dZ", day, (int)(wall_ms % 1000));
}
