#include "conformance/call.h"

#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "conformance/harness.h"
#include "plugin/event.h"

#define SPINS 10000

const char *rc_name(enum ow_rc rc)
{
	static const char *const names[] = {"OK", "RETRY", "REJECT", "FAIL", "UNKNOWN"};
	return (unsigned)rc < 5 ? names[rc] : "a value that is none";
}

const char *state_name(enum ow_claim_state state)
{
	static const char *const names[] = {"no state", "NEW", "IN PROGRESS", "DONE"};
	return (unsigned)state < 4 ? names[state] : "a value that is none";
}

/* ---- making ---- */

__attribute__((format(printf, 4, 5))) static struct call *call_new(
    struct rig *rig, unsigned worker, enum call_kind kind, const char *fmt, ...)
{
	struct call *c = mem_zero(sizeof(*c));
	va_list args;
	op_init(&c->op);
	c->rig = rig;
	c->worker = worker;
	c->kind = kind;
	va_start(args, fmt);
	vsnprintf(c->what, sizeof(c->what), fmt, args);
	va_end(args);
	rig_adopt(rig, c);
	return c;
}

struct ow_text text_copied(struct ow_text t)
{
	return text_span(mem_copy(t.len ? t.data : "", t.len), t.len);
}

static void spoil(const void *data, size_t len)
{
	if (data)
		memset((void *)(uintptr_t)data, 0xa5, len);
	free((void *)(uintptr_t)data);
}

void text_spoiled(struct ow_text t)
{
	spoil(t.data, t.len);
}

struct call *call_start(struct rig *rig, unsigned worker)
{
	return call_new(rig, worker, CALL_START, "start()");
}

struct call *call_drain(struct rig *rig, unsigned worker)
{
	return call_new(rig, worker, CALL_DRAIN, "drain()");
}

/* Keys hold any bytes: a name for them in messages. */
static const char *key_name(struct ow_text key, char out[64])
{
	size_t at = 0;
	for (size_t i = 0; i < key.len && at < 48; i++)
		at += (size_t)sprintf(out + at,
		    key.data[i] > 0x20 && key.data[i] < 0x7f ? "%c" : "\\x%02x",
		    (unsigned char)key.data[i]);
	sprintf(out + at, "%s", at >= 48 ? "..." : "");
	return out;
}

static struct call *store_call(struct rig *rig, unsigned worker, enum call_kind kind,
    const char *name, const struct claim *from)
{
	char key[64];
	struct call *c =
	    call_new(rig, worker, kind, "%s() of key `%s`", name, key_name(from->key, key));
	struct ow_claim *to = mem_zero(sizeof(*to));
	to->size = sizeof(*to);
	to->key = text_copied(from->key);
	to->token = mem_copy(from->token, OW_TOKEN_SIZE);
	to->digest = from->digest ? mem_copy(from->digest, OW_DIGEST_SIZE) : NULL;
	to->lock_ms = from->lock_ms;
	to->window_ms = from->window_ms;
	to->sliding = from->sliding;
	c->claim = to;
	return c;
}

struct call *call_claim(struct rig *rig, unsigned worker, const struct claim *claim)
{
	return store_call(rig, worker, CALL_CLAIM, "claim", claim);
}

struct call *call_renew(struct rig *rig, unsigned worker, const struct claim *claim)
{
	return store_call(rig, worker, CALL_RENEW, "renew", claim);
}

struct call *call_release(struct rig *rig, unsigned worker, const struct claim *claim)
{
	return store_call(rig, worker, CALL_RELEASE, "release", claim);
}

struct call *call_commit(
    struct rig *rig, unsigned worker, const struct claim *claim, const struct ow_result *result)
{
	struct call *c = store_call(rig, worker, CALL_COMMIT, "commit", claim);
	c->result = mem_copy(result, sizeof(*result));
	c->result->size = sizeof(*result);
	c->result->content_type = text_copied(result->content_type);
	c->result->body = text_copied(result->body);
	return c;
}

struct call *call_deliver(struct rig *rig, unsigned worker, const struct attempt *from)
{
	static const char traceparent[] =
	    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	char key[64];
	struct call *c = call_new(
	    rig, worker, CALL_DELIVER, "deliver() of key `%s`", key_name(from->key, key));
	struct ow_attempt *to = mem_zero(sizeof(*to));
	to->size = sizeof(*to);
	to->number = 1;
	to->key = text_copied(from->key);
	to->traceparent = text_copied(text_of(traceparent));
	to->limit_ms = from->limit_ms;
	c->attempt = to;
	c->body = text_copied(from->body);
	return c;
}

static void spoil_borrowed(struct call *c)
{
	if (c->claim) {
		text_spoiled(c->claim->key);
		spoil(c->claim->token, OW_TOKEN_SIZE);
		spoil(c->claim->digest, OW_DIGEST_SIZE);
		spoil(c->claim, sizeof(*c->claim));
	}
	if (c->result) {
		text_spoiled(c->result->content_type);
		text_spoiled(c->result->body);
		spoil(c->result, sizeof(*c->result));
	}
	if (c->attempt) {
		text_spoiled(c->attempt->key);
		text_spoiled(c->attempt->traceparent);
		spoil(c->attempt, sizeof(*c->attempt));
	}
	text_spoiled(c->body);
	event_release(c->event);
	c->claim = NULL;
	c->result = NULL;
	c->attempt = NULL;
	c->body = TEXT_NONE;
	c->event = NULL;
}

/* ---- calling ---- */

static void finished(struct ow_op *op, void *arg)
{
	struct call *c = arg;
	(void)op;
	spoil_borrowed(c);
	pending_end(c->pending);
	rig_lock(c->rig);
	c->finished_ms = rig_now(c->rig);
	c->finished = true;
	rig_signal(c->rig);
	rig_unlock(c->rig);
}

static void deliver(struct call *c, struct ow_instance *instance)
{
	c->event = event_create(instance);
	event_put_body(c->event, c->body.data, c->body.len);
	event_put_header(c->event, "Content-Type", "application/json");
	op_begin(&c->op, OP_DELIVER, instance, finished, c);
	instance_ops(instance)->sink.deliver(
	    instance_state(instance), &c->op, c->event, c->attempt);
}

static void call_store(struct call *c, struct ow_instance *instance)
{
	const struct ow_store_ops *ops = &instance_ops(instance)->store;
	void *state = instance_state(instance);
	op_begin(&c->op, c->kind == CALL_CLAIM ? OP_CLAIM : OP_PLAIN, instance, finished, c);
	if (c->kind == CALL_CLAIM)
		ops->claim(state, &c->op, c->claim);
	else if (c->kind == CALL_RENEW)
		ops->renew(state, &c->op, c->claim);
	else if (c->kind == CALL_COMMIT)
		ops->commit(state, &c->op, c->claim, c->result);
	else
		ops->release(state, &c->op, c->claim);
}

static void begin(void *arg)
{
	struct call *c = arg;
	struct ow_instance *instance = rig_instance(c->rig, c->worker);
	c->begun_ms = rig_now(c->rig);
	c->pending = pending_begin("%s on worker %u", c->what, c->worker);
	if (c->kind == CALL_START)
		instance_start(instance, &c->op, finished, c);
	else if (c->kind == CALL_DRAIN)
		instance_drain(instance, &c->op, finished, c);
	else if (c->kind == CALL_DELIVER)
		deliver(c, instance);
	else
		call_store(c, instance);
	pending_returned(c->pending);
	if (c->cancel_at_once)
		op_cancel(&c->op);
}

void call_begin(struct call *c)
{
	rig_post(c->rig, c->worker, begin, c);
}

struct volley {
	struct rig *rig;
	struct call *const *calls;
	size_t count;
	_Atomic unsigned ready; /* workers that are about to begin */
	unsigned begun;		/* workers that have begun; under the rig's lock */
};

/* One worker's part of it. */
struct shot {
	struct volley *volley;
	unsigned worker;
};

static void fire(void *arg)
{
	const struct shot *shot = arg;
	struct volley *v = shot->volley;
	/* A barrier wakes one after the other; whoever spins goes with the last that comes. */
	atomic_fetch_add(&v->ready, 1);
	for (unsigned i = 0; atomic_load(&v->ready) < WORKERS_MAX; i++)
		if (i > SPINS)
			sched_yield();
	for (size_t i = 0; i < v->count; i++)
		if (v->calls[i]->worker == shot->worker)
			begin(v->calls[i]);
	rig_lock(v->rig);
	v->begun++;
	rig_signal(v->rig);
	rig_unlock(v->rig);
}

void calls_begin(struct rig *rig, struct call *const *calls, size_t count)
{
	struct volley volley = {.rig = rig, .calls = calls, .count = count};
	struct shot shots[WORKERS_MAX];
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		shots[i] = (struct shot){&volley, i};
		rig_post(rig, i, fire, &shots[i]);
	}
	rig_lock(rig);
	while (volley.begun < WORKERS_MAX)
		rig_wait(rig);
	rig_unlock(rig);
}

static void cancel(void *arg)
{
	struct call *c = arg;
	int pending = pending_begin("cancel() of %s", c->what);
	op_cancel(&c->op);
	pending_end(pending);
}

void call_cancel(struct call *c)
{
	rig_run(c->rig, c->worker, cancel, c);
}

void call_await(struct call *c)
{
	rig_lock(c->rig);
	while (!c->finished)
		rig_wait(c->rig);
	rig_unlock(c->rig);
}

bool call_finished(struct call *c)
{
	rig_lock(c->rig);
	bool finished = c->finished;
	rig_unlock(c->rig);
	return finished;
}

enum ow_rc call_make(struct call *c)
{
	call_begin(c);
	call_await(c);
	return c->op.rc;
}

void call_link(struct call *c, struct call *next)
{
	c->next = next;
}

static void call_free(struct call *c)
{
	spoil_borrowed(c); /* of one that was never begun */
	op_fini(&c->op);
	free(c);
}

void calls_free(struct call *c)
{
	while (c) {
		struct call *next = c->next;
		call_free(c);
		c = next;
	}
}

struct call *calls_forget(struct call *c)
{
	struct call *kept = NULL;
	while (c) {
		struct call *next = c->next;
		/* A timer of its is the worker's, on the worker's thread. */
		if (call_finished(c) && !c->op.limit) {
			call_free(c);
		} else {
			c->next = kept;
			kept = c;
		}
		c = next;
	}
	return kept;
}
