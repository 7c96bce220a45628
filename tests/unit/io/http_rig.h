/*
 * A listener with real sockets on 127.0.0.1, and clients of it, all on the
 * test's own thread: whoever waits for something turns the event loop. The
 * clock is manual, so that no time limit passes unless a test says so.
 */
#ifndef TESTS_UNIT_IO_HTTP_RIG_H
#define TESTS_UNIT_IO_HTTP_RIG_H

#include <event2/event.h>

#include "base/buf.h"
#include "io/http_head.h"
#include "io/http_server.h"

#define RIG_HELD_MAX 256

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
#define RIG_START_MS 784111777000

struct rig {
	struct event_base *base;
	struct clock clock;
	struct http_limits limits; /* set before rig_start() */
	struct http_server *server;
	int port;
	/* What the handlers saw. */
	size_t handled;
	struct ow_http_request *held[RIG_HELD_MAX];
	size_t held_count;
};

extern struct rig rig;

void rig_init(void); /* limits that no test meets by accident */
/*
 * Serves /echo (POST PUT GET HEAD: answers with the body, or the query if there
 * is none), /hold (the same methods: keeps the request in rig.held) and /post
 * (POST: the length of the body).
 */
void rig_start(void);
void rig_fini(void); /* unless the test has freed the server already */

/* Answers a held request, which leaves rig.held empty there. */
void rig_answer(size_t held, const char *body);
/* Turns the loop until as many requests were handled. */
void rig_until_handled(size_t count);
/* Turns the loop for a while: whatever can happen without waiting has happened. */
void rig_quiet(void);
/* Turns the loop until there are as many connections. */
void rig_until_connections(int64_t count);
/* Moves the clock on and turns the loop until the timer has looked at it. */
void rig_advance(int64_t ms);

struct client {
	int fd;
	struct buf in; /* received and not yet taken */
	bool ended;    /* the listener sends no more */
	bool reset;    /* the connection was reset */
};

struct client client_new(void);
void client_close(struct client *c);
void client_send(struct client *c, const char *text);
void client_send_bytes(struct client *c, const char *data, size_t len);
/* Takes what there is, without waiting. */
void client_receive(struct client *c);

/* One answer, taken from what was received. Free with answer_fini(). */
struct answer {
	struct http_head head;
	char *block;
	struct buf body;
};

struct answer client_answer(struct client *c, const char *method);
void answer_fini(struct answer *a);

/* The next answer has this status and body (NULL: any) and leaves the connection open. */
void client_expect(struct client *c, int status, const char *body);
/* The same, with Connection: close, and then the end of the stream and nothing else. */
void client_expect_last(struct client *c, int status, const char *body);
/* The listener closes without another byte. */
void client_expect_end(struct client *c);
/* Nothing came, and the connection is still open. */
void client_expect_nothing(struct client *c);

#endif
