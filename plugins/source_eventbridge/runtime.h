/*
 * `mode: lambda`: the loop of a custom runtime of AWS Lambda. It asks for an
 * invocation, and for the next one when that is answered.
 */
#ifndef SOURCE_EVENTBRIDGE_RUNTIME_H
#define SOURCE_EVENTBRIDGE_RUNTIME_H

#include "source_eventbridge/intake.h"

enum runtime_invalid {
	RUNTIME_RESPOND = 0,
	RUNTIME_FAIL
};

struct runtime_options {
	int invalid; /* enum runtime_invalid */
	int64_t margin_ms;
};

struct runtime;

/* in and options are borrowed. NULL with *why, which lives until the next call. */
struct runtime *runtime_new(
    struct intake *in, const struct runtime_options *options, const char **why);
void runtime_free(struct runtime *r); /* NULL is fine */

/* The source's own functions; there is one event at a time, so no cookie is needed. */
void runtime_start(struct runtime *r, struct ow_op *op);
void runtime_start_failed(struct runtime *r, const char *why);
void runtime_settle(struct runtime *r, const struct ow_settlement *how);
void runtime_drain(struct runtime *r, struct ow_op *op);

#endif
