/* The stores behind the rig: what any store must do, in the simplest words. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/route/rig.h"

struct entry {
	struct entry *next;
	char *key;
	bool done;
	unsigned char token[OW_TOKEN_SIZE];
	struct ow_result result;
	char *type, *body;
	bool has_digest;
	unsigned char digest[OW_DIGEST_SIZE];
};

static struct entry *entries;

static struct entry *find(struct ow_text key)
{
	struct entry *e = entries;
	while (e && !text_equal(text_of(e->key), key))
		e = e->next;
	return e;
}

static struct entry *add(struct ow_text key)
{
	struct entry *e = mem_zero(sizeof(*e));
	e->key = mem_string_of(key.data, key.len);
	e->next = entries;
	entries = e;
	return e;
}

static void forget(struct entry *gone)
{
	struct entry **at = &entries;
	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	free(gone->key);
	free(gone->type);
	free(gone->body);
	free(gone);
}

static void finish(struct entry *e, const struct ow_result *result)
{
	e->done = true;
	e->result = *result;
	e->type = mem_string_of(result->content_type.data, result->content_type.len);
	e->body = mem_string_of(result->body.data, result->body.len);
	e->result.content_type = text_of(e->type);
	e->result.body = text_of(e->body);
}

enum ow_claim_state model_claim(
    const struct ow_claim *claim, struct ow_result *result, const unsigned char **digest)
{
	struct entry *e = find(claim->key);
	if (e && e->done) {
		*result = e->result;
		*digest = e->has_digest ? e->digest : NULL;
		return OW_CLAIM_DONE;
	}
	if (e)
		return OW_CLAIM_IN_PROGRESS;
	memcpy(add(claim->key)->token, claim->token, OW_TOKEN_SIZE);
	return OW_CLAIM_NEW;
}

static struct entry *owned(const struct ow_claim *claim)
{
	struct entry *e = find(claim->key);
	return e && !e->done && memcmp(e->token, claim->token, OW_TOKEN_SIZE) == 0 ? e : NULL;
}

enum ow_rc model_renew(const struct ow_claim *claim)
{
	return owned(claim) ? OW_OK : OW_REJECT;
}

enum ow_rc model_commit(const struct ow_claim *claim, const struct ow_result *result)
{
	struct entry *e = owned(claim);
	if (!e)
		return OW_REJECT;
	finish(e, result);
	e->has_digest = claim->digest;
	if (claim->digest)
		memcpy(e->digest, claim->digest, OW_DIGEST_SIZE);
	return OW_OK;
}

enum ow_rc model_release(const struct ow_claim *claim)
{
	struct entry *e = owned(claim);
	if (!e)
		return OW_REJECT;
	forget(e);
	return OW_OK;
}

void model_expire(const char *key)
{
	struct entry *e = find(text_of(key));
	if (e)
		forget(e);
}

void model_take(const char *key)
{
	model_expire(key);
	memset(add(text_of(key))->token, 0xee, OW_TOKEN_SIZE);
}

void model_finish(const char *key, const struct ow_result *result)
{
	model_expire(key);
	finish(add(text_of(key)), result);
}

bool model_is_done(const char *key)
{
	struct entry *e = find(text_of(key));
	return e && e->done;
}

bool model_is_claimed(const char *key)
{
	struct entry *e = find(text_of(key));
	return e && !e->done;
}

void model_clear(void)
{
	while (entries)
		forget(entries);
}
