/*
 * webhook: takes events as POST requests on a path of a listener and answers
 * each with what became of its event.
 *
 * The listener has already refused other methods (405), other paths (404),
 * bodies over max_body (413) and anything that is not HTTP.
 */
#define OW_NEED_MINOR 3 /* event_secret_header() */
#include <onceway/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/door.h"

enum content_types {
	CONTENT_JSON = 0,
	CONTENT_ANY
};

struct webhook_conf {
	const char *listener;
	const char *path;
	int content_types; /* enum content_types */
	bool pass_client_errors;
	struct auth_conf auth;
};

struct webhook {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct webhook_conf *conf;
	struct door *door;
};

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static bool ends_with(struct ow_text t, const char *end)
{
	size_t len = strlen(end);
	return t.len >= len && strncasecmp(t.data + t.len - len, end, len) == 0;
}

/*
 * application/json, anything with the +json suffix (RFC 6839), or nothing at
 * all, which some vendors send. Parameters such as charset do not matter: JSON
 * is UTF-8, and the body is checked for that.
 */
static bool is_json_type(struct ow_text type)
{
	if (type.data == NULL)
		return true;
	const char *semicolon = memchr(type.data, ';', type.len);
	if (semicolon)
		type.len = (size_t)(semicolon - type.data);
	while (type.len && (type.data[type.len - 1] == ' ' || type.data[type.len - 1] == '\t'))
		type.len--;
	return (type.len == strlen("application/json") &&
		   ends_with(type, "application/json")) ||
	       ends_with(type, "+json");
}

static void received(struct ow_http_request *request, void *arg)
{
	struct webhook *w = arg;
	const struct ow_host *host = w->host;
	if (w->conf->content_types == CONTENT_JSON &&
	    !is_json_type(host->request_header(request, "Content-Type"))) {
		host->request_answer(request, 415, text("application/json"),
		    text("{\"detail\":\"Unsupported Media Type: send application/json\"}"), 0);
		return;
	}
	door_emit(w->door, host->event_from_request(w->self, request), request);
}

static void webhook_settle(void *state, void *cookie, const struct ow_settlement *how)
{
	struct webhook *w = state;
	struct ow_http_request *request = cookie;
	const struct ow_result *sink = how->result;
	if (w->conf->pass_client_errors && how->outcome == OW_FAILED && sink &&
	    sink->status >= 400 && sink->status <= 499)
		w->host->request_answer(
		    request, sink->status, sink->content_type, sink->body, how->retry_after_ms);
	else
		w->host->request_answer(
		    request, how->status, how->content_type, how->body, how->retry_after_ms);
	door_settled(w->door);
}

static void webhook_destroy(void *state)
{
	struct webhook *w = state;
	door_free(w->door);
	free(w);
}

static struct door_place place_of(const struct webhook_conf *conf)
{
	return (struct door_place){conf->listener, conf->path, &conf->auth};
}

static void *webhook_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct webhook *w = alloc_zero(1, sizeof(*w));
	w->host = host;
	w->self = self;
	w->conf = conf;
	struct door_place place = place_of(conf);
	w->door = door_new(host, self, &place, received, w, why);
	if (w->door)
		return w;
	webhook_destroy(w);
	return NULL;
}

static void webhook_start(void *state, struct ow_op *op)
{
	const struct webhook *w = state;
	door_start(w->door, op);
}

static void webhook_drain(void *state, struct ow_op *op)
{
	const struct webhook *w = state;
	door_drain(w->door, op);
}

static void webhook_check(const void *options, const struct ow_report *report)
{
	struct door_place place = place_of(options);
	door_check(&place, report);
}

static const char *const listener_section[] = {"listeners", NULL};
static const char *const content_types_choices[] = {"json", "any", NULL};

static const struct ow_option webhook_options[] = {
    OW_REFERENCE(struct webhook_conf, listener, "listener", .flags = OW_O_REQUIRED,
	.choices = listener_section, .help = "Listener that takes the requests."),
    OW_STRING(struct webhook_conf, path, "path", .flags = OW_O_REQUIRED,
	.help = "Path that events are posted to, compared exactly; with `/*` at its end, all "
		"paths below. A query is ignored."),
    OW_ENUM(struct webhook_conf, content_types, "content_types", .dflt = "json",
	.choices = content_types_choices,
	.help =
	    "Content types accepted: `json` takes application/json, +json or none and answers "
	    "others with 415; `any` takes all, for senders that label JSON as something else."),
    OW_BOOL(struct webhook_conf, pass_client_errors, "pass_client_errors", .dflt = "false",
	.help =
	    "Answer with the sink's own status and body when it refused the event with 4xx, "
	    "instead of 502."),
    AUTH_OPTIONS(struct webhook_conf),
    OW_OPTION_END,
};

static const struct ow_source_ops webhook_ops = {
    .size = sizeof(webhook_ops),
    .settle = webhook_settle,
};

static const struct ow_component webhook_component = {
    .kind = OW_SOURCE,
    .conf_size = sizeof(struct webhook_conf),
    .name = "webhook",
    .summary = "Receives events as HTTP POST requests.",
    .options = webhook_options,
    .example = "{plugin: webhook, listener: public, path: /webhook/dataaction}",
    .check = webhook_check,
    .create = webhook_create,
    .start = webhook_start,
    .drain = webhook_drain,
    .destroy = webhook_destroy,
    .ops = &webhook_ops,
};

static const struct ow_component *const components[] = {&webhook_component, NULL};

OW_MODULE("source_webhook", "1.0", "Apache-2.0", components)
