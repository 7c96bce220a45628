/* Metrics of the process itself, by the names Prometheus clients share. */
#ifndef DAEMON_PROCESS_METRICS_H
#define DAEMON_PROCESS_METRICS_H

#include "base/metrics.h"

/* Reads them afresh. `writer`: the calling thread's index. */
void process_metrics_publish(struct metrics *m, unsigned writer);

#endif
