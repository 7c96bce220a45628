/* What the spool counts. Each cell is the writer's thread's alone. */
#ifndef SPOOL_SPOOL_METRICS_H
#define SPOOL_SPOOL_METRICS_H

#include "base/metrics.h"

struct spool_metrics {
	struct metric_cell *events, *bytes, *dead; /* what is there */
	struct metric_cell *dropped;		   /* dead letters, by a limit */
	struct metric_cell *seconds;		   /* from asking to the disk */
	struct metric_cell *batch;		   /* requests in one transaction */
	struct metric_cell *errors;		   /* requests that failed */
};

void spool_metrics_init(struct spool_metrics *to, struct metrics *m, unsigned index);

#endif
