/* An HTTP client for sources on a listener: blocking, on the test's own thread. */
#ifndef CONFORMANCE_CLIENT_H
#define CONFORMANCE_CLIENT_H

#include "base/buf.h"

struct client {
	int fd;
	struct buf in;
};

/* False: nobody listens there. */
bool client_open(struct client *client, int port);
void client_close(struct client *client);
void client_send(struct client *client, struct ow_text bytes);

/*
 * Reads one answer. Returns its status and puts its body, without the head, into
 * body; 0: the peer closed before it was complete.
 */
int client_answer(struct client *client, struct buf *body);

/* Whether anything came that was not read; looks, does not wait. */
bool client_has_more(struct client *client);

#endif
