#include "plugin/worker.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/http_client.h"
#include "io/http_server.h"
#include "json/pointer.h"

#define LISTENERS_MAX 64
#define CALLBACKS_MAX 64 /* before sockets and timers get their turn */

/* Work handed over from another thread. */
struct posted {
	struct posted *next;
	void (*fn)(void *arg);
	void *arg;
};

struct listener {
	const char *name;
	struct http_server *server;
};

struct worker {
	unsigned index;
	struct worker_common common;
	struct event_base *base;
	struct random random;
	struct pointer_set *pointers;
	struct http_client *http;

	struct list tasks;
	struct event *tasks_event; /* active while tasks is not empty */

	pthread_mutex_t posted_lock;
	struct posted *posted, **posted_last;
	int posted_fd;
	struct event *posted_event;

	struct listener listeners[LISTENERS_MAX];
	size_t listener_count;

	worker_emit_fn *emit;
	void *engine;
};

void task_init(struct task *task, void (*run)(struct task *task))
{
	list_init(&task->link);
	task->run = run;
}

bool task_waiting(const struct task *task)
{
	return list_linked(&task->link);
}

void task_cancel(struct task *task)
{
	list_remove(&task->link);
}

void worker_later(struct worker *w, struct task *task)
{
	if (task_waiting(task))
		return;
	if (list_empty(&w->tasks))
		event_active(w->tasks_event, EV_TIMEOUT, 0);
	list_append(&w->tasks, &task->link);
}

/* Tasks that tasks add go to a further round, so that sockets get their turn. */
static void run_tasks(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct list round;
	(void)fd, (void)what;
	list_init(&round);
	list_move_all(&round, &w->tasks);
	while (!list_empty(&round)) {
		struct task *task = list_entry(round.next, struct task, link);
		list_remove(&task->link);
		task->run(task);
	}
}

static void run_posted(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	uint64_t count;
	(void)what;
	ssize_t n = read(fd, &count, sizeof(count));
	(void)n;
	pthread_mutex_lock(&w->posted_lock);
	struct posted *p = w->posted;
	w->posted = NULL;
	w->posted_last = &w->posted;
	pthread_mutex_unlock(&w->posted_lock);
	while (p) {
		struct posted *next = p->next;
		p->fn(p->arg);
		free(p);
		p = next;
	}
}

void worker_post(struct worker *w, void (*fn)(void *arg), void *arg)
{
	struct posted *p = mem_zero(sizeof(*p));
	uint64_t one = 1;
	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&w->posted_lock);
	*w->posted_last = p;
	w->posted_last = &p->next;
	pthread_mutex_unlock(&w->posted_lock);
	ssize_t n = write(w->posted_fd, &one, sizeof(one));
	(void)n;
}

static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	/* Fewer epoll_ctl calls; safe because no two events share a file descriptor. */
	event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	/* Or else an event made active by a callback runs before any socket is looked at. */
	event_config_set_max_dispatch_interval(config, NULL, CALLBACKS_MAX, 0);
	struct event_base *base = event_base_new_with_config(config);
	event_config_free(config);
	if (!base) {
		log_error("core", "cannot make an event loop");
		abort();
	}
	return base;
}

struct worker *worker_new(unsigned index, const struct worker_common *common)
{
	struct worker *w = mem_zero(sizeof(*w));
	w->index = index;
	w->common = *common;
	w->base = base_new();
	random_init(&w->random);
	w->pointers = pointer_set_new();
	w->http = http_client_new(w->base, common->clock);
	list_init(&w->tasks);
	w->tasks_event = event_new(w->base, -1, 0, run_tasks, w);
	pthread_mutex_init(&w->posted_lock, NULL);
	w->posted_last = &w->posted;
	w->posted_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->posted_event = event_new(w->base, w->posted_fd, EV_READ | EV_PERSIST, run_posted, w);
	event_add(w->posted_event, NULL);
	return w;
}

static void free_posted(struct worker *w)
{
	while (w->posted) {
		struct posted *next = w->posted->next;
		free(w->posted);
		w->posted = next;
	}
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	worker_free_listeners(w);
	http_client_free(w->http);
	pointer_set_free(w->pointers);
	event_free(w->tasks_event);
	event_free(w->posted_event);
	close(w->posted_fd);
	free_posted(w);
	pthread_mutex_destroy(&w->posted_lock);
	event_base_free(w->base);
	free(w);
}

void worker_run(struct worker *w)
{
	event_base_loop(w->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void worker_stop(struct worker *w)
{
	event_base_loopbreak(w->base);
}

unsigned worker_index(const struct worker *w)
{
	return w->index;
}

struct event_base *worker_base(struct worker *w)
{
	return w->base;
}

const struct clock *worker_clock(const struct worker *w)
{
	return w->common.clock;
}

struct random *worker_random(struct worker *w)
{
	return &w->random;
}

struct metrics *worker_metrics(const struct worker *w)
{
	return w->common.metrics;
}

struct ow_list worker_secrets(const struct worker *w)
{
	return w->common.secrets;
}

struct shared_objects *worker_shared(const struct worker *w)
{
	return w->common.shared;
}

struct pointer_set *worker_pointers(struct worker *w)
{
	return w->pointers;
}

struct http_client *worker_http(struct worker *w)
{
	return w->http;
}

void worker_add_listener(struct worker *w, const char *name, struct http_server *server)
{
	if (w->listener_count == LISTENERS_MAX)
		abort(); /* the configuration allows no more */
	w->listeners[w->listener_count++] = (struct listener){name, server};
}

struct http_server *worker_listener(struct worker *w, const char *name)
{
	for (size_t i = 0; i < w->listener_count; i++)
		if (strcmp(w->listeners[i].name, name) == 0)
			return w->listeners[i].server;
	return NULL;
}

void worker_open_listeners(struct worker *w)
{
	for (size_t i = 0; i < w->listener_count; i++)
		http_server_accept(w->listeners[i].server);
}

void worker_drain_listeners(struct worker *w)
{
	for (size_t i = 0; i < w->listener_count; i++)
		http_server_drain(w->listeners[i].server);
}

void worker_free_listeners(struct worker *w)
{
	while (w->listener_count > 0)
		http_server_free(w->listeners[--w->listener_count].server);
}

void worker_set_engine(struct worker *w, worker_emit_fn *emit, void *engine)
{
	w->emit = emit;
	w->engine = engine;
}

void worker_emit(
    struct worker *w, struct ow_instance *source, struct ow_event *event, void *cookie)
{
	w->emit(w->engine, source, event, cookie);
}

/* ---- shared objects ---- */

struct shared_object {
	char *key;
	void *object;
	void (*free_fn)(void *object);
	unsigned references;
};

struct shared_objects {
	pthread_mutex_t lock;
	struct map by_key;
};

struct shared_objects *shared_objects_new(void)
{
	struct shared_objects *s = mem_zero(sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void shared_objects_free(struct shared_objects *s)
{
	if (!s)
		return;
	map_free(&s->by_key);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct shared_object *make_object(struct shared_objects *s, const char *key,
    void *(*make)(void *arg), void *arg, void (*free_fn)(void *object))
{
	void *made = make(arg);
	if (!made)
		return NULL;
	struct shared_object *o = mem_zero(sizeof(*o));
	o->key = mem_string(key);
	o->object = made;
	o->free_fn = free_fn;
	map_put(&s->by_key, text_of(o->key), o);
	return o;
}

void *shared_objects_get(struct shared_objects *s, const char *key, void *(*make)(void *arg),
    void *arg, void (*free_fn)(void *object))
{
	pthread_mutex_lock(&s->lock);
	struct shared_object *o = map_get(&s->by_key, text_of(key));
	if (!o)
		o = make_object(s, key, make, arg, free_fn);
	if (o)
		o->references++;
	pthread_mutex_unlock(&s->lock);
	return o ? o->object : NULL;
}

void shared_objects_release(struct shared_objects *s, const char *key)
{
	pthread_mutex_lock(&s->lock);
	struct shared_object *o = map_get(&s->by_key, text_of(key));
	if (o && --o->references == 0) {
		map_remove(&s->by_key, text_of(key));
		o->free_fn(o->object);
		free(o->key);
		free(o);
	}
	pthread_mutex_unlock(&s->lock);
}
