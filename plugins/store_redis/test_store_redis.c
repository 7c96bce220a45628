/* The plugin on a real redis-server, which the test starts; without one it is skipped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store_redis/test_rig.h"
#include "store_redis/test_server.h"

static void with(const char *more)
{
	ask("FLUSHALL");
	rig_open(server_url, more);
	rig_until(rig_ready());
}

static long long pttl(const char *key)
{
	return strtoll(ask("PTTL %s", key), NULL, 10);
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

START_TEST(claims_once)
{
	with(NULL);
	ck_assert_int_eq(rig_claim("k", 1)->state, OW_CLAIM_NEW);
	const struct ow_claim_answer *second = rig_claim("k", 2);
	ck_assert_int_eq(second->state, OW_CLAIM_IN_PROGRESS);
	ck_assert_int_le(second->remaining_ms, RIG_LOCK_MS);
	ck_assert_int_gt(second->remaining_ms, RIG_LOCK_MS / 2);
	ck_assert_int_eq(rig_claim("other", 3)->state, OW_CLAIM_NEW);
	rig_close();
}
END_TEST

START_TEST(remembers_the_result)
{
	static const char body[] = "{\"ok\":true,\"nul\":\"\0\"}";
	with(NULL);
	rig_claim("k", 1);
	ck_assert_int_eq(rig_commit_with("k", 1,
			     (struct ow_result){.status = 202,
				 .content_type = rig_text("application/json"),
				 .body = {body, sizeof(body) - 1}}),
	    OW_OK);
	sleep_ms(50);
	const struct ow_claim_answer *again = rig_claim("k", 2);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_int_ge(again->age_ms, 50);
	ck_assert_int_lt(again->age_ms, 50000);
	ck_assert_int_eq(again->result->status, 202);
	ck_assert_str_eq(again->result->content_type.data, "application/json");
	ck_assert_uint_eq(again->result->body.len, sizeof(body) - 1);
	ck_assert_mem_eq(again->result->body.data, body, sizeof(body) - 1);
	ck_assert(!again->result->failed);
	ck_assert_mem_eq(again->digest, "digest of the payload, 32 bytes", OW_DIGEST_SIZE);
	rig_close();
}
END_TEST

START_TEST(remembers_a_failure_and_no_digest)
{
	with(NULL);
	rig.without_digest = true;
	rig_claim("k", 1);
	ck_assert_int_eq(
	    rig_commit_with("k", 1, (struct ow_result){.status = 404, .failed = true}), OW_OK);
	const struct ow_claim_answer *again = rig_claim("k", 2);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_int_eq(again->result->status, 404);
	ck_assert(again->result->failed);
	ck_assert_ptr_null(again->digest);
	rig_close();
}
END_TEST

START_TEST(lives_are_redis_s)
{
	with(NULL);
	rig_claim("k", 1);
	ck_assert_int_le(pttl("k"), RIG_LOCK_MS);
	rig_commit("k", 1);
	ck_assert_int_le(pttl("k"), RIG_WINDOW_MS);
	ck_assert_int_gt(pttl("k"), RIG_WINDOW_MS / 2);
	rig.window_ms = 0;
	rig_claim("short", 1);
	ck_assert_int_eq(rig_commit("short", 1), OW_OK);
	sleep_ms(10);
	ck_assert_int_eq(rig_claim("short", 2)->state, OW_CLAIM_NEW);
	rig.window_ms = rig.lock_ms = INT64_MAX;
	ck_assert_int_eq(rig_claim("long", 1)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(rig_commit("long", 1), OW_OK);
	ck_assert_int_eq(rig_claim("long", 2)->state, OW_CLAIM_DONE);
	rig_close();
}
END_TEST

START_TEST(claims_and_windows_expire)
{
	with(NULL);
	rig.lock_ms = rig.window_ms = 50;
	rig_claim("k", 1);
	sleep_ms(60);
	ck_assert_int_eq(rig_claim("k", 2)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(rig_commit("k", 2), OW_OK);
	sleep_ms(60);
	ck_assert_int_eq(rig_claim("k", 3)->state, OW_CLAIM_NEW);
	rig_close();
}
END_TEST

START_TEST(renewing_counts_from_now)
{
	with(NULL);
	rig_claim("k", 1);
	ask("PEXPIRE k 1000");
	ck_assert_int_eq(rig_renew("k", 1), OW_OK);
	ck_assert_int_gt(pttl("k"), RIG_LOCK_MS / 2);
	ck_assert_int_eq(rig_renew("k", 2), OW_REJECT);
	ck_assert_int_eq(rig_commit("k", 1), OW_OK);
	ck_assert_int_eq(rig_renew("k", 1), OW_REJECT);
	rig_close();
}
END_TEST

START_TEST(release_makes_it_new)
{
	with(NULL);
	rig_claim("k", 1);
	ck_assert_int_eq(rig_release("k", 2), OW_REJECT);
	ck_assert_int_eq(rig_release("k", 1), OW_OK);
	ck_assert_str_eq(ask("EXISTS k"), "0");
	ck_assert_int_eq(rig_release("k", 1), OW_REJECT);
	ck_assert_int_eq(rig_commit("k", 1), OW_REJECT);
	ck_assert_int_eq(rig_renew("k", 1), OW_REJECT);
	ck_assert_int_eq(rig_claim("k", 2)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(rig_commit("k", 2), OW_OK);
	ck_assert_int_eq(rig_release("k", 2), OW_REJECT);
	ck_assert_int_eq(rig_claim("k", 3)->state, OW_CLAIM_DONE);
	rig_close();
}
END_TEST

START_TEST(an_owner_that_lost_can_do_nothing)
{
	with(NULL);
	rig_claim("k", 1);
	ask("DEL k"); /* as if its lock had passed */
	ck_assert_int_eq(rig_claim("k", 2)->state, OW_CLAIM_NEW);
	ck_assert_int_eq(rig_renew("k", 1), OW_REJECT);
	ck_assert_int_eq(rig_release("k", 1), OW_REJECT);
	ck_assert_int_eq(rig_commit_with("k", 2, (struct ow_result){.status = 202}), OW_OK);
	ck_assert_int_eq(rig_commit_with("k", 1, (struct ow_result){.status = 202}), OW_REJECT);
	ck_assert_int_eq(rig_claim("k", 3)->result->status, 202);
	rig_close();
}
END_TEST

START_TEST(a_late_commit_counts_if_nobody_took_over)
{
	with(NULL);
	rig_claim("k", 1);
	rig_claim("renewed", 1);
	ask("DEL k renewed");
	mock_skip(rig.mock, 2 * RIG_LOCK_MS - 1);
	ck_assert_int_eq(rig_commit("k", 1), OW_OK);
	ck_assert_int_eq(rig_claim("k", 2)->state, OW_CLAIM_DONE);
	ck_assert_int_eq(rig_renew("renewed", 1), OW_REJECT); /* owner 1 has one token */
	rig_close();

	with(NULL);
	rig_claim("k", 1);
	ask("DEL k");
	mock_skip(rig.mock, RIG_LOCK_MS);
	ck_assert_int_eq(rig_renew("k", 1), OW_OK);
	ck_assert_int_eq(rig_claim("k", 2)->state, OW_CLAIM_IN_PROGRESS);
	ask("DEL k");
	ck_assert_int_eq(rig_release("k", 1), OW_OK);
	rig_close();

	with(NULL);
	rig_claim("gone", 1);
	ask("DEL gone");
	mock_skip(rig.mock, 2 * RIG_LOCK_MS);
	ck_assert_int_eq(rig_commit("gone", 1), OW_REJECT);
	ck_assert_int_eq(rig_renew("gone", 1), OW_REJECT);
	ck_assert_int_eq(rig_release("gone", 1), OW_REJECT);
	ck_assert_int_eq(rig_claim("gone", 2)->state, OW_CLAIM_NEW);
	rig_close();
}
END_TEST

START_TEST(a_commit_sent_twice_is_one)
{
	with(NULL);
	rig_claim("k", 1);
	ck_assert_int_eq(rig_commit("k", 1), OW_OK);
	ck_assert_int_eq(rig_commit("k", 1), OW_OK);
	ck_assert_int_eq(rig_commit_with("k", 1, (struct ow_result){.status = 201}), OW_REJECT);
	ck_assert_int_eq(rig_claim("k", 2)->result->status, 200);
	rig_close();
}
END_TEST

START_TEST(sliding_windows_slide)
{
	with("local_cache: 10\n");
	rig_claim("k", 1);
	rig_commit("k", 1);
	ask("PEXPIRE k 1000");
	ck_assert_int_eq(rig_claim("k", 2)->state, OW_CLAIM_DONE);
	ck_assert_int_le(pttl("k"), 1000);
	rig.sliding = true;
	const struct ow_claim_answer *again = rig_claim("k", 3);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	/* Its age counts from the commit, by Redis' clock, however often it slides. */
	ck_assert_int_ge(again->age_ms, 0);
	ck_assert_int_lt(again->age_ms, 60000);
	ck_assert_int_gt(pttl("k"), RIG_WINDOW_MS / 2);
	/* A claim does not slide. */
	ck_assert_int_eq(rig_claim("claimed", 1)->state, OW_CLAIM_NEW);
	ask("PEXPIRE claimed 1000");
	again = rig_claim("claimed", 2);
	ck_assert_int_eq(again->state, OW_CLAIM_IN_PROGRESS);
	ck_assert_int_le(again->remaining_ms, 1000);
	ck_assert_int_le(pttl("claimed"), 1000);
	/* What others left, does. */
	ask("SET theirs 1 PX 1000");
	again = rig_claim("theirs", 1);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_int_eq(again->age_ms, -1);
	ck_assert_int_gt(pttl("theirs"), RIG_WINDOW_MS / 2);
	rig_close();
}
END_TEST

START_TEST(keys_without_an_end_are_given_one)
{
	for (int sliding = 0; sliding < 2; sliding++) {
		with(NULL);
		rig.sliding = sliding;
		ask("SET k 1");
		ck_assert_int_eq(rig_claim("k", 1)->state, OW_CLAIM_DONE);
		rig_until(pttl("k") > 0);
		ck_assert_int_le(pttl("k"), RIG_WINDOW_MS);
		ck_assert_uint_eq(mock_counter(rig.mock, "redis_endless_keys_total", NULL), 1);
		ck_assert_int_eq(rig_claim("k", 1)->state, OW_CLAIM_DONE);
		ck_assert_uint_eq(mock_counter(rig.mock, "redis_endless_keys_total", NULL), 1);
		rig_close();
	}
}
END_TEST

START_TEST(what_the_python_services_leave)
{
	with(NULL);
	ask("SET cxone 1 EX 300");
	const struct ow_claim_answer *answer = rig_claim("cxone", 1);
	ck_assert_int_eq(answer->state, OW_CLAIM_DONE);
	ck_assert_int_eq(answer->age_ms, -1);
	ck_assert_ptr_null(answer->result);
	ck_assert_ptr_null(answer->digest);
	ask("SET cognigy processing EX 300");
	answer = rig_claim("cognigy", 1);
	ck_assert_int_eq(answer->state, OW_CLAIM_IN_PROGRESS);
	ck_assert_int_gt(answer->remaining_ms, 200000);
	ask("SET cognigy %s EX 300", "{\"processed\": true}");
	answer = rig_claim("cognigy", 1);
	ck_assert_int_eq(answer->state, OW_CLAIM_DONE);
	ck_assert_str_eq(answer->result->body.data, "{\"processed\": true}");
	rig_close();
}
END_TEST

START_TEST(large_results_lose_their_texts_only)
{
	static char body[2000];
	struct ow_result result = {.status = 201, .content_type = rig_text("text/plain")};
	memset(body, 'x', sizeof(body));
	with("max_result: 1KiB\nlocal_cache: 10\n");
	rig_claim("fits", 1);
	result.body = (struct ow_text){body, 1024 - 10};
	rig_commit_with("fits", 1, result);
	ck_assert_uint_eq(rig_claim("fits", 2)->result->body.len, 1024 - 10);
	rig_claim("too large", 1);
	result.body.len++;
	rig_commit_with("too large", 1, result);
	const struct ow_claim_answer *again = rig_claim("too large", 2);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_int_eq(again->result->status, 201);
	ck_assert_uint_eq(again->result->body.len, 0);
	ck_assert_uint_eq(again->result->content_type.len, 0);
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_results_too_large_total", NULL), 1);
	rig_close();
}
END_TEST

START_TEST(the_cache_answers_like_redis)
{
	with("local_cache: 10\n");
	rig_claim("k", 1);
	rig_commit_with("k", 1,
	    (struct ow_result){.status = 202,
		.content_type = rig_text("text/plain"),
		.body = rig_text("body")});
	mock_skip(rig.mock, 777);
	const struct ow_claim_answer *again = rig_claim("k", 2);
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_cache_hits_total", NULL), 1);
	ck_assert_int_eq(again->state, OW_CLAIM_DONE);
	ck_assert_int_ge(again->age_ms, 777);
	ck_assert_int_eq(again->result->status, 202);
	ck_assert_str_eq(again->result->body.data, "body");
	ck_assert_mem_eq(again->digest, "digest of the payload, 32 bytes", OW_DIGEST_SIZE);
	/* Not what others wrote, and not claims. */
	ask("SET theirs 1 EX 300");
	rig_claim("claimed", 1);
	rig.without_digest = true;
	for (int i = 0; i < 3; i++) {
		rig_claim("theirs", 2);
		rig_claim("claimed", 2);
	}
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_cache_hits_total", NULL), 1);
	/* A payload that is to be compared is not answered from what has none. */
	rig_claim("no digest", 1);
	rig_commit("no digest", 1);
	rig_claim("no digest", 2);
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_cache_hits_total", NULL), 2);
	rig.without_digest = false;
	rig_claim("no digest", 2);
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_cache_hits_total", NULL), 2);
	/* Not beyond the window, whatever Redis has by then. */
	mock_skip(rig.mock, RIG_WINDOW_MS);
	rig_claim("k", 2);
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_cache_hits_total", NULL), 2);
	rig_close();
}
END_TEST

START_TEST(keys_are_bytes)
{
	static char long_key[1 << 20];
	struct ow_text all[] = {{"", 0}, {NULL, 0}, {"a", 1}, {"a\0", 2}, {"a\0b", 3},
	    {"\r\n", 2}, {"\xff\xfe", 2}, {long_key, sizeof(long_key)},
	    {long_key, sizeof(long_key) - 1}};
	with("local_cache: 100\n");
	memset(long_key, 'k', sizeof(long_key));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct ow_claim c = rig_claim_of(all[i], (unsigned char)(i + 1));
		struct ow_op *op = mock_claim(rig.store, &c);
		rig_until(mock_finished(op));
		ck_assert_int_eq(
		    mock_claimed(op)->state, i == 1 ? OW_CLAIM_IN_PROGRESS : OW_CLAIM_NEW);
		op = mock_claim(rig.store, &c);
		rig_until(mock_finished(op));
		ck_assert_int_eq(mock_claimed(op)->state, OW_CLAIM_IN_PROGRESS);
		if (i == 0)
			continue;
		op = mock_release(rig.store, &c);
		rig_until(mock_finished(op));
		ck_assert_int_eq(mock_rc(op), i == 1 ? OW_REJECT : OW_OK);
	}
	rig_close();
}
END_TEST

START_TEST(labels_are_counted)
{
	const struct ow_store_ops *ops = mock_component(OW_MODULE_SYMBOL(), "redis")->ops;
	char key[512], label[300];
	with("counter_prefix: 'n:'\n");
	void *state = mock_state(rig.store);
	for (int i = 0; i < 5; i++)
		ops->count_duplicate(state, rig_text("a"));
	ops->count_duplicate(state, rig_text("b"));
	ops->count_duplicate(state, (struct ow_text){NULL, 0});
	memset(label, 'x', sizeof(label));
	ops->count_duplicate(state, (struct ow_text){label, sizeof(label)});
	ck_assert_str_eq(ask("GET n:a"), "");
	mock_advance(rig.mock, 1000);
	rig_until(strcmp(ask("GET n:b"), "1") == 0);
	ck_assert_str_eq(ask("GET n:a"), "5");
	ck_assert_int_gt(pttl("n:a"), 86000000);
	snprintf(key, sizeof(key), "n:%.200s", label);
	rig_until(strcmp(ask("GET %s", key), "1") == 0);
	/* However many there are: a bound a second. */
	for (int i = 0; i < 1500; i++) {
		snprintf(label, sizeof(label), "label %d", i);
		ops->count_duplicate(state, rig_text(label));
	}
	ck_assert_uint_eq(mock_counter(rig.mock, "redis_labels_dropped_total", NULL), 500);
	rig_close();
}
END_TEST

START_TEST(the_sweeper_counts)
{
	const struct ow_store_ops *ops = mock_component(OW_MODULE_SYMBOL(), "redis")->ops;
	ask("FLUSHALL");
	for (int i = 0; i < 3000; i++)
		ask("SET a*[:%d 1", i);
	ask("SET abc:1 1");
	ask("SET b:1 1");
	rig_open(server_url, "sweep_prefixes: ['a*[:', 'b:']\nhealth_check: 0s\n");
	void *state = mock_state(rig.store);
	rig_until(rig_ready());
	ck_assert_int_eq(ops->keys(state), -1);
	mock_advance(rig.mock, 1000);
	rig_until(ops->keys(state) == 3001);
	ck_assert_int_eq(mock_gauge(rig.mock, "redis_keys"), 3001);
	/* From now on every minute, with what came of the claims meanwhile. */
	rig_claim("b:2", 1);
	rig_claim("b:1", 1);
	rig_claim("b:1", 1);
	mock_advance(rig.mock, 59999);
	rig_turn();
	ck_assert_int_eq(ops->keys(state), 3001);
	mock_advance(rig.mock, 1);
	rig_until(ops->keys(state) == 3002);
	ck_assert(mock_logged(rig.mock, "sweep: 3002 keys in Redis; of 3 claims since the last "
					"sweep 66.7 % were duplicates"));
	ck_assert_int_eq(mock_gauge(rig.mock, "redis_duplicate_percent"), 67);
	rig_close();
}
END_TEST

START_TEST(a_sweep_that_is_refused_says_why)
{
	ask("ACL SETUSER sweepless on nopass ~* +@all -scan");
	rig_open(server_url,
	    "sweep_prefixes: ['a:']\nsweep_interval: 1s\nuser: sweepless\npassword: any\n");
	rig_until(rig_ready());
	mock_advance(rig.mock, 1000);
	rig_until(
	    mock_logged(rig.mock, "sweep: the keys are not counted: Redis' access rules"));
	/* As soon as it may, it does. */
	ask("ACL SETUSER sweepless +scan");
	mock_advance(rig.mock, 1000);
	rig_until(mock_logged(rig.mock, "keys in Redis; of 0 claims"));
	ask("ACL DELUSER sweepless");
	rig_close();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("store_redis");
	TCase *t = tcase_create("store_redis");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, claims_once);
	tcase_add_test(t, remembers_the_result);
	tcase_add_test(t, remembers_a_failure_and_no_digest);
	tcase_add_test(t, lives_are_redis_s);
	tcase_add_test(t, claims_and_windows_expire);
	tcase_add_test(t, renewing_counts_from_now);
	tcase_add_test(t, release_makes_it_new);
	tcase_add_test(t, an_owner_that_lost_can_do_nothing);
	tcase_add_test(t, a_late_commit_counts_if_nobody_took_over);
	tcase_add_test(t, a_commit_sent_twice_is_one);
	tcase_add_test(t, sliding_windows_slide);
	tcase_add_test(t, keys_without_an_end_are_given_one);
	tcase_add_test(t, what_the_python_services_leave);
	tcase_add_test(t, large_results_lose_their_texts_only);
	tcase_add_test(t, the_cache_answers_like_redis);
	tcase_add_test(t, keys_are_bytes);
	tcase_add_test(t, labels_are_counted);
	tcase_add_test(t, the_sweeper_counts);
	tcase_add_test(t, a_sweep_that_is_refused_says_why);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return server_run(suite());
}
