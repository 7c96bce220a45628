/*
 * Takes up what is on disk and not under way: after a start, when it is due again, or when
 * an operator has put a dead letter back. One per engine, as much at a time as its routes
 * have room for.
 */
#ifndef ROUTE_RESUME_H
#define ROUTE_RESUME_H

struct engine;
struct resume;

/* The engine has a spool. Nothing begins before resume_start(). */
struct resume *resume_new(struct engine *engine);
void resume_free(struct resume *r); /* NULL is fine */

void resume_start(struct resume *r);
/* Takes nothing up any more. NULL is fine. */
void resume_stop(struct resume *r);
/* A flow has ended: there is room for another. NULL is fine. */
void resume_room(struct resume *r);
/*
 * A flow was put off, as those behind it will be while its store is down: rests for a
 * moment, so as not to go round all that waits, writing when each is due. NULL is fine.
 */
void resume_rest(struct resume *r);

#endif
