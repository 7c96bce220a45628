/*
 * Memory that is freed all at once: what belongs to one configuration or to
 * one event. Small allocations share chunks; a large one gets its own.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
};

#define ARENA_INIT ((struct arena){NULL})

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned; never NULL */
void *arena_copy(struct arena *a, const void *data, size_t len);
char *arena_string(struct arena *a, const char *text);
char *arena_string_of(struct arena *a, const char *data, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a); /* frees all of it; a can be used again */

#endif
