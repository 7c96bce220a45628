/* Many requests, one wait for the disk; each is called back on its own thread, in order. */
#include <pthread.h>
#include <stdlib.h>

#include "base/text.h"
#include "spool/spool.h"
#include "tests/unit/main.h"
#include "tests/unit/spool/disk.h"
#include "tests/unit/spool/rig.h"

#define MANY 500

static void start(void)
{
	disk_start();
	rig_start();
}

static void stop(void)
{
	rig_stop();
	disk_stop();
}

/* Puts one event, and comes back while its sync lasts. */
static void hold(struct rig_answer *first)
{
	struct spool_event event = rig_event("{}");
	atomic_store(&disk.holds, true);
	spool_put(rig.spool, rig.worker, &event, rig_done, first);
	while (atomic_load(&disk.waiting) == 0)
		rig_turn();
}

static void let_go(void)
{
	atomic_store(&disk.holds, false);
}

static unsigned called;

static void count_in_order(int64_t id, const char *why, void *arg)
{
	ck_assert_ptr_null(why);
	ck_assert_int_gt(id, 0);
	ck_assert_uint_eq(called, (size_t)arg);
	called++;
}

START_TEST(what_comes_while_the_disk_is_busy_waits_for_it_once)
{
	struct rig_answer first = {.came = false};
	struct spool_event event = rig_event("{}");
	called = 0;
	hold(&first);
	for (size_t i = 0; i < MANY; i++)
		spool_put(rig.spool, rig.worker, &event, count_in_order, (void *)(uintptr_t)i);
	/* Nothing is called back before it is on disk. */
	for (int i = 0; i < 20; i++)
		rig_turn();
	ck_assert(!first.came);
	ck_assert_uint_eq(called, 0);
	unsigned before = atomic_load(&disk.syncs);
	let_go();
	rig_until(called == MANY);
	ck_assert_uint_eq(atomic_load(&disk.syncs) - before, 1);
	ck_assert_int_eq(metrics_total(rig.common.metrics, "onceway_spool_batch", NULL), 2);
}
END_TEST

static unsigned kept, refused;

static void count_ends(int64_t id, const char *why, void *arg)
{
	(void)arg;
	if (!why) {
		kept++;
		return;
	}
	ck_assert_str_eq(why, "the disk does not keep up");
	ck_assert_int_eq(id, 0);
	refused++;
}

/* Those who wait give up in time; what they brought must not pile up behind a dead disk. */
START_TEST(what_waits_for_a_disk_that_does_not_move_is_bounded)
{
	enum {
		BODY = 1 << 20,
		PUTS = 80
	};
	struct rig_answer first = {.came = false};
	struct spool_event event = rig_event("{}");
	char *body = calloc(1, BODY);
	event.body = text_span(body, BODY);
	kept = refused = 0;
	rig_close();
	rig.setup.max_bytes = INT64_MAX / 2;
	rig_open();
	hold(&first);
	for (size_t i = 0; i < PUTS; i++)
		spool_put(rig.spool, rig.worker, &event, count_ends, NULL);
	rig_until(refused > 0);
	ck_assert_uint_ge(refused, PUTS - 64);
	ck_assert_uint_le(refused, PUTS - 60);
	let_go();
	rig_until(kept + refused == PUTS);
	/* And it takes in again. */
	spool_put(rig.spool, rig.worker, &event, count_ends, NULL);
	unsigned before = refused;
	rig_until(kept + refused == PUTS + 1);
	ck_assert_uint_eq(refused, before);
	free(body);
}
END_TEST

static void count_taken(const struct spool_event *events, size_t count, void *arg)
{
	(void)events;
	*(size_t *)arg = count;
}

/* Or else it would be delivered by two. */
START_TEST(a_take_leaves_what_is_put_along_with_it)
{
	struct rig_answer first = {.came = false}, second = {.came = false};
	struct spool_event event = rig_event("{}");
	size_t taken = 100;
	hold(&first);
	spool_take(rig.spool, rig.worker, 10, count_taken, &taken);
	spool_put(rig.spool, rig.worker, &event, rig_done, &second);
	let_go();
	rig_until(second.came && taken < 100);
	ck_assert_uint_eq(taken, 0);
}
END_TEST

/* One transaction has an end; so many more go into the next. */
START_TEST(a_batch_is_bounded)
{
	struct rig_answer first = {.came = false};
	struct spool_event event = rig_event("{}");
	called = 0;
	hold(&first);
	for (size_t i = 0; i < 5000; i++)
		spool_put_dead(rig.spool, rig.worker, &event,
		    &(struct spool_death){.reason = text_of("x")}, count_in_order,
		    (void *)(uintptr_t)i);
	let_go();
	rig_until(called == 5000);
	ck_assert_int_eq(metrics_total(rig.common.metrics, "onceway_spool_batch", NULL), 3);
}
END_TEST

/* Nobody waits for a removal: it goes along with the next put, or after a moment. */
START_TEST(removals_cost_no_wait_of_their_own)
{
	struct rig_answer answers[2] = {{.came = false}};
	struct spool_event event = rig_event("{}");
	for (int i = 0; i < 2; i++) {
		spool_put(rig.spool, rig.worker, &event, rig_done, &answers[i]);
		rig_until(answers[i].came);
	}
	unsigned before = atomic_load(&disk.syncs);
	for (int i = 0; i < 2; i++)
		spool_remove(rig.spool, answers[i].id);
	ck_assert_int_gt(rig_put_body("{}"), 0);
	ck_assert_int_eq(spool_count(rig.spool).waiting, 1);
	ck_assert_uint_eq(atomic_load(&disk.syncs) - before, 1);
}
END_TEST

/* What is on its way when the workers have ended is not called back, and not lost. */
START_TEST(closing_does_what_was_asked_for)
{
	struct rig_answer answer = {.came = false};
	struct spool_event event = rig_event("{}");
	int64_t id = rig_put_body("{}");
	for (int i = 0; i < 3; i++)
		spool_put(rig.spool, rig.worker, &event, rig_done, &answer);
	spool_remove(rig.spool, id);
	rig_close();
	ck_assert(!answer.came);
	rig_open();
	ck_assert_int_eq(spool_count(rig.spool).waiting, 3);
}
END_TEST

/* ---- several workers ---- */

#define WORKERS 4
#define ROUNDS	300
#define AT_ONCE 8

struct putter {
	pthread_t thread;
	struct worker *worker;
	int started, ended;
};

static void put_next(struct putter *p);

static void was_put(int64_t id, const char *why, void *arg)
{
	struct putter *p = arg;
	ck_assert(pthread_equal(pthread_self(), p->thread));
	ck_assert_ptr_null(why);
	if (id % 3)
		spool_remove(rig.spool, id);
	else
		spool_defer(rig.spool, id, 1000);
	if (++p->ended == ROUNDS)
		worker_stop(p->worker);
	else if (p->started < ROUNDS)
		put_next(p);
}

static void put_next(struct putter *p)
{
	struct spool_event event = rig_event("{\"some\":\"body\"}");
	p->started++;
	spool_put(rig.spool, p->worker, &event, was_put, p);
}

static void start_putting(void *arg)
{
	struct putter *p = arg;
	for (int i = 0; i < AT_ONCE; i++)
		put_next(p);
}

static void *run_worker(void *arg)
{
	struct putter *p = arg;
	p->thread = pthread_self();
	worker_post(p->worker, start_putting, p);
	worker_run(p->worker);
	return NULL;
}

START_TEST(several_workers_put_at_the_same_time)
{
	struct putter putters[WORKERS] = {{.started = 0}};
	pthread_t threads[WORKERS];
	for (int i = 0; i < WORKERS; i++) {
		putters[i].worker = worker_new((unsigned)i, &rig.common);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run_worker, &putters[i]), 0);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	rig_close();
	for (int i = 0; i < WORKERS; i++)
		worker_free(putters[i].worker);
	ck_assert_int_eq(rig_query("SELECT count(*) FROM event"), WORKERS * ROUNDS / 3);
	ck_assert_int_eq(
	    rig_query("SELECT count(*) FROM event WHERE id % 3 = 0"), WORKERS * ROUNDS / 3);
	/* So many at once did not each wait for the disk. */
	ck_assert_int_lt(metrics_total(rig.common.metrics, "onceway_spool_batch", NULL),
	    (int64_t)WORKERS * ROUNDS);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("spool/batch");
	TCase *t = tcase_create("batch");
	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, what_comes_while_the_disk_is_busy_waits_for_it_once);
	tcase_add_test(t, what_waits_for_a_disk_that_does_not_move_is_bounded);
	tcase_add_test(t, a_take_leaves_what_is_put_along_with_it);
	tcase_add_test(t, a_batch_is_bounded);
	tcase_add_test(t, removals_cost_no_wait_of_their_own);
	tcase_add_test(t, closing_does_what_was_asked_for);
	tcase_add_test(t, several_workers_put_at_the_same_time);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
