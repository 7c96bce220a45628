/*
 * One call into the plugin that takes an operation. All it borrows is memory of
 * its own, overwritten and freed as soon as the operation is finished: a plugin
 * that uses it any longer sees rubbish, and a sanitizer sees the plugin.
 */
#ifndef CONFORMANCE_CALL_H
#define CONFORMANCE_CALL_H

#include "conformance/rig.h"

enum call_kind {
	CALL_START,
	CALL_DRAIN,
	CALL_CLAIM,
	CALL_RENEW,
	CALL_COMMIT,
	CALL_RELEASE,
	CALL_DELIVER
};

/* What a store's call is about. Copied. */
struct claim {
	struct ow_text key;
	const unsigned char *token;
	const unsigned char *digest; /* or NULL */
	int64_t lock_ms, window_ms;
	bool sliding;
};

/* What a sink's call is about. Copied. */
struct attempt {
	struct ow_text body, key;
	int64_t limit_ms;
};

struct call {
	struct ow_op op; /* how it ended: rc, why, answer, delivery */
	struct rig *rig;
	unsigned worker;
	enum call_kind kind;
	bool cancel_at_once;
	bool finished; /* under the rig's lock */
	int64_t begun_ms, finished_ms;
	int pending;
	char what[120];
	/* borrowed by the plugin until it has finished */
	struct ow_claim *claim;
	struct ow_result *result;
	struct ow_attempt *attempt;
	struct ow_event *event;
	struct ow_text body; /* of the event */
	struct call *next;
};

struct call *call_start(struct rig *rig, unsigned worker);
struct call *call_drain(struct rig *rig, unsigned worker);
struct call *call_claim(struct rig *rig, unsigned worker, const struct claim *claim);
struct call *call_renew(struct rig *rig, unsigned worker, const struct claim *claim);
struct call *call_commit(struct rig *rig, unsigned worker, const struct claim *claim,
    const struct ow_result *result);
struct call *call_release(struct rig *rig, unsigned worker, const struct claim *claim);
struct call *call_deliver(struct rig *rig, unsigned worker, const struct attempt *attempt);

/* Makes the call on its worker's thread; does not wait. */
void call_begin(struct call *call);
/*
 * All of them: each worker begins its own in one go, all workers at the same
 * time. The rig has WORKERS_MAX of them. Returns when all have begun.
 */
void calls_begin(struct rig *rig, struct call *const *calls, size_t count);
/* What the core does when time is up. */
void call_cancel(struct call *call);
/* Waits until it is finished. */
void call_await(struct call *call);
bool call_finished(struct call *call);
/* Begins and waits; returns how it ended. */
enum ow_rc call_make(struct call *call);

void call_link(struct call *call, struct call *next);
void calls_free(struct call *first);
/* Frees those that are finished and were never cancelled; returns the others. */
struct call *calls_forget(struct call *first);

/* A copy of its own, so that not even its neighbours are ours; and its end. */
struct ow_text text_copied(struct ow_text text);
void text_spoiled(struct ow_text text);

const char *rc_name(enum ow_rc rc);
const char *state_name(enum ow_claim_state state);

#endif
