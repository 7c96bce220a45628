#include "tests/unit/route/disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/main.h"
#include "tests/unit/route/rig.h"

#define ROWS_MAX 100

struct disk disk;

/* Asked for, and not called back yet. */
struct asked {
	struct list link;
	struct worker *worker;
	int64_t id;
	const char *why;
	size_t max; /* of a take */
	spool_done_fn *done;
	spool_taken_fn *taken;
	void *arg;
};

static struct list waiting;
static struct spool_event rows[ROWS_MAX];
static size_t row_count;

void disk_start(void)
{
	disk = (struct disk){.last_id = 0};
	row_count = 0;
	list_init(&waiting);
}

void disk_stop(void)
{
	ck_assert_uint_eq(disk.open, 0);
}

/* ---- calling back ---- */

static void give_rows(const struct asked *a)
{
	size_t count = row_count < a->max ? row_count : a->max;
	struct spool_event given[ROWS_MAX];
	memcpy(given, rows, count * sizeof(*rows));
	memmove(rows, rows + count, (row_count - count) * sizeof(*rows));
	row_count -= count;
	disk.taken += (unsigned)count;
	a->taken(given, count, a->arg);
}

static void call_back(void *arg)
{
	struct asked *a = arg;
	disk.open--;
	if (a->taken)
		give_rows(a);
	else
		a->done(a->id, a->why, a->arg);
	free(a);
}

static void ask(struct asked asked)
{
	struct asked *a = mem_copy(&asked, sizeof(asked));
	list_init(&a->link);
	disk.open++;
	if (disk.holds && !a->taken)
		list_append(&waiting, &a->link);
	else
		worker_post(a->worker, call_back, a);
}

void disk_go(void)
{
	disk.holds = false;
	list_each(&waiting, link)
	{
		struct asked *a = list_entry(link, struct asked, link);
		list_remove(link);
		worker_post(a->worker, call_back, a);
	}
}

/* ---- the spool ---- */

static void tell_event(const char *what, const struct spool_event *e)
{
	/* Without the prefix, as all else in the story. */
	rig_tell("%s %.*s", what, e->key.len > 2 ? (int)e->key.len - 2 : 1,
	    e->key.len > 2 ? e->key.data + 2 : "-");
}

void spool_put(struct spool *s, struct worker *w, const struct spool_event *event,
    spool_done_fn *done, void *arg)
{
	(void)s;
	tell_event("keep", event);
	disk.put = *event;
	ask((struct asked){.worker = w,
	    .id = disk.why ? 0 : ++disk.last_id,
	    .why = disk.why,
	    .done = done,
	    .arg = arg});
}

static void tell_death(const struct spool_death *death)
{
	buf_printf(&rig.story, ": %.*s", (int)death->reason.len, death->reason.data);
	snprintf(disk.history, sizeof(disk.history), "%.*s", (int)death->history.len,
	    death->history.data);
}

void spool_put_dead(struct spool *s, struct worker *w, const struct spool_event *event,
    const struct spool_death *death, spool_done_fn *done, void *arg)
{
	(void)s;
	tell_event("dead", event);
	tell_death(death);
	disk.put = *event;
	ask((struct asked){.worker = w,
	    .id = disk.why ? 0 : ++disk.last_id,
	    .why = disk.why,
	    .done = done,
	    .arg = arg});
}

void spool_bury(struct spool *s, struct worker *w, int64_t id, const struct spool_death *death,
    spool_done_fn *done, void *arg)
{
	(void)s;
	rig_tell("bury %" PRId64, id);
	tell_death(death);
	ask((struct asked){.worker = w, .id = id, .why = disk.why, .done = done, .arg = arg});
}

void spool_remove(struct spool *s, int64_t id)
{
	(void)s;
	rig_tell("remove %" PRId64, id);
}

void spool_defer(struct spool *s, int64_t id, int64_t after_ms)
{
	(void)s;
	disk.put_off++;
	rig_tell("defer %" PRId64 " by %" PRId64, id, after_ms);
}

void spool_take(struct spool *s, struct worker *w, size_t max, spool_taken_fn *fn, void *arg)
{
	(void)s;
	ask((struct asked){.worker = w, .max = max, .taken = fn, .arg = arg});
}

/* ---- rows ---- */

struct spool_event disk_event(const char *key)
{
	static char keys[ROWS_MAX][32], bodies[ROWS_MAX][64];
	snprintf(keys[row_count], sizeof(keys[0]), "k:%s", key);
	snprintf(bodies[row_count], sizeof(bodies[0]), "{\"id\":\"%s\"}", key);
	return (struct spool_event){.route = text_of("r"),
	    .source = text_of("so"),
	    .key = text_of(keys[row_count]),
	    .path = text_of("/"),
	    .headers = text_of("A: 1\r\nB: 2\r\n"),
	    .body = text_of(bodies[row_count]),
	    .arrived_ms = clock_wall(&rig.clock),
	    .since_ms = clock_wall(&rig.clock)};
}

int64_t disk_add(struct spool_event event)
{
	ck_assert_uint_lt(row_count, ROWS_MAX);
	event.id = ++disk.last_id;
	rows[row_count++] = event;
	return event.id;
}
