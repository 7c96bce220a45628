/*
 * Operations: calls into a plugin that finish later, exactly once.
 *
 * The core embeds a struct ow_op in what waits for it. op_begin() arms it just
 * before the plugin is called; the plugin finishes it through the host table;
 * the core's callback runs from the worker's queue, after the plugin's call
 * has returned. A time limit asks the plugin to hurry (cancel) and goes on
 * waiting: only the plugin knows when it no longer uses what it borrowed.
 */
#ifndef PLUGIN_OP_H
#define PLUGIN_OP_H

#include "plugin/worker.h"

enum op_kind {
	OP_PLAIN = 1,
	OP_CLAIM,
	OP_DELIVER
};
enum op_state {
	OP_IDLE = 0,
	OP_RUNNING,
	OP_FINISHED
};

typedef void op_callback(struct ow_op *op, void *arg);

/* An answer that outlives the call that passed it: texts are copies in `bytes`. */
struct op_result {
	struct ow_result result;
	char *bytes;
};

struct ow_op {
	enum op_kind kind;
	enum op_state state;
	bool cancelled;
	struct ow_instance *instance; /* whose call it is */
	op_callback *callback;
	void *arg;
	void *plugin_data;
	struct task task;
	struct event *limit; /* made when first needed */
	int64_t begun_us;
	/* how it ended */
	enum ow_rc rc;
	char why[200];
	char code[24];		       /* OP_DELIVER */
	struct ow_claim_answer answer; /* OP_CLAIM; its result is in kept */
	struct ow_delivery delivery;   /* OP_DELIVER; likewise */
	struct op_result kept;
	unsigned char digest[OW_DIGEST_SIZE];
};

void op_init(struct ow_op *op);
/* Not running. Frees what the last answer left. */
void op_fini(struct ow_op *op);

/* Arms op for one call on instance. It is not running. */
void op_begin(struct ow_op *op, enum op_kind kind, struct ow_instance *instance,
    op_callback *callback, void *arg);

/*
 * After the plugin's call has returned: if it has not finished by then, it is
 * cancelled limit_ms from now. 0: no limit.
 */
void op_limit(struct ow_op *op, int64_t limit_ms);

/* Asks the plugin to finish soon; the callback follows. Does nothing unless running. */
void op_cancel(struct ow_op *op);

/* How long the call has taken: within its callback, from the plugin's call to now. */
double op_seconds(const struct ow_op *op);

static inline bool op_running(const struct ow_op *op)
{
	return op->state != OP_IDLE;
}

/* ---- the host table's side ---- */

void op_set_data(struct ow_op *op, void *data);
void *op_get_data(const struct ow_op *op);
void op_done(struct ow_op *op, enum ow_rc rc, const char *why);
void op_claim_done(struct ow_op *op, const struct ow_claim_answer *answer);
void op_deliver_done(struct ow_op *op, const struct ow_delivery *delivery);

#endif
