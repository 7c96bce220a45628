/*
 * The sink `log`: a line for each event, to the daemon's log, stdout, stderr or
 * a file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <onceway/plugin.h>

#include "lib/alloc.h"
#include "lib/backoff.h"
#include "sink_log/line.h"
#include "sink_log/line_file.h"
#include "sink_log/payload.h"

/* A slow reader is tried again after that long; lines over that many bytes do not wait for it.
 */
#define AGAIN_MS    20
#define WAITING_MAX (4 << 20)

enum format {
	FORMAT_TEXT = 0,
	FORMAT_JSON
};

struct log_conf {
	const char *to;
	int format;
	bool payload;
	struct ow_list redact;
	struct ow_retry retry;
};

/* A line that a slow reader has not taken yet. */
struct waiting {
	struct waiting *next;
	struct ow_op *op; /* NULL: finished; only the rest of the line is to be written */
	struct line line;
	size_t written;
};

struct sink {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct log_conf *conf;
	const struct ow_pointer *document;
	struct line_file *file; /* NULL: to the daemon's log */
	struct ow_timer *timer;
	struct waiting *first, **last;
	size_t waiting_bytes;
	time_t second; /* what second_text says */
	char second_text[24];
};

/* ---- lines ---- */

/* Most lines fall into the second of the line before. */
static void add_time(struct sink *s, struct line *line)
{
	int64_t wall_ms = s->host->wall_ms(s->self);
	time_t second = (time_t)(wall_ms / 1000);
	if (second != s->second || s->second_text[0] == '\0') {
		struct tm tm;
		gmtime_r(&second, &tm);
		strftime(s->second_text, sizeof(s->second_text), "%Y-%m-%dT%H:%M:%S", &tm);
		s->second = second;
	}
	line_add_string(line, s->second_text);
	line_add_string(line, ".");
	line_add_number(line, (uint64_t)(wall_ms % 1000), 3);
	line_add_string(line, "Z");
}

/* The body, as JSON in either format: what is not JSON becomes a JSON string. */
static void add_payload(const struct sink *s, struct line *line, const struct ow_event *event)
{
	struct ow_json document;
	if (s->host->event_json(event, s->document, &document))
		payload_add(line, s->host, event, document.raw, &s->conf->redact);
	else if (s->conf->redact.count > 0)
		/* Nobody can say where in it the secrets are. */
		line_add_string(line, "\"[redacted: not JSON]\"");
	else
		line_add_json(line, s->host->event_body(event));
}

static void add_text_line(struct sink *s, struct line *line, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	if (s->file) {
		add_time(s, line);
		line_add_string(line, " ");
	}
	line_add_string(line, s->host->event_source(event));
	line_add_string(line, " key=");
	line_add_word(line, attempt->key);
	line_add_string(line, " attempt=");
	line_add_number(line, attempt->number, 1);
	line_add_string(line, " trace=");
	line_add_string(line, s->host->event_trace(event));
	line_add_string(line, " size=");
	line_add_number(line, s->host->event_body(event).len, 1);
	if (s->conf->payload) {
		line_add_string(line, " payload=");
		add_payload(s, line, event);
	}
}

static void add_json_line(struct sink *s, struct line *line, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	const char *source = s->host->event_source(event);
	line_add_string(line, "{");
	if (s->file) {
		line_add_string(line, "\"time\":\"");
		add_time(s, line);
		line_add_string(line, "\",");
	}
	line_add_string(line, "\"source\":");
	line_add_json(line, (struct ow_text){source, strlen(source)});
	line_add_string(line, ",\"key\":");
	line_add_json(line, attempt->key);
	line_add_string(line, ",\"attempt\":");
	line_add_number(line, attempt->number, 1);
	line_add_string(line, ",\"trace\":\"");
	line_add_string(line, s->host->event_trace(event));
	line_add_string(line, "\",\"size\":");
	line_add_number(line, s->host->event_body(event).len, 1);
	if (s->conf->payload) {
		line_add_string(line, ",\"payload\":");
		add_payload(s, line, event);
	}
	line_add_string(line, "}");
}

/* ---- how deliveries end ---- */

static void finish(struct sink *s, struct ow_op *op, enum ow_rc rc, const char *code,
    const char *why, bool busy)
{
	struct ow_result result = {.size = sizeof(result), .status = 200};
	struct ow_delivery delivery = {.size = sizeof(delivery),
	    .rc = rc,
	    .why = why,
	    .code = code,
	    .busy = busy,
	    .result = rc == OW_OK ? &result : NULL};
	s->host->deliver_done(op, &delivery);
}

static void finish_written(
    struct sink *s, struct ow_op *op, enum line_progress progress, int error)
{
	char text[128], why[256];
	if (progress == LINE_WRITTEN) {
		finish(s, op, OW_OK, "written", NULL, false);
		return;
	}
	snprintf(why, sizeof(why), "cannot write to %.100s: %s", s->conf->to,
	    strerror_r(error, text, sizeof(text)));
	finish(s, op, OW_RETRY, "error", why, false);
}

static enum line_progress write_on(
    struct sink *s, const struct line *line, size_t *written, int *error)
{
	return line_file_write(s->file, s, line->data, line->len, written, error);
}

/* ---- lines that wait ---- */

/* Takes over the line. */
static void wait_for_reader(struct sink *s, struct ow_op *op, struct line line, size_t written)
{
	struct waiting *w = alloc_bytes(sizeof(*w));
	*w = (struct waiting){.op = op, .line = line, .written = written};
	s->host->op_set(op, w);
	if (!s->first)
		s->host->timer_set(s->timer, AGAIN_MS);
	*s->last = w;
	s->last = &w->next;
	s->waiting_bytes += line.len;
}

static void waiting_free(struct sink *s, struct waiting *w)
{
	struct waiting **at = &s->first;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (!w->next)
		s->last = at;
	s->waiting_bytes -= w->line.len;
	line_free(&w->line);
	free(w);
}

static void write_waiting(void *arg)
{
	struct sink *s = arg;
	while (s->first) {
		struct waiting *w = s->first;
		struct ow_op *op = w->op;
		int error = 0;
		enum line_progress progress = write_on(s, &w->line, &w->written, &error);
		if (progress == LINE_BLOCKED) {
			s->host->timer_set(s->timer, AGAIN_MS);
			return;
		}
		waiting_free(s, w);
		if (op)
			finish_written(s, op, progress, error);
	}
}

/* ---- operations ---- */

static void deliver_to_file(struct sink *s, struct ow_op *op, struct line line)
{
	enum line_progress progress = LINE_BLOCKED;
	size_t written = 0;
	int error = 0;
	line_add_string(&line, "\n");
	if (!s->first)
		progress = write_on(s, &line, &written, &error);
	if (progress != LINE_BLOCKED) {
		finish_written(s, op, progress, error);
	} else if (s->first && s->waiting_bytes + line.len > WAITING_MAX) {
		finish(s, op, OW_RETRY, "busy", "too many lines wait for a slow reader", true);
	} else {
		wait_for_reader(s, op, line, written);
		return;
	}
	line_free(&line);
}

static void sink_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	struct sink *s = state;
	struct line line = {NULL, 0, 0};
	if (s->conf->format == FORMAT_JSON)
		add_json_line(s, &line, event, attempt);
	else
		add_text_line(s, &line, event, attempt);
	if (s->file) {
		deliver_to_file(s, op, line);
		return;
	}
	s->host->log(s->self, OW_LOG_INFO, "%.*s", (int)line.len, line.data);
	line_free(&line);
	finish(s, op, OW_OK, "written", NULL, false);
}

static void sink_cancel(void *state, struct ow_op *op)
{
	struct sink *s = state;
	struct waiting *w = s->host->op_get(op);
	struct ow_delivery delivery = {.size = sizeof(delivery),
	    .rc = w->written ? OW_UNKNOWN : OW_RETRY,
	    .why = "nobody reads the lines",
	    .code = "timeout",
	    .timed_out = true};
	/* A line that was begun is finished some time, so that the next one is whole. */
	if (w->written)
		w->op = NULL;
	else
		waiting_free(s, w);
	s->host->deliver_done(op, &delivery);
}

static void sink_policy(const void *conf, struct ow_sink_policy *policy)
{
	const struct ow_retry *retry = &((const struct log_conf *)conf)->retry;
	policy->attempts = retry->attempts;
	policy->base_ms = retry->base_ms;
	policy->max_ms = retry->max_ms;
	policy->jitter = (enum ow_jitter)retry->jitter;
}

/* ---- life ---- */

static void *make_file(void *arg)
{
	return line_file_new(arg);
}

static void *sink_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct sink *s = alloc_zero(1, sizeof(*s));
	(void)why;
	s->host = host;
	s->self = self;
	s->conf = conf;
	s->last = &s->first;
	s->document = host->pointer(self, "");
	s->timer = host->timer_new(self, write_waiting, s);
	if (strcmp(s->conf->to, "log") != 0)
		s->file = host->shared(
		    self, make_file, (void *)(uintptr_t)s->conf->to, line_file_free);
	return s;
}

static void sink_start(void *state, struct ow_op *op)
{
	struct sink *s = state;
	char text[128], why[256];
	int error = s->file ? line_file_open(s->file) : 0;
	if (error == 0) {
		s->host->op_done(op, OW_OK, NULL);
		return;
	}
	snprintf(why, sizeof(why), "cannot open %.100s: %s", s->conf->to,
	    strerror_r(error, text, sizeof(text)));
	s->host->op_done(op, OW_FAIL, why);
}

static void sink_reopen(void *state)
{
	struct sink *s = state;
	char text[128];
	int error = s->file ? line_file_reopen(s->file) : 0;
	if (error)
		s->host->log(s->self, OW_LOG_ERROR,
		    "cannot open %s anew: %s; going on with the file it was", s->conf->to,
		    strerror_r(error, text, sizeof(text)));
}

static void sink_destroy(void *state)
{
	struct sink *s = state;
	while (s->first)
		waiting_free(s, s->first);
	if (s->file)
		line_file_give_up(s->file, s);
	s->host->timer_free(s->timer);
	free(s);
}

static void sink_check(const void *conf, const struct ow_report *report)
{
	const struct log_conf *c = conf;
	if (strcmp(c->to, "log") != 0 && strcmp(c->to, "stdout") != 0 &&
	    strcmp(c->to, "stderr") != 0 && !strchr(c->to, '/'))
		report->complain(report, "to",
		    "`%s` is neither log, stdout nor stderr; write a file as ./%s or with its "
		    "full path",
		    c->to, c->to);
	backoff_check(c->retry.base_ms, c->retry.max_ms, "retry", report);
	if (c->redact.count > 0 && !c->payload)
		report->complain(
		    report, "redact", "there is nothing to redact without `payload: true`");
}

static const char *const format_choices[] = {"text", "json", NULL};
OW_RETRY_CHOICES;

static const struct ow_option options[] = {
    OW_STRING(struct log_conf, to, "to", .dflt = "log",
	.help = "Where lines go: `log`, `stdout`, `stderr`, or the path of a file."),
    OW_ENUM(struct log_conf, format, "format", .dflt = "text", .choices = format_choices,
	.help = "How a line is written."),
    OW_BOOL(struct log_conf, payload, "payload", .dflt = "false",
	.help = "Whether a line holds the event's body."),
    OW_LIST(struct log_conf, redact, "redact", .min = 0, .max = 100,
	.help = "Names of JSON members, at any depth, whose values are not shown."),
    OW_RETRY_OPTIONS(struct log_conf, retry),
    OW_OPTION_END,
};

static const struct ow_sink_ops ops = {
    .size = sizeof(ops),
    .deliver = sink_deliver,
    .cancel = sink_cancel,
    .policy = sink_policy,
};

static const struct ow_component log_component = {
    .kind = OW_SINK,
    .conf_size = sizeof(struct log_conf),
    .name = "log",
    .summary = "Writes a line for each event.",
    .options = options,
    .example = "to: /var/log/onceway/events.log\n"
	       "format: json\n"
	       "payload: true\n"
	       "redact: [phoneNumber, email]\n",
    .check = sink_check,
    .create = sink_create,
    .start = sink_start,
    .destroy = sink_destroy,
    .ops = &ops,
    .reopen = sink_reopen,
};

static const struct ow_component *const components[] = {&log_component, NULL};

OW_MODULE("sink_log", "1.0", "Apache-2.0", components)
