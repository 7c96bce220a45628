#include "spool/writer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "spool/request.h"
#include "spool/results.h"

#define TICK_MS	    200
#define BODIES_MAX  ((int64_t)16 << 20)
#define TAKEN_ALLOC 16

struct writer {
	struct rows *rows;
	struct spool_setup setup;
	struct request_line line;
	struct results results;
	pthread_t thread;
	struct tally tally; /* the thread's; others read the copy below */
	_Atomic int64_t waiting, waiting_bytes, dead;
	struct map taken; /* of int64_t, the ids */
};

/* ---- rows that are this process's ---- */

static struct ow_text id_text(const int64_t *id)
{
	return (struct ow_text){(const char *)id, sizeof(*id)};
}

static bool is_taken(const struct writer *w, int64_t id)
{
	return map_get(&w->taken, id_text(&id)) != NULL;
}

static void take_id(struct writer *w, int64_t id)
{
	int64_t *own = mem_copy(&id, sizeof(id));
	free(map_put(&w->taken, id_text(own), own));
}

static void let_go_id(struct writer *w, int64_t id)
{
	free(map_remove(&w->taken, id_text(&id)));
}

/* ---- a transaction ---- */

static int carry_out(struct writer *w, struct request *r)
{
	int64_t now = clock_wall(w->setup.clock);
	r->why = NULL;
	switch (r->kind) {
	case REQUEST_PUT:
		if (w->tally.waiting_bytes + rows_event_bytes(&r->event) > w->setup.max_bytes) {
			r->why = "the spool is full";
			return SQLITE_OK;
		}
		return rows_put(w->rows, &r->event, now, &r->id, &w->tally);
	case REQUEST_PUT_DEAD:
		return rows_put_dead(w->rows, &r->event, &r->death, now, &r->id, &w->tally);
	case REQUEST_BURY:
		return rows_bury(w->rows, r->id, &r->death, now, &w->tally);
	case REQUEST_REMOVE:
		return rows_remove(w->rows, r->id, &w->tally);
	case REQUEST_DEFER:
		return rows_defer(w->rows, r->id, now + r->after_ms);
	case REQUEST_TAKE:
		break;
	}
	return SQLITE_OK;
}

static int transact(struct writer *w, struct request *first)
{
	struct tally before = w->tally;
	int rc = rows_begin(w->rows);
	for (struct request *r = first; r && rc == SQLITE_OK; r = r->next) {
		rc = carry_out(w, r);
		if (rows_is_own_fault(rc)) {
			r->why = rows_why(rc);
			rc = SQLITE_OK;
		}
	}
	if (rc == SQLITE_OK)
		rc = rows_commit(w->rows);
	if (rc != SQLITE_OK) {
		rows_rollback(w->rows);
		w->tally = before;
	}
	return rc;
}

static void take(struct writer *w, struct request *r)
{
	struct place place = {0, 0};
	int64_t now = clock_wall(w->setup.clock), bodies = 0;
	size_t room = 0;
	while (r->found_count < r->max && bodies < BODIES_MAX &&
	       rows_next_due(w->rows, now, &place) == SQLITE_OK) {
		if (is_taken(w, place.id))
			continue;
		if (r->found_count == room) {
			room += TAKEN_ALLOC;
			r->found = mem_grow(r->found, room, sizeof(*r->found));
		}
		struct spool_event *e = &r->found[r->found_count];
		if (rows_load(w->rows, place.id, e) != SQLITE_OK)
			continue;
		r->found_count++;
		bodies += (int64_t)e->body.len;
		take_id(w, place.id);
	}
}

static void finish(struct writer *w, struct request *r, int rc)
{
	if (rc != SQLITE_OK)
		r->why = rows_why(rc);
	if (r->kind == REQUEST_TAKE)
		take(w, r);
	else if (r->kind == REQUEST_PUT && !r->why)
		take_id(w, r->id);
	else if (r->kind != REQUEST_PUT)
		let_go_id(w, r->id);
	if (r->why)
		log_error("spool", "%s", r->why);
}

static void publish(struct writer *w)
{
	atomic_store(&w->waiting, w->tally.waiting);
	atomic_store(&w->waiting_bytes, w->tally.waiting_bytes);
	atomic_store(&w->dead, w->tally.dead);
}

static void *run(void *arg)
{
	struct writer *w = arg;
	bool closed = false;
	while (!closed) {
		struct request *batch = request_line_wait(&w->line, TICK_MS, &closed);
		if (!batch)
			continue;
		int rc = transact(w, batch);
		/* What was put with this transaction is its owner's before anybody looks. */
		for (struct request *r = batch; r; r = r->next)
			if (r->kind != REQUEST_TAKE)
				finish(w, r, rc);
		for (struct request *r = batch; r; r = r->next)
			if (r->kind == REQUEST_TAKE)
				finish(w, r, rc);
		publish(w);
		results_send(&w->results, batch);
	}
	return NULL;
}

/* ---- from outside ---- */

struct writer *writer_new(struct rows *rows, const struct spool_setup *setup)
{
	struct writer *w = mem_zero(sizeof(*w));
	w->rows = rows;
	w->setup = *setup;
	w->taken = MAP_INIT;
	request_line_init(&w->line);
	results_init(&w->results);
	rows_count(rows, &w->tally);
	publish(w);
	if (pthread_create(&w->thread, NULL, run, w) != 0)
		abort();
	return w;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	request_line_close(&w->line);
	pthread_join(w->thread, NULL);
	request_line_fini(&w->line);
	results_fini(&w->results);
	int64_t *id;
	for (size_t i = 0; (id = map_next(&w->taken, &i));)
		free(id);
	map_free(&w->taken);
	free(w);
}

void writer_ask(struct writer *w, struct request *r)
{
	r->asked_us = clock_mono_us(w->setup.clock);
	request_line_add(&w->line, r);
}

struct spool_counts writer_count(struct writer *w)
{
	return (struct spool_counts){
	    atomic_load(&w->waiting), atomic_load(&w->waiting_bytes), atomic_load(&w->dead)};
}
