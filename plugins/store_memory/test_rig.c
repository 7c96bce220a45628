#include "store_memory/test_rig.h"

#include <check.h>
#include <string.h>

struct mock *m;
struct ow_instance *store;
const unsigned char digest[OW_DIGEST_SIZE] = "digest of the payload, 32 bytes";

struct ow_instance *store_new(struct mock *worker, const char *name, const char *yaml)
{
	const struct ow_component *memory = mock_component(OW_MODULE_SYMBOL(), "memory");
	struct ow_instance *made =
	    mock_instance(worker, memory, name, mock_conf(worker, memory, yaml));
	ck_assert_int_eq(mock_rc(mock_start(made)), OW_OK);
	return made;
}

void with(const char *yaml)
{
	m = mock_new();
	store = store_new(m, "main", yaml);
}

void done(void)
{
	mock_free(m);
	m = NULL;
	store = NULL;
}

struct ow_text text_of(const char *string)
{
	return (struct ow_text){string, strlen(string)};
}

struct ow_claim claim_of(struct ow_text key, unsigned char owner)
{
	static unsigned char tokens[256][OW_TOKEN_SIZE];
	memset(tokens[owner], owner, OW_TOKEN_SIZE);
	return (struct ow_claim){.size = sizeof(struct ow_claim),
	    .key = key,
	    .token = tokens[owner],
	    .digest = digest,
	    .lock_ms = LOCK_MS,
	    .window_ms = WINDOW_MS};
}

const struct ow_claim_answer *claim(const char *key, unsigned char owner)
{
	struct ow_claim c = claim_of(text_of(key), owner);
	const struct ow_claim_answer *answer = mock_claimed(mock_claim(store, &c));
	ck_assert_int_eq(answer->rc, OW_OK);
	return answer;
}

enum ow_rc renew(const char *key, unsigned char owner)
{
	struct ow_claim c = claim_of(text_of(key), owner);
	return mock_rc(mock_renew(store, &c));
}

enum ow_rc release(const char *key, unsigned char owner)
{
	struct ow_claim c = claim_of(text_of(key), owner);
	return mock_rc(mock_release(store, &c));
}

enum ow_rc commit_with(const char *key, unsigned char owner, struct ow_result result)
{
	struct ow_claim c = claim_of(text_of(key), owner);
	return mock_rc(mock_commit(store, &c, &result));
}

enum ow_rc commit(const char *key, unsigned char owner)
{
	return commit_with(key, owner, (struct ow_result){.status = 200});
}

int64_t keys(void)
{
	const struct ow_component *memory = mock_component(OW_MODULE_SYMBOL(), "memory");
	const struct ow_store_ops *ops = memory->ops;
	return ops->keys(mock_state(store));
}
