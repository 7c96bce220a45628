#include "source_sqs/hand.h"

#include <string.h>

#include "lib/siphash.h"

_Static_assert(sizeof(((struct hand *)0)->key) == SIPHASH_KEY_SIZE, "the key of a hash");

static size_t bucket_of(const struct hand *h, const char *id)
{
	return (size_t)(siphash13(h->key, id, strlen(id)) % HAND_BUCKETS);
}

void hand_init(struct hand *h, const struct queue *q)
{
	q->host->random(q->self, h->key, sizeof(h->key));
	for (size_t i = 0; i < HAND_BUCKETS; i++)
		ring_init(&h->buckets[i]);
	h->count = 0;
}

void hand_add(struct hand *h, struct message *m)
{
	ring_add(&h->buckets[bucket_of(h, m->id)], &m->in_hand);
	h->count++;
}

void hand_remove(struct hand *h, struct message *m)
{
	ring_remove(&m->in_hand);
	h->count--;
}

struct message *hand_find(const struct hand *h, const char *id)
{
	const struct ring *bucket = &h->buckets[bucket_of(h, id)];
	for (struct ring *link = bucket->next; link != bucket; link = link->next) {
		struct message *m = ring_entry(link, struct message, in_hand);
		if (m->state < MESSAGE_RETURNING && strcmp(m->id, id) == 0)
			return m;
	}
	return NULL;
}
