/*
 * What each request passes before it is sent, the first attempt like all later ones:
 * a circuit breaker, and the line of those that wait for their turn by the outbound
 * rate. Both are the whole process's; a gate is one worker's.
 */
#ifndef SINK_HTTP_GATE_H
#define SINK_HTTP_GATE_H

#include <onceway/plugin.h>

#include "sink_http/breaker.h"

struct gate_options {
	int64_t failures, cooldown_ms; /* of the breaker; no failures: there is none */
	int64_t limit, per_ms, burst;  /* of the rate; no limit: there is none */
};

/* `m` is a struct gate_options member of c. */
#define GATE_OPTIONS(c, m)                                                                     \
	OW_INT(c, m.failures, "breaker.failures", .dflt = "0", .max = 1000000,                 \
	    .unit = "failures",                                                                \
	    .help = "So many in a row (no connection, no answer, 5xx), of all workers, and "   \
		    "nothing is sent for breaker.cooldown; 0: never."),                        \
	    OW_DURATION(c, m.cooldown_ms, "breaker.cooldown", .dflt = "30s", .min = 100,       \
		.max = 3600000,                                                                \
		.help = "How long nothing is sent after that; then one request shows whether " \
			"it works again."),                                                    \
	    OW_INT(c, m.limit, "rate.limit", .dflt = "0", .max = 1000000, .unit = "requests",  \
		.help = "Requests sent in each rate.per, evenly, by all workers together, "    \
			"repeated ones too; 0: any number."),                                  \
	    OW_DURATION(c, m.per_ms, "rate.per", .dflt = "1s", .min = 100, .max = 86400000,    \
		.help = "What rate.limit is counted in."),                                     \
	    OW_INT(c, m.burst, "rate.burst", .dflt = "1", .min = 1, .max = 1000000,            \
		.unit = "requests",                                                            \
		.help = "Requests that may be sent at once after a pause.")

/* For check(). */
void gate_options_check(const struct gate_options *options, const struct ow_report *report);

/* What the workers' gates share. For host->shared(). */
struct gate_share;
struct gate_share *gate_share_new(const struct gate_options *options);
void gate_share_free(struct gate_share *share); /* NULL is fine */

struct gate;

/* All is borrowed for its life. */
struct gate *gate_new(const struct ow_host *host, struct ow_instance *self,
    const struct gate_options *options, struct gate_share *share);
/* Nothing is waiting. NULL is fine. */
void gate_free(struct gate *g);

/* False: the breaker is open; *why is valid until the next call. */
bool gate_ready(struct gate *g, const char **why);

/* Why a request may not be sent now. */
struct gate_refusal {
	const char *code; /* "open", "rate"; static */
	const char *why;  /* valid until the gate is asked for something else */
	int64_t wait_ms;
};

struct gate_visit;

/*
 * It is a visit's turn, with so much time left of what it had; or refusal is not NULL,
 * and the visit is over.
 */
typedef void gate_turn(int64_t left_ms, const struct gate_refusal *refusal, void *arg);

/* One request's way through; used for one after the other. The gate is borrowed. */
struct gate_visit *gate_visit_new(struct gate *g, gate_turn *turn, void *arg);
void gate_visit_free(struct gate_visit *v); /* It is over. NULL is fine. */

/* turn() is called exactly once, at once or later, unless it is left before. */
void gate_enter(struct gate_visit *v, int64_t limit_ms);
/* True: it waits for its turn. */
bool gate_waits(const struct gate_visit *v);
/*
 * The visit ends, waiting or after its turn. health: what the request's end says, and why, if
 * it is an ill one.
 */
void gate_leave(struct gate_visit *v, enum health health, const char *why);

#endif
