/* What workers ask of the spool, and the line in which it waits for the writer. */
#ifndef SPOOL_REQUEST_H
#define SPOOL_REQUEST_H

#include <pthread.h>

#include "spool/spool.h"

#define ANSWER_BODY_MAX 4096 /* of a dead letter's answer */

enum request_kind {
	REQUEST_PUT,
	REQUEST_PUT_DEAD,
	REQUEST_BURY,
	REQUEST_REMOVE,
	REQUEST_DEFER,
	REQUEST_TAKE,
};

struct spool_request {
	struct spool_request *next;
	enum request_kind kind;
	struct worker *worker; /* to be told on its thread; NULL: nobody is */
	int64_t asked_us;      /* monotonic */
	size_t bytes;	       /* of memory */
	int64_t id;
	struct spool_event event; /* of a put; its texts are this request's */
	struct spool_death death; /* likewise */
	struct ow_result answer;  /* of the death, if it has one */
	int64_t due_ms;		  /* of a defer */
	size_t max;		  /* of a take */
	spool_done_fn *done;
	spool_taken_fn *taken;
	void *arg;
	/* How it ended. */
	int rc;			   /* one of SQLite's */
	const char *why;	   /* NULL: well; then rc is SQLITE_OK */
	struct spool_event *found; /* of a take: each with texts of its own */
	size_t found_count;
};

/* All zero but the kind. */
struct spool_request *spool_request_new(enum request_kind kind);
/* Copies of both; death may be NULL, and either's texts empty. */
struct spool_request *spool_request_new_event(
    enum request_kind kind, const struct spool_event *event, const struct spool_death *death);
void spool_request_free(struct spool_request *r);

/* Whether somebody waits for it, so that the disk is not to be waited for in vain. */
bool spool_request_is_urgent(const struct spool_request *r);

/* Requests in their order. */
struct spool_line {
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	struct spool_request *first, **last;
	size_t count, bytes;
	bool urgent;
	bool closed; /* no more will come */
};

void spool_line_init(struct spool_line *line);
void spool_line_fini(struct spool_line *line); /* it is empty */
/*
 * Takes it over. False: it brings an event, and too many bytes of such wait already for a
 * disk that does not move.
 */
bool spool_line_add(struct spool_line *line, struct spool_request *r);
void spool_line_close(struct spool_line *line);
/*
 * All that wait, first to last, and whether more can come. Waits until there is something
 * urgent, or enough, or for a moment once there is anything; for ms if there is nothing. NULL:
 * nothing came.
 */
struct spool_request *spool_line_wait(struct spool_line *line, long ms, bool *closed);

#endif
