/* One process for each state directory. */
#include "spool/state_lock.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/spool.h"
#include "tests/unit/main.h"

static char directory[64];

static void start(void)
{
	snprintf(directory, sizeof(directory), "/tmp/onceway-lock-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void stop(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(another_process_is_refused_and_told_which_has_it)
{
	char why[SPOOL_WHY_SIZE], pid_text[32];
	long pid;
	ck_assert(!state_lock_is_held(directory, &pid));
	int lock = state_lock_take(directory, why);
	ck_assert_int_ge(lock, 0);
	ck_assert(state_lock_is_held(directory, &pid));
	ck_assert_int_eq(pid, getpid());
	/* A lock is of one open file: the same process stands for another. */
	ck_assert_int_lt(state_lock_take(directory, why), 0);
	snprintf(pid_text, sizeof(pid_text), "(pid %ld)", (long)getpid());
	ck_assert_ptr_nonnull(strstr(why, pid_text));
	ck_assert_ptr_nonnull(strstr(why, directory));
	state_lock_release(lock);
	ck_assert(!state_lock_is_held(directory, &pid));
	lock = state_lock_take(directory, why);
	ck_assert_int_ge(lock, 0);
	state_lock_release(lock);
	state_lock_release(-1);
}
END_TEST

START_TEST(a_killed_process_lets_go)
{
	char why[SPOOL_WHY_SIZE], byte;
	int ready[2], status;
	long pid;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		if (state_lock_take(directory, why) >= 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert(state_lock_is_held(directory, &pid));
	ck_assert_int_eq(pid, child);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	int lock = state_lock_take(directory, why);
	ck_assert_int_ge(lock, 0);
	state_lock_release(lock);
	close(ready[0]);
}
END_TEST

static void *look(void *arg)
{
	long pid;
	(void)arg;
	for (int i = 0; i < 20000; i++)
		state_lock_is_held(directory, &pid);
	return NULL;
}

/* Whoever looks has it for a moment, which must not turn a daemon away. */
START_TEST(looking_does_no_harm)
{
	char why[SPOOL_WHY_SIZE] = "";
	pthread_t thread;
	int lock = state_lock_take(directory, why);
	state_lock_release(lock);
	ck_assert_int_eq(pthread_create(&thread, NULL, look, NULL), 0);
	for (int i = 0; i < 200; i++) {
		lock = state_lock_take(directory, why);
		ck_assert_msg(lock >= 0, "%s", why);
		state_lock_release(lock);
	}
	pthread_join(thread, NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("spool/state_lock");
	TCase *t = tcase_create("state_lock");
	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, another_process_is_refused_and_told_which_has_it);
	tcase_add_test(t, a_killed_process_lets_go);
	tcase_add_test(t, looking_does_no_harm);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
