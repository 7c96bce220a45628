/*
 * The spool: events on disk, in one SQLite file of the process: those that were accepted
 * and are not delivered yet (waiting), and those that could not be (dead letters).
 *
 * One thread writes. What workers ask for while it waits for the disk is done in the next
 * transaction: many events, one fsync. A callback comes on the thread of the worker that
 * asked, once what it asked for is on disk or has failed, never before the call returns.
 * Requests are carried out in the order in which they were made.
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include <onceway/event.h>

struct clock;
struct metrics;
struct spool;
struct worker;

#define SPOOL_WHY_SIZE 300 /* of spool_open()'s complaint */

/* Texts are borrowed for the call, the rest for as long as the spool is open. */
struct spool_setup {
	const char *directory;	 /* state_dir; the file is DIRECTORY/spool.db */
	int64_t max_bytes;	 /* of waiting events, all columns; beyond it a put fails */
	int64_t dead_max_bytes;	 /* of dead letters; beyond it the oldest are dropped, counted,
				    logged. The newest is kept, whatever its size */
	int64_t dead_max_age_ms; /* since they died; likewise */
	const struct clock *clock; /* read by the spool's thread too */
	struct metrics *metrics;
	unsigned metrics_index; /* nobody else writes the spool's metrics under it */
};

/*
 * Locks the directory for this process, opens the file or makes it. NULL: *why
 * (SPOOL_WHY_SIZE bytes) names the file, what is wrong with it and what to do.
 */
struct spool *spool_open(const struct spool_setup *setup, char *why);
/*
 * Does what was asked for, then ends. The workers' threads have ended, and are freed later;
 * callbacks that did not come are not called any more. NULL is fine.
 */
void spool_close(struct spool *s);

/* How it is to be taken up again. */
enum spool_mode {
	SPOOL_RESUME = 0,    /* under the claim of its token, or a new one */
	SPOOL_REPLAY_PAST,   /* a dead letter replayed: delivered even if its key is known */
	SPOOL_REPLAY_HONOUR, /* replayed, but a known key makes it a duplicate */
};

/* An event as it is kept. Texts are borrowed; by whom each function says. */
struct spool_event {
	int64_t id; /* of the row; 0 before it has one. Never given twice */
	struct ow_text route, source;
	struct ow_text key; /* prefix + key; empty: none was found */
	struct ow_text path;
	struct ow_text headers; /* "Name: value\r\n", each */
	struct ow_text body;
	struct ow_text trace; /* traceparent as passed on */
	int64_t arrived_ms;   /* wall clock */
	int64_t since_ms;     /* of what was taken: waiting since then, put or replayed */
	bool passing;	      /* delivered without dedup: no claim */
	bool claimed;	      /* token is that of its claim */
	unsigned char token[OW_TOKEN_SIZE];
	enum spool_mode mode;
	struct ow_text history; /* of its attempts: JSON array of {"at","code","why"}, the
				   newest 20; empty: none */
};

/* Why it is dead. Borrowed for the call. */
struct spool_death {
	struct ow_text reason; /* one phrase */
	struct ow_text history;
	const struct ow_result *answer; /* the sink's last, or NULL; its body is cut at 4 KiB */
};

/* id: of the row, 0 if there is none. why: NULL, or one phrase: it is not on disk. */
typedef void spool_done_fn(int64_t id, const char *why, void *arg);

/* Keeps an event as waiting and taken by this process. Copies it. */
void spool_put(struct spool *s, struct worker *w, const struct spool_event *event,
    spool_done_fn *done, void *arg);
/* Keeps an event that has no row as a dead letter. Copies both. */
void spool_put_dead(struct spool *s, struct worker *w, const struct spool_event *event,
    const struct spool_death *death, spool_done_fn *done, void *arg);
/*
 * Makes a waiting row a dead letter. If that fails it goes on waiting, and is due later: then
 * it is no longer taken, as after spool_defer().
 */
void spool_bury(struct spool *s, struct worker *w, int64_t id, const struct spool_death *death,
    spool_done_fn *done, void *arg);
/* It was delivered, or is a duplicate. Lost in a kill, it is found again and is a duplicate. */
void spool_remove(struct spool *s, int64_t id);
/* Not now: no longer taken, due again after that time. */
void spool_defer(struct spool *s, int64_t id, int64_t after_ms);

/* Rows that are due and not taken, the longest due first; borrowed for the call. */
typedef void spool_taken_fn(const struct spool_event *events, size_t count, void *arg);
/*
 * Takes up to max of them, and at most 16 MiB of bodies (or one event). Each is this process's
 * until removed, buried or deferred. Also what another program (`onceway dead replay`) has put
 * there, within about a second. None, or the file cannot be read: called with none.
 */
void spool_take(struct spool *s, struct worker *w, size_t max, spool_taken_fn *fn, void *arg);

struct spool_counts {
	int64_t waiting, waiting_bytes, dead;
};
struct spool_counts spool_count(struct spool *s); /* from any thread */

/*
 * Why events are refused at the moment: a phrase that is never freed, at most a second old.
 * NULL: they are put. From any thread.
 */
const char *spool_obstacle(struct spool *s);

/* "3.40.1": of the SQLite that is loaded. */
const char *spool_library_version(void);

#endif
