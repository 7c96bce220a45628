/* A claim with a key and token of its own: what goes on with it may outlive its flow. */
#ifndef ROUTE_OWNED_CLAIM_H
#define ROUTE_OWNED_CLAIM_H

#include <onceway/event.h>

struct owned_claim {
	struct ow_claim claim; /* points into the rest, so it is not to be moved */
	unsigned char token[OW_TOKEN_SIZE];
	char *key;
};

/* Copies from, all but the digest: only taking a claim needs one. */
void owned_claim_init(struct owned_claim *owned, const struct ow_claim *from);
void owned_claim_fini(struct owned_claim *owned);

#endif
