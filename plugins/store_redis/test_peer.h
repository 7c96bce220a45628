/* A server of which each test says what it hears and answers; as many as wanted. */
#ifndef STORE_REDIS_TEST_PEER_H
#define STORE_REDIS_TEST_PEER_H

#include <stdbool.h>
#include <stddef.h>

struct peer {
	int listener, fd;    /* fd: the connection that is looked at; -1: none */
	int port;	     /* on 127.0.0.1 */
	char heard[1 << 18]; /* what it was told and has not been matched yet */
	size_t heard_len;
};

void peer_listen(struct peer *p);
void peer_close(struct peer *p);

/* Takes the next connection, unless there is one. True: there is one. */
bool peer_accepted(struct peer *p);
void peer_hang_up(struct peer *p);
bool peer_hung_up(struct peer *p); /* the other side did */

/* Whether it was told this; what comes before it is forgotten with it. */
bool peer_told(struct peer *p, const char *part);
void peer_say(struct peer *p, const char *text);

/* What a master answers to what is said first, without a login; pong: to its last command. */
void peer_say_greeting(struct peer *p, const char *pong);

#endif
