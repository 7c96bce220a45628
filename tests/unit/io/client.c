#include "tests/unit/io/client.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct world world;
struct outcome out[32];
static int endings;

void world_new_pool(const char *url)
{
	char own[64];
	const char *why;
	snprintf(own, sizeof(own), "http://127.0.0.1:%d", world.peer.port);
	world.origin.url = url ? url : own;
	http_pool_free(world.pool);
	world.pool = http_pool_new(world.client, &world.origin, &why);
	ck_assert_msg(world.pool != NULL, "%s", why);
}

void world_setup(void)
{
	endings = 0;
	world = (struct world){.base = loop_new()};
	clock_init_manual(&world.clock, 0);
	world.client = http_client_new(world.base, &world.clock);
	peer_open(&world.peer, world.base);
	peer_listen(&world.peer);
	world.origin = (struct ow_http_origin){.size = sizeof(world.origin),
	    .max_connections = 4,
	    .max_waiting = 8,
	    .connect_ms = CONNECT_MS,
	    .idle_ms = IDLE_MS,
	    .max_response = 1 << 20};
	world.get = (struct ow_http_outgoing){.size = sizeof(world.get),
	    .method = "GET",
	    .target = text_of("/"),
	    .repeatable = true,
	    .total_ms = TOTAL_MS};
	world.post = world.get;
	world.post.method = "POST";
	world.post.body = text_of("{\"n\":1}");
	world.post.repeatable = false;
	world_new_pool(NULL);
}

void world_teardown(void)
{
	http_pool_free(world.pool);
	http_client_free(world.client);
	peer_close(&world.peer);
	loop_free(world.base);
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		buf_free(&out[i].headers);
		buf_free(&out[i].body);
		out[i] = (struct outcome){.called = 0};
	}
}

static void on_end(const struct ow_http_response *response, void *arg)
{
	struct outcome *end = arg;
	ck_assert_uint_eq(response->size, sizeof(*response));
	end->called++;
	end->turn = ++endings;
	end->end = response->end;
	end->maybe_received = response->maybe_received;
	end->status = response->status;
	ck_assert_int_eq(response->why == NULL, response->end == OW_HTTP_ANSWERED);
	snprintf(end->why, sizeof(end->why), "%s", response->why ? response->why : "");
	for (size_t i = 0; i < response->headers; i++)
		buf_printf(&end->headers, "%.*s=%.*s;", (int)response->names[i].len,
		    response->names[i].data, (int)response->values[i].len,
		    response->values[i].data);
	buf_add_text(&end->body, response->body);
	if (end->then)
		end->then(end);
}

struct ow_http_call *send_to(
    struct ow_http_pool *pool, const struct ow_http_outgoing *request, struct outcome *end)
{
	int before = end->called;
	struct ow_http_call *call = http_pool_send(pool, request, on_end, end);
	ck_assert_ptr_nonnull(call);
	ck_assert_int_eq(end->called, before);
	return call;
}

struct ow_http_call *send_get(struct outcome *end)
{
	return send_to(world.pool, &world.get, end);
}

struct ow_http_call *send_post(struct outcome *end)
{
	return send_to(world.pool, &world.post, end);
}

struct ow_http_call *send_and_arrive(struct outcome *end, size_t i)
{
	size_t before = world.peer.accepted > i ? connection(i)->got.len : 0;
	struct ow_http_call *call = send_get(end);
	until(world.peer.accepted > i && connection(i)->got.len > before);
	return call;
}

bool reachable(void)
{
	const char *why = NULL;
	bool is = http_pool_reachable(world.pool, &why);
	ck_assert_int_eq(is, why == NULL);
	return is;
}

void check_end(int i, enum ow_http_end end, bool maybe_received, const char *why)
{
	ck_assert_int_eq(out[i].called, 1);
	ck_assert_msg(out[i].end == end, "%d: %s", out[i].end, out[i].why);
	ck_assert_int_eq(out[i].maybe_received, maybe_received);
	ck_assert_msg(strstr(out[i].why, why) != NULL, "%s", out[i].why);
}

size_t requests_on(size_t i)
{
	size_t count = 0;
	const char *at = connection(i)->got.data;
	while (at && (at = strstr(at, "GET "))) {
		count++;
		at += 4;
	}
	return count;
}

void check_idle(size_t connections)
{
	loop_calm(world.base);
	ck_assert_uint_eq(http_pool_connections(world.pool), connections);
	ck_assert_uint_eq(http_pool_waiting(world.pool), 0);
}

void answer_now(size_t i)
{
	until(arrived(i));
	if (connection(i)->answered == 0) {
		connection(i)->answered = connection(i)->got.len;
		peer_say(connection(i), OK_ANSWER);
	}
}

void leave_one_idle(void)
{
	size_t i = world.peer.accepted;
	send_and_arrive(&out[31], i);
	peer_say(connection(i), OK_ANSWER);
	until(out[31].called);
	ck_assert_uint_eq(http_pool_connections(world.pool), 1);
}

void pass(int64_t ms)
{
	clock_advance(&world.clock, ms);
	http_pool_tick(world.pool);
}
