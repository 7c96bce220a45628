/* A route on one worker: its policies, its instances, its counters. */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include <onceway/plugin.h>

#include "route/copies.h"
#include "route/counted.h"
#include "route/match.h"
#include "route/stores.h"

struct digester;
struct early;

enum route_on_duplicate {
	ON_DUPLICATE_REPLAY = 0,
	ON_DUPLICATE_ACK
};
enum route_in_progress {
	IN_PROGRESS_WAIT = 0,
	IN_PROGRESS_REJECT,
	IN_PROGRESS_ACK
};
enum route_on_failure {
	ON_FAILURE_RELEASE = 0,
	ON_FAILURE_KEEP
};
enum route_on_store_error {
	ON_STORE_ERROR_REJECT = 0,
	ON_STORE_ERROR_PASS /* deliver without dedup */
};
enum route_on_missing {
	ON_MISSING_REJECT = 0,
	ON_MISSING_PASS,
	ON_MISSING_DEAD_LETTER
};
enum route_on_unknown {
	ON_UNKNOWN_RETRY = 0,
	ON_UNKNOWN_HOLD,
	ON_UNKNOWN_RELEASE
};
enum route_ack {
	ACK_DELIVERED = 0, /* once the sink has accepted the event */
	ACK_ACCEPTED	   /* once it is on disk */
};
enum route_dead_letter {
	/* What is on disk already, and nothing else: when a configuration is loaded, of a
	 * route whose source and `ack` do not make it true. */
	DEAD_LETTER_AUTO = 0,
	DEAD_LETTER_TRUE,
	DEAD_LETTER_FALSE /* not even that: it was written down */
};
enum route_on_mismatch {
	ON_MISMATCH_IGNORE = 0,
	ON_MISMATCH_REJECT,
	ON_MISMATCH_PASS
};
enum route_window_mode {
	WINDOW_FIXED = 0,
	WINDOW_SLIDING
};
enum route_respond {
	RESPOND_VENDOR = 0,
	RESPOND_SINK,
	RESPOND_PLAIN
};

/* Policies, as checked. Enums are ints because option tables write them. */
struct route_policy {
	int64_t window_ms; /* how long a delivered key is remembered; 0: the keyer's default */
	int64_t lock_ms;   /* life of an unfinished claim without renewal */
	int64_t deadline_ms;  /* all of one event's delivery, retries and waits included */
	int64_t max_inflight; /* unsettled events of this route on this worker */
	int on_duplicate;     /* enum route_on_duplicate */
	int in_progress;      /* enum route_in_progress */
	int on_failure;	      /* enum route_on_failure */
	int respond;	      /* enum route_respond */
	int on_store_error;   /* enum route_on_store_error; what the fallback does not change */
	int on_missing;	      /* enum route_on_missing */
	int on_unknown;	      /* enum route_on_unknown */
	int ack;	      /* enum route_ack */
	int dead_letter;      /* enum route_dead_letter */
	int64_t answer_within_ms; /* 0: off; with ACK_DELIVERED */
	int on_mismatch;	  /* enum route_on_mismatch */
	int window_mode;	  /* enum route_window_mode */
	bool observe; /* a dry run: everything is delivered, the rest only counted */
};

/* What a route is made of. All is borrowed and outlives the route. */
struct route_parts {
	const char *name;
	const struct route_policy *policy;
	const char *source;	   /* its name */
	const struct match *match; /* which of its events; NULL: all */
	struct ow_instance *keyer, *store, *sink;
	struct ow_instance *fallback; /* the store used while the first is down, or NULL */
	bool queue; /* the source takes back what is not acknowledged (struct ow_source_nature)
		     */
	struct ow_sink_policy retry;
	const struct copy_sink *also; /* sinks that get copies; only for route_new() */
	size_t also_count;
};

/* Values of enum ow_outcome that are counted, none included. Not in the ABI: there it grows. */
#define OUTCOMES (OW_UNSURE + 1)

struct route {
	struct route_parts parts;
	int64_t window_ms;
	struct matcher *matcher; /* NULL: it takes all of its source's events */
	const struct ow_keyer_ops *keyer;
	const struct ow_sink_ops *sink;
	struct stores stores;
	struct copies *copies;	   /* NULL: nobody gets any */
	struct digester *digester; /* NULL: payloads are not compared */
	bool keeps;		   /* some of its events may be put on disk */
	struct early *early;	   /* NULL: no source is answered before the outcome is known */
	unsigned inflight;
	/* cells of the worker's metrics */
	struct metric_cell *events[OUTCOMES];
	struct metric_cell *observed[OUTCOMES]; /* NULL unless the route only observes */
	struct metric_cell *inflight_gauge, *waiting_gauge;
	struct metric_cell *delivery_seconds, *event_seconds, *duplicate_age_seconds;
	struct metric_cell *lease_lost;
	struct counted attempts; /* onceway_sink_attempts_total */
	struct counted labels;	 /* onceway_duplicates_by_label_total */
};

struct route *route_new(const struct route_parts *parts);
void route_free(struct route *r); /* NULL is fine */

/* How many more events it would take on this worker. */
size_t route_room(const struct route *r);
/* Counts one attempt of the sink under its result code. */
void route_count_attempt(struct route *r, const char *code);
/* Counts a duplicate under the vendor's label, if it has one. */
void route_count_label(struct route *r, struct ow_text label);

/* "delivered", "duplicate", ...: also the values of the metric label. */
const char *outcome_name(enum ow_outcome outcome);

#endif
