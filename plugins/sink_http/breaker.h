/*
 * A circuit breaker: after so many failures in a row nothing is let through for a
 * while, then one request, the probe; by its end the breaker closes, or opens again.
 *
 * One for all workers, with its own lock. Time is given, by a clock that all share.
 */
#ifndef SINK_HTTP_BREAKER_H
#define SINK_HTTP_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct breaker;

/* What the end of a request says of the system behind. */
enum health {
	HEALTH_UNKNOWN = 0, /* nothing: it was not asked, or not long enough */
	HEALTH_SOUND,
	HEALTH_ILL
};

enum breaker_change {
	BREAKER_AS_BEFORE = 0,
	BREAKER_OPENED,
	BREAKER_OPENED_AGAIN, /* by its probe */
	BREAKER_CLOSED
};

/* Of one request that was let through. What ends in another era is not counted. */
struct breaker_pass {
	uint64_t era;
	bool probe;
};

/* What is told to others, for people. */
#define BREAKER_WHY 200
struct breaker_news {
	int64_t shut_ms;       /* how long nothing will be let through; 0: something is */
	int64_t since_ms;      /* how long ago it opened first */
	char why[BREAKER_WHY]; /* of the last failure */
};

/* failures > 0, in a row. */
struct breaker *breaker_new(int64_t failures, int64_t cooldown_ms);
void breaker_free(struct breaker *b); /* NULL is fine */

/*
 * May a request be sent? If so, breaker_leave() follows with the pass. If not, *wait_ms is
 * how long to wait at least.
 */
bool breaker_enter(
    struct breaker *b, int64_t now_ms, struct breaker_pass *pass, int64_t *wait_ms);
/* Whether what was let through may still be sent; if not, it has left. */
bool breaker_holds(struct breaker *b, const struct breaker_pass *pass);
/* why: of an ill end, a phrase; else not looked at. */
enum breaker_change breaker_leave(struct breaker *b, int64_t now_ms,
    const struct breaker_pass *pass, enum health health, const char *why);

void breaker_look(struct breaker *b, int64_t now_ms, struct breaker_news *news);

#endif
