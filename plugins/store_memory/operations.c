#include "store_memory/operations.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/alloc.h"

/* Slots swept by each claim, and by one that finds the store full; the latter where it may
 * evict. */
#define CLAIM_SWEEP 8
#define FULL_SWEEP  2048
#define EVICT_SWEEP 256

static bool is_sliding(const struct ow_claim *claim)
{
	return claim->size >= offsetof(struct ow_claim, sliding) + sizeof(claim->sliding) &&
	       claim->sliding;
}

/* An answer about a finished key. Its shard is locked until the answer is given. */
static void answer_done(struct store *s, struct ow_op *op, const struct ow_claim *claim,
    struct place place, struct key_slot *slot, int64_t now)
{
	struct key_entry *entry = slot->entry;
	struct ow_result result;
	int64_t since = entry->is.result.since_ms;
	struct ow_claim_answer answer = {.size = sizeof(answer),
	    .rc = OW_OK,
	    .state = OW_CLAIM_DONE,
	    .age_ms = since == KEY_SINCE_UNKNOWN ? -1 : now - since,
	    .digest = key_entry_digest(entry)};
	if (key_entry_result(entry, &result))
		answer.result = &result;
	if (is_sliding(claim)) {
		int64_t before = entry->expires_ms;
		key_entry_slide(entry, claim->window_ms, now);
		memory_set(place, slot, entry, key_entry_cost(entry));
		if (s->durability)
			durability_slid(s->durability, entry, claim->window_ms, before);
	}
	s->host->claim_done(op, &answer);
}

/* An answer about a key that is in the table. */
static void answer_known(struct store *s, struct ow_op *op, const struct ow_claim *claim,
    struct place place, struct key_slot *slot, int64_t now)
{
	struct key_entry *entry = slot->entry;
	struct ow_claim_answer answer = {.size = sizeof(answer), .rc = OW_OK};
	if (now >= entry->expires_ms) {
		size_t cost = key_entry_cost(entry);
		memory_set(place, slot, key_entry_claim(entry, claim, now), cost);
		answer.state = OW_CLAIM_NEW;
	} else if (entry->done) {
		answer_done(s, op, claim, place, slot, now);
		return;
	} else {
		answer.state = OW_CLAIM_IN_PROGRESS;
		answer.remaining_ms = entry->expires_ms - now;
	}
	s->host->claim_done(op, &answer);
}

/* False if the key is new and there is no room for it; else the operation is finished. */
static bool try_claim(
    struct store *s, struct ow_op *op, const struct ow_claim *claim, int64_t now)
{
	struct memory *m = s->memory;
	struct place place = memory_enter(m, claim->key);
	memory_tidy(place, CLAIM_SWEEP, now);
	struct key_slot *slot = memory_find(place, claim->key);
	bool finished = true;
	if (slot)
		answer_known(s, op, claim, place, slot, now);
	else if (memory_add(m, place, key_entry_new(claim, now)))
		s->host->claim_done(
		    op, &(struct ow_claim_answer){.size = sizeof(struct ow_claim_answer),
			    .rc = OW_OK,
			    .state = OW_CLAIM_NEW});
	else
		finished = false;
	memory_leave(m, place);
	return finished;
}

static void refuse(struct store *s, struct ow_op *op, const char *why)
{
	s->host->claim_done(
	    op, &(struct ow_claim_answer){
		    .size = sizeof(struct ow_claim_answer), .rc = OW_FAIL, .why = why});
}

static void refuse_full(struct store *s, struct ow_op *op)
{
	char why[80];
	int64_t keys = memory_keys(s->memory), bytes = memory_bytes(s->memory);
	if (keys >= s->conf->max_keys)
		snprintf(why, sizeof(why), "store is full: %" PRId64 " keys (max_keys)", keys);
	else
		snprintf(
		    why, sizeof(why), "store is full: %" PRId64 " bytes (max_bytes)", bytes);
	s->host->count(s->refused, 1);
	refuse(s, op, why);
}

static void forgotten(void *arg, const struct key_entry *entry)
{
	struct store *s = arg;
	if (s->durability)
		durability_gone(s->durability, entry);
}

static void evict(struct store *s, struct ow_text key, struct memory_need need, int64_t now)
{
	memory_sweep(s->memory, EVICT_SWEEP, now);
	unsigned early = memory_evict(s->memory, key, need, now, forgotten, s);
	if (early > 0)
		s->host->count(s->evicted, early);
}

void store_claim(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	int64_t now = store_now(s);
	if (claim->key.len > CHECKPOINT_KEY_MAX) {
		refuse(s, op, "the key is too long to be remembered");
		return;
	}
	if (try_claim(s, op, claim, now))
		return;
	if (s->conf->on_full == FULL_EVICT) {
		evict(s, claim->key, memory_need(s->memory, claim), now);
		if (try_claim(s, op, claim, now))
			return;
	}
	memory_sweep(s->memory, FULL_SWEEP, now);
	if (!try_claim(s, op, claim, now))
		refuse_full(s, op);
}

/*
 * The slot that claim->token owns, with its shard locked; or NULL, with the
 * operation finished and nothing locked.
 */
static struct key_slot *enter_owned(
    struct store *s, struct ow_op *op, const struct ow_claim *claim, struct place *place)
{
	*place = memory_enter(s->memory, claim->key);
	struct key_slot *slot = memory_find(*place, claim->key);
	if (slot && key_entry_owned(slot->entry, claim->token))
		return slot;
	memory_leave(s->memory, *place);
	s->host->op_done(op, OW_REJECT,
	    slot ? "the key has another owner by now" : "the claim expired and is forgotten");
	return NULL;
}

bool store_hold(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct place place;
	struct key_slot *slot = enter_owned(s, op, claim, &place);
	if (!slot)
		return false;
	key_entry_renew(slot->entry, claim, store_now(s));
	memory_set(place, slot, slot->entry, key_entry_cost(slot->entry));
	memory_leave(s->memory, place);
	return true;
}

void store_renew(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	if (store_hold(s, op, claim))
		s->host->op_done(op, OW_OK, NULL);
}

/* Whether a result's texts are small enough to be kept. */
static bool fits(struct store *s, const struct ow_result *result)
{
	size_t max = (size_t)s->conf->max_result, type = result->content_type.len;
	if (type <= UINT16_MAX && type <= max && result->body.len <= max - type)
		return true;
	/* 0 means that no result is wanted, so none is missed. */
	if (max > 0) {
		s->host->count(s->too_large, 1);
		s->host->log(s->self, OW_LOG_INFO,
		    "a result of %zu bytes is over max_result: only its status is kept",
		    type + result->body.len);
	}
	return false;
}

void store_finish(void *state, struct ow_op *op, const struct ow_claim *claim,
    const struct ow_result *kept, int64_t now_ms)
{
	struct store *s = state;
	struct place place;
	bool keep_texts = true, may_evict = s->conf->on_full == FULL_EVICT;
	size_t texts = kept->content_type.len + kept->body.len;
	size_t room = texts ? alloc_cost_of(texts) : 0;
	struct key_slot *slot = enter_owned(s, op, claim, &place);
	if (slot && room && !memory_grow(s->memory, place, room)) {
		keep_texts = false;
		if (may_evict) {
			memory_leave(s->memory, place);
			evict(s, claim->key, (struct memory_need){.bytes = room}, store_now(s));
			slot = enter_owned(s, op, claim, &place);
			keep_texts = slot && memory_grow(s->memory, place, room);
		}
		if (!keep_texts)
			s->host->count(s->dropped, 1);
	}
	if (!slot)
		return;
	size_t cost = key_entry_cost(slot->entry);
	memory_set(
	    place, slot, key_entry_finish(slot->entry, claim, kept, keep_texts, now_ms), cost);
	memory_leave(s->memory, place);
	s->host->op_done(op, OW_OK, NULL);
}

void store_commit(
    void *state, struct ow_op *op, const struct ow_claim *claim, const struct ow_result *result)
{
	struct store *s = state;
	struct ow_result kept = *result;
	if (!fits(s, result))
		kept.content_type.len = kept.body.len = 0;
	if (s->durability)
		durability_commit(s->durability, op, claim, &kept);
	else
		store_finish(s, op, claim, &kept, store_now(s));
}

void store_release(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct place place;
	struct key_slot *slot = enter_owned(s, op, claim, &place);
	if (!slot)
		return;
	memory_remove(place, slot);
	memory_leave(s->memory, place);
	s->host->op_done(op, OW_OK, NULL);
}

/* Without a disk to wait for, every operation is finished inside its own call. */
void store_cancel(void *state, struct ow_op *op)
{
	struct store *s = state;
	if (s->durability)
		durability_cancel(s->durability, op);
}
