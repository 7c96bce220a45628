#include "store_redis/fault.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *begins;
	enum fault fault;
	const char *phrase;
} known[] = {
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
    {"ERR AUTH <password> called without any password configured", FAULT_SERVER,
	"Redis has no password but url or password gives one: leave it out"},
    {"NOPERM", FAULT_COMMAND,
	"Redis' access rules (ACL) forbid a command or a key to this user (NOPERM)"},
    {"MOVED", FAULT_COMMAND,
	"this Redis is part of a cluster and the key is elsewhere (MOVED): set cluster: true"},
    {"ASK", FAULT_COMMAND,
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

enum fault fault_of(struct ow_text text, char out[FAULT_TEXT_SIZE])
{
	text = unwrap(text);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (begins_with(text, known[i].begins)) {
			snprintf(out, FAULT_TEXT_SIZE, "%s", known[i].phrase);
			return known[i].fault;
		}
	int len = snprintf(out, FAULT_TEXT_SIZE, "Redis says: ");
	for (size_t i = 0; i < text.len && len < FAULT_TEXT_SIZE - 1; i++)
		out[len++] = text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?';
	out[len] = '\0';
	return FAULT_COMMAND;
}
