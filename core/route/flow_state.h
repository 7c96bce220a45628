/*
 * A flow from inside: its state, and what every part of its life needs. Only
 * flow*.c include this.
 */
#ifndef ROUTE_FLOW_STATE_H
#define ROUTE_FLOW_STATE_H

#include <event2/event.h>

#include "route/early.h"
#include "route/flow.h"
#include "route/lease.h"
#include "route/verdict.h"
#include "spool/spool.h"

/* What vendors are told to wait when nothing better is known. */
#define RETRY_AFTER_MS 1000

enum flow_state {
	FLOW_RECEIVED = 1,
	FLOW_WAITING,  /* in the holder's list of waiters */
	FLOW_CLAIMING, /* from here to RELEASING usually the holder of its key on this worker */
	FLOW_POLLING,
	FLOW_RENEWING, /* taken up again: is the claim of its earlier life still its own? */
	FLOW_KEEPING,  /* on its way to the disk; its source is told when it is there */
	FLOW_DELIVERING,
	FLOW_BACKING_OFF,
	FLOW_BURYING, /* failed for good: a dead letter, on its way to the disk */
	FLOW_COMMITTING,
	FLOW_COMMIT_WAITING, /* the store could not commit; soon again */
	FLOW_RELEASING,
	FLOW_SETTLED,
};

struct history;
struct keeping;

struct flow {
	struct list link; /* in the engine's list of unsettled flows */
	struct engine *engine;
	struct route *route;	    /* NULL: none takes it */
	struct ow_event *event;	    /* our reference */
	struct ow_instance *source; /* NULL: taken up again, there is nobody to tell */
	void *cookie;
	enum flow_state state;
	struct task begin;
	bool too_many;	 /* max_inflight was reached when it came */
	bool unreadable; /* its route only says what is wrong with the body */

	struct ow_key key;
	struct ow_text table_key; /* the store, then the key: unique on this worker */
	unsigned char token[OW_TOKEN_SIZE];
	struct ow_claim claim;
	struct route_store *store;  /* the one the claim was made in */
	bool holder;		    /* the engine has its key under this flow */
	bool passing;		    /* delivered without dedup: it has no claim */
	struct ow_text attempt_key; /* what the sink gets as the event's key */
	struct lease *lease;	    /* keeps the claim alive; NULL while not needed */

	struct ow_op op;     /* the one call under way */
	struct event *timer; /* the one wait under way */
	struct list waiters; /* of flows with the same key, by their waiting link */
	struct list waiting; /* this flow in its holder's list */
	int64_t deadline_us;
	int64_t retry_at_us; /* backing off: not before */
	int64_t attempts;
	struct ow_attempt attempt; /* the sink borrows it */
	unsigned polls, commits;

	bool told;		  /* its source knows: it is on disk, and goes on behind that */
	int64_t row;		  /* in the spool; 0: none */
	int64_t kept_since_ms;	  /* wall clock */
	enum spool_mode mode;	  /* of what is taken up again */
	bool claimed;		  /* likewise: token is that of a claim it had */
	struct keeping *keeping;  /* the request to the spool under way, or NULL */
	struct early_place early; /* in the line of those to be answered soon */
	struct history *history;  /* of failed attempts, if it may be kept; or NULL */

	struct op_result answer; /* the sink's last one */
	struct ow_result kept;	 /* what is committed; the store borrows it */
	struct verdict failure;	 /* why delivery ended without success */
	char why[200];
	char answered[32];
};

struct worker *flow_worker(const struct flow *f);
int64_t flow_now_us(const struct flow *f);
int64_t flow_left_ms(const struct flow *f); /* until the deadline; 0: it has passed */
int64_t flow_wall_ms(const struct flow *f);
/*
 * Nothing new is begun for it: the process cannot wait any longer; or it is safe on disk,
 * and a drain need not wait for it.
 */
bool flow_is_stopping(const struct flow *f);
/* place: as log_write_place() wants it. */
void flow_log(const struct flow *f, enum ow_level level, const char *place, const char *what);
/* What a dry run would have done. Limited in number as errors and warnings are. */
void flow_log_observed(const struct flow *f, enum ow_outcome outcome, const char *why);

/*
 * Takes over the event; run() is called from the worker's queue. route NULL: none. Its
 * deadline is the route's, from the event's arrival.
 */
struct flow *flow_create(struct engine *engine, struct route *route, struct ow_event *event,
    void (*run)(struct task *task));
/* Asks the route's keyer, unless the body is not JSON. False: there is no key, see f->key. */
bool flow_find_key(struct flow *f);
/* What is claimed, once there is a key. */
void flow_prepare_claim(struct flow *f);

/* The only function that changes a state. Ends the wait that belonged to the old one. */
void flow_enter(struct flow *f, enum flow_state next);
/* Begins the wait that belongs to the state just entered; due(f) ends it. */
void flow_start_timer(struct flow *f, event_callback_fn due, int64_t ms);

#endif
