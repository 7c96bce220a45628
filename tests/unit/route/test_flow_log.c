/* What a route says of its events: noise of one kind hides no other. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

#define MANY 300 /* lines; more than are written of one kind */

static FILE *file;
static char got[1 << 18];

static void start(void)
{
	struct rig_setup setup = rig_usual();
	setup.policy.max_inflight = 1;
	setup.retry.attempts = 1;
	rig_start(setup);
	rig_freeze();
	file = tmpfile();
	ck_assert_ptr_nonnull(file);
	log_init(fileno(file), OW_LOG_WARNING, LOG_TEXT, &rig.clock);
}

static void stop(void)
{
	log_flush();
	fclose(file);
	log_init(STDERR_FILENO, (enum ow_level)0, LOG_TEXT, NULL);
	rig_stop();
}

/* How many lines have the piece. */
static unsigned lines_with(const char *piece)
{
	unsigned n = 0;
	ssize_t len = pread(fileno(file), got, sizeof(got) - 1, 0);
	ck_assert_int_ge(len, 0);
	got[len] = '\0';
	for (const char *at = got; (at = strstr(at, piece)); at++)
		n++;
	return n;
}

START_TEST(a_flood_hides_no_error)
{
	rig_script(CALL_DELIVER, (struct step){.later = true});
	struct sent *a = rig_emit("a");
	for (int i = 0; i < MANY; i++)
		rig_emit("b");
	rig_spin();
	ck_assert_uint_gt(lines_with("too many events in flight"), 0);
	ck_assert_uint_lt(lines_with("too many events in flight"), MANY / 2);
	rig_script(CALL_COMMIT, (struct step){.rc = OW_FAIL, .why = "disk full"});
	call_answer(rig_call(CALL_DELIVER, 0), (struct step){0});
	rig_until(a->settled);
	ck_assert_uint_eq(lines_with("error   route r: store st: commit: disk full"), 1);
	rig_script(CALL_DELIVER, (struct step){.rc = OW_REJECT, .why = "no such place"});
	struct sent *c = rig_emit("c");
	rig_until(c->settled);
	ck_assert_uint_eq(lines_with("failed: the sink did not accept it: no such place"), 1);
	rig_script(CALL_CLAIM, (struct step){.rc = OW_FAIL, .why = "unreachable"});
	struct sent *d = rig_emit("d");
	rig_until(d->settled);
	ck_assert_uint_eq(lines_with("rejected: the store cannot take its key"), 1);
}
END_TEST

/* What a sink answers is its own choice: no answer is a kind of its own. */
START_TEST(answers_are_of_one_kind)
{
	for (int i = 0; i < MANY; i++) {
		struct ow_result answer = {.size = sizeof(answer), .status = 400 + i};
		rig_script(CALL_DELIVER,
		    (struct step){.rc = OW_REJECT, .why = "refused", .result = &answer});
		struct sent *s = rig_emit("a");
		rig_until(s->settled);
	}
	ck_assert_uint_eq(lines_with("failed: the sink answered 400"), 1);
	ck_assert_uint_lt(lines_with("failed: the sink answered"), MANY / 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("flow_log");
	TCase *t = tcase_create("flow_log");
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, a_flood_hides_no_error);
	tcase_add_test(t, answers_are_of_one_kind);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
