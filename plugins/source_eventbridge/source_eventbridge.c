/*
 * eventbridge: takes events from Amazon EventBridge, which posts them to an
 * address (an API destination) or invokes a function of AWS Lambda that this
 * process is.
 */
#define OW_NEED_MINOR 3 /* event_limit(), event_pass(), random_refresh() */
#include <onceway/plugin.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "source_eventbridge/destination.h"
#include "source_eventbridge/runtime.h"

/* "API destinations [...] have a maximum client execution timeout of 5 seconds". */
#define DESTINATION_LIMIT_MS 5000

enum mode {
	MODE_HTTP = 0,
	MODE_LAMBDA
};

struct eventbridge_conf {
	int mode; /* enum mode */
	const char *listener;
	const char *path;
	struct auth_conf auth;
	int replays; /* enum intake_replays */
	struct runtime_options runtime;
};

/* Of the last two one is there. */
struct eventbridge {
	struct intake intake;
	struct destination *destination;
	struct runtime *runtime;
};

static struct door_place place_of(const struct eventbridge_conf *conf)
{
	return (struct door_place){conf->listener, conf->path, &conf->auth};
}

/* ---- what the core calls ---- */

static void eventbridge_settle(void *state, void *cookie, const struct ow_settlement *how)
{
	const struct eventbridge *e = state;
	if (e->destination)
		destination_settle(e->destination, cookie, how);
	else
		runtime_settle(e->runtime, how);
}

static void eventbridge_start_failed(void *state, const char *why)
{
	const struct eventbridge *e = state;
	if (e->runtime)
		runtime_start_failed(e->runtime, why);
}

/*
 * API destinations repeat what was answered with 429 or 5xx, and no other 4xx.
 * An invocation that was answered, be it with a statusCode of 400, is not repeated.
 */
static void eventbridge_nature(const void *options, struct ow_source_nature *nature)
{
	const struct eventbridge_conf *conf = options;
	bool http = conf->mode == MODE_HTTP;
	nature->queue = false;
	nature->final_refusal = http || conf->runtime.invalid == RUNTIME_RESPOND;
	nature->answer_limit_ms = http ? DESTINATION_LIMIT_MS : 0;
}

static void eventbridge_start(void *state, struct ow_op *op)
{
	const struct eventbridge *e = state;
	if (e->destination)
		destination_start(e->destination, op);
	else
		runtime_start(e->runtime, op);
}

static void eventbridge_drain(void *state, struct ow_op *op)
{
	const struct eventbridge *e = state;
	if (e->destination)
		destination_drain(e->destination, op);
	else
		runtime_drain(e->runtime, op);
}

static void eventbridge_destroy(void *state)
{
	struct eventbridge *e = state;
	destination_free(e->destination);
	runtime_free(e->runtime);
	free(e);
}

static void *eventbridge_create(
    const struct ow_host *host, struct ow_instance *self, const void *options, const char **why)
{
	const struct eventbridge_conf *conf = options;
	struct eventbridge *e = alloc_zero(1, sizeof(*e));
	struct door_place place = place_of(conf);
	if (intake_init(&e->intake, host, self, conf->replays, why)) {
		if (conf->mode == MODE_HTTP)
			e->destination = destination_new(&e->intake, &place, why);
		else
			e->runtime = runtime_new(&e->intake, &conf->runtime, why);
	}
	if (e->destination || e->runtime)
		return e;
	eventbridge_destroy(e);
	return NULL;
}

/* ---- options ---- */

static const char *const mode_choices[] = {"http", "lambda", NULL};
static const char *const listener_section[] = {"listeners", NULL};
static const char *const replays_choices[] = {"dedup", "pass", NULL};
static const char *const invalid_choices[] = {"respond", "fail", NULL};

static const struct ow_option eventbridge_options[] = {
    OW_ENUM(struct eventbridge_conf, mode, "mode", .dflt = "http", .choices = mode_choices,
	.help = "How events come: `http`, posted by an API destination; `lambda`, as "
		"invocations of a function of AWS Lambda that this process is."),
    OW_REFERENCE(struct eventbridge_conf, listener, "listener", .choices = listener_section,
	.help = "Listener that takes the requests (`http`)."),
    OW_STRING(struct eventbridge_conf, path, "path",
	.help = "Path that events are posted to, compared exactly; with `/*` at its end, all "
		"paths below (`http`)."),
    AUTH_OPTIONS(struct eventbridge_conf),
    OW_ENUM(struct eventbridge_conf, replays, "replays", .dflt = "dedup",
	.choices = replays_choices,
	.help = "What an event out of an archive is (it has a `replay-name`): `dedup`, an "
		"event like any other; `pass`, delivered although it was delivered before."),
    OW_ENUM(struct eventbridge_conf, runtime.invalid, "invalid", .dflt = "respond",
	.choices = invalid_choices,
	.help = "What Lambda is told of an event that is at fault itself: `respond` with a "
		"statusCode of 4xx, which ends it; `fail`, so that Lambda repeats it and gives "
		"it to the function's destination for failures (`lambda`)."),
    OW_DURATION(struct eventbridge_conf, runtime.margin_ms, "deadline_margin", .dflt = "500ms",
	.min = 0, .max = 60000,
	.help = "How long before the invocation's own deadline its event's delivery ends, so "
		"that there is time to answer (`lambda`)."),
    OW_OPTION_END,
};

/* Which mode uses what; all others serve both. */
static const struct use {
	const char *option;
	int mode; /* enum mode */
	bool required;
} uses[] = {
    {"listener", MODE_HTTP, true},
    {"path", MODE_HTTP, true},
    {"auth.mode", MODE_HTTP, false},
    {"auth.secrets", MODE_HTTP, false},
    {"auth.header", MODE_HTTP, false},
    {"auth.algorithm", MODE_HTTP, false},
    {"auth.encoding", MODE_HTTP, false},
    {"auth.prefix", MODE_HTTP, false},
    {"auth.tolerance", MODE_HTTP, false},
    {"invalid", MODE_LAMBDA, false},
    {"deadline_margin", MODE_LAMBDA, false},
};

static void eventbridge_check(const void *options, const struct ow_report *report)
{
	const struct eventbridge_conf *conf = options;
	struct door_place place = place_of(conf);
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		bool given = report->given(report, uses[i].option);
		if (given && uses[i].mode != conf->mode)
			report->complain(report, uses[i].option,
			    "is not used in mode `%s`: remove it", mode_choices[conf->mode]);
		else if (!given && uses[i].required && uses[i].mode == conf->mode)
			report->complain(report, uses[i].option,
			    "is missing: mode `%s` needs it", mode_choices[conf->mode]);
	}
	if (conf->mode == MODE_HTTP && conf->path)
		door_check(&place, report);
}

static const struct ow_source_ops eventbridge_ops = {
    .size = sizeof(eventbridge_ops),
    .settle = eventbridge_settle,
    .nature = eventbridge_nature,
    .start_failed = eventbridge_start_failed,
};

static const struct ow_component eventbridge_component = {
    .kind = OW_SOURCE,
    .conf_size = sizeof(struct eventbridge_conf),
    .name = "eventbridge",
    .summary = "Receives events of Amazon EventBridge, by HTTP or as a function of AWS Lambda.",
    .options = eventbridge_options,
    .example = "{plugin: eventbridge, listener: public, path: /events}",
    .check = eventbridge_check,
    .create = eventbridge_create,
    .start = eventbridge_start,
    .drain = eventbridge_drain,
    .destroy = eventbridge_destroy,
    .ops = &eventbridge_ops,
};

static const struct ow_component *const components[] = {&eventbridge_component, NULL};

OW_MODULE("source_eventbridge", "1.0", "Apache-2.0", components)
