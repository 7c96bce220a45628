#include "store_redis/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "store_redis/fault.h"
#include "store_redis/scan.h"
#include "store_redis/value.h"

/* Read at once. Each is up to max_result large, and somewhat more. */
#define LOOKS_MAX 32

/* Of a value no more is read: more than any of ours has. */
#define VALUE_MAX (CHECKPOINT_BODY_MAX / 3 * 4 + (1 << 20))

enum step {
	STEP_BEGIN = 1,
	STEP_WRITE,
	STEP_FINISH,
	STEP_ABANDON,
};

struct snapshot {
	struct store *store;
	struct checkpoint_file *file;
	struct errands *errands;
	snapshot_fn *done;
	struct scan scan;
	struct look *found; /* keys of the page that are still to be read */
	size_t looks;	    /* under way */
	bool scanned;	    /* there are no more pages */
	bool failed;
	struct errand errand;
	enum step step; /* what the thread is asked to do */
	struct checkpoint_encoder *encoder;
	struct snapshot_end end;
};

/* One key and what is asked about it. */
struct look {
	struct look *next;
	struct trip trip;
	struct snapshot *snapshot;
	bool whole; /* the script is sent by its text */
	size_t key_len;
	char key[];
};

static void go_on(struct snapshot *p);

/* ---- the thread ---- */

static void on_step(void *arg);

static void run_step(struct errand *errand)
{
	struct snapshot *p = STORE_OF(errand, struct snapshot, errand);
	struct snapshot_end *end = &p->end;
	switch (p->step) {
	case STEP_BEGIN:
		p->encoder = checkpoint_file_begin(p->file, end->wall_ms, end->why);
		p->failed = !p->encoder;
		break;
	case STEP_WRITE:
		p->failed = !checkpoint_file_write(p->file, end->why);
		break;
	case STEP_FINISH:
		end->saved = checkpoint_file_finish(p->file, &end->size, end->why);
		break;
	case STEP_ABANDON:
		checkpoint_file_abandon(p->file);
		break;
	}
	p->store->host->post(p->store->self, on_step, p);
}

static void take_step(struct snapshot *p, enum step step)
{
	p->step = step;
	/* The thread runs since the file was opened. */
	errands_send(p->errands, &p->errand);
}

static void on_step(void *arg)
{
	struct snapshot *p = arg;
	if (p->step == STEP_FINISH || p->step == STEP_ABANDON)
		p->done(p->store, &p->end);
	else if (p->step == STEP_BEGIN && !p->failed && !p->end.stopped)
		scan_begin(&p->scan);
	else
		go_on(p);
}

/* ---- reading keys ---- */

static void fail(struct snapshot *p, const char *why)
{
	if (!p->failed)
		snprintf(p->end.why, sizeof(p->end.why), "checkpoint: %s", why);
	p->failed = true;
}

/* left_ms and now_ms are as Redis says; records are as of the beginning. */
static void encode(struct snapshot *p, const struct look *look, struct ow_text text,
    int64_t left_ms, int64_t now_ms)
{
	int64_t elapsed = store_now(p->store) - p->end.mono_ms;
	struct value value;
	value_read(text, &value);
	int64_t age = value_age(&value, left_ms, now_ms);
	bool has_result = value.has_result && value.result.body.len <= CHECKPOINT_BODY_MAX;
	if (value.kind == VALUE_FINISHED)
		checkpoint_encode_record(
		    p->encoder, &(struct checkpoint_record){.key = {look->key, look->key_len},
				    .digest = value.has_digest ? value.digest : NULL,
				    .result = has_result ? &value.result : NULL,
				    .left_ms = left_ms + elapsed,
				    .age_ms = age - elapsed,
				    .age_unknown = age < 0});
	value_fini(&value);
	if (p->encoder->len - p->encoder->block_at >= CHECKPOINT_WRITE_BYTES)
		checkpoint_encode_block(p->encoder);
}

static void take_answer(
    struct snapshot *p, const struct look *look, const struct redisReply *reply)
{
	struct redisReply *const *parts = reply->element;
	if (reply->type == REDIS_REPLY_NIL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
	    parts[0]->type != REDIS_REPLY_STRING || parts[1]->type != REDIS_REPLY_INTEGER ||
	    parts[2]->type != REDIS_REPLY_INTEGER) {
		fail(p, "Redis answered with something else than a key");
		return;
	}
	encode(p, look, (struct ow_text){parts[0]->str, parts[0]->len}, parts[1]->integer,
	    parts[2]->integer);
}

/* True: it is asked again, in the form this server understands. */
static bool take_error(struct snapshot *p, struct look *look, const struct redisReply *error)
{
	char text[FAULT_TEXT_SIZE];
	const char *why = text;
	enum fault fault = fault_of((struct ow_text){error->str, error->len}, text);
	if (fault == FAULT_SCRIPT && !look->whole) {
		look->whole = true;
		if (trip_repeat(&look->trip, &why))
			return true;
	}
	fail(p, why);
	return false;
}

static void on_looked(struct trip *t, struct redisReply *const *replies, const char *why)
{
	struct look *look = STORE_OF(t, struct look, trip);
	struct snapshot *p = look->snapshot;
	if (!replies)
		fail(p, why);
	else if (replies[0]->type == REDIS_REPLY_ERROR) {
		if (take_error(p, look, replies[0]))
			return;
	} else if (!p->failed && !p->end.stopped)
		take_answer(p, look, replies[0]);
	p->looks--;
	free(look);
	go_on(p);
}

static void write_look(struct trip *t, struct command *commands)
{
	const struct look *look = STORE_OF(t, struct look, trip);
	script_call(commands, node_scripts(t->node), SCRIPT_LOOK, look->whole, t->key, 1);
	command_number(commands, VALUE_MAX);
}

static const struct trip_kind trip_kind = {.write = write_look, .done = on_looked};

/* False: it could not be asked. */
static bool send(struct snapshot *p, struct look *look)
{
	struct ow_text key = {look->key, look->key_len};
	const char *why;
	look->trip = (struct trip){.kind = &trip_kind,
	    .store = p->store,
	    .key = key,
	    .hash = store_hash(p->store, key)};
	if (trip_send(&look->trip, &why))
		return true;
	fail(p, why);
	return false;
}

static void forget_found(struct snapshot *p)
{
	while (p->found) {
		struct look *look = p->found;
		p->found = look->next;
		free(look);
	}
}

static void look_at_some(struct snapshot *p)
{
	while (p->found && p->looks < LOOKS_MAX && p->encoder->len < CHECKPOINT_WRITE_BYTES) {
		struct look *look = p->found;
		p->found = look->next;
		if (!send(p, look)) {
			free(look);
			return;
		}
		p->looks++;
	}
}

static void on_page(struct scan *scan, struct redisReply *const *keys, size_t count)
{
	struct snapshot *p = STORE_OF(scan, struct snapshot, scan);
	for (size_t i = 0; i < count; i++) {
		size_t len = keys[i]->len;
		if (len > CHECKPOINT_KEY_MAX)
			continue;
		struct look *look = alloc_zero(1, sizeof(*look) + len);
		look->snapshot = p;
		look->key_len = len;
		memcpy(look->key, keys[i]->str, len);
		look->next = p->found;
		p->found = look;
	}
	go_on(p);
}

static void on_scanned(struct scan *scan, const char *why)
{
	struct snapshot *p = STORE_OF(scan, struct snapshot, scan);
	p->scanned = true;
	if (why)
		fail(p, why);
	go_on(p);
}

/* ---- one after the other ---- */

/* Whenever something has ended: what comes next. Nothing is under way on the thread. */
static void go_on(struct snapshot *p)
{
	if (p->failed || p->end.stopped) {
		forget_found(p);
		if (p->looks == 0 && !scan_asked(&p->scan))
			take_step(p, STEP_ABANDON);
		return;
	}
	look_at_some(p);
	if (p->failed) {
		go_on(p);
		return;
	}
	if (p->looks > 0)
		return;
	if (p->encoder->len >= CHECKPOINT_WRITE_BYTES)
		take_step(p, STEP_WRITE);
	else if (p->scanned)
		take_step(p, STEP_FINISH);
	else
		scan_next(&p->scan);
}

void snapshot_begin(struct snapshot *p)
{
	struct store *s = p->store;
	p->end = (struct snapshot_end){
	    .wall_ms = s->host->wall_ms(s->self), .mono_ms = store_now(s)};
	p->scanned = p->failed = false;
	take_step(p, STEP_BEGIN);
}

void snapshot_stop(struct snapshot *p)
{
	p->end.stopped = true;
}

/* ---- life ---- */

struct snapshot *snapshot_new(
    struct store *s, struct checkpoint_file *file, struct errands *errands, snapshot_fn *done)
{
	struct snapshot *p = alloc_zero(1, sizeof(*p));
	p->store = s;
	p->file = file;
	p->errands = errands;
	p->done = done;
	p->errand.run = run_step;
	p->scan.page = on_page;
	p->scan.end = on_scanned;
	scan_init(&p->scan, s);
	return p;
}

void snapshot_free(struct snapshot *p)
{
	if (!p)
		return;
	errands_forget(p->errands, &p->errand);
	forget_found(p);
	free(p);
}
