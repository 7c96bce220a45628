#include "store_redis/keeper.h"

#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/checkpoint_report.h"
#include "lib/errands.h"
#include "store_redis/restore.h"
#include "store_redis/snapshot.h"

#define RETRY_MS 5000 /* not all keys are restored */

enum state {
	KEEPER_NEW = 0,
	KEEPER_CHECKING, /* the file */
	KEEPER_REFUSED,	 /* the file cannot be used */
	KEEPER_BEHIND,	 /* not all of the file may stand in Redis */
	KEEPER_RESTORING,
	KEEPER_READY, /* all of it does */
	KEEPER_SAVING,
};

struct keeper {
	struct store *store;
	struct keeper *first;
	void (*begun)(struct store *s, const char *why);
	struct keeper *next; /* on the first one's list: waits for its beginning */

	/* the first one's alone */
	struct checkpoint_file *file;
	struct errands *errands;
	struct errand checking;
	char why[CHECKPOINT_WHY]; /* REFUSED */
	struct snapshot *snapshot;
	struct restore *restore;
	struct checkpoint_report *report;
	struct ow_timer *timer;
	enum state state;
	bool tried;  /* to reach Redis: it is, or it is not */
	bool behind; /* Redis was lost since the state began */
	bool has_begun;
	bool told; /* in the log, what was restored first */
	struct keeper *waiting;
	struct ow_op *draining;
	unsigned drained; /* workers */
};

static const struct ow_host *host_of(const struct keeper *k)
{
	return k->store->host;
}

static void post(struct keeper *to, void (*fn)(void *arg), struct keeper *about)
{
	host_of(to)->post(to->store->self, fn, about);
}

static const char *path_of(const struct keeper *k)
{
	return k->store->conf->checkpoint.path;
}

static bool is_reached(const struct keeper *k)
{
	const char *why;
	return servers_ready(k->store->servers, &why);
}

/* ---- the beginning ---- */

/* On the other worker's thread. The first one's state does not change any more in this. */
static void other_begun(void *arg)
{
	struct keeper *k = arg;
	k->begun(k->store, NULL);
}

static void other_refused(void *arg)
{
	struct keeper *k = arg;
	k->begun(k->store, "its checkpoint cannot be used (see above)");
}

static void tell_other(struct keeper *first, struct keeper *other)
{
	post(other, first->state == KEEPER_REFUSED ? other_refused : other_begun, other);
}

static void on_other_begins(void *arg)
{
	struct keeper *other = arg, *first = other->first;
	if (first->has_begun) {
		tell_other(first, other);
		return;
	}
	other->next = first->waiting;
	first->waiting = other;
}

static void begin_all(struct keeper *k)
{
	if (k->has_begun)
		return;
	k->has_begun = true;
	while (k->waiting) {
		struct keeper *other = k->waiting;
		k->waiting = other->next;
		tell_other(k, other);
	}
	k->begun(k->store, k->state == KEEPER_REFUSED ? k->why : NULL);
}

/* ---- restoring ---- */

static void set_timer(struct keeper *k, int64_t ms)
{
	if (!k->draining)
		host_of(k)->timer_set(k->timer, ms);
}

static void wait_for_interval(struct keeper *k)
{
	int64_t ms = k->store->conf->checkpoint.interval_ms;
	set_timer(k, ms > 0 ? ms : -1);
}

static void end_if_drained(struct keeper *k);

/* If Redis is there. */
static void try_restore(struct keeper *k)
{
	k->state = KEEPER_BEHIND;
	k->behind = false;
	if (is_reached(k)) {
		k->state = KEEPER_RESTORING;
		restore_begin(k->restore);
		return;
	}
	/* A cluster is reached when enough of it is, which nobody tells. */
	set_timer(k, RETRY_MS);
	if (k->tried)
		begin_all(k);
}

static void report_restored(struct keeper *k, const struct restore_end *end)
{
	if (!k->told || end->restored > 0)
		checkpoint_report_loaded(k->report, &end->loaded, end->restored, end->present);
	k->told = true;
}

static void on_restored(struct store *s, const struct restore_end *end)
{
	struct keeper *k = s->keeper;
	/* What went to a Redis that is gone since has to go to the next one, too. */
	k->state = end->whole && !k->behind ? KEEPER_READY : KEEPER_BEHIND;
	if (end->whole) {
		report_restored(k, end);
		wait_for_interval(k);
	} else if (!k->draining) {
		char why[CHECKPOINT_WHY];
		snprintf(why, sizeof(why), "checkpoint: its keys are not all restored: %.400s",
		    end->why);
		checkpoint_report_failed(k->report, 1, why);
		set_timer(k, RETRY_MS);
	}
	begin_all(k);
	if (k->behind && !k->draining)
		try_restore(k);
	end_if_drained(k);
}

/* ---- the file ---- */

static bool count_record(void *arg, const struct checkpoint_record *record)
{
	(void)arg, (void)record;
	return true;
}

static void on_checked(void *arg)
{
	struct keeper *k = arg;
	if (k->state != KEEPER_CHECKING)
		return; /* it has drained meanwhile */
	if (!k->why[0]) {
		try_restore(k);
		return;
	}
	k->state = KEEPER_REFUSED;
	begin_all(k);
}

/* On the thread. Read whole before anything of it is restored. */
static void check_file(struct errand *errand)
{
	struct keeper *k = STORE_OF(errand, struct keeper, checking);
	struct checkpoint_loaded loaded;
	if (checkpoint_file_open(k->file, k->why))
		checkpoint_file_load(k->file, 0, count_record, NULL, &loaded, k->why);
	post(k, on_checked, k);
}

/* ---- saving ---- */

static void save(struct keeper *k)
{
	k->state = KEEPER_SAVING;
	snapshot_begin(k->snapshot);
}

static void finish_drain(struct keeper *k, const char *why)
{
	struct ow_op *op = k->draining;
	k->draining = NULL;
	k->state = KEEPER_REFUSED; /* nothing more */
	host_of(k)->op_done(op, why ? OW_FAIL : OW_OK, why);
}

static void on_saved(struct store *s, const struct snapshot_end *end)
{
	struct keeper *k = s->keeper;
	bool last = k->draining && !end->stopped;
	k->state = k->behind ? KEEPER_BEHIND : KEEPER_READY;
	if (last && end->saved)
		checkpoint_report_saved_last(k->report, &end->size);
	else if (last)
		checkpoint_report_failed_last(k->report);
	else if (end->saved)
		checkpoint_report_saved(k->report, &end->size, end->wall_ms, end->mono_ms);
	else if (!end->stopped)
		checkpoint_report_failed(k->report, 1, end->why);
	if (last) {
		finish_drain(k, end->saved ? NULL : end->why);
		return;
	}
	wait_for_interval(k);
	if (k->behind && !k->draining)
		try_restore(k);
	end_if_drained(k);
}

static void on_timer(void *arg)
{
	struct keeper *k = arg;
	if (k->state == KEEPER_READY)
		save(k);
	else if (k->state == KEEPER_BEHIND)
		try_restore(k);
}

/* ---- the connection ---- */

void keeper_tried(struct keeper *k)
{
	k->tried = true;
	if (k->state == KEEPER_BEHIND)
		try_restore(k);
}

void keeper_opened(struct keeper *k)
{
	if (k->state == KEEPER_BEHIND)
		try_restore(k);
}

void keeper_lost(struct keeper *k)
{
	k->behind = true;
	if (k->state == KEEPER_READY)
		k->state = KEEPER_BEHIND;
	/* The next one may be empty: what is found there is no checkpoint. */
	if (k->state == KEEPER_SAVING)
		snapshot_stop(k->snapshot);
}

/* ---- the end ---- */

/* All workers have drained: nothing is under way any more that could change a key. */
static void end_if_drained(struct keeper *k)
{
	if (!k->draining || k->drained < atomic_load(&k->store->shared->instances))
		return;
	switch (k->state) {
	case KEEPER_READY:
		save(k);
		break;
	case KEEPER_SAVING:
		snapshot_stop(k->snapshot);
		break;
	case KEEPER_RESTORING:
		restore_stop(k->restore);
		break;
	case KEEPER_BEHIND:
		host_of(k)->log(k->store->self, OW_LOG_WARNING,
		    "checkpoint %s stays as it is: Redis was not reached, or not all of its "
		    "keys are restored",
		    path_of(k));
		finish_drain(k, NULL);
		break;
	default:
		finish_drain(k, NULL);
	}
}

static void on_other_drained(void *arg)
{
	struct keeper *first = arg;
	first->drained++;
	end_if_drained(first);
}

void keeper_drain(struct keeper *k, struct ow_op *op)
{
	if (k->first != k) {
		post(k->first, on_other_drained, k->first);
		host_of(k)->op_done(op, OW_OK, NULL);
		return;
	}
	k->draining = op;
	k->drained++;
	host_of(k)->timer_set(k->timer, -1);
	if (k->state == KEEPER_NEW || k->state == KEEPER_REFUSED)
		finish_drain(k, NULL);
	else
		end_if_drained(k);
}

/* ---- life ---- */

void keeper_begin(struct keeper *k)
{
	if (k->first != k) {
		post(k->first, on_other_begins, k);
		return;
	}
	k->state = KEEPER_CHECKING;
	k->checking.run = check_file;
	if (errands_send(k->errands, &k->checking))
		return;
	snprintf(k->why, sizeof(k->why), "cannot start the checkpoint's thread");
	on_checked(k);
}

static void make_parts(struct keeper *k)
{
	struct store *s = k->store;
	k->file = checkpoint_file_new(path_of(k));
	k->errands = errands_new();
	k->snapshot = snapshot_new(s, k->file, k->errands, on_saved);
	k->restore = restore_new(s, k->file, k->errands, on_restored);
	k->report = checkpoint_report_new(s->host, s->self, path_of(k));
	k->timer = s->host->timer_new(s->self, on_timer, k);
}

struct keeper *keeper_new(struct store *s, void (*begun)(struct store *s, const char *why))
{
	struct keeper *k = alloc_zero(1, sizeof(*k));
	k->store = s;
	k->begun = begun;
	/* Instances are made one after the other, before any thread begins. */
	if (!s->shared->keeper)
		s->shared->keeper = k;
	k->first = s->shared->keeper;
	if (k->first == k)
		make_parts(k);
	return k;
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	if (k->first == k) {
		restore_free(k->restore);
		snapshot_free(k->snapshot);
		errands_forget(k->errands, &k->checking);
		errands_free(k->errands);
		checkpoint_file_free(k->file);
		checkpoint_report_free(k->report);
		host_of(k)->timer_free(k->timer);
	}
	free(k);
}
