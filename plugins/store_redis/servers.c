#include "store_redis/servers.h"

#include <string.h>

#include "lib/alloc.h"
#include "store_redis/discovery.h"

/* Without slots and unused for that long, a node is closed. */
#define IDLE_MS 10000

struct server {
	struct server *next;
	struct servers *servers;
	struct redis_url url; /* of a cluster's node */
	struct node *node;
	unsigned slots;
	bool tried;
	int64_t used_ms; /* last time it was named */
};

struct servers {
	struct servers_parts parts;
	struct server *first, **last;
	size_t count;
	struct server **owners; /* of each slot, or NULL; NULL: there is one server for all */
	struct discovery *discovery;
	struct ow_timer *tidy;
	unsigned generation;
	bool tried;
};

static int64_t now_of(const struct servers *s)
{
	return s->parts.node.connection.host->mono_ms(s->parts.node.connection.self);
}

static const struct ow_host *host_of(const struct servers *s)
{
	return s->parts.node.connection.host;
}

static bool serves(const struct server *server)
{
	return server->slots > 0 || !server->servers->owners;
}

/* ---- whether all are tried ---- */

static bool all_tried(const struct servers *s)
{
	for (const struct server *it = s->first; it; it = it->next)
		if (serves(it) && !it->tried)
			return false;
	return !s->owners || discovery_tried(s->discovery);
}

static void look_whether_tried(struct servers *s)
{
	if (s->tried || !all_tried(s))
		return;
	s->tried = true;
	s->parts.tried(s->parts.arg);
}

static void on_opened(void *arg)
{
	struct server *server = arg;
	struct servers *s = server->servers;
	server->tried = true;
	look_whether_tried(s);
	s->parts.opened(s->parts.arg);
}

static void on_lost(void *arg)
{
	struct server *server = arg;
	struct servers *s = server->servers;
	server->tried = true;
	look_whether_tried(s);
	if (s->owners && serves(server))
		discovery_doubt(s->discovery);
	s->parts.lost(s->parts.arg);
}

static void on_discovered(void *arg)
{
	look_whether_tried(arg);
}

/* ---- making and closing nodes ---- */

/* url: NULL, or what the parts' url is replaced by. */
static struct server *add(struct servers *s, const struct redis_url *url)
{
	struct server *server = alloc_zero(1, sizeof(*server));
	struct node_parts parts = s->parts.node;
	server->servers = s;
	server->used_ms = now_of(s);
	if (url) {
		server->url = *url;
		parts.connection.url = &server->url;
	}
	parts.opened = on_opened;
	parts.lost = on_lost;
	parts.arg = server;
	server->node = node_new(&parts);
	*s->last = server;
	s->last = &server->next;
	s->count++;
	return server;
}

static void server_free(struct server *server)
{
	node_free(server->node);
	redis_url_fini(&server->url);
	free(server);
}

static void plan_tidying(struct servers *s)
{
	host_of(s)->timer_set(s->tidy, IDLE_MS);
}

static void on_tidy(void *arg)
{
	struct servers *s = arg;
	struct server **at = &s->first;
	bool more = false;
	while (*at) {
		struct server *server = *at;
		bool idle =
		    node_pending(server->node) == 0 && now_of(s) - server->used_ms >= IDLE_MS;
		if (serves(server) || !idle) {
			more = more || !serves(server);
			at = &server->next;
			continue;
		}
		*at = server->next;
		s->count--;
		server_free(server);
	}
	s->last = at;
	if (more)
		plan_tidying(s);
}

static struct server *find(const struct servers *s, struct slot_place place)
{
	struct server *it = s->first;
	while (it && (it->url.port != place.port || strlen(it->url.host) != place.host.len ||
			 memcmp(it->url.host, place.host.data, place.host.len) != 0))
		it = it->next;
	return it;
}

static struct server *find_or_add(
    struct servers *s, const struct node *from, struct slot_place place)
{
	struct redis_url url;
	if (place.host.len == 0)
		place.host =
		    (struct ow_text){node_url(from)->host, strlen(node_url(from)->host)};
	struct server *server = find(s, place);
	if (server) {
		server->used_ms = now_of(s);
		return server;
	}
	/* Those that are on their way out have room beside those that come. */
	if (s->count >= 2 * s->parts.max_nodes + s->parts.seed_count + 1)
		return NULL;
	redis_url_like(s->parts.node.connection.url, place.host, place.port, &url);
	server = add(s, &url);
	plan_tidying(s);
	node_open(server->node);
	return server;
}

/* ---- who has a slot ---- */

static void show_count(struct servers *s)
{
	int64_t count = 0;
	for (const struct server *it = s->first; it; it = it->next)
		count += serves(it);
	if (s->parts.gauge)
		host_of(s)->gauge_set(s->parts.gauge, count);
}

static void set_owner(struct servers *s, unsigned slot, struct server *server)
{
	struct server *before = s->owners[slot];
	if (before == server)
		return;
	if (before && --before->slots == 0) {
		before->used_ms = now_of(s);
		s->generation++;
		plan_tidying(s);
	}
	s->owners[slot] = server;
	if (server->slots++ == 0)
		s->generation++;
}

struct node *servers_named(struct servers *s, const struct node *from, struct slot_place place)
{
	struct server *server = find_or_add(s, from, place);
	return server ? server->node : NULL;
}

struct node *servers_moved(
    struct servers *s, const struct node *from, unsigned slot, struct slot_place place)
{
	struct server *server = find_or_add(s, from, place);
	if (server)
		set_owner(s, slot, server);
	show_count(s);
	discovery_doubt(s->discovery);
	return server ? server->node : NULL;
}

bool servers_assign(struct servers *s, const struct node *from, const struct slot_map *map)
{
	struct server *servers[SLOT_NODES_MAX];
	for (size_t i = 0; i < map->count; i++)
		if (!(servers[i] = find_or_add(s, from, map->places[i])))
			return false;
	/* A slot that nobody has now stays with who had it last: that one will say so. */
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (map->owner[slot] != SLOT_NOBODY)
			set_owner(s, slot, servers[map->owner[slot]]);
	show_count(s);
	return true;
}

void servers_down(struct servers *s, const char *why)
{
	discovery_down(s->discovery, why);
}

struct node *servers_find(struct servers *s, struct ow_text key, const char **why)
{
	if (!s->owners)
		return s->first->node;
	const struct server *server = s->owners[slot_of(key)];
	if (server)
		return server->node;
	*why = discovery_why(s->discovery);
	return NULL;
}

/* ---- all of them ---- */

struct node *servers_at(const struct servers *s, size_t index)
{
	for (const struct server *it = s->first; it; it = it->next)
		if (serves(it) && index-- == 0)
			return it->node;
	return NULL;
}

unsigned servers_generation(const struct servers *s)
{
	return s->generation;
}

bool servers_ready(struct servers *s, const char **why)
{
	if (s->owners && !discovery_complete(s->discovery)) {
		*why = discovery_why(s->discovery);
		return false;
	}
	for (const struct server *it = s->first; it; it = it->next)
		if (serves(it) && !node_ready(it->node, why))
			return false;
	return true;
}

size_t servers_pending(const struct servers *s)
{
	size_t pending = 0;
	for (const struct server *it = s->first; it; it = it->next)
		pending += node_pending(it->node);
	return pending;
}

/* ---- life ---- */

struct servers *servers_new(const struct servers_parts *parts)
{
	struct servers *s = alloc_zero(1, sizeof(*s));
	s->parts = *parts;
	s->last = &s->first;
	if (!parts->cluster) {
		add(s, NULL);
		return s;
	}
	s->owners = alloc_zero(SLOTS, sizeof(*s->owners));
	s->tidy = host_of(s)->timer_new(parts->node.connection.self, on_tidy, s);
	s->discovery = discovery_new(&(struct discovery_parts){.servers = s,
	    .connection = &s->parts.node.connection,
	    .seeds = parts->seeds,
	    .seed_count = parts->seed_count,
	    .max_nodes = parts->max_nodes,
	    .answered = on_discovered,
	    .arg = s});
	return s;
}

void servers_open(struct servers *s)
{
	if (s->owners)
		discovery_doubt(s->discovery);
	else
		node_open(s->first->node);
}

void servers_free(struct servers *s)
{
	if (!s)
		return;
	discovery_close(s->discovery);
	while (s->first) {
		struct server *server = s->first;
		s->first = server->next;
		server_free(server);
	}
	discovery_free(s->discovery);
	host_of(s)->timer_free(s->tidy);
	free(s->owners);
	free(s);
}
