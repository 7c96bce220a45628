#include "daemon/process_metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/version.h"

static void publish(struct metrics *m, unsigned writer, enum metric_type type,
    const char *family, const char *help, int64_t value)
{
	metric_set(metrics_cell(m, writer, type, family, help, NULL), value);
}

static int64_t resident_bytes(void)
{
	char line[128] = "";
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f)
		return 0;
	/* "total resident ...", in pages */
	const char *resident = fgets(line, sizeof(line), f) ? strchr(line, ' ') : NULL;
	fclose(f);
	return resident ? strtoll(resident, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

static int64_t open_files(void)
{
	int64_t count = -1; /* the directory's own */
	DIR *d = opendir("/proc/self/fd");
	if (!d)
		return 0;
	while (readdir(d))
		count++;
	closedir(d);
	return count - 2; /* . and .. */
}

static int64_t cpu_seconds(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000000;
}

/* Of the first publishing, which is close enough to the start. */
static int64_t start_seconds(void)
{
	static time_t started;
	if (!started)
		started = time(NULL);
	return (int64_t)started;
}

void process_metrics_publish(struct metrics *m, unsigned writer)
{
	const struct metric_label version[] = {
	    {"version", text_of(ONCEWAY_VERSION)}, {NULL, TEXT_NONE}};
	struct rlimit files = {0};
	getrlimit(RLIMIT_NOFILE, &files);
	metric_set(metrics_cell(m, writer, METRIC_GAUGE, "onceway_build_info",
		       "Always 1; the label tells the version.", version),
	    1);
	publish(m, writer, METRIC_COUNTER, "process_cpu_seconds_total",
	    "CPU time used, whole seconds.", cpu_seconds());
	publish(m, writer, METRIC_GAUGE, "process_resident_memory_bytes", "Resident memory.",
	    resident_bytes());
	publish(m, writer, METRIC_GAUGE, "process_open_fds", "Open file descriptors.",
	    open_files());
	publish(m, writer, METRIC_GAUGE, "process_max_fds", "File descriptors there may be.",
	    (int64_t)files.rlim_cur);
	publish(m, writer, METRIC_GAUGE, "process_start_time_seconds",
	    "When the process started, seconds since 1970.", start_seconds());
}
