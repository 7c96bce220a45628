/* An event as the spool keeps it, and back. */
#ifndef ROUTE_PACKED_H
#define ROUTE_PACKED_H

#include "base/buf.h"
#include "plugin/event.h"
#include "spool/spool.h"

/*
 * What of the event is kept: body, path, trace and headers, but for those that carry the
 * sender's credentials (Authorization, Proxy-Authorization, Cookie, X-Api-Key, and what its
 * source named). Texts are the
 * event's, and those of headers, which the caller frees.
 */
struct spool_event event_pack(const struct ow_event *event, struct buf *headers);
/* A new event, equal to the one that was packed. Nothing of kept is borrowed. */
struct ow_event *event_unpack(struct worker *worker, const struct spool_event *kept);

#endif
