/*
 * What the machine lets the process have: processors for the workers, file
 * descriptors for the connections of the listeners.
 */
#ifndef DAEMON_CAPACITY_H
#define DAEMON_CAPACITY_H

#include <stdatomic.h>

#include "daemon/settings.h"

#define WORKERS_AUTO OW_WORD(0)

/*
 * How many workers to run. If that is found out, why says how: "2 (auto: ...)";
 * it has CAPACITY_WHY_SIZE bytes.
 */
#define CAPACITY_WHY_SIZE 160
unsigned capacity_workers(const struct process_settings *process, char *why);

/* What the workers' parts of one listener share. */
struct listener_share {
	const struct listener_settings *settings; /* NULL ends an array of them */
	_Atomic int64_t open;			  /* connections, of all workers together */
	int64_t max_connections; /* as configured, or what there are descriptors for */
};

/*
 * One for each listener; owned, free() it. Raises the limit of open files as
 * far as that goes. If it is too low all the same, the listeners get what
 * leaves enough for the sinks and stores, and a warning says so: a flood of
 * connections must not keep events from being delivered.
 */
struct listener_share *capacity_listeners(const struct settings *settings, unsigned workers);

#endif
