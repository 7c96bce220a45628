#include "tests/unit/spool/rig.h"

#include <event2/event.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/main.h"

#define START_MS INT64_C(1700000000000)
#define PULSE_US 1000

struct rig rig;
static _Atomic int64_t elapsed_ms;
static struct event *pulse;
static struct rig_taken taken;
static bool took;

static int64_t read_wall(const struct clock *c)
{
	(void)c;
	return START_MS + atomic_load(&elapsed_ms);
}

static int64_t read_mono(const struct clock *c)
{
	(void)c;
	return (1000 + atomic_load(&elapsed_ms)) * 1000;
}

void rig_advance(int64_t ms)
{
	atomic_fetch_add(&elapsed_ms, ms);
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
}

static void make_worker(void)
{
	rig.clock = (struct clock){.wall_ms = read_wall, .mono_us = read_mono};
	rig.common = (struct worker_common){
	    .clock = &rig.clock, .metrics = metrics_new(1), .shared = shared_objects_new()};
	rig.worker = worker_new(0, &rig.common);
	pulse = event_new(worker_base(rig.worker), -1, EV_PERSIST, tick, NULL);
	event_add(pulse, &(struct timeval){.tv_usec = PULSE_US});
}

void rig_start(void)
{
	rig_start_empty();
	rig_open();
}

void rig_start_empty(void)
{
	snprintf(rig.directory, sizeof(rig.directory), "/tmp/onceway-spool-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig.directory));
	snprintf(rig.file, sizeof(rig.file), "%s/spool.db", rig.directory);
	atomic_store(&elapsed_ms, 0);
	make_worker();
	rig.setup = (struct spool_setup){.directory = rig.directory,
	    .max_bytes = 1 << 20,
	    .dead_max_bytes = 1 << 20,
	    .dead_max_age_ms = 1000000,
	    .clock = &rig.clock,
	    .metrics = rig.common.metrics,
	    .metrics_index = 1};
	rig.spool = NULL;
}

void rig_open(void)
{
	char why[SPOOL_WHY_SIZE] = "";
	rig.spool = spool_open(&rig.setup, why);
	ck_assert_msg(rig.spool != NULL, "%s", why);
}

const char *rig_refused(void)
{
	static char why[SPOOL_WHY_SIZE];
	why[0] = '\0';
	rig.spool = spool_open(&rig.setup, why);
	ck_assert_ptr_null(rig.spool);
	ck_assert_str_ne(why, "");
	return why;
}

void rig_close(void)
{
	spool_close(rig.spool);
	rig.spool = NULL;
}

static void forget_taken(void)
{
	for (size_t i = 0; i < taken.count; i++)
		free((char *)taken.events[i].route.data);
	taken.count = 0;
}

void rig_stop(void)
{
	char command[128];
	rig_close();
	forget_taken();
	event_free(pulse);
	worker_free(rig.worker);
	shared_objects_free(rig.common.shared);
	metrics_free(rig.common.metrics);
	snprintf(command, sizeof(command), "rm -rf %s", rig.directory);
	ck_assert_int_eq(system(command), 0);
}

void rig_turn(void)
{
	event_base_loop(worker_base(rig.worker), EVLOOP_ONCE);
}

struct spool_event rig_event(const char *body)
{
	return (struct spool_event){.route = text_of("orders"),
	    .source = text_of("web"),
	    .key = text_of("test:1"),
	    .path = text_of("/in"),
	    .headers = text_of("Content-Type: application/json\r\n"),
	    .body = text_of(body),
	    .trace = text_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
	    .arrived_ms = START_MS - 5,
	    .claimed = true,
	    .token = "0123456789abcde",
	    .history = text_of("[]")};
}

void rig_done(int64_t id, const char *why, void *arg)
{
	struct rig_answer *a = arg;
	ck_assert(!a->came);
	a->came = true;
	a->id = id;
	text_store(a->why, sizeof(a->why), why);
}

int64_t rig_put(const struct spool_event *event)
{
	struct rig_answer a = {.came = false};
	spool_put(rig.spool, rig.worker, event, rig_done, &a);
	rig_until(a.came);
	return a.why[0] ? 0 : a.id;
}

int64_t rig_put_body(const char *body)
{
	struct spool_event event = rig_event(body);
	return rig_put(&event);
}

int64_t rig_put_dead(const char *body, const char *reason)
{
	struct rig_answer a = {.came = false};
	struct spool_event event = rig_event(body);
	struct spool_death death = {.reason = text_of(reason), .history = text_of("[1]")};
	spool_put_dead(rig.spool, rig.worker, &event, &death, rig_done, &a);
	rig_until(a.came);
	return a.why[0] ? 0 : a.id;
}

bool rig_bury(int64_t id, const char *reason)
{
	struct rig_answer a = {.came = false};
	struct spool_death death = {.reason = text_of(reason), .history = text_of("[1]")};
	spool_bury(rig.spool, rig.worker, id, &death, rig_done, &a);
	rig_until(a.came);
	ck_assert_int_eq(a.id, id);
	return !a.why[0];
}

void rig_until_waiting(int64_t count)
{
	rig_until(spool_count(rig.spool).waiting == count);
}

static sqlite3 *open_file(void)
{
	sqlite3 *db;
	ck_assert_int_eq(sqlite3_open(rig.file, &db), SQLITE_OK);
	return db;
}

int64_t rig_query(const char *sql)
{
	sqlite3_stmt *s;
	sqlite3 *db = open_file();
	int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
	ck_assert_msg(rc == SQLITE_OK, "%s", sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return value;
}

void rig_execute(const char *sql)
{
	sqlite3 *db = open_file();
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	ck_assert_msg(rc == SQLITE_OK, "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void copy(struct ow_text *t, char **at)
{
	if (t->len)
		memcpy(*at, t->data, t->len);
	t->data = *at;
	*at += t->len;
}

static void keep_taken(const struct spool_event *events, size_t count, void *arg)
{
	(void)arg;
	ck_assert_uint_le(count, sizeof(taken.events) / sizeof(taken.events[0]));
	for (size_t i = 0; i < count; i++) {
		struct spool_event *e = &taken.events[i];
		*e = events[i];
		char *at =
		    mem_alloc(e->route.len + e->source.len + e->key.len + e->path.len +
			      e->headers.len + e->body.len + e->trace.len + e->history.len);
		copy(&e->route, &at);
		copy(&e->source, &at);
		copy(&e->key, &at);
		copy(&e->path, &at);
		copy(&e->headers, &at);
		copy(&e->body, &at);
		copy(&e->trace, &at);
		copy(&e->history, &at);
	}
	taken.count = count;
	took = true;
}

const struct rig_taken *rig_take(size_t max)
{
	forget_taken();
	took = false;
	spool_take(rig.spool, rig.worker, max, keep_taken, NULL);
	rig_until(took);
	return &taken;
}
