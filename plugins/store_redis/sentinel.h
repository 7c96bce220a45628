/*
 * Where the master is: Redis Sentinels are asked, in turn, each within its part
 * of the connect timeout; the one that answers is asked first from then on.
 * Who connects asks anew before each try. The connection to that sentinel is
 * kept, and it is asked every `watch` besides, so that a master that hangs, or
 * was cut off, is left when another has taken over.
 */
#ifndef STORE_REDIS_SENTINEL_H
#define STORE_REDIS_SENTINEL_H

#include "store_redis/sentinel_options.h"
#include "store_redis/stream.h"

/* Of each of a handful of sentinels, why it does not help. */
#define SENTINEL_WHY_SIZE 600

struct sentinel;
struct seeker;

/*
 * The answer to what the seeker asked: where the master is, or NULL and why
 * nobody says so. Also called without being asked, with a master. Both are
 * borrowed for the call. May ask again.
 */
typedef void seeker_fn(
    struct seeker *seeker, const struct stream_place *master, const char *why);

/* Inside what connects to the master. */
struct seeker {
	struct seeker *next;
	seeker_fn *told;
	bool asking;
};

struct sentinel_parts {
	const struct ow_host *host;
	struct ow_instance *self;
	struct ow_tls *tls;			/* NULL: plain; borrowed */
	const struct sentinel_options *options; /* borrowed; they were checked */
	int64_t connect_ms; /* in which a seeker finds and reaches the master */
};

struct sentinel *sentinel_new(const struct sentinel_parts *parts);
void sentinel_free(struct sentinel *s); /* no seeker is left; NULL is fine */

/* The seeker is borrowed until it leaves; told is set. */
void sentinel_join(struct sentinel *s, struct seeker *seeker);
void sentinel_leave(struct sentinel *s, struct seeker *seeker);

/* told() will be called, once, and not before this returns. */
void sentinel_ask(struct sentinel *s, struct seeker *seeker);

/* There is no master at that place: whoever named it is asked last. */
void sentinel_doubt(struct sentinel *s, const struct stream_place *place);

/* "Redis, the master `name`", for messages while it is not known where that is. */
const char *sentinel_phrase(const struct sentinel *s);

#endif
