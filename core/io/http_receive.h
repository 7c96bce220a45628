/* From a connection's bytes to requests. Private to the listener's sources. */
#ifndef IO_HTTP_RECEIVE_H
#define IO_HTTP_RECEIVE_H

#include <stdbool.h>

struct http_connection;

/* One step on the input: false when there is nothing more to do with it now. */
bool http_receive(struct http_connection *c);

/* Answers with an error and takes no more requests. detail is safe inside a JSON string. */
void http_refuse(struct http_connection *c, int status, const char *detail);

#endif
