#include "store_memory/durable.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

/* Waiting to be written at once, beside as much that is being written; one may be larger. */
#define QUEUE_BYTES (8 << 20)

/* Rows that are removed in one transaction: beside others, and when there is time. */
#define EXPIRE_BESIDE 64
#define EXPIRE_ALONE  1024

/* The clock is noted at least that often, so that an idle file's is not far behind. */
#define NOTE_MS 60000

/* Copied under a shard's lock at once, when keys that were left out are looked for. */
#define SLICE_BYTES (128 << 10)

struct queue {
	struct durable_write *first, **last;
	size_t bytes, count;
};

struct durable {
	struct memory *memory;
	struct durable_file *file;
	bool always;
	pthread_t thread;
	int64_t noted_ms; /* the thread's: when the clock was last noted */

	pthread_mutex_t lock;
	pthread_cond_t wake; /* the thread */
	pthread_cond_t rest; /* those who wait for it to have done what it is doing */
	/* under the lock */
	bool running, quit;
	bool load, flush, tick; /* orders */
	bool working;		/* something, */
	bool writing;		/* or even keys */
	struct moment now;
	struct queue queue;
	int64_t missed_ms; /* what was finished since then was left out; INT64_MAX: nothing */
	struct durable_listener *listeners;
	struct durable_news news;
};

/* ---- a queue ---- */

static void queue_init(struct queue *q)
{
	*q = (struct queue){.first = NULL};
	q->last = &q->first;
}

static size_t size_of(const struct durable_write *write)
{
	return sizeof(*write) + sizeof(*write->entry) + key_entry_length(write->entry);
}

static void queue_add(struct queue *q, struct durable_write *write)
{
	write->next = NULL;
	*q->last = write;
	q->last = &write->next;
	q->bytes += size_of(write);
	q->count++;
}

/* All that is in the first goes before what is in the second. */
static void queue_prepend(struct queue *first, struct queue *second)
{
	if (!first->first)
		return;
	*first->last = second->first;
	if (second->first)
		first->last = second->last;
	first->bytes += second->bytes;
	first->count += second->count;
	*second = *first;
	queue_init(first);
}

static void write_free(struct durable_write *write)
{
	free(write->entry);
	write->entry = NULL;
	if (!write->listener)
		free(write);
}

static void queue_free(struct queue *q)
{
	while (q->first) {
		struct durable_write *write = q->first;
		q->first = write->next;
		write_free(write);
	}
	queue_init(q);
}

/* ---- telling ---- */

static void tell(struct durable_listener *listener)
{
	if (listener->told)
		return;
	listener->told = true;
	listener->tell(listener);
}

static void tell_all(struct durable *d)
{
	for (struct durable_listener *l = d->listeners; l; l = l->next)
		tell(l);
}

static void tell_of_room(struct durable *d)
{
	for (struct durable_listener *l = d->listeners; l; l = l->next) {
		if (l->wants_room)
			tell(l);
		l->wants_room = false;
	}
}

static void give_back(struct durable_write *write, bool failed)
{
	struct durable_listener *listener = write->listener;
	write_free(write);
	if (!listener)
		return;
	write->failed = failed;
	write->next = NULL;
	*listener->last = write;
	listener->last = &write->next;
	tell(listener);
}

static void give_all_back(struct queue *q, bool failed)
{
	while (q->first) {
		struct durable_write *write = q->first;
		q->first = write->next;
		give_back(write, failed);
	}
	queue_init(q);
}

/* ---- the thread: transactions, without the lock ---- */

static bool write_one(
    struct durable_file *f, const struct durable_write *write, char why[DURABLE_WHY])
{
	const struct key_entry *entry = write->entry;
	if (!write->gone)
		return durable_file_put(f, entry, why);
	return durable_file_remove(
	    f, (struct ow_text){entry->bytes, entry->key_len}, entry->expires_ms, why);
}

/* For each row that comes two may go, so that the file does not grow while it could shrink. */
static bool write_all(
    struct durable *d, const struct queue *batch, struct moment now, char why[DURABLE_WHY])
{
	unsigned gone;
	if (!durable_file_begin(d->file, why))
		return false;
	for (const struct durable_write *w = batch->first; w; w = w->next)
		if (!write_one(d->file, w, why))
			return false;
	unsigned max = EXPIRE_BESIDE + 2 * (unsigned)batch->count;
	if (!durable_file_expire(d->file, now.mono_ms, max, &gone, why) ||
	    !durable_file_commit(d->file, now, why))
		return false;
	d->noted_ms = now.mono_ms;
	return true;
}

/* One step of removing; *more: there may be more to do. */
static bool expire(struct durable *d, struct moment now, bool *more, char why[DURABLE_WHY])
{
	unsigned gone;
	*more = false;
	if (!durable_file_begin(d->file, why) ||
	    !durable_file_expire(d->file, now.mono_ms, EXPIRE_ALONE, &gone, why))
		return false;
	*more = gone == EXPIRE_ALONE;
	if (!durable_file_commit(d->file, now, why))
		return false;
	d->noted_ms = now.mono_ms;
	return true;
}

struct search {
	struct queue found;
	int64_t since_ms;
};

/* Under a shard's lock: copies and nothing else. */
static void find_missed(void *arg, const struct key_entry *entry)
{
	struct search *s = arg;
	if (entry->is.result.since_ms < s->since_ms)
		return;
	struct durable_write *write = alloc_zero(1, sizeof(*write));
	write->entry = key_entry_copy(entry);
	queue_add(&s->found, write);
}

/* Writes what was finished since then, whether it was left out or not. */
static bool write_missed(
    struct durable *d, int64_t since_ms, struct moment now, char why[DURABLE_WHY])
{
	struct memory_walk walk = {.shard = 0};
	struct search s = {.since_ms = since_ms};
	bool good = true;
	queue_init(&s.found);
	while (good && memory_walk(d->memory, &walk, SLICE_BYTES, find_missed, &s))
		if (s.found.bytes >= QUEUE_BYTES) {
			good = write_all(d, &s.found, now, why);
			queue_free(&s.found);
		}
	if (good && s.found.first)
		good = write_all(d, &s.found, now, why);
	queue_free(&s.found);
	return good;
}

/* ---- the thread: under the lock, but for transactions ---- */

/* Takes the lock again. */
static void end_transaction(struct durable *d, bool good, const char *why)
{
	pthread_mutex_lock(&d->lock);
	/* Where nobody waits for it there are few, so that counters are of now. */
	bool changed = d->news.failing == good || !d->always;
	d->news.failing = !good;
	if (good) {
		d->news.transactions++;
	} else {
		d->news.errors++;
		memcpy(d->news.why, why, DURABLE_WHY);
		changed = true;
	}
	if (changed)
		tell_all(d);
}

static bool restore(void *arg, const struct key_restored *key)
{
	return memory_restore(arg, key);
}

static void do_load(struct durable *d)
{
	struct durable_loaded loaded;
	char why[DURABLE_WHY] = "";
	struct moment now = d->now;
	d->load = false;
	pthread_mutex_unlock(&d->lock);
	bool good = durable_file_open(d->file, now, restore, d->memory, &loaded, why);
	pthread_mutex_lock(&d->lock);
	d->noted_ms = now.mono_ms;
	d->news.loaded = good;
	d->news.load_failed = !good;
	d->news.load = loaded;
	memcpy(d->news.why, why, sizeof(why));
	tell_all(d);
}

static void do_write(struct durable *d)
{
	struct queue batch = d->queue;
	struct moment now = d->now;
	char why[DURABLE_WHY] = "";
	if (!batch.first)
		return;
	queue_init(&d->queue);
	d->flush = false;
	tell_of_room(d);
	d->writing = true;
	pthread_mutex_unlock(&d->lock);
	bool good = write_all(d, &batch, now, why);
	end_transaction(d, good, why);
	d->writing = false;
	if (good)
		d->news.keys += batch.count;
	if (good || d->always)
		give_all_back(&batch, !good);
	else /* nobody waits: to be tried again */
		queue_prepend(&batch, &d->queue);
}

static void do_missed(struct durable *d)
{
	int64_t since = d->missed_ms;
	struct moment now = d->now;
	char why[DURABLE_WHY] = "";
	if (since == INT64_MAX || d->news.failing)
		return;
	d->missed_ms = INT64_MAX;
	d->writing = true;
	pthread_mutex_unlock(&d->lock);
	bool good = write_missed(d, since, now, why);
	end_transaction(d, good, why);
	d->writing = false;
	if (good)
		d->news.lost = 0;
	else if (since < d->missed_ms)
		d->missed_ms = since;
}

static bool is_due(const struct durable *d)
{
	if (!d->queue.first)
		return false;
	if (d->flush || d->quit)
		return true;
	/* What failed is tried again with the next tick, not for each event. */
	return !d->news.failing && (d->always || d->queue.bytes > QUEUE_BYTES / 2);
}

/* Whether rows have expired. Without the lock: it reads the file. */
static bool has_expired(struct durable *d, struct moment now)
{
	pthread_mutex_unlock(&d->lock);
	bool some = durable_file_has_expired(d->file, now.mono_ms);
	pthread_mutex_lock(&d->lock);
	return some;
}

static void do_tick(struct durable *d)
{
	struct moment now = d->now;
	char why[DURABLE_WHY] = "";
	d->tick = false;
	bool more =
	    d->news.failing || now.mono_ms - d->noted_ms >= NOTE_MS || has_expired(d, now);
	while (more && !d->quit && !is_due(d)) {
		pthread_mutex_unlock(&d->lock);
		bool good = expire(d, now, &more, why);
		end_transaction(d, good, why);
	}
}

static bool nothing_waits(const struct durable *d)
{
	return !d->queue.first && d->missed_ms == INT64_MAX;
}

/* Those who wait for the end are told also when it does not come: what failed says why. */
static void tell_of_end(struct durable *d)
{
	if (!nothing_waits(d) && !(d->news.failing && !d->flush))
		return;
	for (struct durable_listener *l = d->listeners; l; l = l->next) {
		if (l->wants_end)
			tell(l);
		l->wants_end = false;
	}
}

static void work(struct durable *d)
{
	if (is_due(d))
		do_write(d);
	else if (d->tick)
		do_tick(d);
	do_missed(d);
	d->flush = d->flush && d->queue.first && !d->news.failing;
	tell_of_end(d);
}

static void *run(void *arg)
{
	struct durable *d = arg;
	pthread_mutex_lock(&d->lock);
	while (!d->quit) {
		d->working = true;
		if (d->load)
			do_load(d);
		else if (d->news.loaded && (is_due(d) || d->tick || d->flush))
			work(d);
		else
			d->working = false;
		if (d->working)
			continue;
		pthread_cond_broadcast(&d->rest);
		pthread_cond_wait(&d->wake, &d->lock);
	}
	d->working = false;
	pthread_cond_broadcast(&d->rest);
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* ---- life ---- */

struct durable *durable_new(struct memory *m, const char *path, bool always)
{
	struct durable *d = alloc_zero(1, sizeof(*d));
	d->memory = m;
	d->file = durable_file_new(path);
	d->always = always;
	d->missed_ms = INT64_MAX;
	queue_init(&d->queue);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	pthread_cond_init(&d->rest, NULL);
	return d;
}

void durable_free(struct durable *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	bool running = d->running;
	d->quit = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	if (running)
		pthread_join(d->thread, NULL);
	queue_free(&d->queue);
	durable_file_free(d->file);
	pthread_cond_destroy(&d->rest);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void durable_join(struct durable *d, struct durable_listener *listener)
{
	pthread_mutex_lock(&d->lock);
	listener->last = &listener->first;
	listener->next = d->listeners;
	d->listeners = listener;
	pthread_mutex_unlock(&d->lock);
}

/* Takes a listener's writes out of the queue and gives them back. */
static void take_back(struct durable *d, const struct durable_listener *listener)
{
	struct queue others, all = d->queue;
	queue_init(&others);
	while (all.first) {
		struct durable_write *write = all.first;
		all.first = write->next;
		if (write->listener == listener)
			give_back(write, true);
		else
			queue_add(&others, write);
	}
	queue_init(&d->queue);
	queue_prepend(&others, &d->queue);
}

struct durable_write *durable_leave(struct durable *d, struct durable_listener *listener)
{
	pthread_mutex_lock(&d->lock);
	listener->told = true; /* and never again */
	while (d->running && d->working)
		pthread_cond_wait(&d->rest, &d->lock);
	take_back(d, listener);
	struct durable_listener **at = &d->listeners;
	while (*at != listener)
		at = &(*at)->next;
	*at = listener->next;
	pthread_mutex_unlock(&d->lock);
	return listener->first;
}

bool durable_load(struct durable *d, struct moment now, struct durable_listener *listener)
{
	pthread_mutex_lock(&d->lock);
	if (d->news.loaded || d->news.load_failed) {
		tell(listener);
	} else if (!d->running) {
		d->running = pthread_create(&d->thread, NULL, run, d) == 0;
		d->load = true;
		d->now = now;
	}
	bool running = d->running;
	pthread_mutex_unlock(&d->lock);
	return running;
}

/* ---- what others ask for ---- */

static void set_now(struct durable *d, struct moment now)
{
	if (now.mono_ms > d->now.mono_ms)
		d->now = now;
}

static bool has_room(const struct durable *d, const struct durable_write *write)
{
	return !d->queue.first || d->queue.bytes + size_of(write) <= QUEUE_BYTES;
}

static void miss(struct durable *d, struct durable_write *write)
{
	int64_t since = write->entry->is.result.since_ms;
	if (!write->gone) {
		d->missed_ms = since < d->missed_ms ? since : d->missed_ms;
		d->news.lost++;
	}
	write_free(write);
}

bool durable_put(struct durable *d, struct moment now, struct durable_write *write,
    struct durable_listener *listener)
{
	bool taken = true;
	pthread_mutex_lock(&d->lock);
	set_now(d, now);
	if (has_room(d, write)) {
		queue_add(&d->queue, write);
		pthread_cond_signal(&d->wake);
	} else if (!d->always && d->news.failing) {
		miss(d, write);
	} else {
		listener->wants_room = true;
		taken = false;
	}
	pthread_mutex_unlock(&d->lock);
	return taken;
}

void durable_try(struct durable *d, const struct key_entry *entry, bool gone)
{
	struct durable_write *write = alloc_zero(1, sizeof(*write));
	write->entry = key_entry_copy(entry);
	write->gone = gone;
	pthread_mutex_lock(&d->lock);
	if (d->news.loaded && has_room(d, write))
		queue_add(&d->queue, write);
	else
		write_free(write);
	pthread_mutex_unlock(&d->lock);
}

void durable_flush(struct durable *d, struct moment now)
{
	pthread_mutex_lock(&d->lock);
	set_now(d, now);
	d->flush = d->flush || !d->news.failing;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

void durable_finish(struct durable *d, struct moment now, struct durable_listener *listener)
{
	pthread_mutex_lock(&d->lock);
	set_now(d, now);
	listener->wants_end = true;
	d->flush = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

void durable_tick(struct durable *d, struct moment now)
{
	pthread_mutex_lock(&d->lock);
	set_now(d, now);
	d->tick = d->flush = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

struct durable_write *durable_hear(
    struct durable *d, struct durable_listener *listener, struct durable_news *news)
{
	pthread_mutex_lock(&d->lock);
	struct durable_write *first = listener->first;
	listener->first = NULL;
	listener->last = &listener->first;
	listener->told = false;
	d->news.idle = nothing_waits(d) && !d->writing;
	*news = d->news;
	pthread_mutex_unlock(&d->lock);
	return first;
}
