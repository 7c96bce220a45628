#include "conformance/rig.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "conformance/call.h"
#include "conformance/contract.h"
#include "conformance/harness.h"
#include "io/http_server.h"
#include "plugin/configure.h"

struct rig {
	const struct subject *subject;
	struct arena arena;
	struct clock clock;
	struct random random;
	struct worker_common common;
	unsigned count;
	struct worker *workers[WORKERS_MAX];
	struct ow_instance *instances[WORKERS_MAX];
	pthread_t threads[WORKERS_MAX];
	const void *conf;
	struct peer *peer;
	int port;
	char dir[32];
	struct call *calls;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

void rig_sleep(int64_t ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

void rig_lock(struct rig *r)
{
	pthread_mutex_lock(&r->lock);
}

void rig_unlock(struct rig *r)
{
	pthread_mutex_unlock(&r->lock);
}

void rig_wait(struct rig *r)
{
	pthread_cond_wait(&r->changed, &r->lock);
}

void rig_signal(struct rig *r)
{
	pthread_cond_broadcast(&r->changed);
}

struct ow_instance *rig_instance(struct rig *r, unsigned worker)
{
	return r->instances[worker % r->count];
}

const union instance_ops *rig_ops(struct rig *r)
{
	return instance_ops(r->instances[0]);
}

void *rig_state(struct rig *r, unsigned worker)
{
	return instance_state(rig_instance(r, worker));
}

const void *rig_conf(struct rig *r)
{
	return r->conf;
}

struct peer *rig_peer(struct rig *r)
{
	return r->peer;
}

struct random *rig_random(struct rig *r)
{
	return &r->random;
}

int64_t rig_now(struct rig *r)
{
	return clock_mono(&r->clock);
}

int rig_port(struct rig *r)
{
	return r->port;
}

void rig_adopt(struct rig *r, struct call *call)
{
	call_link(call, r->calls);
	r->calls = call;
}

void rig_forget(struct rig *r)
{
	r->calls = calls_forget(r->calls);
}

/* ---- errands ---- */

struct errand {
	struct rig *rig;
	void (*fn)(void *arg);
	void *arg;
	bool done;
};

static void run_errand(void *arg)
{
	struct errand *e = arg;
	e->fn(e->arg);
	rig_lock(e->rig);
	e->done = true;
	rig_signal(e->rig);
	rig_unlock(e->rig);
}

void rig_run(struct rig *r, unsigned worker, void (*fn)(void *arg), void *arg)
{
	struct errand e = {.rig = r, .fn = fn, .arg = arg};
	worker_post(r->workers[worker % r->count], run_errand, &e);
	rig_lock(r);
	while (!e.done)
		rig_wait(r);
	rig_unlock(r);
}

void rig_post(struct rig *r, unsigned worker, void (*fn)(void *arg), void *arg)
{
	worker_post(r->workers[worker % r->count], fn, arg);
}

/* ---- building ---- */

static void configure(struct rig *r)
{
	char *text = NULL, peer[32];
	size_t len = 0;
	snprintf(r->dir, sizeof(r->dir), "/tmp/onceway-test-XXXXXX");
	EXPECT(mkdtemp(r->dir), "a temporary directory can be made", "%s", r->dir);
	if (r->peer)
		snprintf(peer, sizeof(peer), "127.0.0.1:%d", peer_port(r->peer));
	FILE *err = open_memstream(&text, &len);
	r->conf = subject_configure(r->subject, r->peer ? peer : NULL, r->dir, &r->arena, err);
	fclose(err);
	EXPECT(r->conf, "the options are sound", "%s", text);
	free(text);
}

static void add_listener(struct rig *r, struct worker *w, const char *name)
{
	char why[HTTP_LISTEN_WHY_SIZE];
	const struct http_limits limits = {.max_body = 1 << 20,
	    .max_headers = 16384,
	    .header_timeout_ms = 60000,
	    .body_timeout_ms = 60000,
	    .idle_timeout_ms = 60000,
	    .max_connections = 1000,
	    .max_pipelined = 100};
	int fd = http_listen_socket("127.0.0.1:0", false, why);
	EXPECT(fd >= 0, "a listener can be opened", "%s", why);
	r->port = http_socket_port(fd);
	worker_add_listener(w, name, http_server_new(worker_base(w), &r->clock, fd, &limits));
}

/* The listeners that the options refer to: each gets a port of its own; the last one's is told.
 */
static void add_listeners(struct rig *r, struct worker *w)
{
	struct ow_option o;
	for (size_t i = 0; conf_table_at(r->subject->component->table, i, &o); i++) {
		const char *name = NULL;
		if (o.type != OW_T_REFERENCE || strcmp(o.choices[0], "listeners") != 0)
			continue;
		memcpy(&name, (const char *)r->conf + o.offset, sizeof(name));
		if (name && !worker_listener(w, name))
			add_listener(r, w, name);
	}
}

static void add_worker(struct rig *r, unsigned index, const struct rig_options *options)
{
	const char *why;
	struct worker *w = worker_new(index, &r->common);
	r->workers[index] = w;
	add_listeners(r, w);
	if (options->emit)
		worker_set_engine(w, options->emit, options->emit_arg);
	int pending = pending_begin("create()");
	contract(RULE_CREATE);
	r->instances[index] =
	    instance_new(w, r->subject->component, "conformance", r->conf, &why);
	pending_end(pending);
	EXPECT(r->instances[index],
	    "create() returns a state; if the options are not to "
	    "blame, give better ones with -o",
	    "NULL: %s", why);
}

static void *run_worker(void *arg)
{
	worker_run(arg);
	return NULL;
}

static void open_listeners(void *arg)
{
	worker_open_listeners(arg);
}

static void start(struct rig *r)
{
	contract(RULE_START);
	for (unsigned i = 0; i < r->count; i++) {
		struct call *c = call_start(r, i);
		call_begin(c);
		call_await(c);
		EXPECT(c->op.rc == OW_OK,
		    "start() finishes with OK; if the options are not to blame, give better "
		    "ones with -o",
		    "%s: %s", rc_name(c->op.rc), c->op.why);
	}
	for (unsigned i = 0; i < r->count; i++)
		rig_run(r, i, open_listeners, r->workers[i]);
}

struct rig *rig_new(const struct subject *subject, const struct rig_options *options)
{
	struct rig *r = mem_zero(sizeof(*r));
	r->subject = subject;
	r->count = options->workers;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	clock_init_system(&r->clock);
	random_init_seeded(&r->random, subject->seed);
	r->peer = options->peer ? peer_new() : NULL;
	configure(r);
	r->common = (struct worker_common){.clock = &r->clock,
	    .metrics = metrics_new(r->count),
	    .shared = shared_objects_new()};
	for (unsigned i = 0; i < r->count; i++)
		add_worker(r, i, options);
	for (unsigned i = 0; i < r->count; i++)
		pthread_create(&r->threads[i], NULL, run_worker, r->workers[i]);
	if (!options->idle)
		start(r);
	contract(NULL);
	return r;
}

/* ---- the end ---- */

static void drain_listeners(void *arg)
{
	worker_drain_listeners(arg);
}

static void stop(void *arg)
{
	worker_stop(arg);
}

static void remove_dir(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	while (d && (entry = readdir(d))) {
		char path[600];
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static void free_workers(struct rig *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		rig_run(r, i, drain_listeners, r->workers[i]);
		rig_post(r, i, stop, r->workers[i]);
		pthread_join(r->threads[i], NULL);
	}
	for (unsigned i = 0; i < r->count; i++)
		worker_free_listeners(r->workers[i]);
	contract(RULE_DESTROY);
	for (unsigned i = 0; i < r->count; i++) {
		int pending = pending_begin("destroy()");
		instance_free(r->instances[i]);
		pending_end(pending);
	}
	calls_free(r->calls); /* their timers are the workers' */
	for (unsigned i = 0; i < r->count; i++)
		worker_free(r->workers[i]);
}

void rig_free_drained(struct rig *r)
{
	free_workers(r);
	shared_objects_free(r->common.shared);
	metrics_free(r->common.metrics);
	peer_free(r->peer);
	remove_dir(r->dir);
	arena_free(&r->arena);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void rig_free(struct rig *r)
{
	contract(RULE_DRAIN);
	for (unsigned i = 0; i < r->count; i++) {
		struct call *c = call_drain(r, i);
		rig_run(r, i, drain_listeners, r->workers[i]);
		call_begin(c);
		call_await(c);
		EXPECT(c->op.rc == OW_OK, "drain() finishes with OK", "%s: %s",
		    rc_name(c->op.rc), c->op.why);
	}
	rig_free_drained(r);
}
