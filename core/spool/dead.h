/*
 * Dead letters for a command: looked at, replayed and dropped in the file itself, beside a
 * daemon or without one. Nothing here keeps the file locked while somebody reads what is
 * printed: each letter is fetched alone, and many are changed a few hundred at a time.
 */
#ifndef SPOOL_DEAD_H
#define SPOOL_DEAD_H

#include "spool/spool.h"

struct dead_letters;

/* Which of them; all that is given must hold. Borrowed for the call. */
struct dead_filter {
	int64_t id;	    /* 0: any */
	const char *route;  /* NULL: any */
	const char *key;    /* its beginning; NULL: any */
	const char *reason; /* part of it, in any case; NULL: any */
	int64_t since_ms;   /* died then or later */
	int64_t until_ms;   /* died before */
};

/* One of them. Texts are borrowed for the call. */
struct dead_letter {
	int64_t id;
	int64_t bytes; /* on disk, all columns */
	int64_t arrived_ms, died_ms;
	struct ow_text route, source;
	struct ow_text key; /* empty: none was found */
	struct ow_text reason;
	struct ow_text history; /* as in struct spool_event */
	struct ow_text trace, path, headers, body;
	bool answered; /* by the sink: */
	int answer_status;
	struct ow_text answer_type, answer_body;
};

typedef void dead_fn(const struct dead_letter *letter, void *arg);

/* How they are replayed. */
struct dead_replay {
	enum spool_mode mode;
	int64_t now_ms;
	int64_t count, each_ms; /* so many in that time; 0, 0: all at once */
	/* Called for each of them; NULL: nothing is. */
	void (*replayed)(struct ow_text route, void *arg);
	void *arg;
};

/* NULL: why (SPOOL_WHY_SIZE) says why. To be closed. */
struct dead_letters *dead_open(const char *directory, char *why);
void dead_close(struct dead_letters *d); /* NULL is fine */

/*
 * These add to *count how many they found, or changed, oldest death first. False: it failed,
 * after those; dead_error() says why.
 */
bool dead_each(struct dead_letters *d, const struct dead_filter *filter, dead_fn *fn, void *arg,
    int64_t *count);
/* Makes them waiting events again; the one with number *count is due after those before it. */
bool dead_replay(struct dead_letters *d, const struct dead_filter *filter,
    const struct dead_replay *how, int64_t *count);
bool dead_drop(struct dead_letters *d, const struct dead_filter *filter, int64_t *count);

/* Borrowed until the next call. */
const char *dead_error(const struct dead_letters *d);

#endif
