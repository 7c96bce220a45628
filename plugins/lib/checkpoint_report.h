/*
 * What is said about a store's checkpoints, in the log and by metrics. Belongs
 * to one instance, and is used on its thread.
 */
#ifndef LIB_CHECKPOINT_REPORT_H
#define LIB_CHECKPOINT_REPORT_H

#include "lib/checkpoint_file.h"

struct checkpoint_report;

/* All borrowed for its life. In create(): it makes the metrics. */
struct checkpoint_report *checkpoint_report_new(
    const struct ow_host *host, struct ow_instance *self, const char *path);
void checkpoint_report_free(struct checkpoint_report *r); /* NULL is fine */

/* Of the keys that live on, so many are back, and so many had been there all the time. */
void checkpoint_report_loaded(struct checkpoint_report *r,
    const struct checkpoint_loaded *loaded, uint64_t restored, uint64_t present);

/* One is written, as of wall_ms; begun at mono_ms. */
void checkpoint_report_saved(struct checkpoint_report *r, const struct checkpoint_saved *saved,
    int64_t wall_ms, int64_t mono_ms);
/* The same of the last one, when shutting down. */
void checkpoint_report_saved_last(
    struct checkpoint_report *r, const struct checkpoint_saved *saved);

/* So many could not be written, the last one for this reason. */
void checkpoint_report_failed(struct checkpoint_report *r, uint64_t count, const char *why);
void checkpoint_report_failed_last(struct checkpoint_report *r);

#endif
