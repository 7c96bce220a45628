/*
 * A text that is being written: grows, and always ends with NUL. It may hold
 * secrets, so its memory is wiped before it is given back.
 */
#ifndef LIB_DRAFT_H
#define LIB_DRAFT_H

#include <onceway/plugin.h>

struct draft {
	char *data; /* owned; NULL before the first add */
	size_t len;
	size_t size;
};

#define DRAFT_EMPTY ((struct draft){NULL, 0, 0})

void draft_add(struct draft *d, struct ow_text text);
void draft_string(struct draft *d, const char *text);
void draft_char(struct draft *d, char c);
void draft_printf(struct draft *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* All that was added, never NULL. Borrowed until the next change. */
const char *draft_text(const struct draft *d);

void draft_clear(struct draft *d); /* keeps the memory, but not what is in it */
void draft_free(struct draft *d);
/* Gives the text away, to be freed with free(); d is empty afterwards. */
char *draft_take(struct draft *d);

#endif
