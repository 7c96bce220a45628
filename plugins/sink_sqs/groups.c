#include "sink_sqs/groups.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/siphash.h"

#define BUCKETS 256 /* what waits is bounded by pool.max_waiting */

struct groups {
	unsigned char key[SIPHASH_KEY_SIZE]; /* names come from outside */
	struct ring buckets[BUCKETS];
};

struct groups *groups_new(const struct ow_host *host, struct ow_instance *self)
{
	struct groups *g = alloc_zero(1, sizeof(*g));
	host->random(self, g->key, sizeof(g->key));
	for (size_t i = 0; i < BUCKETS; i++)
		ring_init(&g->buckets[i]);
	return g;
}

void groups_free(struct groups *g)
{
	free(g);
}

struct group *groups_get(struct groups *g, struct ow_text name)
{
	struct ring *bucket = &g->buckets[siphash13(g->key, name.data, name.len) % BUCKETS];
	for (struct ring *link = bucket->next; link != bucket; link = link->next) {
		struct group *group = ring_entry(link, struct group, link);
		if (group->len == name.len && memcmp(group->name, name.data, name.len) == 0) {
			group->users++;
			return group;
		}
	}
	struct group *group = alloc_zero(1, sizeof(*group) + name.len);
	group->users = 1;
	group->len = name.len;
	memcpy(group->name, name.data, name.len);
	ring_init(&group->link);
	ring_add(bucket, &group->link);
	return group;
}

void group_put(struct group *group)
{
	if (--group->users > 0)
		return;
	ring_remove(&group->link);
	free(group);
}
