/*
 * Redis Cluster divides all keys into 16384 slots, and the slots among its
 * nodes. Which slot a key is in, anybody can compute.
 */
#ifndef STORE_REDIS_SLOT_H
#define STORE_REDIS_SLOT_H

#include <onceway/plugin.h>

#define SLOTS 16384

unsigned slot_of(struct ow_text key);

#endif
