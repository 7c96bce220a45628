/*
 * The claims this worker holds, and how long each may still be restored. In
 * Redis a claim vanishes with its `lock`. If nobody took the key over, its
 * owner may renew or commit it for one more `lock`, as in the memory store: a
 * process that was stopped for a while should not lose a delivery. But not for
 * ever, and not after it gave the claim back; Redis alone cannot tell these
 * apart.
 */
#ifndef STORE_REDIS_LEASES_H
#define STORE_REDIS_LEASES_H

#include <onceway/plugin.h>

struct leases;

struct leases *leases_new(void);
void leases_free(struct leases *leases); /* NULL is fine */

/* The claim may be restored until then. Sets it anew if it is there; forgets expired ones. */
void lease_set(
    struct leases *leases, const unsigned char *token, int64_t until_ms, int64_t now_ms);
/* Whether it is there and may be restored now. */
bool lease_holds(struct leases *leases, const unsigned char *token, int64_t now_ms);
void lease_drop(struct leases *leases, const unsigned char *token);

#endif
