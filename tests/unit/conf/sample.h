/* A component's configuration with an option of every type. */
#ifndef TESTS_UNIT_CONF_SAMPLE_H
#define TESTS_UNIT_CONF_SAMPLE_H

#include "conf/table.h"

struct sample {
	const char *url, *name, *token, *proxy, *label, *fallback;
	int64_t attempts, timeout_ms, max_body, max_connections, idle_ms, wait_ms;
	bool verify;
	int jitter;
	struct ow_list on, tokens;
	int64_t pin;
	struct ow_pairs headers;
	int64_t threads;
	const struct ow_node *shape;
};

static const char *const sample_schemes[] = {"http", "https", NULL};
static const char *const sample_jitters[] = {"full", "none", "equal", NULL};
static const char *const sample_words[] = {"auto", "many", NULL};
static const char *const sample_sections[] = {"stores", NULL};

static const struct ow_option sample_options[] = {
    OW_URL(struct sample, url, "url", .flags = OW_O_REQUIRED, .choices = sample_schemes,
	.help = "Where events go."),
    OW_STRING(struct sample, name, "name", .dflt = "onceway", .help = "What it is called."),
    OW_SECRET(struct sample, token, "token", .help = "Sent along."),
    OW_INT(struct sample, attempts, "attempts", .dflt = "5", .min = 1, .max = 100,
	.unit = "attempts", .help = "How often it is tried."),
    OW_BOOL(
	struct sample, verify, "verify", .dflt = "true", .help = "Whether names are checked."),
    OW_DURATION(struct sample, timeout_ms, "timeout", .dflt = "5s", .min = 1, .max = 90000,
	.help = "How long it may take."),
    OW_SIZE(struct sample, max_body, "max_body", .dflt = "1MiB", .min = 1024, .max = 1 << 30,
	.since = "0.2", .help = "Largest answer."),
    OW_ENUM(struct sample, jitter, "retry.jitter", .dflt = "full", .choices = sample_jitters,
	.help = "How waits are spread: `full` takes a random part."),
    OW_LIST(struct sample, on, "retry.on", .dflt = "[429, connect]", .min = 1, .max = 4,
	.help = "What is tried again."),
    OW_PAIRS(struct sample, headers, "headers", .help = "Headers to add."),
    OW_ADDRESS(struct sample, proxy, "proxy", .help = "A proxy."),
    OW_POINTER(
	struct sample, label, "label", .dflt = "/triggerId", .help = "The label's place."),
    OW_REFERENCE(struct sample, fallback, "fallback", .choices = sample_sections,
	.help = "A store to fall back to."),
    OW_INT(struct sample, max_connections, "pool.max_connections", .dflt = "20", .min = 1,
	.max = INT64_MAX, .unit = "connections", .help = "Connections at most."),
    OW_DURATION(struct sample, idle_ms, "pool.idle", .dflt = "60s",
	.help = "How long a connection is kept."),
    OW_DURATION(
	struct sample, wait_ms, "wait", .flags = OW_O_DEPRECATED, .help = "Use `timeout`."),
    OW_LIST(struct sample, tokens, "tokens", .flags = OW_O_SECRET, .max = 2,
	.help = "Tokens taken."),
    OW_INT(struct sample, pin, "pin", .flags = OW_O_SECRET, .min = 1000, .max = 9999,
	.help = "A number to know."),
    OW_INT(struct sample, threads, "threads", .min = 1, .max = 64, .choices = sample_words,
	.unit = "threads", .help = "How many threads."),
    OW_TREE(struct sample, shape, "shape", .dflt = "{a: 1}", .unit = "mapping of fields",
	.help = "Any shape."),
    OW_OPTION_END,
};

static const struct conf_table sample_table = {sample_options, sizeof(sample_options[0])};

#endif
