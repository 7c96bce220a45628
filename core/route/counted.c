#include "route/counted.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

/* A longer text is counted as "other": an outsider chooses it, and each one is kept. */
#define COUNTED_TEXT_MAX 128

struct entry {
	char *text;
	struct metric_cell *cell;
};

/* The text itself, or "other" when it is too long or too many are there already. */
static struct ow_text bounded(const struct counted *c, struct ow_text text)
{
	bool room = c->entries.count < METRIC_SERIES_MAX || map_get(&c->entries, text);
	return room && text.len <= COUNTED_TEXT_MAX ? text : text_of("other");
}

static struct entry *add(struct counted *c, struct ow_text text)
{
	const struct metric_label labels[] = {
	    {c->owner, text_of(c->owner_name)}, {c->label, text}, {NULL, TEXT_NONE}};
	struct entry *e = mem_zero(sizeof(*e));
	e->text = mem_string_of(text.data, text.len);
	e->cell = metrics_cell_bounded(worker_metrics(c->worker), worker_index(c->worker),
	    METRIC_COUNTER, c->family, c->help, labels);
	map_put(&c->entries, text_span(e->text, text.len), e);
	return e;
}

void counted_add(struct counted *c, struct ow_text value)
{
	struct ow_text text = bounded(c, value);
	struct entry *e = map_get(&c->entries, text);
	metric_add((e ? e : add(c, text))->cell, 1);
}

struct counted sink_attempts(struct ow_instance *sink)
{
	return (struct counted){.worker = instance_worker(sink),
	    .family = "onceway_sink_attempts_total",
	    .help = "Attempts of a sink by result.",
	    .owner = "sink",
	    .owner_name = instance_name(sink),
	    .label = "code"};
}

void counted_fini(struct counted *c)
{
	struct entry *e;
	for (size_t at = 0; (e = map_next(&c->entries, &at));) {
		free(e->text);
		free(e);
	}
	map_free(&c->entries);
}
