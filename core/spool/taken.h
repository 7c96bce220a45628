/* Which waiting rows are this process's. Known in memory only: the writer's thread. */
#ifndef SPOOL_TAKEN_H
#define SPOOL_TAKEN_H

#include "base/map.h"
#include "spool/rows.h"

struct taken {
	struct map ids;
	/* Up to here, in the order in which they are due, every waiting row is taken: what is
	 * looked for is behind it. */
	struct place seen;
};

void taken_init(struct taken *t);
void taken_fini(struct taken *t);

bool taken_has(const struct taken *t, int64_t id);
void taken_add(struct taken *t, int64_t id);
/* Is removed or dead. */
void taken_forget(struct taken *t, int64_t id);
/* Waits again, due then. */
void taken_release(struct taken *t, int64_t id, int64_t due_ms);
/* There may be rows anywhere that nobody knows of. */
void taken_look_again(struct taken *t);

struct spool_request;

/* Carries out a request that takes: finds rows that are due, and takes them. */
void taken_take(struct taken *t, struct rows *rows, int64_t now_ms, struct spool_request *r);

#endif
