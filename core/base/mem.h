/*
 * Memory that is always there.
 *
 * Running out of memory ends the process with a message: nothing that was not
 * delivered has been acknowledged, so the sources send it again, and no error
 * path is left untested. What an outsider can make us allocate is bounded by
 * configuration before it gets here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* All return memory to be freed with free(); none returns NULL. */
void *mem_alloc(size_t size);
void *mem_zero(size_t size);
void *mem_array(size_t count, size_t size); /* zeroed; checks the product */
void *mem_grow(void *old, size_t count, size_t size);
void *mem_copy(const void *data, size_t len);
char *mem_string(const char *text);
char *mem_string_of(const char *data, size_t len); /* adds the NUL */

#endif
