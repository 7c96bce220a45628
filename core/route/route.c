#include "route/route.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

/* A longer text is counted as "other": an outsider chooses it, and each one is kept. */
#define COUNTED_KEY_MAX 128

/* A counter looked up by a text that comes from outside. */
struct counted {
	char *key;
	struct metric_cell *cell;
};

const char *outcome_name(enum ow_outcome outcome)
{
	static const char *const names[OUTCOMES] = {[OW_DELIVERED] = "delivered",
	    [OW_DUPLICATE] = "duplicate",
	    [OW_INVALID] = "invalid",
	    [OW_FAILED] = "failed",
	    [OW_REJECTED] = "rejected",
	    [OW_UNROUTED] = "unrouted",
	    [OW_PASSED] = "passed",
	    [OW_MISMATCH] = "mismatch",
	    [OW_MISSING_KEY] = "missing_key"};
	return names[outcome];
}

static struct metric_cell *cell(struct route *r, enum metric_type type, const char *family,
    const char *help, const char *label, const char *value)
{
	struct worker *w = instance_worker(r->parts.store);
	const struct metric_label labels[] = {
	    {"route", text_of(r->parts.name)}, {label, text_of(value)}, {NULL, TEXT_NONE}};
	return metrics_cell(worker_metrics(w), worker_index(w), type, family, help, labels);
}

static struct metric_cell *store_cell(struct route *r, const char *op)
{
	struct worker *w = instance_worker(r->parts.store);
	const struct metric_label labels[] = {{"store", text_of(instance_name(r->parts.store))},
	    {"op", text_of(op)}, {NULL, TEXT_NONE}};
	return metrics_cell(worker_metrics(w), worker_index(w), METRIC_HISTOGRAM,
	    "onceway_store_seconds", "Time a store took for one operation.", labels);
}

static void make_cells(struct route *r)
{
	/* An unrouted event has no route to be counted under. */
	for (int o = OW_DELIVERED; o < OUTCOMES; o++)
		if (o != OW_UNROUTED)
			r->events[o] = cell(r, METRIC_COUNTER, "onceway_events_total",
			    "Events by what became of them.", "outcome",
			    outcome_name((enum ow_outcome)o));
	r->inflight_gauge = cell(r, METRIC_GAUGE, "onceway_inflight",
	    "Events received and not settled yet.", NULL, NULL);
	r->waiting_gauge = cell(r, METRIC_GAUGE, "onceway_waiting",
	    "Duplicates that wait for the first one's result.", NULL, NULL);
	r->delivery_seconds = cell(r, METRIC_HISTOGRAM, "onceway_delivery_seconds",
	    "Time one attempt of the sink took.", NULL, NULL);
	r->event_seconds = cell(r, METRIC_HISTOGRAM, "onceway_event_seconds",
	    "Time from receiving an event to answering its source.", NULL, NULL);
	r->duplicate_age_seconds = cell(r, METRIC_HISTOGRAM, "onceway_duplicate_age_seconds",
	    "How long after the delivery a duplicate came.", NULL, NULL);
	r->lease_lost = cell(r, METRIC_COUNTER, "onceway_lease_lost_total",
	    "Claims that had expired and were taken over when their owner came back.", NULL,
	    NULL);
	r->claim_seconds = store_cell(r, "claim");
	r->renew_seconds = store_cell(r, "renew");
	r->commit_seconds = store_cell(r, "commit");
	r->release_seconds = store_cell(r, "release");
	struct worker *w = instance_worker(r->parts.store);
	const struct metric_label store[] = {
	    {"store", text_of(instance_name(r->parts.store))}, {NULL, TEXT_NONE}};
	r->store_errors = metrics_cell(worker_metrics(w), worker_index(w), METRIC_COUNTER,
	    "onceway_store_errors_total", "Operations that a store could not do.", store);
}

struct route *route_new(const struct route_parts *parts)
{
	struct route *r = mem_zero(sizeof(*r));
	r->parts = *parts;
	r->keyer = &instance_ops(parts->keyer)->keyer;
	r->store = &instance_ops(parts->store)->store;
	r->sink = &instance_ops(parts->sink)->sink;
	r->window_ms =
	    parts->policy->window_ms ? parts->policy->window_ms : r->keyer->window_ms;
	make_cells(r);
	return r;
}

static void free_counted(struct map *m)
{
	struct counted *c;
	for (size_t at = 0; (c = map_next(m, &at));) {
		free(c->key);
		free(c);
	}
	map_free(m);
}

void route_free(struct route *r)
{
	if (!r)
		return;
	free_counted(&r->attempts_by_code);
	free_counted(&r->labels);
	free(r);
}

static struct counted *remember(struct map *m, struct ow_text key, struct metric_cell *c)
{
	struct counted *entry = mem_zero(sizeof(*entry));
	entry->key = mem_string_of(key.data, key.len);
	entry->cell = c;
	map_put(m, text_span(entry->key, key.len), entry);
	return entry;
}

/* The text itself, or "other" when it is too long or too many are there already. */
static struct ow_text bounded(const struct map *m, struct ow_text key)
{
	bool room = m->count < METRIC_SERIES_MAX || map_get(m, key);
	return room && key.len <= COUNTED_KEY_MAX ? key : text_of("other");
}

void route_count_attempt(struct route *r, const char *code)
{
	struct ow_text key = bounded(&r->attempts_by_code, text_of(code));
	struct counted *c = map_get(&r->attempts_by_code, key);
	if (!c) {
		struct worker *w = instance_worker(r->parts.sink);
		const struct metric_label labels[] = {
		    {"sink", text_of(instance_name(r->parts.sink))}, {"code", key},
		    {NULL, TEXT_NONE}};
		c = remember(&r->attempts_by_code, key,
		    metrics_cell_bounded(worker_metrics(w), worker_index(w), METRIC_COUNTER,
			"onceway_sink_attempts_total", "Attempts of a sink by result.",
			labels));
	}
	metric_add(c->cell, 1);
}

void route_count_label(struct route *r, struct ow_text label)
{
	if (!label.data)
		return;
	label = bounded(&r->labels, label);
	struct counted *c = map_get(&r->labels, label);
	if (!c) {
		struct worker *w = instance_worker(r->parts.store);
		const struct metric_label labels[] = {
		    {"route", text_of(r->parts.name)}, {"label", label}, {NULL, TEXT_NONE}};
		c = remember(&r->labels, label,
		    metrics_cell_bounded(worker_metrics(w), worker_index(w), METRIC_COUNTER,
			"onceway_duplicates_by_label_total",
			"Duplicates by the vendor's label, such as a trigger id.", labels));
	}
	metric_add(c->cell, 1);
}
