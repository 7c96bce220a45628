/*
 * The store's four operations, each one round trip: claim, renew, commit,
 * release. Each is finished exactly once, at the latest by claims_cancel().
 */
#ifndef STORE_REDIS_CLAIMS_H
#define STORE_REDIS_CLAIMS_H

#include "store_redis/store.h"

void claims_claim(struct store *s, struct ow_op *op, const struct ow_claim *claim);
void claims_renew(struct store *s, struct ow_op *op, const struct ow_claim *claim);
void claims_commit(struct store *s, struct ow_op *op, const struct ow_claim *claim,
    const struct ow_result *result);
void claims_release(struct store *s, struct ow_op *op, const struct ow_claim *claim);
void claims_cancel(struct store *s, struct ow_op *op);

#endif
