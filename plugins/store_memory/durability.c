#include "store_memory/durability.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/ring.h"

#define TICK_MS 1000

/* While it cannot be written, and always for the same reason, the log says so: */
#define ERROR_LOG_MS 600000

/* A life that slides is written anew when it is so much longer: a part of the window. */
#define SLIDE_PART   16
#define SLIDE_MIN_MS 1000

/* A commit that waits: first for room, in the ring, then for the disk. */
struct pending {
	struct ring link;
	struct durable_write write;
	struct ow_op *op; /* NULL: cancelled, nobody waits any more */
	const struct ow_claim *claim;
	struct ow_result kept;
	int64_t now_ms; /* when it was written down */
	bool sent;
};

struct durability {
	struct durability_parts parts;
	struct durable_listener listener;
	struct ow_op *starting, *draining;
	struct ring waiting;
	struct ow_timer *flush, *tick;
	bool flushing; /* the timer runs */
	struct durable_news news;
	struct ow_counter *errors, *keys, *transactions, *behind;
	struct durable_news counted; /* what of the news the counters contain */
	char why[DURABLE_WHY];	     /* of the failure that was logged last; empty: it works */
	int64_t why_ms;
};

static bool always(const struct durability *d)
{
	return d->parts.sync_ms < 0;
}

static struct moment now_of(const struct durability *d)
{
	return (struct moment){.mono_ms = d->parts.host->mono_ms(d->parts.self),
	    .wall_ms = d->parts.host->wall_ms(d->parts.self)};
}

static void done(struct durability *d, struct ow_op *op, const char *why)
{
	d->parts.host->op_done(op, why ? OW_FAIL : OW_OK, why);
}

/* ---- commits ---- */

static void send_or_wait(struct durability *d, struct pending *p);

static void pending_free(struct pending *p)
{
	free(p->write.entry);
	free(p);
}

/* Takes over p. In the order in which they came. */
static void wait_for_room(struct durability *d, struct pending *p)
{
	ring_add(&d->waiting, &p->link);
}

static void start_flush(struct durability *d)
{
	if (d->flushing || always(d))
		return;
	d->flushing = true;
	d->parts.host->timer_set(d->flush, d->parts.sync_ms);
}

static void on_flush(void *arg)
{
	struct durability *d = arg;
	d->flushing = false;
	durable_flush(d->parts.durable, now_of(d));
}

/* What is written for nobody is the thread's own. */
static bool send_copy(struct durability *d, struct pending *p, struct moment now)
{
	struct durable_write *write = alloc_zero(1, sizeof(*write));
	write->entry = p->write.entry;
	if (!durable_put(d->parts.durable, now, write, &d->listener)) {
		free(write);
		return false;
	}
	p->write.entry = NULL;
	d->parts.finish(d->parts.arg, p->op, p->claim, &p->kept, p->now_ms);
	pending_free(p);
	start_flush(d);
	return true;
}

static bool send_and_wait(struct durability *d, struct pending *p, struct moment now)
{
	p->write.listener = &d->listener;
	p->sent = durable_put(d->parts.durable, now, &p->write, &d->listener);
	return p->sent;
}

/* Takes over p. A claim is renewed first: its owner is alive, however slow the disk. */
static void send_or_wait(struct durability *d, struct pending *p)
{
	struct moment now = now_of(d);
	if (!d->parts.hold(d->parts.arg, p->op, p->claim)) {
		pending_free(p);
		return;
	}
	p->now_ms = now.mono_ms;
	p->write.entry = key_entry_finished(p->claim, &p->kept, now.mono_ms);
	if (always(d) ? send_and_wait(d, p, now) : send_copy(d, p, now))
		return;
	free(p->write.entry);
	p->write.entry = NULL;
	ring_remove(&p->link);
	wait_for_room(d, p);
}

void durability_commit(struct durability *d, struct ow_op *op, const struct ow_claim *claim,
    const struct ow_result *kept)
{
	struct pending *p = alloc_zero(1, sizeof(*p));
	ring_init(&p->link);
	p->op = op;
	p->claim = claim;
	p->kept = *kept;
	d->parts.host->op_set(op, p);
	if (ring_empty(&d->waiting))
		send_or_wait(d, p);
	else
		wait_for_room(d, p);
}

void durability_cancel(struct durability *d, struct ow_op *op)
{
	struct pending *p = d->parts.host->op_get(op);
	const char *why = d->news.failing ? d->news.why
			  : p->sent	  ? "the disk is slow: the key is not on it yet"
				    : "the disk does not keep up: too much waits to be written";
	/* The thread still has it: it comes back, and may be on disk, which is the truth. */
	p->op = NULL;
	if (!p->sent) {
		ring_remove(&p->link);
		pending_free(p);
	}
	done(d, op, why);
}

/* Given back by the thread. */
static void finish(struct durability *d, struct pending *p, bool failed)
{
	if (p->op && failed)
		done(d, p->op, d->news.why);
	else if (p->op)
		d->parts.finish(d->parts.arg, p->op, p->claim, &p->kept, p->now_ms);
	pending_free(p);
}

static void finish_all(struct durability *d, struct durable_write *write)
{
	while (write) {
		struct durable_write *next = write->next;
		finish(d, ring_entry(write, struct pending, write), write->failed);
		write = next;
	}
}

static void use_room(struct durability *d)
{
	struct ring waiting;
	ring_init(&waiting);
	while (!ring_empty(&d->waiting))
		ring_add(&waiting, ring_take(&d->waiting));
	while (!ring_empty(&waiting)) {
		struct pending *p = ring_entry(ring_take(&waiting), struct pending, link);
		if (ring_empty(&d->waiting))
			send_or_wait(d, p);
		else
			wait_for_room(d, p);
	}
}

/* ---- finished keys that change ---- */

void durability_slid(
    struct durability *d, const struct key_entry *entry, int64_t window_ms, int64_t before_ms)
{
	int64_t grain = window_ms / SLIDE_PART;
	if (grain < SLIDE_MIN_MS)
		grain = SLIDE_MIN_MS;
	if (entry->expires_ms / grain != before_ms / grain)
		durable_try(d->parts.durable, entry, false);
}

void durability_gone(struct durability *d, const struct key_entry *entry)
{
	durable_try(d->parts.durable, entry, true);
}

/* ---- what is said ---- */

static void log_failure(struct durability *d)
{
	int64_t now = now_of(d).mono_ms;
	if (strcmp(d->news.why, d->why) == 0 && now - d->why_ms < ERROR_LOG_MS)
		return;
	snprintf(d->why, sizeof(d->why), "%s", d->news.why);
	d->why_ms = now;
	d->parts.host->log(d->parts.self, OW_LOG_ERROR, "%s; %s", d->why,
	    always(d) ? "until it works again, events wait for their commit and keys are "
			"not remembered beyond their lock"
		      : "until it works again, what is committed is kept in memory alone");
}

static void report(struct durability *d)
{
	const struct ow_host *host = d->parts.host;
	host->count(d->errors, d->news.errors - d->counted.errors);
	host->count(d->keys, d->news.keys - d->counted.keys);
	host->count(d->transactions, d->news.transactions - d->counted.transactions);
	host->gauge_set(d->behind, (int64_t)d->news.lost);
	d->counted = d->news;
	if (d->news.failing) {
		log_failure(d);
	} else if (d->why[0]) {
		host->log(d->parts.self, OW_LOG_INFO, "%s can be written again", d->parts.path);
		d->why[0] = '\0';
	}
}

static void report_loaded(struct durability *d)
{
	const struct durable_loaded *load = &d->news.load;
	const struct ow_host *host = d->parts.host;
	if (load->created) {
		host->log(d->parts.self, OW_LOG_INFO, "durable %s is new: nothing to restore",
		    d->parts.path);
		return;
	}
	host->log(d->parts.self, OW_LOG_INFO,
	    "%" PRIu64 " keys restored from %s, last written %" PRId64 " s ago; %" PRIu64
	    " have expired",
	    load->alive - load->no_room, d->parts.path, load->since_ms / 1000, load->expired);
	if (load->since_ms < 0)
		host->log(d->parts.self, OW_LOG_WARNING,
		    "durable %s is from the future: the clock was set back, so keys live as "
		    "long as if no time had passed",
		    d->parts.path);
}

/* ---- what the thread tells ---- */

static void hear_of_start(struct durability *d)
{
	struct ow_op *op = d->starting;
	if (!op || !(d->news.loaded || d->news.load_failed))
		return;
	d->starting = NULL;
	if (d->news.load_failed) {
		done(d, op,
		    d->parts.speaks ? d->news.why : "its file cannot be used (see above)");
		return;
	}
	if (d->parts.speaks) {
		report_loaded(d);
		d->parts.host->timer_set(d->tick, TICK_MS);
	}
	d->parts.loaded(d->parts.arg, &d->news.load);
	done(d, op, NULL);
}

static void hear_of_end(struct durability *d)
{
	struct ow_op *op = d->draining;
	if (!op || !(d->news.idle || d->news.failing))
		return;
	d->draining = NULL;
	if (d->news.idle) {
		done(d, op, NULL);
		return;
	}
	d->parts.host->log(d->parts.self, OW_LOG_ERROR,
	    "not all keys are on disk: what was delivered last will be delivered again if it "
	    "is repeated");
	done(d, op, d->news.why);
}

static void hear(void *arg)
{
	struct durability *d = arg;
	struct durable_write *back = durable_hear(d->parts.durable, &d->listener, &d->news);
	if (d->parts.speaks && d->news.loaded)
		report(d);
	hear_of_start(d);
	finish_all(d, back);
	use_room(d);
	hear_of_end(d);
}

static void tell(struct durable_listener *listener)
{
	struct durability *d = ring_entry(listener, struct durability, listener);
	d->parts.host->post(d->parts.self, hear, d);
}

static void on_tick(void *arg)
{
	struct durability *d = arg;
	durable_tick(d->parts.durable, now_of(d));
	hear(d);
	d->parts.host->timer_set(d->tick, TICK_MS);
}

/* ---- life ---- */

struct durability *durability_new(const struct durability_parts *parts)
{
	const struct ow_host *host = parts->host;
	const struct ow_text none = {NULL, 0};
	struct durability *d = alloc_zero(1, sizeof(*d));
	d->parts = *parts;
	d->listener.tell = tell;
	ring_init(&d->waiting);
	d->flush = host->timer_new(parts->self, on_flush, d);
	d->tick = host->timer_new(parts->self, on_tick, d);
	d->errors = host->counter(parts->self, "store_durable_errors_total",
	    "Transactions of a store's durable file that failed.", NULL, none);
	d->keys = host->counter(parts->self, "store_durable_keys_total",
	    "Keys written to a store's durable file.", NULL, none);
	d->transactions = host->counter(parts->self, "store_durable_transactions_total",
	    "Transactions of a store's durable file, each with one fsync.", NULL, none);
	d->behind = host->gauge(parts->self, "store_durable_missing",
	    "Keys that did not fit into the queue while a store's durable file could not be "
	    "written, and are not on disk yet.");
	durable_join(parts->durable, &d->listener);
	return d;
}

void durability_free(struct durability *d)
{
	if (!d)
		return;
	struct durable_write *write = durable_leave(d->parts.durable, &d->listener);
	while (write) {
		struct durable_write *next = write->next;
		pending_free(ring_entry(write, struct pending, write));
		write = next;
	}
	d->parts.host->timer_free(d->flush);
	d->parts.host->timer_free(d->tick);
	free(d);
}

void durability_start(struct durability *d, struct ow_op *op)
{
	d->starting = op;
	if (durable_load(d->parts.durable, now_of(d), &d->listener))
		return;
	d->starting = NULL;
	done(d, op, "cannot start the thread of its durable file");
}

/* The timers go on: until the last has drained, others may commit. */
void durability_drain(struct durability *d, struct ow_op *op, bool last)
{
	if (!last || !d->news.loaded) {
		done(d, op, NULL);
		return;
	}
	d->draining = op;
	durable_finish(d->parts.durable, now_of(d), &d->listener);
}

bool durability_ready(const struct durability *d, const char **why)
{
	if (!d->news.failing || !always(d))
		return true;
	*why = d->news.why;
	return false;
}
