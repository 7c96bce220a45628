/*
 * A route engine under test: a real worker, engine and route, around four
 * components that a test scripts call by call. The clock runs with real time
 * and can be moved on.
 *
 * What happens is also written down as text, in order, so that a test can
 * compare a whole story at once:
 *     claim a, deliver a, commit a, settle a delivered 200
 * Calls of the second store or sink are told with a 2: claim2 a, deliver2 a.
 *
 * There is one rig at a time; rig_start() and rig_stop() frame a test.
 */
#ifndef TESTS_UNIT_ROUTE_RIG_H
#define TESTS_UNIT_ROUTE_RIG_H

#include <onceway/plugin.h>

#include "base/buf.h"
#include "base/list.h"
#include "route/engine.h"

/* ---- calls into the store and the sink ---- */

enum call_kind {
	CALL_CLAIM = 0,
	CALL_RENEW,
	CALL_COMMIT,
	CALL_RELEASE,
	CALL_DELIVER,
	CALL_KINDS
};

/*
 * How a call is answered. Without a step it is answered at once, with OK; a
 * claim as the store behind the rig has it, which remembers keys as a real one
 * would.
 */
struct step {
	bool later;    /* stays open until call_answer(), or until it is cancelled */
	bool stubborn; /* does not finish when cancelled */
	enum ow_rc rc;
	const char *why;
	int64_t advance_ms; /* the clock moves on during the call */
	/* claims */
	enum ow_claim_state state; /* 0: as the store behind has it */
	int64_t age_ms, remaining_ms;
	/* claims and deliveries */
	const struct ow_result *result;
	const unsigned char *digest; /* claims: of the payload that was delivered */
	/* deliveries */
	const char *code;
	int64_t retry_after_ms;
	bool timed_out, busy, invalid;
};

/* A call that is not finished. */
struct call {
	struct list link;
	enum call_kind kind;
	struct ow_op *op;
	const struct ow_claim *claim;
	const struct ow_result *result;	  /* commit */
	const struct ow_attempt *attempt; /* deliver */
	bool second;			  /* of the second store, or sink */
	struct step step;
	bool cancelled;
};

/* ---- events ---- */

/* An event that the source emitted, and what the source was told. */
struct sent {
	struct list link;
	char name[48]; /* its key, or a piece of its body */
	bool second;   /* of the second route's source */
	unsigned settled;
	enum ow_outcome outcome;
	bool acknowledge;
	int status;
	int64_t retry_after_ms;
	char content_type[64];
	char body[256];
	char why[200];
	int result_status; /* -1: there was no result */
};

/* ---- the rig ---- */

struct rig_setup {
	struct route_policy policy;
	struct ow_sink_policy retry;
	bool no_reply;		   /* the keyer shapes no replies */
	bool disk;		   /* there is a spool: disk.h */
	bool queue;		   /* the source is one */
	bool fallback;		   /* the route has one: the second store */
	bool also;		   /* the second sink gets copies */
	int64_t also_limit_ms;	   /* of one copy's attempt; 0: a minute */
	uint64_t seed;		   /* of the worker's randomness; 0: as it comes */
	const struct match *match; /* which events the route takes; NULL: all */
};

struct rig {
	struct rig_setup setup;
	struct route_policy second_policy; /* of the second route: the first one's, at first */
	struct clock clock;
	struct worker_common common;
	struct worker *worker;
	struct engine *engine;
	struct ow_instance *source, *keyer, *store, *sink;
	struct ow_instance *second_source, *second_store, *second_sink; /* NULL: none */
	const struct ow_host *host;
	struct list sent;  /* of struct sent, in the order emitted */
	struct list calls; /* open ones, in the order made */
	unsigned made[CALL_KINDS];
	unsigned cancels, labels_counted;
	struct buf story;
	const char *other_route; /* of the first one's source; NULL: none */
	int64_t limit_ms; /* what the source says of its events (event_limit); 0: nothing */
	bool repeats;	  /* the source says of its events that they are repetitions */
	bool emitting, drained;
	/* Chooses a step for calls that no script is left for; NULL: the default one. */
	void (*improvise)(const struct call *call, struct step *step);
	void (*on_settle)(struct sent *s);
};
extern struct rig rig;

/* Long window, long lock, five attempts a millisecond apart, deadline of a minute. */
struct rig_setup rig_usual(void);
void rig_start(struct rig_setup setup);
/*
 * Checks that every event was settled exactly once and that nothing is left
 * open, then frees everything.
 */
void rig_stop(void);

/*
 * From here on the clock stands still unless moved on. Timers run all the same,
 * so deadlines are still met, but no slow machine can miss them.
 */
void rig_freeze(void);

/* What the next call of that kind is answered; steps queue up. */
void rig_script(enum call_kind kind, struct step step);

/* Emits {"id":KEY}, {"id":KEY,"data":DATA} or any body. */
struct sent *rig_emit(const char *key);
struct sent *rig_emit_with(const char *key, const char *data);
struct sent *rig_emit_body(const char *body);

/* A second route, from a second source, with the first one's store or its own. */
void rig_second_route(bool own_store);
struct sent *rig_emit_second(const char *key);

/* A route for what the first one leaves of its source; policy: the first one's, at first. */
void rig_other_route(const char *name, const struct match *match);

/* Lets everything happen that can happen without time passing. */
void rig_spin(void);
/* One turn of the loop, waiting for timers. */
void rig_turn(void);
#define rig_until(condition)                                                                   \
	do {                                                                                   \
		while (!(condition))                                                           \
			rig_turn();                                                            \
	} while (0)

/* The n-th open call of that kind, from 0; fails the test if there is none. */
struct call *rig_call(enum call_kind kind, unsigned n);
unsigned rig_open(enum call_kind kind);
/* Finishes an open call; it is gone then. */
void call_answer(struct call *call, struct step step);

/* Adds to the story. */
void rig_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The story since the last time, compared. */
void rig_expect(const char *story);

/* The value of a series of the route, store or sink under test; label may be NULL. */
int64_t rig_metric(const char *family, const char *label, const char *value);
int64_t rig_outcomes(enum ow_outcome outcome);
int64_t rig_outcomes_of(const char *route, enum ow_outcome outcome);

/* ---- the stores behind (model.c); the second one's keys begin with "2" ---- */

/* digest: NULL or, for DONE, of the payload that was delivered. */
enum ow_claim_state model_claim(
    const struct ow_claim *claim, struct ow_result *result, const unsigned char **digest);
enum ow_rc model_renew(const struct ow_claim *claim);
enum ow_rc model_commit(const struct ow_claim *claim, const struct ow_result *result);
enum ow_rc model_release(const struct ow_claim *claim);
/* The key's claim ends, as if its life were over. */
void model_expire(const char *key);
/* Another process takes the key, or finishes it. */
void model_take(const char *key);
void model_finish(const char *key, const struct ow_result *result);
bool model_is_done(const char *key);
bool model_is_claimed(const char *key);
void model_clear(void);

#endif
