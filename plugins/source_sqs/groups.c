#include "source_sqs/groups.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/siphash.h"

#define BUCKETS 256 /* messages in hand are bounded, and so are their groups */

struct group {
	struct group *next;
	struct ring members;
	char *name; /* owned */
};

struct groups {
	unsigned char key[SIPHASH_KEY_SIZE];
	struct group *buckets[BUCKETS];
};

struct groups *groups_new(const struct queue *q)
{
	struct groups *g = alloc_zero(1, sizeof(*g));
	q->host->random(q->self, g->key, sizeof(g->key));
	return g;
}

static void group_free(struct group *group)
{
	free(group->name);
	free(group);
}

void groups_free(struct groups *g)
{
	for (size_t i = 0; g && i < BUCKETS; i++)
		while (g->buckets[i]) {
			struct group *group = g->buckets[i];
			g->buckets[i] = group->next;
			group_free(group);
		}
	free(g);
}

static struct group **bucket_of(struct groups *g, const char *name)
{
	return &g->buckets[siphash13(g->key, name, strlen(name)) % BUCKETS];
}

/* Where the pointer to that group is, or is to be. */
static struct group **place_of(struct groups *g, const char *name)
{
	struct group **at = bucket_of(g, name);
	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

bool groups_add(struct groups *g, struct message *m)
{
	struct group **at = place_of(g, m->group);
	if (!*at) {
		*at = alloc_zero(1, sizeof(**at));
		(*at)->name = alloc_checked(strdup(m->group));
		ring_init(&(*at)->members);
	}
	m->group_of = *at;
	ring_add(&(*at)->members, &m->in_group);
	return (*at)->members.next == &m->in_group;
}

static void remove_group(struct groups *g, struct group *group)
{
	struct group **at = bucket_of(g, group->name);
	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	group_free(group);
}

struct message *groups_next(struct groups *g, struct message *m)
{
	struct group *group = m->group_of;
	ring_remove(&m->in_group);
	if (!ring_empty(&group->members))
		return ring_entry(group->members.next, struct message, in_group);
	remove_group(g, group);
	return NULL;
}

void groups_disband(struct groups *g, struct message *m, struct ring *behind)
{
	struct group *group = m->group_of;
	ring_remove(&m->in_group);
	while (!ring_empty(&group->members))
		ring_add(behind, ring_take(&group->members));
	remove_group(g, group);
}
