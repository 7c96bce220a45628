#include "spool/writer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "spool/ledger.h"
#include "spool/request.h"
#include "spool/results.h"
#include "spool/taken.h"

/* It looks this often for what others did, what is too old, and whether it can write. */
#define IDLE_MS 1000

/* One transaction: so that it ends within a moment, and the log before the file stays short. */
#define BATCH_MAX	4096
#define BATCH_BYTES_MAX ((int64_t)32 << 20)

/* A row that could not become a dead letter is due again after that. */
#define UNBURIED_MS 60000

/* Nobody defers for longer; what is due later was deferred by a clock that was ahead. So many
 * of them are seen to at once. */
#define DEFERRED_MAX_MS 60000
#define HASTENED_MAX	1000

/* A clock that is only trimmed does not go back by that much. */
#define SET_BACK_MS 1000

struct writer {
	struct spool_line line;
	struct results results;
	pthread_t thread;
	_Atomic int64_t waiting, waiting_bytes, dead; /* for others */
	_Atomic(const char *) obstacle;

	/* From here on the thread's alone. */
	struct spool_setup setup;
	struct ledger ledger;
	struct taken taken;
	int64_t idled_us; /* when it last did what nobody asks for */
	int64_t wall_ms;  /* when it was last looked at */
	bool set_back;	  /* by then, or before the start: some may be due too late */
	struct spool_request *owed, **owed_last; /* nobody waits for these: to be tried again */
};

/* ---- after a transaction ---- */

static void owe(struct writer *w, struct spool_request *r)
{
	r->next = NULL;
	*w->owed_last = r;
	w->owed_last = &r->next;
}

/* The row is there and waits; whoever had it is told so, or does not ask. */
static void release_later(struct writer *w, int64_t id)
{
	struct spool_request *r = spool_request_new(REQUEST_DEFER);
	r->id = id;
	r->due_ms = clock_wall(w->setup.clock) + UNBURIED_MS;
	owe(w, r);
}

static void look_for_others(struct writer *w)
{
	if (ledger_is_outdated(&w->ledger))
		taken_look_again(&w->taken);
}

static void take(struct writer *w, struct spool_request *r)
{
	look_for_others(w);
	taken_take(&w->taken, w->ledger.rows, clock_wall(w->setup.clock), r);
}

/* What the process knows of the row. False: it is owed now. */
static bool settle(struct writer *w, struct spool_request *r)
{
	bool gone = r->rc == SQLITE_NOTFOUND;
	switch (r->kind) {
	case REQUEST_PUT:
		if (!r->why)
			taken_add(&w->taken, r->id);
		break;
	case REQUEST_PUT_DEAD:
		break;
	case REQUEST_BURY:
		if (!r->why || gone)
			taken_forget(&w->taken, r->id);
		else
			release_later(w, r->id);
		break;
	case REQUEST_REMOVE:
		if (r->why && !gone)
			return false;
		taken_forget(&w->taken, r->id);
		break;
	case REQUEST_DEFER:
		if (r->why && !gone)
			return false;
		if (gone)
			taken_forget(&w->taken, r->id);
		else
			taken_release(&w->taken, r->id, r->due_ms);
		break;
	case REQUEST_TAKE:
		break; /* once all others are */
	}
	return true;
}

static void measure(struct writer *w, const struct spool_request *r)
{
	const struct spool_metrics *m = &w->ledger.metrics;
	if (r->why)
		metric_add(m->errors, 1);
	else if (r->kind != REQUEST_TAKE && r->worker)
		metric_observe(
		    m->seconds, (double)(clock_mono_us(w->setup.clock) - r->asked_us) / 1e6);
}

static void publish(struct writer *w)
{
	const struct tally *t = &w->ledger.tally;
	metric_set(w->ledger.metrics.events, t->waiting);
	metric_set(w->ledger.metrics.bytes, t->waiting_bytes);
	metric_set(w->ledger.metrics.dead, t->dead);
	atomic_store(&w->waiting, t->waiting);
	atomic_store(&w->waiting_bytes, t->waiting_bytes);
	atomic_store(&w->dead, t->dead);
	atomic_store(&w->obstacle, w->ledger.obstacle);
}

/* ---- many of them ---- */

/* Cuts a list after as many as make one transaction; returns the rest. */
static struct spool_request *cut(struct spool_request *first, size_t *count)
{
	int64_t bytes = 0;
	*count = 0;
	for (struct spool_request *r = first; r; r = r->next) {
		bytes += rows_event_bytes(&r->event);
		if (++*count == BATCH_MAX || bytes >= BATCH_BYTES_MAX) {
			struct spool_request *rest = r->next;
			r->next = NULL;
			return rest;
		}
	}
	return NULL;
}

static bool only_reads(const struct spool_request *r)
{
	while (r && r->kind == REQUEST_TAKE)
		r = r->next;
	return r == NULL;
}

static void do_batch(struct writer *w, struct spool_request *first, size_t count)
{
	struct spool_request *done = NULL, **last = &done;
	if (count == 0 || !only_reads(first))
		ledger_carry_out(&w->ledger, first, count);
	while (first) {
		struct spool_request *r = first;
		first = r->next;
		r->next = NULL;
		if (settle(w, r)) {
			*last = r;
			last = &r->next;
		} else {
			owe(w, r);
		}
		measure(w, r);
	}
	/* What was put with this transaction is its owner's before anybody looks. */
	for (struct spool_request *r = done; r; r = r->next)
		if (r->kind == REQUEST_TAKE)
			take(w, r);
	publish(w);
	results_send(&w->results, done);
}

static void do_all(struct writer *w, struct spool_request *first)
{
	size_t count;
	while (first) {
		struct spool_request *rest = cut(first, &count);
		do_batch(w, first, count);
		first = rest;
	}
}

/* Those owed come first: they were asked for earlier. */
static struct spool_request *add_owed(struct writer *w, struct spool_request *first)
{
	if (!w->owed)
		return first;
	*w->owed_last = first;
	first = w->owed;
	w->owed = NULL;
	w->owed_last = &w->owed;
	return first;
}

/* With requests all the time, too: workers ask as often for what is due. */
static bool is_time_to_idle(const struct writer *w)
{
	return clock_mono_us(w->setup.clock) - w->idled_us >= IDLE_MS * 1000;
}

static void idle(struct writer *w)
{
	w->idled_us = clock_mono_us(w->setup.clock);
	look_for_others(w);
	if (w->owed)
		do_all(w, add_owed(w, NULL));
	else
		do_batch(w, NULL, 0);
}

/* What was due soon is not to wait for as long as the clock was ahead. */
static void look_at_clock(struct writer *w)
{
	int64_t now = clock_wall(w->setup.clock);
	int changed;
	w->set_back = w->set_back || now < w->wall_ms - SET_BACK_MS;
	w->wall_ms = now;
	if (!w->set_back || w->ledger.failing ||
	    rows_hasten(w->ledger.rows, now, DEFERRED_MAX_MS, HASTENED_MAX, &changed) !=
		SQLITE_OK)
		return;
	w->set_back = changed == HASTENED_MAX;
	taken_look_again(&w->taken);
}

static void *run(void *arg)
{
	struct writer *w = arg;
	bool closed = false;
	while (!closed) {
		struct spool_request *asked = spool_line_wait(&w->line, IDLE_MS, &closed);
		look_at_clock(w);
		/* While the disk is full, only now and then. */
		if (!w->ledger.failing || closed)
			asked = add_owed(w, asked);
		if (asked)
			do_all(w, asked);
		if (!asked || is_time_to_idle(w))
			idle(w);
	}
	return NULL;
}

/* ---- from outside ---- */

struct writer *writer_new(struct rows *rows, const struct spool_setup *setup)
{
	struct writer *w = mem_zero(sizeof(*w));
	w->setup = *setup;
	w->owed_last = &w->owed;
	w->set_back = true;
	if (ledger_init(&w->ledger, rows, &w->setup) != SQLITE_OK) {
		free(w);
		return NULL;
	}
	spool_line_init(&w->line);
	results_init(&w->results);
	taken_init(&w->taken);
	publish(w);
	if (pthread_create(&w->thread, NULL, run, w) != 0) {
		log_error("spool", "cannot start a thread");
		abort();
	}
	return w;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	spool_line_close(&w->line);
	pthread_join(w->thread, NULL);
	spool_line_fini(&w->line);
	results_fini(&w->results);
	taken_fini(&w->taken);
	while (w->owed) {
		struct spool_request *next = w->owed->next;
		spool_request_free(w->owed);
		w->owed = next;
	}
	free(w);
}

void writer_ask(struct writer *w, struct spool_request *r)
{
	r->asked_us = clock_mono_us(w->setup.clock);
	if (spool_line_add(&w->line, r))
		return;
	r->why = "the disk does not keep up";
	results_send(&w->results, r);
}

struct spool_counts writer_count(struct writer *w)
{
	return (struct spool_counts){
	    atomic_load(&w->waiting), atomic_load(&w->waiting_bytes), atomic_load(&w->dead)};
}

const char *writer_obstacle(struct writer *w)
{
	return atomic_load(&w->obstacle);
}
