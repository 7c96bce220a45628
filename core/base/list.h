/*
 * Doubly linked rings whose links live inside the members, so that linking
 * never allocates and a member can leave in one step.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* True for a member that is in some list; members are list_init()ed when made. */
static inline bool list_linked(const struct list *member)
{
	return member->next != member;
}

static inline void list_append(struct list *head, struct list *member)
{
	member->prev = head->prev;
	member->next = head;
	head->prev->next = member;
	head->prev = member;
}

/* Leaves its list, if it is in one. */
static inline void list_remove(struct list *member)
{
	member->prev->next = member->next;
	member->next->prev = member->prev;
	list_init(member);
}

/* Moves all members of `from`, in order, to the end of `to`. */
static inline void list_move_all(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* The current member may leave the list inside the loop; others may not. */
#define list_each(head, it)                                                                    \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);              \
	     it = it##_next, it##_next = it->next)

#endif
