/*
 * What is said first on a new connection: who we are, which database, a name
 * for CLIENT LIST, the scripts; and whether this server takes writes at all.
 * All in one write, one round trip.
 */
#ifndef STORE_REDIS_GREETING_H
#define STORE_REDIS_GREETING_H

#include "store_redis/connection.h"
#include "store_redis/fault.h"

void greeting_write(const struct connection_parts *parts, struct command *commands);

/* True: it serves. Else why says why not. */
bool greeting_read(const struct connection_parts *parts, struct redisReply *const *replies,
    char why[FAULT_TEXT_SIZE]);

#endif
