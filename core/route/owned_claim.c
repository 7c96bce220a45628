#include "route/owned_claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

void owned_claim_init(struct owned_claim *owned, const struct ow_claim *from)
{
	owned->claim = *from;
	owned->claim.digest = NULL;
	memcpy(owned->token, from->token, sizeof(owned->token));
	owned->key = mem_string_of(from->key.data, from->key.len);
	owned->claim.token = owned->token;
	owned->claim.key = text_span(owned->key, from->key.len);
}

void owned_claim_fini(struct owned_claim *owned)
{
	free(owned->key);
}
