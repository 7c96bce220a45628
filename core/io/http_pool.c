/*
 * The connections of a pool: opened when calls wait, given to the call that
 * waited longest, kept while idle, closed in time.
 */
#include "io/http_pool.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/timer.h"

#define ADDRESSES_MS	    30000 /* a name is looked up again after that */
#define ADDRESSES_FAILED_MS 1000  /* the same, from when connecting to them failed */
#define PROBE_MS	    5000
#define REST_MS		    1000

static struct http_member *member_at(struct list *link)
{
	return list_entry(link, struct http_member, link);
}

static struct ow_http_call *first_call(struct ow_http_pool *pool, enum http_call_place place)
{
	struct list *head = &pool->calls[place];
	return list_empty(head) ? NULL : list_entry(head->next, struct ow_http_call, link);
}

static size_t established(const struct ow_http_pool *pool)
{
	return pool->member_count[HTTP_MEMBER_IDLE] + pool->member_count[HTTP_MEMBER_BUSY];
}

static int64_t now(const struct ow_http_pool *pool)
{
	return clock_mono(pool->client->clock);
}

/* ---- the alarm ---- */

void http_pool_alarm(struct ow_http_pool *pool, int64_t at)
{
	if (at >= pool->armed)
		return;
	pool->armed = at;
	timer_start(pool->alarm, at - now(pool));
}

/* ---- members ---- */

static void member_move(struct http_member *member, enum http_member_state state)
{
	struct ow_http_pool *pool = member->pool;
	list_remove(&member->link);
	pool->member_count[member->state]--;
	member->state = state;
	pool->member_count[state]++;
	list_append(&pool->members[state], &member->link);
}

void http_member_close(struct http_member *member)
{
	assert(!member->call);
	http_wire_close(&member->wire);
	list_remove(&member->link);
	member->pool->member_count[member->state]--;
	buf_free(&member->failures);
	free(member);
}

char *http_member_peer(const struct http_member *member)
{
	char address[ADDRESS_TEXT_SIZE];
	struct buf text = BUF_INIT;
	address_print(&member->wire.peer, address);
	buf_printf(&text, "%s%s", address, member->pool->note);
	return buf_take(&text);
}

static void member_idle(struct http_member *member)
{
	struct ow_http_pool *pool = member->pool;
	member->reused = true;
	member->since = now(pool);
	member_move(member, HTTP_MEMBER_IDLE);
	http_pool_alarm(pool, member->since + pool->origin.idle_ms);
}

static void member_take(struct http_member *member, struct ow_http_call *call)
{
	member_move(member, HTTP_MEMBER_BUSY);
	http_call_start(call, member);
}

/* ---- connecting ---- */

/*
 * No connection, for want of an address or after all addresses failed. One
 * call pays for a failed attempt: the one that waited longest, if the attempts
 * that go on are too few for all. So a dead peer is told to every call, at the
 * cost of one attempt each, and a line is never kept waiting for nothing.
 *
 * While other connections are there the line waits for those instead: a peer
 * that limits its connections must not fail calls that it would serve. Then no
 * attempt is made for a while.
 */
static void connect_failed(struct ow_http_pool *pool, enum ow_http_end end, const char *why)
{
	int64_t at = now(pool);
	size_t line = http_pool_in_line(pool);
	size_t attempts = pool->member_count[HTTP_MEMBER_CONNECTING];
	size_t victims = line > attempts ? line - attempts : 0;
	bool others = established(pool) > 0;

	free(pool->why);
	pool->why = mem_string(why);
	pool->down = !others;
	pool->probing = false;
	pool->probe_at = at + PROBE_MS;
	http_pool_alarm(pool, pool->probe_at);
	if (pool->fresh_until > at + ADDRESSES_FAILED_MS)
		pool->fresh_until = at + ADDRESSES_FAILED_MS;
	if (others) {
		pool->rest_until = at + REST_MS;
		http_pool_alarm(pool, pool->rest_until);
	}
	if (end == OW_HTTP_CONNECT && victims > 1)
		victims = 1;
	while (victims-- > 0) {
		struct ow_http_call *call = first_call(pool, HTTP_CALL_AGAIN);
		if (!call && !others)
			call = first_call(pool, HTTP_CALL_LINE);
		if (!call)
			break;
		http_call_finish(call, end, "%s", why);
	}
}

static void note_failure(
    struct http_member *member, const struct address *peer, const char *why)
{
	char address[ADDRESS_TEXT_SIZE];
	struct buf *text = &member->failures;
	address_print(peer, address);
	if (text->len == 0)
		buf_printf(text, "connect to %s%s: %s", address, member->pool->note, why);
	else
		buf_printf(text, "; to %s: %s", address, why);
}

static const struct http_wire_events member_events;

/* Tries the next addresses until one does not fail at once. */
static bool connect_next(struct http_member *member)
{
	struct ow_http_pool *pool = member->pool;
	while (member->next < member->trying.count) {
		const struct address *peer = &member->trying.at[member->next++];
		const struct http_wire_target target = {.peer = peer,
		    .tls = pool->tls,
		    .host = pool->url.host,
		    .connect = pool->proxy.connect};
		int error =
		    http_wire_open(&member->wire, pool->client->base, &target, &member_events);
		if (error == 0) {
			member->since = now(pool);
			member_move(member, HTTP_MEMBER_CONNECTING);
			http_pool_alarm(pool, member->since + pool->origin.connect_ms);
			return true;
		}
		note_failure(member, peer, strerror(error));
	}
	return false;
}

/* No address is left. */
static void give_up(struct http_member *member)
{
	struct ow_http_pool *pool = member->pool;
	char *failures = buf_take(&member->failures);
	http_member_close(member);
	connect_failed(pool, OW_HTTP_CONNECT, failures);
	free(failures);
}

/* The address it is connecting to has failed. */
static void connect_other(struct http_member *member, const char *why)
{
	note_failure(member, &member->wire.peer, why);
	http_wire_close(&member->wire);
	if (!connect_next(member))
		give_up(member);
}

static void open_member(struct ow_http_pool *pool)
{
	struct http_member *member = mem_zero(sizeof(*member));
	member->pool = pool;
	member->trying = pool->addresses;
	list_append(&pool->members[HTTP_MEMBER_CONNECTING], &member->link);
	pool->member_count[HTTP_MEMBER_CONNECTING]++;
	if (!connect_next(member))
		give_up(member);
}

/* ---- who gets what ---- */

static void settle(struct ow_http_pool *pool)
{
	http_pool_pump(pool);
	http_pool_run_finished(pool);
}

static void on_resolved(const struct addresses *found, const char *problem, void *arg)
{
	struct ow_http_pool *pool = arg;
	pool->query = NULL;
	if (found) {
		pool->addresses = *found;
		pool->fresh_until = now(pool) + ADDRESSES_MS;
	} else {
		struct buf why = BUF_INIT;
		buf_printf(&why, "look up %s%s: %s", pool->proxied ? "the proxy " : "",
		    pool->next->host, problem);
		connect_failed(pool, OW_HTTP_RESOLVE, why.data);
		buf_free(&why);
	}
	settle(pool);
}

static bool has_addresses(struct ow_http_pool *pool)
{
	if (pool->literal || now(pool) < pool->fresh_until)
		return true;
	if (!pool->query)
		pool->query = resolve_start(pool->client->resolver, pool->next->host,
		    pool->next->port, on_resolved, pool);
	return false;
}

static bool wants_connection(const struct ow_http_pool *pool)
{
	size_t wanted = http_pool_in_line(pool);
	size_t attempts = pool->member_count[HTTP_MEMBER_CONNECTING];
	if (wanted == 0 && pool->probing)
		wanted = 1;
	if (wanted <= attempts ||
	    established(pool) + attempts >= (size_t)pool->origin.max_connections)
		return false;
	bool rests = established(pool) > 0 && pool->call_count[HTTP_CALL_AGAIN] == 0;
	return !rests || now(pool) >= pool->rest_until;
}

/* Each round uses up a call, a place for a connection, or the right to open one now. */
void http_pool_pump(struct ow_http_pool *pool)
{
	struct list *idle = &pool->members[HTTP_MEMBER_IDLE];
	struct ow_http_call *call;
	while (!list_empty(idle) && (call = first_call(pool, HTTP_CALL_LINE)))
		member_take(member_at(idle->prev), call);
	while (wants_connection(pool) && has_addresses(pool))
		open_member(pool);
}

/* ---- what happens to connections ---- */

static struct http_member *member_of(struct http_wire *wire)
{
	return list_entry(wire, struct http_member, wire);
}

static void on_connected(struct http_wire *wire)
{
	struct http_member *member = member_of(wire);
	struct ow_http_pool *pool = member->pool;
	struct ow_http_call *call = first_call(pool, HTTP_CALL_AGAIN);
	pool->down = false;
	pool->probing = false;
	pool->rest_until = 0;
	addresses_prefer(&pool->addresses, &wire->peer);
	buf_free(&member->failures);
	if (!call)
		call = first_call(pool, HTTP_CALL_LINE);
	if (call)
		member_take(member, call);
	else
		member_idle(member);
	settle(pool);
}

static void on_refused(struct http_wire *wire, const struct http_wire_end *end)
{
	struct http_member *member = member_of(wire);
	struct ow_http_pool *pool = member->pool;
	connect_other(member, http_wire_why(end));
	settle(pool);
}

/*
 * The peer wants none of us, as if it had never been connected to: it has looked
 * at our certificate, and has not even deciphered what it was sent; or it is a
 * proxy, and has passed nothing on.
 */
static void refused_late(struct http_member *member, const char *why)
{
	struct ow_http_pool *pool = member->pool;
	struct ow_http_call *call = member->call;
	note_failure(member, &member->wire.peer, why);
	char *failures = buf_take(&member->failures);
	if (call) {
		bool before = call->maybe_received;
		http_call_detach(call);
		call->maybe_received = before;
		http_call_finish(call, OW_HTTP_CONNECT, "%s", failures);
	}
	http_member_close(member);
	connect_failed(pool, OW_HTTP_CONNECT, failures);
	free(failures);
}

/* Only a proxy says that, and only of itself. */
static bool refused_by_proxy(const struct http_member *member)
{
	return member->pool->proxied && member->call->answer.head.status == 407;
}

static void proxy_refused(struct http_member *member)
{
	struct buf why = BUF_INIT;
	http_proxy_refusal(member->call->answer.head.status, &why);
	refused_late(member, why.data);
	buf_free(&why);
}

/*
 * Kept only if both sides are at the end of the same exchange: the request
 * was taken whole (an early answer leaves the rest of it unwanted), and
 * nothing came after the answer.
 */
static void answered(struct http_member *member)
{
	struct ow_http_pool *pool = member->pool;
	if (refused_by_proxy(member)) {
		proxy_refused(member);
		return;
	}
	struct ow_http_call *call = member->call;
	bool keep = http_incoming_keeps_alive(&call->answer) && http_wire_sent(&member->wire) &&
		    !http_wire_has_input(&member->wire);
	http_call_detach(call);
	pool->down = pool->probing =
	    false; /* whatever further connections do, this one serves */
	if (keep)
		member_idle(member);
	else
		http_member_close(member);
	http_call_finish(call, OW_HTTP_ANSWERED, NULL);
}

static void on_readable(struct http_wire *wire, struct evbuffer *input)
{
	struct http_member *member = member_of(wire);
	struct ow_http_pool *pool = member->pool;
	struct ow_http_call *call = member->call;
	enum http_incoming_result result =
	    call ? http_incoming_feed(&call->answer, input) : HTTP_INCOMING_BAD;
	if (result == HTTP_INCOMING_MORE)
		return;
	if (!call) {
		http_member_close(member); /* whatever this is, nobody asked for it */
	} else if (result == HTTP_INCOMING_COMPLETE) {
		answered(member);
	} else {
		char *peer = http_member_peer(member);
		http_call_detach(call);
		http_member_close(member);
		http_call_finish(call, OW_HTTP_PROTOCOL, "%s: not an answer: %s", peer,
		    call->answer.problem);
		free(peer);
	}
	settle(pool);
}

/*
 * A kept-alive connection that ends without a byte of an answer was most
 * likely closed by the peer before it saw the request. That is a guess, so
 * only what may be repeated is; and once, since it gets a new connection.
 */
static void lose_call(struct http_member *member, const struct http_wire_end *end)
{
	struct ow_http_call *call = member->call;
	bool begun = call->answer.begun;
	bool stale = member->reused && !begun && call->request.repeatable;
	char *peer = http_member_peer(member);
	struct http_wire_end known = *end;
	if (!known.error)
		known.error = member->wire.write_error;
	http_call_detach(call);
	http_member_close(member);
	if (stale)
		http_call_again(call);
	else
		http_call_finish(call, OW_HTTP_BROKEN, "%s: connection lost %s: %s", peer,
		    begun ? "in the middle of the answer" : "before an answer",
		    http_wire_why(&known));
	free(peer);
}

static void on_lost(struct http_wire *wire, const struct http_wire_end *end)
{
	struct http_member *member = member_of(wire);
	struct ow_http_pool *pool = member->pool;
	bool closed = end->error == 0 && !end->why && !end->cut;
	if (end->refused)
		refused_late(member, http_wire_why(end));
	else if (!member->call)
		http_member_close(member);
	else if (closed && http_incoming_eof(&member->call->answer))
		answered(member);
	else
		lose_call(member, end);
	settle(pool);
}

static const struct http_wire_events member_events = {
    .connected = on_connected,
    .refused = on_refused,
    .readable = on_readable,
    .lost = on_lost,
};

/* ---- time ---- */

static void expire_calls(struct ow_http_pool *pool, int64_t at)
{
	while (!list_empty(&pool->deadlines)) {
		struct ow_http_call *call =
		    list_entry(pool->deadlines.next, struct ow_http_call, due);
		if (call->deadline > at)
			break;
		http_call_expire(call);
	}
}

/* The oldest member of a state, if it has been in it for that long. */
static struct http_member *overdue(
    struct ow_http_pool *pool, enum http_member_state state, int64_t limit, int64_t at)
{
	struct list *head = &pool->members[state];
	if (list_empty(head) || member_at(head->next)->since + limit > at)
		return NULL;
	return member_at(head->next);
}

static void expire_members(struct ow_http_pool *pool, int64_t at)
{
	const struct ow_http_origin *origin = &pool->origin;
	struct http_member *member;
	while ((member = overdue(pool, HTTP_MEMBER_IDLE, origin->idle_ms, at)))
		http_member_close(member);
	while ((member = overdue(pool, HTTP_MEMBER_CONNECTING, origin->connect_ms, at))) {
		char why[64];
		snprintf(
		    why, sizeof(why), "no answer within %" PRId64 " ms", origin->connect_ms);
		connect_other(member, why);
	}
}

/* Calls in line see for themselves whether the peer is back. */
static void probe(struct ow_http_pool *pool, int64_t at)
{
	if (!pool->down || at < pool->probe_at)
		return;
	pool->probe_at = at + PROBE_MS;
	pool->probing =
	    pool->member_count[HTTP_MEMBER_CONNECTING] == 0 && http_pool_in_line(pool) == 0;
}

static void sooner(int64_t *next, int64_t at)
{
	if (at < *next)
		*next = at;
}

static int64_t next_due(const struct ow_http_pool *pool, int64_t at)
{
	int64_t next = INT64_MAX;
	const struct list *idle = &pool->members[HTTP_MEMBER_IDLE];
	const struct list *connecting = &pool->members[HTTP_MEMBER_CONNECTING];
	if (!list_empty(&pool->deadlines))
		sooner(&next,
		    list_entry(pool->deadlines.next, struct ow_http_call, due)->deadline);
	if (!list_empty(idle))
		sooner(&next, member_at(idle->next)->since + pool->origin.idle_ms);
	if (!list_empty(connecting))
		sooner(&next, member_at(connecting->next)->since + pool->origin.connect_ms);
	if (pool->down)
		sooner(&next, pool->probe_at);
	if (pool->rest_until > at)
		sooner(&next, pool->rest_until);
	return next;
}

void http_pool_tick(struct ow_http_pool *pool)
{
	int64_t at = now(pool);
	expire_calls(pool, at);
	expire_members(pool, at);
	probe(pool, at);
	http_pool_pump(pool);
	http_pool_alarm(pool, next_due(pool, at));
	http_pool_run_finished(pool);
}
