#include "lib/outbound/test_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rig rig;

struct caller_conf {
	struct outbound_options outbound;
};

struct caller {
	const struct ow_host *host;
	struct ow_http_pool *pool;
	struct outbound *outbound;
};

OW_TLS_CHOICES;

static const struct ow_option options[] = {
    OUTBOUND_OPTIONS(struct caller_conf, outbound),
    OW_OPTION_END,
};

static void caller_check(const void *conf, const struct ow_report *report)
{
	static const char *const names[] = {"X-Own"}, *const values[] = {"1"};
	static const char *const own[] = {"X-Trace", NULL};
	static const struct ow_pairs headers = {names, values, 1};
	const struct caller_conf *c = conf;
	outbound_options_check(&c->outbound, &(struct outbound_taken){&headers, own}, report);
}

static void *make_share(void *arg)
{
	(void)arg;
	return token_share_new();
}

static void free_share(void *share)
{
	token_share_free(share);
}

static void caller_destroy(void *state)
{
	struct caller *c = state;
	outbound_free(c->outbound);
	c->host->http_pool_free(c->pool);
	free(c);
}

static void *caller_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	const struct caller_conf *options_of = conf;
	struct caller *c = calloc(1, sizeof(*c));
	struct outbound_config config = {.options = &options_of->outbound,
	    .url = "https://crm.example:8443/in",
	    .proxy = "http://proxy",
	    .max_waiting = RIG_WAITING};
	c->host = host;
	c->pool = host->http_pool_new(self,
	    &(struct ow_http_origin){.size = sizeof(struct ow_http_origin),
		.url = config.url,
		.max_connections = 1,
		.connect_ms = 1},
	    why);
	config.share = host->shared(self, make_share, NULL, free_share);
	c->outbound = c->pool ? outbound_new(host, self, &config, why) : NULL;
	if (c->outbound)
		return c;
	caller_destroy(c);
	return NULL;
}

static void caller_start(void *state, struct ow_op *op)
{
	struct caller *c = state;
	outbound_start(c->outbound);
	c->host->op_done(op, OW_OK, NULL);
}

static const struct ow_sink_ops ops = {.size = sizeof(ops)};
static const struct ow_component caller = {.kind = OW_SINK,
    .conf_size = sizeof(struct caller_conf),
    .name = "caller",
    .summary = "Sends requests.",
    .options = options,
    .example = "bearer: abc\n",
    .check = caller_check,
    .create = caller_create,
    .start = caller_start,
    .destroy = caller_destroy,
    .ops = &ops};

/* ---- the rig ---- */

static struct outbound_call *calls[RIG_MAX];

void rig_open(void)
{
	rig = (struct rig){.m = {mock_new(), NULL}};
}

void rig_close(void)
{
	mock_free(rig.m[1]);
	mock_free(rig.m[0]);
}

static void with(int worker, const char *yaml)
{
	struct mock *m = rig.m[worker];
	rig.instance[worker] = mock_instance(m, &caller, "crm", mock_conf(m, &caller, yaml));
	mock_start(rig.instance[worker]);
}

void rig_with(const char *yaml)
{
	with(0, yaml);
}

void rig_with_second(const char *yaml)
{
	rig.m[1] = mock_new_worker(rig.m[0]);
	with(1, yaml);
}

const char *rig_refused(const char *yaml)
{
	const char *why = NULL;
	return mock_try_instance(
		   rig.m[0], &caller, "crm", mock_conf(rig.m[0], &caller, yaml), &why)
		   ? NULL
		   : why;
}

const char *rig_complaints(const char *yaml)
{
	return mock_conf_complaints(rig.m[0], &caller, yaml);
}

bool rig_ready(const char **why)
{
	struct caller *c = mock_state(rig.instance[0]);
	return outbound_ready(c->outbound, why);
}

static void on_done(const struct outbound_result *result, void *arg)
{
	struct rig_result *r = arg;
	r->ended++;
	r->status = result->response ? result->response->status : 0;
	r->end = result->response ? result->response->end : (enum ow_http_end)0;
	r->timed_out = result->timed_out;
	r->busy = result->busy;
	r->stale = result->stale;
	r->retry_after_ms = result->retry_after_ms;
	snprintf(r->why, sizeof(r->why), "%s", result->why ? result->why : "");
}

size_t rig_send_from(int worker)
{
	static const char body[] = "{\"a\":1}";
	static const struct ow_text names[] = {{"Content-Type", 12}},
				    values[] = {{"application/json", 16}};
	static const struct ow_http_outgoing request = {.size = sizeof(request),
	    .method = "POST",
	    .target = {"/in", 3},
	    .names = names,
	    .values = values,
	    .headers = 1,
	    .body = {body, sizeof(body) - 1},
	    .total_ms = RIG_TOTAL};
	struct caller *c = mock_state(rig.instance[worker]);
	size_t number = rig.sent++;
	ck_assert_uint_lt(number, RIG_MAX);
	calls[number] = outbound_send(c->outbound, c->pool, &request,
	    (struct ow_text){"cxone:dedup:k1", 14}, on_done, &rig.results[number]);
	ck_assert_int_eq(rig.results[number].ended, 0);
	return number;
}

size_t rig_send(void)
{
	return rig_send_from(0);
}

struct outbound_call *rig_call(size_t number)
{
	return calls[number];
}

const struct rig_result *rig_result(size_t number)
{
	ck_assert_int_eq(rig.results[number].ended, 1);
	return &rig.results[number];
}

const char *rig_url(size_t index)
{
	return mock_call(rig.m[0], index)->origin.url;
}

const char *rig_header(size_t index, const char *name)
{
	const char *value = mock_call_header(mock_call(rig.m[0], index), name).data;
	return value ? value : "";
}

const char *rig_body(size_t index)
{
	return mock_call(rig.m[0], index)->request.body.data;
}

static void run(void)
{
	for (int round = 0; round < 3; round++) {
		mock_run(rig.m[0]);
		if (rig.m[1])
			mock_run(rig.m[1]);
	}
}

void rig_answer_to(int worker, int status, const char *body)
{
	run();
	mock_script_answer(rig.m[worker], status, NULL, body);
	run();
}

void rig_answer(int status, const char *body)
{
	rig_answer_to(0, status, body);
}

void rig_respond(size_t index, int status, const char *body)
{
	mock_respond(rig.m[0], index,
	    &(struct ow_http_response){.end = OW_HTTP_ANSWERED,
		.maybe_received = true,
		.status = status,
		.body = {body, strlen(body)}});
	run();
}

void rig_token(const char *token, int seconds)
{
	char body[256];
	snprintf(body, sizeof(body),
	    "{\"access_token\":\"%s\",\"token_type\":\"bearer\",\"expires_in\":%d}", token,
	    seconds);
	rig_answer(200, body);
}
