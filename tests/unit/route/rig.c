#include "tests/unit/route/rig.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "plugin/host.h"
#include "tests/unit/main.h"
#include "tests/unit/route/disk.h"

#define PREFIX	   "k:"
#define PREFIX_LEN 2
#define SPIN_TURNS 200
#define PULSE_US   1000

struct rig rig;

/* A step that waits for its call. */
struct queued {
	struct list link;
	struct step step;
};
static struct list scripts[CALL_KINDS];
static struct event *pulse;
static const struct ow_pointer *id_pointer, *label_pointer;

static const char *const call_names[CALL_KINDS] = {
    "claim", "renew", "commit", "release", "deliver"};

/* ---- the story ---- */

void rig_tell(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	if (rig.story.len > 0)
		buf_add_string(&rig.story, ", ");
	buf_vprintf(&rig.story, fmt, args);
	va_end(args);
}

void rig_expect(const char *story)
{
	rig_spin();
	buf_add_string(&rig.story, "");
	ck_assert_str_eq(rig.story.data, story);
	buf_clear(&rig.story);
}

static struct ow_text short_key(struct ow_text full)
{
	if (full.len == 0)
		return text_of("-"); /* a delivery without key */
	ck_assert_uint_ge(full.len, PREFIX_LEN);
	return text_span(full.data + PREFIX_LEN, full.len - PREFIX_LEN);
}

/* ---- calls ---- */

static char second; /* what the second store and sink have for their state */

static bool is_second(const void *state)
{
	return state == &second;
}

void rig_script(enum call_kind kind, struct step step)
{
	struct queued *q = mem_zero(sizeof(*q));
	list_init(&q->link);
	q->step = step;
	list_append(&scripts[kind], &q->link);
}

static const struct ow_result usual_result = {.size = sizeof(usual_result),
    .status = 200,
    .content_type = {"application/json", 16},
    .body = {"{\"n\":1}", 7}};

static struct step next_step(const struct call *call)
{
	struct list *script = &scripts[call->kind];
	struct step step = {.result = call->kind == CALL_DELIVER ? &usual_result : NULL};
	if (!list_empty(script)) {
		struct queued *q = list_entry(script->next, struct queued, link);
		step = q->step;
		list_remove(&q->link);
		free(q);
	} else if (rig.improvise) {
		rig.improvise(call, &step);
	}
	return step;
}

/* The call's claim, as the model has it: the second store's keys are others. */
static struct ow_claim model_key(const struct call *call, char key[300])
{
	struct ow_claim claim = *call->claim;
	int len = snprintf(
	    key, 300, "%s%.*s", call->second ? "2" : "", (int)claim.key.len, claim.key.data);
	claim.key = text_span(key, (size_t)len);
	return claim;
}

static void answer_claim(const struct call *call)
{
	const struct step *step = &call->step;
	struct ow_result result;
	struct ow_claim claim;
	char key[300];
	struct ow_claim_answer answer = {.size = sizeof(answer),
	    .rc = step->rc,
	    .why = step->why,
	    .state = step->state,
	    .age_ms = step->age_ms,
	    .remaining_ms = step->remaining_ms,
	    .digest = step->digest,
	    .result = step->result};
	if (step->rc == OW_OK && !step->state) {
		claim = model_key(call, key);
		answer.state = model_claim(&claim, &result, &answer.digest);
		answer.result = answer.state == OW_CLAIM_DONE ? &result : NULL;
		answer.remaining_ms = -1;
	}
	rig.host->claim_done(call->op, &answer);
}

static void answer_delivery(const struct call *call)
{
	const struct step *step = &call->step;
	struct ow_delivery answer = {.size = sizeof(answer),
	    .rc = step->rc,
	    .why = step->why,
	    .code = step->code		? step->code
		    : step->rc == OW_OK ? "200"
					: "500",
	    .retry_after_ms = step->retry_after_ms,
	    .timed_out = step->timed_out,
	    .busy = step->busy,
	    .invalid = step->invalid,
	    .result = step->result};
	rig.host->deliver_done(call->op, &answer);
}

static enum ow_rc model_answer(const struct call *call)
{
	char key[300];
	if (call->step.rc != OW_OK)
		return call->step.rc;
	struct ow_claim claim = model_key(call, key);
	switch (call->kind) {
	case CALL_RENEW:
		return model_renew(&claim);
	case CALL_COMMIT:
		return model_commit(&claim, call->result);
	default:
		return model_release(&claim);
	}
}

static void answer_now(const struct call *call)
{
	if (call->kind == CALL_CLAIM)
		answer_claim(call);
	else if (call->kind == CALL_DELIVER)
		answer_delivery(call);
	else
		rig.host->op_done(call->op, model_answer(call), call->step.why);
}

/* Made: answered at once, or kept open. */
static void take_call(struct call made)
{
	rig.made[made.kind]++;
	made.step = next_step(&made);
	if (made.step.advance_ms)
		clock_advance(&rig.clock, made.step.advance_ms);
	if (!made.step.later) {
		answer_now(&made);
		return;
	}
	struct call *call = mem_copy(&made, sizeof(made));
	list_init(&call->link);
	list_append(&rig.calls, &call->link);
	rig.host->op_set(call->op, call);
}

void call_answer(struct call *call, struct step step)
{
	call->step = step;
	list_remove(&call->link);
	answer_now(call);
	free(call);
}

static void cancel_call(void *state, struct ow_op *op)
{
	struct call *call = rig.host->op_get(op);
	ck_assert_ptr_nonnull(call);
	ck_assert_int_eq(call->second, is_second(state));
	ck_assert(!call->cancelled);
	call->cancelled = true;
	rig.cancels++;
	rig_tell("cancel %s%s", call_names[call->kind], call->second ? "2" : "");
	if (call->step.stubborn)
		return;
	if (call->kind == CALL_DELIVER)
		call_answer(call, (struct step){.rc = OW_UNKNOWN,
				      .why = "cancelled",
				      .code = "timeout",
				      .timed_out = true});
	else
		call_answer(call, (struct step){.rc = OW_FAIL, .why = "cancelled"});
}

unsigned rig_open(enum call_kind kind)
{
	unsigned count = 0;
	list_each(&rig.calls, link) count += list_entry(link, struct call, link)->kind == kind;
	return count;
}

struct call *rig_call(enum call_kind kind, unsigned n)
{
	list_each(&rig.calls, link)
	{
		struct call *call = list_entry(link, struct call, link);
		if (call->kind == kind && n-- == 0)
			return call;
	}
	ck_abort_msg("there is no such open %s", call_names[kind]);
	return NULL;
}

/* ---- the store ---- */

static void check_claim(const struct ow_claim *claim)
{
	ck_assert_uint_eq(claim->size, sizeof(*claim));
	ck_assert_int_eq(claim->lock_ms, rig.setup.policy.lock_ms);
	ck_assert_int_eq(
	    claim->window_ms, rig.setup.policy.window_ms ? rig.setup.policy.window_ms : 300000);
	ck_assert_int_eq(claim->sliding, rig.setup.policy.window_mode == WINDOW_SLIDING);
}

static void store_call(void *state, enum call_kind kind, struct ow_op *op,
    const struct ow_claim *claim, const struct ow_result *result)
{
	struct ow_text key = short_key(claim->key);
	check_claim(claim);
	/* Only a claim and a commit may bring the payload's digest. */
	bool compares = rig.setup.policy.on_mismatch != ON_MISMATCH_IGNORE;
	ck_assert_int_eq(claim->digest != NULL,
	    compares && (kind == CALL_CLAIM || kind == CALL_COMMIT || claim->digest));
	rig_tell("%s%s %.*s%s", call_names[kind], is_second(state) ? "2" : "", (int)key.len,
	    key.data, result && result->failed ? " failed" : "");
	take_call((struct call){.kind = kind,
	    .op = op,
	    .claim = claim,
	    .result = result,
	    .second = is_second(state)});
}

static void store_claim(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	store_call(state, CALL_CLAIM, op, claim, NULL);
}

static void store_renew(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	store_call(state, CALL_RENEW, op, claim, NULL);
}

static void store_commit(
    void *state, struct ow_op *op, const struct ow_claim *claim, const struct ow_result *result)
{
	ck_assert_ptr_nonnull(result);
	ck_assert_uint_eq(result->size, sizeof(*result));
	store_call(state, CALL_COMMIT, op, claim, result);
}

static void store_release(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	store_call(state, CALL_RELEASE, op, claim, NULL);
}

static void store_count_duplicate(void *state, struct ow_text label)
{
	(void)state, (void)label;
	rig.labels_counted++;
}

static int64_t store_keys(void *state)
{
	(void)state;
	return -1;
}

/* ---- the sink ---- */

static void sink_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	struct ow_text key = short_key(attempt->key);
	ck_assert_uint_eq(attempt->size, sizeof(*attempt));
	ck_assert_uint_eq(attempt->traceparent.len, 55);
	ck_assert_int_ge(attempt->limit_ms, 1);
	ck_assert_ptr_nonnull(rig.host->event_body(event).data);
	rig_tell("deliver%s %.*s", is_second(state) ? "2" : "", (int)key.len, key.data);
	if (attempt->number > 1)
		buf_printf(&rig.story, " #%u", attempt->number);
	take_call((struct call){
	    .kind = CALL_DELIVER, .op = op, .attempt = attempt, .second = is_second(state)});
}

/* ---- the keyer: {"id": KEY, "label": LABEL} ---- */

static enum ow_rc key_of(void *state, const struct ow_event *event, struct ow_key *key)
{
	struct ow_json value;
	(void)state;
	if (rig.host->event_json(event, label_pointer, &value))
		rig.host->key_label(key, rig.host->event_string(event, &value));
	if (!rig.host->event_json(event, id_pointer, &value)) {
		rig.host->key_missing(key, "id");
		return OW_REJECT;
	}
	if (value.type != OW_JSON_STRING)
		return OW_REJECT;
	rig.host->key_set(key, PREFIX, rig.host->event_string(event, &value));
	return OW_OK;
}

/* OUTCOME [store] [waited] key=KEY why=WHY [result=BODY] [field=FIELD] */
static void reply_of(void *state, const struct ow_event *event,
    const struct ow_reply_request *request, struct ow_reply *reply)
{
	const struct ow_host *host = rig.host;
	(void)state, (void)event;
	host->reply_begin(reply, 0, "text/plain");
	host->reply_add(reply, text_of(outcome_name(request->outcome)));
	host->reply_add(reply, text_of(request->store_failed ? " store" : ""));
	host->reply_add(reply, text_of(request->waited ? " waited key=" : " key="));
	host->reply_add(reply, request->key);
	host->reply_add(reply, text_of(" why="));
	host->reply_add(reply, text_of(request->why));
	if (request->result) {
		host->reply_add(reply, text_of(" result="));
		host->reply_add(reply, request->result->body);
	}
	if (host->reply_field(reply)) {
		host->reply_add(reply, text_of(" field="));
		host->reply_add(reply, text_of(host->reply_field(reply)));
	}
}

/* ---- the source ---- */

/* Acknowledged is only what was delivered, now or before, or is on disk. */
static bool may_be_acknowledged(const struct sent *s)
{
	return s->outcome == OW_DELIVERED || s->outcome == OW_PASSED || s->status == 202 ||
	       (s->outcome == OW_DUPLICATE && s->status < 400);
}

static void copy_text(char *to, size_t room, struct ow_text from)
{
	snprintf(to, room, "%.*s", (int)from.len, from.data ? from.data : "");
}

static void settled(void *state, void *cookie, const struct ow_settlement *how)
{
	struct sent *s = cookie;
	(void)state;
	ck_assert_msg(!rig.emitting, "settled before emit() had returned");
	ck_assert_msg(s->settled++ == 0, "%s is settled twice", s->name);
	ck_assert_uint_eq(how->size, sizeof(*how));
	ck_assert_ptr_nonnull(how->why);
	s->outcome = how->outcome;
	s->acknowledge = how->acknowledge;
	s->status = how->status;
	s->retry_after_ms = how->retry_after_ms;
	s->result_status = how->result ? how->result->status : -1;
	snprintf(s->why, sizeof(s->why), "%s", how->why);
	copy_text(s->content_type, sizeof(s->content_type), how->content_type);
	copy_text(s->body, sizeof(s->body), how->body);
	ck_assert_int_eq(s->acknowledge, may_be_acknowledged(s));
	if (s->status == 503 || s->status == 409)
		ck_assert_int_gt(s->retry_after_ms, 0);
	rig_tell("settle %s %s %d", s->name, outcome_name(s->outcome), s->status);
	if (rig.on_settle)
		rig.on_settle(s);
}

static struct sent *emit(struct ow_instance *source, const char *name, const char *body)
{
	struct sent *s = mem_zero(sizeof(*s));
	struct ow_event *event = rig.host->event_new(source);
	s->second = source == rig.second_source;
	snprintf(s->name, sizeof(s->name), "%s", name);
	list_init(&s->link);
	list_append(&rig.sent, &s->link);
	rig.host->event_set_body(event, body, strlen(body));
	if (rig.limit_ms)
		rig.host->event_limit(event, rig.limit_ms);
	if (rig.repeats)
		rig.host->event_pass(event);
	rig.emitting = true;
	rig.host->emit(source, event, s);
	rig.emitting = false;
	return s;
}

struct sent *rig_emit_body(const char *body)
{
	return emit(rig.source, body, body);
}

static struct sent *emit_key(struct ow_instance *source, const char *key)
{
	char body[300];
	snprintf(body, sizeof(body), "{\"id\":\"%s\"}", key);
	return emit(source, key, body);
}

struct sent *rig_emit(const char *key)
{
	return emit_key(rig.source, key);
}

struct sent *rig_emit_with(const char *key, const char *data)
{
	char body[300];
	snprintf(body, sizeof(body), "{\"id\":\"%s\",\"data\":\"%s\"}", key, data);
	return emit(rig.source, key, body);
}

struct sent *rig_emit_second(const char *key)
{
	return emit_key(rig.second_source, key);
}

/* ---- components ---- */

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	const char *name = instance_name(self);
	(void)host, (void)conf, (void)why;
	return strcmp(name, "st2") == 0 || strcmp(name, "si2") == 0 ? (void *)&second : &rig;
}

static void destroy(void *state)
{
	(void)state;
}

static const struct ow_source_ops source_ops = {.size = sizeof(source_ops), .settle = settled};
static const struct ow_keyer_ops keyer_ops = {.size = sizeof(keyer_ops),
    .invalid_status = 422,
    .window_ms = 300000,
    .key = key_of,
    .reply = reply_of};
static const struct ow_keyer_ops silent_keyer_ops = {.size = sizeof(silent_keyer_ops),
    .invalid_status = 422,
    .window_ms = 300000,
    .key = key_of};
static const struct ow_store_ops store_ops = {.size = sizeof(store_ops),
    .claim = store_claim,
    .renew = store_renew,
    .commit = store_commit,
    .release = store_release,
    .cancel = cancel_call,
    .count_duplicate = store_count_duplicate,
    .keys = store_keys};
static const struct ow_sink_ops sink_ops = {
    .size = sizeof(sink_ops), .deliver = sink_deliver, .cancel = cancel_call};

#define COMPONENT(its_kind, its_ops)                                                           \
	{                                                                                      \
		.description = {                                                               \
			.kind = (its_kind),                                                    \
			.name = "scripted",                                                    \
			.create = create,                                                      \
			.destroy = destroy,                                                    \
			.ops = (its_ops)                                                       \
		}                                                                              \
	}

static struct ow_instance *instance(const struct component *component, const char *name)
{
	const char *why;
	struct ow_instance *i = instance_new(rig.worker, component, name, NULL, &why);
	ck_assert_ptr_nonnull(i);
	return i;
}

static void make_instances(void)
{
	static const struct component source = COMPONENT(OW_SOURCE, &source_ops);
	static const struct component keyer = COMPONENT(OW_KEYER, &keyer_ops);
	static const struct component silent_keyer = COMPONENT(OW_KEYER, &silent_keyer_ops);
	static const struct component store = COMPONENT(OW_STORE, &store_ops);
	static const struct component sink = COMPONENT(OW_SINK, &sink_ops);
	rig.source = instance(&source, "so");
	rig.keyer = instance(rig.setup.no_reply ? &silent_keyer : &keyer, "ke");
	rig.store = instance(&store, "st");
	rig.sink = instance(&sink, "si");
	if (rig.setup.fallback)
		rig.second_store = instance(&store, "st2");
	if (rig.setup.also)
		rig.second_sink = instance(&sink, "si2");
	id_pointer = rig.host->pointer(rig.keyer, "/id");
	label_pointer = rig.host->pointer(rig.keyer, "/label");
}

/* ---- the rig ---- */

struct rig_setup rig_usual(void)
{
	return (struct rig_setup){
	    .policy = {.lock_ms = 600000, .deadline_ms = 60000, .max_inflight = 1024},
	    .retry = {.size = sizeof(struct ow_sink_policy),
		.attempts = 5,
		.base_ms = 1,
		.max_ms = 4}};
}

/* Runs with real time, as timers do, and a test can move it on. */
static int64_t wall_ms(const struct clock *c)
{
	struct clock real;
	clock_init_system(&real);
	return clock_wall(&real) + c->manual_wall_ms;
}

static int64_t mono_us(const struct clock *c)
{
	struct clock real;
	clock_init_system(&real);
	return clock_mono_us(&real) + c->manual_mono_us;
}

void rig_freeze(void)
{
	int64_t wall = clock_wall(&rig.clock), mono = clock_mono_us(&rig.clock);
	clock_init_manual(&rig.clock, wall);
	rig.clock.manual_mono_us = mono;
}

static void pulse_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
}

static void start_pulse(void)
{
	struct timeval tv = {.tv_usec = PULSE_US};
	pulse = event_new(worker_base(rig.worker), -1, EV_PERSIST, pulse_due, NULL);
	event_add(pulse, &tv);
}

static void add_route(const char *name, const struct route_policy *policy,
    struct ow_instance *source, struct ow_instance *store, const struct match *match)
{
	int64_t limit = rig.setup.also_limit_ms;
	const struct copy_sink also = {rig.second_sink, limit ? limit : 60000};
	engine_add_route(
	    rig.engine, route_new(&(struct route_parts){.name = name,
			    .policy = policy,
			    .source = instance_name(source),
			    .match = match,
			    .keyer = rig.keyer,
			    .store = store,
			    .sink = rig.sink,
			    .queue = rig.setup.queue,
			    .fallback = rig.setup.fallback ? rig.second_store : NULL,
			    .also = &also,
			    .also_count = rig.setup.also ? 1 : 0,
			    .retry = rig.setup.retry}));
}

void rig_start(struct rig_setup setup)
{
	rig = (struct rig){.setup = setup, .host = host_table()};
	list_init(&rig.sent);
	list_init(&rig.calls);
	for (size_t i = 0; i < CALL_KINDS; i++)
		list_init(&scripts[i]);
	log_init(
	    STDERR_FILENO, getenv("RIG_LOG") ? OW_LOG_DEBUG : (enum ow_level)0, LOG_TEXT, NULL);
	rig.clock = (struct clock){.wall_ms = wall_ms, .mono_us = mono_us};
	rig.common.clock = &rig.clock;
	rig.common.metrics = metrics_new(1);
	rig.common.shared = shared_objects_new();
	rig.worker = worker_new(0, &rig.common);
	if (setup.seed)
		random_init_seeded(worker_random(rig.worker), setup.seed);
	start_pulse();
	rig.engine = engine_new(rig.worker);
	disk_start();
	if (setup.disk)
		engine_use_spool(rig.engine, (struct spool *)&disk, DISK_AGE_MS);
	make_instances();
	add_route("r", &rig.setup.policy, rig.source, rig.store, rig.setup.match);
}

void rig_second_route(bool own_store)
{
	const char *why;
	rig.second_source =
	    instance_new(rig.worker, instance_component(rig.source), "so2", NULL, &why);
	if (own_store)
		rig.second_store =
		    instance_new(rig.worker, instance_component(rig.store), "st2", NULL, &why);
	rig.second_policy = rig.setup.policy;
	add_route("r2", &rig.second_policy, rig.second_source,
	    own_store ? rig.second_store : rig.store, NULL);
}

void rig_other_route(const char *name, const struct match *match)
{
	rig.other_route = name;
	rig.second_policy = rig.setup.policy;
	add_route(name, &rig.second_policy, rig.source, rig.store, match);
}

static void note_drained(void *arg)
{
	(void)arg;
	rig.drained = true;
}

static void check_end(void)
{
	int64_t counted = 0, sent = 0;
	rig_spin();
	ck_assert_msg(list_empty(&rig.calls), "calls are left open");
	engine_drain(rig.engine, note_drained, NULL);
	rig_until(rig.drained);
	ck_assert_uint_eq(engine_unsettled(rig.engine), 0);
	list_each(&rig.sent, link)
	{
		struct sent *s = list_entry(link, struct sent, link);
		ck_assert_msg(s->settled == 1, "%s is settled %u times", s->name, s->settled);
		sent += s->outcome != OW_UNROUTED && !s->second;
	}
	for (int o = OW_DELIVERED; o < OUTCOMES; o++) {
		counted += rig_outcomes((enum ow_outcome)o);
		if (rig.other_route)
			counted += rig_outcomes_of(rig.other_route, (enum ow_outcome)o);
	}
	/* What was put off has no outcome yet; what was taken up has no source to be told. */
	ck_assert_int_eq(counted, sent + disk.taken - disk.put_off);
	ck_assert_int_eq(rig_metric("onceway_inflight", NULL, NULL), 0);
	ck_assert_int_eq(rig_metric("onceway_waiting", NULL, NULL), 0);
	for (size_t i = 0; i < CALL_KINDS; i++)
		ck_assert_msg(
		    list_empty(&scripts[i]), "a step for %s was not used", call_names[i]);
}

void rig_stop(void)
{
	check_end();
	disk_stop();
	while (!list_empty(&rig.sent)) {
		struct sent *s = list_entry(rig.sent.next, struct sent, link);
		list_remove(&s->link);
		free(s);
	}
	instance_free(rig.source);
	instance_free(rig.second_source);
	engine_free(rig.engine);
	instance_free(rig.keyer);
	instance_free(rig.sink);
	instance_free(rig.store);
	instance_free(rig.second_store);
	instance_free(rig.second_sink);
	event_free(pulse);
	worker_free(rig.worker);
	shared_objects_free(rig.common.shared);
	metrics_free(rig.common.metrics);
	buf_free(&rig.story);
	model_clear();
}

void rig_spin(void)
{
	for (int i = 0; i < SPIN_TURNS; i++)
		event_base_loop(worker_base(rig.worker), EVLOOP_NONBLOCK);
}

void rig_turn(void)
{
	event_base_loop(worker_base(rig.worker), EVLOOP_ONCE);
}

int64_t rig_metric(const char *family, const char *label, const char *value)
{
	const char *owner = "route", *name = "r";
	if (strncmp(family, "onceway_store_", 14) == 0)
		owner = "store", name = "st";
	else if (strncmp(family, "onceway_sink_", 13) == 0)
		owner = "sink", name = "si";
	const struct metric_label labels[] = {
	    {owner, text_of(name)}, {label, text_of(value)}, {NULL, TEXT_NONE}};
	return metrics_total(rig.common.metrics, family, labels);
}

int64_t rig_outcomes(enum ow_outcome outcome)
{
	return rig_metric("onceway_events_total", "outcome", outcome_name(outcome));
}

int64_t rig_outcomes_of(const char *route, enum ow_outcome outcome)
{
	const struct metric_label labels[] = {{"route", text_of(route)},
	    {"outcome", text_of(outcome_name(outcome))}, {NULL, TEXT_NONE}};
	return metrics_total(rig.common.metrics, "onceway_events_total", labels);
}
