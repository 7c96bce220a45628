/* The wait before something is tried again: longer with each failure, and jittered. */
#ifndef LIB_BACKOFF_H
#define LIB_BACKOFF_H

#include <onceway/plugin.h>

struct backoff {
	int64_t base_ms; /* after the first failure; at least 0 */
	int64_t max_ms;	 /* after however many; at least 0 */
};

/*
 * base doubled with each failure but the first, at most max; of that a random
 * part between half and all, so that many processes do not come back together.
 */
int64_t backoff_ms(const struct backoff *backoff, unsigned failures, const struct ow_host *host,
    struct ow_instance *self);

/*
 * Complains of PREFIX.base if it stands there and is longer than PREFIX.max: it would be cut.
 * A max that is shorter than the default of base is fine.
 */
void backoff_check(
    int64_t base_ms, int64_t max_ms, const char *prefix, const struct ow_report *report);

#endif
