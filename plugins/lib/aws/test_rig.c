#include "lib/aws/test_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rig rig;

struct caller_conf {
	struct aws_identity identity;
	struct aws_place place;
};

AWS_PLACE_CHOICES;

static const struct ow_option options[] = {
    AWS_IDENTITY_OPTIONS(struct caller_conf, identity, ""),
    AWS_PLACE_OPTIONS(struct caller_conf, place),
    OW_OPTION_END,
};

static void caller_check(const void *conf, const struct ow_report *report)
{
	const struct caller_conf *c = conf;
	aws_identity_check(&c->identity, "", report);
	aws_place_check(&c->place, report);
}

static void *caller_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	const struct caller_conf *c = conf;
	return aws_client_new(host, self,
	    &(struct aws_client_config){.service = "sqs",
		.identity = &c->identity,
		.place = &c->place,
		.max_connections = 4,
		.max_waiting = 10,
		.connect_ms = 3000,
		.max_response = 200},
	    why);
}

static void caller_destroy(void *state)
{
	aws_client_free(state);
}

static const struct ow_sink_ops ops = {.size = sizeof(ops)};
static const struct ow_component caller = {.kind = OW_SINK,
    .conf_size = sizeof(struct caller_conf),
    .name = "caller",
    .summary = "Calls a service.",
    .options = options,
    .example = "region: eu-central-1\n",
    .check = caller_check,
    .create = caller_create,
    .destroy = caller_destroy,
    .ops = &ops};

static void clear_environment(void)
{
	static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	    "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE",
	    "AWS_CONFIG_FILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN",
	    "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ENDPOINT_URL",
	    "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_STS",
	    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	    "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
	    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "HOME"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
}

void rig_open(void)
{
	clear_environment();
	rig = (struct rig){.m = mock_new()};
}

void rig_close(void)
{
	mock_free(rig.m);
}

void rig_with(const char *yaml)
{
	rig.instance = mock_instance(rig.m, &caller, "queue", mock_conf(rig.m, &caller, yaml));
	rig.client = mock_state(rig.instance);
}

const char *rig_refused(const char *yaml)
{
	const char *why = NULL;
	struct ow_instance *instance =
	    mock_try_instance(rig.m, &caller, "queue", mock_conf(rig.m, &caller, yaml), &why);
	return instance ? NULL : why;
}

const char *rig_complaints(const char *yaml)
{
	return mock_conf_complaints(rig.m, &caller, yaml);
}

static void on_done(const struct aws_result *result, void *arg)
{
	struct rig_result *r = arg;
	ck_assert_uint_lt(result->body.len, sizeof(r->body));
	r->ended++;
	r->outcome = result->outcome;
	r->maybe_done = result->maybe_done;
	r->status = result->status;
	r->retry_after_ms = result->retry_after_ms;
	snprintf(r->body, sizeof(r->body), "%.*s", (int)result->body.len, result->body.data);
	snprintf(r->code, sizeof(r->code), "%s", result->code);
	snprintf(r->query_code, sizeof(r->query_code), "%s", result->query_code);
	snprintf(r->why, sizeof(r->why), "%s", result->why);
	rig.results++;
}

struct aws_call *rig_call(void)
{
	static const char body[] = "{\"a\":1}";
	rig.last = (struct rig_result){.ended = 0};
	struct aws_call *call = aws_client_call(rig.client,
	    &(struct aws_request){.target = "Test.Action",
		.body = {body, sizeof(body) - 1},
		.timeout_ms = 10000,
		.repeatable = true},
	    on_done, &rig.last);
	ck_assert_int_eq(rig.last.ended, 0);
	return call;
}

const struct rig_result *rig_called(void)
{
	rig_call();
	mock_run(rig.m);
	ck_assert_int_eq(rig.last.ended, 1);
	return &rig.last;
}

const char *rig_url(size_t index)
{
	return mock_call(rig.m, index)->origin.url;
}

const char *rig_target(size_t index)
{
	return mock_call(rig.m, index)->request.target.data;
}

const char *rig_header(size_t index, const char *name)
{
	const char *value = mock_call_header(mock_call(rig.m, index), name).data;
	return value ? value : "";
}
