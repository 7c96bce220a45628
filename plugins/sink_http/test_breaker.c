#include "sink_http/breaker.h"

#include <pthread.h>
#include <string.h>

#include "tests/unit/main.h"

#define COOLDOWN 30000

static struct breaker *b;

static void setup(void)
{
	b = breaker_new(3, COOLDOWN);
}

static void teardown(void)
{
	breaker_free(b);
}

static struct breaker_pass let(int64_t now)
{
	struct breaker_pass pass;
	int64_t wait;
	ck_assert(breaker_enter(b, now, &pass, &wait));
	return pass;
}

/* How long it says to wait; the breaker must be open. */
static int64_t shut(int64_t now)
{
	struct breaker_pass pass;
	int64_t wait = 0;
	ck_assert(!breaker_enter(b, now, &pass, &wait));
	ck_assert_int_gt(wait, 0);
	return wait;
}

static enum breaker_change end(struct breaker_pass pass, int64_t now, enum health health)
{
	return breaker_leave(b, now, &pass, health, "connect: refused");
}

static enum breaker_change ask(int64_t now, enum health health)
{
	return end(let(now), now, health);
}

static void fail_until_open(int64_t now)
{
	ck_assert_int_eq(ask(now, HEALTH_ILL), BREAKER_AS_BEFORE);
	ck_assert_int_eq(ask(now, HEALTH_ILL), BREAKER_AS_BEFORE);
	ck_assert_int_eq(ask(now, HEALTH_ILL), BREAKER_OPENED);
}

START_TEST(opens_after_failures_in_a_row)
{
	for (int i = 0; i < 10; i++) {
		ask(0, HEALTH_ILL);
		ask(0, HEALTH_ILL);
		ck_assert_int_eq(ask(0, HEALTH_SOUND), BREAKER_AS_BEFORE);
	}
	ask(0, HEALTH_ILL);
	ask(0, HEALTH_ILL);
	/* Nothing was learnt. */
	ck_assert_int_eq(ask(0, HEALTH_UNKNOWN), BREAKER_AS_BEFORE);
	ck_assert_int_eq(ask(0, HEALTH_ILL), BREAKER_OPENED);
	ck_assert_int_eq(shut(1000), COOLDOWN - 1000);
	ck_assert_int_eq(shut(COOLDOWN - 1), 1);
}
END_TEST

START_TEST(one_probe_decides)
{
	fail_until_open(0);
	struct breaker_pass probe = let(COOLDOWN);
	ck_assert(probe.probe);
	ck_assert_int_eq(shut(COOLDOWN), 1000);
	ck_assert_int_eq(shut(COOLDOWN + 15000), 1000);
	ck_assert_int_eq(end(probe, COOLDOWN + 15000, HEALTH_ILL), BREAKER_OPENED_AGAIN);
	ck_assert_int_eq(shut(COOLDOWN + 15000), COOLDOWN);
	int64_t now = 2 * COOLDOWN + 15000;
	ck_assert_int_eq(ask(now, HEALTH_SOUND), BREAKER_CLOSED);
	ck_assert(!let(now).probe);
	fail_until_open(now);
}
END_TEST

START_TEST(a_probe_that_learns_nothing_is_followed_by_another)
{
	fail_until_open(0);
	ck_assert_int_eq(ask(COOLDOWN, HEALTH_UNKNOWN), BREAKER_AS_BEFORE);
	struct breaker_pass probe = let(COOLDOWN);
	ck_assert(probe.probe);
	shut(COOLDOWN);
	ck_assert_int_eq(end(probe, COOLDOWN, HEALTH_SOUND), BREAKER_CLOSED);
}
END_TEST

/* What was sent before it opened, or before it closed, says nothing of the time since. */
START_TEST(what_ends_in_another_era_does_not_count)
{
	struct breaker_pass old[5];
	for (int i = 0; i < 5; i++)
		old[i] = let(0);
	fail_until_open(0);
	ck_assert(!breaker_holds(b, &old[0]));
	ck_assert_int_eq(end(old[0], 1, HEALTH_SOUND), BREAKER_AS_BEFORE);
	shut(1);
	struct breaker_pass probe = let(COOLDOWN);
	ck_assert(breaker_holds(b, &probe));
	ck_assert_int_eq(end(old[1], COOLDOWN, HEALTH_ILL), BREAKER_AS_BEFORE);
	ck_assert_int_eq(end(probe, COOLDOWN, HEALTH_SOUND), BREAKER_CLOSED);
	for (int i = 2; i < 5; i++)
		ck_assert_int_eq(end(old[i], COOLDOWN, HEALTH_ILL), BREAKER_AS_BEFORE);
	let(COOLDOWN);
}
END_TEST

START_TEST(says_why)
{
	struct breaker_news news;
	breaker_look(b, 0, &news);
	ck_assert_int_eq(news.shut_ms, 0);
	fail_until_open(500);
	breaker_look(b, 1500, &news);
	ck_assert_int_eq(news.shut_ms, COOLDOWN - 1000);
	ck_assert_int_eq(news.since_ms, 1000);
	ck_assert_str_eq(news.why, "connect: refused");
	/* Somebody must come for it to close, so it is no reason to keep people away. */
	breaker_look(b, 600 + COOLDOWN, &news);
	ck_assert_int_eq(news.shut_ms, 0);
}
END_TEST

/* ---- several workers ---- */

#define THREADS 4
#define ROUNDS	20000

static int probes_at_once, most_probes, opened, closed;

static void *worker(void *arg)
{
	unsigned *seed = arg;
	for (int i = 0; i < ROUNDS; i++) {
		struct breaker_pass pass;
		int64_t wait;
		*seed = *seed * 1103515245 + 12345;
		if (!breaker_enter(b, i, &pass, &wait))
			continue;
		if (pass.probe) {
			int n = __atomic_add_fetch(&probes_at_once, 1, __ATOMIC_SEQ_CST);
			if (n > __atomic_load_n(&most_probes, __ATOMIC_SEQ_CST))
				__atomic_store_n(&most_probes, n, __ATOMIC_SEQ_CST);
			__atomic_sub_fetch(&probes_at_once, 1, __ATOMIC_SEQ_CST);
		}
		enum breaker_change change =
		    breaker_leave(b, i, &pass, *seed >> 28 ? HEALTH_ILL : HEALTH_SOUND, "x");
		__atomic_add_fetch(&opened, change == BREAKER_OPENED, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&closed, change == BREAKER_CLOSED, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

START_TEST(one_probe_of_all_workers)
{
	pthread_t threads[THREADS];
	unsigned seeds[THREADS] = {1, 2, 3, 4};
	breaker_free(b);
	b = breaker_new(3, 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, &seeds[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(most_probes, 1);
	ck_assert_int_gt(opened, 0);
	ck_assert(opened == closed || opened == closed + 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sink_http/breaker");
	TCase *t = tcase_create("breaker");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, opens_after_failures_in_a_row);
	tcase_add_test(t, one_probe_decides);
	tcase_add_test(t, a_probe_that_learns_nothing_is_followed_by_another);
	tcase_add_test(t, what_ends_in_another_era_does_not_count);
	tcase_add_test(t, says_why);
	tcase_add_test(t, one_probe_of_all_workers);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
