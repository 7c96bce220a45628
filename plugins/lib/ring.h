/*
 * Doubly linked rings whose links stand inside their members, so that one can
 * be taken out without looking for it. A head is a ring of its own; so is a
 * link that is in no ring.
 */
#ifndef LIB_RING_H
#define LIB_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring {
	struct ring *prev, *next;
};

/* The struct that has this link as that member. */
#define ring_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void ring_init(struct ring *r)
{
	r->prev = r->next = r;
}

/* No members; or, of a link, in no ring. */
static inline bool ring_empty(const struct ring *r)
{
	return r->next == r;
}

/* link is in no ring; it becomes the last. */
static inline void ring_add(struct ring *head, struct ring *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Harmless when it is in none. */
static inline void ring_remove(struct ring *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	ring_init(link);
}

/* The first, taken out. The ring is not empty. */
static inline struct ring *ring_take(struct ring *head)
{
	struct ring *first = head->next;
	ring_remove(first);
	return first;
}

#endif
