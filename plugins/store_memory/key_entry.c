#include "store_memory/key_entry.h"

#include <string.h>

#include "lib/alloc.h"

/* Lives are far below this; what is not, lasts as long as the process. */
static int64_t later(int64_t now_ms, int64_t ms)
{
	return ms > INT64_MAX / 4 ? INT64_MAX / 4 : now_ms + ms;
}

static void set_claim(struct key_entry *entry, const struct ow_claim *claim, int64_t now_ms)
{
	entry->done = entry->failed = entry->has_digest = 0;
	memcpy(entry->is.token, claim->token, OW_TOKEN_SIZE);
	key_entry_renew(entry, claim, now_ms);
}

struct key_entry *key_entry_new(const struct ow_claim *claim, int64_t now_ms)
{
	struct key_entry *entry = alloc_bytes(sizeof(*entry) + claim->key.len);
	entry->key_len = (uint32_t)claim->key.len;
	if (claim->key.len)
		memcpy(entry->bytes, claim->key.data, claim->key.len);
	set_claim(entry, claim, now_ms);
	return entry;
}

struct key_entry *key_entry_claim(
    struct key_entry *entry, const struct ow_claim *claim, int64_t now_ms)
{
	set_claim(entry, claim, now_ms);
	return alloc_resize(entry, sizeof(*entry) + entry->key_len);
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

struct key_entry *key_entry_finish(struct key_entry *entry, const struct ow_claim *claim,
    const struct ow_result *result, bool keep_texts, int64_t now_ms)
{
	struct ow_text type = result->content_type, body = result->body;
	if (!keep_texts)
		type.len = body.len = 0;
	size_t digest_len = claim->digest ? OW_DIGEST_SIZE : 0;
	entry = alloc_resize(
	    entry, sizeof(*entry) + entry->key_len + digest_len + type.len + body.len);
	entry->done = 1;
	entry->failed = result->failed;
	entry->has_digest = digest_len > 0;
	entry->expires_ms = entry->sweep_ms = later(now_ms, claim->window_ms);
	entry->is.result.since_ms = now_ms;
	entry->is.result.status = (int16_t)result->status;
	entry->is.result.type_len = (uint16_t)type.len;
	entry->is.result.body_len = (uint32_t)body.len;
	char *at = entry->bytes + entry->key_len;
	if (digest_len)
		memcpy(at, claim->digest, digest_len);
	if (type.len)
		memcpy(at + digest_len, type.data, type.len);
	if (body.len)
		memcpy(at + digest_len + type.len, body.data, body.len);
	return entry;
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

void key_entry_result(const struct key_entry *entry, struct ow_result *result)
{
	const char *at = entry->bytes + entry->key_len;
	if (entry->has_digest)
		at += OW_DIGEST_SIZE;
	*result = (struct ow_result){.size = sizeof(*result),
	    .status = entry->is.result.status,
	    .content_type = {at, entry->is.result.type_len},
	    .body = {at + entry->is.result.type_len, entry->is.result.body_len},
	    .failed = entry->failed};
}
