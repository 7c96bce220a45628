/*
 * Requests that were carried out, on their way back to the threads of those who asked: one
 * worker_post() for each worker and transaction, not for each request.
 */
#ifndef SPOOL_RESULTS_H
#define SPOOL_RESULTS_H

#include <pthread.h>

#include "base/list.h"

struct spool_request;

/* What is on its way. */
struct results {
	pthread_mutex_t lock;
	struct list posted;
};

void results_init(struct results *r);
/* No worker runs any more. What did not arrive is freed without a call. */
void results_fini(struct results *r);

/*
 * Sends finished requests (linked by next; taken over) to their workers, in their order. Those
 * without a worker are freed. From any thread.
 */
void results_send(struct results *r, struct spool_request *first);

#endif
