/* What is put is there again, until it is removed. */
#include "spool/spool.h"

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/spool/rig.h"

static void check_text(struct ow_text got, struct ow_text wanted)
{
	ck_assert_uint_eq(got.len, wanted.len);
	ck_assert_mem_eq(got.data, wanted.data, wanted.len);
}

static void check_event(const struct spool_event *got, const struct spool_event *wanted)
{
	check_text(got->route, wanted->route);
	check_text(got->source, wanted->source);
	check_text(got->key, wanted->key);
	check_text(got->path, wanted->path);
	check_text(got->headers, wanted->headers);
	check_text(got->body, wanted->body);
	check_text(got->trace, wanted->trace);
	check_text(got->history, wanted->history);
	ck_assert_int_eq(got->arrived_ms, wanted->arrived_ms);
	ck_assert_int_eq(got->since_ms, clock_wall(&rig.clock));
	ck_assert_int_eq(got->passing, wanted->passing);
	ck_assert_int_eq(got->claimed, wanted->claimed);
	ck_assert_mem_eq(got->token, wanted->token, OW_TOKEN_SIZE);
	ck_assert_int_eq(got->mode, wanted->mode);
}

START_TEST(what_was_put_is_there_after_a_restart)
{
	struct spool_event event = rig_event("{\"a\":1}");
	int64_t id = rig_put(&event);
	ck_assert_int_gt(id, 0);
	ck_assert_int_eq(spool_count(rig.spool).waiting, 1);
	/* It is taken by whoever put it. */
	ck_assert_uint_eq(rig_take(10)->count, 0);
	rig_close();
	rig_open();
	ck_assert_int_eq(spool_count(rig.spool).waiting, 1);
	const struct rig_taken *taken = rig_take(10);
	ck_assert_uint_eq(taken->count, 1);
	ck_assert_int_eq(taken->events[0].id, id);
	check_event(&taken->events[0], &event);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	spool_remove(rig.spool, id);
	rig_until(spool_count(rig.spool).waiting == 0);
	rig_close();
	rig_open();
	ck_assert_uint_eq(rig_take(10)->count, 0);
}
END_TEST

START_TEST(what_is_deferred_is_due_later)
{
	struct spool_event event = rig_event("{}");
	int64_t id = rig_put(&event);
	spool_defer(rig.spool, id, 1000);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	rig_advance(999);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	rig_advance(1);
	ck_assert_uint_eq(rig_take(10)->count, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("spool/spool");
	TCase *t = tcase_create("spool");
	tcase_add_checked_fixture(t, rig_start, rig_stop);
	tcase_add_test(t, what_was_put_is_there_after_a_restart);
	tcase_add_test(t, what_is_deferred_is_due_later);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
