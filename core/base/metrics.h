/*
 * Metrics: counters, gauges and histograms, in the Prometheus text format
 * (https://prometheus.io/docs/instrumenting/exposition_formats/, 0.0.4).
 *
 * Every worker has cells of its own, written only on its thread without locks
 * and read by whoever renders; a series' value is the sum over the workers.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"

struct metrics;	    /* the registry, one per process */
struct metric_cell; /* one series on one worker */

enum metric_type {
	METRIC_COUNTER = 1,
	METRIC_GAUGE,
	METRIC_HISTOGRAM, /* of seconds */
	METRIC_SIZES	  /* a histogram of whole numbers: how many in one go */
};

/* A label of a series; names are static. */
struct metric_label {
	const char *name;
	struct ow_text value;
};

/*
 * Series of one family whose last label's values come from outside, and so
 * could be any number; later ones share one with the value "other".
 */
#define METRIC_SERIES_MAX 1000

struct metrics *metrics_new(unsigned workers);
void metrics_free(struct metrics *m);

/*
 * The cell of worker `worker` in a series, which is made if need be. Never
 * NULL; belongs to the registry; lives as long as it. Takes a lock: look cells
 * up once, not per event. labels ends with a NULL name, or is NULL.
 * One family has one help, the first given, and one type: asked for as
 * another, it becomes FAMILY_TYPE.
 */
struct metric_cell *metrics_cell(struct metrics *m, unsigned worker, enum metric_type type,
    const char *family, const char *help, const struct metric_label *labels);
/* The same for label values that come from outside: at most METRIC_SERIES_MAX of them. */
struct metric_cell *metrics_cell_bounded(struct metrics *m, unsigned worker,
    enum metric_type type, const char *family, const char *help,
    const struct metric_label *labels);

/* A gauge that is the same for all workers (build info, store keys): shown as the greatest, not
 * the sum. */
void metrics_family_is_shared(struct metrics *m, const char *family);

void metric_add(struct metric_cell *cell, uint64_t n);	     /* counters */
void metric_set(struct metric_cell *cell, int64_t value);    /* gauges */
void metric_move(struct metric_cell *cell, int64_t change);  /* gauges */
void metric_observe(struct metric_cell *cell, double value); /* histograms, both kinds */
uint64_t metric_value(const struct metric_cell *cell);

/* All families, sorted by name, with HELP and TYPE. */
void metrics_render(struct metrics *m, struct buf *out);
/* Sum over the workers of a series; 0 if there is none. For /status and tests. */
int64_t metrics_total(struct metrics *m, const char *family, const struct metric_label *labels);

#endif
