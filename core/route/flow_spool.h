/*
 * A flow and the disk: it is kept there before or while it is delivered, its source is
 * told so, and what becomes of it then concerns the spool alone.
 */
#ifndef ROUTE_FLOW_SPOOL_H
#define ROUTE_FLOW_SPOOL_H

#include "base/buf.h"
#include "route/flow_state.h"

/* Puts f on disk, under its claim, then tells its source and delivers (`ack: accepted`). */
void flow_keep(struct flow *f);
/* f has the key of one that is on disk, and so nothing to wait for: a duplicate. */
void flow_be_copy_of_kept(struct flow *f, const struct flow *kept);
/* f is on disk: so are all that wait for it. */
void flow_tell_waiters(struct flow *f);
/* f gets a place in its route's line for early answers (`answer_within`), if there is one. */
void flow_answer_within(struct flow *f);

/* What of f is kept. headers: the caller frees it after use. */
struct spool_event flow_pack(const struct flow *f, struct buf *headers);
/*
 * A request for f to the spool, which outlives it: done(f, id, why) is called unless f left
 * before. What comes to the disk after that is taken away again, but for a dead letter,
 * which harms nobody.
 */
struct keeping *flow_keeping_new(
    struct flow *f, bool dead, void (*done)(struct flow *f, int64_t id, const char *why));
/* What spool_put() and spool_put_dead() call, with what flow_keeping_new() made. */
spool_done_fn flow_keeping_done;
/* f does not wait for the disk any more: neither for a request, nor for its time to come. */
void flow_leave_spool(struct flow *f);

/* v does not end f: its source was told, it is on disk, and it is tried again later. */
bool flow_is_put_off(const struct flow *f, const struct verdict *v);
/* The end of what is on disk, as v says: gone, later again, or a dead letter. */
void flow_end_kept(struct flow *f, const struct verdict *v);

#endif
