#include "store_redis/scan.h"

#include <string.h>

#include "lib/alloc.h"
#include "store_redis/fault.h"

#define BATCH 1000

void scan_init(struct scan *scan, struct store *s)
{
	scan->store = s;
	scan->asked = false;
	scan->stopped = true;
}

bool scan_asked(const struct scan *scan)
{
	return scan->asked;
}

void scan_stop(struct scan *scan)
{
	scan->stopped = true;
}

static void end(struct scan *scan, const char *why)
{
	scan->stopped = true;
	scan->end(scan, why);
}

/* Adds prefix* as a pattern that means exactly this prefix. */
static void add_pattern(struct command *c, const char *prefix)
{
	char *pattern = alloc_bytes(2 * strlen(prefix) + 2), *at = pattern;
	for (; *prefix; prefix++) {
		if (strchr("*?[]\\^-", *prefix))
			*at++ = '\\';
		*at++ = *prefix;
	}
	*at++ = '*';
	command_text(c, (struct ow_text){pattern, (size_t)(at - pattern)});
	free(pattern);
}

/* False: this is not how SCAN answers. */
static bool is_page(const struct scan *scan, const struct redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[0]->len >= sizeof(scan->cursor) ||
	    reply->element[1]->type != REDIS_REPLY_ARRAY)
		return false;
	const struct redisReply *keys = reply->element[1];
	for (size_t i = 0; i < keys->elements; i++)
		if (keys->element[i]->type != REDIS_REPLY_STRING)
			return false;
	return true;
}

/* To the next prefix or, after the last, to the next server. */
static void turn_over(struct scan *scan)
{
	if (++scan->prefix < scan->store->conf->sweep_prefixes.count)
		return;
	scan->prefix = 0;
	scan->server++;
}

static void on_scanned(
    struct request *request, struct redisReply *const *replies, const char *why)
{
	struct scan *scan = STORE_OF(request, struct scan, request);
	char text[FAULT_TEXT_SIZE];
	scan->asked = false;
	if (scan->stopped)
		return;
	if (!replies) {
		end(scan, why);
		return;
	}
	const struct redisReply *reply = replies[0];
	if (reply->type == REDIS_REPLY_ERROR) {
		fault_of((struct ow_text){reply->str, reply->len}, text);
		end(scan, text);
		return;
	}
	if (!is_page(scan, reply)) {
		end(scan, "Redis answered SCAN with something else");
		return;
	}
	const struct redisReply *cursor = reply->element[0], *keys = reply->element[1];
	memcpy(scan->cursor, cursor->str, cursor->len + 1);
	if (strcmp(scan->cursor, "0") == 0)
		turn_over(scan);
	scan->page(scan, keys->element, keys->elements);
}

static void ask(struct scan *scan, struct node *node)
{
	struct store *s = scan->store;
	const char *why;
	if (!node_ready(node, &why)) {
		end(scan, why);
		return;
	}
	command_clear(&s->command);
	command_begin(&s->command, "SCAN", 5);
	command_string(&s->command, scan->cursor);
	command_string(&s->command, "MATCH");
	add_pattern(&s->command, s->conf->sweep_prefixes.items[scan->prefix]);
	command_string(&s->command, "COUNT");
	command_number(&s->command, BATCH);
	scan->request.done = on_scanned;
	scan->asked = node_send(node, 0, &scan->request, &s->command, &why);
	if (!scan->asked)
		end(scan, why);
}

void scan_next(struct scan *scan)
{
	const struct servers *servers = scan->store->servers;
	struct node *node = servers_at(servers, scan->server);
	if (scan->generation != servers_generation(servers))
		end(scan, "the cluster has other nodes than when it began");
	else if (node && scan->prefix < scan->store->conf->sweep_prefixes.count)
		ask(scan, node);
	else
		end(scan, NULL);
}

void scan_begin(struct scan *scan)
{
	scan->stopped = false;
	scan->server = scan->prefix = 0;
	scan->generation = servers_generation(scan->store->servers);
	memcpy(scan->cursor, "0", 2);
	scan_next(scan);
}
