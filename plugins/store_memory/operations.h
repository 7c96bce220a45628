/* What the core asks a store for; see struct ow_store_ops. */
#ifndef STORE_MEMORY_OPERATIONS_H
#define STORE_MEMORY_OPERATIONS_H

#include "store_memory/store.h"

void store_claim(void *state, struct ow_op *op, const struct ow_claim *claim);
void store_renew(void *state, struct ow_op *op, const struct ow_claim *claim);
void store_commit(void *state, struct ow_op *op, const struct ow_claim *claim,
    const struct ow_result *result);
void store_release(void *state, struct ow_op *op, const struct ow_claim *claim);
void store_cancel(void *state, struct ow_op *op);

/* The two halves of a commit that waits for the disk in between; see durability.h. */
bool store_hold(void *state, struct ow_op *op, const struct ow_claim *claim);
void store_finish(void *state, struct ow_op *op, const struct ow_claim *claim,
    const struct ow_result *kept, int64_t now_ms);

#endif
