#include "sink_sqs/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/siphash.h"

#define BUCKETS 256 /* what waits is bounded by pool.max_waiting */

struct lanes {
	unsigned char key[SIPHASH_KEY_SIZE]; /* names come from outside */
	struct ring buckets[BUCKETS];
};

struct lanes *lanes_new(const struct ow_host *host, struct ow_instance *self)
{
	struct lanes *g = alloc_zero(1, sizeof(*g));
	host->random(self, g->key, sizeof(g->key));
	for (size_t i = 0; i < BUCKETS; i++)
		ring_init(&g->buckets[i]);
	return g;
}

void lanes_free(struct lanes *g)
{
	free(g);
}

struct lane *lanes_get(struct lanes *g, struct ow_text name)
{
	struct ring *bucket = &g->buckets[siphash13(g->key, name.data, name.len) % BUCKETS];
	for (struct ring *link = bucket->next; link != bucket; link = link->next) {
		struct lane *lane = ring_entry(link, struct lane, link);
		if (lane->len == name.len && memcmp(lane->name, name.data, name.len) == 0) {
			lane->users++;
			return lane;
		}
	}
	struct lane *lane = alloc_zero(1, sizeof(*lane) + name.len);
	lane->users = 1;
	lane->len = name.len;
	memcpy(lane->name, name.data, name.len);
	ring_init(&lane->link);
	ring_add(bucket, &lane->link);
	return lane;
}

void lane_put(struct lane *lane)
{
	if (--lane->users > 0)
		return;
	ring_remove(&lane->link);
	free(lane);
}
