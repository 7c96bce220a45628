/* From an outcome to what the source is told, case by case. */
#include "route/verdict.h"

#include "base/text.h"
#include "plugin/event.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

static struct route *route;
static struct ow_event *event;
static struct ow_key key;
static struct ow_reply reply;
static struct ow_settlement told;

static const struct ow_result answer = {
    .size = sizeof(answer), .status = 207, .content_type = {"text/x", 6}, .body = {"sink", 4}};

static void start_as(int respond, int on_duplicate)
{
	struct rig_setup setup = rig_usual();
	setup.policy.respond = respond;
	setup.policy.on_duplicate = on_duplicate;
	rig_start(setup);
	route = route_new(&(struct route_parts){.name = "r",
	    .policy = &rig.setup.policy,
	    .source = "so",
	    .keyer = rig.keyer,
	    .store = rig.store,
	    .sink = rig.sink,
	    .retry = rig.setup.retry});
	event = event_create(rig.source);
	key_init(&key, false);
	rig.host->key_set(&key, "k:", text_of("a\"b"));
}

static void stop(void)
{
	reply_fini(&reply);
	key_fini(&key);
	event_release(event);
	route_free(route);
	rig_stop();
}

static void restart_as(int respond, int on_duplicate)
{
	stop();
	start_as(respond, on_duplicate);
}

static void start(void)
{
	start_as(RESPOND_VENDOR, ON_DUPLICATE_REPLAY);
}

static void judge(struct verdict v)
{
	reply_fini(&reply);
	verdict_reply(&v, route, event, &key, &reply, &told);
	ck_assert_int_eq(told.outcome, v.outcome);
	ck_assert_int_eq(told.retry_after_ms, v.retry_after_ms);
	ck_assert_str_eq(told.why, v.why);
	ck_assert_ptr_eq(told.result, v.result);
}

static void check_body(const char *body)
{
	ck_assert_msg(
	    text_equal(told.body, text_of(body)), "%.*s", (int)told.body.len, told.body.data);
}

START_TEST(acknowledged_is_what_the_sink_has)
{
	for (int o = OW_DELIVERED; o < OUTCOMES; o++) {
		judge(
		    (struct verdict){.outcome = (enum ow_outcome)o, .status = 200, .why = "w"});
		ck_assert_int_eq(
		    told.acknowledge, o == OW_DELIVERED || o == OW_DUPLICATE || o == OW_PASSED);
	}
	judge((struct verdict){
	    .outcome = OW_DUPLICATE, .status = 502, .why = "w", .kept_failure = true});
	ck_assert(!told.acknowledge);
}
END_TEST

START_TEST(a_vendor_is_told_a_kept_failure_as_a_failure)
{
	judge((struct verdict){
	    .outcome = OW_DUPLICATE, .status = 502, .why = "w", .kept_failure = true});
	check_body("failed key=a\"b why=w");
	ck_assert_int_eq(told.status, 502);
}
END_TEST

START_TEST(plain_replies)
{
	restart_as(RESPOND_PLAIN, ON_DUPLICATE_REPLAY);
	judge((struct verdict){.outcome = OW_DELIVERED, .status = 200, .why = "w"});
	check_body("{\"status\":\"delivered\",\"key\":\"a\\\"b\"}");
	judge((struct verdict){.outcome = OW_DUPLICATE, .status = 200, .why = "w"});
	check_body("{\"status\":\"duplicate\",\"key\":\"a\\\"b\"}");
	judge((struct verdict){
	    .outcome = OW_REJECTED, .status = 503, .why = "\"w\"", .retry_after_ms = 7});
	check_body("{\"status\":\"rejected\",\"error\":\"\\\"w\\\"\"}");
	ck_assert_int_eq(told.status, 503);
	judge((struct verdict){
	    .outcome = OW_DUPLICATE, .status = 502, .why = "w", .kept_failure = true});
	check_body("{\"status\":\"duplicate\",\"error\":\"w\"}");
}
END_TEST

START_TEST(the_sink_s_own_reply)
{
	struct ow_result odd = answer;
	restart_as(RESPOND_SINK, ON_DUPLICATE_REPLAY);
	for (int o = OW_DELIVERED; o <= OW_DUPLICATE; o++) {
		judge((struct verdict){.outcome = (enum ow_outcome)o,
		    .status = 200,
		    .why = "w",
		    .result = &answer});
		check_body("sink");
		ck_assert_int_eq(told.status, 207);
		ck_assert(text_equal(told.content_type, answer.content_type));
	}
	/* Not a status that can be answered. */
	const int no_statuses[] = {0, 100, 199, 600, -1};
	for (size_t i = 0; i < sizeof(no_statuses) / sizeof(no_statuses[0]); i++) {
		odd.status = no_statuses[i];
		judge((struct verdict){
		    .outcome = OW_DELIVERED, .status = 200, .why = "w", .result = &odd});
		check_body("{\"status\":\"delivered\",\"key\":\"a\\\"b\"}");
		ck_assert_int_eq(told.status, 200);
	}
	judge((struct verdict){
	    .outcome = OW_FAILED, .status = 502, .why = "w", .result = &answer});
	check_body("{\"status\":\"failed\",\"error\":\"w\"}");
}
END_TEST

/* Keyers know the outcomes of the first minor. */
START_TEST(a_keyer_is_told_the_nearest_outcome_it_knows)
{
	const struct {
		enum ow_outcome outcome;
		const char *body;
	} cases[] = {{OW_MISSING_KEY, "invalid key=a\"b why=w"},
	    {OW_MISMATCH, "rejected key=a\"b why=w"},
	    {OW_DELIVERED, "delivered key=a\"b why=w"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		judge((struct verdict){.outcome = cases[i].outcome, .status = 422, .why = "w"});
		check_body(cases[i].body);
	}
	rig.host->event_set_body(event, "{}", 2);
	judge((struct verdict){.outcome = OW_PASSED, .status = 200, .why = "w"});
	check_body("delivered key=a\"b why=w");
}
END_TEST

/* What is not JSON no keyer expects to have been delivered. */
START_TEST(what_was_passed_gets_the_reply_of_a_delivery)
{
	judge((struct verdict){.outcome = OW_PASSED, .status = 200, .why = "w"});
	check_body("{\"status\":\"delivered\",\"key\":\"a\\\"b\"}");
	key_fini(&key);
	key_init(&key, false);
	judge((struct verdict){.outcome = OW_PASSED, .status = 200, .why = "w"});
	check_body("{\"status\":\"delivered\"}");
	restart_as(RESPOND_SINK, ON_DUPLICATE_REPLAY);
	judge((struct verdict){
	    .outcome = OW_PASSED, .status = 200, .why = "w", .result = &answer});
	check_body("sink");
}
END_TEST

/* The one that waited was not delivered before: it gets what the first one got. */
START_TEST(only_acknowledged_duplicates_get_no_replay)
{
	restart_as(RESPOND_SINK, ON_DUPLICATE_ACK);
	judge((struct verdict){
	    .outcome = OW_DUPLICATE, .status = 200, .why = "w", .result = &answer});
	check_body("{\"status\":\"duplicate\",\"key\":\"a\\\"b\"}");
	judge((struct verdict){.outcome = OW_DUPLICATE,
	    .status = 200,
	    .why = "w",
	    .result = &answer,
	    .waited = true});
	check_body("sink");
	restart_as(RESPOND_VENDOR, ON_DUPLICATE_ACK);
	judge((struct verdict){
	    .outcome = OW_DUPLICATE, .status = 200, .why = "w", .result = &answer});
	check_body("duplicate key=a\"b why=w");
	judge((struct verdict){.outcome = OW_DUPLICATE,
	    .status = 200,
	    .why = "w",
	    .result = &answer,
	    .waited = true});
	check_body("duplicate waited key=a\"b why=w result=sink");
}
END_TEST

START_TEST(no_route_no_keyer)
{
	struct verdict v = {.outcome = OW_UNROUTED, .status = 404, .why = "no"};
	verdict_reply(&v, NULL, event, &key, &reply, &told);
	check_body("{\"status\":\"unrouted\",\"error\":\"no\"}");
	ck_assert_int_eq(told.status, 404);
	ck_assert(text_equal(told.content_type, text_of("application/json")));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("route/verdict");
	TCase *t = tcase_create("replies");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, acknowledged_is_what_the_sink_has);
	tcase_add_test(t, a_vendor_is_told_a_kept_failure_as_a_failure);
	tcase_add_test(t, plain_replies);
	tcase_add_test(t, the_sink_s_own_reply);
	tcase_add_test(t, only_acknowledged_duplicates_get_no_replay);
	tcase_add_test(t, a_keyer_is_told_the_nearest_outcome_it_knows);
	tcase_add_test(t, what_was_passed_gets_the_reply_of_a_delivery);
	tcase_add_test(t, no_route_no_keyer);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
