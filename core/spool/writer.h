/*
 * The spool's thread: carries out what is asked for, many requests in one transaction, and
 * sends back how each ended.
 */
#ifndef SPOOL_WRITER_H
#define SPOOL_WRITER_H

#include "spool/rows.h"

struct spool_request;
struct writer;

/*
 * rows and what setup points to are borrowed. Starts the thread. NULL: the rows cannot be
 * counted; SQLite knows why.
 */
struct writer *writer_new(struct rows *rows, const struct spool_setup *setup);
/* Does what was asked for, and ends the thread. NULL is fine. */
void writer_free(struct writer *w);

/* Takes the request over. From any thread. */
void writer_ask(struct writer *w, struct spool_request *r);
struct spool_counts writer_count(struct writer *w); /* from any thread */
const char *writer_obstacle(struct writer *w);	    /* from any thread */

#endif
