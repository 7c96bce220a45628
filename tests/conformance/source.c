/*
 * What every source must do. Those on an HTTP listener are sent requests; of
 * others the suite sees only their life.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "conformance/call.h"
#include "conformance/client.h"
#include "conformance/contract.h"
#include "conformance/harness.h"
#include "conformance/suites.h"
#include "plugin/event.h"

#define EVENTS_MAX 256
#define QUIET_MS   150 /* what comes within it, comes too early; nothing need come */

/* Events that were emitted and are not settled. */
struct emitted {
	struct ow_event *event;
	void *cookie;
	char *body;
	size_t len;
};

struct bench {
	struct rig *rig;
	struct arena arena;
	const struct subject *subject;
	struct ow_text body;
	/* under the rig's lock */
	struct emitted events[EVENTS_MAX];
	size_t count, settled;
};

/* On the worker's thread: the engine's place. */
static void emitted(void *arg, struct ow_instance *source, struct ow_event *event, void *cookie)
{
	struct bench *b = arg;
	struct ow_text body = event_get_body(event);
	(void)source;
	rig_lock(b->rig);
	if (b->count < EVENTS_MAX)
		b->events[b->count++] = (struct emitted){
		    event, cookie, mem_string_of(body.data, body.len), body.len};
	rig_signal(b->rig);
	rig_unlock(b->rig);
}

/* NULL: the source is on no listener. */
static struct bench *bench_new(const struct subject *subject)
{
	size_t count;
	struct bench *b = mem_zero(sizeof(*b));
	b->subject = subject;
	b->rig = rig_new(subject,
	    &(struct rig_options){.workers = 1, .peer = true, .emit = emitted, .emit_arg = b});
	b->body = subject_events(subject, &b->arena, &count)[0];
	if (!rig_port(b->rig))
		skip("the source is not on an HTTP listener");
	return b;
}

static void free_memory(struct bench *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->events[i].body);
	arena_free(&b->arena);
	free(b);
}

static void bench_free(struct bench *b)
{
	rig_free(b->rig);
	free_memory(b);
}

/* ---- events ---- */

static void request(struct bench *b, struct buf *out)
{
	const char *path = b->subject->path;
	if (!path)
		path = subject_text(b->subject, rig_conf(b->rig), "path");
	buf_printf(out, "POST %s HTTP/1.1\r\nHost: suite\r\nContent-Length: %zu\r\n",
	    path ? path : "/", b->body.len);
	bool typed = false;
	for (size_t i = 0; b->subject->headers[i]; i++) {
		buf_printf(out, "%s\r\n", b->subject->headers[i]);
		typed |= strncasecmp(b->subject->headers[i], "content-type:", 13) == 0;
	}
	buf_printf(out, "%s\r\n", typed ? "" : "Content-Type: application/json\r\n");
	buf_add_text(out, b->body);
}

static void send_request(struct bench *b, struct client *c)
{
	struct buf bytes = BUF_INIT;
	request(b, &bytes);
	client_send(c, buf_text(&bytes));
	buf_free(&bytes);
}

static void open_client(struct bench *b, struct client *c)
{
	EXPECT(
	    client_open(c, rig_port(b->rig)), "the listener takes connections", "it refused");
}

static size_t event_count(struct bench *b)
{
	rig_lock(b->rig);
	size_t count = b->count;
	rig_unlock(b->rig);
	return count;
}

static void wait_events(struct bench *b, size_t count)
{
	int64_t give_up = rig_now(b->rig) + EVENTUALLY_MS;
	while (event_count(b) < count) {
		EXPECT(rig_now(b->rig) < give_up,
		    "an event for each request (say with --path, --header and --events what "
		    "the source takes)",
		    "%zu of %zu after %d s", event_count(b), count, EVENTUALLY_MS / 1000);
		rig_sleep(5);
	}
}

struct settling {
	struct bench *bench;
	size_t index;
	struct ow_settlement how;
};

static void settle(void *arg)
{
	struct settling *s = arg;
	struct bench *b = s->bench;
	struct emitted *e = &b->events[s->index];
	struct ow_settlement *how = mem_copy(&s->how, sizeof(s->how));
	char *why = mem_string(s->how.why);
	how->size = sizeof(*how);
	how->why = why;
	how->content_type = text_copied(s->how.content_type);
	how->body = text_copied(s->how.body);
	event_release(e->event);
	e->event = NULL;
	int pending = pending_begin("settle() with outcome %d", (int)how->outcome);
	rig_ops(b->rig)->source.settle(rig_state(b->rig, 0), e->cookie, how);
	pending_end(pending);
	text_spoiled(how->content_type);
	text_spoiled(how->body);
	free(why);
	free(how);
}

static void settle_event(struct bench *b, size_t index, enum ow_outcome outcome, int status)
{
	struct settling s = {.bench = b,
	    .index = index,
	    .how = {.outcome = outcome,
		.acknowledge = status < 300,
		.status = status,
		.retry_after_ms = status == 503 ? 1000 : 0,
		.content_type = text_of("application/json"),
		.body = text_of("{\"from\":\"suite\"}"),
		.why = "because the suite says so"}};
	rig_run(b->rig, 0, settle, &s);
}

static void expect_answer(struct bench *b, struct client *c, int status)
{
	struct buf body = BUF_INIT;
	(void)b;
	int pending = pending_begin("the answer to a settled event");
	pending_returned(pending);
	int came = client_answer(c, &body);
	pending_end(pending);
	contract(RULE_STATUS);
	EXPECT(came == status, "the answer has the status of the settlement",
	    "%d instead of %d", came, status);
	EXPECT(text_equal(buf_text(&body), text_of("{\"from\":\"suite\"}")), "and its body",
	    "%.*s", (int)body.len, body.data);
	buf_free(&body);
}

static void expect_silence(struct client *c, const char *expected)
{
	rig_sleep(QUIET_MS);
	EXPECT(!client_has_more(c), expected, "an answer: %.*s", (int)strcspn(c->in.data, "\r"),
	    c->in.data);
}

/* ---- tests ---- */

static void test_event(const struct subject *subject)
{
	struct bench *b = bench_new(subject);
	struct client c;
	open_client(b, &c);
	send_request(b, &c);
	wait_events(b, 1);
	EXPECT(text_equal(text_span(b->events[0].body, b->events[0].len), b->body),
	    "the event's body is that of the request", "%zu bytes `%.*s`", b->events[0].len,
	    (int)(b->events[0].len < 100 ? b->events[0].len : 100), b->events[0].body);
	contract(RULE_SETTLE);
	expect_silence(&c, "no answer before the event is settled");
	settle_event(b, 0, OW_DELIVERED, 200);
	expect_answer(b, &c, 200);
	expect_silence(&c, "one answer to one request");
	EXPECT(event_count(b) == 1, "one event for one request", "%zu", event_count(b));
	client_close(&c);
	bench_free(b);
}

/* Those of later minors too. */
static void test_outcomes(const struct subject *subject)
{
	static const struct {
		int outcome, status;
	} cases[] = {{OW_DELIVERED, 200}, {OW_DUPLICATE, 200}, {OW_INVALID, 422},
	    {OW_FAILED, 502}, {OW_FAILED, 504}, {OW_REJECTED, 503}, {OW_REJECTED, 409},
	    {OW_UNROUTED, 404}, {OW_PASSED, 200}, {OW_MISMATCH, 422}, {OW_MISSING_KEY, 400},
	    {10, 202}, {99, 500}};
	struct bench *b = bench_new(subject);
	struct client c;
	open_client(b, &c);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		send_request(b, &c);
		contract(RULE_EMIT);
		wait_events(b, i + 1);
		contract(RULE_SETTLE);
		settle_event(b, i, (enum ow_outcome)cases[i].outcome, cases[i].status);
		expect_answer(b, &c, cases[i].status);
	}
	client_close(&c);
	bench_free(b);
}

#define MANY 50

static void test_many(const struct subject *subject)
{
	struct bench *b = bench_new(subject);
	static struct client clients[MANY];
	for (size_t i = 0; i < MANY; i++) {
		open_client(b, &clients[i]);
		send_request(b, &clients[i]);
		wait_events(b, i + 1);
	}
	/* Settled in another order than they came, each with an answer of its own. */
	for (size_t i = MANY; i-- > 0;)
		settle_event(b, i, OW_FAILED, 500 + (int)i);
	for (size_t i = 0; i < MANY; i++) {
		expect_answer(b, &clients[i], 500 + (int)i);
		client_close(&clients[i]);
	}
	EXPECT(event_count(b) == MANY, "one event for one request", "%zu for %d",
	    event_count(b), MANY);
	bench_free(b);
}

static void test_client_gone(const struct subject *subject)
{
	struct bench *b = bench_new(subject);
	struct client c;
	for (size_t i = 0; i < 10; i++) {
		open_client(b, &c);
		send_request(b, &c);
		wait_events(b, i + 1);
		client_close(&c);
		if (i % 2)
			rig_sleep(20);
		settle_event(b, i, OW_DELIVERED, 200);
	}
	open_client(b, &c);
	send_request(b, &c);
	wait_events(b, 11);
	settle_event(b, 10, OW_DELIVERED, 200);
	expect_answer(b, &c, 200);
	client_close(&c);
	bench_free(b);
}

static void drain_listeners(void *arg)
{
	struct bench *b = arg;
	worker_drain_listeners(instance_worker(rig_instance(b->rig, 0)));
}

static void test_drain(const struct subject *subject)
{
	struct bench *b = bench_new(subject);
	struct client c, late;
	open_client(b, &c);
	send_request(b, &c);
	contract(RULE_EMIT);
	wait_events(b, 1);
	contract(RULE_DRAIN);
	struct call *drain = call_drain(b->rig, 0);
	rig_run(b->rig, 0, drain_listeners, b);
	call_begin(drain);
	rig_sleep(QUIET_MS);
	EXPECT(!call_finished(drain), "drain() is not finished while an event is unsettled",
	    "it finished");
	settle_event(b, 0, OW_DELIVERED, 200);
	expect_answer(b, &c, 200);
	contract(RULE_DRAIN);
	call_await(drain);
	EXPECT(drain->op.rc == OW_OK, "drain() finishes with OK", "%s: %s",
	    rc_name(drain->op.rc), drain->op.why);
	if (client_open(&late, rig_port(b->rig))) {
		send_request(b, &late);
		rig_sleep(QUIET_MS);
		client_close(&late);
	}
	EXPECT(event_count(b) == 1, "no event after drain()", "%zu", event_count(b) - 1);
	client_close(&c);
	rig_free_drained(b->rig);
	free_memory(b);
}

const struct test source_tests[] = {
    LIFE_TESTS,
    {"event", "a request is one event, and settling it is one answer", RULE_EMIT, test_event},
    {"outcomes", "each outcome is answered", RULE_SETTLE, test_outcomes},
    {"many", "many events at once are each answered, in any order", RULE_SETTLE, test_many},
    {"client-gone", "a client that has gone hurts nobody", RULE_SETTLE, test_client_gone},
    {"drain", "it drains when its events are settled", RULE_DRAIN, test_drain},
    {NULL, NULL, NULL, NULL},
};
