#include "daemon/options.h"

#include <onceway/plugin.h>

#include "conf/table.h"
#include "daemon/settings.h"

#define MINUTE ((int64_t)60000)
#define DAY    (1440 * MINUTE)
#define TIB    ((int64_t)1 << 40)

static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};

static const char *const workers_words[] = {"auto", NULL};
static const char *const admin_words[] = {ADMIN_OFF, NULL};

const struct ow_option process_options[] = {
    OW_INT(struct process_settings, workers, "workers", .dflt = "1", .min = 1, .max = 64,
	.choices = workers_words, .unit = "threads",
	.help = "Threads that handle events, each with its own event loop; `auto`: as many as "
		"there are processors for this process (affinity, control group's quota)."),
    OW_ADDRESS(struct process_settings, admin, "admin", .dflt = "127.0.0.1:9464",
	.choices = admin_words,
	.help = "Address of /metrics, /healthz, /readyz and /status; it only reads. `off`: "
		"there is none."),
    OW_DURATION(struct process_settings, drain_timeout_ms, "drain_timeout", .dflt = "30s",
	.max = DAY,
	.help = "Time after SIGTERM for events under way; what is left then is given back."),
    OW_ENUM(struct process_settings, log_level, "log.level", .dflt = "info", .choices = levels,
	.help = "Least important lines that are logged."),
    OW_ENUM(struct process_settings, log_format, "log.format", .dflt = "text",
	.choices = formats, .help = "How log lines are written to standard error."),
    OW_LIST(struct process_settings, plugin_path, "plugin_path", .max = 16,
	.help = "Directories searched for plugins before the installed one."),
    OW_STRING(struct process_settings, state_dir, "state_dir",
	.help = "Directory for what must outlive the process: acknowledged events that are not "
		"delivered yet, and dead letters. It must exist, and belongs to one process."),
    OW_SIZE(struct process_settings, spool_max_bytes, "spool.max_size", .dflt = "1GiB",
	.min = 1 << 20, .max = TIB,
	.help = "Acknowledged events that wait in state_dir; beyond it sources get 503."),
    OW_DURATION(struct process_settings, spool_max_age_ms, "spool.max_age", .dflt = "7d",
	.min = MINUTE, .max = 366 * DAY,
	.help = "How long such an event is tried; then it is a dead letter."),
    OW_SIZE(struct process_settings, dead_max_bytes, "dead_letters.max_size", .dflt = "1GiB",
	.min = 1 << 20, .max = TIB,
	.help = "Dead letters in state_dir; beyond it the oldest are dropped, and counted."),
    OW_DURATION(struct process_settings, dead_max_age_ms, "dead_letters.max_age", .dflt = "30d",
	.min = MINUTE, .max = 3660 * DAY,
	.help = "Dead letters older than that are dropped, and counted."),
    OW_OPTION_END,
};

OW_TLS_CHOICES;
static const char *const tls_client[] = {"none", "optional", "require", NULL};

const struct ow_option listener_options[] = {
    OW_ADDRESS(struct listener_settings, address, "address", .flags = OW_O_REQUIRED,
	.help = "Where to listen: host:port or [v6]:port."),
    OW_SIZE(struct listener_settings, max_body, "max_body", .dflt = "1MiB", .min = 1,
	.max = (int64_t)1 << 30, .help = "Largest request body; beyond it 413."),
    OW_SIZE(struct listener_settings, max_headers, "max_headers", .dflt = "16KiB", .min = 256,
	.max = 1 << 20, .help = "Largest request head; beyond it 431."),
    OW_DURATION(struct listener_settings, header_timeout_ms, "header_timeout", .dflt = "10s",
	.min = 1, .max = DAY, .help = "From a request's first byte to the end of its head."),
    OW_DURATION(struct listener_settings, body_timeout_ms, "body_timeout", .dflt = "30s",
	.min = 1, .max = DAY,
	.help = "Time for each 16 KiB of a request's body, or for what is left of it."),
    OW_DURATION(struct listener_settings, idle_timeout_ms, "idle_timeout", .dflt = "60s",
	.min = 1, .max = DAY, .help = "A connection unused for that long is closed."),
    OW_INT(struct listener_settings, max_connections, "max_connections", .dflt = "10000",
	.min = 1, .max = 1000000, .unit = "connections",
	.help = "Connections, of all workers together; beyond them 503."),
    OW_INT(struct listener_settings, max_pipelined, "max_pipelined", .dflt = "16", .min = 1,
	.max = 1024, .unit = "requests",
	.help = "Requests of one connection that may wait for their answers."),
    OW_STRING(struct listener_settings, tls.certificate, "tls.certificate",
	.help = "PEM file of the listener's certificate, and of those between it and its CA; "
		"with it the listener speaks TLS only."),
    OW_STRING(struct listener_settings, tls.key, "tls.key",
	.help = "PEM file of that certificate's private key, without a password."),
    OW_STRING(struct listener_settings, tls.client_ca, "tls.client_ca",
	.help = "File, or directory hashed by `openssl rehash`, of the CAs that sign clients' "
		"certificates."),
    OW_ENUM(struct listener_settings, tls.client, "tls.client", .choices = tls_client,
	.help =
	    "Whether clients must show a certificate: `none` asks for none, `optional` "
	    "verifies what is shown, `require` lets nobody in without; by default `require` "
	    "with tls.client_ca, `none` without."),
    OW_ENUM(struct listener_settings, tls.min_version, "tls.min_version", .dflt = "1.2",
	.choices = tls_version_choices, .help = "Oldest TLS version to speak."),
    OW_OPTION_END,
};

static const char *const sources_section[] = {"sources", NULL};
static const char *const stores_section[] = {"stores", NULL};
static const char *const sinks_section[] = {"sinks", NULL};
static const char *const on_duplicate[] = {"replay", "ack", NULL};
static const char *const in_progress[] = {"wait", "reject", "ack", NULL};
static const char *const on_failure[] = {"release", "keep", NULL};
static const char *const window_mode[] = {"fixed", "sliding", NULL};
static const char *const on_store_error[] = {"reject", "pass", NULL};
static const char *const on_missing[] = {"reject", "pass", "dead_letter", NULL};
static const char *const on_unknown[] = {"retry", "hold", "release", NULL};
static const char *const ack[] = {"delivered", "accepted", NULL};
static const char *const dead_letter[] = {"auto", "true", "false", NULL};
static const char *const on_mismatch[] = {"ignore", "reject", "pass", NULL};
static const char *const respond[] = {"vendor", "sink", "plain", NULL};

const struct ow_option route_options[] = {
    OW_REFERENCE(struct route_settings, from, "from", .flags = OW_O_REQUIRED,
	.choices = sources_section, .help = "Source of the events."),
    CONF_TREE(struct route_settings, match_options.path, "match.path",
	.unit = "text, or list of texts and operators",
	.help = "Path of the request, as received, without its query. Of a source's routes the "
		"first that matches takes the event; without `match` a route takes all."),
    CONF_TREE(struct route_settings, match_options.headers, "match.headers",
	.unit = "mapping of header names to texts and operators",
	.help = "Headers of the request, all of which must match; names in any case."),
    CONF_TREE(struct route_settings, match_options.event, "match.event",
	.unit = "event pattern of Amazon EventBridge, in YAML",
	.help = "Fields of the event's JSON body, all of which must match."),
    OW_REFERENCE(struct route_settings, store_name, "store", .flags = OW_O_REQUIRED,
	.choices = stores_section, .help = "Store that remembers the keys."),
    OW_REFERENCE(struct route_settings, to, "to", .flags = OW_O_REQUIRED,
	.choices = sinks_section, .help = "Sink that new events are delivered to."),
    OW_LIST(struct route_settings, also, "also", .max = 16,
	.help = "Further sinks, that get a copy of what `to` accepted: one attempt each, which "
		"changes neither outcome nor answer."),
    OW_DURATION(struct route_settings, policy.window_ms, "window", .min = 1, .max = 366 * DAY,
	.help = "How long a delivered key is remembered; by default the keyer says."),
    OW_ENUM(struct route_settings, policy.window_mode, "window_mode", .dflt = "fixed",
	.choices = window_mode,
	.help = "`fixed`: the window begins with the delivery; `sliding`: each duplicate that "
		"finds the key in its store renews it."),
    OW_DURATION(struct route_settings, policy.lock_ms, "lock", .dflt = "60s", .min = 100,
	.max = DAY, .help = "Life of an unfinished claim; renewed while its delivery lasts."),
    OW_DURATION(struct route_settings, policy.deadline_ms, "deadline", .dflt = "30s", .min = 1,
	.max = DAY,
	.help = "Time for all of one event's delivery, retries and waits included."),
    OW_ENUM(struct route_settings, policy.ack, "ack", .dflt = "delivered", .choices = ack,
	.help = "When the source is answered: once the event is `delivered`, or already when "
		"it is on disk, with 202 (`accepted`): then delivery goes on behind that, also "
		"after a restart or kill -9. Needs `onceway: {state_dir}`."),
    OW_DURATION(struct route_settings, policy.answer_within_ms, "answer_within", .min = 1,
	.max = DAY,
	.help = "With `ack: delivered`: if the outcome is not known that long after the event "
		"came, it is put on disk and answered with 202, and delivery goes on. Off by "
		"default. Needs `onceway: {state_dir}`."),
    OW_ENUM(struct route_settings, policy.on_duplicate, "on_duplicate", .dflt = "replay",
	.choices = on_duplicate,
	.help = "Answer duplicates with the first one's result, or only acknowledge them."),
    OW_ENUM(struct route_settings, policy.in_progress, "in_progress", .dflt = "wait",
	.choices = in_progress,
	.help =
	    "A copy that comes during delivery: `wait` for the result (until the deadline), "
	    "`reject` with 409 and Retry-After, or `ack` before the outcome is known."),
    OW_ENUM(struct route_settings, policy.on_failure, "on_failure", .dflt = "release",
	.choices = on_failure,
	.help =
	    "`release` the key so that the vendor's retry is delivered, or `keep` it so that "
	    "the event is never tried again."),
    OW_ENUM(struct route_settings, policy.on_store_error, "on_store_error", .dflt = "reject",
	.choices = on_store_error,
	.help = "The store cannot take a key, because it is down, slow or full: `reject` with "
		"503, `pass` to deliver without dedup, or `{fallback: NAME}` to use another "
		"store."),
    OW_REFERENCE(struct route_settings, fallback_name, "on_store_error.fallback",
	.choices = stores_section,
	.help = "Store to use until the first one is back; if it fails too, `reject`."),
    OW_ENUM(struct route_settings, policy.dead_letter, "dead_letter", .dflt = "auto",
	.choices = dead_letter,
	.help =
	    "Keep what cannot be delivered on disk, acknowledged, for `onceway dead`: from "
	    "HTTP what failed for good, from a queue what the sink refused for good. "
	    "`auto`: with `ack: accepted` and `answer_within`, and for queues if there is a "
	    "`state_dir`. `false` drops what failed after it was acknowledged."),
    OW_ENUM(struct route_settings, policy.on_missing, "on_missing", .choices = on_missing,
	.help = "An event lacks a field that the key needs: `reject` it with the keyer's "
		"status, `pass` to deliver it without dedup, or keep it as a `dead_letter` and "
		"answer 202. By default `dead_letter` if the source never gets again what was "
		"refused and there is a `state_dir`, else `reject`."),
    OW_ENUM(struct route_settings, policy.on_unknown, "on_unknown", .dflt = "retry",
	.choices = on_unknown,
	.help = "The sink's answer was lost after the request was sent: `retry`, with the same "
		"Idempotency-Key; `hold`: never again, the key is kept as failed and the event "
		"is a dead letter; or `release` the key at once, for the vendor's retry."),
    OW_ENUM(struct route_settings, policy.on_mismatch, "on_mismatch", .dflt = "ignore",
	.choices = on_mismatch,
	.help = "The same key with another payload: `ignore` the difference, `reject` with "
		"422, or `pass` to deliver it without dedup."),
    OW_INT(struct route_settings, policy.max_inflight, "max_inflight", .dflt = "1024", .min = 1,
	.max = 1000000, .unit = "events",
	.help = "Unfinished events per worker; beyond them 503 with Retry-After."),
    OW_ENUM(struct route_settings, policy.respond, "respond", .dflt = "vendor",
	.choices = respond,
	.help = "What an HTTP source answers: the keyer's `vendor` reply, what the `sink` "
		"answered, or a `plain` {\"status\",\"key\"}."),
    OW_BOOL(struct route_settings, policy.observe, "observe", .dflt = "false",
	.help = "Dry run of a new route: everything is delivered; what would have been "
		"dropped is only counted and logged."),
    OW_OPTION_END,
};
