#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* With its head at most what malloc() keeps at hand for the next event. */
#define CHUNK_SIZE 992

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

static struct arena_chunk *chunk_new(size_t size)
{
	struct arena_chunk *c = mem_alloc(sizeof(*c) + size);
	*c = (struct arena_chunk){.size = size};
	return c;
}

/* Not cleared. */
static void *take(struct arena *a, size_t size)
{
	size_t align = _Alignof(max_align_t);
	size = (size + align - 1) / align * align;
	struct arena_chunk *c = a->chunks;
	if (!c || c->size - c->used < size) {
		c = chunk_new(size > CHUNK_SIZE ? size : CHUNK_SIZE);
		/* A large one goes behind the current chunk, which may have room left. */
		if (size > CHUNK_SIZE && a->chunks) {
			c->next = a->chunks->next;
			a->chunks->next = c;
		} else {
			c->next = a->chunks;
			a->chunks = c;
		}
	}
	void *p = c->data + c->used;
	c->used += size;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(take(a, size), 0, size);
}

void *arena_copy(struct arena *a, const void *data, size_t len)
{
	void *p = take(a, len);
	if (len)
		memcpy(p, data, len);
	return p;
}

char *arena_string(struct arena *a, const char *text)
{
	return arena_copy(a, text, strlen(text) + 1);
}

char *arena_string_of(struct arena *a, const char *data, size_t len)
{
	char *p = take(a, len + 1);
	if (len)
		memcpy(p, data, len);
	p[len] = '\0';
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list args;
	va_start(args, fmt);
	buf_vprintf(&b, fmt, args);
	va_end(args);
	char *p = arena_string_of(a, b.data, b.len);
	buf_free(&b);
	return p;
}

void arena_free(struct arena *a)
{
	struct arena_chunk *c = a->chunks;
	while (c) {
		struct arena_chunk *next = c->next;
		free(c);
		c = next;
	}
	a->chunks = NULL;
}
