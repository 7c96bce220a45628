#include <limits.h>
#include <string.h>

#include "lib/backoff.h"
#include "tests/unit/main.h"

static uint64_t dice;

static void throw_dice(struct ow_instance *self, void *out, size_t len)
{
	(void)self;
	ck_assert_uint_eq(len, sizeof(dice));
	memcpy(out, &dice, len);
}

static const struct ow_host host = {.size = sizeof(host), .random = throw_dice};

static int64_t wait_of(int64_t base_ms, int64_t max_ms, unsigned failures)
{
	return backoff_ms(&(struct backoff){base_ms, max_ms}, failures, &host, NULL);
}

/* base, max, failures; and the wait of which a part is taken. */
static const struct {
	int64_t base, max;
	unsigned failures;
	int64_t whole;
} waits[] = {
    {1000, 60000, 0, 1000},
    {1000, 60000, 1, 1000},
    {1000, 60000, 2, 2000},
    {1000, 60000, 6, 32000},
    {1000, 60000, 7, 60000},
    {1000, 60000, UINT_MAX, 60000},
    {100, 100, 3, 100},
    {5000, 100, 1, 100},
    {7, 7000, 2, 14},
    {1, 1, 9, 1},
    {0, 60000, UINT_MAX, 0},
    {1000, 0, 5, 0},
    {1, INT64_MAX, 64, INT64_MAX},
};

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(grows_to_the_most)
{
	dice = 0;
	ck_assert_int_eq(
	    wait_of(waits[_i].base, waits[_i].max, waits[_i].failures), waits[_i].whole);
}
END_TEST

START_TEST(is_never_below_half)
{
	int64_t whole = waits[_i].whole;
	dice = (uint64_t)(whole / 2);
	ck_assert_int_eq(
	    wait_of(waits[_i].base, waits[_i].max, waits[_i].failures), whole - whole / 2);
	dice++;
	ck_assert_int_eq(wait_of(waits[_i].base, waits[_i].max, waits[_i].failures), whole);
	dice = UINT64_MAX;
	int64_t wait = wait_of(waits[_i].base, waits[_i].max, waits[_i].failures);
	ck_assert_int_ge(wait, whole - whole / 2);
	ck_assert_int_le(wait, whole);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("backoff");
	TCase *t = tcase_create("backoff");
	tcase_add_loop_test(t, grows_to_the_most, 0, COUNT(waits));
	tcase_add_loop_test(t, is_never_below_half, 0, COUNT(waits));
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
