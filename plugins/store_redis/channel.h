/*
 * Commands to one Redis server and its replies: commands go out in the order
 * they are given and are answered in that order (pipelining). Requests that
 * come in the same turn of the loop leave in one write.
 *
 * Opened and closed as often as wanted. What is sent before it may leave is
 * held (channel_release()).
 */
#ifndef STORE_REDIS_CHANNEL_H
#define STORE_REDIS_CHANNEL_H

#include <hiredis/hiredis.h>
#include <onceway/plugin.h>

#include "store_redis/command.h"
#include "store_redis/stream.h"

struct channel;
struct request;

/*
 * Called exactly once for each request that was taken: with as many replies as
 * it has commands, or with NULL and why, a phrase that names the server. Both
 * are borrowed. May send again.
 */
typedef void request_fn(
    struct request *request, struct redisReply *const *replies, const char *why);

/* Some commands that are answered together; inside what waits for the answer. */
struct request {
	struct request *next;
	request_fn *done;
	unsigned replies;
	bool written; /* Redis may have got it */
	int64_t sent_ms;
};

#define REQUEST_REPLIES_MAX 16

struct channel_parts {
	const struct ow_host *host;
	struct ow_instance *self;
	struct ow_tls *tls; /* NULL: plain; borrowed */
	void (*opened)(void *arg);
	/* It could not be opened, or has ended: to be closed. May come within channel_open().
	 */
	void (*ended)(void *arg, const char *why);
	void *arg;
};

struct channel *channel_new(const struct channel_parts *parts);
void channel_free(struct channel *ch); /* it was closed; NULL is fine */

void channel_open(struct channel *ch, const struct stream_place *place);
/* What had no answer, in its order; for requests_fail(). Also of one that is not open. */
struct request *channel_close(struct channel *ch);
/* Finishes each with why. NULL is fine. */
void requests_fail(struct request *first, const char *why);

/* Both copy the commands. */
void channel_send(struct channel *ch, struct request *request, const struct command *commands);
/* Only when it was opened and nothing has left yet: goes at once, before all that is held. */
void channel_greet(struct channel *ch, struct request *request, const struct command *commands);
/* What is held leaves, and what comes leaves at the end of the turn, until it is closed. */
void channel_release(struct channel *ch);

/* Allowed in a request_fn: ended() as soon as that has returned, with this reason. */
void channel_end(struct channel *ch, const char *why);

size_t channel_pending(const struct channel *ch);    /* requests without an answer */
int64_t channel_oldest_ms(const struct channel *ch); /* when its first one was sent; -1: none */
uint64_t channel_answered(const struct channel *ch); /* requests, since it was opened */
const char *channel_waits_for(const struct channel *ch); /* "its name was not found in time" */

#endif
