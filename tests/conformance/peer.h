/* The system behind a sink, as far as HTTP goes: answers, hangs or closes as it is told. */
#ifndef CONFORMANCE_PEER_H
#define CONFORMANCE_PEER_H

#include <stdbool.h>

enum peer_mode {
	PEER_ANSWERS = 0, /* with the status it was told, at first 200 */
	PEER_HANGS,	  /* takes requests and says nothing */
	PEER_CLOSES,	  /* takes a request and closes the connection */
	PEER_BABBLES,	  /* answers what is no HTTP */
};

struct peer;

/* Listens on a port of the loopback. */
struct peer *peer_new(void);
void peer_free(struct peer *peer); /* closes everything; NULL is fine */
int peer_port(const struct peer *peer);

void peer_set(struct peer *peer, enum peer_mode mode, int status);
/* How many requests came, complete with their body. */
unsigned peer_requests(struct peer *peer);
/* Whether a request had that text in a line of its head, at its begin. */
bool peer_saw_line(struct peer *peer);

/* peer_saw_line() is about this. */
#define PEER_FORBIDDEN_LINE "X-Injected:"

#endif
