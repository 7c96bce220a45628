/*
 * The first part, up to a line of three dashes, is the `match` of a route, the
 * rest an event's body. Whatever they are, a match is refused with a reason or
 * gives an answer; and an object is matched alone as it is inside of an array,
 * which takes other ways through the pattern.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/check.h"
#include "daemon/match_options.h"
#include "plugin/event.h"
#include "plugin/instance.h"

#define SEPARATOR "\n---\n"

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* ---- a worker with a source, for the events ---- */

static void *create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	(void)host, (void)conf, (void)why;
	return self;
}

static void destroy(void *state)
{
	(void)state;
}

static void settle(void *state, void *cookie, const struct ow_settlement *how)
{
	(void)state, (void)cookie, (void)how;
}

static const struct ow_source_ops source_ops = {.size = sizeof(source_ops), .settle = settle};
static const struct component source = {.description = {.kind = OW_SOURCE,
					    .name = "fuzz",
					    .create = create,
					    .destroy = destroy,
					    .ops = &source_ops}};

struct bench {
	struct clock clock;
	struct worker_common common;
	struct worker *worker;
	struct ow_instance *source;
};

static void bench_init(struct bench *b)
{
	const char *why;
	clock_init_system(&b->clock);
	b->common = (struct worker_common){
	    .clock = &b->clock, .metrics = metrics_new(1), .shared = shared_objects_new()};
	b->worker = worker_new(0, &b->common);
	b->source = instance_new(b->worker, &source, "fuzz", NULL, &why);
	require(b->source != NULL, "a source");
}

static void bench_fini(struct bench *b)
{
	instance_free(b->source);
	worker_free(b->worker);
	shared_objects_free(b->common.shared);
	metrics_free(b->common.metrics);
}

/* ---- one match and one body ---- */

static struct match *compile(const char *yaml, size_t size, struct conf_report *report)
{
	struct arena arena = ARENA_INIT;
	const struct conf_node *root = conf_tree_parse("m.yaml", yaml, size, &arena, report);
	struct match_options options = {
	    conf_get(root, "path"), conf_get(root, "headers"), conf_get(root, "event")};
	struct match *m = match_options_read(&options, "route `r`", report);
	arena_free(&arena);
	return m;
}

static enum match_answer ask(
    struct bench *b, const struct matcher *m, const char *body, size_t size)
{
	struct ow_event *event = event_create(b->source);
	event_put_body(event, body, size);
	event_put_path(event, text_of("/events/a"));
	event_put_header(event, "X-Version", "2");
	enum match_answer answer = matcher_ask(m, event);
	require(matcher_ask(m, event) == answer, "the same again");
	event_release(event);
	return answer;
}

static void check_body(struct bench *b, const struct matcher *m, const char *body, size_t size)
{
	struct json_error error;
	enum match_answer alone = ask(b, m, body, size);
	struct buf array = BUF_INIT;
	buf_add_string(&array, "[0,[");
	buf_add(&array, body, size);
	buf_add_string(&array, "]]");
	bool object = size > 0 && body[0] == '{';
	if (object && json_scan(text_span(body, size), NULL, NULL, &error) &&
	    json_scan(buf_text(&array), NULL, NULL, &error))
		require(ask(b, m, array.data, array.len) == alone, "in an array as alone");
	buf_free(&array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = memmem(data, size, SEPARATOR, strlen(SEPARATOR));
	struct conf_report report;
	struct bench b;
	if (!end || memmem(data, size, "${", 2))
		return 0;
	bench_init(&b);
	conf_report_init(&report);
	struct match *match = compile(text, (size_t)(end - text), &report);
	if (match && report.errors == 0) {
		const char *body = end + strlen(SEPARATOR);
		struct matcher *m = matcher_new(match, worker_pointers(b.worker));
		check_body(&b, m, body, (size_t)(text + size - body));
		matcher_free(m);
	}
	match_free(match);
	conf_report_free(&report);
	bench_fini(&b);
	return 0;
}
