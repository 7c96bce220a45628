/* The time by Redis' own clock, which is the one that all who share it have in common. */
#ifndef STORE_REDIS_REDIS_CLOCK_H
#define STORE_REDIS_REDIS_CLOCK_H

#include <hiredis/hiredis.h>

#include "store_redis/command.h"

void redis_clock_ask(struct command *c);
/* Milliseconds since 1970; -1: this is no answer to that. */
int64_t redis_clock_read(const struct redisReply *reply);

#endif
