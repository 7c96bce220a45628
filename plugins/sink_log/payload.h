/* An event's body as part of a line. */
#ifndef SINK_LOG_PAYLOAD_H
#define SINK_LOG_PAYLOAD_H

#include "sink_log/line.h"

/*
 * Adds a JSON text on one line: without the spaces between tokens, and with
 * "[redacted]" for the value, whatever it is, of every member, at any depth,
 * that has one of these names. json is a valid value inside event's body.
 */
void payload_add(struct line *line, const struct ow_host *host, const struct ow_event *event,
    struct ow_text json, const struct ow_list *redact);

#endif
