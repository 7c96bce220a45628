/*
 * Rounds: reads page after page, hands their records to the route, and goes on
 * to the next page only when every event of one was acknowledged and that is in
 * the state file. So what is lost in a kill is read again, and is a duplicate.
 *
 * One page at a time: what is held is a page's body and max_inflight events.
 */
#ifndef SOURCE_POLL_POLLER_H
#define SOURCE_POLL_POLLER_H

#include "lib/backoff.h"
#include "lib/outbound/outbound.h"
#include "source_poll/paging.h"

enum at_end {
	END_STAY = 0, /* the last page is read again: more may have come to it */
	END_BEGIN     /* from the first page on */
};

struct poller_options {
	const char *state; /* file; NULL: none */
	int64_t interval_ms;
	int64_t max_pages; /* of a round */
	int64_t max_inflight;
	struct backoff retry; /* after failures */
	int64_t total_ms;     /* of a request */
	int at_end;
	bool hold_invalid;
};

struct poller;

/* Borrowed for its life. */
struct poller_parts {
	const struct ow_host *host;
	struct ow_instance *self;
	const char *url;
	const struct ow_pairs *headers;
	const struct poller_options *options;
	struct paging *paging;
	struct ow_http_pool *pool;
	struct outbound *outbound;
};

struct poller *poller_new(const struct poller_parts *parts);
void poller_free(struct poller *p); /* nothing is under way; NULL is fine */

/* Reads the state, finishes the operation, and begins. */
void poller_start(struct poller *p, struct ow_op *op);
/* Takes nothing in any more; finishes the operation when idle. */
void poller_drain(struct poller *p, struct ow_op *op);
void poller_settle(struct poller *p, const struct ow_settlement *how);

#endif
