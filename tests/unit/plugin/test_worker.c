/* Tasks in order, work from other threads, objects that workers share. */
#include "plugin/worker.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plugin/host.h"
#include "tests/unit/main.h"
#include "tests/unit/plugin/fixture.h"

/* ---- tasks ---- */

struct numbered {
	struct task task;
	int number;
	struct numbered *then, *stop; /* queued, cancelled when this one runs */
};

static int order[32];
static size_t ran;

static void run(struct task *task)
{
	struct numbered *n = list_entry(task, struct numbered, task);
	ck_assert(!task_waiting(task));
	ck_assert_uint_lt(ran, sizeof(order) / sizeof(order[0]));
	order[ran++] = n->number;
	if (n->then)
		worker_later(fixture.worker, &n->then->task);
	if (n->stop)
		task_cancel(&n->stop->task);
}

static struct numbered tasks[4];

static void start(void)
{
	fixture_start();
	ran = 0;
	for (int i = 0; i < 4; i++) {
		tasks[i] = (struct numbered){.number = i};
		task_init(&tasks[i].task, run);
	}
}

static void check_order(size_t count, const int *expected)
{
	fixture_spin();
	ck_assert_uint_eq(ran, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(order[i], expected[i]);
}

START_TEST(tasks_run_later_in_their_order)
{
	for (int i = 0; i < 4; i++)
		worker_later(fixture.worker, &tasks[i].task);
	ck_assert_uint_eq(ran, 0);
	ck_assert(task_waiting(&tasks[0].task));
	check_order(4, (const int[]){0, 1, 2, 3});
}
END_TEST

START_TEST(a_task_waits_once)
{
	worker_later(fixture.worker, &tasks[0].task);
	worker_later(fixture.worker, &tasks[1].task);
	worker_later(fixture.worker, &tasks[0].task);
	check_order(2, (const int[]){0, 1});
	worker_later(fixture.worker, &tasks[0].task);
	check_order(3, (const int[]){0, 1, 0});
}
END_TEST

START_TEST(a_cancelled_task_does_not_run)
{
	worker_later(fixture.worker, &tasks[0].task);
	worker_later(fixture.worker, &tasks[1].task);
	task_cancel(&tasks[0].task);
	ck_assert(!task_waiting(&tasks[0].task));
	task_cancel(&tasks[0].task);
	check_order(1, (const int[]){1});
	/* Nor when the only one is cancelled, and the queue works on. */
	worker_later(fixture.worker, &tasks[2].task);
	task_cancel(&tasks[2].task);
	check_order(1, (const int[]){1});
	worker_later(fixture.worker, &tasks[3].task);
	check_order(2, (const int[]){1, 3});
}
END_TEST

START_TEST(tasks_may_queue_and_cancel_others)
{
	tasks[0].then = &tasks[3];
	tasks[0].stop = &tasks[1];
	for (int i = 0; i < 3; i++)
		worker_later(fixture.worker, &tasks[i].task);
	check_order(3, (const int[]){0, 2, 3});
}
END_TEST

static void run_for_ever(struct task *task)
{
	worker_later(fixture.worker, task);
	ran++;
}

static void stop_loop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	task_cancel(arg);
	worker_stop(fixture.worker);
}

/* Tasks that make tasks must leave sockets and timers their turn. */
START_TEST(tasks_starve_nobody)
{
	struct task task;
	struct timeval soon = {.tv_usec = 1000};
	task_init(&task, run_for_ever);
	struct event *timer = event_new(worker_base(fixture.worker), -1, 0, stop_loop, &task);
	event_add(timer, &soon);
	worker_later(fixture.worker, &task);
	worker_run(fixture.worker);
	ck_assert_uint_gt(ran, 0);
	event_free(timer);
}
END_TEST

/* ---- other threads ---- */

#define POSTS	5000
#define THREADS 4

struct poster {
	pthread_t thread;
	int number;
};

struct post {
	int thread, number;
};

static int next_of[THREADS];
static int received;
static pthread_t loop_thread;

static void receive(void *arg)
{
	struct post *p = arg;
	ck_assert(pthread_equal(pthread_self(), loop_thread));
	ck_assert_int_eq(p->number, next_of[p->thread]++);
	free(p);
	if (++received == POSTS * THREADS)
		worker_stop(fixture.worker);
}

static void *post_all(void *arg)
{
	struct poster *poster = arg;
	for (int i = 0; i < POSTS; i++) {
		struct post p = {poster->number, i};
		if (i % 2)
			worker_post(fixture.worker, receive, mem_copy(&p, sizeof(p)));
		else
			fixture.host->post(fixture.sink, receive, mem_copy(&p, sizeof(p)));
	}
	return NULL;
}

START_TEST(posts_of_other_threads_arrive_in_each_one_s_order)
{
	struct poster posters[THREADS];
	loop_thread = pthread_self();
	received = 0;
	memset(next_of, 0, sizeof(next_of));
	for (int i = 0; i < THREADS; i++) {
		posters[i].number = i;
		ck_assert_int_eq(
		    pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
	}
	worker_run(fixture.worker);
	for (int i = 0; i < THREADS; i++)
		pthread_join(posters[i].thread, NULL);
	ck_assert_int_eq(received, POSTS * THREADS);
}
END_TEST

static void post_again(void *arg)
{
	int *left = arg;
	if (--*left > 0)
		worker_post(fixture.worker, post_again, arg);
}

START_TEST(a_post_may_post_again)
{
	int left = 10;
	worker_post(fixture.worker, post_again, &left);
	ck_assert_int_eq(left, 10);
	fixture_until(left == 0);
}
END_TEST

/* A worker that ends before it gets to them forgets them, and frees what is its own. */
START_TEST(posts_that_come_too_late)
{
	struct worker *w = worker_new(0, &fixture.common);
	int left = 10;
	worker_post(w, post_again, &left);
	worker_post(w, post_again, &left);
	worker_free(w);
	worker_free(NULL);
	ck_assert_int_eq(left, 10);
}
END_TEST

START_TEST(workers_have_numbers_and_randomness_of_their_own)
{
	struct worker *w = worker_new(0, &fixture.common);
	unsigned char a[16], b[16];
	ck_assert_uint_eq(worker_index(w), 0);
	ck_assert_ptr_ne(worker_base(w), worker_base(fixture.worker));
	ck_assert_ptr_ne(worker_pointers(w), worker_pointers(fixture.worker));
	random_fill(worker_random(w), a, sizeof(a));
	random_fill(worker_random(fixture.worker), b, sizeof(b));
	ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
	ck_assert_ptr_null(worker_listener(w, "none"));
	worker_free(w);
}
END_TEST

/* ---- shared objects ---- */

static int made, freed;

static void *make(void *arg)
{
	made++;
	return arg;
}

static void count_free(void *object)
{
	ck_assert_ptr_nonnull(object);
	freed++;
}

START_TEST(a_shared_object_is_made_once_and_freed_with_the_last)
{
	struct shared_objects *s = fixture.common.shared;
	int object, other;
	made = freed = 0;
	ck_assert_ptr_eq(shared_objects_get(s, "store a", make, &object, count_free), &object);
	ck_assert_ptr_eq(shared_objects_get(s, "store a", make, &other, count_free), &object);
	ck_assert_ptr_eq(shared_objects_get(s, "store b", make, &other, count_free), &other);
	ck_assert_int_eq(made, 2);
	shared_objects_release(s, "store a");
	ck_assert_int_eq(freed, 0);
	shared_objects_release(s, "store a");
	ck_assert_int_eq(freed, 1);
	ck_assert_ptr_eq(shared_objects_get(s, "store a", make, &other, count_free), &other);
	shared_objects_release(s, "store a");
	shared_objects_release(s, "store b");
	ck_assert_int_eq(freed, 3);
	ck_assert_ptr_null(shared_objects_get(s, "store c", make, NULL, count_free));
	shared_objects_release(s, "store c"); /* was never made */
	ck_assert_int_eq(freed, 3);
}
END_TEST

/* The instances of one configured component on all workers share; others do not. */
START_TEST(instances_share_by_kind_and_name)
{
	const struct component *stores = fixture_component(OW_STORE);
	int object, other;
	made = freed = 0;
	struct ow_instance *a = fixture_instance(stores, "main");
	struct ow_instance *b = fixture_instance(stores, "main");
	struct ow_instance *c = fixture_instance(stores, "second");
	struct ow_instance *d = fixture_instance(fixture_component(OW_SINK), "main");
	ck_assert_ptr_eq(fixture.host->shared(a, make, &object, count_free), &object);
	ck_assert_ptr_eq(fixture.host->shared(b, make, &other, count_free), &object);
	ck_assert_ptr_eq(fixture.host->shared(b, make, &other, count_free), &object);
	ck_assert_ptr_eq(fixture.host->shared(c, make, &other, count_free), &other);
	ck_assert_ptr_eq(fixture.host->shared(d, make, &other, count_free), &other);
	instance_free(a);
	ck_assert_int_eq(freed, 0);
	instance_free(b);
	ck_assert_int_eq(freed, 1);
	instance_free(c);
	instance_free(d);
	ck_assert_int_eq(freed, 3);
	ck_assert_int_eq(made, 3);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("plugin/worker");
	TCase *t = tcase_create("worker");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, fixture_stop);
	tcase_add_test(t, tasks_run_later_in_their_order);
	tcase_add_test(t, a_task_waits_once);
	tcase_add_test(t, a_cancelled_task_does_not_run);
	tcase_add_test(t, tasks_may_queue_and_cancel_others);
	tcase_add_test(t, tasks_starve_nobody);
	tcase_add_test(t, posts_of_other_threads_arrive_in_each_one_s_order);
	tcase_add_test(t, a_post_may_post_again);
	tcase_add_test(t, posts_that_come_too_late);
	tcase_add_test(t, workers_have_numbers_and_randomness_of_their_own);
	tcase_add_test(t, a_shared_object_is_made_once_and_freed_with_the_last);
	tcase_add_test(t, instances_share_by_kind_and_name);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
