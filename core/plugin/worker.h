/*
 * A worker: one thread's event base and all that belongs to it. Everything
 * here is used on that thread only, except worker_post().
 */
#ifndef PLUGIN_WORKER_H
#define PLUGIN_WORKER_H

#include <onceway/host.h>
#include <onceway/option.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/metrics.h"
#include "base/random.h"

struct http_client;
struct http_server;
struct pointer_set;
struct shared_objects;
struct worker;

/* Something to do soon, on the worker's thread; embedded in what it is about. */
struct task {
	struct list link;
	void (*run)(struct task *task);
};

/* What all workers share. Borrowed by each; outlives them. */
struct worker_common {
	const struct clock *clock;
	struct metrics *metrics;
	struct shared_objects *shared;
	struct ow_list secrets; /* that no message of a plugin may show */
};

/* Where events that sources emit go: the route engine. */
typedef void worker_emit_fn(
    void *engine, struct ow_instance *source, struct ow_event *event, void *cookie);

struct worker *worker_new(unsigned index, const struct worker_common *common);
/* All instances are gone. NULL is fine. */
void worker_free(struct worker *w);

/* Runs the loop on the calling thread until worker_stop(). */
void worker_run(struct worker *w);
void worker_stop(struct worker *w); /* on its own thread */

/* Runs fn(arg) on the worker's thread, soon. From any thread. */
void worker_post(struct worker *w, void (*fn)(void *arg), void *arg);

/* Runs task->run(task) after the current callback. A task waits in one queue once. */
void worker_later(struct worker *w, struct task *task);

void task_init(struct task *task, void (*run)(struct task *task));
bool task_waiting(const struct task *task);
void task_cancel(struct task *task);

/* ---- what it has ---- */

unsigned worker_index(const struct worker *w);
struct event_base *worker_base(struct worker *w);
const struct clock *worker_clock(const struct worker *w);
struct random *worker_random(struct worker *w);
struct metrics *worker_metrics(const struct worker *w);
struct ow_list worker_secrets(const struct worker *w);
struct shared_objects *worker_shared(const struct worker *w);
struct pointer_set *worker_pointers(struct worker *w);
struct http_client *worker_http(struct worker *w);

/* Names are borrowed, servers are taken over. */
void worker_add_listener(struct worker *w, const char *name, struct http_server *server);
struct http_server *worker_listener(struct worker *w, const char *name); /* NULL: none */
/* Begins to accept on all listeners, once the sources have said which paths they serve. */
void worker_open_listeners(struct worker *w);
/* Stops accepting on all listeners. */
void worker_drain_listeners(struct worker *w);
/* Closes them; requests under way stay valid until answered. */
void worker_free_listeners(struct worker *w);

void worker_set_engine(struct worker *w, worker_emit_fn *emit, void *engine);
void worker_emit(
    struct worker *w, struct ow_instance *source, struct ow_event *event, void *cookie);

/* ---- objects that the workers' instances share (host->shared) ---- */

struct shared_objects *shared_objects_new(void);
void shared_objects_free(struct shared_objects *s); /* all were released; NULL is fine */
/* key: unique per configured component. See host.h for the contract. */
void *shared_objects_get(struct shared_objects *s, const char *key, void *(*make)(void *arg),
    void *arg, void (*free_fn)(void *object));
void shared_objects_release(struct shared_objects *s, const char *key);

#endif
