/*
 * What is taken in, whichever way it came: events with a whole envelope. Says
 * of those out of an archive whether they are to be delivered again.
 */
#ifndef SOURCE_EVENTBRIDGE_INTAKE_H
#define SOURCE_EVENTBRIDGE_INTAKE_H

#include "lib/envelope.h"

enum intake_replays {
	INTAKE_DEDUP = 0,
	INTAKE_PASS
};

struct intake {
	const struct ow_host *host;
	struct ow_instance *self;
	int replays; /* enum intake_replays */
	struct envelope envelope;
	struct place replay_name;
	struct ow_counter *invalid;
};

/* In create(). False with *why, a static phrase. */
bool intake_init(struct intake *in, const struct ow_host *host, struct ow_instance *self,
    int replays, const char **why);

/*
 * Before emit(). NULL: the event may be emitted; what is not JSON may too, for
 * the core to refuse. Otherwise the name of the member at fault, with what is
 * wrong with it in *problem, both static; it is logged and counted already.
 */
const char *intake_fault(struct intake *in, struct ow_event *event, const char **problem);

#endif
