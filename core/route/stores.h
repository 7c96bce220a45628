/*
 * The stores of a route: the one it names, and perhaps one to fall back to
 * while that one cannot be asked.
 *
 * After a failed claim all go to the fallback. About once a second one claim
 * asks the first store again (the probe); when that is answered, all go back.
 */
#ifndef ROUTE_STORES_H
#define ROUTE_STORES_H

#include "base/metrics.h"
#include "plugin/instance.h"

/* A store as one route uses it, with cells of the worker's metrics. */
struct route_store {
	struct ow_instance *instance; /* borrowed; NULL: there is none */
	const struct ow_store_ops *ops;
	struct metric_cell *claim_seconds, *renew_seconds, *commit_seconds, *release_seconds;
	struct metric_cell *errors;
};

struct stores {
	struct route_store first, fallback;
	char *who; /* in the log */
	bool fallen;
	const void *prober; /* who asks the first one again; NULL: nobody at the moment */
	int64_t probe_us;   /* while fallen: not before */
	int64_t since_us;   /* not fallen since */
	struct metric_cell *fallen_gauge;
};

/* fallback may be NULL. All is borrowed. */
void stores_init(struct stores *s, const char *route, struct ow_instance *first,
    struct ow_instance *fallback);
void stores_fini(struct stores *s);

/* Where claims go at the moment, probes aside. */
static inline struct route_store *stores_current(struct stores *s)
{
	return s->fallen ? &s->fallback : &s->first;
}

/* The store for a claim while fallen. asker: any pointer that stays the same until the claim is
 * answered. */
struct route_store *stores_choose(struct stores *s, const void *asker, int64_t now_us);
/* What the asker's claim, begun at begun_us, came to. */
void stores_answered(
    struct stores *s, const struct route_store *store, const void *asker, int64_t now_us);
/* True: there is another store to ask. */
bool stores_failed(struct stores *s, const struct route_store *store, const void *asker,
    int64_t begun_us, int64_t now_us);

#endif
