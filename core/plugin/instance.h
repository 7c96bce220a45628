/* An instance: one configured component on one worker. */
#ifndef PLUGIN_INSTANCE_H
#define PLUGIN_INSTANCE_H

#include <onceway/plugin.h>

#include "plugin/loader.h"
#include "plugin/op.h"
#include "plugin/worker.h"

/* The functions of an instance, whole: absent where the plugin is older. */
union instance_ops {
	struct ow_source_ops source;
	struct ow_keyer_ops keyer;
	struct ow_store_ops store;
	struct ow_sink_ops sink;
};

/*
 * Creates the component's state. plugin, name and conf are borrowed and
 * outlive the instance. NULL with *why (static or the plugin's).
 */
struct ow_instance *instance_new(struct worker *worker, const struct component *component,
    const char *name, const void *conf, const char **why);
/* Destroys the state. No operation is unfinished. NULL is fine. */
void instance_free(struct ow_instance *instance);

/* Run start() and drain(); done at once, by way of the queue, where the plugin has none. */
void instance_start(
    struct ow_instance *instance, struct ow_op *op, op_callback *callback, void *arg);
void instance_drain(
    struct ow_instance *instance, struct ow_op *op, op_callback *callback, void *arg);
/* Opens anew what it writes to by name; does nothing where the plugin has no such thing. */
void instance_reopen(struct ow_instance *instance);
/* Calls the cancel() of the instance's kind. */
void instance_cancel(struct ow_instance *instance, struct ow_op *op);

/* True if it can serve. *why as in struct ow_store_ops. Always true for sources and keyers. */
bool instance_ready(struct ow_instance *instance, const char **why);

struct worker *instance_worker(const struct ow_instance *instance);
const struct component *instance_component(const struct ow_instance *instance);
const char *instance_name(const struct ow_instance *instance);
const char *instance_label(const struct ow_instance *instance); /* "sink crm" */
void *instance_state(const struct ow_instance *instance);
const union instance_ops *instance_ops(const struct ow_instance *instance);

/* For host->shared(): the object is released when the instance is freed. */
void *instance_shared(struct ow_instance *instance, void *(*make)(void *arg), void *arg,
    void (*free_fn)(void *object));

#endif
