/* What tests of the HTTP client share: a client with one pool on one scripted peer. */
#ifndef TESTS_UNIT_IO_CLIENT_H
#define TESTS_UNIT_IO_CLIENT_H

#include <check.h>

#include "base/clock.h"
#include "base/text.h"
#include "io/http_client.h"
#include "tests/unit/io/peer.h"

#define TOTAL_MS   10000
#define CONNECT_MS 3000
#define IDLE_MS	   60000

/* What a call's callback was told. */
struct outcome {
	int called;
	enum ow_http_end end;
	bool maybe_received;
	int status;
	char why[512];
	struct buf headers; /* "name=value;" each */
	struct buf body;
	int turn;			   /* the how-manyth callback of all */
	void (*then)(struct outcome *end); /* called last, if set */
	void *data;			   /* for then */
};

struct world {
	struct event_base *base;
	struct clock clock; /* manual */
	struct http_client *client;
	struct peer peer; /* listening */
	struct ow_http_origin origin;
	struct ow_http_pool *pool;
	struct ow_http_outgoing get, post; /* post has a body and is not repeatable */
};

/* The one world of a test, and where its calls end; setup and teardown of a fixture. */
extern struct world world;
extern struct outcome out[32];
void world_setup(void);
void world_teardown(void);

/* Makes the pool anew, for an origin that was changed. NULL url: the peer's own. */
void world_new_pool(const char *url);

struct ow_http_call *send_to(
    struct ow_http_pool *pool, const struct ow_http_outgoing *request, struct outcome *end);
struct ow_http_call *send_get(struct outcome *end);
struct ow_http_call *send_post(struct outcome *end);

/* Sends a GET and waits until the peer has it, on its connection number i. */
struct ow_http_call *send_and_arrive(struct outcome *end, size_t i);

/* Answers the one request that came while the peer did not answer by itself. */
void answer_now(size_t i);
/* One more connection, that the client has used and keeps. */
void leave_one_idle(void);
size_t requests_on(size_t i); /* GETs that came on connection number i */

/* Call number i was told once, this. */
void check_end(int i, enum ow_http_end end, bool maybe_received, const char *why);
/* Nothing is in line, and that many connections are there. */
void check_idle(size_t connections);
bool reachable(void);

/* Time passes, for the client alone. */
void pass(int64_t ms);

#define arrived(i)	 (world.peer.accepted > (i) && world.peer.connections[i].got.len > 0)
#define connection(i)	 (&world.peer.connections[i])
#define until(condition) wait_for(world.base, condition)

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

#endif
