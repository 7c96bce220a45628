#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p, size_t size)
{
	if (!p) {
		fprintf(stderr, "onceway: out of memory (%zu bytes wanted)\n", size);
		abort();
	}
	return p;
}

/* malloc(0) may return NULL; one byte keeps "never NULL" true. */
static size_t at_least_one(size_t size)
{
	return size ? size : 1;
}

void *mem_alloc(size_t size)
{
	return checked(malloc(at_least_one(size)), size);
}

/* From here on fresh pages may come, which are zero already. */
#define LARGE 16384

/*
 * glibc's calloc() passes by the thread's cache of free blocks, and so costs
 * several times what malloc() and clearing do, for what every event allocates.
 */
void *mem_zero(size_t size)
{
	if (size >= LARGE)
		return checked(calloc(1, size), size);
	return memset(mem_alloc(size), 0, size);
}

void *mem_array(size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return checked(NULL, SIZE_MAX);
	return mem_zero(count * size);
}

void *mem_grow(void *old, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return checked(NULL, SIZE_MAX);
	return checked(realloc(old, at_least_one(count * size)), count * size);
}

void *mem_copy(const void *data, size_t len)
{
	void *p = mem_alloc(len);
	if (len)
		memcpy(p, data, len);
	return p;
}

char *mem_string(const char *text)
{
	return mem_copy(text, strlen(text) + 1);
}

char *mem_string_of(const char *data, size_t len)
{
	char *p = mem_alloc(len + 1);
	if (len)
		memcpy(p, data, len);
	p[len] = '\0';
	return p;
}
