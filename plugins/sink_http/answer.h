/*
 * What an answer means, or that there was none:
 *   2xx                          OK
 *   a status in retry.on         RETRY, not before Retry-After
 *   `connect` or `timeout` in retry.on, and the failure is one: RETRY
 *   the answer lost after the request may have arrived: UNKNOWN
 *   3xx, 4xx                     REJECT: the same request would fare the same
 *   anything else                FAIL
 *   no credentials to send, or stale ones: RETRY, for that is not the event's fault
 * Redirects are not followed: they would turn the POST into a GET.
 */
#ifndef SINK_HTTP_ANSWER_H
#define SINK_HTTP_ANSWER_H

#include "lib/outbound/outbound.h"

#include "sink_http/breaker.h"

#define ANSWER_STATUS_MAX 599

/* What retry.on says, looked up once. All zero at first. */
struct retry_on {
	bool status[ANSWER_STATUS_MAX + 1];
	bool connect, timeout;
};

/* Adds "429", "connect" or "timeout"; false for anything else. */
bool retry_on_read(struct retry_on *on, const char *item);

/* What to tell the core. delivery leads to the other members, and into the response. */
struct answer {
	struct ow_delivery delivery;
	struct ow_result result;
	char why[64], code[4];
	/* Of the system behind. Any answer below 500 shows it well, 429 too: it can say no. */
	enum health health;
};

/*
 * repeatable: the receiver can tell copies apart, so what may have arrived can
 * be sent again. The response is borrowed as long as the answer is used.
 */
void answer_judge(struct answer *answer, const struct retry_on *on,
    const struct ow_http_response *response, bool repeatable, int64_t wall_ms);

/* The same for a request that was sent with credentials, or never was for want of them. */
void answer_result(struct answer *answer, const struct retry_on *on,
    const struct outbound_result *result, bool repeatable, int64_t wall_ms);

/* The core's time for it is up; maybe_received: the whole request may have arrived. */
void answer_cancelled(
    struct answer *answer, const struct retry_on *on, bool maybe_received, bool repeatable);

#endif
