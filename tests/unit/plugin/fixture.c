#include "tests/unit/plugin/fixture.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "tests/unit/main.h"

#define SPIN_TURNS 100
#define PULSE_US   1000

struct fixture fixture;
static struct event *pulse;
static FILE *log_file;

/* ---- a component of each kind ---- */

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	(void)host, (void)self, (void)conf, (void)why;
	return &fixture;
}

static void destroy(void *state)
{
	(void)state;
}

static void settle(void *state, void *cookie, const struct ow_settlement *how)
{
	(void)state, (void)cookie, (void)how;
}

static enum ow_rc find_key(void *state, const struct ow_event *event, struct ow_key *key)
{
	(void)state, (void)event, (void)key;
	return OW_REJECT;
}

static void claim(void *state, struct ow_op *op, const struct ow_claim *claimed)
{
	(void)state, (void)op, (void)claimed;
}

static void commit(void *state, struct ow_op *op, const struct ow_claim *claimed,
    const struct ow_result *result)
{
	(void)state, (void)op, (void)claimed, (void)result;
}

static void deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	(void)state, (void)op, (void)event, (void)attempt;
}

static void cancel(void *state, struct ow_op *op)
{
	struct fixture *f = state;
	f->cancels++;
	if (f->on_cancel)
		f->on_cancel(op);
}

static int64_t keys(void *state)
{
	(void)state;
	return 0;
}

static const struct ow_source_ops source_ops = {.size = sizeof(source_ops), .settle = settle};
static const struct ow_keyer_ops keyer_ops = {.size = sizeof(keyer_ops), .key = find_key};
static const struct ow_store_ops store_ops = {.size = sizeof(store_ops),
    .claim = claim,
    .renew = claim,
    .commit = commit,
    .release = claim,
    .cancel = cancel,
    .keys = keys};
static const struct ow_sink_ops sink_ops = {
    .size = sizeof(sink_ops), .deliver = deliver, .cancel = cancel};

#define COMPONENT(its_kind, its_ops)                                                           \
	{                                                                                      \
		.description = {                                                               \
			.kind = (its_kind),                                                    \
			.name = "plain",                                                       \
			.summary = "Does nothing.",                                            \
			.create = create,                                                      \
			.destroy = destroy,                                                    \
			.ops = (its_ops)                                                       \
		}                                                                              \
	}

const struct component *fixture_component(enum ow_kind kind)
{
	static const struct component components[] = {
	    [OW_SOURCE] = COMPONENT(OW_SOURCE, &source_ops),
	    [OW_KEYER] = COMPONENT(OW_KEYER, &keyer_ops),
	    [OW_STORE] = COMPONENT(OW_STORE, &store_ops),
	    [OW_SINK] = COMPONENT(OW_SINK, &sink_ops)};
	return &components[kind];
}

struct ow_instance *fixture_instance(const struct component *component, const char *name)
{
	const char *why;
	struct ow_instance *i = instance_new(fixture.worker, component, name, NULL, &why);
	ck_assert_msg(i != NULL, "%s", why);
	return i;
}

/* ---- the worker ---- */

static void pulse_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
}

void fixture_start(void)
{
	static const char *const secrets[] = {"open sesame"};
	struct timeval tv = {.tv_usec = PULSE_US};
	fixture = (struct fixture){.host = host_table()};
	log_init(STDERR_FILENO, (enum ow_level)0, LOG_TEXT, NULL);
	clock_init_manual(&fixture.clock, 1700000000000);
	fixture.common.clock = &fixture.clock;
	fixture.common.metrics = metrics_new(1);
	fixture.common.shared = shared_objects_new();
	fixture.common.secrets = (struct ow_list){secrets, 1};
	fixture.worker = worker_new(0, &fixture.common);
	pulse = event_new(worker_base(fixture.worker), -1, EV_PERSIST, pulse_due, NULL);
	event_add(pulse, &tv);
	fixture.sink = fixture_instance(fixture_component(OW_SINK), "crm");
}

void fixture_stop(void)
{
	log_init(STDERR_FILENO, (enum ow_level)0, LOG_TEXT, NULL);
	if (log_file)
		fclose(log_file);
	log_file = NULL;
	instance_free(fixture.sink);
	event_free(pulse);
	worker_free(fixture.worker);
	shared_objects_free(fixture.common.shared);
	metrics_free(fixture.common.metrics);
}

void fixture_spin(void)
{
	for (int i = 0; i < SPIN_TURNS; i++)
		event_base_loop(worker_base(fixture.worker), EVLOOP_NONBLOCK);
}

void fixture_turn(void)
{
	event_base_loop(worker_base(fixture.worker), EVLOOP_ONCE);
}

/* ---- the log ---- */

void fixture_watch_log(void)
{
	log_file = tmpfile();
	ck_assert_ptr_nonnull(log_file);
	log_init(fileno(log_file), OW_LOG_DEBUG, LOG_TEXT, NULL);
}

char *fixture_logged(void)
{
	char *text = mem_zero(65536);
	ssize_t n = pread(fileno(log_file), text, 65535, 0);
	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(ftruncate(fileno(log_file), 0), 0);
	lseek(fileno(log_file), 0, SEEK_SET);
	return text;
}

bool fixture_can_abort(void)
{
	const char *fork = getenv("CK_FORK");
	return !fork || strcmp(fork, "no") != 0;
}
