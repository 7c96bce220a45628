#include "sink_http/rate.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/alloc.h"

struct rate {
	int64_t interval_us; /* between two */
	int64_t slack_us;    /* as much earlier may a burst be */
	pthread_mutex_t lock;
	/* under the lock: when the next would be due if all went evenly */
	int64_t due_us;
};

struct rate *rate_new(int64_t limit, int64_t per_ms, int64_t burst)
{
	struct rate *r = alloc_zero(1, sizeof(*r));
	/* Rounded up: never more than the limit. */
	r->interval_us = (per_ms * 1000 + limit - 1) / limit;
	r->slack_us = (burst - 1) * r->interval_us;
	r->due_us = INT64_MIN / 2;
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void rate_free(struct rate *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

bool rate_take(struct rate *r, int64_t now_ms, int64_t most_ms, int64_t *wait_ms)
{
	int64_t now_us = now_ms * 1000;
	pthread_mutex_lock(&r->lock);
	int64_t due_us = r->due_us < now_us ? now_us : r->due_us;
	int64_t wait_us = due_us - r->slack_us - now_us;
	*wait_ms = wait_us > 0 ? (wait_us + 999) / 1000 : 0;
	bool taken = *wait_ms <= most_ms;
	if (taken)
		r->due_us = due_us + r->interval_us;
	pthread_mutex_unlock(&r->lock);
	return taken;
}
