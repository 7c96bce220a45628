#include "lib/outbound/token.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/alloc.h"

#define AHEAD_PART 4 /* of its life, at most, for which it is renewed ahead */
/* It must still be good when it arrives: not used in the last part of its life, or second. */
#define MARGIN_PART 10
#define MARGIN_MS   1000

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct token *token_new(const char *token, int64_t since_ms, int64_t life_ms, int64_t ahead_ms)
{
	static const char scheme[] = "Bearer ";
	size_t len = sizeof(scheme) - 1 + strlen(token);
	struct token *t = alloc_zero(1, sizeof(*t) + len + 1);
	char *text = (char *)(t + 1);
	memcpy(text, scheme, sizeof(scheme) - 1);
	memcpy(text + sizeof(scheme) - 1, token, strlen(token));
	atomic_init(&t->refs, 1);
	atomic_init(&t->accepted, false);
	t->since_ms = since_ms;
	t->renew_ms = since_ms + life_ms - smaller(ahead_ms, life_ms / AHEAD_PART);
	t->until_ms = since_ms + life_ms - smaller(MARGIN_MS, life_ms / MARGIN_PART);
	if (t->renew_ms > t->until_ms)
		t->renew_ms = t->until_ms;
	t->authorization = (struct ow_text){text, len};
	return t;
}

struct token *token_ref(struct token *token)
{
	atomic_fetch_add_explicit(&token->refs, 1, memory_order_relaxed);
	return token;
}

void token_unref(struct token *token)
{
	if (!token || atomic_fetch_sub_explicit(&token->refs, 1, memory_order_acq_rel) > 1)
		return;
	OPENSSL_cleanse(token + 1, token->authorization.len);
	free(token);
}
