/*
 * A sink for the end-to-end tests of plugins/lib/aws: each delivery is one call
 * of an AWS service, Test.Deliver, with the event as its document.
 */
#include <onceway/plugin.h>

#include "lib/alloc.h"
#include "lib/aws/aws_client.h"

struct caller_conf {
	struct aws_identity identity;
	struct aws_place place;
};

struct caller {
	const struct ow_host *host;
	struct aws_client *client;
};

struct delivery {
	struct caller *caller;
	struct ow_op *op;
	struct aws_call *call;
};

static void finish(struct delivery *d, const struct ow_delivery *how)
{
	d->caller->host->deliver_done(d->op, how);
	free(d);
}

static void called(const struct aws_result *result, void *arg)
{
	struct ow_result kept = {.size = sizeof(kept),
	    .status = result->status,
	    .content_type = {"application/json", 16},
	    .body = result->body};
	finish(arg, &(struct ow_delivery){.size = sizeof(struct ow_delivery),
			.rc = result->outcome == AWS_OK ? OW_OK : OW_FAIL,
			.code = result->code[0] ? result->code : "none",
			.why = result->outcome == AWS_OK ? NULL : result->why,
			.result = result->outcome == AWS_OK ? &kept : NULL});
}

static void caller_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	struct caller *c = state;
	struct delivery *d = alloc_zero(1, sizeof(*d));
	d->caller = c;
	d->op = op;
	c->host->op_set(op, d);
	d->call = aws_client_call(c->client,
	    &(struct aws_request){.target = "Test.Deliver",
		.body = c->host->event_body(event),
		.timeout_ms = attempt->limit_ms},
	    called, d);
}

static void caller_cancel(void *state, struct ow_op *op)
{
	const struct caller *c = state;
	struct delivery *d = c->host->op_get(op);
	aws_call_cancel(d->call);
	finish(d, &(struct ow_delivery){.size = sizeof(struct ow_delivery),
		      .rc = OW_FAIL,
		      .code = "timeout",
		      .timed_out = true,
		      .why = "no answer in time"});
}

static void *caller_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	const struct caller_conf *o = conf;
	struct caller *c = alloc_zero(1, sizeof(*c));
	c->host = host;
	c->client = aws_client_new(host, self,
	    &(struct aws_client_config){.service = "test",
		.identity = &o->identity,
		.place = &o->place,
		.max_connections = 20,
		.max_waiting = 1000,
		.connect_ms = 3000,
		.max_response = 65536},
	    why);
	if (c->client)
		return c;
	free(c);
	return NULL;
}

static void caller_destroy(void *state)
{
	struct caller *c = state;
	aws_client_free(c->client);
	free(c);
}

static bool caller_ready(void *state, const char **why)
{
	struct caller *c = state;
	return aws_client_ready(c->client, why);
}

AWS_PLACE_CHOICES;

static const struct ow_option options[] = {
    AWS_IDENTITY_OPTIONS(struct caller_conf, identity, ""),
    AWS_PLACE_OPTIONS(struct caller_conf, place),
    OW_OPTION_END,
};

static const struct ow_sink_ops ops = {
    .size = sizeof(ops),
    .deliver = caller_deliver,
    .cancel = caller_cancel,
    .ready = caller_ready,
};

static const struct ow_component caller = {
    .kind = OW_SINK,
    .conf_size = sizeof(struct caller_conf),
    .name = "aws_caller",
    .summary = "Calls an AWS service.",
    .options = options,
    .example = "region: eu-central-1\n",
    .create = caller_create,
    .destroy = caller_destroy,
    .ops = &ops,
};

static const struct ow_component *const components[] = {&caller, NULL};

OW_MODULE("aws_caller", "1.0", "Apache-2.0", components)
