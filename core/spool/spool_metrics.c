#include "spool/spool_metrics.h"

void spool_metrics_init(struct spool_metrics *to, struct metrics *m, unsigned index)
{
	to->events = metrics_cell(m, index, METRIC_GAUGE, "onceway_spool_events",
	    "Acknowledged events on disk that are not delivered yet.", NULL);
	to->bytes = metrics_cell(m, index, METRIC_GAUGE, "onceway_spool_bytes",
	    "Bytes of these events; the limit is onceway.spool.max_size.", NULL);
	to->dead = metrics_cell(m, index, METRIC_GAUGE, "onceway_dead_letters",
	    "Events on disk that could not be delivered.", NULL);
	to->dropped =
	    metrics_cell(m, index, METRIC_COUNTER, "onceway_dead_letters_dropped_total",
		"Dead letters dropped by onceway.dead_letters.max_size or max_age.", NULL);
	to->seconds = metrics_cell(m, index, METRIC_HISTOGRAM, "onceway_spool_seconds",
	    "From handing an event to the spool until it is on disk.", NULL);
	to->batch = metrics_cell(m, index, METRIC_SIZES, "onceway_spool_batch",
	    "Changes written with one wait for the disk.", NULL);
	to->errors = metrics_cell(m, index, METRIC_COUNTER, "onceway_spool_errors_total",
	    "Changes that could not be written: spool or disk full, disk or file damaged.",
	    NULL);
}
