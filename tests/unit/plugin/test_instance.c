/* Instances: made, started, drained, freed; of components older or newer than the core. */
#include "plugin/instance.h"

#include <string.h>

#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/plugin/fixture.h"

static int created, destroyed, reopened, told;
static struct ow_op op;

static void *create_none(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	(void)host, (void)self;
	if (conf)
		*why = conf;
	return NULL;
}

static void *create_counted(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	(void)self, (void)conf, (void)why;
	ck_assert_ptr_eq(host, fixture.host);
	ck_assert_uint_eq(host->size, sizeof(*host));
	ck_assert_int_eq(host->major, OW_ABI_MAJOR);
	created++;
	return &created;
}

static void destroy_counted(void *state)
{
	ck_assert_ptr_eq(state, &created);
	destroyed++;
}

static void start_late(void *state, struct ow_op *o)
{
	ck_assert_ptr_eq(state, &created);
	fixture.host->op_set(o, state);
}

static void drain_at_once(void *state, struct ow_op *o)
{
	(void)state;
	fixture.host->op_done(o, OW_FAIL, "cannot stop");
}

static void reopen_counted(void *state)
{
	ck_assert_ptr_eq(state, &created);
	reopened++;
}

static void tell(struct ow_op *o, void *arg)
{
	ck_assert_ptr_eq(o, &op);
	ck_assert_ptr_eq(arg, &told);
	told++;
}

static struct component counted(enum ow_kind kind)
{
	struct component c = *fixture_component(kind);
	c.description.create = create_counted;
	c.description.destroy = destroy_counted;
	return c;
}

static void start(void)
{
	fixture_start();
	created = destroyed = reopened = told = 0;
	op_init(&op);
}

static void stop(void)
{
	op_fini(&op);
	fixture_stop();
}

START_TEST(made_and_freed_once)
{
	struct component c = counted(OW_STORE);
	struct ow_instance *i = fixture_instance(&c, "main");
	ck_assert_int_eq(created, 1);
	ck_assert_str_eq(instance_name(i), "main");
	ck_assert_str_eq(fixture.host->name(i), "main");
	ck_assert_str_eq(instance_label(i), "store main");
	ck_assert_ptr_eq(instance_state(i), &created);
	ck_assert_ptr_eq(instance_worker(i), fixture.worker);
	ck_assert_ptr_eq(instance_component(i), &c);
	instance_free(i);
	instance_free(NULL);
	ck_assert_int_eq(destroyed, 1);
}
END_TEST

START_TEST(one_that_cannot_be_made_says_why)
{
	struct component c = counted(OW_SINK);
	const char *why = NULL;
	c.description.create = create_none;
	ck_assert_ptr_null(instance_new(fixture.worker, &c, "x", "too blue", &why));
	ck_assert_str_eq(why, "too blue");
	ck_assert_ptr_null(instance_new(fixture.worker, &c, "x", NULL, &why));
	ck_assert_ptr_nonnull(why); /* some reason, even so */
	ck_assert_int_eq(destroyed, 0);
}
END_TEST

START_TEST(start_and_drain_are_the_component_s)
{
	struct component c = counted(OW_SOURCE);
	c.description.start = start_late;
	c.description.drain = drain_at_once;
	struct ow_instance *i = fixture_instance(&c, "s");
	instance_start(i, &op, tell, &told);
	fixture_spin();
	ck_assert_int_eq(told, 0);
	fixture.host->op_done(&op, OW_OK, NULL);
	fixture_spin();
	ck_assert_int_eq(told, 1);
	instance_drain(i, &op, tell, &told);
	ck_assert_int_eq(told, 1);
	fixture_spin();
	ck_assert_int_eq(told, 2);
	ck_assert_int_eq(op.rc, OW_FAIL);
	ck_assert_str_eq(op.why, "cannot stop");
	instance_free(i);
}
END_TEST

START_TEST(without_start_and_drain_all_is_well)
{
	instance_start(fixture.sink, &op, tell, &told);
	ck_assert_int_eq(told, 0); /* by way of the queue */
	fixture_spin();
	ck_assert_int_eq(told, 1);
	ck_assert_int_eq(op.rc, OW_OK);
	instance_drain(fixture.sink, &op, tell, &told);
	fixture_spin();
	ck_assert_int_eq(told, 2);
}
END_TEST

START_TEST(files_are_opened_anew_by_those_that_have_some)
{
	struct component c = counted(OW_SINK);
	struct ow_instance *i = fixture_instance(&c, "s");
	instance_reopen(i);
	ck_assert_int_eq(reopened, 0);
	c.description.reopen = reopen_counted;
	instance_reopen(i);
	ck_assert_int_eq(reopened, 1);
	instance_free(i);
}
END_TEST

static bool is_ready(void *state, const char **why)
{
	(void)state;
	*why = "the moon is full";
	return false;
}

START_TEST(readiness_is_asked_of_stores_and_sinks)
{
	const char *why = NULL;
	struct component c = counted(OW_SINK);
	struct ow_sink_ops ops;
	memcpy(&ops, c.description.ops, sizeof(ops));
	ops.ready = is_ready;
	c.description.ops = &ops;
	struct ow_instance *moody = fixture_instance(&c, "moody");
	struct ow_instance *source = fixture_instance(fixture_component(OW_SOURCE), "s");
	struct ow_instance *store = fixture_instance(fixture_component(OW_STORE), "m");
	ck_assert(instance_ready(source, &why));
	ck_assert(instance_ready(store, &why)); /* has no opinion */
	ck_assert(!instance_ready(moody, &why));
	ck_assert_str_eq(why, "the moon is full");
	instance_free(moody);
	instance_free(source);
	instance_free(store);
}
END_TEST

/* A table of an older minor ends earlier: what is behind its end is not read. */
START_TEST(functions_of_an_older_component)
{
	struct {
		struct ow_store_ops ops;
	} old;
	struct component c = counted(OW_STORE);
	memcpy(&old.ops, c.description.ops, sizeof(old.ops));
	old.ops.ready = is_ready; /* behind its end */
	old.ops.size = (uint32_t)offsetof(struct ow_store_ops, ready);
	c.description.ops = &old;
	struct ow_instance *i = fixture_instance(&c, "old");
	const char *why;
	ck_assert_ptr_null(instance_ops(i)->store.ready);
	ck_assert(instance_ready(i, &why));
	ck_assert_ptr_nonnull(instance_ops(i)->store.keys);
	instance_free(i);
}
END_TEST

START_TEST(functions_of_a_newer_component)
{
	struct {
		struct ow_sink_ops ops;
		char more[sizeof(union instance_ops)];
	} new;
	struct component c = counted(OW_SINK);
	memset(&new, 0xaa, sizeof(new));
	memcpy(&new.ops, c.description.ops, sizeof(new.ops));
	new.ops.size = (uint32_t)sizeof(new);
	c.description.ops = &new;
	struct ow_instance *i = fixture_instance(&c, "new");
	ck_assert_ptr_eq(instance_ops(i)->sink.deliver, new.ops.deliver);
	ck_assert_ptr_null(instance_ops(i)->sink.ready);
	instance_free(i);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("plugin/instance");
	TCase *t = tcase_create("instances");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, made_and_freed_once);
	tcase_add_test(t, one_that_cannot_be_made_says_why);
	tcase_add_test(t, start_and_drain_are_the_component_s);
	tcase_add_test(t, without_start_and_drain_all_is_well);
	tcase_add_test(t, files_are_opened_anew_by_those_that_have_some);
	tcase_add_test(t, readiness_is_asked_of_stores_and_sinks);
	tcase_add_test(t, functions_of_an_older_component);
	tcase_add_test(t, functions_of_a_newer_component);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
