#include "lib/sqs/test_client.h"

#include <stdio.h>
#include <string.h>

#define CALLS_MAX 4000

struct aws_call {
	struct rig_call seen;
	aws_call_done *done;
	void *arg;
	struct ow_text body; /* as it was lent */
};

struct aws_client {
	const struct ow_host *host;
};

struct mock *rig_mock;
const char *rig_unready;

static struct aws_call calls[CALLS_MAX];
static size_t call_count;
static struct aws_client_config config;
static struct aws_place place;
static struct ow_tls_options tls;

/* ---- the client ---- */

struct aws_client *aws_client_new(const struct ow_host *host, struct ow_instance *self,
    const struct aws_client_config *c, const char **why)
{
	static struct aws_client client;
	(void)self, (void)why;
	config = *c;
	place = *c->place;
	tls = *c->tls;
	config.place = &place;
	config.tls = &tls;
	client.host = host;
	return &client;
}

void aws_client_free(struct aws_client *client)
{
	if (client)
		for (size_t i = 0; i < call_count; i++)
			calls[i].seen.open = false;
}

bool aws_client_ready(struct aws_client *client, const char **why)
{
	(void)client;
	*why = rig_unready;
	return !rig_unready;
}

const char *aws_client_endpoint(const struct aws_client *client)
{
	(void)client;
	return "https://sqs.test";
}

const char *aws_client_region(const struct aws_client *client)
{
	(void)client;
	return "test-1";
}

struct aws_call *aws_client_call(struct aws_client *client, const struct aws_request *request,
    aws_call_done *done, void *arg)
{
	ck_assert_uint_lt(call_count, CALLS_MAX);
	struct aws_call *call = &calls[call_count++];
	(void)client;
	*call =
	    (struct aws_call){.seen = {request->target,
				  json_loadb(request->body.data, request->body.len, 0, NULL),
				  request->timeout_ms, request->repeatable, true},
		.done = done,
		.arg = arg,
		.body = request->body};
	ck_assert_ptr_nonnull(call->seen.request);
	return call;
}

bool aws_call_cancel(struct aws_call *call)
{
	ck_assert(call->seen.open);
	call->seen.open = false;
	return true;
}

void aws_place_check(const struct aws_place *p, const struct ow_report *report)
{
	(void)p, (void)report;
}

void aws_identity_check(
    const struct aws_identity *identity, const char *p, const struct ow_report *report)
{
	(void)identity, (void)p, (void)report;
}

void rig_forget_calls(void)
{
	for (size_t i = 0; i < call_count; i++)
		json_decref(calls[i].seen.request);
	call_count = 0;
	rig_unready = NULL;
}

const struct aws_client_config *rig_config(void)
{
	return &config;
}

/* ---- calls ---- */

size_t rig_calls(void)
{
	return call_count;
}

const struct rig_call *rig_call(size_t index)
{
	ck_assert_uint_lt(index, call_count);
	return &calls[index].seen;
}

size_t rig_open(const char *target)
{
	size_t open = 0;
	for (size_t i = 0; i < call_count; i++)
		open += calls[i].seen.open && strcmp(calls[i].seen.target, target) == 0;
	return open;
}

size_t rig_find(const char *target)
{
	size_t i = 0;
	while (i < call_count &&
	       !(calls[i].seen.open && strcmp(calls[i].seen.target, target) == 0))
		i++;
	ck_assert_msg(i < call_count, "no open call of %s", target);
	return i;
}

int64_t rig_number(size_t call, const char *member)
{
	return json_integer_value(json_object_get(rig_call(call)->request, member));
}

json_t *rig_entry(size_t call, size_t entry)
{
	return json_array_get(json_object_get(rig_call(call)->request, "Entries"), entry);
}

size_t rig_entries(size_t call)
{
	return json_array_size(json_object_get(rig_call(call)->request, "Entries"));
}

void rig_answer_as(size_t index, const struct aws_result *result)
{
	struct aws_call *call = &calls[index];
	ck_assert(call->seen.open);
	call->seen.open = false;
	/* Lent until now: a sanitizer sees if it was not there any more. */
	json_t *again = json_loadb(call->body.data, call->body.len, 0, NULL);
	ck_assert(json_equal(again, call->seen.request));
	json_decref(again);
	call->done(result, call->arg);
	mock_run(rig_mock);
}

void rig_answer(size_t call, const char *body)
{
	rig_answer_as(call, &(struct aws_result){.outcome = AWS_OK,
				.status = 200,
				.body = {body, strlen(body)},
				.code = "",
				.query_code = "",
				.why = ""});
}

void rig_fail(size_t call, enum aws_outcome outcome, const char *code)
{
	rig_answer_as(call, &(struct aws_result){.outcome = outcome,
				.status = 400,
				.maybe_done = outcome == AWS_RETRY,
				.body = {"", 0},
				.code = code,
				.query_code = "",
				.why = code});
}

void rig_throttle(size_t call, int64_t retry_after_ms)
{
	rig_answer_as(call, &(struct aws_result){.outcome = AWS_THROTTLED,
				.status = 400,
				.body = {"", 0},
				.code = "RequestThrottled",
				.query_code = "",
				.why = "too many",
				.retry_after_ms = retry_after_ms});
}

void rig_answer_batch(size_t call)
{
	char body[1000] = "{\"Successful\":[";
	for (size_t i = 0; i < rig_entries(call); i++) {
		size_t len = strlen(body);
		snprintf(body + len, sizeof(body) - len, "%s{\"Id\":\"%zu\"}", i ? "," : "", i);
	}
	strcat(body, "],\"Failed\":[]}");
	rig_answer(call, body);
}

void rig_answer_all(const char *target)
{
	while (rig_open(target))
		rig_answer_batch(rig_find(target));
}
