#include "route/retry.h"

static int64_t doubled(int64_t base, int64_t times, int64_t max)
{
	int64_t wait = base;
	while (times-- > 0 && wait < max)
		wait *= 2;
	return wait < max ? wait : max;
}

int64_t retry_wait(const struct ow_sink_policy *policy, int64_t attempts_made, int64_t least_ms,
    int64_t left_ms, struct random *random)
{
	if (attempts_made >= policy->attempts)
		return -1;
	int64_t wait = doubled(policy->base_ms, attempts_made - 1, policy->max_ms);
	if (policy->jitter == OW_JITTER_FULL)
		wait = (int64_t)random_below(random, (uint64_t)wait + 1);
	if (wait < least_ms)
		wait = least_ms;
	return wait < left_ms ? wait : -1;
}

int64_t retry_poll_wait(unsigned polls_made, int64_t remaining_ms, struct random *random)
{
	int64_t wait = doubled(20, polls_made, 1000);
	if (remaining_ms >= 0 && wait > remaining_ms)
		wait = remaining_ms + 1;
	return wait + (int64_t)random_below(random, (uint64_t)wait / 4 + 1);
}
