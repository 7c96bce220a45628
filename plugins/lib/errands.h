/*
 * A thread that does what would keep a loop waiting, one errand after the
 * other. Who sends one hears of its end by host->post(), from within run().
 */
#ifndef LIB_ERRANDS_H
#define LIB_ERRANDS_H

#include <stdbool.h>

struct errands;

/* Inside what it is about. Used again when it has been run. */
struct errand {
	void (*run)(struct errand *errand); /* on the thread */
	struct errand *next;		    /* the thread's */
	bool waiting;
};

struct errands *errands_new(void);
/* Ends the thread when it has done what it is doing; what waits is not done. NULL is fine. */
void errands_free(struct errands *e);

/* False: there can be no thread. */
bool errands_send(struct errands *e, struct errand *errand);
/* Returns when it is not under way any more; if it was still waiting, it will not be run. */
void errands_forget(struct errands *e, struct errand *errand);

#endif
