/*
 * A hash map from byte strings to pointers. Keys are borrowed: they must live
 * as long as their entry (usually inside the value). Grows as needed; lookups
 * stay even under keys chosen by an outsider (base/hash.h).
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>

#include <onceway/event.h>

struct map_slot;

struct map {
	struct map_slot *slots;
	size_t size;  /* a power of two, or 0 */
	size_t count; /* entries */
};

#define MAP_INIT ((struct map){NULL, 0, 0})

void *map_get(const struct map *m, struct ow_text key); /* NULL: not there */
/* Adds or replaces; returns the old value or NULL. value is not NULL. */
void *map_put(struct map *m, struct ow_text key, void *value);
void *map_remove(struct map *m, struct ow_text key); /* returns the old value or NULL */
void map_free(struct map *m);			     /* not the values */

/* Walks all values in no order: `for (size_t i = 0; (v = map_next(m, &i));)`. No changes
 * meanwhile. */
void *map_next(const struct map *m, size_t *at);

#endif
