#include "spool/taken.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "spool/request.h"

/* Of one take: as many bytes of bodies, or one event. */
#define BODIES_MAX ((size_t)16 << 20)
#define ROOM_STEP  16

static struct ow_text id_text(const int64_t *id)
{
	return (struct ow_text){(const char *)id, sizeof(*id)};
}

void taken_init(struct taken *t)
{
	t->ids = MAP_INIT;
	taken_look_again(t);
}

void taken_fini(struct taken *t)
{
	int64_t *id;
	for (size_t i = 0; (id = map_next(&t->ids, &i));)
		free(id);
	map_free(&t->ids);
}

bool taken_has(const struct taken *t, int64_t id)
{
	return map_get(&t->ids, id_text(&id)) != NULL;
}

void taken_add(struct taken *t, int64_t id)
{
	if (taken_has(t, id))
		return;
	int64_t *own = mem_copy(&id, sizeof(id));
	map_put(&t->ids, id_text(own), own);
}

void taken_forget(struct taken *t, int64_t id)
{
	free(map_remove(&t->ids, id_text(&id)));
}

void taken_release(struct taken *t, int64_t id, int64_t due_ms)
{
	taken_forget(t, id);
	if (due_ms < t->seen.due_ms || (due_ms == t->seen.due_ms && id <= t->seen.id))
		t->seen = (struct place){due_ms, id - 1};
}

void taken_look_again(struct taken *t)
{
	t->seen = (struct place){INT64_MIN, 0};
}

static int load(struct rows *rows, int64_t id, struct spool_request *r, size_t *bodies)
{
	if (r->found_count % ROOM_STEP == 0)
		r->found = mem_grow(r->found, r->found_count + ROOM_STEP, sizeof(*r->found));
	struct spool_event *e = &r->found[r->found_count];
	int rc = rows_load(rows, id, e);
	if (rc == SQLITE_OK) {
		r->found_count++;
		*bodies += e->body.len;
	}
	return rc;
}

void taken_take(struct taken *t, struct rows *rows, int64_t now_ms, struct spool_request *r)
{
	size_t bodies = 0;
	struct place place = t->seen;
	bool all_read = true;
	int rc = SQLITE_OK;
	while (r->found_count < r->max && bodies < BODIES_MAX &&
	       (rc = rows_next_due(rows, now_ms, &place)) == SQLITE_OK) {
		if (!taken_has(t, place.id)) {
			rc = load(rows, place.id, r, &bodies);
			if (rc == SQLITE_OK)
				taken_add(t, place.id);
			else if (rc != SQLITE_NOTFOUND) {
				log_error("spool", "cannot read event %" PRId64 ": %s (%s)",
				    place.id, rows_why(rc), rows_error(rows));
				all_read = false;
			}
		}
		/* What cannot be read now is tried again by the next; it keeps no other back.
		 */
		if (all_read)
			t->seen = place;
	}
	if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_NOTFOUND && all_read)
		log_error("spool", "cannot look for events that are due: %s (%s)", rows_why(rc),
		    rows_error(rows));
}
