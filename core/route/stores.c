#include "route/stores.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"

#define PROBE_US 1000000

static struct metric_cell *seconds_cell(const struct ow_instance *store, const char *op)
{
	struct worker *w = instance_worker(store);
	const struct metric_label labels[] = {
	    {"store", text_of(instance_name(store))}, {"op", text_of(op)}, {NULL, TEXT_NONE}};
	return metrics_cell(worker_metrics(w), worker_index(w), METRIC_HISTOGRAM,
	    "onceway_store_seconds", "Time a store took for one operation.", labels);
}

static void store_init(struct route_store *s, struct ow_instance *instance)
{
	struct worker *w = instance_worker(instance);
	const struct metric_label labels[] = {
	    {"store", text_of(instance_name(instance))}, {NULL, TEXT_NONE}};
	s->instance = instance;
	s->ops = &instance_ops(instance)->store;
	s->claim_seconds = seconds_cell(instance, "claim");
	s->renew_seconds = seconds_cell(instance, "renew");
	s->commit_seconds = seconds_cell(instance, "commit");
	s->release_seconds = seconds_cell(instance, "release");
	s->errors = metrics_cell(worker_metrics(w), worker_index(w), METRIC_COUNTER,
	    "onceway_store_errors_total", "Operations that a store could not do.", labels);
}

void stores_init(struct stores *s, const char *route, struct ow_instance *first,
    struct ow_instance *fallback)
{
	*s = (struct stores){.fallen = false};
	store_init(&s->first, first);
	if (!fallback)
		return;
	struct buf who = BUF_INIT;
	struct worker *w = instance_worker(first);
	const struct metric_label labels[] = {{"route", text_of(route)}, {NULL, TEXT_NONE}};
	store_init(&s->fallback, fallback);
	buf_printf(&who, "route %s", route);
	s->who = buf_take(&who);
	s->fallen_gauge = metrics_cell(worker_metrics(w), worker_index(w), METRIC_GAUGE,
	    "onceway_store_fallback", "1 while a route uses its fallback store.", labels);
	metrics_family_is_shared(worker_metrics(w), "onceway_store_fallback");
}

void stores_fini(struct stores *s)
{
	free(s->who);
	s->who = NULL;
}

struct route_store *stores_choose(struct stores *s, const void *asker, int64_t now_us)
{
	if (s->prober || now_us < s->probe_us)
		return &s->fallback;
	s->prober = asker;
	return &s->first;
}

/* Only the probe counts: of the claims made before the failure some may still be answered. */
void stores_answered(
    struct stores *s, const struct route_store *store, const void *asker, int64_t now_us)
{
	if (store != &s->first || s->prober != asker || !s->fallen)
		return;
	s->prober = NULL;
	s->fallen = false;
	s->since_us = now_us;
	metric_set(s->fallen_gauge, 0);
	log_warning(s->who, "store %s takes keys again: it is used instead of %s",
	    instance_name(s->first.instance), instance_name(s->fallback.instance));
}

bool stores_failed(struct stores *s, const struct route_store *store, const void *asker,
    int64_t begun_us, int64_t now_us)
{
	if (store != &s->first || !s->fallback.instance)
		return false;
	if (s->prober == asker) {
		s->prober = NULL;
		s->probe_us = now_us + PROBE_US;
	}
	/* A claim from before the store came back says nothing about it now. */
	if (s->fallen || begun_us < s->since_us)
		return true;
	s->fallen = true;
	s->probe_us = now_us + PROBE_US;
	metric_set(s->fallen_gauge, 1);
	log_warning(s->who, "store %s cannot take keys: %s is used until it can",
	    instance_name(s->first.instance), instance_name(s->fallback.instance));
	return true;
}
