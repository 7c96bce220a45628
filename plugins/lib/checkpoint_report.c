#include "lib/checkpoint_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

/* While a checkpoint cannot be written, and always for the same reason, the log says so: */
#define ERROR_LOG_MS 600000

struct checkpoint_report {
	const struct ow_host *host;
	struct ow_instance *self;
	const char *path;
	struct ow_counter *errors, *time, *took, *bytes;
	char why[CHECKPOINT_WHY]; /* of the failure that was logged last; empty: it works */
	int64_t why_ms;
};

struct checkpoint_report *checkpoint_report_new(
    const struct ow_host *host, struct ow_instance *self, const char *path)
{
	struct checkpoint_report *r = alloc_zero(1, sizeof(*r));
	*r = (struct checkpoint_report){.host = host, .self = self, .path = path};
	r->errors = host->counter(self, "store_checkpoint_errors_total",
	    "Checkpoints that could not be written.", NULL, (struct ow_text){NULL, 0});
	r->time = host->gauge(self, "store_checkpoint_timestamp_seconds",
	    "When the last checkpoint was written, in seconds since 1970.");
	r->took = host->gauge(self, "store_checkpoint_duration_seconds",
	    "How long the last checkpoint took, rounded up to whole seconds.");
	r->bytes =
	    host->gauge(self, "store_checkpoint_size_bytes", "Size of the last checkpoint.");
	return r;
}

void checkpoint_report_free(struct checkpoint_report *r)
{
	free(r);
}

void checkpoint_report_loaded(struct checkpoint_report *r,
    const struct checkpoint_loaded *loaded, uint64_t restored, uint64_t present)
{
	char there[64] = "";
	if (!loaded->found) {
		r->host->log(r->self, OW_LOG_INFO,
		    "there is no checkpoint %s yet: nothing to restore", r->path);
		return;
	}
	if (present > 0)
		snprintf(there, sizeof(there), "; %" PRIu64 " were there", present);
	r->host->log(r->self, OW_LOG_INFO,
	    "%" PRIu64 " keys restored from %s%s, written %" PRId64 " s ago%s; %" PRIu64
	    " have expired meanwhile",
	    restored, r->path,
	    loaded->is_json ? " (JSON; the next checkpoint replaces it)" : "",
	    loaded->since_ms / 1000, there, loaded->expired);
	if (loaded->since_ms < 0)
		r->host->log(r->self, OW_LOG_WARNING,
		    "checkpoint %s is from the future: the clock was set back, so keys live "
		    "as long as if no time had passed",
		    r->path);
	r->host->gauge_set(r->time, (r->host->wall_ms(r->self) - loaded->since_ms) / 1000);
}

void checkpoint_report_saved(struct checkpoint_report *r, const struct checkpoint_saved *saved,
    int64_t wall_ms, int64_t mono_ms)
{
	int64_t took = r->host->mono_ms(r->self) - mono_ms;
	if (r->why[0])
		r->host->log(r->self, OW_LOG_INFO, "checkpoints can be written again");
	r->why[0] = '\0';
	r->host->gauge_set(r->time, wall_ms / 1000);
	r->host->gauge_set(r->took, (took + 999) / 1000);
	r->host->gauge_set(r->bytes, (int64_t)saved->bytes);
	r->host->log(r->self, OW_LOG_DEBUG,
	    "checkpoint: %" PRIu64 " keys, %" PRIu64 " bytes, %" PRId64 " ms", saved->keys,
	    saved->bytes, took);
}

void checkpoint_report_saved_last(
    struct checkpoint_report *r, const struct checkpoint_saved *saved)
{
	r->host->log(r->self, OW_LOG_INFO, "%" PRIu64 " keys kept in checkpoint %s",
	    saved->keys, r->path);
}

/* Again and again the same, but not for each checkpoint. */
void checkpoint_report_failed(struct checkpoint_report *r, uint64_t count, const char *why)
{
	int64_t now = r->host->mono_ms(r->self);
	r->host->count(r->errors, count);
	if (strcmp(why, r->why) == 0 && now - r->why_ms < ERROR_LOG_MS)
		return;
	snprintf(r->why, sizeof(r->why), "%s", why);
	r->why_ms = now;
	r->host->log(r->self, OW_LOG_ERROR, "%s; the one before is kept", why);
}

void checkpoint_report_failed_last(struct checkpoint_report *r)
{
	r->host->log(r->self, OW_LOG_ERROR,
	    "the last checkpoint was not written: what was delivered since the one before is "
	    "forgotten, and will be delivered again if it is repeated");
}
