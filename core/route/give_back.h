/*
 * A claim that may or may not have been taken, by a store that was too slow to
 * say so, is released behind the scenes while its event goes on without it.
 */
#ifndef ROUTE_GIVE_BACK_H
#define ROUTE_GIVE_BACK_H

#include "route/engine.h"

/* claim is copied with its key and token. A drain waits for the store's answer. */
void give_back(
    struct engine *engine, const struct route_store *store, const struct ow_claim *claim);

#endif
