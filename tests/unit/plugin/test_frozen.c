/*
 * A plugin built with the headers of ABI 1.0 loads and works: its options are
 * read, its functions are called, and it understands what it is given.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "conf/tree.h"
#include "plugin/event.h"
#include "plugin/key.h"
#include "tests/unit/main.h"
#include "tests/unit/plugin/fixture.h"
#include "tests/unit/plugin/modules.h"

static struct arena arena;
static struct module *module;
static void *confs[OW_SINK + 1];
static struct ow_instance *instances[OW_SINK + 1];
static struct ow_op op;
static int finished;
static struct ow_event *emitted;
static void *emitted_cookie;

static void note_finished(struct ow_op *o, void *arg)
{
	(void)o, (void)arg;
	finished++;
}

static void note_emitted(
    void *engine, struct ow_instance *source, struct ow_event *event, void *cookie)
{
	ck_assert_ptr_eq(engine, &emitted);
	ck_assert_ptr_eq(source, instances[OW_SOURCE]);
	emitted = event;
	emitted_cookie = cookie;
}

static const struct component *component(enum ow_kind kind)
{
	const struct component *c = module->components;
	while (c && c->description.kind != kind)
		c = c->next;
	ck_assert_ptr_nonnull(c);
	return c;
}

/* The configuration struct is the plugin's own: only its size is known here. */
static void *configure(enum ow_kind kind, const char *yaml)
{
	const struct component *c = component(kind);
	struct conf_report report;
	void *conf = arena_alloc(&arena, c->description.conf_size);
	conf_report_init(&report);
	struct conf_node *node = conf_tree_parse("test", yaml, strlen(yaml), &arena, &report);
	struct conf_check check = {
	    .table = c->table, .what = "frozen", .arena = &arena, .report = &report};
	bool good = conf_check_options(&check, node, (struct conf_mark){.file = "test"}, conf);
	ck_assert_msg(good, "%s", conf_report_text(&report));
	conf_report_free(&report);
	return conf;
}

static const char yaml[] = "{string: s, secret: x, number: 8, flag: false, choice: red,\n"
			   " times: {duration: 250ms}, size: 1MiB, list: [a, b],\n"
			   " pairs: {A: 1}, url: 'http://h/', address: 'h:1', pointer: /id,\n"
			   " reference: public, retry: {attempts: 3, jitter: none}}";

static void start(void)
{
	const char *why;
	fixture_start();
	modules_start();
	arena = ARENA_INIT;
	module = loader_open(modules_add("frozen/frozen", NULL), &arena, &why);
	ck_assert_msg(module != NULL, "%s", why);
	for (int kind = OW_SOURCE; kind <= OW_SINK; kind++) {
		confs[kind] = configure((enum ow_kind)kind, yaml);
		instances[kind] = instance_new(
		    fixture.worker, component((enum ow_kind)kind), "f", confs[kind], &why);
		ck_assert_msg(instances[kind] != NULL, "%s", why);
	}
	worker_set_engine(fixture.worker, note_emitted, &emitted);
	op_init(&op);
	finished = 0;
}

static void stop(void)
{
	op_fini(&op);
	for (int kind = OW_SOURCE; kind <= OW_SINK; kind++)
		instance_free(instances[kind]);
	arena_free(&arena);
	modules_stop();
	fixture_stop();
}

static void *state(enum ow_kind kind)
{
	return instance_state(instances[kind]);
}

static void wait_for(int count)
{
	fixture_until(finished == count);
}

static struct complaint {
	struct ow_report base;
	int count;
} complaint;

__attribute__((format(printf, 3, 4))) static void complain(
    const struct ow_report *report, const char *option, const char *fmt, ...)
{
	ck_assert_ptr_eq(report, &complaint.base);
	ck_assert_str_eq(option, "number");
	ck_assert_str_eq(fmt, "%d is not liked");
	complaint.count++;
}

START_TEST(its_rules_across_options_are_asked)
{
	complaint =
	    (struct complaint){.base = {.size = sizeof(complaint.base), .complain = complain}};
	component(OW_SINK)->description.check(confs[OW_SINK], &complaint.base);
	ck_assert_int_eq(complaint.count, 1);
}
END_TEST

START_TEST(its_options_are_read)
{
	struct ow_option option;
	size_t count = 0;
	while (conf_table_at(component(OW_STORE)->table, count, &option)) {
		ck_assert_ptr_nonnull(option.help);
		count++;
	}
	ck_assert_uint_eq(count, 17);
	struct ow_sink_policy policy = {.size = sizeof(policy)};
	instance_ops(instances[OW_SINK])->sink.policy(confs[OW_SINK], &policy);
	ck_assert_int_eq(policy.attempts, 3);
	ck_assert_int_eq(policy.base_ms, 1000);
	ck_assert_int_eq(policy.max_ms, 60000);
	ck_assert_int_eq(policy.jitter, OW_JITTER_NONE);
}
END_TEST

/* One event all the way, as the route engine would take it. */
START_TEST(its_components_work_together)
{
	const union instance_ops *keyer = instance_ops(instances[OW_KEYER]);
	const union instance_ops *store = instance_ops(instances[OW_STORE]);
	struct ow_key key;
	unsigned char token[OW_TOKEN_SIZE] = {1};
	emitted = NULL;
	instance_start(instances[OW_SOURCE], &op, note_finished, NULL);
	wait_for(1);
	ck_assert_ptr_nonnull(emitted);

	key_init(&key, true);
	ck_assert_int_eq(keyer->keyer.key(state(OW_KEYER), emitted, &key), OW_OK);
	ck_assert(text_equal(key.full, text_of("frozen:a\xc3\xa9")));
	ck_assert(text_equal(key.label, text_of("label")));
	ck_assert(text_equal(key.fields->value, text_of("\"a\\u00e9\"")));

	struct ow_claim claim = {.size = sizeof(claim),
	    .key = key.full,
	    .token = token,
	    .lock_ms = 60000,
	    .window_ms = keyer->keyer.window_ms};
	op_begin(&op, OP_CLAIM, instances[OW_STORE], note_finished, NULL);
	store->store.claim(state(OW_STORE), &op, &claim);
	wait_for(2);
	ck_assert_msg(op.rc == OW_OK, "%s", op.why);
	ck_assert_int_eq(op.answer.state, OW_CLAIM_NEW);

	struct ow_attempt attempt = {.size = sizeof(attempt),
	    .number = 1,
	    .key = key.full,
	    .traceparent = event_get_traceparent(emitted),
	    .limit_ms = 1000};
	op_begin(&op, OP_DELIVER, instances[OW_SINK], note_finished, NULL);
	instance_ops(instances[OW_SINK])->sink.deliver(state(OW_SINK), &op, emitted, &attempt);
	wait_for(3);
	ck_assert_msg(op.rc == OW_OK, "%s", op.why);
	ck_assert_str_eq(op.code, "201");
	ck_assert_int_eq(op.delivery.result->status, 201);

	struct ow_result result = *op.delivery.result;
	result.body = text_of("cold");
	op_begin(&op, OP_PLAIN, instances[OW_STORE], note_finished, NULL);
	store->store.commit(state(OW_STORE), &op, &claim, &result);
	wait_for(4);
	ck_assert_int_eq(op.rc, OW_OK);
	ck_assert_int_eq(store->store.keys(state(OW_STORE)), 1);

	struct ow_reply_request request = {.size = sizeof(request),
	    .outcome = OW_DELIVERED,
	    .status = 200,
	    .why = "w",
	    .key = key_text(&key)};
	struct ow_reply reply;
	reply_init(&reply, &key, 200);
	keyer->keyer.reply(state(OW_KEYER), emitted, &request, &reply);
	ck_assert(text_equal(buf_text(&reply.body), text_of("{\"key\":\"a\xc3\xa9\"}")));

	struct ow_settlement how = {.size = sizeof(how),
	    .outcome = OW_DELIVERED,
	    .acknowledge = true,
	    .status = 200,
	    .body = buf_text(&reply.body),
	    .why = "w"};
	instance_ops(instances[OW_SOURCE])
	    ->source.settle(state(OW_SOURCE), emitted_cookie, &how);
	const struct metric_label labels[] = {
	    {"source", text_of("f")}, {"name", text_of("f")}, {NULL, TEXT_NONE}};
	ck_assert_int_eq(
	    metrics_total(fixture.common.metrics, "onceway_frozen_settled_total", labels), 1);
	reply_fini(&reply);
	key_fini(&key);
	event_release(emitted);
}
END_TEST

START_TEST(it_drains_and_says_whether_it_is_ready)
{
	const char *why = NULL;
	for (int kind = OW_SOURCE; kind <= OW_SINK; kind++) {
		instance_drain(instances[kind], &op, note_finished, NULL);
		wait_for(kind);
		ck_assert_int_eq(op.rc, OW_OK);
	}
	ck_assert(!instance_ready(instances[OW_STORE], &why));
	ck_assert_str_eq(why, "frozen");
	ck_assert(!instance_ready(instances[OW_SINK], &why));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("plugin, ABI 1.0");
	TCase *t = tcase_create("frozen");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, its_options_are_read);
	tcase_add_test(t, its_rules_across_options_are_asked);
	tcase_add_test(t, its_components_work_together);
	tcase_add_test(t, it_drains_and_says_whether_it_is_ready);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
