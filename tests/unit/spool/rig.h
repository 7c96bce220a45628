/*
 * What every test of this room needs: a directory, a spool in it, a worker that is called
 * back, and a clock that the spool's thread may read while the test moves it.
 */
#ifndef TESTS_UNIT_SPOOL_RIG_H
#define TESTS_UNIT_SPOOL_RIG_H

#include "plugin/worker.h"
#include "spool/spool.h"

struct rig {
	char directory[64], file[96];
	struct clock clock;
	struct worker_common common;
	struct worker *worker;
	struct spool_setup setup;
	struct spool *spool; /* NULL: not open */
};
extern struct rig rig;

/* Fixtures of check: an empty directory, and an open spool in it. */
void rig_start_empty(void);
void rig_start(void);
void rig_stop(void);
void rig_close(void); /* the spool alone */
void rig_open(void);  /* again, as rig.setup has it */
void rig_advance(int64_t ms);

/* The same, but why it could not be opened, for as long as the test lasts. */
const char *rig_refused(void);

/* Lets the worker run until something was called back. */
void rig_turn(void);
#define rig_until(condition)                                                                   \
	do {                                                                                   \
		while (!(condition))                                                           \
			rig_turn();                                                            \
	} while (0)

/* An event with that body; the other texts are "test", or as a sink would have them. */
struct spool_event rig_event(const char *body);
/* What was called back. */
struct rig_answer {
	bool came;
	int64_t id;
	char why[128]; /* empty: it is on disk */
};
spool_done_fn rig_done; /* arg: a struct rig_answer */

/* These wait for the answer. The id of the row, 0 after a failure. */
int64_t rig_put(const struct spool_event *event);
int64_t rig_put_body(const char *body);
int64_t rig_put_dead(const char *body, const char *reason);
bool rig_bury(int64_t id, const char *reason);

/* Waits until that many are waiting. */
void rig_until_waiting(int64_t count);

/* A number out of the file; sql is a whole statement. */
int64_t rig_query(const char *sql);
/* Changes the file, as another program would. */
void rig_execute(const char *sql);

/* Takes, and keeps copies of what came until the next time. */
struct rig_taken {
	size_t count;
	struct spool_event events[64];
};
const struct rig_taken *rig_take(size_t max);

#endif
