/*
 * A store that is sound, and stores that each break one rule: what shows that
 * the suite sees it. Slow and simple on purpose: one list, one lock.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <onceway/plugin.h>

enum bug {
	SOUND,
	IGNORES_TOKENS,
	NEW_TWICE,
	NOT_SHARED,
	EARLY,
	NEVER_EXPIRES,
	STRANGERS_RENEW,
	RENEW_DOES_NOTHING,
	NO_SLIDE,
	ALWAYS_SLIDES,
	SHORT_WINDOW,
	DIGEST_OF_DUPLICATE,
	CUTS_RESULTS,
	TEXT_RESULTS,
	TEXT_KEYS,
	FORGETS_FAILED,
	RELEASE_KEEPS,
	RELEASES_FINISHED,
	FINISHES_TWICE,
	WRONG_FUNCTION,
	NEVER_FINISHES,
	BLOCKS,
	NO_PHRASE,
	DRAIN_HANGS,
	DRAIN_FAILS
};

struct entry {
	struct entry *next;
	char *key;
	size_t key_len;
	unsigned char token[OW_TOKEN_SIZE], digest[OW_DIGEST_SIZE];
	bool done, has_digest;
	int64_t until_ms, since_ms;
	struct ow_result result; /* texts are owned */
};

struct table {
	pthread_mutex_t lock;
	struct entry *entries;
	unsigned claims;
};

struct store {
	const struct ow_host *host;
	struct ow_instance *self;
	struct table *table, *own;
	enum bug bug;
};

struct no_conf {
	int nothing;
};

/* ---- the table ---- */

static void *table_make(void *arg)
{
	struct table *t = calloc(1, sizeof(*t));
	(void)arg;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void drop_result(struct entry *e)
{
	free((void *)(uintptr_t)e->result.content_type.data);
	free((void *)(uintptr_t)e->result.body.data);
	memset(&e->result, 0, sizeof(e->result));
}

static void entry_free(struct entry *e)
{
	drop_result(e);
	free(e->key);
	free(e);
}

static void table_free(void *object)
{
	struct table *t = object;
	while (t->entries) {
		struct entry *next = t->entries->next;
		entry_free(t->entries);
		t->entries = next;
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static bool same_key(const struct store *s, const struct entry *e, struct ow_text key)
{
	if (s->bug == TEXT_KEYS) {
		size_t len = strnlen(key.data, key.len);
		return strnlen(e->key, e->key_len) == len && memcmp(e->key, key.data, len) == 0;
	}
	return e->key_len == key.len && memcmp(e->key, key.data, key.len) == 0;
}

static struct entry **find(const struct store *s, struct ow_text key)
{
	struct entry **at = &s->table->entries;
	while (*at && !same_key(s, *at, key))
		at = &(*at)->next;
	return at;
}

static void take(struct store *s, struct entry *e, const struct ow_claim *claim, int64_t now)
{
	drop_result(e);
	memcpy(e->token, claim->token, OW_TOKEN_SIZE);
	e->done = false;
	e->until_ms = s->bug == NEVER_EXPIRES ? INT64_MAX
		      : s->bug == EARLY	      ? now + claim->lock_ms / 2
					      : now + claim->lock_ms;
}

static struct entry *add(struct store *s, const struct ow_claim *claim)
{
	struct entry *e = calloc(1, sizeof(*e));
	e->key = malloc(claim->key.len + 1);
	e->key_len = claim->key.len;
	memcpy(e->key, claim->key.data, claim->key.len);
	e->next = s->table->entries;
	s->table->entries = e;
	return e;
}

static struct ow_text kept(const struct store *s, struct ow_text t)
{
	size_t len = t.len;
	if (s->bug == CUTS_RESULTS && len > 500)
		len = 500;
	if (s->bug == TEXT_RESULTS)
		len = strnlen(t.data, t.len);
	char *copy = malloc(len + 1);
	memcpy(copy, t.data, len);
	return (struct ow_text){copy, len};
}

/* ---- claims ---- */

static enum ow_claim_state claim_locked(
    struct store *s, const struct ow_claim *claim, struct ow_claim_answer *answer, int64_t now)
{
	struct entry *e = *find(s, claim->key);
	if (e && now < e->until_ms && e->done) {
		answer->age_ms = now - e->since_ms;
		answer->result = &e->result;
		answer->digest = !e->has_digest			 ? NULL
				 : s->bug == DIGEST_OF_DUPLICATE ? claim->digest
								 : e->digest;
		if ((claim->sliding && s->bug != NO_SLIDE) || s->bug == ALWAYS_SLIDES)
			e->until_ms = now + claim->window_ms;
		return OW_CLAIM_DONE;
	}
	if (e && now < e->until_ms && !(s->bug == NEW_TWICE && ++s->table->claims % 20 == 0)) {
		answer->remaining_ms = e->until_ms - now;
		return OW_CLAIM_IN_PROGRESS;
	}
	take(s, e ? e : add(s, claim), claim, now);
	return OW_CLAIM_NEW;
}

static void store_claim(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct ow_claim_answer answer = {.size = sizeof(answer), .rc = OW_OK};
	if (s->bug == WRONG_FUNCTION) {
		s->host->op_done(op, OW_OK, NULL);
		return;
	}
	while (s->bug == BLOCKS)
		pause();
	pthread_mutex_lock(&s->table->lock);
	answer.state = claim_locked(s, claim, &answer, s->host->mono_ms(s->self));
	s->host->claim_done(op, &answer);
	if (s->bug == FINISHES_TWICE)
		s->host->claim_done(op, &answer);
	pthread_mutex_unlock(&s->table->lock);
}

/* The entry the token owns, locked; or NULL, finished and not locked. */
static struct entry **lock_owned(
    struct store *s, struct ow_op *op, const struct ow_claim *claim)
{
	pthread_mutex_lock(&s->table->lock);
	struct entry **at = find(s, claim->key);
	bool owned = *at && memcmp((*at)->token, claim->token, OW_TOKEN_SIZE) == 0;
	bool open = *at && (!(*at)->done || s->bug == RELEASES_FINISHED);
	if ((owned && open) || (s->bug == IGNORES_TOKENS && *at))
		return at;
	pthread_mutex_unlock(&s->table->lock);
	s->host->op_done(op, OW_REJECT, "another token's");
	return NULL;
}

static void done(struct store *s, struct ow_op *op)
{
	pthread_mutex_unlock(&s->table->lock);
	s->host->op_done(op, OW_OK, NULL);
}

static void strangers_renew(struct store *s, const struct ow_claim *claim)
{
	pthread_mutex_lock(&s->table->lock);
	struct entry *e = *find(s, claim->key);
	if (e)
		e->until_ms = s->host->mono_ms(s->self) + claim->lock_ms;
	pthread_mutex_unlock(&s->table->lock);
}

static void store_renew(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	if (s->bug == NEVER_FINISHES)
		return;
	if (s->bug == STRANGERS_RENEW)
		strangers_renew(s, claim);
	struct entry **at = lock_owned(s, op, claim);
	if (!at)
		return;
	if (s->bug != RENEW_DOES_NOTHING)
		(*at)->until_ms = s->host->mono_ms(s->self) + claim->lock_ms;
	done(s, op);
}

static void store_commit(
    void *state, struct ow_op *op, const struct ow_claim *claim, const struct ow_result *result)
{
	struct store *s = state;
	struct entry **at = lock_owned(s, op, claim);
	if (!at)
		return;
	struct entry *e = *at;
	int64_t now = s->host->mono_ms(s->self);
	drop_result(e);
	e->done = true;
	e->since_ms = now;
	e->until_ms = now + (s->bug == SHORT_WINDOW ? claim->window_ms / 2 : claim->window_ms);
	e->has_digest = claim->digest != NULL;
	if (claim->digest)
		memcpy(e->digest, claim->digest, OW_DIGEST_SIZE);
	e->result = (struct ow_result){.size = sizeof(e->result),
	    .status = result->status,
	    .content_type = kept(s, result->content_type),
	    .body = kept(s, result->body),
	    .failed = result->failed && s->bug != FORGETS_FAILED};
	done(s, op);
}

static void store_release(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct entry **at = lock_owned(s, op, claim);
	if (!at)
		return;
	struct entry *e = *at;
	if (s->bug != RELEASE_KEEPS) {
		*at = e->next;
		entry_free(e);
	}
	done(s, op);
}

static void store_cancel(void *state, struct ow_op *op)
{
	(void)state, (void)op;
}

static int64_t store_keys(void *state)
{
	(void)state;
	return -1;
}

static bool store_ready(void *state, const char **why)
{
	struct store *s = state;
	*why = NULL;
	return s->bug != NO_PHRASE;
}

/* ---- life ---- */

static void *create(const struct ow_host *host, struct ow_instance *self, enum bug bug)
{
	struct store *s = calloc(1, sizeof(*s));
	s->host = host;
	s->self = self;
	s->bug = bug;
	s->own = bug == NOT_SHARED ? table_make(NULL) : NULL;
	s->table = s->own ? s->own : host->shared(self, table_make, NULL, table_free);
	return s;
}

static void store_drain(void *state, struct ow_op *op)
{
	struct store *s = state;
	if (s->bug != DRAIN_HANGS)
		s->host->op_done(op, s->bug == DRAIN_FAILS ? OW_FAIL : OW_OK,
		    s->bug == DRAIN_FAILS ? "no" : NULL);
}

static void store_destroy(void *state)
{
	struct store *s = state;
	if (s->own)
		table_free(s->own);
	free(s);
}

static const struct ow_store_ops ops = {
    .size = sizeof(ops),
    .claim = store_claim,
    .renew = store_renew,
    .commit = store_commit,
    .release = store_release,
    .cancel = store_cancel,
    .keys = store_keys,
    .ready = store_ready,
};

#define STORE(which, text)                                                                     \
	static void *create_##which(const struct ow_host *host, struct ow_instance *self,      \
	    const void *conf, const char **why)                                                \
	{                                                                                      \
		(void)conf, (void)why;                                                         \
		return create(host, self, which);                                              \
	}                                                                                      \
	static const struct ow_component component_##which = {.kind = OW_STORE,                \
	    .conf_size = sizeof(struct no_conf),                                               \
	    .name = text,                                                                      \
	    .summary = "A store for tests of the suite.",                                      \
	    .create = create_##which,                                                          \
	    .drain = store_drain,                                                              \
	    .destroy = store_destroy,                                                          \
	    .ops = &ops}

STORE(SOUND, "sound");
STORE(IGNORES_TOKENS, "ignores_tokens");
STORE(NEW_TWICE, "new_twice");
STORE(NOT_SHARED, "not_shared");
STORE(EARLY, "early");
STORE(NEVER_EXPIRES, "never_expires");
STORE(STRANGERS_RENEW, "strangers_renew");
STORE(RENEW_DOES_NOTHING, "renew_does_nothing");
STORE(NO_SLIDE, "no_slide");
STORE(ALWAYS_SLIDES, "always_slides");
STORE(SHORT_WINDOW, "short_window");
STORE(DIGEST_OF_DUPLICATE, "digest_of_duplicate");
STORE(CUTS_RESULTS, "cuts_results");
STORE(TEXT_RESULTS, "text_results");
STORE(TEXT_KEYS, "text_keys");
STORE(FORGETS_FAILED, "forgets_failed");
STORE(RELEASE_KEEPS, "release_keeps");
STORE(RELEASES_FINISHED, "releases_finished");
STORE(FINISHES_TWICE, "finishes_twice");
STORE(WRONG_FUNCTION, "wrong_function");
STORE(NEVER_FINISHES, "never_finishes");
STORE(BLOCKS, "blocks");
STORE(NO_PHRASE, "no_phrase");
STORE(DRAIN_HANGS, "drain_hangs");
STORE(DRAIN_FAILS, "drain_fails");

static const struct ow_component *const components[] = {&component_SOUND,
    &component_IGNORES_TOKENS, &component_NEW_TWICE, &component_NOT_SHARED, &component_EARLY,
    &component_NEVER_EXPIRES, &component_STRANGERS_RENEW, &component_RENEW_DOES_NOTHING,
    &component_NO_SLIDE, &component_ALWAYS_SLIDES, &component_SHORT_WINDOW,
    &component_DIGEST_OF_DUPLICATE, &component_CUTS_RESULTS, &component_TEXT_RESULTS,
    &component_TEXT_KEYS, &component_FORGETS_FAILED, &component_RELEASE_KEEPS,
    &component_RELEASES_FINISHED, &component_FINISHES_TWICE, &component_WRONG_FUNCTION,
    &component_NEVER_FINISHES, &component_BLOCKS, &component_NO_PHRASE, &component_DRAIN_HANGS,
    &component_DRAIN_FAILS, NULL};

OW_MODULE("broken_stores", "1.0", "Apache-2.0", components)
