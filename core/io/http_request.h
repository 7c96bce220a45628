/*
 * A request at a listener, between its handler and its answer. It is answered
 * exactly once, at once or later, in any order: the listener sends the answers
 * of one connection in the order of its requests. The handle is good until
 * then, whatever becomes of the client, the connection or the listener.
 */
#ifndef IO_HTTP_REQUEST_H
#define IO_HTTP_REQUEST_H

#include "io/http_answer.h"
#include "io/http_head.h"

/* Borrowed; empty once taken. */
const struct http_head *http_request_head(const struct ow_http_request *request);
struct ow_text http_request_body(const struct ow_http_request *request);
/* "203.0.113.7:51324"; borrowed. */
const char *http_request_peer(const struct ow_http_request *request);

/*
 * Gives away the head, with the block its texts point into, and the body. The
 * caller frees: http_head_fini(), free(block), free(body). The request has
 * neither afterwards.
 */
void http_request_take(struct ow_http_request *request, struct http_head *head, char **block,
    char **body, size_t *body_len);

/*
 * Ends the request: the handle is invalid afterwards. Texts of the answer may
 * be the request's own.
 */
void http_request_answer(struct ow_http_request *request, const struct http_answer *answer);

#endif
