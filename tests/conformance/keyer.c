/* What every keyer must do: the same for the same event, and nothing but that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "conformance/call.h"
#include "conformance/contract.h"
#include "conformance/generate.h"
#include "conformance/harness.h"
#include "conformance/suites.h"
#include "plugin/event.h"
#include "plugin/key.h"
#include "json/scan.h"

#define KEY_MAX	    16384 /* bytes: every event in memory has one, and vendors choose them */
#define LABEL_MAX   16384
#define MUTATIONS   20 /* of each event */
#define DOCUMENTS   500
#define EVENTS_USED 500 /* samples that are mutated */
#define SHOWN	    100 /* bytes of an event in messages */

/* What a keyer made of one event, in texts of our own. */
struct verdict {
	enum ow_rc rc;
	struct ow_text key, label, field, problem;
	bool missing;
};

struct bench {
	struct rig *rig;
	struct arena arena;
	const struct ow_text *samples;
	size_t sample_count;
	/* the events: samples, mutations, documents */
	struct ow_text *events;
	size_t count;
	struct verdict *verdicts;
	/* one look() */
	unsigned worker;
	size_t index;
	bool explaining;
	struct verdict verdict;
};

static int shown(struct ow_text t)
{
	return (int)(t.len < SHOWN ? t.len : SHOWN);
}

static struct ow_text kept(struct bench *b, struct ow_text t)
{
	return t.data ? text_span(arena_copy(&b->arena, t.data, t.len), t.len) : TEXT_NONE;
}

/* ---- one event ---- */

static struct ow_event *new_event(struct bench *b, struct ow_text body)
{
	struct ow_event *event = event_create(rig_instance(b->rig, b->worker));
	event_put_body(event, body.data, body.len);
	event_put_header(event, "Content-Type", "application/json");
	return event;
}

static void check_verdict(const struct verdict *v, struct ow_text body)
{
	contract(RULE_KEY);
	EXPECT(v->rc == OW_OK || v->rc == OW_REJECT, "key() returns OK or REJECT",
	    "%s for %.*s", rc_name(v->rc), shown(body), body.data);
	EXPECT(v->rc != OW_OK || v->key.data, "OK comes with a key", "none for %.*s",
	    shown(body), body.data);
	EXPECT(v->rc != OW_OK || v->key.len > 0, "a key is not empty", "\"\" for %.*s",
	    shown(body), body.data);
	EXPECT(v->rc != OW_OK || !v->field.data, "OK comes without a complaint",
	    "`%.*s` %.*s for %.*s", (int)v->field.len, v->field.data, (int)v->problem.len,
	    v->problem.data, shown(body), body.data);
	EXPECT(v->rc != OW_REJECT || v->field.data,
	    "REJECT says which field it is (key_invalid() or key_missing())",
	    "nothing was said for %.*s", shown(body), body.data);
	EXPECT(v->rc != OW_REJECT || !v->key.data, "REJECT comes without a key",
	    "`%.*s` for %.*s", shown(v->key), v->key.data, shown(body), body.data);
	EXPECT(v->key.len <= KEY_MAX, "a key has at most 16 KiB", "%zu bytes for %.*s",
	    v->key.len, shown(body), body.data);
	EXPECT(v->label.len <= LABEL_MAX, "a label has at most 16 KiB", "%zu bytes for %.*s",
	    v->label.len, shown(body), body.data);
}

static struct verdict take_verdict(struct bench *b, enum ow_rc rc, const struct ow_key *key)
{
	return (struct verdict){.rc = rc,
	    .key = kept(b, key->full),
	    .label = kept(b, key->label),
	    .field = kept(b, text_of(key->invalid_field)),
	    .problem = kept(b, text_of(key->invalid_problem)),
	    .missing = key->missing};
}

/* On a worker's thread: what it makes of event `index`. */
static void look(void *arg)
{
	struct bench *b = arg;
	struct ow_text body = b->events[b->index];
	struct ow_event *event = new_event(b, body);
	struct json_error error;
	struct ow_key key;
	key_init(&key, b->explaining);
	if (!event_is_json(event, &error))
		fail("an event of the suite's is JSON", "%.*s", shown(body), body.data);
	int pending = pending_begin("key() of event %.*s", shown(body), body.data);
	enum ow_rc rc = rig_ops(b->rig)->keyer.key(rig_state(b->rig, b->worker), event, &key);
	pending_end(pending);
	b->verdict = take_verdict(b, rc, &key);
	key_fini(&key);
	event_release(event);
}

static struct verdict look_at(struct bench *b, unsigned worker, size_t index)
{
	b->worker = worker;
	b->index = index;
	rig_run(b->rig, worker, look, b);
	return b->verdict;
}

/* ---- events ---- */

static bool is_json(struct ow_text text)
{
	struct json_error error;
	return json_scan(text, NULL, NULL, &error);
}

static void add_event(struct bench *b, struct ow_text text)
{
	if (is_json(text))
		b->events[b->count++] = kept(b, text);
}

static void add_events(struct bench *b)
{
	struct random *random = rig_random(b->rig);
	struct buf text = BUF_INIT;
	size_t used = b->sample_count < EVENTS_USED ? b->sample_count : EVENTS_USED;
	b->events =
	    mem_array(b->sample_count + used * MUTATIONS + DOCUMENTS, sizeof(*b->events));
	for (size_t i = 0; i < b->sample_count; i++)
		add_event(b, b->samples[i]);
	for (size_t i = 0; i < used * MUTATIONS; i++) {
		generate_mutation(random, b->samples[i % used], &text);
		add_event(b, buf_text(&text));
	}
	for (size_t i = 0; i < DOCUMENTS; i++) {
		generate_document(random, &text);
		add_event(b, buf_text(&text));
	}
	buf_free(&text);
}

static struct bench *bench_new(const struct subject *subject)
{
	struct bench *b = mem_zero(sizeof(*b));
	b->rig = rig_new(subject, &(struct rig_options){.workers = 2});
	b->samples = subject_events(subject, &b->arena, &b->sample_count);
	add_events(b);
	b->verdicts = mem_array(b->count, sizeof(*b->verdicts));
	for (size_t i = 0; i < b->count; i++) {
		b->verdicts[i] = look_at(b, 0, i);
		check_verdict(&b->verdicts[i], b->events[i]);
	}
	contract(NULL);
	return b;
}

static void bench_free(struct bench *b)
{
	struct rig *rig = b->rig;
	free(b->events);
	free(b->verdicts);
	arena_free(&b->arena);
	free(b);
	rig_free(rig);
}

/* ---- tests ---- */

static void test_key(const struct subject *subject)
{
	struct bench *b = bench_new(subject);
	size_t keys = 0;
	for (size_t i = 0; i < b->count; i++)
		keys += b->verdicts[i].rc == OW_OK;
	EXPECT(keys > 0, "some of the events have a key (give valid ones with --events)",
	    "none of %zu", b->count);
	bench_free(b);
}

static void expect_same(
    struct bench *b, size_t i, const struct verdict *v, const char *expected)
{
	const struct verdict *first = &b->verdicts[i];
	struct ow_text body = b->events[i];
	EXPECT(v->rc == first->rc, expected, "first %s, then %s, for %.*s", rc_name(first->rc),
	    rc_name(v->rc), shown(body), body.data);
	EXPECT(text_equal(v->key, first->key), expected,
	    "first key `%.*s`, then `%.*s`, for %.*s", shown(first->key), first->key.data,
	    shown(v->key), v->key.data, shown(body), body.data);
	EXPECT(text_equal(v->label, first->label), expected,
	    "first label `%.*s`, then `%.*s`, for %.*s", shown(first->label), first->label.data,
	    shown(v->label), v->label.data, shown(body), body.data);
	EXPECT(text_equal(v->field, first->field) && text_equal(v->problem, first->problem) &&
		   v->missing == first->missing,
	    expected, "first `%.*s` %.*s, then `%.*s` %.*s, for %.*s", (int)first->field.len,
	    first->field.data, (int)first->problem.len, first->problem.data, (int)v->field.len,
	    v->field.data, (int)v->problem.len, v->problem.data, shown(body), body.data);
}

static void test_again(const struct subject *subject)
{
	struct bench *b = bench_new(subject);
	for (size_t i = b->count; i-- > 0;) {
		struct verdict v = look_at(b, 0, i);
		expect_same(b, i, &v,
		    "the same for an event that came before, whatever came "
		    "between");
	}
	for (size_t n = 0; n < b->count; n++) {
		size_t i = (size_t)random_below(rig_random(b->rig), b->count);
		struct verdict v = look_at(b, 0, i);
		expect_same(b, i, &v, "the same in any order");
	}
	bench_free(b);
}

static void test_other_instance(const struct subject *subject)
{
	struct bench *b = bench_new(subject);
	for (size_t i = b->count; i-- > 0;) {
		struct verdict v = look_at(b, 1, i);
		expect_same(b, i, &v, "the same on the instance of another worker");
	}
	bench_free(b);
}

static void test_explaining(const struct subject *subject)
{
	struct bench *b = bench_new(subject);
	b->explaining = true;
	for (size_t i = 0; i < b->count; i++) {
		struct verdict v = look_at(b, 0, i);
		expect_same(b, i, &v, "the same when it is to be explained");
	}
	bench_free(b);
}

/* ---- replies ---- */

struct replying {
	struct bench *bench;
	struct ow_text body;
	struct ow_reply_request request;
	unsigned count;
};

static bool is_json_type(const char *type)
{
	return type && strstr(type, "json");
}

static void check_reply(const struct replying *r, const struct ow_reply *reply)
{
	struct ow_text body = buf_text(&reply->body);
	struct json_error error;
	if (!reply->begun)
		return;
	contract(RULE_REPLY);
	EXPECT(reply->status >= 200 && reply->status <= 599, "a status from 200 to 599", "%d",
	    reply->status);
	EXPECT(reply->content_type && !strpbrk(reply->content_type, "\r\n"),
	    "a content type that fits into one line", "`%s`", reply->content_type);
	EXPECT(!is_json_type(reply->content_type) || json_scan(body, NULL, NULL, &error),
	    "a reply of type JSON is JSON", "%.*s (outcome %d, event %.*s)", shown(body),
	    body.data, (int)r->request.outcome, shown(r->body), r->body.data);
}

static void reply_once(struct replying *r, const struct ow_result *result, const char *why)
{
	struct bench *b = r->bench;
	struct ow_event *event = new_event(b, r->body);
	struct json_error error;
	struct ow_key key;
	struct ow_reply reply;
	key_init(&key, false);
	void *state = rig_state(b->rig, b->worker);
	if (event_is_json(event, &error))
		rig_ops(b->rig)->keyer.key(state, event, &key);
	/* What the core passes may be gone right after. */
	struct ow_reply_request *request = mem_copy(&r->request, sizeof(r->request));
	char *reason = mem_string(why);
	struct ow_text text = text_copied(key_text(&key));
	request->size = sizeof(*request);
	request->why = reason;
	request->key = text;
	request->result = result;
	reply_init(&reply, &key, request->status);
	int pending = pending_begin("reply() for outcome %d, event %.*s", (int)request->outcome,
	    shown(r->body), r->body.data);
	rig_ops(b->rig)->keyer.reply(state, event, request, &reply);
	pending_end(pending);
	memset(reason, 0x25, strlen(reason));
	free(reason);
	text_spoiled(text);
	free(request);
	check_reply(r, &reply);
	reply_fini(&reply);
	key_fini(&key);
	event_release(event);
	r->count++;
}

/* Every outcome, those of later minors too, with all that may stand beside it. */
static void reply_to_event(void *arg)
{
	struct replying *r = arg;
	static const int outcomes[] = {0, OW_DELIVERED, OW_DUPLICATE, OW_INVALID, OW_FAILED,
	    OW_REJECTED, OW_UNROUTED, OW_PASSED, OW_MISMATCH, OW_MISSING_KEY, 10, 99};
	static const int statuses[] = {200, 202, 409, 422, 503};
	const struct ow_result results[] = {
	    {.size = sizeof(*results),
		.status = 200,
		.content_type = text_of(""),
		.body = text_of("")},
	    {.size = sizeof(*results),
		.status = 200,
		.content_type = text_of("application/json"),
		.body = text_of("{\"a\":[1,2]}")},
	    {.size = sizeof(*results),
		.status = 500,
		.content_type = text_of("application/json"),
		.body = text_of("{\"a\":"),
		.failed = true},
	    {.size = sizeof(*results),
		.status = 200,
		.content_type = text_of("text/html"),
		.body = text_of("<p>\"\\\xff\x01</p>")},
	};
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		size_t n = r->count + i;
		r->request = (struct ow_reply_request){.outcome = (enum ow_outcome)outcomes[i],
		    .status = statuses[n % 5],
		    .waited = n % 2 == 0,
		    .store_failed = outcomes[i] == OW_REJECTED && n % 2 == 0};
		reply_once(r, NULL, "a \"phrase\" with \\ and \xc3\xa9");
		reply_once(r, &results[n % 4], "done");
	}
}

static void test_reply(const struct subject *subject)
{
	struct bench *b = bench_new(subject);
	static const char *const others[] = {
	    "", "{", "{\"a\":}", "\xff\xfe", "not JSON", "[[["};
	struct replying r = {.bench = b};
	if (!rig_ops(b->rig)->keyer.reply)
		skip("the keyer has no reply()");
	b->worker = 0;
	for (size_t i = 0; i < b->count && i < 2000; i++) {
		r.body = b->events[i];
		contract(RULE_REPLY);
		rig_run(b->rig, 0, reply_to_event, &r);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		r.body = text_of(others[i]);
		contract(RULE_REPLY_ANY);
		rig_run(b->rig, 0, reply_to_event, &r);
	}
	/* Replies that were shaped in between change no key. */
	contract(RULE_PURE);
	for (size_t i = 0; i < b->count; i++) {
		struct verdict v = look_at(b, 0, i);
		expect_same(b, i, &v, "the same after replies were shaped");
	}
	bench_free(b);
}

static void test_numbers(const struct subject *subject)
{
	struct rig *rig = rig_new(subject, &(struct rig_options){.workers = 1});
	const struct ow_keyer_ops *ops = &rig_ops(rig)->keyer;
	contract(RULE_KEYER_STATUS);
	EXPECT(ops->invalid_status >= 400 && ops->invalid_status <= 499,
	    "invalid_status from 400 to 499", "%d", ops->invalid_status);
	contract(RULE_KEYER_WINDOW);
	EXPECT(ops->window_ms >= 1000 && ops->window_ms <= INT64_C(366) * 86400000,
	    "window_ms from a second to a year", "%lld", (long long)ops->window_ms);
	rig_free(rig);
}

const struct test keyer_tests[] = {
    LIFE_TESTS,
    {"numbers", "its status and window make sense", RULE_KEYER_STATUS, test_numbers},
    {"key", "each event has a key, or a reason why not", RULE_KEY, test_key},
    {"again", "the same event has the same key, in any order", RULE_PURE, test_again},
    {"other-instance", "and on any worker", RULE_PURE, test_other_instance},
    {"explaining", "and when it is explained", RULE_PURE, test_explaining},
    {"reply", "replies are well-formed for any outcome of any event", RULE_REPLY, test_reply},
    {NULL, NULL, NULL, NULL},
};
