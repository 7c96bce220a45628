#include "source_eventbridge/intake.h"

bool intake_init(struct intake *in, const struct ow_host *host, struct ow_instance *self,
    int replays, const char **why)
{
	in->host = host;
	in->self = self;
	in->replays = replays;
	in->invalid = host->counter(self, "eventbridge_invalid_total",
	    "Events refused because of their envelope.", NULL, (struct ow_text){NULL, 0});
	return envelope_init(&in->envelope, host, self, why) &&
	       place_init(&in->replay_name, host, self, "/replay-name", why);
}

static bool is_json(const struct intake *in, const struct ow_event *event)
{
	struct ow_json value;
	return place_get(&in->envelope.root, event, &value);
}

const char *intake_fault(struct intake *in, struct ow_event *event, const char **problem)
{
	if (!is_json(in, event))
		return NULL;
	const struct place *fault = envelope_fault(&in->envelope, event, problem);
	if (fault) {
		*problem = *problem ? *problem : "is missing";
		in->host->count(in->invalid, 1);
		in->host->log(in->self, OW_LOG_WARNING,
		    "an event was refused, it has no whole envelope: %s %s", place_name(fault),
		    *problem);
		return place_name(fault);
	}
	if (in->replays == INTAKE_PASS && place_text(&in->replay_name, event).len > 0)
		in->host->event_pass(event);
	return NULL;
}
