#include "store_memory/key_entry.h"

#include <string.h>

#include "lib/alloc.h"

/* Lives are far below this; what is not, lasts as long as the process. */
static int64_t later(int64_t now_ms, int64_t ms)
{
	return ms > INT64_MAX / 4 ? INT64_MAX / 4 : now_ms + ms;
}

static size_t digest_len(const struct key_entry *entry)
{
	return entry->has_digest ? OW_DIGEST_SIZE : 0;
}

/*
 * The digest is kept from the beginning, though it is of no use before the end:
 * so a claim has paid for all that must be kept, and finishing it cannot fail
 * for want of room.
 */
static void set_claim(struct key_entry *entry, const struct ow_claim *claim, int64_t now_ms)
{
	entry->done = entry->failed = entry->no_result = 0;
	entry->has_digest = claim->digest != NULL;
	if (claim->digest)
		memcpy(entry->bytes + entry->key_len, claim->digest, OW_DIGEST_SIZE);
	memcpy(entry->is.token, claim->token, OW_TOKEN_SIZE);
	key_entry_renew(entry, claim, now_ms);
}

static struct key_entry *resize(struct key_entry *entry, size_t behind_key)
{
	return alloc_resize(entry, sizeof(*entry) + entry->key_len + behind_key);
}

static struct key_entry *with_key(struct ow_text key, size_t behind_key)
{
	struct key_entry *entry = alloc_bytes(sizeof(*entry) + key.len + behind_key);
	entry->key_len = (uint32_t)key.len;
	if (key.len)
		memcpy(entry->bytes, key.data, key.len);
	return entry;
}

struct key_entry *key_entry_new(const struct ow_claim *claim, int64_t now_ms)
{
	struct key_entry *entry = with_key(claim->key, claim->digest ? OW_DIGEST_SIZE : 0);
	set_claim(entry, claim, now_ms);
	return entry;
}

struct key_entry *key_entry_claim(
    struct key_entry *entry, const struct ow_claim *claim, int64_t now_ms)
{
	entry = resize(entry, claim->digest ? OW_DIGEST_SIZE : 0);
	set_claim(entry, claim, now_ms);
	return entry;
}

void key_entry_renew(struct key_entry *entry, const struct ow_claim *claim, int64_t now_ms)
{
	entry->expires_ms = later(now_ms, claim->lock_ms);
	/*
	 * A claim that nobody takes over can still be committed, so that a
	 * process that was stopped for a while does not lose a delivery; but
	 * not for ever.
	 */
	entry->sweep_ms = later(entry->expires_ms, claim->lock_ms);
}

void key_entry_slide(struct key_entry *entry, int64_t window_ms, int64_t now_ms)
{
	int64_t until = later(now_ms, window_ms);
	if (until > entry->expires_ms)
		entry->expires_ms = entry->sweep_ms = until;
}

/* The entry has room for them. */
static void set_result(struct key_entry *entry, const unsigned char *digest,
    const struct ow_result *result, struct ow_text type, struct ow_text body)
{
	char *at = entry->bytes + entry->key_len;
	entry->done = 1;
	entry->failed = result->failed;
	entry->has_digest = digest != NULL;
	entry->no_result = 0;
	entry->is.result.status = (int16_t)result->status;
	entry->is.result.type_len = (uint16_t)type.len;
	entry->is.result.body_len = (uint32_t)body.len;
	if (digest)
		memcpy(at, digest, OW_DIGEST_SIZE);
	at += digest_len(entry);
	if (type.len)
		memcpy(at, type.data, type.len);
	if (body.len)
		memcpy(at + type.len, body.data, body.len);
}

struct key_entry *key_entry_finish(struct key_entry *entry, const struct ow_claim *claim,
    const struct ow_result *result, bool keep_texts, int64_t now_ms)
{
	struct ow_text type = result->content_type, body = result->body;
	if (!keep_texts)
		type.len = body.len = 0;
	entry = resize(entry, (claim->digest ? OW_DIGEST_SIZE : 0) + type.len + body.len);
	set_result(entry, claim->digest, result, type, body);
	entry->expires_ms = entry->sweep_ms = later(now_ms, claim->window_ms);
	entry->is.result.since_ms = now_ms;
	return entry;
}

struct key_entry *key_entry_restore(const struct key_restored *key)
{
	static const struct ow_result nothing = {.size = sizeof(nothing)};
	const struct ow_result *result = key->result ? key->result : &nothing;
	struct ow_text type = result->content_type, body = result->body;
	struct key_entry *entry =
	    with_key(key->key, (key->digest ? OW_DIGEST_SIZE : 0) + type.len + body.len);
	set_result(entry, key->digest, result, type, body);
	entry->no_result = !key->result;
	entry->expires_ms = entry->sweep_ms = key->expires_ms;
	entry->is.result.since_ms = key->since_ms;
	return entry;
}

struct key_entry *key_entry_finished(
    const struct ow_claim *claim, const struct ow_result *result, int64_t now_ms)
{
	return key_entry_restore(&(struct key_restored){.key = claim->key,
	    .digest = claim->digest,
	    .result = result,
	    .since_ms = now_ms,
	    .expires_ms = later(now_ms, claim->window_ms)});
}

struct key_entry *key_entry_copy(const struct key_entry *entry)
{
	size_t size = sizeof(*entry) + key_entry_length(entry);
	struct key_entry *copy = alloc_bytes(size);
	memcpy(copy, entry, size);
	return copy;
}

bool key_entry_owned(const struct key_entry *entry, const unsigned char *token)
{
	return !entry->done && memcmp(entry->is.token, token, OW_TOKEN_SIZE) == 0;
}

const unsigned char *key_entry_digest(const struct key_entry *entry)
{
	const char *at = entry->bytes + entry->key_len;
	return entry->has_digest ? (const unsigned char *)at : NULL;
}

size_t key_entry_cost(struct key_entry *entry)
{
	return alloc_cost(entry);
}

size_t key_entry_claim_cost(const struct ow_claim *claim)
{
	return alloc_cost_of(
	    sizeof(struct key_entry) + claim->key.len + (claim->digest ? OW_DIGEST_SIZE : 0));
}

size_t key_entry_length(const struct key_entry *entry)
{
	size_t texts =
	    entry->done ? entry->is.result.type_len + (size_t)entry->is.result.body_len : 0;
	return entry->key_len + digest_len(entry) + texts;
}

bool key_entry_result(const struct key_entry *entry, struct ow_result *result)
{
	const char *at = entry->bytes + entry->key_len + digest_len(entry);
	*result = (struct ow_result){.size = sizeof(*result),
	    .status = entry->is.result.status,
	    .content_type = {at, entry->is.result.type_len},
	    .body = {at + entry->is.result.type_len, entry->is.result.body_len},
	    .failed = entry->failed};
	return !entry->no_result;
}
