/*
 * sqs: puts each event into a queue of Amazon SQS, the bytes as they were
 * received.
 *
 * One deliver() is one letter; batches.c sends those that are there together by
 * one SendMessageBatch, and verdict.c says what an entry of its answer means:
 *   the entry succeeded, and the MD5 is right     OK
 *   throttled, 5xx, not sent, not SQS' fault      RETRY, not before Retry-After
 *   there is no such queue                        RETRY: it may be on its way
 *   the answer lost, no word of the entry, MD5    UNKNOWN; FAIL without a key
 *   the entry, or the request for it alone, refused; not fit to be sent  REJECT
 */
#define OW_NEED_MINOR 1 /* given() */
#include <onceway/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/alloc.h"
#include "lib/backoff.h"
#include "lib/sqs/queue_client.h"
#include "sink_sqs/batches.h"

#define ANSWER_MAX    65536 /* ten entries */
#define MESSAGE_MAX   1048576
#define ATTRIBUTE_MAX 256

struct sink_conf {
	struct sqs_queue_options queue;
	const char *group, *group_default;
	const char *key_attribute;
	int64_t max_message;
	struct batches_options batches;
	int64_t connect_ms, total_ms;
	struct ow_retry retry;
};

struct sink {
	struct letter_style style;
	struct sqs_client *client;
	struct batches *batches;
	struct ow_op *drain; /* NULL unless draining */
};

/* ---- deliveries ---- */

static void done(struct letter *l, const struct ow_delivery *delivery, void *arg)
{
	struct sink *s = arg;
	s->style.host->deliver_done(l->op, delivery);
}

static void idle(void *arg)
{
	struct sink *s = arg;
	struct ow_op *drain = s->drain;
	s->drain = NULL;
	if (drain)
		s->style.host->op_done(drain, OW_OK, NULL);
}

static void sink_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	struct sink *s = state;
	struct verdict v;
	char why[LETTER_WHY_MAX];
	struct letter *l = letter_new(&s->style, event, attempt, why);
	if (!l) {
		verdict_refused(&v, why);
		s->style.host->deliver_done(op, &v.delivery);
		return;
	}
	l->op = op;
	s->style.host->op_set(op, l);
	if (batches_add(s->batches, l, attempt->limit_ms))
		return;
	letter_free(l);
	verdict_busy(&v);
	s->style.host->deliver_done(op, &v.delivery);
}

static void sink_cancel(void *state, struct ow_op *op)
{
	struct sink *s = state;
	batches_cancel(s->batches, s->style.host->op_get(op));
}

static void sink_policy(const void *conf, struct ow_sink_policy *policy)
{
	const struct sink_conf *c = conf;
	policy->attempts = c->retry.attempts;
	policy->base_ms = c->retry.base_ms;
	policy->max_ms = c->retry.max_ms;
	policy->jitter = (enum ow_jitter)c->retry.jitter;
	policy->attempt_ms = c->total_ms;
}

static bool sink_ready(void *state, const char **why)
{
	struct sink *s = state;
	return aws_client_ready(sqs_client_aws(s->client), why);
}

/* ---- life ---- */

static void sink_destroy(void *state)
{
	struct sink *s = state;
	batches_free(s->batches);
	sqs_client_free(s->client);
	sha256_free(s->style.sha256);
	free(s);
}

static struct letter_style style_of(
    const struct ow_host *host, struct ow_instance *self, const struct sink_conf *conf)
{
	return (struct letter_style){.host = host,
	    .self = self,
	    .sha256 = sha256_new(),
	    .group = conf->group ? host->pointer(self, conf->group) : NULL,
	    .group_path = conf->group,
	    .group_default = conf->group_default,
	    .key_attribute = conf->key_attribute,
	    .max_message = conf->max_message,
	    .fifo = sqs_queue_is_fifo(&conf->queue)};
}

static void *sink_create(
    const struct ow_host *host, struct ow_instance *self, const void *options, const char **why)
{
	const struct sink_conf *conf = options;
	struct sink *s = alloc_zero(1, sizeof(*s));
	s->style = style_of(host, self, conf);
	*why = "libcrypto offers no SHA-256, which long keys are shortened with";
	if (s->style.sha256)
		s->client = sqs_client_new(host, self, &conf->queue,
		    &(struct sqs_client_limits){.max_connections = conf->batches.max_calls,
			.max_waiting = conf->batches.max_calls,
			.connect_ms = conf->connect_ms < conf->total_ms ? conf->connect_ms
									: conf->total_ms,
			.max_response = ANSWER_MAX},
		    why);
	if (!s->client) {
		sink_destroy(s);
		return NULL;
	}
	s->batches = batches_new(&(struct batches_parts){.style = &s->style,
	    .client = sqs_client_aws(s->client),
	    .queue_url = conf->queue.url,
	    .options = conf->batches,
	    .done = done,
	    .idle = idle,
	    .arg = s});
	return s;
}

static void sink_drain(void *state, struct ow_op *op)
{
	struct sink *s = state;
	s->drain = op;
	batches_hurry(s->batches);
	if (batches_idle(s->batches))
		idle(s);
}

/* ---- options ---- */

static bool begins_like(const char *text, const char *begin)
{
	return strncasecmp(text, begin, strlen(begin)) == 0;
}

static bool is_attribute_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_-.";
	size_t len = strlen(name);
	return len > 0 && len <= ATTRIBUTE_MAX && strspn(name, allowed) == len &&
	       name[0] != '.' && name[len - 1] != '.' && !strstr(name, "..") &&
	       !begins_like(name, "aws.") && !begins_like(name, "amazon.");
}

static void check_key_attribute(const struct sink_conf *c, const struct ow_report *report)
{
	const char *name = c->key_attribute;
	if (!name[0])
		return;
	if (!is_attribute_name(name))
		report->complain(report, "key_attribute",
		    "`%s` is not a name of a message attribute: letters, digits, `_`, `-`, `.`",
		    name);
	else if (strcmp(name, "Content-Type") == 0 || strcmp(name, "traceparent") == 0)
		report->complain(report, "key_attribute",
		    "`%s` is written by onceway itself: use another name", name);
}

static void check_group(const struct sink_conf *c, const struct ow_report *report)
{
	const char *name = c->group_default;
	if (name && !letter_id_valid((struct ow_text){name, strlen(name)}))
		report->complain(report, "group_default",
		    "must be of 1 to %d characters from `!` to `~`, without spaces",
		    LETTER_ID_MAX);
	if (sqs_queue_is_fifo(&c->queue) && !c->group && !name)
		report->complain(report, "queue_url",
		    "is that of a FIFO queue, which wants a message group: add group, such as "
		    "/detail/conversationId, or group_default");
}

static void sink_check(const void *conf, const struct ow_report *report)
{
	const struct sink_conf *c = conf;
	sqs_queue_check(&c->queue, report);
	check_group(c, report);
	check_key_attribute(c, report);
	backoff_check(c->retry.base_ms, c->retry.max_ms, "retry", report);
	if (c->batches.wait_ms > c->total_ms)
		report->complain(report, "batch_wait",
		    "is longer than timeout.total: lower it, or raise timeout.total");
	if (c->connect_ms > c->total_ms && report->given(report, "timeout.connect"))
		report->complain(report, "timeout.connect",
		    "is longer than timeout.total: lower it, or raise timeout.total");
}

SQS_QUEUE_CHOICES;
OW_RETRY_CHOICES;

static const struct ow_option sink_options[] = {
    SQS_QUEUE_URL_OPTION(struct sink_conf, queue,
	".fifo at its end: in order within a group, and without copies for five minutes."),
    OW_POINTER(struct sink_conf, group, "group",
	.help = "Where in the event its message group is, a string or an integer: of a FIFO "
		"queue what stays in order, of another one what gets its fair share."),
    OW_STRING(struct sink_conf, group_default, "group_default",
	.help = "Message group of events without one; of a FIFO queue they are refused "
		"otherwise."),
    OW_STRING(struct sink_conf, key_attribute, "key_attribute", .dflt = "Idempotency-Key",
	.help = "Message attribute that carries prefix + key, by which the receiver can tell a "
		"second copy; empty sends none."),
    OW_SIZE(struct sink_conf, max_message, "max_message", .dflt = "1MiB", .min = 1024,
	.max = MESSAGE_MAX,
	.help = "Bytes of a message with its attributes, and of all messages of a request, at "
		"most: SQS' own limit, 256KiB before August 2025, or the queue's "
		"MaximumMessageSize."),
    OW_DURATION(struct sink_conf, batches.wait_ms, "batch_wait", .dflt = "5ms", .min = 0,
	.max = 10000,
	.help = "How long a message waits for others to go along, up to ten in a request; 0s "
		"takes along what is there."),
    OW_DURATION(struct sink_conf, connect_ms, "timeout.connect", .dflt = "3s", .min = 1,
	.max = 600000, .help = "Time for one connection attempt."),
    OW_DURATION(struct sink_conf, total_ms, "timeout.total", .dflt = "15s", .min = 1,
	.max = 3600000,
	.help = "Time for one attempt, from waiting for others to the answer's last byte."),
    OW_INT(struct sink_conf, batches.max_calls, "pool.max_connections", .dflt = "8", .min = 1,
	.max = 1000, .unit = "connections",
	.help = "Connections to SQS, and requests under way, of each worker."),
    OW_INT(struct sink_conf, batches.max_waiting, "pool.max_waiting", .dflt = "1000",
	.min = SQS_BATCH_MAX, .max = 1000000, .unit = "messages",
	.help = "Messages of each worker that may wait for a connection; beyond, events are "
		"held back."),
    OW_RETRY_OPTIONS(struct sink_conf, retry),
    SQS_QUEUE_OPTIONS(struct sink_conf, queue),
    OW_OPTION_END,
};

static const struct ow_sink_ops sink_ops = {
    .size = sizeof(sink_ops),
    .deliver = sink_deliver,
    .cancel = sink_cancel,
    .policy = sink_policy,
    .ready = sink_ready,
};

static const struct ow_component sqs_component = {
    .kind = OW_SINK,
    .conf_size = sizeof(struct sink_conf),
    .name = "sqs",
    .summary = "Puts each event into an Amazon SQS queue, the bytes as they were received.",
    .options = sink_options,
    .example = "{plugin: sqs, queue_url: "
	       "\"https://sqs.eu-central-1.amazonaws.com/123456789012/deduplicated\"}",
    .check = sink_check,
    .create = sink_create,
    .drain = sink_drain,
    .destroy = sink_destroy,
    .ops = &sink_ops,
};

static const struct ow_component *const components[] = {&sqs_component, NULL};

OW_MODULE("sink_sqs", "1.0", "Apache-2.0", components)
