#include "store_redis/redis_clock.h"

#include <stdlib.h>

void redis_clock_ask(struct command *c)
{
	command_begin(c, "TIME", 0);
}

/* Seconds and microseconds, as texts. */
int64_t redis_clock_read(const struct redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->type != REDIS_REPLY_STRING)
		return -1;
	return strtoll(reply->element[0]->str, NULL, 10) * 1000 +
	       strtoll(reply->element[1]->str, NULL, 10) / 1000;
}
