/* Instances, and the ledger of their operations. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/plugin/mockstate.h"

/* ---- instances ---- */

const struct ow_component *mock_component(const struct ow_module *module, const char *name)
{
	for (size_t i = 0; module->components[i]; i++)
		if (strcmp(module->components[i]->name, name) == 0)
			return module->components[i];
	mock_fail("plugin %s has no component %s", module->name, name);
}

struct ow_instance *mock_try_instance(struct mock *m, const struct ow_component *component,
    const char *name, const void *conf, const char **why)
{
	struct ow_instance *instance = arena_alloc(&m->arena, sizeof(*instance));
	*instance = (struct ow_instance){.mock = m, .component = component};
	instance->name = arena_string(&m->arena, name);
	list_init(&instance->link);
	*why = NULL;
	instance->state = component->create(mock_host(), instance, conf, why);
	if (!instance->state) {
		if (!*why || !**why)
			mock_fail("create() of %s failed without saying why", name);
		mock_services_gone(instance);
		mock_http_instance_gone(instance);
		mock_tls_instance_gone(instance);
		return NULL;
	}
	list_append(&m->instances, &instance->link);
	return instance;
}

struct ow_instance *mock_instance(
    struct mock *m, const struct ow_component *component, const char *name, const void *conf)
{
	const char *why;
	struct ow_instance *instance = mock_try_instance(m, component, name, conf, &why);
	if (!instance)
		mock_fail("create() of %s failed: %s", name, why);
	return instance;
}

void *mock_state(const struct ow_instance *instance)
{
	return instance->state;
}

void mock_destroy(struct ow_instance *instance)
{
	list_each(&instance->mock->ops, it)
	{
		struct ow_op *op = list_entry(it, struct ow_op, link);
		if (op->instance == instance && !op->finished)
			mock_fail("%s: %s was never finished", instance->name, op->what);
	}
	instance->component->destroy(instance->state);
	instance->state = NULL;
	list_remove(&instance->link);
	mock_services_gone(instance);
	mock_http_instance_gone(instance);
	mock_tls_instance_gone(instance);
}

/* ---- operations ---- */

static struct ow_op *op_new(struct ow_instance *instance, const char *what, enum mock_end end)
{
	struct ow_op *op = mem_zero(sizeof(*op));
	*op = (struct ow_op){.instance = instance, .what = what, .end = end, .why = ""};
	list_append(&instance->mock->ops, &op->link);
	instance->mock->unfinished++;
	return op;
}

/* Before anything of the answer is copied; what was lent goes after that. */
static void op_check(const struct ow_op *op, enum mock_end end, const char *with)
{
	if (op->finished)
		mock_fail("%s: %s finished twice", op->instance->name, op->what);
	if (op->end != end)
		mock_fail("%s: %s finished with %s()", op->instance->name, op->what, with);
}

static void op_finish(struct ow_op *op, enum ow_rc rc, const char *why)
{
	if (rc != OW_OK && (!why || !*why))
		mock_fail("%s: %s ended with rc %d without saying why", op->instance->name,
		    op->what, (int)rc);
	op->finished = true;
	op->rc = rc;
	op->why = rc == OW_OK ? "" : arena_string(&op->answer, why);
	op->instance->mock->unfinished--;
	arena_free(&op->lent);
	if (op->event)
		mock_event_release(op->event);
	op->event = NULL;
}

void mock_host_op_set(struct ow_op *op, void *data)
{
	op->data = data;
}

void *mock_host_op_get(const struct ow_op *op)
{
	return op->data;
}

void mock_host_op_done(struct ow_op *op, enum ow_rc rc, const char *why)
{
	op_check(op, MOCK_END_DONE, "op_done");
	op_finish(op, rc, why);
}

static const struct ow_result *copy_result(struct arena *arena, const struct ow_result *result)
{
	if (!result)
		return NULL;
	struct ow_result *copy = arena_alloc(arena, sizeof(*copy));
	mock_copy_sized(copy, result, sizeof(*copy), "struct ow_result");
	copy->content_type = mock_copy(arena, copy->content_type);
	copy->body = mock_copy(arena, copy->body);
	return copy;
}

void mock_host_claim_done(struct ow_op *op, const struct ow_claim_answer *answer)
{
	op_check(op, MOCK_END_CLAIM, "claim_done");
	struct ow_claim_answer *copy = &op->claimed;
	mock_copy_sized(copy, answer, sizeof(*copy), "struct ow_claim_answer");
	if (copy->rc != OW_OK && copy->rc != OW_FAIL)
		mock_fail("%s: claim ended with rc %d", op->instance->name, (int)copy->rc);
	if (copy->rc == OW_OK && (copy->state < OW_CLAIM_NEW || copy->state > OW_CLAIM_DONE))
		mock_fail("%s: claim state %d", op->instance->name, (int)copy->state);
	copy->result = copy_result(&op->answer, copy->result);
	if (copy->digest)
		copy->digest = arena_copy(&op->answer, copy->digest, OW_DIGEST_SIZE);
	op_finish(op, copy->rc, copy->why);
	copy->why = op->why;
}

void mock_host_deliver_done(struct ow_op *op, const struct ow_delivery *delivery)
{
	op_check(op, MOCK_END_DELIVERY, "deliver_done");
	struct ow_delivery *copy = &op->delivered;
	mock_copy_sized(copy, delivery, sizeof(*copy), "struct ow_delivery");
	copy->result = copy_result(&op->answer, copy->result);
	if (copy->code)
		copy->code = arena_string(&op->answer, copy->code);
	op_finish(op, copy->rc, copy->why);
	copy->why = op->why;
}

bool mock_finished(const struct ow_op *op)
{
	return op->finished;
}

static void must_be_finished(const struct ow_op *op)
{
	if (!op->finished)
		mock_fail("%s: %s is not finished", op->instance->name, op->what);
}

enum ow_rc mock_rc(const struct ow_op *op)
{
	must_be_finished(op);
	return op->rc;
}

const char *mock_why(const struct ow_op *op)
{
	must_be_finished(op);
	return op->why;
}

const struct ow_claim_answer *mock_claimed(const struct ow_op *op)
{
	must_be_finished(op);
	if (op->end != MOCK_END_CLAIM)
		mock_fail("%s is not a claim", op->what);
	return &op->claimed;
}

const struct ow_delivery *mock_delivered(const struct ow_op *op)
{
	must_be_finished(op);
	if (op->end != MOCK_END_DELIVERY)
		mock_fail("%s is not a delivery", op->what);
	return &op->delivered;
}

size_t mock_unfinished(const struct mock *m)
{
	return m->unfinished;
}

void mock_forget(struct mock *m)
{
	list_each(&m->ops, it)
	{
		struct ow_op *op = list_entry(it, struct ow_op, link);
		if (!op->finished)
			continue;
		list_remove(&op->link);
		arena_free(&op->answer);
		free(op);
	}
}

/* ---- starting them ---- */

struct ow_op *mock_start(struct ow_instance *instance)
{
	struct ow_op *op = op_new(instance, "start", MOCK_END_DONE);
	if (instance->component->start)
		instance->component->start(instance->state, op);
	else
		op_finish(op, OW_OK, NULL);
	return op;
}

struct ow_op *mock_drain(struct ow_instance *instance)
{
	struct ow_op *op = op_new(instance, "drain", MOCK_END_DONE);
	instance->draining = true;
	if (instance->component->drain)
		instance->component->drain(instance->state, op);
	else
		op_finish(op, OW_OK, NULL);
	return op;
}

void mock_reopen(struct ow_instance *instance)
{
	if (!instance->component->reopen)
		mock_fail("%s has no reopen()", instance->name);
	instance->component->reopen(instance->state);
}

static const void *ops_of(const struct ow_instance *instance, enum ow_kind kind)
{
	if (instance->component->kind != kind)
		mock_fail("%s is of kind %u, not %u", instance->name,
		    (unsigned)instance->component->kind, (unsigned)kind);
	return instance->component->ops;
}

static struct ow_claim *lend_claim(struct ow_op *op, const struct ow_claim *claim)
{
	struct ow_claim *copy = arena_copy(&op->lent, claim, sizeof(*claim));
	copy->size = sizeof(*copy);
	copy->key = mock_copy(&op->lent, claim->key);
	if (claim->token)
		copy->token = arena_copy(&op->lent, claim->token, OW_TOKEN_SIZE);
	if (claim->digest)
		copy->digest = arena_copy(&op->lent, claim->digest, OW_DIGEST_SIZE);
	return copy;
}

struct ow_op *mock_claim(struct ow_instance *store, const struct ow_claim *claim)
{
	const struct ow_store_ops *ops = ops_of(store, OW_STORE);
	struct ow_op *op = op_new(store, "claim", MOCK_END_CLAIM);
	ops->claim(store->state, op, lend_claim(op, claim));
	return op;
}

struct ow_op *mock_renew(struct ow_instance *store, const struct ow_claim *claim)
{
	const struct ow_store_ops *ops = ops_of(store, OW_STORE);
	struct ow_op *op = op_new(store, "renew", MOCK_END_DONE);
	ops->renew(store->state, op, lend_claim(op, claim));
	return op;
}

struct ow_op *mock_commit(
    struct ow_instance *store, const struct ow_claim *claim, const struct ow_result *result)
{
	const struct ow_store_ops *ops = ops_of(store, OW_STORE);
	struct ow_op *op = op_new(store, "commit", MOCK_END_DONE);
	struct ow_result copy = *result;
	copy.size = sizeof(copy);
	ops->commit(store->state, op, lend_claim(op, claim), copy_result(&op->lent, &copy));
	return op;
}

struct ow_op *mock_release(struct ow_instance *store, const struct ow_claim *claim)
{
	const struct ow_store_ops *ops = ops_of(store, OW_STORE);
	struct ow_op *op = op_new(store, "release", MOCK_END_DONE);
	ops->release(store->state, op, lend_claim(op, claim));
	return op;
}

struct ow_op *mock_deliver(
    struct ow_instance *sink, struct ow_event *event, const struct ow_attempt *attempt)
{
	const struct ow_sink_ops *ops = ops_of(sink, OW_SINK);
	struct ow_op *op = op_new(sink, "delivery", MOCK_END_DELIVERY);
	static const struct ow_attempt first = {.number = 1, .limit_ms = 30000};
	struct ow_attempt *copy =
	    arena_copy(&op->lent, attempt ? attempt : &first, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->key = mock_copy(&op->lent, attempt ? attempt->key : text_of("test:key-1"));
	copy->traceparent = mock_copy(&op->lent,
	    attempt ? attempt->traceparent : text_of("00-" MOCK_TRACE "-00f067aa0ba902b7-01"));
	op->event = mock_host_event_ref(event);
	ops->deliver(sink->state, op, event, copy);
	return op;
}

void mock_cancel(struct ow_op *op)
{
	struct ow_instance *instance = op->instance;
	if (op->finished)
		mock_fail("%s: %s is finished; the core cancels no such thing", instance->name,
		    op->what);
	if (instance->component->kind == OW_STORE)
		((const struct ow_store_ops *)instance->component->ops)
		    ->cancel(instance->state, op);
	else
		((const struct ow_sink_ops *)ops_of(instance, OW_SINK))
		    ->cancel(instance->state, op);
}
