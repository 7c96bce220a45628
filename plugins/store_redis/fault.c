#include "store_redis/fault.h"

#include <stdio.h>
#include <string.h>

struct known {
	const char *begins;
	enum fault fault;
	const char *phrase;
};

#define NO_PASSWORD "ERR AUTH <password> called without any password configured"

static const struct known of_redis[] = {
    {"NOSCRIPT", FAULT_SCRIPT, "Redis does not know a script (NOSCRIPT)"},
    {"WRONGTYPE", FAULT_COMMAND,
	"the key holds a list, hash or the like and not a text (WRONGTYPE): another program "
	"uses the same key"},
    {"OOM", FAULT_COMMAND,
	"Redis is full (OOM): raise its maxmemory, or let keys expire sooner (window)"},
    {"READONLY", FAULT_SERVER,
	"this Redis is a replica and takes no writes (READONLY): a failover, or the wrong "
	"address"},
    {"LOADING", FAULT_SERVER, "Redis is still loading its data (LOADING)"},
    {"MASTERDOWN", FAULT_SERVER, "this Redis is a replica without its master (MASTERDOWN)"},
    {"CLUSTERDOWN", FAULT_CLUSTER, "the Redis Cluster does not serve (CLUSTERDOWN)"},
    {"BUSY", FAULT_COMMAND, "Redis is busy with somebody's script (BUSY)"},
    {"MISCONF", FAULT_COMMAND,
	"Redis refuses writes because it cannot save its data (MISCONF): look at its log"},
    {"NOREPLICAS", FAULT_COMMAND, "Redis refuses writes without enough replicas (NOREPLICAS)"},
    {"NOAUTH", FAULT_SERVER, "Redis wants a password (NOAUTH): put it into url or password"},
    {"WRONGPASS", FAULT_SERVER,
	"Redis refuses the user or the password (WRONGPASS): see url, user and password"},
    {"ERR invalid password", FAULT_SERVER, "Redis refuses the password: see url and password"},
    {NO_PASSWORD, FAULT_SERVER,
	"Redis has no password but url or password gives one: leave it out"},
    {"NOPERM", FAULT_COMMAND,
	"Redis' access rules (ACL) forbid a command or a key to this user (NOPERM)"},
    {"MOVED", FAULT_ELSEWHERE,
	"this Redis is part of a cluster and the key is elsewhere (MOVED): set cluster: true"},
    {"ASK", FAULT_ELSEWHERE,
	"this Redis is part of a cluster and the key is moving (ASK): set cluster: true"},
    {"TRYAGAIN", FAULT_COMMAND, "the key's slot is moving to another node (TRYAGAIN)"},
    {"ERR This instance has cluster support disabled", FAULT_COMMAND,
	"this Redis is not part of a cluster: leave cluster out, or name a node of the "
	"cluster"},
    {"ERR max number of clients", FAULT_SERVER,
	"Redis has as many clients as it may (maxclients)"},
    {"ERR DB index is out of range", FAULT_SERVER, "Redis has no database of that number"},
    {"ERR syntax error", FAULT_SYNTAX, "Redis does not know this form of a command"},
};

static const struct known of_sentinel[] = {
    {"NOAUTH", FAULT_SERVER, "wants a password (NOAUTH): set sentinel.password"},
    {"WRONGPASS", FAULT_SERVER,
	"refuses the user or the password (WRONGPASS): see sentinel.user, sentinel.password"},
    {NO_PASSWORD, FAULT_SERVER, "has no password: leave sentinel.password out"},
    {"NOPERM", FAULT_SERVER,
	"its access rules (ACL) forbid SENTINEL get-master-addr-by-name to this user (NOPERM)"},
    {"ERR unknown command", FAULT_SERVER, "is no Sentinel: sentinel.nodes must name Sentinels"},
};

static bool begins_with(struct ow_text text, const char *beginning)
{
	size_t len = strlen(beginning);
	return text.len >= len && memcmp(text.data, beginning, len) == 0;
}

/*
 * Before Redis 7 an error inside a script is wrapped: `ERR Error running script
 * (call to f_...): @user_script:1: WRONGTYPE ...`, with a '-' or not.
 */
static struct ow_text unwrap(struct ow_text text)
{
	static const char mark[] = ": @user_script:";
	if (!begins_with(text, "ERR Error running script"))
		return text;
	const char *end = text.data + text.len, *at = text.data, *found;
	while ((found = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1)))
		at = found + sizeof(mark) - 1;
	while (at < end && strchr("0123456789: -", *at))
		at++;
	return (struct ow_text){at, (size_t)(end - at)};
}

static enum fault look_up(const struct known *known, size_t count, struct ow_text text,
    const char *who, char out[FAULT_TEXT_SIZE])
{
	for (size_t i = 0; i < count; i++)
		if (begins_with(text, known[i].begins)) {
			snprintf(out, FAULT_TEXT_SIZE, "%s", known[i].phrase);
			return known[i].fault;
		}
	int len = snprintf(out, FAULT_TEXT_SIZE, "%s: ", who);
	for (size_t i = 0; i < text.len && len < FAULT_TEXT_SIZE - 1; i++)
		out[len++] = text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?';
	out[len] = '\0';
	return FAULT_COMMAND;
}

enum fault fault_of(struct ow_text text, char out[FAULT_TEXT_SIZE])
{
	return look_up(
	    of_redis, sizeof(of_redis) / sizeof(*of_redis), unwrap(text), "Redis says", out);
}

void fault_of_sentinel(struct ow_text text, char out[FAULT_TEXT_SIZE])
{
	look_up(of_sentinel, sizeof(of_sentinel) / sizeof(*of_sentinel), text, "says", out);
}
