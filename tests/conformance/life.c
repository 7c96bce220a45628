/* What every component must do, whatever its kind. */
#include "conformance/call.h"
#include "conformance/contract.h"
#include "conformance/suites.h"

#define READY_POLL_MS 5

static struct rig_options options(const struct subject *subject, unsigned workers, bool idle)
{
	/* A source's listener has one port, so it has one worker. */
	bool source = subject->component->description.kind == OW_SOURCE;
	return (struct rig_options){
	    .workers = source ? 1 : workers, .idle = idle, .peer = true};
}

void test_start_and_end(const struct subject *subject)
{
	struct rig_options o = options(subject, 2, false);
	rig_free(rig_new(subject, &o));
}

void test_drain_without_start(const struct subject *subject)
{
	struct rig_options o = options(subject, 1, true);
	rig_free(rig_new(subject, &o));
}

void test_several_lives(const struct subject *subject)
{
	struct rig_options o = options(subject, 2, false);
	for (int i = 0; i < 5; i++)
		rig_free(rig_new(subject, &o));
}

struct asking {
	struct rig *rig;
	bool ready;
	const char *why;
};

static void ask_ready(void *arg)
{
	struct asking *a = arg;
	int pending = pending_begin("ready()");
	a->ready = instance_ready(rig_instance(a->rig, 0), &a->why);
	pending_end(pending);
}

void test_ready(const struct subject *subject)
{
	struct rig_options o = options(subject, 2, false);
	struct rig *rig = rig_new(subject, &o);
	struct asking a = {.rig = rig};
	int64_t give_up = rig_now(rig) + EVENTUALLY_MS;
	for (;;) {
		rig_run(rig, 0, ask_ready, &a);
		EXPECT(a.ready || (a.why && a.why[0]), "true, or a phrase that says why not",
		    "false and no phrase");
		if (a.ready)
			break;
		EXPECT(rig_now(rig) < give_up, "ready some time after start()", "%s", a.why);
		rig_sleep(READY_POLL_MS);
	}
	rig_free(rig);
}
