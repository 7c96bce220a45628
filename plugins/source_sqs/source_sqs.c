/*
 * sqs: takes events from a queue of Amazon SQS.
 *
 * Receivers poll it, the desk keeps what they bring until it is settled and
 * the queue has been told; nothing is deleted before. Killed at any instant,
 * all that was in hand is shown again when its visibility ends.
 */
#define OW_NEED_MINOR 2 /* words for numbers, MISSING_KEY, MISMATCH */
#include <onceway/plugin.h>
#include <stdlib.h>

#include "lib/alloc.h"
#include "lib/backoff.h"
#include "lib/sqs/queue_client.h"
#include "source_sqs/desk.h"
#include "source_sqs/outbox.h"
#include "source_sqs/receivers.h"

#define CONNECT_MS 10000
/* Of one message in an answer: 1 MiB is SQS's limit, and JSON may write a character longer. */
#define ANSWER_MESSAGE_MAX (3 * 1024 * 1024 + 65536)
#define CALLS_IN_LINE	   16

struct sqs_conf {
	struct sqs_queue_options queue;
	struct receivers_options receivers;
	struct desk_options desk;
	int64_t visibility_ms;
};

struct sqs {
	struct queue queue;
	struct sqs_client *client;
	struct receivers *receivers;
	struct desk *desk;
	bool polling;	     /* polls may be under way */
	struct ow_op *drain; /* NULL unless draining */
};

/* ---- between the rooms ---- */

static void drained_perhaps(struct sqs *s)
{
	struct ow_op *drain = s->drain;
	if (!drain || s->polling || desk_count(s->desk) > 0)
		return;
	s->drain = NULL;
	s->queue.host->op_done(drain, OW_OK, NULL);
}

static void received(const struct sqs_received *received, void *arg)
{
	struct sqs *s = arg;
	desk_take(s->desk, received);
}

static size_t in_hand(void *arg)
{
	struct sqs *s = arg;
	return desk_count(s->desk);
}

static void message_finished(void *arg)
{
	struct sqs *s = arg;
	receivers_go(s->receivers);
	drained_perhaps(s);
}

/* Turned away for want of room or of a store: so would the next one be. */
static bool is_turned_away(const struct ow_settlement *how)
{
	return how->outcome == OW_REJECTED && how->status == 503;
}

/* What is malformed was refused before any store was asked, which may still be down. */
static bool got_through(const struct ow_settlement *how)
{
	switch (how->outcome) {
	case OW_REJECTED:
	case OW_INVALID:
	case OW_MISSING_KEY:
	case OW_UNROUTED:
		return false;
	default:
		return true;
	}
}

static void sqs_settle(void *state, void *cookie, const struct ow_settlement *how)
{
	struct sqs *s = state;
	if (is_turned_away(how) && !s->drain)
		receivers_hold(s->receivers, how->retry_after_ms);
	else if (got_through(how))
		receivers_accept(s->receivers);
	desk_settle(s->desk, cookie, how);
}

/* Whatever the options say. */
static void sqs_nature(const void *conf, struct ow_source_nature *nature)
{
	(void)conf;
	nature->queue = true;
}

/* ---- life ---- */

static void sqs_destroy(void *state)
{
	struct sqs *s = state;
	receivers_free(s->receivers);
	desk_free(s->desk);
	sqs_client_free(s->client);
	free(s);
}

static void *sqs_create(
    const struct ow_host *host, struct ow_instance *self, const void *options, const char **why)
{
	const struct sqs_conf *conf = options;
	struct sqs *s = alloc_zero(1, sizeof(*s));
	s->client = sqs_client_new(host, self, &conf->queue,
	    &(struct sqs_client_limits){
		.max_connections = conf->receivers.receivers + 2 * OUTBOX_CALLS,
		.max_waiting = CALLS_IN_LINE,
		.connect_ms = CONNECT_MS,
		.max_response = conf->receivers.batch_size * ANSWER_MESSAGE_MAX},
	    why);
	if (!s->client) {
		free(s);
		return NULL;
	}
	s->queue = (struct queue){.host = host,
	    .self = self,
	    .client = sqs_client_aws(s->client),
	    .url = conf->queue.url,
	    .visibility_ms = conf->visibility_ms,
	    .fifo = sqs_queue_is_fifo(&conf->queue)};
	s->desk = desk_new(&s->queue, &conf->desk, message_finished, s);
	s->receivers = receivers_new(
	    &s->queue, &conf->receivers, &(struct receivers_calls){received, in_hand, s});
	return s;
}

/* Not waited for: a queue that cannot be reached now may be reached later. */
static void sqs_start(void *state, struct ow_op *op)
{
	struct sqs *s = state;
	s->polling = true;
	s->queue.host->log(s->queue.self, OW_LOG_INFO, "receiving from %s in %s by %s",
	    s->queue.url, aws_client_region(s->queue.client),
	    aws_client_endpoint(s->queue.client));
	receivers_go(s->receivers);
	s->queue.host->op_done(op, OW_OK, NULL);
}

static void polls_ended(void *arg)
{
	struct sqs *s = arg;
	s->polling = false;
	drained_perhaps(s);
}

static void sqs_drain(void *state, struct ow_op *op)
{
	struct sqs *s = state;
	s->drain = op;
	desk_drain(s->desk);
	receivers_stop(s->receivers, polls_ended, s);
}

/* ---- options ---- */

static void check_seconds(const struct ow_report *report, const char *option, int64_t ms)
{
	if (ms % 1000)
		report->complain(
		    report, option, "must be whole seconds: SQS counts in no smaller unit");
}

static void sqs_check(const void *options, const struct ow_report *report)
{
	const struct sqs_conf *conf = options;
	const struct receivers_options *r = &conf->receivers;
	int64_t whole_batches = r->receivers * r->batch_size;
	sqs_queue_check(&conf->queue, report);
	check_seconds(report, "wait_time", r->wait_ms);
	check_seconds(report, "visibility_timeout", conf->visibility_ms);
	if (whole_batches > r->max_messages)
		report->complain(report, "max_messages",
		    "must be at least %lld, so that each of the receivers may ask for a whole "
		    "batch",
		    (long long)whole_batches);
	backoff_check(conf->desk.backoff.base_ms, conf->desk.backoff.max_ms, "backoff", report);
}

SQS_QUEUE_CHOICES;
static const char *const unwrap_choices[] = {"auto", "raw", "eventbridge", "sns", NULL};
static const char *const remaining[] = {"remaining", NULL}; /* DESK_REMAINING */

static const struct ow_option sqs_options[] = {
    SQS_QUEUE_URL_OPTION(struct sqs_conf, queue, ".fifo at its end makes the order count."),
    OW_DURATION(struct sqs_conf, receivers.wait_ms, "wait_time", .dflt = "20s", .min = 0,
	.max = 20000,
	.help = "How long a receive waits for messages; 0s asks once a second instead."),
    OW_INT(struct sqs_conf, receivers.batch_size, "batch_size", .dflt = "10", .min = 1,
	.max = SQS_BATCH_MAX, .unit = "messages",
	.help = "Messages that one receive brings, at most."),
    OW_DURATION(struct sqs_conf, visibility_ms, "visibility_timeout", .dflt = "30s",
	.min = 3000, .max = SQS_VISIBILITY_MAX_S * 1000,
	.help = "How long a received message is hidden from others; renewed while it is in "
		"hand, so it is also how soon it is seen again after a crash."),
    OW_INT(struct sqs_conf, receivers.receivers, "receivers", .dflt = "1", .min = 1, .max = 64,
	.unit = "receivers", .help = "Receives under way at once, of each worker."),
    OW_INT(struct sqs_conf, receivers.max_messages, "max_messages", .dflt = "1000", .min = 1,
	.max = 20000, .unit = "messages",
	.help = "Messages in hand of each worker, at most; beyond it nothing is received."),
    OW_ENUM(struct sqs_conf, desk.unwrap, "unwrap", .dflt = "auto", .choices = unwrap_choices,
	.help = "What a body is: `auto` takes the event out of an SNS envelope, if it is one; "
		"`sns` demands an envelope, `eventbridge` an EventBridge event; `raw` looks at "
		"nothing."),
    OW_DURATION(struct sqs_conf, desk.backoff.base_ms, "backoff.base", .dflt = "5s",
	.min = 1000, .max = 39600000,
	.help = "How long a message that failed is left alone after its first receipt; doubled "
		"with each further one."),
    OW_DURATION(struct sqs_conf, desk.backoff.max_ms, "backoff.max", .dflt = "15m", .min = 1000,
	.max = 39600000, .help = "Longest time that it is left alone."),
    OW_DURATION(struct sqs_conf, desk.invalid_delay_ms, "invalid_delay", .dflt = "remaining",
	.min = 0, .max = 39600000, .choices = remaining,
	.help = "When a malformed message is seen again, on its way to the queue's redrive "
		"policy: after that time, or what remains of its visibility."),
    SQS_QUEUE_OPTIONS(struct sqs_conf, queue),
    OW_OPTION_END,
};

static const struct ow_source_ops sqs_ops = {
    .size = sizeof(sqs_ops),
    .settle = sqs_settle,
    .nature = sqs_nature,
};

static const struct ow_component sqs_component = {
    .kind = OW_SOURCE,
    .conf_size = sizeof(struct sqs_conf),
    .name = "sqs",
    .summary = "Receives events from an Amazon SQS queue.",
    .options = sqs_options,
    .example = "{plugin: sqs, queue_url: "
	       "\"https://sqs.eu-central-1.amazonaws.com/123456789012/contact-events\"}",
    .check = sqs_check,
    .create = sqs_create,
    .start = sqs_start,
    .drain = sqs_drain,
    .destroy = sqs_destroy,
    .ops = &sqs_ops,
};

static const struct ow_component *const components[] = {&sqs_component, NULL};

OW_MODULE("source_sqs", "1.0", "Apache-2.0", components)
