/*
 * What the modules here have in common: a sink that does nothing, with its
 * pieces apart, so that each module gets one of them wrong. What a module
 * defines before including this (OW_ABI_MAJOR, ...) counts.
 */
#ifndef TESTS_ABI_PARTS_H
#define TESTS_ABI_PARTS_H

#include <onceway/plugin.h>

#define PART static __attribute__((unused))

struct parts_conf {
	const char *text;
	int64_t number;
	bool flag;
};

PART const struct ow_host *parts_host;

PART void *parts_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	static char state;
	(void)self, (void)conf, (void)why;
	parts_host = host;
	return &state;
}

PART void parts_destroy(void *state)
{
	(void)state;
}

PART void parts_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	(void)state, (void)event, (void)attempt;
	parts_host->deliver_done(
	    op, &(struct ow_delivery){.size = sizeof(struct ow_delivery), .code = "parts"});
}

PART void parts_cancel(void *state, struct ow_op *op)
{
	(void)state, (void)op;
}

PART const struct ow_sink_ops parts_ops = {
    .size = sizeof(parts_ops), .deliver = parts_deliver, .cancel = parts_cancel};

/* The rest of a sink; a module adds its kind, its name and its options. */
#define PARTS                                                                                  \
	.conf_size = sizeof(struct parts_conf), .summary = "Does nothing.",                    \
	.create = parts_create, .destroy = parts_destroy, .ops = &parts_ops

/* For what OW_MODULE() would not write. */
#define PARTS_GETTER                                                                           \
	__attribute__((visibility("default"))) const struct ow_module *ow_module(void);        \
	const struct ow_module *ow_module(void)

/* A module with one sink that has these options and a mistake in one of them. */
#define PARTS_WITH_OPTIONS(...)                                                                \
	static const struct ow_option options[] = {__VA_ARGS__, OW_OPTION_END};                \
	static const struct ow_component component = {                                         \
	    .kind = OW_SINK, .name = "parts", .options = options, PARTS};                      \
	static const struct ow_component *const components[] = {&component, NULL};             \
	OW_MODULE("parts", "1.0", "Apache-2.0", components)

/* A module with one sink that is as it should be. */
#define PARTS_WHOLE                                                                            \
	static const struct ow_component component = {                                         \
	    .kind = OW_SINK, .name = "parts", PARTS};                                          \
	static const struct ow_component *const components[] = {&component, NULL};             \
	OW_MODULE("parts", "1.0", "Apache-2.0", components)

#endif
