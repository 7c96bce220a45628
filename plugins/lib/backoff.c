#include "lib/backoff.h"

#include <stdio.h>

int64_t backoff_ms(const struct backoff *backoff, unsigned failures, const struct ow_host *host,
    struct ow_instance *self)
{
	int64_t max = backoff->max_ms;
	int64_t wait = backoff->base_ms < max ? backoff->base_ms : max;
	uint64_t dice;
	while (failures-- > 1 && wait > 0 && wait < max)
		wait = wait > max / 2 ? max : 2 * wait;
	host->random(self, &dice, sizeof(dice));
	return wait - (int64_t)(dice % ((uint64_t)wait / 2 + 1));
}

void backoff_check(
    int64_t base_ms, int64_t max_ms, const char *prefix, const struct ow_report *report)
{
	char base[64];
	snprintf(base, sizeof(base), "%s.base", prefix);
	if (base_ms > max_ms && report->given(report, base))
		report->complain(report, base,
		    "must not be longer than %s.max: lower it, or raise %s.max", prefix,
		    prefix);
}
