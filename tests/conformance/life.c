/* What every component must do, whatever its kind. */
#include "conformance/call.h"
#include "conformance/contract.h"
#include "conformance/suites.h"

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
