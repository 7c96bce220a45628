#include "tests/unit/main.h"

#include <event2/event.h>

#include "io/wait.h"

enum {
	SHORT,
	LONG,
	QUEUES
};

#define WAITERS 4

static struct event_base *base;
static struct clock clk;
static struct wait_queue queues[QUEUES];
static struct wait_timer timer;
static struct wait waits[WAITERS];
static int order[16];
static size_t ended;
static bool begin_again;

static void expired(struct wait *wait)
{
	ck_assert_ptr_null(wait->queue);
	ck_assert_uint_lt(ended, 16);
	order[ended++] = (int)(wait - waits);
	if (begin_again)
		wait_begin(wait, &queues[SHORT]);
}

static void setup(void)
{
	base = event_base_new();
	clock_init_manual(&clk, 0);
	for (int i = 0; i < QUEUES; i++) {
		queues[i].limit_ms = i == SHORT ? 10 : 20;
		queues[i].expired = expired;
	}
	wait_timer_init(&timer, base, &clk, queues, QUEUES);
	for (int i = 0; i < WAITERS; i++)
		wait_init(&waits[i]);
	ended = 0;
	begin_again = false;
}

static void teardown(void)
{
	for (int i = 0; i < WAITERS; i++)
		wait_end(&waits[i]);
	wait_timer_fini(&timer);
	event_base_free(base);
}

/* Lets the timer fire, once, and so look at the clock. */
static void fire(void)
{
	event_base_loop(base, EVLOOP_ONCE);
}

static void fire_until(size_t count)
{
	while (ended < count)
		fire();
}

START_TEST(ends_by_the_clock_alone)
{
	wait_begin(&waits[0], &queues[SHORT]);
	fire();
	clock_advance(&clk, 9);
	fire();
	ck_assert_uint_eq(ended, 0);
	clock_advance(&clk, 1);
	fire_until(1);
	ck_assert_int_eq(order[0], 0);
}
END_TEST

START_TEST(in_order_of_expiry)
{
	wait_begin(&waits[0], &queues[LONG]);
	clock_advance(&clk, 5);
	wait_begin(&waits[1], &queues[SHORT]);
	clock_advance(&clk, 3);
	wait_begin(&waits[2], &queues[SHORT]);
	clock_advance(&clk, 7);
	fire_until(1);
	ck_assert_int_eq(order[0], 1);
	clock_advance(&clk, 3);
	fire_until(2);
	ck_assert_int_eq(order[1], 2);
	clock_advance(&clk, 2);
	fire_until(3);
	ck_assert_int_eq(order[2], 0);
}
END_TEST

START_TEST(ended_waits_do_not_expire)
{
	wait_begin(&waits[0], &queues[SHORT]);
	wait_begin(&waits[1], &queues[SHORT]);
	wait_end(&waits[0]);
	wait_end(&waits[0]);
	clock_advance(&clk, 10);
	fire_until(1);
	ck_assert_int_eq(order[0], 1);
}
END_TEST

START_TEST(beginning_again_counts_from_then)
{
	wait_begin(&waits[0], &queues[SHORT]);
	clock_advance(&clk, 9);
	wait_begin(&waits[0], &queues[SHORT]);
	clock_advance(&clk, 9);
	fire();
	ck_assert_uint_eq(ended, 0);
	clock_advance(&clk, 1);
	fire_until(1);
}
END_TEST

START_TEST(moving_to_another_queue)
{
	wait_begin(&waits[0], &queues[SHORT]);
	wait_begin(&waits[0], &queues[LONG]);
	clock_advance(&clk, 10);
	fire();
	ck_assert_uint_eq(ended, 0);
	clock_advance(&clk, 10);
	fire_until(1);
}
END_TEST

START_TEST(may_begin_again_when_it_ends)
{
	begin_again = true;
	wait_begin(&waits[0], &queues[SHORT]);
	for (size_t i = 1; i <= 3; i++) {
		clock_advance(&clk, 10);
		fire_until(i);
		ck_assert_uint_eq(ended, i);
	}
}
END_TEST

/* A shorter wait must not stay behind a longer one that came before. */
START_TEST(the_timer_is_brought_forward)
{
	queues[LONG].limit_ms = 3600 * 1000;
	wait_begin(&waits[0], &queues[LONG]);
	wait_begin(&waits[1], &queues[SHORT]);
	clock_advance(&clk, 10);
	fire_until(1);
	ck_assert_int_eq(order[0], 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("wait");
	TCase *t = tcase_create("waits");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, ends_by_the_clock_alone);
	tcase_add_test(t, in_order_of_expiry);
	tcase_add_test(t, ended_waits_do_not_expire);
	tcase_add_test(t, beginning_again_counts_from_then);
	tcase_add_test(t, moving_to_another_queue);
	tcase_add_test(t, may_begin_again_when_it_ends);
	tcase_add_test(t, the_timer_is_brought_forward);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
