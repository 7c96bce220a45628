/*
 * What one worker runs: listeners, instances and routes made from the
 * settings. Built and freed on the main thread, started and drained on the
 * worker's own.
 */
#ifndef DAEMON_ASSEMBLY_H
#define DAEMON_ASSEMBLY_H

#include <jansson.h>

#include "daemon/capacity.h"
#include "daemon/settings.h"
#include "plugin/worker.h"

struct assembly;
struct spool;

/* All is borrowed. */
struct assembly_setup {
	unsigned index, workers; /* this one's, and how many there are */
	const struct settings *settings;
	struct listener_share *listeners; /* of all workers */
	const struct worker_common *common;
	struct spool *spool; /* NULL: nothing is kept on disk */
};

/*
 * Makes a worker with all of the settings' parts, listening but not accepting.
 * NULL after logging why.
 */
struct assembly *assembly_new(const struct assembly_setup *setup);
/* The worker's thread has ended. NULL is fine. */
void assembly_free(struct assembly *a);

struct worker *assembly_worker(struct assembly *a);

/* why NULL: all went well. Called on the worker's thread. */
typedef void assembly_done_fn(struct assembly *a, const char *why, void *arg);

/* On the worker's thread: starts stores and sinks, then sources. */
void assembly_start(struct assembly *a, assembly_done_fn *done, void *arg);
/* On the worker's thread: takes nothing in, finishes what is under way, then done. */
void assembly_drain(struct assembly *a, assembly_done_fn *done, void *arg);
/* On the worker's thread: opens anew what parts write to by name. */
void assembly_reopen(struct assembly *a);
/* On the worker's thread: gives back what is not finished. The drain then ends soon. */
void assembly_abort(struct assembly *a);

/*
 * From any thread: false if a route cannot serve, for want of its sink, its store or a place
 * on disk; *why (300 bytes) then names that. One that passes or falls back can.
 */
bool assembly_ready(struct assembly *a, char *why);
/* From any thread: adds {"name": {"plugin", "ready", "why"}} of this worker's stores and sinks.
 */
void assembly_describe(struct assembly *a, enum ow_kind kind, json_t *into);

#endif
