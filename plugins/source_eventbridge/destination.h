/* `mode: http`: what API destinations of EventBridge post. */
#ifndef SOURCE_EVENTBRIDGE_DESTINATION_H
#define SOURCE_EVENTBRIDGE_DESTINATION_H

#include "lib/door.h"
#include "source_eventbridge/intake.h"

struct destination;

/* in is borrowed; place as for door_new(). NULL with *why, a static phrase. */
struct destination *destination_new(
    struct intake *in, const struct door_place *place, const char **why);
void destination_free(struct destination *d); /* NULL is fine */

/* The source's own start(), settle() and drain(). */
void destination_start(struct destination *d, struct ow_op *op);
void destination_settle(
    struct destination *d, struct ow_http_request *request, const struct ow_settlement *how);
void destination_drain(struct destination *d, struct ow_op *op);

#endif
