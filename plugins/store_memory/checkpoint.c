#include "store_memory/checkpoint.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

enum order {
	ORDER_NONE = 0,
	ORDER_SETTLE,
	ORDER_LOAD,
	ORDER_SAVE,
	ORDER_SAVE_LAST,
	ORDER_QUIT
};

struct checkpoint {
	struct memory *memory;
	struct checkpoint_file *file;
	pthread_t thread;
	atomic_bool stop; /* the save that is under way */

	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock */
	bool running;
	enum order order;
	struct moment time;		       /* of the order */
	struct checkpoint_listener *listeners; /* of the order */
	struct checkpoint_listener *served;    /* of the one that is carried out */
	struct checkpoint_news news;
};

struct checkpoint *checkpoint_new(struct memory *m, const char *path)
{
	struct checkpoint *c = alloc_zero(1, sizeof(*c));
	c->memory = m;
	c->file = checkpoint_file_new(path);
	atomic_init(&c->stop, false);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	return c;
}

static void give_order(struct checkpoint *c, enum order order)
{
	c->order = order;
	pthread_cond_signal(&c->wake);
}

void checkpoint_free(struct checkpoint *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	bool running = c->running;
	atomic_store(&c->stop, true);
	give_order(c, ORDER_QUIT);
	pthread_mutex_unlock(&c->lock);
	if (running)
		pthread_join(c->thread, NULL);
	checkpoint_file_free(c->file);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ---- the thread ---- */

static void add_listener(
    struct checkpoint_listener **list, struct checkpoint_listener *listener)
{
	listener->waiting = true;
	listener->next = *list;
	*list = listener;
}

static struct checkpoint_listener *take_listener(struct checkpoint_listener **list)
{
	struct checkpoint_listener *listener = *list;
	*list = listener->next;
	listener->waiting = false;
	return listener;
}

/* Under the lock, so that nobody who is told can be gone meanwhile. */
static void tell_served(struct checkpoint *c)
{
	while (c->served) {
		struct checkpoint_listener *listener = take_listener(&c->served);
		listener->tell(listener);
	}
}

static void load(struct checkpoint *c, struct moment time)
{
	struct keys_loaded loaded = {.no_room = 0};
	char why[CHECKPOINT_WHY] = "";
	bool good = checkpoint_file_open(c->file, why) &&
		    keys_load(c->file, c->memory, time, &loaded, why);
	pthread_mutex_lock(&c->lock);
	c->news.loaded = good;
	c->news.load_failed = !good;
	c->news.load = loaded;
	memcpy(c->news.why, why, sizeof(why));
	tell_served(c);
	pthread_mutex_unlock(&c->lock);
}

static void note_save(struct checkpoint_news *news, enum keys_end end,
    const struct checkpoint_saved *saved, struct moment time)
{
	news->save_failed = end == KEYS_FAILED;
	if (end == KEYS_FAILED) {
		news->errors++;
		return;
	}
	news->saves++;
	news->save = *saved;
	news->save_time = time;
}

static void save(struct checkpoint *c, struct moment time)
{
	struct checkpoint_saved saved;
	char why[CHECKPOINT_WHY] = "";
	enum keys_end end = keys_save(c->file, c->memory, time, &c->stop, &saved, why);
	pthread_mutex_lock(&c->lock);
	if (end == KEYS_STOPPED) {
		/* In favour of the next order, which serves them too. */
		while (c->served)
			add_listener(&c->listeners, take_listener(&c->served));
	} else {
		note_save(&c->news, end, &saved, time);
		memcpy(c->news.why, why, sizeof(why));
		tell_served(c);
	}
	pthread_mutex_unlock(&c->lock);
}

static void obey(struct checkpoint *c, enum order order, struct moment time)
{
	if (order == ORDER_LOAD)
		load(c, time);
	else if (order == ORDER_SETTLE)
		alloc_settle();
	else
		save(c, time);
}

static void *run(void *arg)
{
	struct checkpoint *c = arg;
	pthread_mutex_lock(&c->lock);
	for (;;) {
		while (c->order == ORDER_NONE)
			pthread_cond_wait(&c->wake, &c->lock);
		enum order order = c->order;
		struct moment time = c->time;
		if (order == ORDER_QUIT)
			break;
		c->order = ORDER_NONE;
		c->served = c->listeners;
		c->listeners = NULL;
		atomic_store(&c->stop, false);
		pthread_mutex_unlock(&c->lock);
		obey(c, order, time);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* ---- orders ---- */

bool checkpoint_load(
    struct checkpoint *c, struct moment now, struct checkpoint_listener *listener)
{
	bool good = true;
	pthread_mutex_lock(&c->lock);
	if (c->news.loaded || c->news.load_failed) {
		listener->tell(listener);
	} else if (c->running) {
		add_listener(c->order == ORDER_LOAD ? &c->listeners : &c->served, listener);
	} else if (pthread_create(&c->thread, NULL, run, c) == 0) {
		c->running = true;
		c->time = now;
		add_listener(&c->listeners, listener);
		give_order(c, ORDER_LOAD);
	} else {
		good = false;
	}
	pthread_mutex_unlock(&c->lock);
	return good;
}

static bool order_save(struct checkpoint *c, enum order order, struct moment now,
    struct checkpoint_listener *listener)
{
	pthread_mutex_lock(&c->lock);
	bool can = c->news.loaded;
	if (can && !listener->waiting) {
		c->time = now;
		add_listener(&c->listeners, listener);
		if (order == ORDER_SAVE_LAST)
			atomic_store(&c->stop, true);
		give_order(c, order);
	}
	pthread_mutex_unlock(&c->lock);
	return can;
}

bool checkpoint_save(
    struct checkpoint *c, struct moment now, struct checkpoint_listener *listener)
{
	return order_save(c, ORDER_SAVE, now, listener);
}

bool checkpoint_save_last(
    struct checkpoint *c, struct moment now, struct checkpoint_listener *listener)
{
	return order_save(c, ORDER_SAVE_LAST, now, listener);
}

void checkpoint_settle(struct checkpoint *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->news.loaded && c->order == ORDER_NONE)
		give_order(c, ORDER_SETTLE);
	pthread_mutex_unlock(&c->lock);
}

void checkpoint_news(struct checkpoint *c, struct checkpoint_news *news)
{
	pthread_mutex_lock(&c->lock);
	*news = c->news;
	pthread_mutex_unlock(&c->lock);
}

static void remove_listener(
    struct checkpoint_listener **list, struct checkpoint_listener *listener)
{
	while (*list && *list != listener)
		list = &(*list)->next;
	if (*list)
		*list = listener->next;
}

void checkpoint_forget(struct checkpoint *c, struct checkpoint_listener *listener)
{
	pthread_mutex_lock(&c->lock);
	remove_listener(&c->listeners, listener);
	remove_listener(&c->served, listener);
	listener->waiting = false;
	pthread_mutex_unlock(&c->lock);
}
