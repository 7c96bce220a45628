#include "source_sqs/queue.h"

int64_t queue_backoff_ms(
    const struct queue *q, int64_t base_ms, int64_t max_ms, unsigned failures)
{
	int64_t wait = base_ms < max_ms ? base_ms : max_ms;
	uint64_t random;
	while (failures-- > 1 && wait < max_ms)
		wait = wait > max_ms / 2 ? max_ms : 2 * wait;
	q->host->random(q->self, &random, sizeof(random));
	return wait - (int64_t)(random % ((uint64_t)wait / 2 + 1));
}
