#include "spool/spool.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "spool/request.h"
#include "spool/rows.h"
#include "spool/spool_file.h"
#include "spool/writer.h"

struct spool {
	sqlite3 *db;
	struct rows *rows;
	struct writer *writer;
};

struct spool *spool_open(const struct spool_setup *setup, char *why)
{
	sqlite3 *db = spool_file_open(setup->directory, why);
	if (!db)
		return NULL;
	struct rows *rows = rows_new(db);
	if (!rows) {
		snprintf(why, SPOOL_WHY_SIZE, "%s/spool.db: %s", setup->directory,
		    sqlite3_errmsg(db));
		sqlite3_close(db);
		return NULL;
	}
	struct spool *s = mem_zero(sizeof(*s));
	s->db = db;
	s->rows = rows;
	s->writer = writer_new(rows, setup);
	return s;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	writer_free(s->writer);
	rows_free(s->rows);
	sqlite3_close(s->db);
	free(s);
}

static void ask(
    struct spool *s, struct request *r, struct worker *w, spool_done_fn *done, void *arg)
{
	r->worker = w;
	r->done = done;
	r->arg = arg;
	writer_ask(s->writer, r);
}

void spool_put(struct spool *s, struct worker *w, const struct spool_event *event,
    spool_done_fn *done, void *arg)
{
	ask(s, request_new_event(REQUEST_PUT, event, NULL), w, done, arg);
}

void spool_put_dead(struct spool *s, struct worker *w, const struct spool_event *event,
    const struct spool_death *death, spool_done_fn *done, void *arg)
{
	ask(s, request_new_event(REQUEST_PUT_DEAD, event, death), w, done, arg);
}

void spool_bury(struct spool *s, struct worker *w, int64_t id, const struct spool_death *death,
    spool_done_fn *done, void *arg)
{
	struct request *r = request_new_event(REQUEST_BURY, NULL, death);
	r->id = id;
	ask(s, r, w, done, arg);
}

void spool_remove(struct spool *s, int64_t id)
{
	struct request *r = request_new(REQUEST_REMOVE);
	r->id = id;
	writer_ask(s->writer, r);
}

void spool_defer(struct spool *s, int64_t id, int64_t after_ms)
{
	struct request *r = request_new(REQUEST_DEFER);
	r->id = id;
	r->after_ms = after_ms;
	writer_ask(s->writer, r);
}

void spool_take(struct spool *s, struct worker *w, size_t max, spool_taken_fn *fn, void *arg)
{
	struct request *r = request_new(REQUEST_TAKE);
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
