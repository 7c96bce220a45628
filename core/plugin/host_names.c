#include "plugin/host_names.h"

#include <stdlib.h>

#include "base/mem.h"
#include "io/address.h"
#include "io/http_client.h"
#include "io/resolve.h"
#include "plugin/instance.h"
#include "plugin/worker.h"

struct ow_query {
	struct resolve_query *query; /* NULL: nobody has to be asked */
	struct task task;
	struct addresses literal;
	ow_resolve_callback *fn;
	void *arg;
};

/* The query is gone when fn is called: it may begin another one. */
static void finish(struct ow_query *q, const struct addresses *found, const char *why)
{
	struct addresses list = found ? *found : (struct addresses){0};
	ow_resolve_callback *fn = q->fn;
	void *arg = q->arg;
	const struct sockaddr *at[ADDRESSES_MAX];
	uint32_t lengths[ADDRESSES_MAX];
	free(q);
	for (size_t i = 0; i < list.count; i++) {
		at[i] = &list.at[i].any;
		lengths[i] = list.at[i].len;
	}
	fn(&(struct ow_addresses){.size = sizeof(struct ow_addresses),
	       .why = found ? NULL : why,
	       .at = at,
	       .lengths = lengths,
	       .count = list.count},
	    arg);
}

static void on_found(const struct addresses *found, const char *why, void *arg)
{
	finish(arg, found, why);
}

static void on_literal(struct task *task)
{
	struct ow_query *q = list_entry(task, struct ow_query, task);
	finish(q, &q->literal, NULL);
}

struct ow_query *host_resolve(
    struct ow_instance *self, const char *host, int port, ow_resolve_callback *fn, void *arg)
{
	struct worker *worker = instance_worker(self);
	struct ow_query *q = mem_zero(sizeof(*q));
	q->fn = fn;
	q->arg = arg;
	task_init(&q->task, on_literal);
	if (addresses_of_literal(&q->literal, host, port))
		worker_later(worker, &q->task);
	else
		q->query = resolve_start(
		    http_client_resolver(worker_http(worker)), host, port, on_found, q);
	return q;
}

void host_resolve_cancel(struct ow_query *query)
{
	if (!query)
		return;
	resolve_cancel(query->query);
	task_cancel(&query->task);
	free(query);
}
