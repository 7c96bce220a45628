/*
 * JSON pointers (RFC 6901), compiled together into one tree so that one pass
 * over a body finds them all.
 */
#ifndef JSON_POINTER_H
#define JSON_POINTER_H

#include <onceway/event.h>

/* All pointers that one worker asks for. */
struct pointer_set;

struct pointer_set *pointer_set_new(void);
void pointer_set_free(struct pointer_set *set); /* and its pointers; NULL is fine */

/*
 * Adds a pointer; the same text gives the same pointer. Borrowed from the set.
 * NULL: not a JSON pointer ("" is one: the whole document).
 */
const struct ow_pointer *pointer_add(struct pointer_set *set, const char *text);

/* How many pointers there are; each has an index below that. */
size_t pointer_count(const struct pointer_set *set);
size_t pointer_index(const struct ow_pointer *pointer);
const char *pointer_text(const struct ow_pointer *pointer); /* borrowed */

#endif
