/*
 * The mock is strict, and a mock that is not would let bugs of plugins through;
 * so each thing it must refuse is tried here.
 */
#include "tests/plugin/mockhost.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/main.h"

/* ---- toys: components that only remember what they were asked ---- */

struct toy {
	const struct ow_host *host;
	struct ow_instance *self;
	struct ow_op *op; /* the last one; the test finishes it */
	struct ow_http_request *request;
	int calls;
};

struct toy_conf {
	int64_t number;
};

static void *toy_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	const struct toy_conf *c = conf;
	if (c && c->number == 13) {
		*why = "13 is unlucky";
		return NULL;
	}
	struct toy *toy = calloc(1, sizeof(*toy));
	toy->host = host;
	toy->self = self;
	return toy;
}

static void toy_op(void *state, struct ow_op *op)
{
	((struct toy *)state)->op = op;
}

static void toy_claim(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct toy *toy = state;
	(void)claim;
	toy->op = op;
}

static void toy_commit(
    void *state, struct ow_op *op, const struct ow_claim *claim, const struct ow_result *result)
{
	(void)result;
	toy_claim(state, op, claim);
}

static void toy_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	(void)event, (void)attempt;
	toy_op(state, op);
}

static void toy_settle(void *state, void *cookie, const struct ow_settlement *how)
{
	struct toy *toy = state;
	ck_assert_ptr_eq(cookie, toy);
	ck_assert_str_eq(how->why, "because");
	toy->calls++;
}

static enum ow_rc toy_key(void *state, const struct ow_event *event, struct ow_key *key)
{
	struct toy *toy = state;
	const struct ow_pointer *pointer = toy->host->pointer(toy->self, "/id");
	struct ow_json value;
	if (!toy->host->event_json(event, pointer, &value)) {
		toy->host->key_invalid(key, "id", "is missing");
		toy->host->key_invalid(key, "other", "comes too late");
		return OW_REJECT;
	}
	if (value.type != OW_JSON_STRING)
		return value.type == OW_JSON_NULL ? OW_OK : OW_REJECT;
	struct ow_text text = toy->host->event_string(event, &value);
	toy->host->key_set(key, "toy:", text);
	toy->host->key_label(key, text);
	toy->host->key_field(key, "id", value.raw);
	toy->host->key_canonical(key, value.raw);
	return OW_OK;
}

static void toy_reply(void *state, const struct ow_event *event,
    const struct ow_reply_request *request, struct ow_reply *reply)
{
	struct toy *toy = state;
	(void)event;
	toy->host->reply_begin(reply, request->status, "application/json");
	toy->host->reply_add(reply, (struct ow_text){"{\"why\":", 7});
	const char *why = toy->host->reply_problem(reply);
	toy->host->reply_add_json(reply,
	    (struct ow_text){why ? why : request->why, strlen(why ? why : request->why)});
	toy->host->reply_add(reply, (struct ow_text){"}", 1});
}

static const struct ow_option options[] = {
    OW_INT(struct toy_conf, number, "number", .dflt = "7", .help = "A number."),
    OW_OPTION_END,
};

#define TOY(toy_kind, toy_name, toy_ops)                                                       \
	{                                                                                      \
		.kind = (toy_kind), .conf_size = sizeof(struct toy_conf), .name = (toy_name),  \
		.summary = "A toy.", .options = options, .example = "", .create = toy_create,  \
		.start = toy_op, .destroy = free, .ops = (toy_ops)                             \
	}

static const struct ow_source_ops source_ops = {
    .size = sizeof(source_ops), .settle = toy_settle};
static const struct ow_keyer_ops keyer_ops = {
    .size = sizeof(keyer_ops), .key = toy_key, .reply = toy_reply};
static const struct ow_store_ops store_ops = {.size = sizeof(store_ops),
    .claim = toy_claim,
    .renew = toy_claim,
    .commit = toy_commit,
    .release = toy_claim,
    .cancel = toy_op};
static const struct ow_sink_ops sink_ops = {
    .size = sizeof(sink_ops), .deliver = toy_deliver, .cancel = toy_op};

static const struct ow_component source = TOY(OW_SOURCE, "source", &source_ops);
static const struct ow_component keyer = TOY(OW_KEYER, "keyer", &keyer_ops);
static const struct ow_component store = TOY(OW_STORE, "store", &store_ops);
static const struct ow_component sink = TOY(OW_SINK, "sink", &sink_ops);
static const struct ow_component *const components[] = {&source, &keyer, &store, &sink, NULL};

OW_MODULE("toys", "1.0", "Apache-2.0", components)

/* ---- the worker of each test ---- */

static struct mock *m;
static const struct ow_host *host;

static void setup(void)
{
	m = mock_new();
	host = mock_host();
}

static void teardown(void)
{
	mock_free(m);
	m = NULL;
}

static struct toy *toy_new(const char *component)
{
	const struct ow_component *c = mock_component(OW_MODULE_SYMBOL(), component);
	return mock_state(mock_instance(m, c, component, mock_conf(m, c, NULL)));
}

static struct ow_op *claim(struct toy *toy)
{
	static const unsigned char token[OW_TOKEN_SIZE];
	struct ow_claim c = {.size = sizeof(c), .key = {"key", 3}, .token = token};
	return mock_claim(toy->self, &c);
}

/* ---- what it offers ---- */

static char order[32];

static void note(void *arg)
{
	strcat(order, arg);
}

START_TEST(timers_fire_in_order)
{
	struct toy *toy = toy_new("sink");
	char a[] = "a", b[] = "b", c[] = "c";
	struct ow_timer *ta = host->timer_new(toy->self, note, a);
	struct ow_timer *tb = host->timer_new(toy->self, note, b);
	struct ow_timer *tc = host->timer_new(toy->self, note, c);
	order[0] = '\0';
	host->timer_set(ta, 200);
	host->timer_set(tb, 100);
	host->timer_set(tc, 100);
	host->timer_set(tc, -1);
	ck_assert_uint_eq(mock_timers_set(m), 2);
	mock_advance(m, 99);
	ck_assert_str_eq(order, "");
	mock_advance(m, 1);
	ck_assert_str_eq(order, "b");
	mock_skip(m, 500);
	ck_assert_str_eq(order, "b");
	mock_run(m);
	ck_assert_str_eq(order, "ba");
	host->timer_set(tc, 0);
	mock_run(m);
	ck_assert_str_eq(order, "bac");
	host->timer_free(ta);
	host->timer_free(tb);
	host->timer_free(tc);
	host->timer_free(NULL);
}
END_TEST

static struct ow_timer *ticking;
static int64_t ticks[3];
static size_t tick_count;

static void tick(void *arg)
{
	struct toy *toy = arg;
	ticks[tick_count++] = toy->host->mono_ms(toy->self);
	if (tick_count < 3)
		toy->host->timer_set(ticking, 10);
}

START_TEST(timers_see_the_time_they_fall_due)
{
	struct toy *toy = toy_new("sink");
	int64_t start = mock_mono(m), wall = mock_wall(m);
	tick_count = 0;
	ticking = host->timer_new(toy->self, tick, toy);
	host->timer_set(ticking, 10);
	mock_advance(m, 1000);
	ck_assert_uint_eq(tick_count, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ticks[i], start + 10 * (i + 1));
	ck_assert_int_eq(mock_mono(m), start + 1000);
	ck_assert_int_eq(mock_wall(m), wall + 1000);
	ck_assert_int_eq(wall, 1767225600000);
	host->timer_free(ticking);
}
END_TEST

START_TEST(posts_run_later_in_order)
{
	struct toy *toy = toy_new("sink");
	char a[] = "a", b[] = "b";
	order[0] = '\0';
	host->post(toy->self, note, a);
	host->post(toy->self, note, b);
	ck_assert_str_eq(order, "");
	mock_run(m);
	ck_assert_str_eq(order, "ab");
}
END_TEST

START_TEST(randomness_repeats)
{
	struct toy *toy = toy_new("sink");
	unsigned char first[32], second[32];
	host->random(toy->self, first, sizeof(first));
	mock_seed(m, 1);
	host->random(toy->self, second, sizeof(second));
	ck_assert_mem_eq(first, second, sizeof(first));
	mock_seed(m, 2);
	host->random(toy->self, second, sizeof(second));
	ck_assert_mem_ne(first, second, sizeof(first));
}
END_TEST

static int made, freed;

static void *make_shared(void *arg)
{
	made++;
	return arg;
}

static void free_shared(void *object)
{
	ck_assert_ptr_nonnull(object);
	freed++;
}

START_TEST(shared_objects_are_counted)
{
	struct toy *toy = toy_new("sink");
	struct mock *second_worker = mock_new_worker(m);
	struct ow_instance *second = mock_instance(second_worker, &sink, "sink", NULL);
	made = freed = 0;
	ck_assert_ptr_null(host->shared(toy->self, make_shared, NULL, free_shared));
	ck_assert_ptr_eq(host->shared(toy->self, make_shared, toy, free_shared), toy);
	ck_assert_ptr_eq(host->shared(second, make_shared, NULL, free_shared), toy);
	ck_assert_ptr_eq(host->shared(second, make_shared, NULL, free_shared), toy);
	ck_assert_int_eq(made, 2);
	mock_destroy(toy->self);
	ck_assert_int_eq(freed, 0);
	mock_free(second_worker);
	ck_assert_int_eq(freed, 1);
}
END_TEST

START_TEST(logs_and_counts)
{
	struct toy *toy = toy_new("sink");
	host->log(toy->self, OW_LOG_WARNING, "%d of %d", 1, 2);
	ck_assert_uint_eq(mock_log_lines(m), 1);
	ck_assert_str_eq(mock_log_line(m, 0), "warning: 1 of 2");
	ck_assert(mock_logged(m, "of 2"));
	mock_log_clear(m);
	ck_assert(!mock_logged(m, "of 2"));
	struct ow_counter *c =
	    host->counter(toy->self, "x_total", "X.", "k", (struct ow_text){"ab", 1});
	host->count(c, 3);
	ck_assert_ptr_eq(
	    host->counter(toy->self, "x_total", "X.", "k", (struct ow_text){"ac", 1}), c);
	ck_assert_uint_eq(mock_counter(m, "x_total", "a"), 3);
	ck_assert_uint_eq(mock_counter(m, "x_total", "b"), 0);
	host->gauge_set(host->gauge(toy->self, "depth", "Depth."), -4);
	ck_assert_int_eq(mock_gauge(m, "depth"), -4);
	ck_assert_str_eq(host->name(toy->self), "sink");
}
END_TEST

START_TEST(create_may_fail)
{
	const char *why;
	struct toy_conf *conf = mock_conf(m, &sink, "number: 13\n");
	ck_assert_ptr_null(mock_try_instance(m, &sink, "s", conf, &why));
	ck_assert_str_eq(why, "13 is unlucky");
	ck_assert_ptr_nonnull(
	    strstr(mock_conf_complaints(m, &sink, "nummer: 1\n"), "test.yaml:1:1: error: "));
	ck_assert_str_eq(mock_conf_complaints(m, &sink, NULL), "");
}
END_TEST

START_TEST(keeps_what_operations_end_with)
{
	struct toy *toy = toy_new("store");
	struct ow_op *op = claim(toy);
	ck_assert(!mock_finished(op));
	ck_assert_uint_eq(mock_unfinished(m), 1);
	host->op_set(op, toy);
	ck_assert_ptr_eq(host->op_get(op), toy);
	char body[] = "body", why[] = "why";
	unsigned char digest[OW_DIGEST_SIZE] = "d";
	struct ow_result result = {.size = sizeof(result), .status = 201, .body = {body, 4}};
	host->claim_done(op, &(struct ow_claim_answer){.size = sizeof(struct ow_claim_answer),
				 .state = OW_CLAIM_DONE,
				 .result = &result,
				 .digest = digest});
	memset(body, 'x', 4);
	memset(digest, 'x', sizeof(digest));
	ck_assert_str_eq(mock_claimed(op)->result->body.data, "body");
	ck_assert_uint_eq(mock_claimed(op)->digest[0], 'd');
	op = claim(toy);
	host->claim_done(
	    op, &(struct ow_claim_answer){
		    .size = sizeof(struct ow_claim_answer), .rc = OW_FAIL, .why = why});
	why[0] = 'x';
	ck_assert_int_eq(mock_rc(op), OW_FAIL);
	ck_assert_str_eq(mock_why(op), "why");
	ck_assert_str_eq(mock_claimed(op)->why, "why");
	ck_assert_uint_eq(mock_unfinished(m), 0);
	mock_forget(m);
}
END_TEST

START_TEST(events_reach_keyers)
{
	struct toy *toy = toy_new("keyer");
	struct ow_key *key = mock_key(toy->self, mock_event(m, "{\"id\":\"a\\u0062\"}"), true);
	ck_assert_int_eq(key->rc, OW_OK);
	ck_assert_str_eq(key->prefix, "toy:");
	ck_assert_str_eq(key->text.data, "ab");
	ck_assert_str_eq(key->label.data, "ab");
	ck_assert_uint_eq(key->fields, 1);
	ck_assert_str_eq(key->field_names[0], "id");
	ck_assert_str_eq(key->field_values[0].data, "\"a\\u0062\"");
	ck_assert_str_eq(key->canonical.data, "\"a\\u0062\"");
	key = mock_key(toy->self, mock_event(m, "{}"), false);
	ck_assert_int_eq(key->rc, OW_REJECT);
	ck_assert_str_eq(key->invalid_field, "id");
	ck_assert_str_eq(key->invalid_problem, "is missing");
	struct ow_reply_request request = {.status = 422, .why = "is \"bad\""};
	struct ow_reply *reply = mock_reply(toy->self, mock_event(m, "{}"), key, &request);
	ck_assert_int_eq(reply->status, 422);
	ck_assert_str_eq(reply->content_type, "application/json");
	ck_assert_str_eq(reply->body.data, "{\"why\":\"is missing\"}");
	reply = mock_reply(toy->self, mock_event(m, "no JSON"), NULL, &request);
	ck_assert_str_eq(reply->body.data, "{\"why\":\"is \\\"bad\\\"\"}");
}
END_TEST

/* Takes a request, as a source does. */
static void take(struct ow_http_request *request, void *arg)
{
	struct toy *toy = arg;
	toy->request = request;
	ck_assert_str_eq(toy->host->request_header(request, "X-a").data, "1");
	struct ow_event *event = toy->host->event_from_request(toy->self, request);
	ck_assert_ptr_null(toy->host->request_header(request, "x-a").data);
	ck_assert_uint_eq(toy->host->request_body(request).len, 0);
	toy->host->event_add_header(event, "x-b", "2");
	toy->host->emit(toy->self, event, toy);
}

START_TEST(requests_become_events)
{
	static const char *const headers[] = {"X-A", "1", "traceparent",
	    "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", NULL};
	struct toy *toy = toy_new("source");
	const char *why;
	ck_assert_int_eq(
	    host->http_serve(toy->self, "public", "/in", OW_HTTP_POST, take, toy, &why), 0);
	ck_assert_int_eq(
	    host->http_serve(toy->self, "public", "/in", OW_HTTP_POST, take, toy, &why), -1);
	ck_assert_str_eq(why, "the path is taken");
	ck_assert_ptr_null(
	    mock_request(m, "public", "POST", "/out", NULL, (struct ow_text){NULL, 0}));
	struct ow_http_request *get =
	    mock_request(m, "public", "GET", "/in", NULL, (struct ow_text){NULL, 0});
	ck_assert_int_eq(mock_answer(get)->status, 405);

	struct ow_http_request *post = mock_request(
	    m, "public", "POST", "/in?a=b", headers, (struct ow_text){"{\"id\":1}", 8});
	ck_assert_ptr_eq(toy->request, post);
	ck_assert_ptr_null(mock_answer(post));
	ck_assert_uint_eq(mock_emitted(m), 1);
	const struct ow_event *event = mock_emission(m, 0)->event;
	ck_assert_ptr_eq(mock_emission(m, 0)->source, toy->self);
	ck_assert_str_eq(host->event_body(event).data, "{\"id\":1}");
	ck_assert_str_eq(host->event_path(event).data, "/in");
	ck_assert_str_eq(host->event_header(event, "x-A").data, "1");
	ck_assert_str_eq(host->event_header(event, "X-B").data, "2");
	ck_assert_str_eq(host->event_trace(event), "0123456789abcdef0123456789abcdef");
	ck_assert_str_eq(host->event_source(event), "source");
	mock_settle(m, 0, &(struct ow_settlement){.outcome = OW_DELIVERED, .why = "because"});
	ck_assert_int_eq(toy->calls, 1);
	host->request_answer_with(
	    post, &(struct ow_http_answer){.size = sizeof(struct ow_http_answer),
		      .status = 200,
		      .body = {"ok", 2},
		      .retry_after_ms = 1500,
		      .names = &(const struct ow_text){"X-Own", 5},
		      .values = &(const struct ow_text){"yes", 3},
		      .headers = 1});
	ck_assert_str_eq(mock_answer_header(post, "x-own").data, "yes");
	ck_assert_ptr_null(mock_answer_header(post, "x-other").data);
	ck_assert_int_eq(mock_answer(post)->status, 200);
	ck_assert_str_eq(mock_answer(post)->body.data, "ok");
	ck_assert_int_eq(mock_answer(post)->retry_after_ms, 1500);
	struct ow_op *drained = mock_drain(toy->self);
	ck_assert_int_eq(mock_rc(drained), OW_OK);
	ck_assert_ptr_null(
	    mock_request(m, "public", "POST", "/in", NULL, (struct ow_text){NULL, 0}));
}
END_TEST

static const struct ow_http_origin origin = {
    .size = sizeof(origin), .url = "http://crm.example:8080"};
static const struct ow_text names[] = {{"X-A", 3}}, values[] = {{"1", 1}};
static const struct ow_http_outgoing outgoing = {.size = sizeof(outgoing),
    .method = "POST",
    .target = {"/in", 3},
    .names = names,
    .values = values,
    .headers = 1,
    .body = {"body", 4}};

static void answered(const struct ow_http_response *response, void *arg)
{
	struct toy *toy = arg;
	toy->calls = toy->calls * 1000 + response->status;
	if (response->end != OW_HTTP_ANSWERED)
		ck_assert_ptr_nonnull(response->why);
}

START_TEST(calls_are_answered_from_a_script)
{
	struct toy *toy = toy_new("sink");
	const char *why;
	struct ow_http_pool *pool = host->http_pool_new(toy->self, &origin, &why);
	mock_script_answer(m, 201, NULL, "first");
	host->http_send(pool, &outgoing, answered, toy);
	host->http_send(pool, &outgoing, answered, toy);
	ck_assert_int_eq(toy->calls, 0);
	mock_run(m);
	ck_assert_int_eq(toy->calls, 201);
	mock_script_answer(m, 202, NULL, "second");
	mock_run(m);
	ck_assert_int_eq(toy->calls, 201202);
	ck_assert_uint_eq(mock_calls(m), 2);
	const struct mock_call *call = mock_call(m, 0);
	ck_assert_str_eq(call->origin.url, "http://crm.example:8080");
	ck_assert_str_eq(call->request.target.data, "/in");
	ck_assert_str_eq(call->request.body.data, "body");
	ck_assert_str_eq(mock_call_header(call, "x-a").data, "1");
	ck_assert_ptr_null(mock_call_header(call, "x-b").data);
	ck_assert_int_eq(call->state, MOCK_CALL_ANSWERED);

	struct ow_http_call *cancelled = host->http_send(pool, &outgoing, answered, toy);
	mock_set_maybe_received(m, true);
	ck_assert(host->http_cancel(cancelled));
	ck_assert_int_eq(mock_call(m, 2)->state, MOCK_CALL_CANCELLED);
	host->http_send(pool, &outgoing, answered, toy);
	mock_respond(m, 3, &(struct ow_http_response){.end = OW_HTTP_TIMEOUT, .status = 0});
	ck_assert_int_eq(toy->calls, 201202000);
	mock_set_unreachable(m, "down");
	ck_assert(!host->http_reachable(pool, &why));
	ck_assert_str_eq(why, "down");
	mock_set_unreachable(m, NULL);
	ck_assert(host->http_reachable(pool, &why));
	host->http_pool_free(pool);
	host->http_pool_free(NULL);
	mock_refuse_pool(m, "no good");
	ck_assert_ptr_null(host->http_pool_new(toy->self, &origin, &why));
	ck_assert_str_eq(why, "no good");
}
END_TEST

/* ---- what it refuses; each of these ends with abort() ---- */

START_TEST(finishing_twice)
{
	struct ow_op *op = mock_start(toy_new("sink")->self);
	host->op_done(op, OW_OK, NULL);
	host->op_done(op, OW_OK, NULL);
}
END_TEST

START_TEST(finishing_with_the_wrong_function)
{
	host->op_done(claim(toy_new("store")), OW_OK, NULL);
}
END_TEST

START_TEST(failing_without_saying_why)
{
	host->op_done(mock_start(toy_new("sink")->self), OW_FAIL, NULL);
}
END_TEST

START_TEST(an_answer_without_its_size)
{
	host->claim_done(
	    claim(toy_new("store")), &(struct ow_claim_answer){.state = OW_CLAIM_NEW});
}
END_TEST

START_TEST(leaving_an_operation_unfinished)
{
	claim(toy_new("store"));
	mock_free(m);
}
END_TEST

START_TEST(leaving_a_timer)
{
	host->timer_new(toy_new("sink")->self, note, NULL);
	mock_free(m);
}
END_TEST

START_TEST(leaving_a_pool)
{
	const char *why;
	host->http_pool_new(toy_new("sink")->self, &origin, &why);
	mock_free(m);
}
END_TEST

START_TEST(leaving_a_reference)
{
	host->event_ref(mock_event(m, "1"));
	mock_free(m);
}
END_TEST

START_TEST(dropping_a_reference_too_many)
{
	host->event_unref(mock_event(m, "1"));
}
END_TEST

START_TEST(leaving_an_event_unsettled)
{
	struct toy *toy = toy_new("source");
	host->emit(toy->self, host->event_new(toy->self), toy);
	mock_free(m);
}
END_TEST

START_TEST(changing_an_emitted_event)
{
	struct toy *toy = toy_new("source");
	struct ow_event *event = host->event_new(toy->self);
	host->emit(toy->self, event, toy);
	host->event_set_body(event, "1", 1);
}
END_TEST

START_TEST(leaving_a_request_unanswered)
{
	struct toy *toy = toy_new("source");
	const char *why;
	host->http_serve(toy->self, "public", "/in", OW_HTTP_POST, take, toy, &why);
	static const char *const headers[] = {"x-a", "1", NULL};
	mock_request(m, "public", "POST", "/in", headers, (struct ow_text){"1", 1});
	mock_settle(m, 0, &(struct ow_settlement){.why = "because"});
	mock_free(m);
}
END_TEST

START_TEST(answering_a_request_twice)
{
	struct toy *toy = toy_new("source");
	const char *why;
	host->http_serve(toy->self, "public", "/in", OW_HTTP_POST, take, toy, &why);
	struct ow_http_request *get =
	    mock_request(m, "public", "GET", "/in", NULL, (struct ow_text){NULL, 0});
	host->request_answer(get, 200, (struct ow_text){NULL, 0}, (struct ow_text){NULL, 0}, 0);
}
END_TEST

START_TEST(changing_a_request_before_its_callback)
{
	struct toy *toy = toy_new("sink");
	const char *why;
	char body[] = "body";
	struct ow_http_outgoing request = outgoing;
	request.body = (struct ow_text){body, 4};
	host->http_send(host->http_pool_new(toy->self, &origin, &why), &request, answered, toy);
	body[0] = 'x';
	mock_script_answer(m, 200, NULL, "");
	mock_run(m);
}
END_TEST

START_TEST(a_key_that_is_not_set)
{
	mock_key(toy_new("keyer")->self, mock_event(m, "{\"id\":null}"), false);
}
END_TEST

START_TEST(a_refusal_without_a_reason)
{
	mock_key(toy_new("keyer")->self, mock_event(m, "{\"id\":1}"), false);
}
END_TEST

static void post_again(void *arg)
{
	struct toy *toy = arg;
	toy->host->post(toy->self, post_again, toy);
}

START_TEST(never_coming_to_rest)
{
	struct toy *toy = toy_new("sink");
	host->post(toy->self, post_again, toy);
	mock_run(m);
}
END_TEST

START_TEST(asking_for_an_unknown_counter)
{
	mock_counter(m, "never_made_total", NULL);
}
END_TEST

static struct bufferevent *no_stream(int fd, const char *peer, void *arg)
{
	ck_assert_int_eq(fd, 7);
	ck_assert_str_eq(peer, "redis.example");
	return arg;
}

START_TEST(tls_is_the_test_s_to_make)
{
	struct toy *toy = toy_new("sink");
	const struct ow_tls_options wanted = {
	    .size = sizeof(wanted), .ca = "ca.pem", .min_version = 1};
	const char *why = NULL;
	mock_refuse_tls(m, "tls.ca: ca.pem: No such file");
	ck_assert_ptr_null(host->tls_new(toy->self, &wanted, &why));
	ck_assert_str_eq(why, "tls.ca: ca.pem: No such file");
	mock_refuse_tls(m, NULL);
	struct ow_tls *tls = host->tls_new(toy->self, &wanted, &why);
	ck_assert_ptr_nonnull(tls);
	ck_assert_str_eq(mock_tls_options(m)->ca, "ca.pem");
	ck_assert_int_eq(mock_tls_options(m)->min_version, 1);
	mock_set_tls(m, no_stream, m);
	ck_assert_ptr_eq(host->tls_stream(tls, 7, "redis.example"), (void *)m);
	ck_assert_ptr_null(host->tls_problem(tls, NULL));
	mock_set_tls_problem(m, "its certificate has expired");
	ck_assert_str_eq(host->tls_problem(tls, NULL), "its certificate has expired");
	host->tls_free(tls);
	host->tls_free(NULL);
}
END_TEST

START_TEST(leaving_tls)
{
	const char *why;
	host->tls_new(toy_new("sink")->self, NULL, &why);
	mock_free(m);
}
END_TEST

static void add_aborting(TCase *t)
{
	/* Without a fork there is nobody left to see it. */
	const char *fork_mode = getenv("CK_FORK");
	if (fork_mode && strcmp(fork_mode, "no") == 0)
		return;
	tcase_add_test_raise_signal(t, finishing_twice, SIGABRT);
	tcase_add_test_raise_signal(t, finishing_with_the_wrong_function, SIGABRT);
	tcase_add_test_raise_signal(t, failing_without_saying_why, SIGABRT);
	tcase_add_test_raise_signal(t, an_answer_without_its_size, SIGABRT);
	tcase_add_test_raise_signal(t, leaving_an_operation_unfinished, SIGABRT);
	tcase_add_test_raise_signal(t, leaving_a_timer, SIGABRT);
	tcase_add_test_raise_signal(t, leaving_a_pool, SIGABRT);
	tcase_add_test_raise_signal(t, leaving_tls, SIGABRT);
	tcase_add_test_raise_signal(t, leaving_a_reference, SIGABRT);
	tcase_add_test_raise_signal(t, dropping_a_reference_too_many, SIGABRT);
	tcase_add_test_raise_signal(t, leaving_an_event_unsettled, SIGABRT);
	tcase_add_test_raise_signal(t, changing_an_emitted_event, SIGABRT);
	tcase_add_test_raise_signal(t, leaving_a_request_unanswered, SIGABRT);
	tcase_add_test_raise_signal(t, answering_a_request_twice, SIGABRT);
	tcase_add_test_raise_signal(t, changing_a_request_before_its_callback, SIGABRT);
	tcase_add_test_raise_signal(t, a_key_that_is_not_set, SIGABRT);
	tcase_add_test_raise_signal(t, a_refusal_without_a_reason, SIGABRT);
	tcase_add_test_raise_signal(t, never_coming_to_rest, SIGABRT);
	tcase_add_test_raise_signal(t, asking_for_an_unknown_counter, SIGABRT);
}

static Suite *suite(void)
{
	Suite *s = suite_create("mockhost");
	TCase *t = tcase_create("mockhost");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, timers_fire_in_order);
	tcase_add_test(t, timers_see_the_time_they_fall_due);
	tcase_add_test(t, posts_run_later_in_order);
	tcase_add_test(t, randomness_repeats);
	tcase_add_test(t, shared_objects_are_counted);
	tcase_add_test(t, logs_and_counts);
	tcase_add_test(t, create_may_fail);
	tcase_add_test(t, keeps_what_operations_end_with);
	tcase_add_test(t, events_reach_keyers);
	tcase_add_test(t, requests_become_events);
	tcase_add_test(t, calls_are_answered_from_a_script);
	tcase_add_test(t, tls_is_the_test_s_to_make);
	add_aborting(t);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
