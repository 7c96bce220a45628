/*
 * One answer as it arrives at the client: interim heads skipped, the final
 * head, the body. Belongs to one call, never to a connection, so nothing of
 * one answer can be left over for the next.
 */
#ifndef IO_HTTP_INCOMING_H
#define IO_HTTP_INCOMING_H

#include "io/http_body.h"
#include "io/http_head.h"

struct evbuffer;

enum http_incoming_result {
	HTTP_INCOMING_MORE = 0,
	HTTP_INCOMING_COMPLETE, /* what is left in the input is not this answer's */
	HTTP_INCOMING_BAD,	/* problem says why */
};

#define HTTP_INCOMING_HEAD_MAX	  16384 /* of one head */
#define HTTP_INCOMING_HEADS_MAX	  65536 /* of the interim heads and the final one together */
#define HTTP_INCOMING_INTERIM_MAX 16	/* interim answers before the final one */

struct http_incoming {
	const char *method; /* of the request; borrowed */
	int64_t max_body;
	bool begun; /* a byte of the answer has come */
	bool complete;
	bool body_dropped; /* complete, but its body was over max_body */
	bool has_head;	   /* head, block and body are those of the final answer */
	size_t seen;	   /* bytes of the input that were searched for the head's end */
	size_t heads;	   /* bytes of heads so far */
	unsigned interim;
	char *block; /* what head points into; owned */
	struct http_head head;
	struct http_body body;
	const char *problem; /* static */
};

/* A zeroed struct may be given to fini too. */
void http_incoming_init(struct http_incoming *in, const char *method, int64_t max_body);
void http_incoming_fini(struct http_incoming *in);

/* Takes from input what belongs to this answer. */
enum http_incoming_result http_incoming_feed(struct http_incoming *in, struct evbuffer *input);

/* The peer has closed. True if that is how this answer ends; false: it is cut off. */
bool http_incoming_eof(struct http_incoming *in);

/* May another request follow on the connection, for all that the answer says? */
bool http_incoming_keeps_alive(const struct http_incoming *in);

#endif
