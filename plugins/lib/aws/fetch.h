/*
 * One HTTP request for credentials, over a connection of its own: that is once
 * an hour or so, mostly to an address of the machine itself.
 */
#ifndef LIB_AWS_FETCH_H
#define LIB_AWS_FETCH_H

#include <onceway/plugin.h>

struct aws_fetch;

/* Copied. */
struct aws_fetch_request {
	const char *url; /* with path and query */
	const char *method;
	const char *header, *value; /* one more header; NULL: none */
	const char *content_type;   /* NULL: no body */
	struct ow_text body;
	int64_t connect_ms, total_ms;
};

/* Borrowed for the callback. */
struct aws_fetched {
	const char *problem; /* NULL: there is an answer, of whatever status */
	int status;
	struct ow_text body;
};

typedef void aws_fetch_done(const struct aws_fetched *fetched, void *arg);

/* done(fetched, arg) is called exactly once, never before this returns, unless cancelled. */
struct aws_fetch *aws_fetch_start(const struct ow_host *host, struct ow_instance *self,
    const struct aws_fetch_request *request, aws_fetch_done *done, void *arg);
void aws_fetch_cancel(struct aws_fetch *fetch); /* NULL is fine */

#endif
