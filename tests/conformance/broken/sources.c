/* A source that is sound, and sources that each break one rule. */
#include <stdlib.h>
#include <string.h>

#include <onceway/plugin.h>

enum bug {
	SOUND,
	NEVER_ANSWERS,
	ANSWERS_EARLY,
	OTHER_STATUS,
	TWO_EVENTS,
	NO_EVENT,
	CUTS_BODY,
	DRAINS_EARLY,
	DRAIN_HANGS,
	UNKNOWN_OUTCOME
};

struct source_conf {
	const char *listener;
	const char *path;
};

struct source {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct source_conf *conf;
	enum bug bug;
	size_t unsettled;
	struct ow_op *drain;
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static void received(struct ow_http_request *request, void *arg)
{
	struct source *s = arg;
	const struct ow_host *host = s->host;
	if (s->bug == NO_EVENT) {
		host->request_answer(request, 200, text(""), text("{\"from\":\"suite\"}"), 0);
		return;
	}
	struct ow_event *event = host->event_from_request(s->self, request);
	if (s->bug == CUTS_BODY)
		host->event_set_body(event, "{}", 2);
	s->unsettled++;
	if (s->bug == TWO_EVENTS) {
		s->unsettled++;
		host->emit(s->self, host->event_new(s->self), NULL);
	}
	if (s->bug == ANSWERS_EARLY) {
		host->request_answer(request, 200, text(""), text("{}"), 0);
		request = NULL;
	}
	host->emit(s->self, event, request);
}

static void settle(void *state, void *cookie, const struct ow_settlement *how)
{
	struct source *s = state;
	if (s->bug == UNKNOWN_OUTCOME && how->outcome > OW_MISSING_KEY)
		abort();
	if (cookie && s->bug != NEVER_ANSWERS)
		s->host->request_answer(cookie, s->bug == OTHER_STATUS ? 200 : how->status,
		    how->content_type, how->body, how->retry_after_ms);
	if (--s->unsettled == 0 && s->drain)
		s->host->op_done(s->drain, OW_OK, NULL);
}

static void start(void *state, struct ow_op *op)
{
	struct source *s = state;
	const char *why = NULL;
	int rc = s->host->http_serve(
	    s->self, s->conf->listener, s->conf->path, OW_HTTP_POST, received, s, &why);
	s->host->op_done(op, rc == 0 ? OW_OK : OW_FAIL, why);
}

static void drain(void *state, struct ow_op *op)
{
	struct source *s = state;
	if (s->bug == DRAIN_HANGS)
		return;
	if (s->unsettled == 0 || s->bug == DRAINS_EARLY)
		s->host->op_done(op, OW_OK, NULL);
	else
		s->drain = op;
}

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, enum bug bug)
{
	struct source *s = calloc(1, sizeof(*s));
	s->host = host;
	s->self = self;
	s->conf = conf;
	s->bug = bug;
	return s;
}

static const char *const section[] = {"listeners", NULL};
static const struct ow_option options[] = {
    OW_REFERENCE(struct source_conf, listener, "listener", .dflt = "public", .choices = section,
	.help = "Listener that takes the requests."),
    OW_STRING(struct source_conf, path, "path", .dflt = "/", .help = "Their path."),
    OW_OPTION_END,
};
static const struct ow_source_ops ops = {.size = sizeof(ops), .settle = settle};

#define SOURCE(which, text)                                                                    \
	static void *create_##which(const struct ow_host *host, struct ow_instance *self,      \
	    const void *conf, const char **why)                                                \
	{                                                                                      \
		(void)why;                                                                     \
		return create(host, self, conf, which);                                        \
	}                                                                                      \
	static const struct ow_component component_##which = {.kind = OW_SOURCE,               \
	    .conf_size = sizeof(struct source_conf),                                           \
	    .name = text,                                                                      \
	    .summary = "A source for tests of the suite.",                                     \
	    .options = options,                                                                \
	    .create = create_##which,                                                          \
	    .start = start,                                                                    \
	    .drain = drain,                                                                    \
	    .destroy = free,                                                                   \
	    .ops = &ops}

SOURCE(SOUND, "sound");
SOURCE(NEVER_ANSWERS, "never_answers");
SOURCE(ANSWERS_EARLY, "answers_early");
SOURCE(OTHER_STATUS, "other_status");
SOURCE(TWO_EVENTS, "two_events");
SOURCE(NO_EVENT, "no_event");
SOURCE(CUTS_BODY, "cuts_body");
SOURCE(DRAINS_EARLY, "drains_early");
SOURCE(DRAIN_HANGS, "drain_hangs");
SOURCE(UNKNOWN_OUTCOME, "unknown_outcome");

static const struct ow_component *const components[] = {&component_SOUND,
    &component_NEVER_ANSWERS, &component_ANSWERS_EARLY, &component_OTHER_STATUS,
    &component_TWO_EVENTS, &component_NO_EVENT, &component_CUTS_BODY, &component_DRAINS_EARLY,
    &component_DRAIN_HANGS, &component_UNKNOWN_OUTCOME, NULL};

OW_MODULE("broken_sources", "1.0", "Apache-2.0", components)
