#include "store_redis/claims.h"

#include <string.h>

#include "lib/alloc.h"
#include "store_redis/fault.h"
#include "store_redis/leases.h"
#include "store_redis/local_cache.h"
#include "store_redis/strays.h"
#include "store_redis/value.h"

enum call_kind {
	CALL_CLAIM = 1,
	CALL_RENEW,
	CALL_COMMIT,
	CALL_RELEASE,
};

/*
 * One operation, until its answer has come. The answer may come after the
 * operation was cancelled; then it is only thrown away: the core has sent a
 * release behind it, on the same connection.
 */
struct call {
	struct trip trip;
	struct store *store;
	struct ow_op *op; /* NULL: cancelled; then claim and result are gone too */
	const struct ow_claim *claim;
	const struct ow_result *result; /* COMMIT */
	enum call_kind kind;
	bool scripted;	 /* CLAIM: sent as a script */
	bool whole;	 /* scripts are sent by their text */
	bool restorable; /* an expired claim still counts, if nobody took over */
	bool keep_texts; /* COMMIT */
	int64_t begun_ms;
};

/* Lives of keys in Redis: at least a millisecond, and no more than it can add up. */
static int64_t life(int64_t ms)
{
	const int64_t most = (int64_t)100 * 365 * 86400 * 1000;
	return ms < 1 ? 1 : ms > most ? most : ms;
}

/* ---- finishing ---- */

static void finish(struct call *call, enum ow_rc rc, const char *why)
{
	struct ow_op *op = call->op;
	const struct ow_host *host = call->store->host;
	call->op = NULL;
	if (call->kind == CALL_CLAIM)
		host->claim_done(
		    op, &(struct ow_claim_answer){
			    .size = sizeof(struct ow_claim_answer), .rc = rc, .why = why});
	else
		host->op_done(op, rc, why);
}

static void answer_claim(struct call *call, struct ow_claim_answer answer)
{
	static const enum claim_end ends[] = {[OW_CLAIM_NEW] = CLAIM_NEW,
	    [OW_CLAIM_DONE] = CLAIM_DUPLICATE,
	    [OW_CLAIM_IN_PROGRESS] = CLAIM_IN_PROGRESS};
	struct store *s = call->store;
	struct ow_op *op = call->op;
	s->host->count(s->counters.claims[ends[answer.state]], 1);
	atomic_fetch_add_explicit(&s->shared->claims, 1, memory_order_relaxed);
	if (answer.state == OW_CLAIM_DONE)
		atomic_fetch_add_explicit(&s->shared->duplicates, 1, memory_order_relaxed);
	answer.size = sizeof(answer);
	answer.rc = OW_OK;
	call->op = NULL;
	s->host->claim_done(op, &answer);
}

/*
 * Not answered. Redis may have carried it out: a claim that nobody holds, or
 * one that should be gone, would keep the event waiting.
 */
static void lost(struct call *call, const char *why)
{
	if (call->kind == CALL_RELEASE ||
	    (call->kind == CALL_CLAIM && trip_may_be_done(&call->trip)))
		strays_add(call->store->strays, call->claim);
	finish(call, OW_FAIL, why);
}

/* ---- the answers ---- */

/* What has no end would make duplicates for ever; the CXone tutorial can leave such keys. */
static void on_life_given(
    struct request *request, struct redisReply *const *replies, const char *why)
{
	(void)replies, (void)why;
	free(request);
}

static void give_life(struct call *call)
{
	struct store *s = call->store;
	struct request *request = alloc_zero(1, sizeof(*request));
	const char *why;
	request->done = on_life_given;
	command_clear(&s->command);
	command_begin(&s->command, "PEXPIRE", 3);
	command_text(&s->command, call->claim->key);
	command_number(&s->command, life(call->claim->window_ms));
	command_string(&s->command, "NX");
	if (!node_send(call->trip.node, call->trip.hash, request, &s->command, &why))
		free(request);
}

static void remember(struct call *call, const struct cached *what)
{
	struct store *s = call->store;
	/* A sliding window must be renewed in Redis by every duplicate. */
	if (s->cache && !call->claim->sliding && what->expires_ms > store_now(s))
		local_cache_put(s->cache, call->claim->key, call->trip.hash, what);
}

/*
 * The key was there. left_ms: what is left of its life, -1: it has no end.
 * now_ms: by Redis' clock, -1 unknown; the age of a key in a fixed window needs
 * no clock: it is what has passed of the window.
 */
static void answer_held(struct call *call, struct ow_text held, int64_t left_ms, int64_t now_ms)
{
	struct store *s = call->store;
	struct value value;
	value_read(held, &value);
	if (left_ms == -1) {
		s->host->count(s->counters.endless, 1);
		if (!call->scripted)
			give_life(call);
	}
	if (value.kind == VALUE_CLAIM) {
		answer_claim(call, (struct ow_claim_answer){.state = OW_CLAIM_IN_PROGRESS,
				       .remaining_ms = left_ms >= 0 ? left_ms : -1});
		value_fini(&value);
		return;
	}
	int64_t age = value_age(&value, left_ms, now_ms);
	if (!value.foreign && left_ms > 0) {
		struct cached cached = {.since_ms = store_now(s) - (age > 0 ? age : 0),
		    .expires_ms = call->begun_ms + life(left_ms),
		    .has_result = value.has_result,
		    .has_digest = value.has_digest,
		    .result = value.result};
		memcpy(cached.digest, value.digest, sizeof(cached.digest));
		remember(call, &cached);
	}
	answer_claim(call, (struct ow_claim_answer){.state = OW_CLAIM_DONE,
			       .age_ms = age,
			       .result = value.has_result ? &value.result : NULL,
			       .digest = value.has_digest ? value.digest : NULL});
	value_fini(&value);
}

/* It is ours for `lock`, and may be restored for one more. */
static void hold(struct call *call)
{
	lease_set(call->store->leases, call->claim->token,
	    call->begun_ms + 2 * life(call->claim->lock_ms), call->begun_ms);
}

static void answer_new(struct call *call)
{
	hold(call);
	answer_claim(call, (struct ow_claim_answer){.state = OW_CLAIM_NEW});
}

static void claimed(struct call *call, struct redisReply *const *replies)
{
	const struct redisReply *first = replies[0];
	struct redisReply *const *parts = call->scripted ? first->element : replies;
	size_t count = call->scripted ? first->elements : 2;
	if (first->type == REDIS_REPLY_NIL)
		answer_new(call);
	else if (first->type == (call->scripted ? REDIS_REPLY_ARRAY : REDIS_REPLY_STRING) &&
		 count == (call->scripted ? 3 : 2) && parts[0]->type == REDIS_REPLY_STRING &&
		 parts[1]->type == REDIS_REPLY_INTEGER)
		answer_held(call, (struct ow_text){parts[0]->str, parts[0]->len},
		    parts[1]->integer, call->scripted ? parts[2]->integer : -1);
	else
		lost(call, "Redis answered a claim with something else");
}

static void committed(struct call *call)
{
	struct cached cached = {.since_ms = call->begun_ms,
	    .expires_ms = call->begun_ms + life(call->claim->window_ms),
	    .has_result = true,
	    .has_digest = call->claim->digest != NULL,
	    .result = *call->result};
	if (cached.has_digest)
		memcpy(cached.digest, call->claim->digest, sizeof(cached.digest));
	if (!call->keep_texts)
		cached.result.content_type.len = cached.result.body.len = 0;
	remember(call, &cached);
}

/* Renew, commit and release answer 1, 0 or -1. */
static void changed(struct call *call, const struct redisReply *reply)
{
	struct leases *leases = call->store->leases;
	if (reply->type != REDIS_REPLY_INTEGER) {
		lost(call, "Redis answered with something else than a number");
		return;
	}
	/* Gone but not taken over, and ours until a moment ago: that is what was wanted. */
	bool done = reply->integer == 1 ||
		    (call->kind == CALL_RELEASE && reply->integer == -1 && call->restorable);
	if (!done) {
		lease_drop(leases, call->claim->token);
		finish(call, OW_REJECT,
		    reply->integer == 0 ? "the key has another owner by now"
					: "the claim expired and is forgotten");
		return;
	}
	if (call->kind == CALL_RENEW)
		hold(call);
	else
		lease_drop(leases, call->claim->token);
	if (call->kind == CALL_COMMIT)
		committed(call);
	finish(call, OW_OK, NULL);
}

/* True: it was sent again, in the form this server understands. */
static bool send_again(struct call *call, enum fault fault)
{
	const char *why;
	if (fault == FAULT_SYNTAX && call->kind == CALL_CLAIM && !call->scripted)
		node_lacks_set_get(call->trip.node);
	else if (fault == FAULT_SCRIPT && !call->whole)
		call->whole = true;
	else
		return false;
	if (!trip_repeat(&call->trip, &why))
		lost(call, why);
	return true;
}

static void refused(struct call *call, const struct redisReply *error)
{
	char why[FAULT_TEXT_SIZE];
	enum fault fault = fault_of((struct ow_text){error->str, error->len}, why);
	if (send_again(call, fault))
		return;
	if (call->kind == CALL_RELEASE)
		lost(call, why);
	else
		finish(call, OW_FAIL, why);
}

static void on_answer(struct trip *t, struct redisReply *const *replies, const char *why)
{
	struct call *call = STORE_OF(t, struct call, trip);
	if (!call->op) {
		free(call);
		return;
	}
	if (!replies)
		lost(call, why);
	else if (replies[0]->type == REDIS_REPLY_ERROR)
		refused(call, replies[0]);
	else if (call->kind == CALL_CLAIM)
		claimed(call, replies);
	else
		changed(call, replies[0]);
	if (!call->op)
		free(call);
}

/* ---- the commands ---- */

static void write_claim(struct call *call, struct command *c, struct ow_text own)
{
	const struct ow_claim *claim = call->claim;
	const struct node *node = call->trip.node;
	/* In a cluster a key may leave between two commands. */
	call->scripted =
	    claim->sliding || call->store->conf->cluster.wanted || !node_knows_set_get(node);
	if (call->scripted) {
		script_call(c, node_scripts(node), SCRIPT_CLAIM, call->whole, claim->key, 4);
		command_text(c, own);
		command_number(c, life(claim->lock_ms));
		command_number(c, life(claim->window_ms));
		command_string(c, claim->sliding ? "1" : "0");
		return;
	}
	command_begin(c, "SET", 6);
	command_text(c, claim->key);
	command_text(c, own);
	command_string(c, "NX");
	command_string(c, "GET");
	command_string(c, "PX");
	command_number(c, life(claim->lock_ms));
	command_begin(c, "PTTL", 1);
	command_text(c, claim->key);
}

static void write_commit(struct call *call, struct command *c, struct ow_text own)
{
	const struct ow_claim *claim = call->claim;
	struct value_parts parts;
	value_write_finished(claim, call->result, call->keep_texts, &parts);
	script_call(
	    c, node_scripts(call->trip.node), SCRIPT_COMMIT, call->whole, claim->key, 5);
	command_text(c, own);
	command_text(c, parts.head);
	command_text(c, parts.tail);
	command_number(c, life(claim->window_ms));
	command_string(c, call->restorable ? "1" : "0");
	free(parts.bytes);
}

static void write_call(struct trip *t, struct command *c)
{
	struct call *call = STORE_OF(t, struct call, trip);
	const struct ow_claim *claim = call->claim;
	const struct script_names *names = node_scripts(t->node);
	char own[VALUE_CLAIM_SIZE];
	struct ow_text own_text = {own, sizeof(own)};
	value_write_claim(claim->token, own);
	switch (call->kind) {
	case CALL_CLAIM:
		write_claim(call, c, own_text);
		break;
	case CALL_RENEW:
		script_call(c, names, SCRIPT_RENEW, call->whole, claim->key, 3);
		command_text(c, own_text);
		command_number(c, life(claim->lock_ms));
		command_string(c, call->restorable ? "1" : "0");
		break;
	case CALL_COMMIT:
		write_commit(call, c, own_text);
		break;
	case CALL_RELEASE:
		script_call(c, names, SCRIPT_RELEASE, call->whole, claim->key, 1);
		command_text(c, own_text);
		break;
	}
}

static struct call *call_new(struct store *s, enum call_kind kind, struct ow_op *op,
    const struct ow_claim *claim, uint64_t hash)
{
	static const struct trip_kind trip_kind = {.write = write_call, .done = on_answer};
	struct call *call = alloc_zero(1, sizeof(*call));
	call->store = s;
	call->kind = kind;
	call->op = op;
	call->claim = claim;
	call->begun_ms = store_now(s);
	call->trip =
	    (struct trip){.kind = &trip_kind, .store = s, .key = claim->key, .hash = hash};
	call->restorable =
	    kind != CALL_CLAIM && lease_holds(s->leases, claim->token, call->begun_ms);
	s->host->op_set(op, call);
	return call;
}

static void call_begin(struct call *call)
{
	const char *why;
	if (trip_send(&call->trip, &why))
		return;
	lost(call, why);
	free(call);
}

/* ---- the operations ---- */

/* False: it has to be asked. */
static bool answer_from_cache(
    struct store *s, struct ow_op *op, const struct ow_claim *claim, uint64_t hash)
{
	int64_t now = store_now(s);
	if (!s->cache || claim->sliding)
		return false;
	const struct cached *cached = local_cache_get(s->cache, claim->key, hash, now);
	/* A payload that is to be compared needs one to compare it with. */
	if (!cached || (claim->digest && !cached->has_digest))
		return false;
	struct call call = {.store = s, .op = op, .kind = CALL_CLAIM};
	s->host->count(s->counters.cache_hits, 1);
	answer_claim(&call, (struct ow_claim_answer){.state = OW_CLAIM_DONE,
				.age_ms = now - cached->since_ms,
				.result = cached->has_result ? &cached->result : NULL,
				.digest = cached->has_digest ? cached->digest : NULL});
	return true;
}

void claims_claim(struct store *s, struct ow_op *op, const struct ow_claim *claim)
{
	uint64_t hash = store_hash(s, claim->key);
	s->host->op_set(op, NULL);
	if (!answer_from_cache(s, op, claim, hash))
		call_begin(call_new(s, CALL_CLAIM, op, claim, hash));
}

void claims_renew(struct store *s, struct ow_op *op, const struct ow_claim *claim)
{
	call_begin(call_new(s, CALL_RENEW, op, claim, store_hash(s, claim->key)));
}

/* Whether a result's texts are small enough to be kept. */
static bool fits(struct store *s, const struct ow_result *result)
{
	size_t max = (size_t)s->conf->max_result, type = result->content_type.len;
	if (type <= max && result->body.len <= max - type)
		return true;
	/* 0 means that no result is wanted, so none is missed. */
	if (max > 0) {
		s->host->count(s->counters.too_large, 1);
		s->host->log(s->self, OW_LOG_INFO,
		    "a result of %zu bytes is over max_result: only its status is kept",
		    type + result->body.len);
	}
	return false;
}

void claims_commit(struct store *s, struct ow_op *op, const struct ow_claim *claim,
    const struct ow_result *result)
{
	struct call *call = call_new(s, CALL_COMMIT, op, claim, store_hash(s, claim->key));
	call->result = result;
	call->keep_texts = fits(s, result);
	call_begin(call);
}

void claims_release(struct store *s, struct ow_op *op, const struct ow_claim *claim)
{
	call_begin(call_new(s, CALL_RELEASE, op, claim, store_hash(s, claim->key)));
}

void claims_cancel(struct store *s, struct ow_op *op)
{
	struct call *call = s->host->op_get(op);
	/*
	 * A release that is still under way will be carried out, or be too late;
	 * but in a cluster it may be sent elsewhere, and it does not go there.
	 */
	if (call->kind == CALL_RELEASE && s->conf->cluster.wanted)
		strays_add(s->strays, call->claim);
	trip_drop(&call->trip);
	finish(call, OW_FAIL, "Redis did not answer in time");
}
