#include "route/copies.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "plugin/event.h"
#include "route/engine.h"

struct target {
	struct ow_instance *instance;
	const struct ow_sink_ops *ops;
	int64_t limit_ms;
	struct metric_cell *sent, *failed, *dropped;
	struct counted codes;
};

struct copies {
	const char *route;
	struct target *targets;
	size_t count;
	int64_t max, under_way;
	bool aborted;
	struct list open; /* of struct copy */
};

struct copy {
	struct list link;
	struct copies *copies;
	struct target *target;
	struct engine *engine;
	struct ow_event *event; /* our reference */
	char *key;
	struct ow_attempt attempt; /* the sink borrows it */
	struct ow_op op;
};

static struct metric_cell *cell(
    const char *route, const struct ow_instance *sink, const char *outcome)
{
	struct worker *w = instance_worker(sink);
	const struct metric_label labels[] = {{"route", text_of(route)},
	    {"sink", text_of(instance_name(sink))}, {"outcome", text_of(outcome)},
	    {NULL, TEXT_NONE}};
	return metrics_cell(worker_metrics(w), worker_index(w), METRIC_COUNTER,
	    "onceway_copies_total", "Best-effort copies (`also`) by what became of them.",
	    labels);
}

static void target_init(struct target *t, const char *route, const struct copy_sink *sink)
{
	t->instance = sink->instance;
	t->ops = &instance_ops(sink->instance)->sink;
	t->limit_ms = sink->limit_ms;
	t->sent = cell(route, sink->instance, "sent");
	t->failed = cell(route, sink->instance, "failed");
	t->dropped = cell(route, sink->instance, "dropped");
	t->codes = sink_attempts(sink->instance);
}

struct copies *copies_new(
    const char *route, const struct copy_sink *sinks, size_t count, int64_t max)
{
	struct copies *c = mem_zero(sizeof(*c));
	c->route = route;
	c->targets = mem_array(count, sizeof(*c->targets));
	c->count = count;
	c->max = max;
	list_init(&c->open);
	for (size_t i = 0; i < count; i++)
		target_init(&c->targets[i], route, &sinks[i]);
	return c;
}

void copies_free(struct copies *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		counted_fini(&c->targets[i].codes);
	free(c->targets);
	free(c);
}

static void log_failed(const struct copy *copy)
{
	char who[80];
	const struct log_field fields[] = {{"trace", text_of(event_get_trace(copy->event))},
	    {"sink", text_of(instance_name(copy->target->instance))}, {NULL, TEXT_NONE}};
	snprintf(who, sizeof(who), "route %s", copy->copies->route);
	log_write(OW_LOG_WARNING, who, fields, "a copy was not accepted: %s", copy->op.why);
}

static void copy_done(struct ow_op *op, void *arg)
{
	struct copy *copy = arg;
	counted_add(&copy->target->codes, text_of(op->code));
	metric_add(op->rc == OW_OK ? copy->target->sent : copy->target->failed, 1);
	if (op->rc != OW_OK)
		log_failed(copy);
	list_remove(&copy->link);
	copy->copies->under_way--;
	engine_unhold(copy->engine);
	event_release(copy->event);
	op_fini(&copy->op);
	free(copy->key);
	free(copy);
}

static void send_one(struct copies *c, struct target *t, struct engine *engine,
    struct ow_event *event, struct ow_text key)
{
	struct copy *copy = mem_zero(sizeof(*copy));
	list_init(&copy->link);
	list_append(&c->open, &copy->link);
	c->under_way++;
	copy->copies = c;
	copy->target = t;
	copy->engine = engine;
	copy->event = event_reference(event);
	copy->key = mem_string_of(key.data, key.len);
	copy->attempt = (struct ow_attempt){.size = sizeof(copy->attempt),
	    .number = 1,
	    .key = text_span(copy->key, key.len),
	    .traceparent = event_get_traceparent(event),
	    .limit_ms = t->limit_ms};
	op_init(&copy->op);
	engine_hold(engine);
	op_begin(&copy->op, OP_DELIVER, t->instance, copy_done, copy);
	t->ops->deliver(instance_state(t->instance), &copy->op, copy->event, &copy->attempt);
	op_limit(&copy->op, t->limit_ms);
}

void copies_send(
    struct copies *c, struct engine *engine, struct ow_event *event, struct ow_text key)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->aborted || c->under_way >= c->max)
			metric_add(c->targets[i].dropped, 1);
		else
			send_one(c, &c->targets[i], engine, event, key);
	}
}

void copies_abort(struct copies *c)
{
	if (!c)
		return;
	c->aborted = true;
	/* Those that finish in the call leave the list only from the worker's queue. */
	list_each(&c->open, link) op_cancel(&list_entry(link, struct copy, link)->op);
}
