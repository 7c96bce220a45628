#include "route/route.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/digest.h"
#include "route/early.h"

const char *outcome_name(enum ow_outcome outcome)
{
	static const char *const names[OW_ACCEPTED + 1] = {[OW_DELIVERED] = "delivered",
	    [OW_DUPLICATE] = "duplicate",
	    [OW_INVALID] = "invalid",
	    [OW_FAILED] = "failed",
	    [OW_REJECTED] = "rejected",
	    [OW_UNROUTED] = "unrouted",
	    [OW_PASSED] = "passed",
	    [OW_MISMATCH] = "mismatch",
	    [OW_MISSING_KEY] = "missing_key",
	    [OW_UNSURE] = "unknown",
	    [OW_ACCEPTED] = "accepted"};
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

/* What a dry run may have to count. */
static void make_observed_cells(struct route *r)
{
	static const enum ow_outcome outcomes[] = {
	    OW_DUPLICATE, OW_INVALID, OW_REJECTED, OW_MISMATCH, OW_MISSING_KEY};
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		r->observed[outcomes[i]] = cell(r, METRIC_COUNTER, "onceway_observed_total",
		    "What would have become of events that a dry run (`observe`) delivered.",
		    "outcome", outcome_name(outcomes[i]));
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
	if (r->parts.policy->observe)
		make_observed_cells(r);
}

struct route *route_new(const struct route_parts *parts)
{
	const struct route_policy *policy = parts->policy;
	struct route *r = mem_zero(sizeof(*r));
	r->parts = *parts;
	if (parts->match)
		r->matcher =
		    matcher_new(parts->match, worker_pointers(instance_worker(parts->store)));
	r->keyer = &instance_ops(parts->keyer)->keyer;
	r->sink = &instance_ops(parts->sink)->sink;
	r->window_ms = policy->window_ms ? policy->window_ms : r->keyer->window_ms;
	stores_init(&r->stores, parts->name, parts->store, parts->fallback);
	if (parts->also_count > 0)
		r->copies = copies_new(
		    parts->name, parts->also, parts->also_count, policy->max_inflight);
	if (policy->on_mismatch != ON_MISMATCH_IGNORE)
		r->digester = digester_new();
	if (policy->answer_within_ms > 0)
		r->early = early_new(instance_worker(parts->store), policy->answer_within_ms);
	r->keeps = policy->ack == ACK_ACCEPTED || policy->answer_within_ms > 0 ||
		   policy->dead_letter == DEAD_LETTER_TRUE ||
		   policy->on_missing == ON_MISSING_DEAD_LETTER ||
		   policy->on_unknown == ON_UNKNOWN_HOLD;
	r->attempts = sink_attempts(parts->sink);
	r->labels = (struct counted){.worker = instance_worker(parts->store),
	    .family = "onceway_duplicates_by_label_total",
	    .help = "Duplicates by the vendor's label, such as a trigger id.",
	    .owner = "route",
	    .owner_name = parts->name,
	    .label = "label"};
	make_cells(r);
	return r;
}

void route_free(struct route *r)
{
	if (!r)
		return;
	matcher_free(r->matcher);
	early_free(r->early);
	counted_fini(&r->attempts);
	counted_fini(&r->labels);
	copies_free(r->copies);
	digester_free(r->digester);
	stores_fini(&r->stores);
	free(r);
}

size_t route_room(const struct route *r)
{
	int64_t max = r->parts.policy->max_inflight;
	int64_t left = max - (int64_t)r->inflight;
	int64_t share = max - max / 4 - (int64_t)r->resumed;
	if (share < left)
		left = share;
	return left > 0 ? (size_t)left : 0;
}

void route_count_attempt(struct route *r, const char *code)
{
	counted_add(&r->attempts, text_of(code));
}

void route_count_label(struct route *r, struct ow_text label)
{
	if (label.data)
		counted_add(&r->labels, label);
}
