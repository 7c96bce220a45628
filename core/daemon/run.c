#include "daemon/run.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/admin.h"
#include "daemon/assembly.h"
#include "daemon/capacity.h"
#include "daemon/process_metrics.h"
#include "daemon/version.h"
#include "io/timer.h"
#include "io/tls_store.h"
#include "spool/spool.h"

/* How often certificates, keys and CAs are looked at. */
#define TLS_LOOK_S 10

/* After the drain timeout plugins are asked to stop; this long they have for it. */
#define ABORT_GRACE_S 10

struct daemon;

/* One worker's thread. */
struct thread {
	struct daemon *daemon;
	struct assembly *assembly;
	pthread_t id;
	bool running;
};

/* All of it belongs to the main thread; workers send word through worker_post(). */
struct daemon {
	const struct settings *settings;
	struct clock clock;
	struct worker_common common;
	struct worker *main;
	struct spool *spool; /* NULL: no state_dir */
	struct listener_share *listeners;
	struct thread *threads;
	struct assembly **assemblies;
	size_t count;
	struct admin *admin;
	struct event *sigterm, *sigint, *sighup, *sigusr1, *timer, *tls_look;
	size_t pending; /* workers that have not started, or not drained */
	bool started, stop_wanted, draining, aborted;
	int status;
};

/* Word from a worker to the main thread. */
struct word {
	struct daemon *daemon;
	char why[300];
	bool failed;
};

/* fn(thread) runs on each worker's thread, some time. */
static void for_each_worker(struct daemon *d, void (*fn)(void *thread))
{
	for (size_t i = 0; i < d->count; i++)
		worker_post(assembly_worker(d->assemblies[i]), fn, &d->threads[i]);
}

/* ---- draining ---- */

static void stop_worker(void *arg)
{
	struct thread *t = arg;
	worker_stop(assembly_worker(t->assembly));
}

static void worker_drained(void *arg)
{
	struct daemon *d = arg;
	if (--d->pending > 0)
		return;
	for_each_worker(d, stop_worker);
	worker_stop(d->main);
}

static void drained(struct assembly *a, const char *why, void *arg)
{
	struct daemon *d = arg;
	(void)a;
	if (why)
		log_error("core", "while draining: %s", why);
	worker_post(d->main, worker_drained, d);
}

static void drain_worker(void *arg)
{
	struct thread *t = arg;
	assembly_drain(t->assembly, drained, t->daemon);
}

static void abort_worker(void *arg)
{
	struct thread *t = arg;
	assembly_abort(t->assembly);
}

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	(void)fd, (void)what;
	if (d->aborted) {
		/*
		 * What is unfinished was never acknowledged. But stores are not
		 * stopped: one in memory loses the keys committed since its last
		 * checkpoint, and delivers their copies again.
		 */
		log_error("core", "a plugin does not stop; exiting without it");
		_exit(EXIT_FAILURE);
	}
	d->aborted = true;
	timer_start(d->timer, ABORT_GRACE_S * 1000);
	for_each_worker(d, abort_worker);
}

static void begin_drain(struct daemon *d)
{
	log_info("core", "draining: no new events; at most %lld s for those under way",
	    (long long)d->settings->process.drain_timeout_ms / 1000);
	d->draining = true;
	d->pending = d->count;
	timer_start(d->timer, d->settings->process.drain_timeout_ms);
	for_each_worker(d, drain_worker);
}

/* ---- signals ---- */

static void on_stop(evutil_socket_t number, short what, void *arg)
{
	struct daemon *d = arg;
	(void)what;
	if (d->stop_wanted) {
		log_warning("core", "signal %d again: quitting now", (int)number);
		_exit(EXIT_FAILURE);
	}
	d->stop_wanted = true;
	if (d->started)
		begin_drain(d);
	else
		log_info("core", "signal %d: stopping as soon as the start is complete",
		    (int)number);
}

/* ---- certificates ---- */

/* On the main thread: loading them must not keep an event loop waiting. */
static void on_tls_look(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	(void)fd, (void)what;
	tls_store_look(d->common.tls);
}

static void watch_tls(struct daemon *d)
{
	d->tls_look = event_new(worker_base(d->main), -1, EV_PERSIST, on_tls_look, d);
	timer_start(d->tls_look, TLS_LOOK_S * 1000);
}

static void on_sighup(evutil_socket_t number, short what, void *arg)
{
	struct daemon *d = arg;
	(void)number, (void)what;
	if (tls_store_look(d->common.tls) > 0)
		log_info("core",
		    "SIGHUP: looked at the TLS files; this version reloads nothing else");
	else
		log_info("core",
		    "SIGHUP ignored: this version reloads TLS files, and there are none");
}

static void reopen_worker(void *arg)
{
	struct thread *t = arg;
	assembly_reopen(t->assembly);
}

/* Our own log is stderr, which is not ours to open. */
static void on_sigusr1(evutil_socket_t number, short what, void *arg)
{
	struct daemon *d = arg;
	(void)number, (void)what;
	log_info("core", "SIGUSR1: opening files anew");
	for_each_worker(d, reopen_worker);
}

static struct event *watch_signal(struct daemon *d, int number, event_callback_fn fn)
{
	struct event *e = evsignal_new(worker_base(d->main), number, fn, d);
	event_add(e, NULL);
	return e;
}

/* ---- starting ---- */

static void worker_started(void *arg)
{
	struct word *w = arg;
	struct daemon *d = w->daemon;
	d->pending--;
	if (w->failed) {
		log_error("core", "cannot start: %s", w->why);
		d->status = EXIT_FAILURE;
	}
	free(w);
	if (d->pending > 0)
		return;
	d->started = true;
	if (d->status == EXIT_SUCCESS && !d->stop_wanted)
		log_info("core", "ready: onceway %s, %zu worker(s), %s", ONCEWAY_VERSION,
		    d->count, d->settings->file);
	else
		begin_drain(d);
}

static void started(struct assembly *a, const char *why, void *arg)
{
	struct word *w = mem_zero(sizeof(*w));
	(void)a;
	w->daemon = arg;
	w->failed = why != NULL;
	snprintf(w->why, sizeof(w->why), "%s", why ? why : "");
	worker_post(w->daemon->main, worker_started, w);
}

static void start_worker(void *arg)
{
	struct thread *t = arg;
	assembly_start(t->assembly, started, t->daemon);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	worker_run(assembly_worker(t->assembly));
	return NULL;
}

/* Signals are the main thread's alone. */
static bool start_threads(struct daemon *d)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	for (size_t i = 0; i < d->count; i++) {
		struct thread *t = &d->threads[i];
		int error = pthread_create(&t->id, NULL, thread_main, t);
		if (error) {
			log_error("core", "cannot start a thread: %s", strerror(error));
			break;
		}
		t->running = true;
		worker_post(assembly_worker(t->assembly), start_worker, t);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return d->threads[d->count - 1].running;
}

static bool open_admin(struct daemon *d)
{
	if (strcmp(d->settings->process.admin, ADMIN_OFF) == 0)
		return true;
	d->admin = admin_new(&(struct admin_view){.settings = d->settings,
	    .main = d->main,
	    .assemblies = d->assemblies,
	    .count = d->count,
	    .started = &d->started,
	    .draining = &d->draining,
	    .spool = d->spool});
	return d->admin != NULL;
}

static bool open_spool(struct daemon *d)
{
	const struct process_settings *p = &d->settings->process;
	char why[SPOOL_WHY_SIZE];
	if (!p->state_dir)
		return true;
	d->spool = spool_open(&(struct spool_setup){.directory = p->state_dir,
				  .max_bytes = p->spool_max_bytes,
				  .dead_max_bytes = p->dead_max_bytes,
				  .dead_max_age_ms = p->dead_max_age_ms,
				  .clock = &d->clock,
				  .metrics = d->common.metrics,
				  .metrics_index = worker_index(d->main)},
	    why);
	if (!d->spool)
		log_error("core", "%s", why);
	return d->spool != NULL;
}

static bool set_up(struct daemon *d)
{
	const struct settings *s = d->settings;
	char why[CAPACITY_WHY_SIZE];
	d->count = capacity_workers(&s->process, why);
	if (s->process.workers == WORKERS_AUTO)
		log_info("core", "workers: %s", why);
	d->listeners = capacity_listeners(s, (unsigned)d->count);
	clock_init_system(&d->clock);
	d->common.clock = &d->clock;
	d->common.metrics = metrics_new((unsigned)d->count);
	d->common.shared = shared_objects_new();
	d->common.secrets = s->secrets;
	d->common.tls = tls_store_new(&d->clock);
	d->main = worker_new((unsigned)d->count, &d->common);
	d->threads = mem_array(d->count, sizeof(*d->threads));
	d->assemblies = mem_array(d->count, sizeof(struct assembly *));
	d->pending = d->count;
	d->timer = event_new(worker_base(d->main), -1, 0, timer_due, d);
	watch_tls(d);
	process_metrics_publish(d->common.metrics, worker_index(d->main));
	if (!open_spool(d))
		return false;
	for (size_t i = 0; i < d->count; i++) {
		struct assembly *a = assembly_new(&(struct assembly_setup){.index = (unsigned)i,
		    .workers = (unsigned)d->count,
		    .settings = s,
		    .listeners = d->listeners,
		    .common = &d->common,
		    .spool = d->spool});
		if (!a)
			return false;
		d->assemblies[i] = a;
		d->threads[i] = (struct thread){.daemon = d, .assembly = a};
	}
	if (!open_admin(d))
		return false;
	d->sigterm = watch_signal(d, SIGTERM, on_stop);
	d->sigint = watch_signal(d, SIGINT, on_stop);
	d->sighup = watch_signal(d, SIGHUP, on_sighup);
	d->sigusr1 = watch_signal(d, SIGUSR1, on_sigusr1);
	return true;
}

static void tear_down(struct daemon *d)
{
	struct event *const events[] = {
	    d->sigterm, d->sigint, d->sighup, d->sigusr1, d->timer, d->tls_look};
	for (size_t i = 0; i < d->count; i++)
		if (d->threads[i].running)
			pthread_join(d->threads[i].id, NULL);
	admin_free(d->admin);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i])
			event_free(events[i]);
	/* Before the workers it calls back are freed. */
	spool_close(d->spool);
	for (size_t i = 0; i < d->count; i++)
		assembly_free(d->assemblies[i]);
	free(d->threads);
	free(d->assemblies);
	worker_free(d->main);
	free(d->listeners);
	shared_objects_free(d->common.shared);
	tls_store_free(d->common.tls);
	metrics_free(d->common.metrics);
}

int run_daemon(const struct settings *settings)
{
	struct daemon d = {.settings = settings, .status = EXIT_SUCCESS};
	log_init(STDERR_FILENO, (enum ow_level)(settings->process.log_level + OW_LOG_ERROR),
	    (enum log_format)settings->process.log_format, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!set_up(&d)) {
		tear_down(&d);
		return EXIT_FAILURE;
	}
	if (!start_threads(&d))
		_exit(EXIT_FAILURE); /* some run already; nothing was taken in yet */
	worker_run(d.main);
	tear_down(&d);
	log_flush();
	if (d.status == EXIT_SUCCESS)
		log_info("core", "drained: bye");
	return d.status;
}
