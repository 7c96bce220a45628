#include "plugin/op.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conceal.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/timer.h"
#include "plugin/instance.h"
#include "plugin/sized.h"

/* A plugin that has not finished this long after cancel() is named in the log. */
#define CANCEL_GRACE_MS 5000

static void run_callback(struct task *task);

void op_init(struct ow_op *op)
{
	memset(op, 0, sizeof(*op));
	task_init(&op->task, run_callback);
}

static void drop_result(struct ow_op *op)
{
	free(op->kept.bytes);
	op->kept = (struct op_result){0};
}

void op_fini(struct ow_op *op)
{
	drop_result(op);
	if (op->limit)
		event_free(op->limit);
	op->limit = NULL;
}

void op_begin(struct ow_op *op, enum op_kind kind, struct ow_instance *instance,
    op_callback *callback, void *arg)
{
	assert(op->state == OP_IDLE);
	drop_result(op);
	op->kind = kind;
	op->state = OP_RUNNING;
	op->cancelled = false;
	op->instance = instance;
	op->callback = callback;
	op->arg = arg;
	op->plugin_data = NULL;
	op->why[0] = op->code[0] = '\0';
	op->begun_us = clock_mono_us(worker_clock(instance_worker(instance)));
}

static void limit_reached(evutil_socket_t fd, short what, void *arg)
{
	struct ow_op *op = arg;
	(void)fd, (void)what;
	if (op->state != OP_RUNNING)
		return;
	if (op->cancelled) {
		log_error(instance_label(op->instance),
		    "plugin bug: an operation is not finished %d s after it was cancelled",
		    CANCEL_GRACE_MS / 1000);
		return;
	}
	op_cancel(op);
}

static void ensure_limit(struct ow_op *op)
{
	if (!op->limit)
		op->limit = event_new(
		    worker_base(instance_worker(op->instance)), -1, 0, limit_reached, op);
}

void op_limit(struct ow_op *op, int64_t limit_ms)
{
	if (op->state != OP_RUNNING || limit_ms <= 0)
		return;
	ensure_limit(op);
	timer_start(op->limit, limit_ms);
}

void op_cancel(struct ow_op *op)
{
	if (op->state != OP_RUNNING || op->cancelled)
		return;
	op->cancelled = true;
	ensure_limit(op);
	timer_start(op->limit, CANCEL_GRACE_MS);
	instance_cancel(op->instance, op);
}

double op_seconds(const struct ow_op *op)
{
	const struct clock *clock = worker_clock(instance_worker(op->instance));
	return (double)(clock_mono_us(clock) - op->begun_us) / 1e6;
}

static void run_callback(struct task *task)
{
	struct ow_op *op = list_entry(task, struct ow_op, task);
	op->state = OP_IDLE;
	op->callback(op, op->arg);
}

/* A bug here would lose an event or deliver it twice: better to stop at once. */
static void die_of(const struct ow_op *op, const char *bug, const char *function)
{
	log_error(op->instance ? instance_label(op->instance) : "core",
	    "plugin bug: an operation was %s (%s)", bug, function);
	abort();
}

static void check_finish(const struct ow_op *op, enum op_kind kind, const char *function)
{
	if (op->state == OP_FINISHED)
		die_of(op, "finished twice", function);
	if (op->state == OP_IDLE)
		die_of(op, "finished but not started", function);
	if (op->kind != kind)
		die_of(op, "finished with the wrong function", function);
}

/* A size that was forgotten would read as OK. */
static void check_size(const struct ow_op *op, size_t size, size_t least, const char *function)
{
	if (size < least)
		die_of(op, "finished with an answer whose size is not set", function);
}

static void keep_why(struct ow_op *op, const char *why)
{
	struct buf text = BUF_INIT;
	op->why[0] = '\0';
	if (!why)
		return;
	buf_add_string(&text, why);
	conceal(&text, worker_secrets(instance_worker(op->instance)));
	text_store(op->why, sizeof(op->why), text.data);
	buf_free(&text);
}

static void finish(struct ow_op *op, enum ow_rc rc, const char *why)
{
	op->state = OP_FINISHED;
	op->rc = rc;
	keep_why(op, why);
	if (op->limit)
		event_del(op->limit);
	worker_later(instance_worker(op->instance), &op->task);
}

void op_set_data(struct ow_op *op, void *data)
{
	op->plugin_data = data;
}

void *op_get_data(const struct ow_op *op)
{
	return op->plugin_data;
}

void op_done(struct ow_op *op, enum ow_rc rc, const char *why)
{
	check_finish(op, OP_PLAIN, "op_done");
	finish(op, rc, why);
}

/*
 * The plugin's texts end with its call; ours must last until the event is
 * settled. Returns the copy, or NULL if there was nothing to copy.
 */
static const struct ow_result *keep_result(struct ow_op *op, const struct ow_result *from)
{
	if (!from)
		return NULL;
	check_size(op, from->size, SIZED_UP_TO(struct ow_result, failed), "a result");
	struct ow_result *kept = &op->kept.result;
	sized_copy(kept, sizeof(*kept), from, from->size);
	kept->size = sizeof(*kept); /* whoever reads it next reads our copy */
	struct ow_text type = kept->content_type, body = kept->body;
	op->kept.bytes = mem_alloc(type.len + body.len);
	if (type.len)
		memcpy(op->kept.bytes, type.data, type.len);
	if (body.len)
		memcpy(op->kept.bytes + type.len, body.data, body.len);
	kept->content_type = text_span(op->kept.bytes, type.len);
	kept->body = text_span(op->kept.bytes + type.len, body.len);
	return kept;
}

void op_claim_done(struct ow_op *op, const struct ow_claim_answer *answer)
{
	check_finish(op, OP_CLAIM, "claim_done");
	check_size(op, answer->size, SIZED_UP_TO(struct ow_claim_answer, digest), "claim_done");
	sized_copy(&op->answer, sizeof(op->answer), answer, answer->size);
	op->answer.result = keep_result(op, op->answer.result);
	if (op->answer.digest) {
		memcpy(op->digest, op->answer.digest, OW_DIGEST_SIZE);
		op->answer.digest = op->digest;
	}
	finish(op, op->answer.rc, op->answer.why);
	op->answer.why = op->why;
}

void op_deliver_done(struct ow_op *op, const struct ow_delivery *delivery)
{
	check_finish(op, OP_DELIVER, "deliver_done");
	check_size(op, delivery->size, SIZED_UP_TO(struct ow_delivery, result), "deliver_done");
	sized_copy(&op->delivery, sizeof(op->delivery), delivery, delivery->size);
	op->delivery.result = keep_result(op, op->delivery.result);
	text_store(
	    op->code, sizeof(op->code), op->delivery.code ? op->delivery.code : "unknown");
	op->delivery.code = op->code;
	finish(op, op->delivery.rc, op->delivery.why);
	op->delivery.why = op->why;
}
