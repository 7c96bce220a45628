/*
 * Memory that is always there: running out of it ends the process, as it does
 * in the core. What was not delivered has not been acknowledged, so it comes
 * again. What an outsider can make a plugin allocate must be bounded before it
 * gets here.
 */
#ifndef LIB_ALLOC_H
#define LIB_ALLOC_H

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

#endif
