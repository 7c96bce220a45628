#include "base/processors.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define LINE_SIZE 4352 /* PATH_MAX and a few words */

static bool read_line(const char *path, char *line)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	bool got = fgets(line, LINE_SIZE, f) != NULL;
	fclose(f);
	line[got ? strcspn(line, "\n") : 0] = '\0';
	return got;
}

static int64_t number_in(const char *directory, const char *name)
{
	char line[LINE_SIZE];
	struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%s", directory, name);
	bool got = read_line(path.data, line);
	buf_free(&path);
	return got ? strtoll(line, NULL, 10) : -1;
}

/* Version 2: "QUOTA PERIOD" or "max PERIOD". Version 1: a file each, quota -1 for none. */
static void read_quota(const char *directory, int64_t *quota, int64_t *period)
{
	char line[LINE_SIZE], *end;
	struct buf path = BUF_INIT;
	buf_printf(&path, "%s/cpu.max", directory);
	if (read_line(path.data, line)) {
		*quota = strtoll(line, &end, 10);
		*period = strtoll(end, NULL, 10);
	} else {
		*quota = number_in(directory, "cpu.cfs_quota_us");
		*period = number_in(directory, "cpu.cfs_period_us");
	}
	buf_free(&path);
}

static void note_quota(struct processors *p, const char *directory)
{
	int64_t quota, period;
	read_quota(directory, &quota, &period);
	if (quota <= 0 || period <= 0)
		return;
	int64_t count = quota / period + (quota % period != 0);
	unsigned n = count < UINT_MAX ? (unsigned)count : UINT_MAX;
	if (p->quota == 0 || n < p->quota)
		p->quota = n;
}

/*
 * A group, and all that it is in: the strictest counts. In a container the
 * group's path may be that of the machine around it, of which only the end of
 * this way, the root, is there.
 */
static void note_group(struct processors *p, const char *mount, const char *group)
{
	struct buf at = BUF_INIT;
	size_t least = strlen(mount);
	buf_printf(&at, "%s%s", mount, strcmp(group, "/") == 0 ? "" : group);
	note_quota(p, at.data);
	while (at.len > least) {
		char *slash = strrchr(at.data, '/');
		*slash = '\0';
		at.len = (size_t)(slash - at.data);
		note_quota(p, at.data);
	}
	buf_free(&at);
}

/* Whether `cpu` is in "cpu,cpuacct". */
static bool has_cpu(const char *controllers)
{
	for (const char *at = controllers; *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == 3 && strncmp(at, "cpu", 3) == 0)
			return true;
	return false;
}

/* One line of /proc/self/cgroup: "0::/group", or "4:cpu,cpuacct:/group" of version 1. */
static void note_line(struct processors *p, const char *root, char *line)
{
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!group)
		return;
	*group++ = '\0';
	controllers++;
	group[strcspn(group, "\n")] = '\0';
	if (controllers[0] != '\0' && !has_cpu(controllers))
		return;
	struct buf mount = BUF_INIT;
	buf_printf(
	    &mount, "%s/sys/fs/cgroup%s%s", root, controllers[0] ? "/" : "", controllers);
	note_group(p, mount.data, group);
	buf_free(&mount);
}

static void find_quota(struct processors *p, const char *root)
{
	char line[LINE_SIZE];
	struct buf path = BUF_INIT;
	buf_printf(&path, "%s/proc/self/cgroup", root);
	FILE *f = fopen(path.data, "re");
	while (f && fgets(line, sizeof(line), f))
		note_line(p, root, line);
	if (f)
		fclose(f);
	buf_free(&path);
}

/* The kernel wants a set as large as its own, which a fixed one may not be. */
static unsigned count_allowed(void)
{
	for (size_t size = CPU_SETSIZE; size <= (size_t)64 * CPU_SETSIZE; size *= 2) {
		cpu_set_t *set = CPU_ALLOC(size);
		size_t bytes = CPU_ALLOC_SIZE(size);
		bool got = set && sched_getaffinity(0, bytes, set) == 0;
		int count = got ? CPU_COUNT_S(bytes, set) : 0;
		CPU_FREE(set);
		if (count > 0)
			return (unsigned)count;
	}
	return 1;
}

struct processors processors_find(const char *root)
{
	struct processors p = {.allowed = count_allowed()};
	find_quota(&p, root);
	p.usable = p.quota > 0 && p.quota < p.allowed ? p.quota : p.allowed;
	return p;
}
