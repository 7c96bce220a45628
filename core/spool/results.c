#include "spool/results.h"

#include <stdlib.h>

#include "base/mem.h"
#include "plugin/worker.h"
#include "spool/request.h"

/* Those of one worker. */
struct parcel {
	struct list link;
	struct results *results;
	struct worker *worker;
	struct spool_request *first, **last;
};

void results_init(struct results *r)
{
	pthread_mutex_init(&r->lock, NULL);
	list_init(&r->posted);
}

static void parcel_free(struct parcel *p)
{
	while (p->first) {
		struct spool_request *next = p->first->next;
		spool_request_free(p->first);
		p->first = next;
	}
	free(p);
}

void results_fini(struct results *r)
{
	list_each(&r->posted, it)
	{
		list_remove(it);
		parcel_free(list_entry(it, struct parcel, link));
	}
	pthread_mutex_destroy(&r->lock);
}

static void tell(const struct spool_request *q)
{
	if (q->kind == REQUEST_TAKE)
		q->taken(q->found, q->found_count, q->arg);
	else
		q->done(q->id, q->why, q->arg);
}

static void deliver(void *arg)
{
	struct parcel *p = arg;
	pthread_mutex_lock(&p->results->lock);
	list_remove(&p->link);
	pthread_mutex_unlock(&p->results->lock);
	for (const struct spool_request *q = p->first; q; q = q->next)
		tell(q);
	parcel_free(p);
}

static struct parcel *parcel_for(struct list *parcels, struct results *r, struct worker *w)
{
	list_each(parcels, it)
	{
		struct parcel *p = list_entry(it, struct parcel, link);
		if (p->worker == w)
			return p;
	}
	struct parcel *p = mem_zero(sizeof(*p));
	list_init(&p->link);
	p->results = r;
	p->worker = w;
	p->last = &p->first;
	list_append(parcels, &p->link);
	return p;
}

void results_send(struct results *r, struct spool_request *first)
{
	struct list parcels;
	list_init(&parcels);
	while (first) {
		struct spool_request *q = first;
		first = q->next;
		q->next = NULL;
		if (!q->worker) {
			spool_request_free(q);
			continue;
		}
		struct parcel *p = parcel_for(&parcels, r, q->worker);
		*p->last = q;
		p->last = &q->next;
	}
	while (!list_empty(&parcels)) {
		struct parcel *p = list_entry(parcels.next, struct parcel, link);
		pthread_mutex_lock(&r->lock);
		list_remove(&p->link);
		list_append(&r->posted, &p->link);
		pthread_mutex_unlock(&r->lock);
		/* From here on it may be gone. */
		worker_post(p->worker, deliver, p);
	}
}
