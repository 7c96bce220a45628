/*
 * An event: one received message. Belongs to one worker; counted; read-only
 * once emitted, but for what is worked out from its bytes when first asked.
 */
#ifndef PLUGIN_EVENT_H
#define PLUGIN_EVENT_H

#include <onceway/event.h>

#include "plugin/worker.h"
#include "json/scan.h"

#define TRACE_SIZE	 33 /* 32 hex digits and NUL */
#define TRACEPARENT_SIZE 56 /* version-trace-parent-flags and NUL */

/* With one reference. source's worker and name are borrowed. */
struct ow_event *event_create(struct ow_instance *source);
/* Takes over what the request has; see host->event_from_request. */
struct ow_event *event_create_from_request(
    struct ow_instance *source, struct ow_http_request *request);
/*
 * One that came before and was kept meanwhile: it arrived then, but its limits count from
 * now. Has no body, headers or path yet. worker is borrowed, source copied.
 */
struct ow_event *event_restore(
    struct worker *worker, struct ow_text source, int64_t arrived_wall);
struct ow_event *event_reference(struct ow_event *e);
void event_release(struct ow_event *e); /* NULL is fine */

void event_put_body(struct ow_event *e, const void *data, size_t len);
void event_put_header(struct ow_event *e, const char *name, const char *value);
void event_put_header_text(struct ow_event *e, struct ow_text name, struct ow_text value);
void event_put_path(struct ow_event *e, struct ow_text path); /* as if requested */
/* The context that is passed on, as event_get_traceparent() had it. Any other is ignored. */
void event_put_traceparent(struct ow_event *e, struct ow_text traceparent);
void event_put_limit(struct ow_event *e, int64_t ms); /* see host->event_limit */
void event_put_pass(struct ow_event *e);	      /* see host->event_pass */
/* See host->event_secret_header. */
void event_put_secret_header(struct ow_event *e, const char *name);

struct ow_text event_get_body(const struct ow_event *e);
struct ow_text event_get_header(const struct ow_event *e, const char *name);
typedef void event_header_fn(struct ow_text name, struct ow_text value, void *arg);
/* All of them; of several with one name the first is what event_get_header() gives. */
void event_each_header(const struct ow_event *e, event_header_fn *fn, void *arg);
struct ow_text event_get_path(const struct ow_event *e);
const char *event_get_source(const struct ow_event *e); /* its name */
int64_t event_arrived_wall(const struct ow_event *e);	/* milliseconds */
int64_t event_arrived_us(const struct ow_event *e);	/* monotonic microseconds */
/* When its delivery has to end for its source, monotonic; INT64_MAX: whenever. */
int64_t event_limit_us(const struct ow_event *e);
/* Whether its source wants it delivered without dedup. */
bool event_passes(const struct ow_event *e);
/* NULL: none besides those that always are. */
const char *event_get_secret_header(const struct ow_event *e);
const char *event_get_trace(const struct ow_event *e);
/* W3C trace context to pass on: same trace, a span of our own. Borrowed. */
struct ow_text event_get_traceparent(const struct ow_event *e);

/* Whether the body is valid JSON; else *error says why. Scans once. */
bool event_is_json(const struct ow_event *e, struct json_error *error);
bool event_get_json(
    const struct ow_event *e, const struct ow_pointer *pointer, struct ow_json *value);
struct ow_text event_get_string(const struct ow_event *e, const struct ow_json *value);

#endif
