/*
 * A sink for tests of the daemon: it has started once a file is there, and the
 * instance of one worker is not ready while another file is.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <onceway/plugin.h>

#define POLL_MS 10

struct gate_conf {
	const char *start_file;
	const char *unready_file;
	int64_t unready_worker;
};

struct gate {
	const struct ow_host *host;
	const struct gate_conf *conf;
	struct ow_timer *timer;
	struct ow_op *start;
	unsigned number; /* of the instance, in the order they are made */
};

static void look(void *arg)
{
	struct gate *g = arg;
	struct ow_op *op = g->start;
	if (g->conf->start_file && access(g->conf->start_file, F_OK) != 0) {
		g->host->timer_set(g->timer, POLL_MS);
		return;
	}
	g->start = NULL;
	g->host->op_done(op, OW_OK, NULL);
}

static void gate_start(void *state, struct ow_op *op)
{
	struct gate *g = state;
	g->start = op;
	look(g);
}

static void gate_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	struct gate *g = state;
	(void)event, (void)attempt;
	g->host->deliver_done(
	    op, &(struct ow_delivery){
		    .size = sizeof(struct ow_delivery), .rc = OW_OK, .code = "ok"});
}

static void gate_cancel(void *state, struct ow_op *op)
{
	(void)state, (void)op;
}

static bool gate_ready(void *state, const char **why)
{
	struct gate *g = state;
	*why = "its gate is shut";
	return !g->conf->unready_file || g->number != g->conf->unready_worker ||
	       access(g->conf->unready_file, F_OK) != 0;
}

static void *count_new(void *arg)
{
	(void)arg;
	return calloc(1, sizeof(_Atomic unsigned));
}

static void *gate_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct gate *g = calloc(1, sizeof(*g));
	_Atomic unsigned *count = host->shared(self, count_new, NULL, free);
	(void)why;
	g->host = host;
	g->conf = conf;
	g->number = atomic_fetch_add(count, 1);
	g->timer = host->timer_new(self, look, g);
	return g;
}

static void gate_destroy(void *state)
{
	struct gate *g = state;
	g->host->timer_free(g->timer);
	free(g);
}

static const struct ow_option options[] = {
    OW_STRING(struct gate_conf, start_file, "start_file", .help = "Started once it is there."),
    OW_STRING(struct gate_conf, unready_file, "unready_file",
	.help = "One worker is not ready while it is there."),
    OW_INT(struct gate_conf, unready_worker, "unready_worker", .dflt = "1", .min = 0, .max = 63,
	.unit = "workers", .help = "Which worker that is, from 0."),
    OW_OPTION_END,
};

static const struct ow_sink_ops ops = {
    .size = sizeof(ops), .deliver = gate_deliver, .cancel = gate_cancel, .ready = gate_ready};

static const struct ow_component gate_component = {.kind = OW_SINK,
    .conf_size = sizeof(struct gate_conf),
    .name = "gate",
    .summary = "Starts and is ready when a test says so.",
    .options = options,
    .create = gate_create,
    .start = gate_start,
    .destroy = gate_destroy,
    .ops = &ops};

static const struct ow_component *const components[] = {&gate_component, NULL};

OW_MODULE("sink_gate", "1.0", "Apache-2.0", components)
