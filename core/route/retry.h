/* When to try again: pure arithmetic on a sink's policy. */
#ifndef ROUTE_RETRY_H
#define ROUTE_RETRY_H

#include <onceway/event.h>

#include "base/random.h"

/*
 * The wait before attempt number `attempts_made + 1`: base * 2^(attempts_made
 * - 1), at most max; with full jitter a random part of it ("Exponential
 * Backoff And Jitter", AWS Architecture Blog, 2015); never less than
 * least_ms (a Retry-After). -1: there is no attempt left, or it could not
 * start within left_ms.
 */
int64_t retry_wait(const struct ow_sink_policy *policy, int64_t attempts_made, int64_t least_ms,
    int64_t left_ms, struct random *random);

/*
 * The wait before asking a store again about a key that another process holds:
 * grows from 20 ms to 1 s, spread by a quarter, and ends soon after the claim
 * itself (remaining_ms, -1 unknown) would.
 */
int64_t retry_poll_wait(unsigned polls_made, int64_t remaining_ms, struct random *random);

#endif
