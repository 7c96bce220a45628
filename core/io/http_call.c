/* One request of the HTTP client: its place, its connection, its end. */
#include "io/http_pool.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/http_outgoing.h"

/* No deadline is further away; keeps sums far from overflow. */
#define TOTAL_MAX_MS (INT64_C(1) << 40)

static void move(struct ow_http_call *call, enum http_call_place place)
{
	struct ow_http_pool *pool = call->pool;
	list_remove(&call->link);
	pool->call_count[call->place]--;
	call->place = place;
	pool->call_count[place]++;
	list_append(&pool->calls[place], &call->link);
}

/*
 * Calls of one pool mostly have the same time limit, so the new one's place is
 * at the end or near it.
 */
static void add_deadline(struct ow_http_call *call)
{
	struct list *head = &call->pool->deadlines, *at = head->prev;
	while (
	    at != head && list_entry(at, struct ow_http_call, due)->deadline > call->deadline)
		at = at->prev;
	list_append(at->next, &call->due);
}

/* Of a struct from a plugin that was built for an older minor, size tells what is there. */
static void copy_request(struct ow_http_outgoing *to, const struct ow_http_outgoing *from)
{
	size_t size = from->size < sizeof(*to) ? from->size : sizeof(*to);
	memcpy(to, from, size);
}

struct ow_http_call *http_call_new(struct ow_http_pool *pool,
    const struct ow_http_outgoing *request, ow_http_callback *fn, void *arg)
{
	struct ow_http_call *call = mem_zero(sizeof(*call));
	call->pool = pool;
	call->fn = fn;
	call->arg = arg;
	copy_request(&call->request, request);
	int64_t total = call->request.total_ms;
	total = total < 0 ? 0 : total > TOTAL_MAX_MS ? TOTAL_MAX_MS : total;
	call->deadline = clock_mono(pool->client->clock) + total;
	add_deadline(call);
	call->place = HTTP_CALL_LINE;
	pool->call_count[HTTP_CALL_LINE]++;
	list_append(&pool->calls[HTTP_CALL_LINE], &call->link);
	return call;
}

/* Out of the pool's books; the memory stays. */
static void leave(struct ow_http_call *call)
{
	assert(!call->member);
	list_remove(&call->link);
	list_remove(&call->due);
	call->pool->call_count[call->place]--;
}

static void dispose(struct ow_http_call *call)
{
	http_incoming_fini(&call->answer);
	free(call->why);
	free(call);
}

void http_call_free(struct ow_http_call *call)
{
	leave(call);
	dispose(call);
}

void http_call_start(struct ow_http_call *call, struct http_member *member)
{
	struct ow_http_pool *pool = call->pool;
	struct buf *head = &pool->client->head;
	move(call, HTTP_CALL_SENT);
	call->member = member;
	member->call = call;
	http_incoming_init(&call->answer, call->request.method, pool->origin.max_response);
	http_outgoing_write(&call->request, text_of(pool->url.authority),
	    pool->proxied && !pool->tls ? &pool->proxy : NULL, head);
	http_wire_send(&member->wire, buf_text(head), call->request.body);
}

bool http_call_maybe_received(const struct ow_http_call *call)
{
	return call->maybe_received || (call->member && http_wire_sent(&call->member->wire));
}

void http_call_detach(struct ow_http_call *call)
{
	call->maybe_received = http_call_maybe_received(call);
	call->member->call = NULL;
	call->member = NULL;
}

void http_call_again(struct ow_http_call *call)
{
	move(call, HTTP_CALL_AGAIN);
}

void http_call_finish(struct ow_http_call *call, enum ow_http_end end, const char *fmt, ...)
{
	struct buf why = BUF_INIT;
	assert(!call->member && call->place != HTTP_CALL_FINISHED);
	/* CONNECT and RESOLVE promise that nothing was sent. */
	if (call->maybe_received && (end == OW_HTTP_CONNECT || end == OW_HTTP_RESOLVE)) {
		end = OW_HTTP_BROKEN;
		buf_add_string(&why, "the connection was lost before an answer, then: ");
	}
	if (end != OW_HTTP_ANSWERED) {
		va_list args;
		va_start(args, fmt);
		buf_vprintf(&why, fmt, args);
		va_end(args);
		call->why = buf_take(&why);
	}
	call->end = end;
	list_remove(&call->due);
	move(call, HTTP_CALL_FINISHED);
}

/* What a call in line is waiting for. */
static const char *waiting_for(const struct ow_http_pool *pool)
{
	if (pool->down)
		return pool->why;
	if (pool->query)
		return "its name is still being looked up";
	if (pool->member_count[HTTP_MEMBER_CONNECTING] > 0)
		return "still connecting";
	return "all connections are busy";
}

void http_call_expire(struct ow_http_call *call)
{
	struct http_member *member = call->member;
	int64_t ms = call->request.total_ms;
	if (!member) {
		http_call_finish(call, OW_HTTP_TIMEOUT,
		    "no connection to %s within %" PRId64 " ms: %s", call->pool->name, ms,
		    waiting_for(call->pool));
		return;
	}
	char *peer = http_member_peer(member);
	bool begun = call->answer.begun;
	http_call_detach(call);
	http_member_close(member);
	if (begun)
		http_call_finish(call, OW_HTTP_TIMEOUT,
		    "%s: the answer was not complete within %" PRId64 " ms", peer, ms);
	else if (call->maybe_received)
		http_call_finish(
		    call, OW_HTTP_TIMEOUT, "%s: no answer within %" PRId64 " ms", peer, ms);
	else
		http_call_finish(call, OW_HTTP_TIMEOUT,
		    "%s: did not take the request within %" PRId64 " ms", peer, ms);
	free(peer);
}

/* ---- callbacks ---- */

static void deliver(struct ow_http_call *call)
{
	struct ow_text names[HTTP_FIELDS_MAX], values[HTTP_FIELDS_MAX];
	struct ow_http_response response = {.size = sizeof(response),
	    .end = call->end,
	    .maybe_received = call->maybe_received,
	    .why = call->why};
	if (call->end == OW_HTTP_ANSWERED) {
		const struct http_head *head = &call->answer.head;
		for (size_t i = 0; i < head->count; i++) {
			names[i] = head->fields[i].name;
			values[i] = head->fields[i].value;
		}
		response.status = head->status;
		response.names = names;
		response.values = values;
		response.headers = head->count;
		response.body = buf_text(&call->answer.body.bytes);
		response.body_dropped = call->answer.body_dropped;
	}
	call->fn(&response, call->arg);
}

/*
 * Only those that are finished by now: a callback that sends what fails at
 * once, and sends again when it does, must not keep us from the loop. A
 * callback may cancel the others of the batch; they then leave it by
 * themselves.
 *
 * The call leaves the books before its callback, which may therefore free the
 * pool.
 */
void http_pool_run_finished(struct ow_http_pool *pool)
{
	struct list batch;
	list_init(&batch);
	list_move_all(&batch, &pool->calls[HTTP_CALL_FINISHED]);
	pool->running++;
	while (!list_empty(&batch)) {
		struct ow_http_call *call = list_entry(batch.next, struct ow_http_call, link);
		leave(call);
		deliver(call);
		dispose(call);
	}
	if (--pool->running == 0 && pool->freed)
		http_pool_dispose(pool);
}
