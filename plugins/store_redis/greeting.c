#include "store_redis/greeting.h"

#include <stdio.h>
#include <string.h>

void greeting_write(const struct connection_parts *parts, struct command *commands)
{
	const struct redis_url *url = parts->url;
	if (url->password) {
		command_begin(commands, "AUTH", url->user ? 2 : 1);
		if (url->user)
			command_string(commands, url->user);
		command_string(commands, url->password);
	}
	if (url->db) {
		command_begin(commands, "SELECT", 1);
		command_number(commands, url->db);
	}
	command_begin(commands, "CLIENT", 2);
	command_string(commands, "SETNAME");
	command_string(commands, parts->client_name);
	command_begin(commands, "ROLE", 0);
	script_load_all(commands);
	command_begin(commands, "PING", 0);
}

/* An error that ends the connection; others only mean that this command is forbidden. */
static bool refused(const struct redisReply *reply, bool any, char why[FAULT_TEXT_SIZE])
{
	if (reply->type != REDIS_REPLY_ERROR)
		return false;
	enum fault fault = fault_of((struct ow_text){reply->str, reply->len}, why);
	return any || fault == FAULT_SERVER;
}

/* Writing to a replica would fail, and reading from one would not see the newest claims. */
static bool wrong_role(const struct connection_parts *parts, const struct redisReply *reply,
    char why[FAULT_TEXT_SIZE])
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
	    reply->element[0]->type != REDIS_REPLY_STRING)
		return false;
	const char *role = reply->element[0]->str;
	if (strcmp(role, "slave") == 0)
		snprintf(why, FAULT_TEXT_SIZE, "it is a replica and takes no keys: %s",
		    parts->sentinel ? "the sentinels must name the master"
				    : "url must name the master");
	else if (strcmp(role, "sentinel") == 0)
		snprintf(why, FAULT_TEXT_SIZE,
		    "it is a Sentinel and takes no keys: it belongs into sentinel.nodes");
	else
		return false;
	return true;
}

static void learn_scripts(
    const struct connection_parts *parts, struct redisReply *const *replies)
{
	for (int i = 0; i < SCRIPTS; i++) {
		const struct redisReply *reply = replies[i];
		struct ow_text name = {NULL, 0};
		if (reply->type == REDIS_REPLY_STRING)
			name = (struct ow_text){reply->str, reply->len};
		script_loaded(parts->names, (enum script)i, name);
	}
}

bool greeting_read(const struct connection_parts *parts, struct redisReply *const *replies,
    char why[FAULT_TEXT_SIZE])
{
	const struct redis_url *url = parts->url;
	if (url->password && refused(*replies++, true, why))
		return false;
	if (url->db && refused(*replies++, true, why))
		return false;
	if (refused(*replies++, false, why))
		return false;
	const struct redisReply *role = *replies++;
	if (refused(role, false, why) || (!parts->any_role && wrong_role(parts, role, why)))
		return false;
	learn_scripts(parts, replies);
	return !refused(replies[SCRIPTS], false, why);
}
