/* What is put is there again, until it is removed; what is dead stays, within its limits. */
#include "spool/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/spool/rig.h"

static int64_t metric(const char *family)
{
	return metrics_total(rig.common.metrics, family, NULL);
}

static void check_text(struct ow_text got, struct ow_text wanted)
{
	ck_assert_uint_eq(got.len, wanted.len);
	if (wanted.len)
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
	if (wanted->claimed)
		ck_assert_mem_eq(got->token, wanted->token, OW_TOKEN_SIZE);
	ck_assert_int_eq(got->mode, wanted->mode);
}

static int64_t take_one(void)
{
	const struct rig_taken *taken = rig_take(10);
	ck_assert_uint_eq(taken->count, 1);
	return taken->events[0].id;
}

static void restart(void)
{
	rig_close();
	rig_open();
}

/* ---- waiting ---- */

START_TEST(what_was_put_is_there_after_a_restart)
{
	struct spool_event event = rig_event("{\"a\":1}");
	int64_t id = rig_put(&event);
	ck_assert_int_gt(id, 0);
	ck_assert_int_eq(spool_count(rig.spool).waiting, 1);
	/* It is taken by whoever put it. */
	ck_assert_uint_eq(rig_take(10)->count, 0);
	restart();
	ck_assert_int_eq(spool_count(rig.spool).waiting, 1);
	const struct rig_taken *taken = rig_take(10);
	ck_assert_uint_eq(taken->count, 1);
	ck_assert_int_eq(taken->events[0].id, id);
	check_event(&taken->events[0], &event);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	spool_remove(rig.spool, id);
	rig_until_waiting(0);
	restart();
	ck_assert_uint_eq(rig_take(10)->count, 0);
}
END_TEST

/* Bytes of any kind, no text at all, and one that is passed on without a claim. */
START_TEST(every_byte_is_kept)
{
	struct spool_event event = {.route = text_of("r"),
	    .body = text_span("\0\xff'\"; DROP TABLE event", 23),
	    .key = text_span("a\0b", 3),
	    .passing = true,
	    .mode = SPOOL_REPLAY_HONOUR};
	ck_assert_int_gt(rig_put(&event), 0);
	restart();
	const struct rig_taken *taken = rig_take(1);
	ck_assert_uint_eq(taken->count, 1);
	check_event(&taken->events[0], &event);
}
END_TEST

START_TEST(what_is_deferred_is_due_later)
{
	int64_t id = rig_put_body("{}");
	spool_defer(rig.spool, id, 1000);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	rig_advance(999);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	rig_advance(1);
	ck_assert_int_eq(take_one(), id);
}
END_TEST

/* Also in the millisecond of the last look, and when the clock goes back. */
START_TEST(what_is_deferred_is_never_overlooked)
{
	int64_t first = rig_put_body("1"), second = rig_put_body("2");
	ck_assert_uint_eq(rig_take(10)->count, 0);
	spool_defer(rig.spool, first, 0);
	rig_until(rig_take(10)->count == 1);
	spool_defer(rig.spool, second, 0);
	rig_until(rig_take(10)->count == 1);
	rig_advance(-5000);
	spool_defer(rig.spool, first, 0);
	rig_until(rig_take(10)->count == 1);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	ck_assert_int_eq(spool_count(rig.spool).waiting, 2);
}
END_TEST

/* They were due soon, and are not to wait for as long as the clock was ahead. */
START_TEST(nothing_waits_for_a_clock_that_was_set_back)
{
	int64_t id = rig_put_body("{}");
	spool_defer(rig.spool, id, 5000);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	rig_advance(-3600000);
	rig_until(rig_take(10)->count == 1);
	spool_defer(rig.spool, id, 5000);
	rig_put_body("taken by a process that is killed");
	rig_close();
	rig_advance(-3600000);
	rig_open();
	rig_until(rig_take(10)->count > 0);
	ck_assert_int_eq(rig_query("SELECT count(*) FROM event WHERE since_ms > due_ms"), 0);
}
END_TEST

START_TEST(a_replay_keeps_its_rate_when_the_clock_is_set_back)
{
	rig_put_dead("1", "no");
	rig_execute("UPDATE event SET died_ms = NULL, mode = 1, due_ms = since_ms + 7200000");
	ck_assert_uint_eq(rig_take(10)->count, 0);
	ck_assert_int_eq(rig_query("SELECT due_ms - since_ms FROM event"), 7200000);
	rig_advance(-3600000);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	ck_assert_int_eq(rig_query("SELECT due_ms - since_ms FROM event"), 7200000);
	rig_advance(7200000);
	rig_until(rig_take(10)->count == 1);
}
END_TEST

START_TEST(the_longest_due_come_first)
{
	int64_t ids[4];
	char body[16];
	for (int i = 0; i < 4; i++) {
		snprintf(body, sizeof(body), "%d", i);
		ids[i] = rig_put_body(body);
	}
	spool_defer(rig.spool, ids[0], 3000);
	spool_defer(rig.spool, ids[1], 1000);
	spool_defer(rig.spool, ids[2], 1000);
	spool_defer(rig.spool, ids[3], 2000);
	rig_advance(5000);
	restart();
	const struct rig_taken *taken = rig_take(3);
	ck_assert_uint_eq(taken->count, 3);
	ck_assert_int_eq(taken->events[0].id, ids[1]);
	ck_assert_int_eq(taken->events[1].id, ids[2]);
	ck_assert_int_eq(taken->events[2].id, ids[3]);
	ck_assert_int_eq(take_one(), ids[0]);
}
END_TEST

#define LARGE ((size_t)6 << 20)

START_TEST(a_take_brings_16_MiB_of_bodies_or_one_event)
{
	char *large = mem_zero(3 * LARGE);
	struct spool_event event = rig_event("");
	rig.setup.max_bytes = 64 << 20;
	restart();
	for (int i = 0; i < 4; i++) {
		event.body = text_span(large, LARGE);
		ck_assert_int_gt(rig_put(&event), 0);
	}
	event.body = text_span(large, 3 * LARGE);
	ck_assert_int_gt(rig_put(&event), 0);
	free(large);
	restart();
	ck_assert_uint_eq(rig_take(10)->count, 3);
	ck_assert_uint_eq(rig_take(10)->count, 2);
	ck_assert_uint_eq(rig_take(10)->count, 0);
}
END_TEST

START_TEST(a_full_spool_takes_no_more_until_there_is_room)
{
	struct rig_answer answer = {.came = false};
	struct spool_event event = rig_event("0123456789");
	int64_t id = rig_put(&event);
	int64_t bytes = spool_count(rig.spool).waiting_bytes;
	ck_assert_int_gt(bytes, 10);
	rig.setup.max_bytes = 2 * bytes;
	restart();
	ck_assert_int_eq(spool_count(rig.spool).waiting_bytes, bytes);
	ck_assert_int_gt(rig_put(&event), 0);
	spool_put(rig.spool, rig.worker, &event, rig_done, &answer);
	rig_until(answer.came);
	ck_assert_str_eq(answer.why, "the spool is full");
	ck_assert_int_eq(answer.id, 0);
	ck_assert_int_eq(metric("onceway_spool_errors_total"), 1);
	/* What is removed before makes room, whenever it is written. */
	ck_assert_int_eq(take_one(), id);
	spool_remove(rig.spool, id);
	ck_assert_int_gt(rig_put(&event), 0);
	ck_assert_int_eq(spool_count(rig.spool).waiting, 2);
}
END_TEST

/* ---- dead letters ---- */

START_TEST(what_is_buried_is_dead)
{
	int64_t id = rig_put_body("{}");
	ck_assert(rig_bury(id, "refused"));
	ck_assert_int_eq(spool_count(rig.spool).waiting, 0);
	ck_assert_int_eq(spool_count(rig.spool).waiting_bytes, 0);
	ck_assert_int_eq(spool_count(rig.spool).dead, 1);
	restart();
	ck_assert_int_eq(spool_count(rig.spool).dead, 1);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	ck_assert(!rig_bury(id, "again"));
	ck_assert_int_eq(metric("onceway_dead_letters"), 1);
}
END_TEST

START_TEST(why_it_is_dead_is_kept)
{
	struct rig_answer a = {.came = false}, b = {.came = false};
	struct spool_event event = rig_event("{}");
	static char body[5000];
	struct ow_result answer = {.size = sizeof(answer),
	    .status = 422,
	    .content_type = text_of("text/plain"),
	    .body = text_span(body, sizeof(body))};
	struct spool_death death = {.reason = text_of("refused with 422"),
	    .history = text_of("[{\"code\":\"422\"}]"),
	    .answer = &answer};
	int64_t id = rig_put(&event);
	spool_bury(rig.spool, rig.worker, id, &death, rig_done, &a);
	spool_put_dead(rig.spool, rig.worker, &event, &death, rig_done, &b);
	rig_until(a.came && b.came);
	ck_assert_str_eq(a.why, "");
	ck_assert_str_eq(b.why, "");
	rig_close();
	ck_assert_int_eq(
	    rig_query("SELECT count(*) FROM event WHERE reason = 'refused with 422' "
		      "AND history = '[{\"code\":\"422\"}]' AND answer_status = 422 "
		      "AND answer_type = 'text/plain' AND length(answer_body) = 4096 "
		      "AND token IS NULL AND died_ms IS NOT NULL"),
	    2);
	/* What is counted is what is there. */
	ck_assert_int_eq(
	    rig_query("SELECT count(*) FROM event WHERE bytes = 256 + length(route) + "
		      "length(source) + length(key) + length(path) + length(headers) + "
		      "length(body) + length(trace) + length(history) + length(reason) + "
		      "length(answer_type) + length(answer_body)"),
	    2);
}
END_TEST

/* Replayed by another program, and dead again: counted once, with the newer reason. */
START_TEST(a_second_death_replaces_the_first)
{
	int64_t id = rig_put_dead("{}", "a long reason that is replaced");
	rig_close();
	rig_execute("UPDATE event SET died_ms = NULL, due_ms = 0, mode = 1, since_ms = 77");
	rig_open();
	ck_assert_int_eq(spool_count(rig.spool).dead, 0);
	const struct rig_taken *taken = rig_take(10);
	ck_assert_uint_eq(taken->count, 1);
	ck_assert_int_eq(taken->events[0].mode, SPOOL_REPLAY_PAST);
	ck_assert_int_eq(taken->events[0].since_ms, 77);
	check_text(taken->events[0].history, text_of("[1]"));
	ck_assert(rig_bury(id, "short"));
	ck_assert_int_eq(spool_count(rig.spool).dead, 1);
	rig_close();
	ck_assert_int_eq(
	    rig_query("SELECT bytes - (256 + length(route) + length(source) + length(key) + "
		      "length(path) + length(headers) + length(body) + length(trace) + "
		      "length(history) + length(reason)) FROM event"),
	    0);
}
END_TEST

START_TEST(the_oldest_dead_letters_make_room_for_new_ones)
{
	int64_t first = rig_put_dead("{}", "x");
	rig_close();
	rig.setup.dead_max_bytes = 3 * rig_query("SELECT bytes FROM event");
	rig_open();
	for (int i = 0; i < 3; i++) {
		rig_advance(1);
		ck_assert_int_gt(rig_put_dead("{}", "x"), 0);
	}
	ck_assert_int_eq(spool_count(rig.spool).dead, 3);
	ck_assert_int_eq(metric("onceway_dead_letters_dropped_total"), 1);
	/* The newest stays, even if it is too large. */
	struct spool_event event = rig_event("{}");
	char *large = mem_zero(10000);
	struct rig_answer answer = {.came = false};
	event.body = text_span(large, 10000);
	rig_advance(1);
	spool_put_dead(rig.spool, rig.worker, &event,
	    &(struct spool_death){.reason = text_of("large")}, rig_done, &answer);
	rig_until(answer.came);
	free(large);
	ck_assert_str_eq(answer.why, "");
	ck_assert_int_eq(spool_count(rig.spool).dead, 1);
	rig_close();
	ck_assert_int_eq(rig_query("SELECT id FROM event"), answer.id);
	ck_assert_int_gt(answer.id, first);
}
END_TEST

START_TEST(dead_letters_are_dropped_when_too_old)
{
	rig.setup.dead_max_age_ms = 60000;
	restart();
	ck_assert_int_gt(rig_put_dead("{}", "x"), 0);
	rig_advance(59000);
	int64_t id = rig_put_dead("{}", "x");
	ck_assert_int_eq(spool_count(rig.spool).dead, 2);
	rig_advance(2000);
	/* With nobody asking for anything. */
	rig_until(spool_count(rig.spool).dead == 1);
	rig_close();
	ck_assert_int_eq(rig_query("SELECT id FROM event"), id);
}
END_TEST

START_TEST(no_id_is_given_twice)
{
	int64_t id = rig_put_body("{}");
	spool_remove(rig.spool, id);
	rig_until_waiting(0);
	restart();
	ck_assert_int_gt(rig_put_body("{}"), id);
}
END_TEST

/* ---- what others do to it ---- */

START_TEST(what_another_program_changes_is_seen)
{
	ck_assert_int_gt(rig_put_dead("{}", "x"), 0);
	ck_assert_int_gt(rig_put_dead("{}", "x"), 0);
	ck_assert_uint_eq(rig_take(10)->count, 0);
	rig_execute("UPDATE event SET died_ms = NULL, due_ms = 0 WHERE id = 1");
	ck_assert_int_eq(take_one(), 1);
	ck_assert_int_eq(spool_count(rig.spool).waiting, 1);
	rig_execute("DELETE FROM event WHERE id = 2");
	/* Also when nobody takes. */
	rig_until(spool_count(rig.spool).dead == 0);
}
END_TEST

START_TEST(a_row_that_is_gone_is_said_to_be)
{
	struct rig_answer answer = {.came = false};
	int64_t id = rig_put_body("{}");
	spool_remove(rig.spool, id);
	spool_remove(rig.spool, id);
	spool_defer(rig.spool, id, 1);
	spool_bury(rig.spool, rig.worker, id, &(struct spool_death){.reason = text_of("x")},
	    rig_done, &answer);
	rig_until(answer.came);
	ck_assert_str_eq(answer.why, "the spool has no such event waiting");
	ck_assert_int_eq(spool_count(rig.spool).waiting, 0);
}
END_TEST

START_TEST(it_is_counted)
{
	int64_t id = rig_put_body("{}");
	ck_assert_int_eq(metric("onceway_spool_events"), 1);
	ck_assert_int_eq(metric("onceway_spool_bytes"), spool_count(rig.spool).waiting_bytes);
	ck_assert_int_eq(metric("onceway_spool_seconds"), 1);
	ck_assert_int_eq(metric("onceway_spool_batch"), 1);
	ck_assert_int_eq(metric("onceway_spool_errors_total"), 0);
	ck_assert_int_eq(metric("onceway_dead_letters"), 0);
	ck_assert(rig_bury(id, "x"));
	ck_assert_int_eq(metric("onceway_spool_events"), 0);
	ck_assert_int_eq(metric("onceway_spool_bytes"), 0);
	ck_assert_int_eq(metric("onceway_dead_letters"), 1);
	ck_assert_int_eq(metric("onceway_spool_seconds"), 2);
}
END_TEST

START_TEST(closing_nothing_is_fine)
{
	spool_close(NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("spool/spool");
	TCase *t = tcase_create("spool");
	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, rig_start, rig_stop);
	tcase_add_test(t, what_was_put_is_there_after_a_restart);
	tcase_add_test(t, every_byte_is_kept);
	tcase_add_test(t, what_is_deferred_is_due_later);
	tcase_add_test(t, what_is_deferred_is_never_overlooked);
	tcase_add_test(t, nothing_waits_for_a_clock_that_was_set_back);
	tcase_add_test(t, a_replay_keeps_its_rate_when_the_clock_is_set_back);
	tcase_add_test(t, the_longest_due_come_first);
	tcase_add_test(t, a_take_brings_16_MiB_of_bodies_or_one_event);
	tcase_add_test(t, a_full_spool_takes_no_more_until_there_is_room);
	tcase_add_test(t, what_is_buried_is_dead);
	tcase_add_test(t, why_it_is_dead_is_kept);
	tcase_add_test(t, a_second_death_replaces_the_first);
	tcase_add_test(t, the_oldest_dead_letters_make_room_for_new_ones);
	tcase_add_test(t, dead_letters_are_dropped_when_too_old);
	tcase_add_test(t, no_id_is_given_twice);
	tcase_add_test(t, what_another_program_changes_is_seen);
	tcase_add_test(t, a_row_that_is_gone_is_said_to_be);
	tcase_add_test(t, it_is_counted);
	tcase_add_test(t, closing_nothing_is_fine);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
