#include "plugin/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "plugin/host.h"

struct ow_instance {
	struct worker *worker;
	const struct component *component;
	const char *name;
	char *label; /* also the key of its shared object */
	void *state;
	bool has_shared;
	union instance_ops ops;
};

/* The plugin may be older or newer than this core: take what both know. */
static void copy_ops(struct ow_instance *i)
{
	const void *ops = i->component->description.ops;
	uint32_t size;
	memcpy(&size, ops, sizeof(size));
	memcpy(&i->ops, ops, size < sizeof(i->ops) ? size : sizeof(i->ops));
}

struct ow_instance *instance_new(struct worker *worker, const struct component *component,
    const char *name, const void *conf, const char **why)
{
	struct buf label = BUF_INIT;
	struct ow_instance *i = mem_zero(sizeof(*i));
	i->worker = worker;
	i->component = component;
	i->name = name;
	buf_printf(&label, "%s %s", component_kind_name(component->description.kind), name);
	i->label = buf_take(&label);
	copy_ops(i);
	*why = "no reason given";
	i->state = component->description.create(host_table(), i, conf, why);
	if (!i->state) {
		instance_free(i);
		return NULL;
	}
	return i;
}

void instance_free(struct ow_instance *i)
{
	if (!i)
		return;
	if (i->state)
		i->component->description.destroy(i->state);
	if (i->has_shared)
		shared_objects_release(worker_shared(i->worker), i->label);
	free(i->label);
	free(i);
}

static void run_phase(struct ow_instance *i, void (*phase)(void *state, struct ow_op *op),
    struct ow_op *op, op_callback *callback, void *arg)
{
	op_begin(op, OP_PLAIN, i, callback, arg);
	if (phase)
		phase(i->state, op);
	else
		op_done(op, OW_OK, NULL);
}

void instance_start(struct ow_instance *i, struct ow_op *op, op_callback *callback, void *arg)
{
	run_phase(i, i->component->description.start, op, callback, arg);
}

void instance_drain(struct ow_instance *i, struct ow_op *op, op_callback *callback, void *arg)
{
	run_phase(i, i->component->description.drain, op, callback, arg);
}

void instance_reopen(struct ow_instance *i)
{
	if (i->component->description.reopen)
		i->component->description.reopen(i->state);
}

void instance_cancel(struct ow_instance *i, struct ow_op *op)
{
	if (i->component->description.kind == OW_STORE)
		i->ops.store.cancel(i->state, op);
	else if (i->component->description.kind == OW_SINK)
		i->ops.sink.cancel(i->state, op);
}

bool instance_ready(struct ow_instance *i, const char **why)
{
	bool (*ready)(void *state, const char **why) = NULL;
	if (i->component->description.kind == OW_STORE)
		ready = i->ops.store.ready;
	else if (i->component->description.kind == OW_SINK)
		ready = i->ops.sink.ready;
	return ready ? ready(i->state, why) : true;
}

struct worker *instance_worker(const struct ow_instance *i)
{
	return i->worker;
}

const struct component *instance_component(const struct ow_instance *i)
{
	return i->component;
}

const char *instance_name(const struct ow_instance *i)
{
	return i->name;
}

const char *instance_label(const struct ow_instance *i)
{
	return i->label;
}

void *instance_state(const struct ow_instance *i)
{
	return i->state;
}

const union instance_ops *instance_ops(const struct ow_instance *i)
{
	return &i->ops;
}

void *instance_shared(
    struct ow_instance *i, void *(*make)(void *arg), void *arg, void (*free_fn)(void *object))
{
	void *object =
	    shared_objects_get(worker_shared(i->worker), i->label, make, arg, free_fn);
	if (object && i->has_shared)
		shared_objects_release(worker_shared(i->worker), i->label); /* asked twice */
	if (object)
		i->has_shared = true;
	return object;
}
