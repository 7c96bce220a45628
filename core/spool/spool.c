#include "spool/spool.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "spool/request.h"
#include "spool/rows.h"
#include "spool/spool_file.h"
#include "spool/state_lock.h"
#include "spool/writer.h"

struct spool {
	const struct clock *clock;
	int lock;
	sqlite3 *db;
	struct rows *rows;
	struct writer *writer;
};

static bool open_file(struct spool *s, const struct spool_setup *setup, char *why)
{
	s->db = spool_file_open(setup->directory, why);
	if (!s->db)
		return false;
	s->rows = rows_new(s->db);
	if (s->rows)
		s->writer = writer_new(s->rows, setup);
	if (!s->writer)
		spool_file_failed(s->db, setup->directory, why);
	return s->writer != NULL;
}

struct spool *spool_open(const struct spool_setup *setup, char *why)
{
	struct spool *s = mem_zero(sizeof(*s));
	s->clock = setup->clock;
	s->lock = state_lock_take(setup->directory, why);
	if (s->lock >= 0 && open_file(s, setup, why))
		return s;
	spool_close(s);
	return NULL;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	writer_free(s->writer);
	rows_free(s->rows);
	sqlite3_close(s->db);
	state_lock_release(s->lock);
	free(s);
}

static void ask(
    struct spool *s, struct spool_request *r, struct worker *w, spool_done_fn *done, void *arg)
{
	r->worker = w;
	r->done = done;
	r->arg = arg;
	writer_ask(s->writer, r);
}

void spool_put(struct spool *s, struct worker *w, const struct spool_event *event,
    spool_done_fn *done, void *arg)
{
	ask(s, spool_request_new_event(REQUEST_PUT, event, NULL), w, done, arg);
}

void spool_put_dead(struct spool *s, struct worker *w, const struct spool_event *event,
    const struct spool_death *death, spool_done_fn *done, void *arg)
{
	ask(s, spool_request_new_event(REQUEST_PUT_DEAD, event, death), w, done, arg);
}

void spool_bury(struct spool *s, struct worker *w, int64_t id, const struct spool_death *death,
    spool_done_fn *done, void *arg)
{
	struct spool_request *r = spool_request_new_event(REQUEST_BURY, NULL, death);
	r->id = id;
	ask(s, r, w, done, arg);
}

void spool_remove(struct spool *s, int64_t id)
{
	struct spool_request *r = spool_request_new(REQUEST_REMOVE);
	r->id = id;
	writer_ask(s->writer, r);
}

void spool_defer(struct spool *s, int64_t id, int64_t after_ms)
{
	struct spool_request *r = spool_request_new(REQUEST_DEFER);
	r->id = id;
	r->due_ms = clock_wall(s->clock) + after_ms;
	writer_ask(s->writer, r);
}

void spool_take(struct spool *s, struct worker *w, size_t max, spool_taken_fn *fn, void *arg)
{
	struct spool_request *r = spool_request_new(REQUEST_TAKE);
	r->worker = w;
	r->max = max;
	r->taken = fn;
	r->arg = arg;
	writer_ask(s->writer, r);
}

struct spool_counts spool_count(struct spool *s)
{
	return writer_count(s->writer);
}

const char *spool_obstacle(struct spool *s)
{
	return writer_obstacle(s->writer);
}

const char *spool_library_version(void)
{
	return sqlite3_libversion();
}
