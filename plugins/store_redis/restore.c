#include "store_redis/restore.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "store_redis/fault.h"
#include "store_redis/redis_clock.h"
#include "store_redis/value.h"

/* Handed over at once: so many keys, or so many bytes and one key more. */
#define BATCH_KEYS  256
#define BATCH_BYTES (1 << 20)

/* A key on its way from the file to Redis. */
struct key {
	struct key *next;
	struct trip trip;
	struct restore *restore;
	int64_t expires_ms;
	struct ow_text value; /* owned */
	size_t key_len;
	char key[];
};

struct batch {
	struct key *first;
	size_t keys, bytes;
};

struct restore {
	struct store *store;
	struct checkpoint_file *file;
	struct errands *errands;
	restore_fn *done;
	struct request asking; /* Redis for its time */
	struct errand errand;

	/* the loop's */
	size_t sent;	 /* of the batch, not answered yet */
	bool read_ended; /* the thread has nothing more to do with it */
	struct restore_end end;

	/* the thread's, between beginning and end */
	int64_t mono_ms, wall_ms, redis_ms; /* the same moment */
	struct batch batch;
	struct checkpoint_loaded loaded;
	char why[CHECKPOINT_WHY]; /* not read to its end; empty: it was */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct key *handed; /* under the lock: over to the loop, */
	bool busy;	    /* which has not finished with it; */
	bool stopped;	    /* enough */
};

/* ---- the thread ---- */

static void on_batch(void *arg);
static void on_read(void *arg);

static void free_keys(struct key *key)
{
	while (key) {
		struct key *next = key->next;
		free((char *)(uintptr_t)key->value.data);
		free(key);
		key = next;
	}
}

/* Waits until the loop has done with it. False: enough. */
static bool hand_over(struct restore *r)
{
	pthread_mutex_lock(&r->lock);
	if (r->batch.first && !r->stopped) {
		r->handed = r->batch.first;
		r->batch = (struct batch){.first = NULL};
		r->busy = true;
		r->store->host->post(r->store->self, on_batch, r);
		while (r->busy && !r->stopped)
			pthread_cond_wait(&r->changed, &r->lock);
	}
	bool go_on = !r->stopped;
	pthread_mutex_unlock(&r->lock);
	return go_on;
}

/*
 * As it would stand there: what we wrote in our form; what others left, whose
 * age nobody knows, in theirs.
 */
static struct ow_text value_of(const struct restore *r, const struct checkpoint_record *record)
{
	const struct ow_result *result = record->result;
	if (result && !record->age_unknown)
		return value_write_restored(record->digest, result,
		    record->left_ms + record->age_ms, r->redis_ms - record->age_ms);
	return value_write_foreign(result ? result->body : (struct ow_text){NULL, 0});
}

static bool take_record(void *arg, const struct checkpoint_record *record)
{
	struct restore *r = arg;
	struct key *key = alloc_zero(1, sizeof(*key) + record->key.len);
	key->restore = r;
	key->expires_ms = r->mono_ms + record->left_ms;
	key->value = value_of(r, record);
	key->key_len = record->key.len;
	if (record->key.len)
		memcpy(key->key, record->key.data, record->key.len);
	key->next = r->batch.first;
	r->batch.first = key;
	r->batch.keys++;
	r->batch.bytes += key->key_len + key->value.len;
	return (r->batch.keys < BATCH_KEYS && r->batch.bytes < BATCH_BYTES) || hand_over(r);
}

static void read_file(struct errand *errand)
{
	struct restore *r = STORE_OF(errand, struct restore, errand);
	r->why[0] = '\0';
	if (checkpoint_file_load(r->file, r->wall_ms, take_record, r, &r->loaded, r->why))
		hand_over(r);
	free_keys(r->batch.first);
	r->batch = (struct batch){.first = NULL};
	r->store->host->post(r->store->self, on_read, r);
}

/* ---- the loop ---- */

static void stop(struct restore *r)
{
	pthread_mutex_lock(&r->lock);
	r->stopped = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

static void fail(struct restore *r, const char *why)
{
	if (!r->end.why[0])
		snprintf(r->end.why, sizeof(r->end.why), "%s", why);
}

/* When both the thread and Redis have done with it. */
static void end_if_done(struct restore *r)
{
	if (!r->read_ended || r->sent > 0)
		return;
	r->end.whole = !r->end.why[0];
	r->done(r->store, &r->end);
}

static void on_read(void *arg)
{
	struct restore *r = arg;
	r->loaded.expired += r->end.loaded.expired;
	r->end.loaded = r->loaded;
	if (r->why[0])
		fail(r, r->why);
	r->read_ended = true;
	end_if_done(r);
}

/* All of the batch is answered: the thread may bring the next one. */
static void end_batch(struct restore *r)
{
	if (r->end.why[0])
		stop(r);
	pthread_mutex_lock(&r->lock);
	r->busy = false;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	end_if_done(r);
}

static void take_answer(struct restore *r, const struct redisReply *reply)
{
	char why[FAULT_TEXT_SIZE];
	if (reply->type == REDIS_REPLY_NIL) {
		r->end.present++;
	} else if (reply->type == REDIS_REPLY_ERROR) {
		fault_of((struct ow_text){reply->str, reply->len}, why);
		fail(r, why);
	} else {
		r->end.restored++;
	}
}

static void on_set(struct trip *t, struct redisReply *const *replies, const char *why)
{
	struct key *key = STORE_OF(t, struct key, trip);
	struct restore *r = key->restore;
	if (replies)
		take_answer(r, replies[0]);
	else
		fail(r, why);
	key->next = NULL;
	free_keys(key);
	if (--r->sent == 0)
		end_batch(r);
}

static void write_set(struct trip *t, struct command *commands)
{
	const struct key *key = STORE_OF(t, struct key, trip);
	int64_t left = key->expires_ms - store_now(t->store);
	command_begin(commands, "SET", 5);
	command_text(commands, t->key);
	command_text(commands, key->value);
	command_string(commands, "NX");
	command_string(commands, "PX");
	command_number(commands, left > 0 ? left : 1);
}

static const struct trip_kind trip_kind = {.write = write_set, .done = on_set};

/* False: it is not on its way to Redis. */
static bool send_key(struct restore *r, struct key *key)
{
	struct store *s = r->store;
	struct ow_text text = {key->key, key->key_len};
	const char *why;
	bool expired = key->expires_ms <= store_now(s);
	if (expired)
		r->end.loaded.expired++;
	if (r->end.why[0] || expired)
		return false;
	key->trip = (struct trip){
	    .kind = &trip_kind, .store = s, .key = text, .hash = store_hash(s, text)};
	if (trip_send(&key->trip, &why))
		return true;
	fail(r, why);
	return false;
}

static void on_batch(void *arg)
{
	struct restore *r = arg;
	pthread_mutex_lock(&r->lock);
	struct key *key = r->handed;
	r->handed = NULL;
	pthread_mutex_unlock(&r->lock);
	r->sent = 1; /* this function: nothing ends before all are sent */
	while (key) {
		struct key *next = key->next;
		key->next = NULL;
		if (send_key(r, key))
			r->sent++;
		else
			free_keys(key);
		key = next;
	}
	if (--r->sent == 0)
		end_batch(r);
}

/* A commit's time is by Redis' clock, so what is restored needs to know it. */
static void on_time(struct request *request, struct redisReply *const *replies, const char *why)
{
	struct restore *r = STORE_OF(request, struct restore, asking);
	struct store *s = r->store;
	int64_t now = replies ? redis_clock_read(replies[0]) : -1;
	if (now < 0)
		fail(r, why ? why : "Redis does not tell its time (TIME)");
	if (r->end.why[0]) {
		r->done(s, &r->end);
		return;
	}
	r->redis_ms = now;
	r->mono_ms = store_now(s);
	r->wall_ms = s->host->wall_ms(s->self);
	errands_send(r->errands, &r->errand);
}

void restore_begin(struct restore *r)
{
	struct store *s = r->store;
	struct node *node = servers_at(s->servers, 0);
	const char *why = "Redis is not reached";
	r->end = (struct restore_end){.whole = false};
	r->stopped = r->read_ended = false;
	command_clear(&s->command);
	redis_clock_ask(&s->command);
	r->asking.done = on_time;
	if (node && node_send(node, 0, &r->asking, &s->command, &why))
		return;
	fail(r, why);
	r->done(s, &r->end);
}

void restore_stop(struct restore *r)
{
	fail(r, "it was broken off");
	stop(r);
}

/* ---- life ---- */

struct restore *restore_new(
    struct store *s, struct checkpoint_file *file, struct errands *errands, restore_fn *done)
{
	struct restore *r = alloc_zero(1, sizeof(*r));
	r->store = s;
	r->file = file;
	r->errands = errands;
	r->done = done;
	r->errand.run = read_file;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	return r;
}

void restore_free(struct restore *r)
{
	if (!r)
		return;
	stop(r);
	errands_forget(r->errands, &r->errand);
	free_keys(r->handed);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
