/*
 * An outbound rate: a token bucket that hands out times at which to send, in the order
 * they are asked for. What is not sent after all leaves its time unused.
 *
 * One for all workers, with its own lock. Time is given, by a clock that all share.
 */
#ifndef SINK_HTTP_RATE_H
#define SINK_HTTP_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate;

/*
 * limit requests in each per_ms, evenly; burst of them may go at once after a pause. So in
 * any stretch of t milliseconds at most burst + t * limit / per_ms go. All > 0.
 */
struct rate *rate_new(int64_t limit, int64_t per_ms, int64_t burst);
void rate_free(struct rate *r); /* NULL is fine */

/*
 * Takes the next time to send, *wait_ms from now. False: that is further away than
 * most_ms, and nothing is taken.
 */
bool rate_take(struct rate *r, int64_t now_ms, int64_t most_ms, int64_t *wait_ms);

#endif
