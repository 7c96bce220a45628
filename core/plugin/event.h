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
struct ow_event *event_reference(struct ow_event *e);
void event_release(struct ow_event *e); /* NULL is fine */

void event_put_body(struct ow_event *e, const void *data, size_t len);
void event_put_header(struct ow_event *e, const char *name, const char *value);
void event_put_path(struct ow_event *e, const char *path); /* as if requested */
void event_put_limit(struct ow_event *e, int64_t ms);	   /* see host->event_limit */

struct ow_text event_get_body(const struct ow_event *e);
struct ow_text event_get_header(const struct ow_event *e, const char *name);
struct ow_text event_get_path(const struct ow_event *e);
struct ow_instance *event_get_source(const struct ow_event *e);
int64_t event_arrived_wall(const struct ow_event *e); /* milliseconds */
int64_t event_arrived_us(const struct ow_event *e);   /* monotonic microseconds */
/* When its delivery has to end for its source, monotonic; INT64_MAX: whenever. */
int64_t event_limit_us(const struct ow_event *e);
const char *event_get_trace(const struct ow_event *e);
/* W3C trace context to pass on: same trace, a span of our own. Borrowed. */
struct ow_text event_get_traceparent(const struct ow_event *e);

/* Whether the body is valid JSON; else *error says why. Scans once. */
bool event_is_json(const struct ow_event *e, struct json_error *error);
bool event_get_json(
    const struct ow_event *e, const struct ow_pointer *pointer, struct ow_json *value);
struct ow_text event_get_string(const struct ow_event *e, const struct ow_json *value);

#endif
