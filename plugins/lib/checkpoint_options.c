#include "lib/checkpoint_options.h"

#include <string.h>

void checkpoint_options_check(
    const struct checkpoint_options *options, const struct ow_report *report)
{
	const char *path = options->path;
	size_t len = path ? strlen(path) : 0;
	if (path && (len == 0 || path[len - 1] == '/'))
		report->complain(
		    report, "checkpoint", "must name a file, such as /var/lib/onceway/keys");
	if (!path && report->size >= sizeof(*report) &&
	    report->given(report, "checkpoint_interval"))
		report->complain(
		    report, "checkpoint_interval", "is of no use without `checkpoint: FILE`");
}
