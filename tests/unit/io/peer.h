/*
 * A scripted server for tests of the HTTP client: a raw socket on the
 * loopback, in the test's own process and event loop. It accepts by itself and
 * collects what comes; what it says, and when, is the test's.
 */
#ifndef TESTS_UNIT_IO_PEER_H
#define TESTS_UNIT_IO_PEER_H

#include <event2/event.h>

#include "base/buf.h"

#define PEER_MAX 64

struct peer;

struct peer_connection {
	struct peer *peer;
	int fd; /* -1: closed by us */
	struct event *readable;
	struct buf got;
	bool ended;	 /* the client has closed, or reset */
	size_t answered; /* bytes of got that were answered by themselves */
};

struct peer {
	struct event_base *base;
	uint32_t host; /* its IPv4 address */
	int fd, port;
	struct event *acceptable;		      /* NULL: does not accept */
	struct peer_connection connections[PEER_MAX]; /* as they were accepted */
	size_t accepted, most_open;
	bool deaf;	    /* set before a connection comes: its bytes are not read */
	const char *answer; /* to every complete request; NULL: the test answers */
	size_t requests;    /* answered by themselves */
};

/* The port is taken, connecting to it is refused. Leaves with peer_close(). */
void peer_open(struct peer *peer, struct event_base *base);
/* Elsewhere on the loopback. */
void peer_open_at(struct peer *peer, struct event_base *base, uint32_t host, int port);
void peer_listen(struct peer *peer);
/* Connecting is refused again; connections stay. */
void peer_refuse(struct peer *peer);
/* Listens, accepts nothing, and has no room for another connection. */
void peer_stall(struct peer *peer);
void peer_close(struct peer *peer);

void peer_say_bytes(struct peer_connection *connection, const char *data, size_t len);
void peer_say(struct peer_connection *connection, const char *text);
void peer_hang_up(struct peer_connection *connection);
/* With a reset instead of an orderly end. */
void peer_reset(struct peer_connection *connection);

/* A loop that never sleeps for long, so that a condition can be waited for. */
struct event_base *loop_new(void);
void loop_free(struct event_base *base);
void loop_turn(struct event_base *base);
/* Lets happen what can happen at once; for looking that something does not. */
void loop_calm(struct event_base *base);

/* Turns the loop until condition holds; fails the test after far too long. */
#define wait_for(base, condition)                                                              \
	do {                                                                                   \
		int turns = 0;                                                                 \
		while (!(condition)) {                                                         \
			ck_assert_msg(turns++ < 20000, "never: %s", #condition);               \
			loop_turn(base);                                                       \
		}                                                                              \
	} while (0)

#endif
