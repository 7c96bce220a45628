/* Listening sockets. */
#ifndef IO_HTTP_LISTENER_H
#define IO_HTTP_LISTENER_H

#include <stdbool.h>

#define HTTP_LISTEN_WHY_SIZE 256

/*
 * Opens a listening socket: host:port, or [v6]:port; port 0 picks one. A name
 * is looked up, which may block: for start-up only. reuse_port lets each worker
 * have its own. Returns a non-blocking fd, or -1 with a phrase in why
 * (HTTP_LISTEN_WHY_SIZE bytes).
 */
int http_listen_socket(const char *address, bool reuse_port, char *why);

/* The port a socket is bound to; -1 if it is none. */
int http_socket_port(int fd);

#endif
