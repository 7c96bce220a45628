/*
 * Duplicate counters in Redis, one per label, as the CXone tutorial has them:
 * `INCR cxone:metrics:duplicates:<triggerId>`, kept for 24 hours. Counted here
 * and added up there once a second, so that a flood of duplicates costs Redis
 * one command per label and second. Best effort: what a second held is lost
 * with the process, and beyond a bound of labels a second, with the label.
 */
#ifndef STORE_REDIS_LABEL_COUNTS_H
#define STORE_REDIS_LABEL_COUNTS_H

#include "store_redis/store.h"

struct label_counts *label_counts_new(struct store *s);
void label_counts_free(struct label_counts *counts); /* the nodes are gone; NULL is fine */

void label_counts_add(struct label_counts *counts, struct ow_text label);
/* Sends what there is, now. */
void label_counts_flush(struct label_counts *counts);

#endif
