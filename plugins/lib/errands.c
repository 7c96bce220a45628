#include "lib/errands.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/alloc.h"

struct errands {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under the lock */
	bool running, quit;
	struct errand *first, **last;
	struct errand *present; /* being run */
};

struct errands *errands_new(void)
{
	struct errands *e = alloc_zero(1, sizeof(*e));
	e->last = &e->first;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->changed, NULL);
	return e;
}

void errands_free(struct errands *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	bool running = e->running;
	e->quit = true;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
	if (running)
		pthread_join(e->thread, NULL);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static struct errand *take_first(struct errands *e)
{
	struct errand *errand = e->first;
	e->first = errand->next;
	if (!e->first)
		e->last = &e->first;
	errand->waiting = false;
	return errand;
}

static void *run(void *arg)
{
	struct errands *e = arg;
	pthread_mutex_lock(&e->lock);
	while (!e->quit) {
		if (!e->first) {
			pthread_cond_wait(&e->changed, &e->lock);
			continue;
		}
		e->present = take_first(e);
		pthread_mutex_unlock(&e->lock);
		e->present->run(e->present);
		pthread_mutex_lock(&e->lock);
		e->present = NULL;
		pthread_cond_broadcast(&e->changed);
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

bool errands_send(struct errands *e, struct errand *errand)
{
	pthread_mutex_lock(&e->lock);
	if (!e->running)
		e->running = pthread_create(&e->thread, NULL, run, e) == 0;
	bool can = e->running;
	if (can) {
		errand->waiting = true;
		errand->next = NULL;
		*e->last = errand;
		e->last = &errand->next;
		pthread_cond_broadcast(&e->changed);
	}
	pthread_mutex_unlock(&e->lock);
	return can;
}

static void take_out(struct errands *e, const struct errand *errand)
{
	struct errand **at = &e->first;
	while (*at != errand)
		at = &(*at)->next;
	*at = errand->next;
	if (!*at)
		e->last = at;
}

void errands_forget(struct errands *e, struct errand *errand)
{
	pthread_mutex_lock(&e->lock);
	if (errand->waiting)
		take_out(e, errand);
	errand->waiting = false;
	while (e->present == errand)
		pthread_cond_wait(&e->changed, &e->lock);
	pthread_mutex_unlock(&e->lock);
}
