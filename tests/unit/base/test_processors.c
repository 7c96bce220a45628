/* Processors: a made-up /proc and /sys, since the machine's own say nothing certain. */
#include "base/processors.h"

#include "tests/unit/main.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

static char root[64];

static void put(const char *path, const char *text)
{
	struct buf b = BUF_INIT;
	buf_printf(&b, "%s%s", root, path);
	for (char *slash = b.data + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(b.data, 0700);
		*slash = '/';
	}
	FILE *f = fopen(b.data, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	buf_free(&b);
}

static unsigned quota(void)
{
	return processors_find(root).quota;
}

static void setup(void)
{
	strcpy(root, "/tmp/onceway-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void teardown(void)
{
	struct buf b = BUF_INIT;
	buf_printf(&b, "rm -rf %s", root);
	ck_assert_int_eq(system(b.data), 0);
	buf_free(&b);
}

START_TEST(those_of_the_affinity)
{
	cpu_set_t one;
	unsigned all = processors_find(root).allowed;
	ck_assert_uint_ge(all, 1);
	ck_assert_uint_eq(processors_find(root).usable, all);
	ck_assert_uint_eq(quota(), 0);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(one), &one), 0);
	for (size_t i = 0, seen = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &one) && seen++)
			CPU_CLR(i, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	ck_assert_uint_eq(processors_find(root).allowed, 1);
}
END_TEST

START_TEST(quota_of_version_2)
{
	put("/proc/self/cgroup", "0::/a/b\n");
	ck_assert_uint_eq(quota(), 0);
	put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	ck_assert_uint_eq(quota(), 0);
	put("/sys/fs/cgroup/a/b/cpu.max", "300000 100000\n");
	ck_assert_uint_eq(quota(), 3);
	put("/sys/fs/cgroup/a/b/cpu.max", "300001 100000\n");
	ck_assert_uint_eq(quota(), 4);
	put("/sys/fs/cgroup/a/b/cpu.max", "1000 100000\n");
	ck_assert_uint_eq(quota(), 1);
	ck_assert_uint_eq(processors_find(root).usable, 1);
}
END_TEST

START_TEST(a_group_is_bound_by_those_around_it)
{
	put("/proc/self/cgroup", "0::/a/b\n");
	put("/sys/fs/cgroup/a/b/cpu.max", "800000 100000\n");
	put("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
	put("/sys/fs/cgroup/cpu.max", "500000 100000\n");
	ck_assert_uint_eq(quota(), 2);
}
END_TEST

/* A container sees the path its group has outside, and its own group as the root. */
START_TEST(the_root_of_a_container)
{
	put("/proc/self/cgroup", "0::/machine/container\n");
	put("/sys/fs/cgroup/cpu.max", "250000 100000\n");
	ck_assert_uint_eq(quota(), 3);
	put("/proc/self/cgroup", "0::/\n");
	ck_assert_uint_eq(quota(), 3);
}
END_TEST

START_TEST(quota_of_version_1)
{
	put("/proc/self/cgroup", "5:cpuset:/c\n4:cpu,cpuacct:/c\n1:name=systemd:/c\n0::/c\n");
	put("/sys/fs/cgroup/cpuset/c/cpu.cfs_quota_us", "100000\n");
	put("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "50000\n");
	put("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "-1\n");
	ck_assert_uint_eq(quota(), 0);
	put("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "100001\n");
	ck_assert_uint_eq(quota(), 3);
}
END_TEST

/* Whatever stands there, there is at least one processor. */
START_TEST(nonsense)
{
	put("/proc/self/cgroup", "\n:\n::\nx\n0::\n0::nonsense\n0::/a/\n:cpu:\n");
	put("/sys/fs/cgroup/cpu.max", "many 0\n");
	put("/sys/fs/cgroup/a/cpu.max", "");
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "5");
	ck_assert_uint_eq(quota(), 0);
	ck_assert_uint_ge(processors_find(root).usable, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("processors");
	TCase *t = tcase_create("processors");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, those_of_the_affinity);
	tcase_add_test(t, quota_of_version_2);
	tcase_add_test(t, a_group_is_bound_by_those_around_it);
	tcase_add_test(t, the_root_of_a_container);
	tcase_add_test(t, quota_of_version_1);
	tcase_add_test(t, nonsense);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
