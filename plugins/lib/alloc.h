/*
 * Memory that is always there: running out of it ends the process, as it does
 * in the core. What was not delivered has not been acknowledged, so it comes
 * again. What an outsider can make a plugin allocate must be bounded before it
 * gets here.
 */
#ifndef LIB_ALLOC_H
#define LIB_ALLOC_H

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static inline void *alloc_checked(void *p)
{
	if (!p) {
		fputs("onceway: out of memory\n", stderr);
		abort();
	}
	return p;
}

/* All return memory to be freed with free(); none returns NULL. size > 0. */
static inline void *alloc_bytes(size_t size)
{
	return alloc_checked(malloc(size));
}

static inline void *alloc_zero(size_t count, size_t size)
{
	return alloc_checked(calloc(count, size));
}

static inline void *alloc_resize(void *old, size_t size)
{
	return alloc_checked(realloc(old, size));
}

/*
 * glibc puts small blocks that are freed on lists which it clears, all of them
 * at once, when the thread they came from next asks for a large one: after a
 * million of them that is a pause of 30 ms for whoever asks. Who frees many
 * asks itself, now and then, on every thread that made some.
 */
static inline void alloc_settle(void)
{
	void *volatile large = alloc_bytes(16384); /* volatile: or the compiler knows better */
	free(large);
}

/* What an allocation takes from the heap: its room, rounded up, and the allocator's word. */
static inline size_t alloc_cost(void *p)
{
	return malloc_usable_size(p) + sizeof(size_t);
}

/* What an allocation of that size would take, at most. */
static inline size_t alloc_cost_of(size_t size)
{
	const size_t unit = 2 * sizeof(size_t);
	size_t cost = size + sizeof(size_t) + unit - 1;
	return cost < 2 * unit ? 2 * unit : cost / unit * unit + (size > 65536 ? 8192 : 0);
}

#endif
