#include "daemon/capacity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/processors.h"

#define WORKERS_MAX 64

/*
 * Descriptors that are not a listener's connections: those of the process
 * itself, the admin address and its clients, and of each worker its loop, its
 * listening sockets, and its connections to sinks and stores.
 */
#define FILES_OF_PROCESS 128
#define FILES_OF_WORKER	 64

unsigned capacity_workers(const struct process_settings *process, char *why)
{
	if (process->workers != WORKERS_AUTO)
		return (unsigned)process->workers;
	struct processors p = processors_find("");
	unsigned count = p.usable < WORKERS_MAX ? p.usable : WORKERS_MAX;
	int len = snprintf(why, CAPACITY_WHY_SIZE, "%u (auto: %u processor%s allowed, ", count,
	    p.allowed, p.allowed == 1 ? "" : "s");
	size_t room = CAPACITY_WHY_SIZE - (size_t)len;
	if (p.quota > 0)
		snprintf(why + len, room, "control group's quota %u)", p.quota);
	else
		snprintf(why + len, room, "no control group's quota)");
	return count;
}

/* As many files as the system lets us have: each connection is one. */
static int64_t raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return INT64_MAX;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t before = limit.rlim_cur;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			limit.rlim_cur = before;
	}
	return limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}

static int64_t share_of(int64_t wanted, int64_t wanted_by_all, int64_t room)
{
	if (wanted_by_all <= room)
		return wanted;
	/* Both are at most 64 million: their product fits. */
	int64_t share = room > 0 ? wanted * room / wanted_by_all : 0;
	return share > 0 ? share : 1;
}

struct listener_share *capacity_listeners(const struct settings *settings, unsigned workers)
{
	int64_t wanted = 0, files = raise_file_limit();
	int64_t others = FILES_OF_PROCESS + (int64_t)workers * FILES_OF_WORKER;
	size_t count = 0;
	for (const struct listener_settings *l = settings->listeners; l; l = l->next, count++)
		wanted += l->max_connections;
	struct listener_share *shares = mem_zero((count + 1) * sizeof(*shares)), *s = shares;
	for (const struct listener_settings *l = settings->listeners; l; l = l->next, s++) {
		s->settings = l;
		s->max_connections = share_of(l->max_connections, wanted, files - others);
		if (s->max_connections < l->max_connections)
			log_warning("core",
			    "listener `%s` takes %" PRId64 " connections, not %" PRId64
			    " (max_connections): this process may have %" PRId64
			    " open files and needs %" PRId64
			    "; raise the limit (ulimit -n, LimitNOFILE= in systemd) or lower "
			    "max_connections",
			    l->name, s->max_connections, l->max_connections, files,
			    wanted + others);
	}
	return shares;
}
