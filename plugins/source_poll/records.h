/*
 * The elements of a JSON array, each with the bytes that stand there. The text
 * has been found valid by the core; so brackets and quotes say enough, and one
 * pass over the bytes is all it takes, however many elements there are.
 */
#ifndef SOURCE_POLL_RECORDS_H
#define SOURCE_POLL_RECORDS_H

#include <onceway/plugin.h>

struct records {
	const char *at, *end; /* borrowed from the array */
};

/* array: the raw text of a valid array. */
void records_begin(struct records *r, struct ow_text array);
/* False: there are no more. */
bool records_next(struct records *r, struct ow_text *element);
size_t records_count(struct ow_text array);

#endif
