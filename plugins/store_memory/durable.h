/*
 * The thread that keeps finished keys on disk as they are committed: what waits
 * while it waits for the disk is one transaction, with one fsync, afterwards.
 * Made by the first who starts; ended with the store.
 *
 * The queue is bounded. A full one makes commits wait, unless the disk cannot
 * be written to and nobody waits for it (durable_new(): !always): then what
 * does not fit is left out, and looked for in the memory when it works again.
 *
 * Lock order: a shard of the memory, then the thread's.
 */
#ifndef STORE_MEMORY_DURABLE_H
#define STORE_MEMORY_DURABLE_H

#include "store_memory/durable_file.h"
#include "store_memory/memory.h"

struct durable;

/* A key to be written. Embedded in what waits for that, or alone. */
struct durable_write {
	struct key_entry *entry;	   /* finished; the thread's own, and freed by it */
	struct durable_listener *listener; /* gets it back; NULL: nobody, the thread frees it */
	struct durable_write *next;
	bool failed; /* when it is given back: it is not on disk */
	bool gone;   /* not to be written, but to be removed */
};

/* One instance's end of it. All but tell are the thread's. */
struct durable_listener {
	/*
	 * Called from the thread, under its lock: only passes the word on, that
	 * it may be time for durable_hear(). Not again before that.
	 */
	void (*tell)(struct durable_listener *listener);
	struct durable_listener *next;
	struct durable_write *first, **last; /* to be given back */
	bool wants_room, wants_end, told;
};

/* What there is to know. */
struct durable_news {
	bool loaded, load_failed;
	struct durable_loaded load;
	bool idle;     /* nothing waits to be written */
	bool failing;  /* the last transaction failed */
	uint64_t lost; /* left out because of that, and not looked for yet */
	uint64_t errors, transactions, keys; /* so far */
	char why[DURABLE_WHY];		     /* of the last failure */
};

/* always: those who commit wait until it is on disk. Else writes have no listener. */
struct durable *durable_new(struct memory *m, const char *path, bool always);
/* Ends the thread after the transaction under way. NULL is fine. */
void durable_free(struct durable *d);

/* In create() and destroy(). Who leaves gets back all its writes, with `next`. */
void durable_join(struct durable *d, struct durable_listener *listener);
struct durable_write *durable_leave(struct durable *d, struct durable_listener *listener);

/* Loads, once. The listener is told, now or later. False: there can be no thread. */
bool durable_load(struct durable *d, struct moment now, struct durable_listener *listener);

/*
 * Takes over the write and its entry. False: there is no room; the listener
 * is told when there may be some, and the write is still yours.
 */
bool durable_put(struct durable *d, struct moment now, struct durable_write *write,
    struct durable_listener *listener);
/* The same, but for want of room it is left out: of no consequence but for a kill. */
void durable_try(struct durable *d, const struct key_entry *entry, bool gone);

/* What waits is written now; if that failed the last time, with the next tick. */
void durable_flush(struct durable *d, struct moment now);
/* The listener is told when nothing waits any more, or cannot be written. */
void durable_finish(struct durable *d, struct moment now, struct durable_listener *listener);
/* Once a second: removes what has expired, and tries again what failed. */
void durable_tick(struct durable *d, struct moment now);

/* What was told: the writes given back, with `next`; and the news. */
struct durable_write *durable_hear(
    struct durable *d, struct durable_listener *listener, struct durable_news *news);

#endif
