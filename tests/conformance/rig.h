/*
 * The component under test on real workers: each a thread with its event loop
 * and an instance, as in the daemon. The test's own thread calls in by errands
 * and waits for what comes of them.
 */
#ifndef CONFORMANCE_RIG_H
#define CONFORMANCE_RIG_H

#include "base/random.h"
#include "conformance/peer.h"
#include "conformance/subject.h"
#include "plugin/instance.h"

#define WORKERS_MAX 2

struct call;
struct rig;

struct rig_options {
	unsigned workers; /* 1 .. WORKERS_MAX */
	bool peer;	  /* an HTTP peer stands behind ${PEER}; else nobody listens there */
	bool idle;	  /* the instances are not started */
	worker_emit_fn *emit; /* sources: where events go, on the worker's thread */
	void *emit_arg;
};

/* Created and, unless idle, started. Fails the test if that does not work. */
struct rig *rig_new(const struct subject *subject, const struct rig_options *options);
/* Drains, destroys, and frees the calls. */
void rig_free(struct rig *rig);
/* The same without asking to drain, which the test did. */
void rig_free_drained(struct rig *rig);

struct ow_instance *rig_instance(struct rig *rig, unsigned worker);
const union instance_ops *rig_ops(struct rig *rig);
void *rig_state(struct rig *rig, unsigned worker);
const void *rig_conf(struct rig *rig);
struct peer *rig_peer(struct rig *rig);
struct random *rig_random(struct rig *rig); /* the test's thread only */
int64_t rig_now(struct rig *rig);	    /* monotonic milliseconds */
/* Port of the listener the options refer to; 0: they refer to none. */
int rig_port(struct rig *rig);

/* Runs fn(arg) on the worker's thread and waits until it has returned. */
void rig_run(struct rig *rig, unsigned worker, void (*fn)(void *arg), void *arg);
/* Runs fn(arg) on the worker's thread, soon. */
void rig_post(struct rig *rig, unsigned worker, void (*fn)(void *arg), void *arg);
/* The rig keeps the call until it is freed. */
void rig_adopt(struct rig *rig, struct call *call);
/* Frees the calls that are finished, for tests that make very many. */
void rig_forget(struct rig *rig);

/* A lock for what workers and the test's thread share, and its condition. */
void rig_lock(struct rig *rig);
void rig_unlock(struct rig *rig);
void rig_wait(struct rig *rig);	  /* locked; until rig_signal() */
void rig_signal(struct rig *rig); /* locked */

void rig_sleep(int64_t ms);

/* How long to wait for what the contract says comes, with no time named. */
#define EVENTUALLY_MS 20000

#endif
