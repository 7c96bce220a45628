/* A growing run of bytes, kept NUL-terminated so that it can be read as a string. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include <onceway/event.h>

struct buf {
	char *data; /* never NULL after the first add; owned */
	size_t len;
	size_t size;
};

#define BUF_INIT ((struct buf){NULL, 0, 0})

void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_text(struct buf *b, struct ow_text t);
void buf_add_string(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/*
 * Adds bytes as a JSON string with quotes. Bytes that are not UTF-8 become
 * U+FFFD, so the output is always valid JSON.
 */
void buf_add_json(struct buf *b, struct ow_text t);

void buf_clear(struct buf *b); /* keeps the memory */
void buf_free(struct buf *b);

/* Gives the bytes away; the caller frees them. b is empty afterwards. */
char *buf_take(struct buf *b);

static inline struct ow_text buf_text(const struct buf *b)
{
	return (struct ow_text){b->data ? b->data : "", b->len};
}

#endif
